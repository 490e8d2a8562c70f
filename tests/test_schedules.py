"""What each schedule requests at a tick, on the real definitions and a real database."""

from __future__ import annotations

from datetime import datetime

import dagster as dg
import pytest

from stock_pipeline.clock import KST
from stock_pipeline.definitions import defs
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.storage.database import Database

PRICES, ADJUSTMENT, SCORES = "stock_price_daily", "price_adjustment", "compass_score"
FUNDS, INDICES = "etf_price_daily", "index_price_daily"
KRX = (PRICES, FUNDS, INDICES, ADJUSTMENT, SCORES)
WEEK_OF_13_MARCH = ["2026-03-09", "2026-03-10", "2026-03-11", "2026-03-12", "2026-03-13"]
RATES, CHARTS, INDEX = "liquidity_macro", "liquidity_price", "stress_index"
LIQUIDITY = (RATES, CHARTS, "liquidity_news", "fed_tone", INDEX)
CRYPTO = ("crypto_price", "crypto_metric", "defi_protocol_tvl")
EVENING = ("price_daily", "price_flag")


def log(database: Database, asset: str, partition: str, outcome: str = "rows") -> None:
    """Write a completed log row."""
    database.execute(
        "INSERT INTO data_collection_log (run_id, asset, partition, status, outcome)"
        " VALUES ('r', :asset, :partition, 'completed', :outcome)",
        {"asset": asset, "partition": partition, "outcome": outcome},
    )


def store(database: Database, *sessions: str, assets: tuple[str, ...] = KRX) -> None:
    for session in sessions:
        for asset in assets:
            log(database, asset, session)


def requests(
    name: str, at: str, database: Database, instance: dg.DagsterInstance
) -> list[dg.RunRequest]:
    """Evaluate a schedule at an hour in Seoul."""
    now = datetime.fromisoformat(at).replace(tzinfo=KST)
    with (
        dg.build_schedule_context(
            instance=instance,
            scheduled_execution_time=now,
            resources={"db": database, "calendar": MarketCalendar()},
            repository_def=defs.get_repository_def(),
        ) as context,
        dg.partition_loading_context(effective_dt=now),
    ):
        data = defs.get_repository_def().get_schedule_def(name).evaluate_tick(context)
    return list(data.run_requests or ())


def tick(
    name: str, at: str, database: Database, instance: dg.DagsterInstance
) -> dict[str, tuple[str, ...]]:
    """Evaluate a schedule; return the tables requested by partition, () for the whole job."""
    return {
        str(request.partition_key): tuple(
            sorted(key.to_user_string() for key in request.asset_selection or ())
        )
        for request in requests(name, at, database, instance)
    }


def test_todays_session_is_requested_after_the_close(
    database: Database, instance: dg.DagsterInstance
) -> None:
    store(database, "2026-03-06", *WEEK_OF_13_MARCH[:4])
    assert tick("krx_close", "2026-03-13 16:30", database, instance) == {"2026-03-13": ()}


def test_nothing_is_requested_when_the_last_five_sessions_are_stored(
    database: Database, instance: dg.DagsterInstance
) -> None:
    store(database, *WEEK_OF_13_MARCH)
    assert tick("krx_close", "2026-03-13 16:30", database, instance) == {}


def test_sessions_missed_while_the_machine_was_off_are_requested_oldest_first(
    database: Database, instance: dg.DagsterInstance
) -> None:
    store(database, "2026-03-06", "2026-03-09", "2026-03-11")
    found = tick("krx_close", "2026-03-13 16:30", database, instance)
    assert list(found) == ["2026-03-10", "2026-03-12", "2026-03-13"]


@pytest.mark.parametrize(
    ("at", "requested"),
    [
        ("2026-09-23 16:30", ["2026-09-23"]),  # the last session before Chuseok
        ("2026-09-24 16:30", ["2026-09-23"]),  # Chuseok: only what is missing from before
        ("2026-09-25 16:30", ["2026-09-23"]),
        ("2026-09-28 16:30", ["2026-09-23", "2026-09-28"]),
    ],
)
def test_no_session_is_requested_for_chuseok(
    at: str, requested: list[str], database: Database, instance: dg.DagsterInstance
) -> None:
    store(database, "2026-09-16", "2026-09-17", "2026-09-18", "2026-09-21", "2026-09-22")
    assert list(tick("krx_close", at, database, instance)) == requested


