"""What one tick of the gap healer asks for, and that its ticks come to an end from any state."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stock_pipeline.derived import Walk
from stock_pipeline.gaps import Look, Request
from stock_pipeline.healing import MISSING, OUTDATED, Batch, Plan, plan
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Date, key, table
from stock_pipeline.targets import Target, in_order
from stock_pipeline.work import Work

NOW = datetime(2026, 3, 13, 12, 0, tzinfo=UTC)  # Friday, 21:00 in Seoul
CALENDAR = MarketCalendar()
# Friday, then the week: all sessions.
SESSIONS = [f"2026-03-{day:02}" for day in (6, 9, 10, 11, 12, 13)]
WEEKDAYS = SESSIONS
UTC_DAYS = [f"2026-03-{day:02}" for day in (6, 7, 8, 9, 10, 11, 12)]
QUARTERS = ["2024-10-01", "2025-01-01", "2025-04-01", "2025-07-01"]


def work(name: str, **told: Any) -> Work:
    declared = table(name, key("day", Date, "day"), provenance="none", partition="day")
    return Work(declared, **({"partitions": "day", "write": "partition"} | told))


def version_of(*inputs: str) -> str:
    """Return the version query of a table that looks back to the beginning."""
    names = ", ".join(f"'{name}'" for name in inputs)
    return (
        "SELECT max(completed_at) FROM data_collection_log WHERE status = 'completed'"
        f" AND asset IN ({names}) AND inserted > 0 AND partition <= :day"
    )


PRICES = work("prices", sessions="XKRX")
FUNDS = work("funds", sessions="XKRX")
REPORTS = work("reports", partitions="quarter", write="merge")
FACTORS = work("factors", sessions="XKRX", history="prices", input_version=version_of("prices"))
SCORES = work(
    "scores",
    sessions="XKRX",
    history="prices",
    input_version=version_of("prices", "factors", "reports"),
)
TARGETS = [
    Target(SCORES, "krx_close", (PRICES, FACTORS, REPORTS)),
    Target(FACTORS, "krx_close", (PRICES,)),
    Target(FUNDS, "krx_close"),
    Target(PRICES, "krx_close"),
    Target(work("filings"), "filings_daily"),
    Target(work("coins", partitions="utc_day"), "crypto_dawn"),
    Target(REPORTS, "weekly_financials"),
]
BY_NAME = {target.name: target for target in TARGETS}
IN_ORDER = [target.name for target in in_order(TARGETS)]
EXPECTED = {
    "prices": SESSIONS,
    "funds": SESSIONS,
    "factors": SESSIONS[1:],
    "scores": SESSIONS[1:],
    "filings": WEEKDAYS,
    "coins": UTC_DAYS,
    "reports": QUARTERS,
}


_STORE = """
WITH rows AS (INSERT INTO "{table}" SELECT CAST(day AS date) FROM unnest(CAST(:keys AS text[])) day
    WHERE :has_rows ON CONFLICT DO NOTHING)
INSERT INTO data_collection_log (run_id, asset, partition, status, outcome, started_at,
    progress_at, completed_at, inserted, input_version, detail)
SELECT :run || day, '{table}', day, :status, 'rows', :at, :at, :at, CAST(:has_rows AS int),
    ({version}), CAST(:detail AS json)
FROM unnest(CAST(:keys AS text[])) k(day)
"""


class Collector:
    """Collects partitions: each collection ends a minute after the one before."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._at = NOW - timedelta(days=2)
        self.launched: Counter[tuple[str, str]] = Counter()

    def store(
        self, name: str, *keys: str, status: str = "completed", detail: dict[str, Any] | None = None
    ) -> None:
        """Store rows of a table and log them with the version that its inputs have now."""
        self._at += timedelta(minutes=1)
        version = (BY_NAME[name].work.input_version or "NULL").replace(":day", "k.day")
        self._database.execute(
            _STORE.format(table=name, version=version),
            {
                "keys": list(keys),
                "run": f"{self._at:%H:%M} ",
                "at": self._at,
                "status": status,
                "has_rows": status == "completed",
                "detail": json.dumps(detail) if detail else None,
            },
        )

    def collect(self, batches: Sequence[Batch]) -> None:
        """Do what was asked for, run by run and in a run table by table."""
        for batch in batches:
            for name in (name for name in IN_ORDER if name in batch.tables):
                self.store(name, *batch.keys)
                self.launched.update((name, key) for key in batch.keys)


