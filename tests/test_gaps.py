"""What a table lacks and which of it may be asked for, on a small log written by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from stock_pipeline.gaps import Gaps, Look, Request
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Date, Table, key, table
from stock_pipeline.targets import Target
from stock_pipeline.work import Work

NOW = datetime(2026, 3, 13, 12, 0, tzinfo=UTC)  # Friday, 21:00 in Seoul: every cadence had its hour
CALENDAR = MarketCalendar()


def declared(name: str) -> Table:
    return table(name, key("day", Date, "day"), provenance="none", partition="day")


def target(name: str, cadence: str, *inputs: Work, **told: Any) -> Target:
    told = {"partitions": "day", "write": "partition"} | told
    return Target(Work(declared(name), **told), cadence, inputs)


PRICES = target("prices", "krx_close", sessions="XKRX")
FILINGS = target("filings", "filings_daily")
COINS = target("coins", "crypto_dawn", partitions="utc_day")
REPORTS = target("reports", "weekly_financials", partitions="quarter", write="merge")
DIVIDENDS = target("dividends", "weekly_dividends", partitions="quarter", write="merge")
PRODUCTS = target("products", "monthly_products", partitions="month", write="merge", snapshot=True)
LISTING = target("listing", "weekly_listing", partitions="week", write="merge")
NEWS = target("news", "news_dawn", write="merge", snapshot=True, not_before=time(6, 30))
FLAGS = target("flags", "krx_close", PRICES.work, sessions="XKRX")
RATES = target("rates", "liquidity_dawn", optional=True)
MOOD = target("mood", "liquidity_dawn", optional=True)
INDEX = target("index", "liquidity_dawn", RATES.work, MOOD.work, input_version="SELECT 1")
SCORES = target(
    "scores", "krx_close", PRICES.work, sessions="XKRX", history="prices", input_version="SELECT 1"
)
TARGETS = (
    *(PRICES, FILINGS, COINS, REPORTS, DIVIDENDS, PRODUCTS, LISTING, NEWS),
    *(FLAGS, RATES, MOOD, INDEX, SCORES),
)


@pytest.fixture
def market(database: Database) -> Database:
    """Return a database with the tables of this module."""
    tables = [*collection_log.TABLES, *(target.work.table for target in TARGETS)]
    ddl.prepare(database, tables, [], mode="live", today=NOW.date())
    return database


def log(
    database: Database,
    of: Target,
    *partitions: str,
    outcome: str = "rows",
    status: str = "completed",
    reason: str = "",
    detail: dict[str, Any] | None = None,
    ago: timedelta = timedelta(days=2),
    job: str = "some_job",
    with_rows: bool = True,
) -> None:
    """Log a collection of partitions that ended so long ago, and store a row of each."""
    for partition in partitions:
        stored = with_rows and status == "completed" and outcome == "rows"
        values = {"asset": of.name, "partition": partition, "status": status, "outcome": outcome}
        values |= {"reason": reason, "job": job, "rows": int(stored)}
        values |= {"at": NOW - ago, "detail": json.dumps(detail) if detail else None}
        database.execute(
            "INSERT INTO data_collection_log (run_id, asset, partition, job_label, status, outcome,"
            " reason, error_message, started_at, progress_at, completed_at, inserted, detail)"
            " SELECT CAST(count(*) AS text), :asset, :partition, :job, :status, :outcome, :reason,"
            " :reason, :at, :at, CASE WHEN :status <> 'running' THEN CAST(:at AS timestamptz) END,"
            " :rows, CAST(:detail AS json) FROM data_collection_log",
            values,
        )
        if stored:
            database.execute(
                f'INSERT INTO market."{of.name}" VALUES (CAST(:day AS date))'
                " ON CONFLICT DO NOTHING",
                {"day": partition},
            )


def missing(
    database: Database, of: Target, *, now: datetime = NOW, chosen: Sequence[str] = ()
) -> list[str]:
    beside = {work.table.name: set(chosen) for work in of.inputs}
    return Gaps(TARGETS, Look(database, CALENDAR, now)).missing(of, beside)


def march(*days: int) -> list[str]:
    return [f"2026-03-{day:02}" for day in days]


# Of each table the first and the last of these partitions are stored.
EXPECTED: list[tuple[Target, list[str], list[str], str]] = [
    (PRICES, march(6, 10), march(9, 11, 12, 13), "sessions only"),
    (PRICES, ["2026-02-27", *march(6)], march(3, 4, 5, 9, 10, 11, 12, 13), "Monday is a holiday"),
    (FILINGS, ["2026-02-27", *march(6)], march(2, 3, 4, 5, 9, 10, 11, 12, 13), "holidays too"),
    (COINS, march(10, 11), march(12), "at dawn the UTC day before runs"),
    (REPORTS, ["2025-01-01", "2025-04-01"], ["2025-07-01"], "the year's reports until 31 March"),
    (DIVIDENDS, ["2022-10-01"], ["2023-10-01", "2024-10-01"], "annual reports only"),
    (LISTING, ["2026-02-14", "2026-02-28"], ["2026-02-21", "2026-03-07"], "Saturdays"),
    (PRODUCTS, ["2025-12-01", "2026-01-01"], ["2026-03-01"], "the present: February is gone"),
    (NEWS, march(10), march(13), "the present: yesterday is gone"),
]


def test_every_partition_since_the_first_complete_one_is_looked_for(market: Database) -> None:
    for of, stored, expected, reason in EXPECTED:
        market.execute("TRUNCATE data_collection_log")
        log(market, of, *stored)
        assert missing(market, of) == expected, reason


@pytest.mark.parametrize(
    ("of", "hours", "again"),
    [
        (REPORTS, {"days": 6, "hours": 9}, False),  # came since Saturday, 11:00
        (REPORTS, {"days": 6, "hours": 11}, True),
        (LISTING, {"days": 30}, False),  # only a sweep asks again for what is stored
    ],
)
def test_a_sweep_that_did_not_come_again_is_missing_though_it_is_stored(
    market: Database, of: Target, hours: dict[str, int], again: bool
) -> None:
    newest = {REPORTS: "2025-07-01", LISTING: "2026-03-07"}[of]
    log(market, of, newest, ago=timedelta(**hours))
    assert missing(market, of) == [newest] * again
    log(market, of, newest, ago=timedelta(hours=1), status="failed", outcome="error")
    assert missing(market, of) == [newest] * (of is REPORTS)
    log(market, of, newest, ago=timedelta(minutes=1), detail={"failed": ["00126380"]})
    assert missing(market, of) == []


def test_a_table_that_was_never_collected_is_left_to_the_first_load(market: Database) -> None:
    log(market, FILINGS, "2026-03-10", status="failed", outcome="error")
    log(market, FILINGS, "2026-03-11", detail={"limited": True})
    assert missing(market, FILINGS) == []


@pytest.mark.parametrize(
    ("at", "newest"),
    [
        ("2026-03-13T07:34:59Z", "2026-03-12"),  # 16:34:59 in Seoul: the schedule has its turn
        ("2026-03-13T07:35:00Z", "2026-03-13"),
        ("2026-09-27T12:00:00Z", "2026-09-23"),  # Sunday after Chuseok
        ("2026-09-28T12:00:00Z", "2026-09-28"),
    ],
)
def test_a_session_is_a_gap_only_after_its_schedule_had_its_turn(
    at: str, newest: str, market: Database
) -> None:
    log(market, PRICES, "2026-03-09")
    assert missing(market, PRICES, now=datetime.fromisoformat(at))[-1] == newest


INCOMPLETE: list[tuple[dict[str, Any], bool, str]] = [
    ({}, False, "stored"),
    ({"outcome": "no_data"}, False, "the upstream has nothing"),
    ({"outcome": "no_data", "reason": "no_history"}, True, "the upstream knows only the present"),
    ({"detail": {"failed": ["coin x"]}}, True, "a part of it did not come"),
    ({"detail": {"limited": True}}, True, "some companies only"),
    ({"status": "failed", "outcome": "error"}, True, "it failed"),
    ({"outcome": "skipped"}, True, "nobody was asked"),
]


def test_only_what_is_stored_whole_is_no_gap(market: Database) -> None:
    for told, is_gap, reason in INCOMPLETE:
        market.execute("TRUNCATE data_collection_log")
        log(market, PRICES, "2026-03-11", "2026-03-13")
        log(market, PRICES, "2026-03-12", **told)
        assert missing(market, PRICES) == (["2026-03-12"] if is_gap else []), reason


def test_what_was_deleted_from_a_table_is_missing_although_the_log_has_it(market: Database) -> None:
    log(market, PRICES, "2026-03-11", "2026-03-12", "2026-03-13")
    log(market, FLAGS, "2026-03-11", "2026-03-12", "2026-03-13", outcome="no_data")
    log(market, LISTING, "2026-02-28", "2026-03-07")
    market.execute("DELETE FROM prices WHERE day = '2026-03-12'")
    market.execute("TRUNCATE listing")
    assert missing(market, PRICES) == ["2026-03-12"]
    assert missing(market, FLAGS, chosen=["2026-03-12"]) == []  # it never had rows
    assert missing(market, LISTING) == ["2026-02-28", "2026-03-07"]


def test_what_reads_a_table_waits_for_what_that_lacks(market: Database) -> None:
    log(market, PRICES, "2026-03-10", "2026-03-12")
    log(market, FLAGS, "2026-03-09")
    # On the 9th there are no prices yet, and there never will be.
    assert missing(market, FLAGS) == ["2026-03-10", "2026-03-12"]
    both = ["2026-03-10", "2026-03-11", "2026-03-12"]
    assert missing(market, FLAGS, chosen=["2026-03-11"]) == both


def test_a_computed_table_needs_its_session_and_the_one_before(market: Database) -> None:
    log(market, PRICES, "2026-03-05", "2026-03-06", "2026-03-09", "2026-03-11", "2026-03-12")
    log(market, SCORES, "2026-03-06")
    # The 11th has no 10th before it; over the weekend the session before is Friday's.
    assert missing(market, SCORES) == ["2026-03-09", "2026-03-12"]


def test_an_input_that_may_be_missing_keeps_no_day_from_being_computed(market: Database) -> None:
    log(market, RATES, "2026-03-09", "2026-03-10")
    log(market, MOOD, "2026-03-11", detail={"failed": ["a search"]})
    log(market, INDEX, "2026-03-08")
    # Where one of the two has rows; on the 12th and the 13th none has.
    assert missing(market, INDEX) == ["2026-03-09", "2026-03-10", "2026-03-11"]


MINUTE = timedelta(minutes=1)
LACKS_KEY = "SettingMissing: KRX_ID is not set: an account is free"
FAILED = {"status": "failed", "outcome": "error"}
VERDICTS: list[tuple[dict[str, Any], str, str]] = [
    (FAILED, "ask", "it failed two days ago"),
    (FAILED | {"ago": 29 * MINUTE}, "wait", "it failed just now"),
    (FAILED | {"ago": 30 * MINUTE}, "ask", "half an hour ago"),
    (FAILED | {"ago": MINUTE, "reason": "Abandoned: the process ended"}, "ask", "nobody answered"),
    ({"detail": {"failed": ["coin x"]}, "ago": 29 * MINUTE}, "wait", "a part failed just now"),
    ({"status": "running", "ago": 9 * MINUTE}, "wait", "somebody works on it"),
    ({"status": "running", "ago": 11 * MINUTE}, "ask", "whoever worked on it is gone"),
    ({"outcome": "not_yet_published", "ago": timedelta(hours=23)}, "wait", "the schedule asks"),
    ({"outcome": "not_yet_published", "ago": timedelta(hours=25)}, "ask", "it does no more"),
    ({"outcome": "no_data", "reason": "no_history"}, "never", "the past is gone"),
    (FAILED | {"outcome": "quota", "ago": timedelta(hours=20)}, "wait", "the day's allowance"),
    (FAILED | {"outcome": "quota", "ago": timedelta(hours=22)}, "ask", "yesterday's"),
    (FAILED | {"outcome": "blocked", "ago": 31 * MINUTE}, "wait", "blocked until somebody acts"),
    (FAILED | {"outcome": "auth_expired", "ago": 31 * MINUTE}, "wait", "so with a refused key"),
    (
        {"outcome": "skipped", "reason": "not attempted: QuotaExhausted", "ago": 31 * MINUTE},
        *("wait", "left out for the same reason"),
    ),
    (
        {"outcome": "skipped", "reason": "not attempted: Maintenance", "ago": 31 * MINUTE},
        *("ask", "the maintenance is over"),
    ),
    ({"outcome": "skipped", "reason": LACKS_KEY}, "never", "without an account"),
    (FAILED | {"ago": 90 * MINUTE, "job": "heal_krx_close"}, "ask", "one attempt"),
]


def test_whether_a_gap_may_be_filled_now(market: Database) -> None:
    for told, verdict, reason in VERDICTS:
        market.execute("TRUNCATE data_collection_log")
        log(market, PRICES, "2026-03-12", **told)
        look = Look(market, CALENDAR, NOW)
        assert Gaps(TARGETS, look).verdict(PRICES, "2026-03-12") == verdict, reason


@pytest.mark.parametrize(
    ("of", "is_set", "verdict"),
    [
        (PRICES, True, "ask"),  # the account is there now
        (PRICES, False, "never"),
        (RATES, True, "never"),  # the index of that day was computed without it
    ],
)
def test_what_was_left_out_for_want_of_a_key_is_a_gap_once_the_key_is_there(
    of: Target, is_set: bool, verdict: str, market: Database
) -> None:
    log(market, of, "2026-03-11", outcome="skipped", reason=LACKS_KEY)
    log(market, of, "2026-03-12", outcome="skipped", reason="not attempted: SettingMissing")
    look = Look(market, CALENDAR, NOW, is_set=lambda name: is_set and name == "KRX_ID")
    found = [Gaps(TARGETS, look).verdict(of, day) for day in ("2026-03-11", "2026-03-12")]
    assert found == [verdict, verdict]


def test_two_attempts_a_day_are_enough_however_they_ended(market: Database) -> None:
    log(
        market,
        PRICES,
        "2026-03-11",
        "2026-03-11",
        **FAILED,
        ago=2 * 60 * MINUTE,
        job="heal_krx_close",
    )
    log(market, PRICES, "2026-03-12", **FAILED, ago=2 * 60 * MINUTE, job="heal_krx_close")
    # Three runs of today, of which two died before they could write a row.
    week = Request(frozenset({"prices"}), "2026-03-09", "2026-03-12")
    others = Request(frozenset({"coins"}), "2026-03-09", "2026-03-12")
    twice = Gaps(TARGETS, Look(market, CALENDAR, NOW, asked=[week, week, others]))
    found = {day: twice.verdict(PRICES, f"2026-03-{day}") for day in ("10", "11", "12", "13")}
    assert found == {"10": "spent", "11": "spent", "12": "spent", "13": "ask"}
    once = Gaps(TARGETS, Look(market, CALENDAR, NOW, asked=[week]))
    assert [once.attempts(PRICES, f"2026-03-{day}") for day in (11, 12, 13)] == [2, 1, 0]
    tomorrow = Gaps(TARGETS, Look(market, CALENDAR, NOW + timedelta(hours=3)))  # after midnight
    assert tomorrow.verdict(PRICES, "2026-03-11") == "ask"
