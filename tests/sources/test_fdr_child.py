"""What a request of FinanceDataReader that failed means."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stock_pipeline.errors import (
    BadPayload,
    BadRequest,
    NetworkError,
    RateLimited,
    ServerError,
    Timeout,
    UpstreamError,
)
from stock_pipeline.sources.fdr_child import Request, failure_of
from stock_pipeline.sources.transport_wire import Answer

NOW = datetime(2026, 3, 13, 9, 0, tzinfo=UTC)

FAILURES: list[tuple[str, int, str, type[UpstreamError]]] = [
    ("file", 0, "timeout", Timeout),
    ("file", 0, "network", NetworkError),
    ("chart", 200, "large", BadPayload),
    ("chart", 429, "", RateLimited),
    ("file", 429, "", RateLimited),
    ("chart", 422, "", BadRequest),
    ("chart", 500, "", ServerError),
    ("file", 404, "", ServerError),
]


def _request(what: str, status: int, failure: str = "", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(what, "2026", Answer("FDR", "prices KS200", status, named, b""), failure, False)


@pytest.mark.parametrize(
    ("what", "status", "failure", "kind"), FAILURES, ids=[f"{w} {s}{f}" for w, s, f, _ in FAILURES]
)
def test_a_failed_request_is_the_error_that_fits(
    what: str, status: int, failure: str, kind: type[UpstreamError]
) -> None:
    request = _request(what, status, failure)
    assert request.failed
    assert type(failure_of(request, NOW)) is kind


def test_f04_who_asks_for_a_rest_gets_it() -> None:
    error = failure_of(_request("chart", 429, Retry_After="17"), NOW)
    assert isinstance(error, RateLimited)
    assert error.retry_after == 17.0
    silent = failure_of(_request("chart", 429), NOW)
    assert isinstance(silent, RateLimited)
    assert silent.retry_after is None


def test_an_answer_is_no_failure_unless_it_is_the_block_page() -> None:
    assert not _request("chart", 200).failed
    answer = Answer("FDR", "listing KRX", 200, {}, b"")
    assert Request("bundle", "executeForResourceBundle.cmd", answer, "", True).failed
