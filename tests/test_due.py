"""What should be stored by now: sessions, weekdays, weeks, quarters, and the reports in titles."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from stock_pipeline.clock import KST
from stock_pipeline.due import (
    Due,
    after,
    days_of_last_quarter,
    due_partitions,
    every,
    last_days,
    last_sessions,
    last_utc_days,
    last_weekdays,
    newest_due_annual,
    newest_due_quarter,
    quarter_of,
    reported_quarter,
    running,
    sessions_of_two_weeks,
    this_month,
    this_week,
    today_in_winter,
)
from stock_pipeline.errors import SettingMissing
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.storage.collection_log import Closing, CollectionLog, Entry
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Date, key, table
from stock_pipeline.work import PartitionKind, Work

CALENDAR = MarketCalendar()


def seoul(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=KST)


@pytest.mark.parametrize(
    ("now", "newest"),
    [
        ("2026-03-13 16:14", "2026-03-12"),  # a minute before the close plus 45 minutes
        ("2026-03-13 16:15", "2026-03-13"),
        ("2026-03-14 12:00", "2026-03-13"),  # Saturday
        ("2026-09-23 16:30", "2026-09-23"),  # the day before Chuseok
        ("2026-09-24 16:30", "2026-09-23"),  # Chuseok
        ("2026-09-27 16:30", "2026-09-23"),  # Sunday after Chuseok
        ("2026-09-28 16:14", "2026-09-23"),
        ("2026-09-28 16:30", "2026-09-28"),
        ("2026-12-31 16:30", "2026-12-30"),  # closed on the last day of the year
        ("2026-11-19 17:14", "2026-11-18"),  # entrance exam: the session ends at 16:30
        ("2026-11-19 17:15", "2026-11-19"),
    ],
)
def test_a_session_counts_from_45_minutes_after_its_close(now: str, newest: str) -> None:
    assert last_sessions(CALENDAR, seoul(now), count=1) == [date.fromisoformat(newest)]


def test_last_sessions_step_over_holidays_oldest_first() -> None:
    found = last_sessions(CALENDAR, seoul("2026-09-28 16:30"), count=3)
    assert found == [date(2026, 9, 22), date(2026, 9, 23), date(2026, 9, 28)]


@pytest.mark.parametrize(
    ("now", "days"),
    [
        ("2026-03-13 19:00", [11, 12, 13]),  # Friday
        ("2026-03-15 19:00", [11, 12, 13]),  # Sunday
        ("2026-03-16 00:01", [12, 13, 16]),  # Monday, still Sunday in UTC
    ],
)
def test_last_weekdays_leave_out_weekends(now: str, days: list[int]) -> None:
    found = last_weekdays(CALENDAR, seoul(now), count=3)
    assert found == [date(2026, 3, day) for day in days]


@pytest.mark.parametrize(
    ("now", "saturday"),
    [
        ("2026-03-13 10:00", "2026-03-07"),  # Friday belongs to the week before
        ("2026-03-14 00:00", "2026-03-14"),
        ("2026-03-14 10:00", "2026-03-14"),
        ("2026-03-16 10:00", "2026-03-14"),
    ],
)
def test_week_begins_on_saturday(now: str, saturday: str) -> None:
    assert this_week(CALENDAR, seoul(now)) == [date.fromisoformat(saturday)]


@pytest.mark.parametrize(
    ("now", "quarter"),
    [
        ("2026-03-30 11:00", "2025-07-01"),  # annual reports have until 31 March
        ("2026-03-31 11:00", "2025-10-01"),
        ("2026-05-14 11:00", "2025-10-01"),  # first quarter: 45 days, 15 May
        ("2026-05-15 11:00", "2026-01-01"),
        ("2026-08-13 11:00", "2026-01-01"),  # half year: 14 August
        ("2026-08-14 11:00", "2026-04-01"),
        ("2026-11-13 11:00", "2026-04-01"),  # third quarter: 14 November
        ("2026-11-14 11:00", "2026-07-01"),
        ("2024-03-29 11:00", "2023-07-01"),  # leap year: the 90 days end on 30 March
        ("2024-03-30 11:00", "2023-10-01"),
    ],
)
def test_newest_due_quarter_changes_on_the_filing_deadline(now: str, quarter: str) -> None:
    assert newest_due_quarter(CALENDAR, seoul(now)) == [date.fromisoformat(quarter)]


@pytest.mark.parametrize(
    ("now", "quarter"),
    [
        ("2026-03-30 11:30", "2024-10-01"),  # the year 2025 has until 31 March
        ("2026-03-31 11:30", "2025-10-01"),
        ("2026-11-21 11:30", "2025-10-01"),  # later quarters are no annual reports
    ],
)
def test_newest_due_annual_report_is_that_of_the_last_year_that_had_to_be_filed(
    now: str, quarter: str
) -> None:
    assert newest_due_annual(CALENDAR, seoul(now)) == [date.fromisoformat(quarter)]


@pytest.mark.parametrize(
    ("now", "days"),
    [
        # Saturday: this week and the one before, whose Monday is a holiday
        ("2026-03-14 12:00", [3, 4, 5, 6, 9, 10, 11, 12, 13]),
        ("2026-03-20 12:00", [9, 10, 11, 12, 13, 16, 17, 18, 19]),  # Friday before its close
    ],
)
def test_sessions_of_two_weeks_are_those_of_fourteen_days(now: str, days: list[int]) -> None:
    assert [day.day for day in sessions_of_two_weeks(CALENDAR, seoul(now))] == days


@pytest.mark.parametrize(
    ("now", "first"), [("2026-03-01 00:00", "2026-03-01"), ("2026-03-31 23:59", "2026-03-01")]
)
def test_the_running_month_begins_on_its_first_day(now: str, first: str) -> None:
    assert this_month(CALENDAR, seoul(now)) == [date.fromisoformat(first)]


@pytest.mark.parametrize(
    ("now", "first", "last", "count"),
    [
        ("2026-01-01 14:00", "2025-10-01", "2025-12-31", 92),
        ("2026-04-01 14:00", "2026-01-01", "2026-03-31", 90),
    ],
)
def test_last_quarter_is_the_one_before_the_running_one(
    now: str, first: str, last: str, count: int
) -> None:
    days = days_of_last_quarter(CALENDAR, seoul(now))
    assert (days[0].isoformat(), days[-1].isoformat(), len(days)) == (first, last, count)


@pytest.mark.parametrize(
    ("day", "quarter"),
    [("2026-03-31", "2026-01-01"), ("2026-04-01", "2026-04-01"), ("2026-12-31", "2026-10-01")],
)
def test_quarter_begins_in_january_april_july_october(day: str, quarter: str) -> None:
    assert quarter_of(date.fromisoformat(day)) == date.fromisoformat(quarter)


@pytest.mark.parametrize(
    ("kind", "partition", "following"),
    [
        ("day", "2026-03-13", "2026-03-14"),
        ("utc_day", "2026-12-31", "2027-01-01"),
        ("week", "2026-03-07", "2026-03-14"),
        ("month", "2026-01-01", "2026-02-01"),
        ("month", "2026-12-01", "2027-01-01"),
        ("quarter", "2026-07-01", "2026-10-01"),  # the longest, of 92 days
        ("quarter", "2026-10-01", "2027-01-01"),
    ],
)
def test_a_partition_is_followed_by_the_next_of_its_kind(
    kind: PartitionKind, partition: str, following: str
) -> None:
    assert after(kind, date.fromisoformat(partition)) == date.fromisoformat(following)


@pytest.mark.parametrize(
    ("kind", "partition"),
    [
        ("day", "2026-03-14"),
        ("utc_day", "2026-03-13"),
        ("week", "2026-03-14"),  # it begins at midnight in Seoul
        ("month", "2026-03-01"),
        ("quarter", "2026-01-01"),
    ],
)
def test_the_running_partition_is_that_of_the_day_in_seoul_or_utc(
    kind: PartitionKind, partition: str
) -> None:
    assert running(kind, seoul("2026-03-14 00:30")) == date.fromisoformat(partition)


@pytest.mark.parametrize(
    ("cadence", "told", "found"),
    [
        ("krx_close", {"sessions": "XKRX"}, [27, 3, 4]),  # 2 March is a holiday
        ("filings_daily", {}, [27, 2, 3, 4]),
        ("liquidity_dawn", {}, [27, 28, 1, 2, 3, 4]),
    ],
)
def test_a_table_should_have_every_day_on_which_its_cadence_has_something(
    cadence: str, told: dict[str, Any], found: list[int]
) -> None:
    work = Work(table("days", key("date", Date, "day")), partitions="day", **told)
    days = every(work, cadence, CALENDAR, date(2026, 2, 27), date(2026, 3, 4))
    assert [day.day for day in days] == found


@pytest.mark.parametrize(
    ("title", "quarter"),
    [
        ("분기보고서 (2024.09)", date(2024, 7, 1)),
        ("사업보고서 (2024.12)", date(2024, 10, 1)),
        ("[기재정정]반기보고서 (2024.06)", date(2024, 4, 1)),
        ("주요사항보고서(유상증자결정)", None),  # no period
        ("사업보고서 (2014.12)", None),  # before DART has statements
        ("사업보고서 (2024.13)", None),  # no month
        ("사업보고서 (2099.12)", None),  # a period that has not begun
    ],
)
def test_title_of_a_periodic_report_tells_its_quarter(title: str, quarter: date | None) -> None:
    assert reported_quarter(title, date(2026, 3, 13)) == quarter


@pytest.mark.parametrize(
    ("now", "seoul_days", "utc_days"),
    [
        ("2026-03-13 06:00", [12, 13], [11, 12]),  # at dawn the UTC day of the day before runs
        ("2026-03-13 08:59", [12, 13], [11, 12]),
        ("2026-03-13 09:00", [12, 13], [12, 13]),
    ],
)
def test_days_end_with_the_running_one(
    now: str, seoul_days: list[int], utc_days: list[int]
) -> None:
    assert [day.day for day in last_days(CALENDAR, seoul(now), count=2)] == seoul_days
    assert [day.day for day in last_utc_days(CALENDAR, seoul(now), count=2)] == utc_days


@pytest.mark.parametrize(
    ("now", "is_winter"),
    [
        ("2026-03-08 06:20", True),  # New York's clocks go forward at 16:00 of this day in Seoul
        ("2026-03-09 06:20", False),
        ("2026-11-01 06:20", False),
        ("2026-11-02 06:20", True),
    ],
)
def test_dawn_is_repeated_while_new_york_closes_at_six_in_seoul(now: str, is_winter: bool) -> None:
    expected = [date.fromisoformat(now[:10])] if is_winter else []
    assert today_in_winter(CALENDAR, seoul(now)) == expected


@pytest.mark.parametrize(
    ("optional", "days"),
    [
        (True, ["2026-03-11", "2026-03-13"]),  # without the key on the 12th: only today again
        (False, ["2026-03-11", "2026-03-12", "2026-03-13"]),
    ],
)
def test_a_day_that_passed_without_its_key_is_not_asked_for_again(
    database: Database, optional: bool, days: list[str]
) -> None:
    rates = Work(table("rates", key("date", Date, "day")), partitions="day", optional=optional)
    log = CollectionLog(database)
    missing = SettingMissing("FRED_API_KEY", "one is free")
    for day in ("2026-03-12", "2026-03-13"):
        entry = Entry("run", "rates", day)
        log.open(entry)
        log.close(entry, Closing("completed", "skipped", f"SettingMissing: {missing}"))
    window = [date(2026, 3, day) for day in (11, 12, 13)]
    found = due_partitions([rates], window, database, CALENDAR)
    assert found == [Due(date.fromisoformat(day), ("rates",)) for day in days]
