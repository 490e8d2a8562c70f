"""Waits by error class, Retry-After, the circuit breaker: numbers of the reliability rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stock_pipeline.errors import (
    AuthError,
    BadPayload,
    NetworkError,
    RateLimited,
    SchemaDrift,
    ServerError,
    Timeout,
    UpstreamError,
)
from stock_pipeline.sources.retry import (
    WAITS,
    Breaker,
    next_midnight_kst,
    next_wait,
    parse_retry_after,
)

NOW = datetime(2026, 3, 13, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("error", "waits"),
    [
        (Timeout("S", "op"), [30, 60, 120, None]),
        (ServerError("S", "op"), [30, 60, 120, None]),
        (NetworkError("S", "op"), [10, 10, 10, None]),
        (RateLimited("S", "op"), [60, 60, None]),
        (RateLimited("S", "op", retry_after=5), [5, 5, None]),
        (BadPayload("S", "op"), [60, None]),
        (SchemaDrift("S", "op", "close"), [None]),
        (AuthError("S", "op", setting="KEY"), [None]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, UpstreamError) else "",
)
def test_each_class_has_its_waits(error: UpstreamError, waits: list[float | None]) -> None:
    assert [next_wait(error, n, WAITS, 1.0) for n in range(len(waits))] == waits


def test_waits_are_stretched_but_a_demanded_one_never_over_its_limit() -> None:
    assert next_wait(Timeout("S", "op"), 0, WAITS, 1.3) == pytest.approx(39)
    assert next_wait(RateLimited("S", "op", retry_after=300), 0, WAITS, 1.3) == 300


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("-5", 0),
        ("0", 0),
        ("1.5", 1.5),
        ("300", 300),
        ("301", 300),
        ("1e999", 300),
        ("9" * 400, 300),
        ("Fri, 13 Mar 2026 09:00:40 GMT", 40),
        ("Fri, 13 Mar 2026 09:00:40 -0000", 40),
        ("Fri, 13 Mar 2026 18:00:40 +0900", 40),
        ("Fri, 13 Mar 2020 09:00:00 GMT", 0),
        ("Fri, 13 Mar 9999 09:00:00 GMT", 300),
        ("Fri, 13 Mar 99999 09:00:00 GMT", None),
    ],
)
def test_f04_retry_after_is_read_as_seconds_or_date(
    value: str | None, seconds: float | None
) -> None:
    assert parse_retry_after(value, NOW) == seconds


@given(st.text() | st.floats().map(str) | st.integers().map(str))
def test_f04_any_retry_after_stays_within_its_limits(value: str) -> None:
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or 0 <= seconds <= 300


@given(st.integers(-400, 400))
def test_f04_a_date_means_the_seconds_until_then(offset: int) -> None:
    value = format_datetime(NOW + timedelta(seconds=offset), usegmt=True)
    assert parse_retry_after(value, NOW) == min(max(offset, 0), 300)


@pytest.mark.parametrize(
    ("now", "midnight"),
    [
        (datetime(2026, 3, 13, 14, 59, 59, tzinfo=UTC), datetime(2026, 3, 13, 15, tzinfo=UTC)),
        (datetime(2026, 3, 13, 15, 0, 0, tzinfo=UTC), datetime(2026, 3, 14, 15, tzinfo=UTC)),
    ],
)
def test_allowances_start_anew_at_midnight_in_seoul(now: datetime, midnight: datetime) -> None:
    assert next_midnight_kst(now) == midnight


def _breaker(outcomes: str) -> Breaker:
    breaker = Breaker()
    for outcome in outcomes:
        breaker.failed() if outcome == "x" else breaker.succeeded()
    return breaker


@pytest.mark.parametrize(
    ("outcomes", "reason"),
    [
        ("x" * 9, None),
        ("x" * 10, "10 failures in a row"),
        ("x" * 9 + "." + "x" * 9, None),
        ("." * 39 + "x" + "....x" * 2, None),  # 3 of 50
        (".x" * 24 + ".", None),  # 24 of 49: too few requests to judge
        (".x" * 25, "25 of 50 requests failed"),
        ("...." * 10 + "....x" * 2, None),  # 2 of 50
        ("....x" * 10, None),  # 10 of 50 is exactly a fifth
        ("....x" * 9 + "...xx", "11 of 50 requests failed"),
    ],
)
def test_the_breaker_opens_after_ten_in_a_row_or_over_a_fifth_of_fifty(
    outcomes: str, reason: str | None
) -> None:
    assert _breaker(outcomes).reason() == reason