@pytest.fixture
def market(database: Database) -> Database:
    """Return a database with the tables of this module."""
    tables = [*collection_log.TABLES, *(target.work.table for target in TARGETS)]
    ddl.prepare(database, tables, [], mode="live", today=NOW.date())
    return database


@pytest.fixture
def collector(market: Database) -> Collector:
    return Collector(market)


@pytest.fixture
def stored(collector: Collector) -> Collector:
    """Return a collector of a market that lacks nothing."""
    for name, partitions in EXPECTED.items():
        if name not in ("factors", "scores"):
            collector.store(name, *partitions)
    collector.store("factors", *EXPECTED["factors"])
    collector.store("scores", *EXPECTED["scores"])
    return collector


def heal(
    market: Database, walk: Walk | None = None, asked: Sequence[Request] = (), **limits: int
) -> Plan:
    return plan(TARGETS, Look(market, CALENDAR, NOW, asked), walk or Walk(), **limits)


def forget(market: Database, name: str, *partitions: str) -> None:
    market.execute(
        "DELETE FROM data_collection_log WHERE asset = :name AND partition = ANY(:partitions)",
        {"name": name, "partitions": list(partitions)},
    )


def unversion(market: Database, name: str, keys: Sequence[str]) -> None:
    """Forget from which inputs partitions were computed: they count as outdated."""
    market.execute(
        "UPDATE data_collection_log SET input_version = NULL"
        " WHERE asset = :name AND partition = ANY(:keys)",
        {"name": name, "keys": list(keys)},
    )


def runs(found: Plan) -> list[tuple[tuple[str, ...], str, str, str]]:
    return [(b.tables, b.keys[0], b.keys[-1], b.why) for b in found.batches]


def test_nothing_is_asked_for_in_an_empty_database(market: Database) -> None:
    assert heal(market).batches == []


def test_nothing_is_asked_for_where_nothing_is_missing(market: Database, stored: Collector) -> None:
    found = heal(market)
    assert found.batches == []
    assert found.is_calm


def test_collected_tables_get_their_newest_partitions_first_and_neighbours_share_a_run(
    market: Database, stored: Collector
) -> None:
    forget(market, "funds", SESSIONS[1], SESSIONS[2], SESSIONS[4])
    forget(market, "coins", UTC_DAYS[6])
    forget(market, "reports", QUARTERS[1], QUARTERS[2])
    assert runs(heal(market)) == [
        (("funds",), "2026-03-12", "2026-03-12", MISSING),
        (("coins",), "2026-03-12", "2026-03-12", MISSING),
        (("funds",), "2026-03-09", "2026-03-10", MISSING),
        (("reports",), "2025-01-01", "2025-04-01", MISSING),
    ]


def test_computed_tables_get_their_oldest_partitions_first(
    market: Database, stored: Collector
) -> None:
    forget(market, "scores", SESSIONS[2], SESSIONS[4])
    forget(market, "factors", SESSIONS[5])
    assert runs(heal(market)) == [
        (("scores",), "2026-03-10", "2026-03-10", MISSING),
        (("scores",), "2026-03-12", "2026-03-12", MISSING),
        (("factors",), "2026-03-13", "2026-03-13", MISSING),
    ]


