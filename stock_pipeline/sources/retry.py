"""When a failed request is sent again: waits by error class, Retry-After, the circuit breaker.

The table is section 2 of the reliability rules as data. A source that needs other waits passes its
own entries; everything not listed is never sent again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from email.utils import parsedate_to_datetime

from stock_pipeline.clock import KST
from stock_pipeline.errors import (
    BadPayload,
    NetworkError,
    RateLimited,
    ServerError,
    Timeout,
    UpstreamError,
)

# The n-th number is the wait in seconds before the n-th repetition.
Waits = Mapping[type[UpstreamError], tuple[float, ...]]

WAITS: Waits = {
    Timeout: (30, 60, 120),
    ServerError: (30, 60, 120),
    NetworkError: (10, 10, 10),
    RateLimited: (60, 60),
    BadPayload: (60,),
}

# Of sources that are asked again within the day anyway: one repetition, and a short rest after a
# refusal that names none.
ONE_RETRY: Waits = {
    Timeout: (30,),
    ServerError: (30,),
    NetworkError: (10,),
    RateLimited: (2,),
    BadPayload: (60,),
}

# Waits are stretched at random, so that processes that failed together do not return together.
JITTER = (1.0, 1.3)

LONGEST_RETRY_AFTER = 300.0


def next_wait(error: UpstreamError, repetition: int, waits: Waits, stretch: float) -> float | None:
    """Return the seconds before the given repetition (0 = the first), or None to give up.

    An upstream that says when to come back is never asked earlier, and never later than 300 s.
    """
    allowed = waits.get(type(error), ())
    if repetition >= len(allowed):
        return None
    if isinstance(error, RateLimited) and error.retry_after is not None:
        return min(error.retry_after * stretch, LONGEST_RETRY_AFTER)
    return allowed[repetition] * stretch


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, within 0…300.

    Missing  None when the header is absent or cannot be read
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _seconds_until(value, now)
    return None if math.isnan(seconds) else min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def _seconds_until(value: str, now: datetime) -> float:
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError, IndexError, OverflowError):
        return math.nan
    # A date that ends in -0000 has no zone; HTTP dates are always UTC (RFC 9110, 5.6.7).
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - now).total_seconds()


def next_midnight_kst(now: datetime) -> datetime:
    """Return the instant at which the day's allowances of the Korean upstreams start anew."""
    tomorrow = now.astimezone(KST).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), KST).astimezone(UTC)


class Breaker:
    """Counts the requests of one source in one run and says when to stop asking."""

    IN_A_ROW = 10
    SHARE = 0.2
    ENOUGH_REQUESTS = 50

    def __init__(self) -> None:
        self._requests = 0
        self._failures = 0
        self._in_a_row = 0

    def succeeded(self) -> None:
        """Count an answer that could be used."""
        self._requests += 1
        self._in_a_row = 0

    def failed(self) -> None:
        """Count a failure of any class."""
        self._requests += 1
        self._failures += 1
        self._in_a_row += 1

    def reason(self) -> str | None:
        """Return why the source must not be asked again in this run, or None."""
        if self._in_a_row >= self.IN_A_ROW:
            return f"{self._in_a_row} failures in a row"
        if self._requests >= self.ENOUGH_REQUESTS and self._failures > self.SHARE * self._requests:
            return f"{self._failures} of {self._requests} requests failed"
        return None