@pytest.mark.parametrize(
    ("at", "is_requested"),
    [
        ("2026-03-13 16:14", False),  # not published
        ("2026-03-13 16:15", True),
        ("2026-03-13 16:30", True),
        ("2026-03-14 16:30", True),  # Saturday
    ],
)
def test_a_session_is_requested_from_the_minute_of_its_publication(
    at: str, is_requested: bool, database: Database, instance: dg.DagsterInstance
) -> None:
    store(database, "2026-03-06", *WEEK_OF_13_MARCH[:4])
    assert ("2026-03-13" in tick("krx_close", at, database, instance)) is is_requested


@pytest.mark.parametrize("at", ["2026-12-31 16:30", "2027-01-01 16:30"])
def test_year_end_closing_requests_nothing(
    at: str, database: Database, instance: dg.DagsterInstance
) -> None:
    store(database, "2026-12-23", "2026-12-24", "2026-12-28", "2026-12-29", "2026-12-30")
    assert tick("krx_close", at, database, instance) == {}


def test_a_late_session_is_requested_by_the_later_tick(
    database: Database, instance: dg.DagsterInstance
) -> None:
    store(database, "2026-11-12", "2026-11-13", "2026-11-16", "2026-11-17", "2026-11-18")
    # The day of the college entrance exam: the session ends at 16:30.
    assert tick("krx_close", "2026-11-19 16:30", database, instance) == {}
    assert tick("krx_close_again", "2026-11-19 17:30", database, instance) == {"2026-11-19": ()}


def test_later_ticks_ask_only_for_the_last_session(
    database: Database, instance: dg.DagsterInstance
) -> None:
    store(database, "2026-03-11", "2026-03-12")
    assert list(tick("krx_close_again", "2026-03-13 19:30", database, instance)) == ["2026-03-13"]
    assert list(tick("krx_morning", "2026-03-14 06:40", database, instance)) == ["2026-03-13"]


@pytest.mark.parametrize("outcome", ["not_yet_published", "skipped", "error"])
def test_a_session_that_was_asked_for_in_vain_is_still_missing(
    outcome: str, database: Database, instance: dg.DagsterInstance
) -> None:
    store(database, "2026-03-12")
    log(database, PRICES, "2026-03-13", outcome)
    assert list(tick("krx_close_again", "2026-03-13 17:30", database, instance)) == ["2026-03-13"]


def test_only_the_tables_that_lack_a_session_are_requested(
    database: Database, instance: dg.DagsterInstance
) -> None:
    store(database, "2026-03-06", *WEEK_OF_13_MARCH[:4])
    store(database, "2026-03-13", assets=(PRICES, FUNDS, INDICES))
    found = tick("krx_close", "2026-03-13 16:30", database, instance)
    assert found == {"2026-03-13": (SCORES, ADJUSTMENT)}


def test_a_table_that_waits_for_history_is_not_requested_in_vain(
    database: Database, instance: dg.DagsterInstance
) -> None:
    # The very first session: without the one before it nothing can be computed.
    store(database, "2026-03-09", assets=(PRICES, FUNDS, INDICES))
    store(database, *WEEK_OF_13_MARCH[1:])
    assert tick("krx_close", "2026-03-13 16:30", database, instance) == {}


def test_first_day_of_an_empty_database_requests_the_last_five_sessions(
    database: Database, instance: dg.DagsterInstance
) -> None:
    found = tick("krx_close", "2026-03-13 16:30", database, instance)
    assert found == {
        "2026-03-09": (FUNDS, INDICES, PRICES),
        **dict.fromkeys(WEEK_OF_13_MARCH[1:], ()),
    }


def test_weekly_listing_is_requested_for_its_saturday(
    database: Database, instance: dg.DagsterInstance
) -> None:
    assert tick("weekly_listing", "2026-03-14 10:00", database, instance) == {"2026-03-14": ()}


def test_weekly_financials_are_asked_for_every_week(
    database: Database, instance: dg.DagsterInstance
) -> None:
    log(database, "financial_statement", "2025-07-01")
    found = tick("weekly_financials", "2026-03-14 11:00", database, instance)
    assert found == {"2025-07-01": ()}