def test_a_weekend_does_not_part_sessions_but_days_of_every_day(
    market: Database, stored: Collector
) -> None:
    stored.store("filings", "2026-03-05")
    forget(market, "funds", SESSIONS[1])
    forget(market, "filings", *WEEKDAYS[:2])
    stored.store("funds", "2026-03-05")
    forget(market, "funds", *SESSIONS[:2])
    # A run over a weekend would ask for disclosures of Saturday and Sunday as well.
    assert runs(heal(market)) == [
        (("funds",), "2026-03-06", "2026-03-09", MISSING),
        (("filings",), "2026-03-09", "2026-03-09", MISSING),
        (("filings",), "2026-03-06", "2026-03-06", MISSING),
    ]


def test_missing_partitions_come_before_outdated_ones(market: Database, stored: Collector) -> None:
    stored.store("prices", SESSIONS[4])
    forget(market, "funds", SESSIONS[1])
    both = ("factors", "scores")
    assert runs(heal(market)) == [
        (("funds",), "2026-03-09", "2026-03-09", MISSING),
        (both, "2026-03-12", "2026-03-13", OUTDATED),
    ]


def test_among_computed_tables_too_and_what_is_both_is_asked_for_once(
    market: Database, stored: Collector
) -> None:
    unversion(market, "scores", [SESSIONS[1], SESSIONS[3]])
    forget(market, "scores", SESSIONS[5])
    market.execute("DELETE FROM scores WHERE day = CAST(:day AS date)", {"day": SESSIONS[3]})
    assert runs(heal(market)) == [
        (("scores",), "2026-03-11", "2026-03-11", MISSING),
        (("scores",), "2026-03-13", "2026-03-13", MISSING),
        (("scores",), "2026-03-09", "2026-03-09", OUTDATED),
    ]


def test_what_is_computed_is_not_asked_for_beside_a_collected_input(
    market: Database, stored: Collector
) -> None:
    stored.store("reports", QUARTERS[0])
    forget(market, "prices", SESSIONS[5])
    # The prices of the 13th would make its factors outdated, and these its scores once more.
    assert runs(heal(market)) == [
        (("prices",), "2026-03-13", "2026-03-13", MISSING),
        (("scores",), "2026-03-09", "2026-03-12", OUTDATED),
    ]


def test_what_is_computed_waits_for_an_input_that_is_asked_for(
    market: Database, stored: Collector
) -> None:
    forget(market, "prices", SESSIONS[3])
    forget(market, "scores", SESSIONS[2], SESSIONS[5])
    found = heal(market)
    # The 13th would be outdated as soon as the prices of the 11th are there.
    assert runs(found) == [
        (("prices",), "2026-03-11", "2026-03-11", MISSING),
        (("scores",), "2026-03-10", "2026-03-10", MISSING),
    ]


def test_what_is_computed_waits_for_statements_that_are_asked_for(
    market: Database, stored: Collector
) -> None:
    forget(market, "reports", QUARTERS[1])
    forget(market, "scores", SESSIONS[2])
    assert runs(heal(market)) == [(("reports",), "2025-01-01", "2025-01-01", MISSING)]


def test_one_tick_asks_for_25_partitions_at_the_most(
    market: Database, collector: Collector
) -> None:
    collector.store("prices", "2026-01-02")
    collector.store("funds", "2026-01-02")
    found = heal(market)
    # The newest sessions of both; a session's tables stay together.
    assert [(b.tables, len(b.keys), b.keys[-1]) for b in found.batches] == [
        (("funds", "prices"), 12, "2026-03-13"),
    ]


def test_the_walk_stays_where_something_is_outdated_until_it_is_done(
    market: Database, stored: Collector
) -> None:
    stored.store("prices", SESSIONS[3])
    found = heal(market, most=0)
    assert found.walk.ahead["scores"] == SESSIONS[3]
    stored.collect(heal(market, found.walk).batches)
    assert heal(market, found.walk).batches == []


