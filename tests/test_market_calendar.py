"""Sessions and hours, on both sides of every day that some library has had wrong."""

from __future__ import annotations

import csv
import gzip
import io
import time as machine_time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from stock_pipeline.market_calendar import MarketCalendar

KST = ZoneInfo("Asia/Seoul")


class HeldClock:
    """A clock that stands on a day of 2026."""

    def now(self) -> datetime:
        """Return the held instant."""
        return datetime(2026, 3, 13, 9, 0, tzinfo=UTC)

    def monotonic(self) -> float:
        """Return 0."""
        return 0.0

    def sleep(self, seconds: float) -> None:
        """Do not wait."""


@pytest.fixture(scope="module")
def calendar() -> MarketCalendar:
    """Return one calendar for all tests: building it takes two seconds."""
    return MarketCalendar(HeldClock())


@pytest.fixture(params=["Asia/Seoul", "America/New_York", "UTC"])
def machine_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Put the machine into another time zone for one test."""
    monkeypatch.setenv("TZ", request.param)
    machine_time.tzset()
    yield request.param
    monkeypatch.undo()
    machine_time.tzset()


CLOSED = [
    ("2026-06-03", "local election, a session in exchange_calendars"),
    ("2026-07-17", "Constitution Day, a holiday again since 2026"),
    ("2027-05-03", "substitute for Labour Day on a Saturday"),
    ("2027-07-19", "substitute for Constitution Day on a Saturday"),
    ("2026-09-24", "day before Chuseok"),
    ("2026-09-25", "Chuseok"),
    ("2026-12-31", "year-end closing"),
    ("2026-03-02", "substitute for Independence Movement Day"),
    ("2026-05-25", "substitute for Buddha's Birthday"),
    ("2026-03-14", "Saturday"),
    ("2021-01-03", "Sunday of the recorded all-dash answer"),
    ("1995-06-27", "local election"),
    ("1995-12-28", "override: the index series have no close"),
    ("1996-04-11", "general election"),
    ("1996-11-23", "override: a Saturday without a close"),
    ("1996-12-28", "override: a Saturday without a close"),
    ("1998-06-04", "local election"),
]
OPEN = [
    ("2026-06-02", "before the election"),
    ("2026-06-04", "after the election"),
    ("2026-07-16", "before Constitution Day"),
    ("2026-07-20", "after Constitution Day"),
    ("2027-04-30", "before the long Labour Day weekend"),
    ("2027-05-04", "after it"),
    ("2027-07-16", "before Constitution Day"),
    ("2027-07-20", "after its substitute"),
    ("2026-09-23", "before Chuseok"),
    ("2026-09-28", "after Chuseok"),
    ("2026-12-30", "last session of the year"),
    ("2027-01-04", "first session of the next year"),
    ("2020-12-30", "recorded all-stock day"),
    ("1996-11-30", "in 1996 Saturdays were sessions"),
    ("2018-05-04", "first session of Samsung Electronics after its split"),
]


@pytest.mark.parametrize(("day", "reason"), CLOSED)
def test_the_exchange_is_closed(calendar: MarketCalendar, day: str, reason: str) -> None:
    assert not calendar.is_session("XKRX", date.fromisoformat(day)), reason


@pytest.mark.parametrize(("day", "reason"), OPEN)
def test_the_exchange_is_open(calendar: MarketCalendar, day: str, reason: str) -> None:
    assert calendar.is_session("XKRX", date.fromisoformat(day)), reason


HOURS = [
    *(
        (day, "10:00", "16:30", "college entrance exam")
        for day in (
            "2020-12-03",
            "2021-11-18",
            "2022-11-17",
            "2023-11-16",
            "2024-11-14",
            "2025-11-13",
            "2026-11-19",
        )
    ),
    ("2026-11-18", "09:00", "15:30", "day before the exam"),
    ("2026-11-20", "09:00", "15:30", "day after the exam"),
    ("2026-01-02", "10:00", "15:30", "first session of the year opens late"),
    ("2026-01-05", "09:00", "15:30", "second session of the year"),
    ("2027-12-30", "09:00", "15:30", "last session of the last year that is built"),
    ("2016-07-29", "09:00", "15:00", "last session before the hours were extended"),
    ("2016-08-01", "09:00", "15:30", "first session with the longer hours"),
]


@pytest.mark.parametrize(("day", "opens", "closes", "reason"), HOURS)
def test_hours_are_those_of_the_exchange(
    calendar: MarketCalendar, day: str, opens: str, closes: str, reason: str
) -> None:
    hours = calendar.hours("XKRX", date.fromisoformat(day))
    assert hours is not None
    assert [instant.utcoffset() for instant in hours] == [timedelta(0)] * 2
    assert [f"{instant.astimezone(KST):%H:%M}" for instant in hours] == [opens, closes], reason


def test_new_york_closes_early_and_follows_summer_time(calendar: MarketCalendar) -> None:
    assert calendar.hours("XNYS", date(2026, 3, 6)) == (
        datetime(2026, 3, 6, 14, 30, tzinfo=UTC),
        datetime(2026, 3, 6, 21, 0, tzinfo=UTC),
    )
    assert calendar.hours("XNYS", date(2026, 3, 9)) == (
        datetime(2026, 3, 9, 13, 30, tzinfo=UTC),
        datetime(2026, 3, 9, 20, 0, tzinfo=UTC),
    )
    assert calendar.hours("XNYS", date(2026, 11, 27)) == (
        datetime(2026, 11, 27, 14, 30, tzinfo=UTC),
        datetime(2026, 11, 27, 18, 0, tzinfo=UTC),
    )
    assert calendar.hours("XNYS", date(2026, 7, 3)) is None


def test_sessions_are_those_between_two_days_both_included(calendar: MarketCalendar) -> None:
    assert calendar.sessions("XKRX", date(2026, 9, 23), date(2026, 9, 28)) == [
        date(2026, 9, 23),
        date(2026, 9, 28),
    ]
    assert calendar.sessions("XKRX", date(2026, 9, 24), date(2026, 9, 27)) == []


@pytest.mark.parametrize(
    ("day", "before"),
    [
        (date(2026, 9, 28), date(2026, 9, 23)),  # over a long holiday
        (date(2026, 9, 26), date(2026, 9, 23)),  # from within it
        (date(2027, 1, 4), date(2026, 12, 30)),  # over the turn of the year
        (date(2026, 3, 13), date(2026, 3, 12)),  # an ordinary Friday
    ],
)
def test_the_previous_session_lies_before_the_day(
    calendar: MarketCalendar, day: date, before: date
) -> None:
    assert calendar.previous_session("XKRX", day) == before


def test_figures_are_published_45_minutes_after_the_close(
    calendar: MarketCalendar, machine_zone: str
) -> None:
    assert calendar.published_at("XKRX", date(2026, 3, 13)) == datetime(
        2026, 3, 13, 16, 15, tzinfo=KST
    )
    assert calendar.published_at("XKRX", date(2026, 11, 19)) == datetime(
        2026, 11, 19, 17, 15, tzinfo=KST
    )
    with pytest.raises(ValueError, match="2026-03-14 is no session"):
        calendar.published_at("XKRX", date(2026, 3, 14))


@pytest.mark.parametrize(
    ("now", "last"),
    [
        (datetime(2026, 3, 13, 16, 14, 59, tzinfo=KST), date(2026, 3, 12)),  # a second too early
        (datetime(2026, 3, 13, 16, 15, tzinfo=KST), date(2026, 3, 13)),  # published
        (datetime(2026, 3, 14, 15, 0, tzinfo=UTC), date(2026, 3, 13)),  # Sunday in Seoul
        (datetime(2026, 3, 15, 15, 0, tzinfo=UTC), date(2026, 3, 13)),  # Monday 00:00 in Seoul
        (datetime(2026, 6, 3, 18, 0, tzinfo=KST), date(2026, 6, 2)),  # evening of an election
    ],
)
def test_closed_sessions_end_with_the_last_published_one(
    calendar: MarketCalendar, machine_zone: str, now: datetime, last: date
) -> None:
    assert calendar.closed_sessions("XKRX", now)[-1] == last


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        (date(2026, 3, 13), None),  # an ordinary session
        (date(2026, 3, 14), "Saturday"),
        (date(2026, 6, 3), "Local Election Day"),
        (date(2026, 12, 31), "End of Year Holiday"),
        (date(2026, 11, 19), "override"),  # a session with other hours
        (date(1996, 11, 23), "override"),  # closed only by an override
        (date(1999, 12, 31), "exchange holiday"),  # before the library's list of the exchange
    ],
)
def test_a_day_says_why_it_is_unusual(
    calendar: MarketCalendar, day: date, reason: str | None
) -> None:
    assert calendar.days("XKRX", day, day)[0].reason == reason


def test_the_calendar_reaches_to_the_end_of_next_year(calendar: MarketCalendar) -> None:
    assert calendar.horizon() == date(2027, 12, 31)


@pytest.mark.parametrize("day", [date(1994, 12, 31), date(2051, 1, 1), date(2999, 12, 31)])
def test_a_day_outside_the_calendar_is_an_error_not_a_holiday(
    calendar: MarketCalendar, day: date
) -> None:
    with pytest.raises(ValueError, match="outside the calendar"):
        calendar.is_session("XKRX", day)


def test_nothing_comes_before_the_first_session(calendar: MarketCalendar) -> None:
    with pytest.raises(ValueError, match="the calendar begins later"):
        calendar.previous_session("XKRX", date(1995, 1, 3))


@pytest.mark.parametrize(
    ("market", "day", "after"),
    [
        ("XNYS", date(2026, 3, 12), date(2026, 3, 13)),
        ("XNYS", date(2026, 3, 13), date(2026, 3, 16)),  # over a weekend
        ("XNYS", date(2026, 3, 14), date(2026, 3, 16)),  # from a day without a session
        ("XNYS", date(2026, 4, 2), date(2026, 4, 6)),  # over Good Friday
        ("XNYS", date(2001, 9, 10), date(2001, 9, 17)),
        ("XKRX", date(2017, 9, 29), date(2017, 10, 10)),  # the longest gap
        ("XNYS", date(2027, 12, 31), date(2028, 1, 3)),  # beyond the calendar built so far
    ],
)
def test_the_next_session_lies_after_the_day(
    calendar: MarketCalendar, market: str, day: date, after: date
) -> None:
    assert calendar.next_session(market, day) == after


@pytest.mark.parametrize("series", ["year_ks11", "year_kq11"])
def test_sessions_are_exactly_the_days_with_an_index_close(
    calendar: MarketCalendar, recorded: Path, series: str
) -> None:
    days = set()
    for path in (recorded / "fdr" / "index" / series).glob("*.csv.gz"):
        with io.TextIOWrapper(gzip.open(path), "utf-8-sig", newline="") as lines:
            days |= {date.fromisoformat(row["Date"][:10]) for row in csv.DictReader(lines)}
    assert len(days) > 7_000
    assert calendar.sessions("XKRX", min(days), max(days)) == sorted(days)
