"""Which partition each cadence requires, a minute before and at every deadline."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest

from stock_pipeline.cadences import cadences, first_source
from stock_pipeline.clock import KST
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.quality.freshness import badge_window, required_partition
from stock_pipeline.schedules import LINES
from stock_pipeline.settings import Settings

CALENDAR = MarketCalendar()


def seoul(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=KST)


def required(cadence: str, now: str, source: str = "krx") -> str:
    return str(required_partition(cadences(source)[cadence], CALENDAR, seoul(now)).partition)


@pytest.mark.parametrize(
    ("now", "session"),
    [
        ("2026-03-13 17:29", "2026-03-12"),  # Friday, an hour after the run began
        ("2026-03-13 17:30", "2026-03-13"),
        ("2026-03-15 12:00", "2026-03-13"),  # Sunday
        ("2026-03-16 17:29", "2026-03-13"),
        ("2026-03-16 17:30", "2026-03-16"),
        ("2026-02-18 23:00", "2026-02-13"),  # Seollal, 16 to 18 February
        ("2026-02-19 17:29", "2026-02-13"),
        ("2026-02-19 17:30", "2026-02-19"),
        ("2026-09-27 12:00", "2026-09-23"),  # Chuseok, 24 and 25 September
        ("2026-09-28 17:29", "2026-09-23"),
        ("2026-09-28 17:30", "2026-09-28"),
        ("2026-12-31 23:00", "2026-12-30"),  # closed on the last day of the year
        ("2027-01-04 17:29", "2026-12-30"),
        ("2027-01-04 17:30", "2027-01-04"),
        ("2026-11-19 18:29", "2026-11-18"),  # entrance exam: out at 17:15, collected at 17:30
        ("2026-11-19 18:30", "2026-11-19"),
    ],
)
def test_a_session_is_required_an_hour_after_the_run_that_finds_it_published(
    now: str, session: str
) -> None:
    assert required("krx_close", now) == session


@pytest.mark.parametrize(
    ("source", "now", "session"),
    [
        ("krx_openapi", "2026-03-13 09:09", "2026-03-11"),  # Thursday is out on Friday at 08:00
        ("krx_openapi", "2026-03-13 09:10", "2026-03-12"),
        ("krx_openapi", "2026-03-15 12:00", "2026-03-12"),  # Friday is out on Monday
        ("krx_openapi", "2026-03-16 09:10", "2026-03-13"),
        ("krx_openapi", "2026-09-28 09:09", "2026-09-22"),  # the day before Chuseok, after it
        ("krx_openapi", "2026-09-28 09:10", "2026-09-23"),
        ("fsc", "2026-03-13 14:29", "2026-03-11"),  # at 13:00
        ("fsc", "2026-03-13 14:30", "2026-03-12"),
    ],
)
def test_a_source_that_publishes_the_next_day_is_waited_for(
    source: str, now: str, session: str
) -> None:
    assert required("krx_close", now, source) == session


@pytest.mark.parametrize(
    ("cadence", "now", "partition"),
    [
        ("collector_evening", "2026-03-15 18:59", "2026-03-14"),  # also on a Sunday
        ("collector_evening", "2026-03-15 19:00", "2026-03-15"),
        ("liquidity_dawn", "2026-03-14 23:59", "2026-03-13"),  # today's has the whole day
        ("liquidity_dawn", "2026-03-15 00:00", "2026-03-14"),
        ("news_dawn", "2026-03-15 00:29", "2026-03-13"),
        ("news_dawn", "2026-03-15 00:30", "2026-03-14"),
        ("crypto_dawn", "2026-03-15 09:00", "2026-03-13"),  # the day of UTC ends at 09:00
        ("crypto_dawn", "2026-03-15 09:01", "2026-03-14"),
        ("filings_daily", "2026-03-13 23:59", "2026-03-12"),  # Friday
        ("filings_daily", "2026-03-14 00:00", "2026-03-13"),
        ("filings_daily", "2026-03-16 23:59", "2026-03-13"),  # Monday
        ("filings_daily", "2026-03-17 00:00", "2026-03-16"),
        ("weekly_listing", "2026-03-15 09:59", "2026-03-07"),  # a day after Saturday's run
        ("weekly_listing", "2026-03-15 10:00", "2026-03-14"),
        ("weekly_financials", "2026-04-05 10:59", "2025-07-01"),  # annual reports: 31 March
        ("weekly_financials", "2026-04-05 11:00", "2025-10-01"),
        ("weekly_dividends", "2026-04-05 11:29", "2024-10-01"),
        ("weekly_dividends", "2026-04-05 11:30", "2025-10-01"),
        ("weekly_reconciliation", "2026-03-15 11:59", "2026-03-05"),  # Friday's comes on Monday
        ("weekly_reconciliation", "2026-03-15 12:00", "2026-03-12"),
        ("weekly_reconciliation", "2026-09-27 12:00", "2026-09-22"),  # Chuseok
        ("monthly_products", "2026-03-02 12:59", "2026-02-01"),
        ("monthly_products", "2026-03-02 13:00", "2026-03-01"),
    ],
)
def test_every_other_cadence_has_its_deadline(cadence: str, now: str, partition: str) -> None:
    assert required(cadence, now) == partition


def test_the_hours_are_those_of_the_schedules() -> None:
    crons = {
        (line.job, *cron.split()[:2], cron.split()[2]) for line in LINES for cron in line.crons
    }
    for name, cadence in cadences().items():
        for hour in cadence.hours:
            day = "1" if cadence.first_only else "*"
            assert (name, str(hour.minute), str(hour.hour), day) in crons


def test_every_cadence_of_the_schedules_promises_something() -> None:
    selected = {"quarterly_actions"}  # tables that another cadence collects day by day
    assert cadences().keys() == {line.job for line in LINES} - selected


@pytest.mark.parametrize("cadence", sorted(cadences()))
def test_the_badge_never_complains_while_everything_is_collected_in_time(cadence: str) -> None:
    # Each partition comes as late as it may; the next one must come before the badge turns.
    promise, came = cadences()[cadence], {}
    now, end = datetime(2017, 9, 1, tzinfo=KST), datetime(2018, 3, 1, tzinfo=KST)
    while now < end:
        found = required_partition(promise, CALENDAR, now)
        came.setdefault(found.collected if promise.again else found.partition, now)
        now += timedelta(hours=3)
    instants = sorted(came.values())
    waits = [later - one for one, later in pairwise(instants)]
    assert max(waits) <= badge_window(promise)


@pytest.mark.parametrize(
    ("keys", "source"),
    [
        ({"krx_id": "a", "krx_pw": "b", "fsc_api_key": "c"}, "krx"),
        ({"krx_id": "a", "fsc_api_key": "c"}, "fsc"),  # an account without its password
        ({"krx_openapi_key": "a", "fsc_api_key": "c"}, "krx_openapi"),
        ({}, "krx"),  # none at all: what the first would bring is what is missing
    ],
)
def test_the_first_source_of_prices_is_the_first_that_can_be_asked(
    keys: dict[str, str], source: str
) -> None:
    assert first_source(Settings(_env_file=None, **keys)) == source


def test_a_day_before_a_source_began_is_nobodys_delay() -> None:
    # The Open API knows no day before 2010-01-04: it is not waited for.
    assert (
        required("krx_close", "2009-12-30 20:00", "krx_openapi") == date(2009, 12, 30).isoformat()
    )
