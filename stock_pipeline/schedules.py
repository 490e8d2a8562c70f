"""When which tables are collected: cadence → job → cron, all in Seoul time.

A table names its cadence; a job is all tables of one cadence, in the order of their dependencies. A
schedule never takes "the last partition": it asks the calendar what should be stored by now, asks
the collection log what is, and requests the difference with explicit keys. A missed tick, a
failure or a day without the machine therefore only means a larger difference at the next tick.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

import dagster as dg

from stock_pipeline import discovery, housekeeping, letters
from stock_pipeline.clock import KST
from stock_pipeline.due import (
    Due,
    days_of_last_quarter,
    due_partitions,
    last_days,
    last_sessions,
    last_utc_days,
    last_weekdays,
    newest_due_annual,
    newest_due_quarter,
    sessions_of_two_weeks,
    this_month,
    this_week,
    today_in_winter,
)
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.run_queue import Rank, is_in_flight
from stock_pipeline.table_asset import TableAsset
from stock_pipeline.work import Work

TIMEZONE = "Asia/Seoul"
LOOK_BACK = 5

Window = Callable[[MarketCalendar, datetime], list[date]]


@dataclass(frozen=True)
class Line:
    """One schedule.

    window   the partitions that should be stored at a tick, oldest first
    repeats  so many of the newest are asked for even if they are stored: the day of receipts was
             not over when it was collected, a report may be late or corrected
    whole    the window is asked for in one run, stored or not
    """

    name: str
    job: str
    crons: tuple[str, ...]
    window: Window
    repeats: int = 0
    whole: bool = False


JOBS = {
    "krx_close": Rank(priority=10, max_runtime=3600),
    "collector_evening": Rank(priority=9, max_runtime=1800),
    # At dawn one after the other, whatever became of the one before.
    "liquidity_dawn": Rank(priority=8, max_runtime=1800),
    "crypto_dawn": Rank(priority=7, max_runtime=1800),
    "news_dawn": Rank(priority=6, max_runtime=1800),
    "weekly_listing": Rank(priority=5, max_runtime=3600),
    "filings_daily": Rank(priority=3, max_runtime=3600),
    "weekly_financials": Rank(priority=0, max_runtime=7200),
    "weekly_dividends": Rank(priority=0, max_runtime=7200),
    "weekly_reconciliation": Rank(priority=-5, max_runtime=3600),
    "monthly_products": Rank(priority=0, max_runtime=3600),
}
# A job that is not all tables of one cadence → its tables.
SELECTED_JOBS = {"quarterly_actions": ("corporate_actions",)}
SELECTED_RANK = Rank(priority=-5, max_runtime=7200)

# KRX publishes 45 minutes after the close; on the day of the college entrance exam that is 17:15.
FIVE_SESSIONS = partial(last_sessions, count=LOOK_BACK)
LAST_SESSION = partial(last_sessions, count=1)
FIVE_WEEKDAYS = partial(last_weekdays, count=LOOK_BACK)
FIVE_DAYS = partial(last_days, count=LOOK_BACK)
FIVE_UTC_DAYS = partial(last_utc_days, count=LOOK_BACK)
# A source may correct its bars for days: T-7 … T.
EIGHT_DAYS = partial(last_days, count=8)
TODAY = partial(last_days, count=1)

LINES = (
    Line("krx_close", "krx_close", ("30 16 * * 1-5",), FIVE_SESSIONS),
    Line("krx_close_again", "krx_close", ("30 17 * * 1-5", "30 19 * * 1-5"), LAST_SESSION),
    Line("krx_morning", "krx_close", ("40 6 * * 2-6",), LAST_SESSION),
    # The hours at which the second and the third source of prices publish the day before.
    Line("krx_morning_next", "krx_close", ("10 8 * * 1-5", "30 13 * * 1-5"), LAST_SESSION),
    Line("collector_evening", "collector_evening", ("0 18 * * *",), EIGHT_DAYS, whole=True),
    Line("liquidity_dawn", "liquidity_dawn", ("0 6 * * *",), FIVE_DAYS),
    Line("liquidity_dawn_again", "liquidity_dawn", ("20 6 * * *",), today_in_winter, repeats=1),
    # Yesterday's value locked and stablecoins still moved after they were collected.
    Line("crypto_dawn", "crypto_dawn", ("1 6 * * *",), FIVE_UTC_DAYS, repeats=2),
    # Also if somebody asked at night: a search goes back a day, tomorrow's begins at 06:30 today.
    Line("news_dawn", "news_dawn", ("30 6 * * *",), TODAY, repeats=1),
    Line("filings_daily", "filings_daily", ("0 19 * * 1-5",), FIVE_WEEKDAYS, repeats=2),
    Line("weekly_listing", "weekly_listing", ("0 10 * * 6",), this_week),
    Line("weekly_financials", "weekly_financials", ("0 11 * * 6",), newest_due_quarter, repeats=1),
    Line("weekly_dividends", "weekly_dividends", ("30 11 * * 6",), newest_due_annual, repeats=1),
    Line("weekly_reconciliation", "weekly_reconciliation", ("0 12 * * 6",), sessions_of_two_weeks),
    Line("monthly_products", "monthly_products", ("0 13 1 * *",), this_month),
    Line(
        "quarterly_actions",
        "quarterly_actions",
        ("0 14 1 1,4,7,10 *",),
        days_of_last_quarter,
        whole=True,
    ),
)


def jobs() -> list[dg.UnresolvedAssetJobDefinition | dg.JobDefinition]:
    """Return one job per cadence, those of selected tables, of the mails, and the housekeeping.

    Raises  ValueError when a table names a cadence that has no line here
    """
    by_cadence = [
        dg.define_asset_job(
            name,
            selection=discovery.selection_of(found.table.name for found in tables),
            description=", ".join(found.table.name for found in tables),
            tags=JOBS[name].tags(),
        )
        for name, tables in _tables_by_cadence().items()
    ]
    selected = [
        dg.define_asset_job(
            name,
            selection=discovery.selection_of(tables),
            description=", ".join(tables),
            tags=SELECTED_RANK.tags(),
        )
        for name, tables in SELECTED_JOBS.items()
    ]
    return [*by_cadence, *selected, *letters.jobs(), housekeeping.housekeeping]


def schedules() -> list[dg.ScheduleDefinition]:
    """Return every schedule, running from the start."""
    tables = _tables_by_cadence()
    lines = [_schedule(line, tables.get(line.job, ())) for line in LINES]
    return [*lines, *letters.schedules(), housekeeping.housekeeping_nightly]


def _tables_by_cadence() -> Mapping[str, list[TableAsset]]:
    tables: dict[str, list[TableAsset]] = {name: [] for name in JOBS}
    for found in discovery.table_assets():
        if found.cadence is None:
            continue
        if found.cadence not in tables:
            raise ValueError(f"{found.table.name}: no cadence {found.cadence} in schedules.py")
        tables[found.cadence].append(found)
    return tables


def _schedule(line: Line, tables: Sequence[TableAsset]) -> dg.ScheduleDefinition:
    works = [found.work for found in tables if found.work.partitions is not None]

    @dg.schedule(
        name=line.name,
        job_name=line.job,
        cron_schedule=list(line.crons),
        execution_timezone=TIMEZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        required_resource_keys={"db", "calendar"},
        description=f"requests what {line.job} lacks",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.SkipReason | list[dg.RunRequest]:
        if is_in_flight(context.instance, line.job):
            return dg.SkipReason(f"a run of {line.job} is queued or at work")
        now = context.scheduled_execution_time.astimezone(KST)
        window = line.window(context.resources.calendar, now)
        if line.whole:
            return [_range_request(window, now)]
        due = _due(line, works, window, context)
        if not due:
            asked = ", ".join(str(day) for day in window) or "no day"
            return dg.SkipReason(f"nothing is missing of {asked}")
        return [_request(works, one, now) for one in due]

    return schedule


def _due(
    line: Line, works: Sequence[Work], window: list[date], context: dg.ScheduleEvaluationContext
) -> list[Due]:
    resources = context.resources
    due = due_partitions(works, window, resources.db, resources.calendar)
    names = tuple(work.table.name for work in works)
    again = [Due(day, names) for day in window[-line.repeats :]] if line.repeats else []
    days = {one.partition for one in again}
    return [one for one in due if one.partition not in days] + again


def _request(works: Sequence[Work], due: Due, now: datetime) -> dg.RunRequest:
    """Ask for one partition: of the whole job, or only of the tables that lack it."""
    whole = len(due.tables) == len(works)
    return dg.RunRequest(
        # A tick that is repeated after a crash requests nothing twice; the next tick may.
        run_key=f"{due.partition}@{now:%Y-%m-%dT%H:%M}",
        partition_key=due.partition.isoformat(),
        asset_selection=None if whole else discovery.keys_of(due.tables),
    )


def _range_request(window: Sequence[date], now: datetime) -> dg.RunRequest:
    """Ask for a whole window of partitions in one run."""
    return dg.RunRequest(
        run_key=f"{window[0]}…{window[-1]}@{now:%Y-%m-%dT%H:%M}",
        tags={
            "dagster/asset_partition_range_start": window[0].isoformat(),
            "dagster/asset_partition_range_end": window[-1].isoformat(),
        },
    )
