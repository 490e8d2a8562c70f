"""What CoinGecko says when it does not answer: its codes, their statuses and their words.

The shapes of 422 and 429 are recorded, that of 10012 is quoted by those who met it; the other codes
are described on the page of errors and wear the shape of 429.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from stock_pipeline.twin.wire import Answer, Request, operation_of

JSON = "application/json; charset=utf-8"
_PRICING = "https://www.coingecko.com/en/api/pricing"
# Code → HTTP status and words.
CODES = {
    429: (
        429,
        f"You've exceeded the Rate Limit. Please visit {_PRICING} to subscribe to our API plans "
        "for higher rate limits.",
    ),
    10002: (401, "API Key Missing"),
    10005: (
        401,
        "This request is limited to PRO API subscribers. Please subscribe to a plan that has it: "
        f"{_PRICING}",
    ),
    10010: (
        400,
        "If you are using Pro API key, please change your root URL from api.coingecko.com to "
        "pro-api.coingecko.com",
    ),
    10011: (
        400,
        "If you are using Demo API key, please change your root URL from pro-api.coingecko.com to "
        "api.coingecko.com",
    ),
}
_TOO_OLD = (
    "Your request exceeds the allowed time range. Public API users are limited to querying "
    "historical data within the past 365 days. Upgrade to a paid plan to enjoy full historical "
    f"data access: {_PRICING}. "
)
_CDN_CODE = "1020"


def refusal(code: int, operation: str, headers: dict[str, str] | None = None) -> Answer:
    """Refuse a request with one of the codes."""
    status, message = CODES[code]
    content = {"status": {"error_code": code, "error_message": message}}
    return _answer(status, content, operation, headers)


def complaint(status: int, message: str, operation: str) -> Answer:
    """Say what is wrong with a request: 400, 404 or 422 with a few words."""
    return _answer(status, {"error": message}, operation)


def too_old(now: datetime, operation: str) -> Answer:
    """Refuse days that only a paid plan may see; the status stands one level deeper here."""
    timestamp = now.astimezone(UTC).isoformat(timespec="milliseconds")
    status = {"timestamp": timestamp, "error_code": 10012, "error_message": _TOO_OLD}
    return _answer(401, {"error": {"status": status}}, operation)


def played(value: str, request: Request) -> Answer:
    """Answer with a code as a fault: `429`, `429:30` with that Retry-After, `1020` by the CDN."""
    code, _, seconds = value.partition(":")
    operation = operation_of(request)
    if code == _CDN_CODE:
        return Answer(403, b"error code: 1020", "text/plain; charset=UTF-8", operation)
    return refusal(int(code), operation, {"Retry-After": seconds} if seconds else None)


def _answer(
    status: int, content: Any, operation: str, headers: dict[str, str] | None = None
) -> Answer:
    cache = {"Cache-Control": "no-cache"}
    return Answer(status, orjson.dumps(content), JSON, operation, cache | (headers or {}))