def test_what_was_asked_for_twice_is_told_and_waits_for_tomorrow(
    market: Database, stored: Collector
) -> None:
    forget(market, "funds", SESSIONS[4], SESSIONS[5])
    died = Request(frozenset({"funds"}), SESSIONS[4], SESSIONS[4])
    once = heal(market, asked=[died])
    assert [(b.keys, b.attempt) for b in once.batches] == [((SESSIONS[4], SESSIONS[5]), 1)]
    assert once.spent == {}
    twice = heal(market, asked=[died, died])
    assert [b.keys for b in twice.batches] == [(SESSIONS[5],)]
    assert twice.spent == {"funds": [SESSIONS[4]]}
    assert not twice.is_calm


@pytest.mark.parametrize(
    "ended",
    [
        {"status": "failed"},
        {"detail": {"failed": ["005930"]}},  # a part did not come: still missing the next morning
    ],
)
def test_a_failure_that_is_not_made_good_is_no_calm(
    market: Database, stored: Collector, ended: dict[str, Any]
) -> None:
    forget(market, "funds", SESSIONS[5])
    stored.store("funds", SESSIONS[5], **ended)
    assert not heal(market).is_calm
    stored.store("funds", SESSIONS[5])
    assert heal(market).is_calm


@pytest.mark.fault
def test_f45_partitions_of_missed_ticks_are_filled_each_once(
    market: Database, stored: Collector
) -> None:
    for name in ("prices", "funds", "factors", "scores", "filings"):
        forget(market, name, *SESSIONS[3:])  # the daemon stood still over three ticks
    walk = Walk()
    for _ in range(3):
        found = heal(market, walk)
        walk = found.walk
        stored.collect(found.batches)
    assert heal(market, walk).batches == []
    names = ("prices", "funds", "factors", "scores", "filings")
    assert stored.launched == Counter((name, day) for name in names for day in SESSIONS[3:])


# What may have become of a partition; most are stored.
FATES = ("stored", "stored", "never", "failed", "partial", "limited", "emptied", "unversioned")
LATER = [(name, key) for name, keys in EXPECTED.items() for key in keys[1:]]


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(fates=st.lists(st.sampled_from(FATES), min_size=len(LATER), max_size=len(LATER)))
def test_i14_from_any_state_every_partition_is_asked_for_at_most_once_and_then_nothing(
    fates: list[str], market: Database
) -> None:
    collector = Collector(market)
    market.execute(f"TRUNCATE data_collection_log, {', '.join(BY_NAME)}")
    for name, keys in EXPECTED.items():
        befallen = {"stored": [keys[0]]}
        for (of, partition), fate in zip(LATER, fates, strict=True):
            if of == name:
                befallen.setdefault(fate, []).append(partition)
        for fate, partitions in befallen.items():
            befall(market, collector, name, partitions, fate=fate)
    walk, asked_for = Walk(), 1
    while asked_for:
        found = heal(market, walk)
        walk, asked_for = found.walk, sum(len(b.tables) * len(b.keys) for b in found.batches)
        assert asked_for <= 25
        collector.collect(found.batches)
        assert set(collector.launched.values()) <= {1}
    assert heal(market).batches == []  # also for whoever compares everything again
    for name, keys in EXPECTED.items():
        rows = market.read(f"SELECT day::text FROM {name} ORDER BY day")["day"].to_list()
        assert rows == keys


def befall(
    market: Database, collector: Collector, name: str, keys: list[str], *, fate: str
) -> None:
    """Bring partitions into one of the states in which they may be found."""
    if fate == "never":
        return
    status = "failed" if fate == "failed" else "completed"
    detail = {"partial": {"failed": ["a part"]}, "limited": {"limited": True}}.get(fate)
    collector.store(name, *keys, status=status, detail=detail)
    if fate == "unversioned":
        unversion(market, name, keys)
    # The rows of a quarter do not say which it was: only a table without any row is emptied.
    if fate == "emptied" and name != "reports":
        market.execute(f"DELETE FROM {name} WHERE day = ANY(CAST(:keys AS date[]))", {"keys": keys})