def test_filings_of_missed_weekdays_are_requested(
    database: Database, instance: dg.DagsterInstance
) -> None:
    for asset in ("dart_filing", "corporate_actions"):
        log(database, asset, "2026-03-11", "no_data")
        log(database, asset, "2026-03-12")
    found = tick("filings_daily", "2026-03-13 19:00", database, instance)
    # Yesterday's receipts were collected at 19:00 too, and more may have come after that.
    assert list(found) == ["2026-03-09", "2026-03-10", "2026-03-12", "2026-03-13"]


@pytest.mark.parametrize(
    ("at", "requested"),
    [
        ("2026-03-13 08:10", {"2026-03-12": ()}),  # the hour of the second source of prices
        ("2026-03-13 13:30", {"2026-03-12": ()}),  # that of the third
        ("2026-03-16 08:10", {"2026-03-13": ()}),  # Monday: the session of Friday
    ],
)
def test_the_next_sources_of_prices_are_asked_in_the_morning_for_a_missing_session(
    at: str, requested: dict[str, object], database: Database, instance: dg.DagsterInstance
) -> None:
    store(database, "2026-03-11", *({"2026-03-12"} - requested.keys()))
    assert tick("krx_morning_next", at, database, instance) == requested


def test_the_morning_asks_for_nothing_that_is_stored(
    database: Database, instance: dg.DagsterInstance
) -> None:
    store(database, "2026-03-11", "2026-03-12")
    assert tick("krx_morning_next", "2026-03-13 08:10", database, instance) == {}


@pytest.mark.parametrize(
    ("name", "at", "partition"),
    [
        ("weekly_dividends", "2026-11-21 11:30", "2025-10-01"),
        ("monthly_products", "2026-11-01 13:00", "2026-11-01"),
    ],
)
def test_dividends_and_products_are_requested_for_their_period(
    name: str, at: str, partition: str, database: Database, instance: dg.DagsterInstance
) -> None:
    assert tick(name, at, database, instance) == {partition: ()}


def test_sessions_that_were_not_compared_yet_are_reconciled(
    database: Database, instance: dg.DagsterInstance
) -> None:
    for session in ("2026-03-03", "2026-03-04", "2026-03-05", "2026-03-10"):
        log(database, "price_reconciliation", session)
    log(database, "price_reconciliation", "2026-03-06", "not_yet_published")  # Friday, last week
    found = tick("weekly_reconciliation", "2026-03-14 12:00", database, instance)
    assert list(found) == [f"2026-03-{day}" for day in ("06", "09", "11", "12", "13")]


def test_actions_of_the_last_quarter_are_asked_for_again_in_one_run(
    database: Database, instance: dg.DagsterInstance
) -> None:
    (request,) = requests("quarterly_actions", "2026-04-01 14:00", database, instance)
    assert request.tags["dagster/asset_partition_range_start"] == "2026-01-01"
    assert request.tags["dagster/asset_partition_range_end"] == "2026-03-31"


@pytest.mark.parametrize(
    ("status", "is_requested"),
    [
        (dg.DagsterRunStatus.STARTING, False),
        (dg.DagsterRunStatus.STARTED, False),
        (dg.DagsterRunStatus.SUCCESS, True),
        (dg.DagsterRunStatus.FAILURE, True),
    ],
)
def test_nothing_is_requested_while_a_run_of_the_job_is_in_flight(
    status: dg.DagsterRunStatus,
    is_requested: bool,
    database: Database,
    instance: dg.DagsterInstance,
) -> None:
    instance.add_run(dg.DagsterRun(job_name="krx_close", run_id="0", status=status))
    assert bool(tick("krx_close", "2026-03-13 16:30", database, instance)) is is_requested


# ---- the world: seven assets in the evening, liquidity, crypto and news at dawn


def test_the_evening_asks_for_eight_days_in_one_run_stored_or_not(
    database: Database, instance: dg.DagsterInstance
) -> None:
    for day in ("2026-03-05", "2026-03-06", "2026-03-07", "2026-03-08", *WEEK_OF_13_MARCH):
        store(database, day, assets=EVENING)
    (request,) = requests("collector_evening", "2026-03-13 18:00", database, instance)
    assert request.tags["dagster/asset_partition_range_start"] == "2026-03-06"
    assert request.tags["dagster/asset_partition_range_end"] == "2026-03-13"
    assert (request.partition_key, request.asset_selection) == (None, None)


@pytest.mark.parametrize(
    ("lacking", "requested"),
    [
        ((), {}),
        # A missed dawn: rates and prices have a history, articles and tone only a present.
        ([("2026-03-10", LIQUIDITY)], {"2026-03-10": (RATES, CHARTS, INDEX)}),
        ([("2026-03-13", LIQUIDITY)], {"2026-03-13": ()}),
        ([("2026-03-12", ("liquidity_news",))], {}),
        ([("2026-03-13", ("liquidity_news",))], {"2026-03-13": ("liquidity_news",)}),
        ([("2026-03-08", LIQUIDITY)], {}),  # the sixth day back
    ],
    ids=["nothing", "a past day", "today", "past news", "news of today", "six days back"],
)
def test_liquidity_is_asked_for_where_one_of_five_days_lacks_it(
    lacking: list[tuple[str, tuple[str, ...]]],
    requested: dict[str, tuple[str, ...]],
    database: Database,
    instance: dg.DagsterInstance,
) -> None:
    gaps = {(day, asset) for day, assets in lacking for asset in assets}
    for day in ("2026-03-08", *WEEK_OF_13_MARCH):
        store(database, day, assets=tuple(a for a in LIQUIDITY if (day, a) not in gaps))
    assert tick("liquidity_dawn", "2026-03-13 06:00", database, instance) == requested


@pytest.mark.parametrize(
    ("at", "requested"),
    [
        # New York closes at 06:00 in Seoul until its clocks go forward on Sunday, 8 March …
        ("2026-03-08 06:20", {"2026-03-08": ()}),
        ("2026-03-09 06:20", {}),
        # … and from the Sunday on which they go back, 1 November.
        ("2026-11-01 06:20", {}),
        ("2026-11-02 06:20", {"2026-11-02": ()}),
    ],
)
def test_liquidity_is_asked_for_again_in_the_winter_of_new_york_though_it_is_stored(
    at: str,
    requested: dict[str, tuple[str, ...]],
    database: Database,
    instance: dg.DagsterInstance,
) -> None:
    store(database, at[:10], assets=LIQUIDITY)
    assert tick("liquidity_dawn_again", at, database, instance) == requested


def test_crypto_is_asked_for_the_running_utc_day_and_what_lacks_of_four_before_it(
    database: Database, instance: dg.DagsterInstance
) -> None:
    store(database, "2026-02-27", "2026-02-28", assets=CRYPTO)
    # 06:01 in Seoul is 21:01 UTC of the day before; the day before that had three hours left when
    # it was collected.
    found = tick("crypto_dawn", "2026-03-02 06:01", database, instance)
    history = ("crypto_metric", "crypto_price")
    assert found == {"2026-02-25": history, "2026-02-26": history} | {
        "2026-02-28": (),
        "2026-03-01": (),
    }


@pytest.mark.parametrize("stored", ["2026-03-11", "2026-03-13"])
def test_news_are_asked_for_today_alone_and_also_if_somebody_asked_at_night(
    stored: str, database: Database, instance: dg.DagsterInstance
) -> None:
    store(database, stored, assets=("news_article",))
    found = tick("news_dawn", "2026-03-13 06:30", database, instance)
    assert found == {"2026-03-13": ()}


@pytest.mark.parametrize(
    ("name", "job", "at"),
    [
        ("collector_evening", "collector_evening", "2026-01-09 18:00"),
        ("liquidity_dawn", "liquidity_dawn", "2026-01-09 06:00"),
        ("liquidity_dawn_again", "liquidity_dawn", "2026-01-09 06:20"),
        ("crypto_dawn", "crypto_dawn", "2026-01-09 06:01"),
        ("news_dawn", "news_dawn", "2026-01-09 06:30"),
    ],
)
def test_a_run_at_work_holds_back_its_own_job_and_no_other(
    name: str, job: str, at: str, database: Database, instance: dg.DagsterInstance
) -> None:
    started = dg.DagsterRunStatus.STARTED
    for other in {"collector_evening", "liquidity_dawn", "crypto_dawn", "news_dawn"} - {job}:
        instance.add_run(dg.DagsterRun(job_name=other, run_id=other, status=started))
    assert requests(name, at, database, instance) != []
    instance.add_run(dg.DagsterRun(job_name=job, run_id=job, status=started))
    assert requests(name, at, database, instance) == []
