"""What the freshness sensor reports and alerts, on real tables and a real outbox."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from stock_pipeline import discovery, letters
from stock_pipeline.definitions import defs
from stock_pipeline.discovery import scheduled
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.sensors.freshness import freshness, is_fresh, tell
from stock_pipeline.settings import Settings
from stock_pipeline.staleness import State
from stock_pipeline.storage import ddl
from stock_pipeline.storage.database import Database

CALENDAR = MarketCalendar()
RATES, CHARTS, PRICES = "liquidity_macro", "liquidity_price", "stock_price_daily"
HOUR = timedelta(hours=1)


@pytest.fixture
def market(database: Database) -> Database:
    """Return the database with all tables of the product, made long ago."""
    today = database.clock.now().date()
    ddl.prepare(database, discovery.tables(), discovery.views(), mode="live", today=today)
    return database


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as instance:
        yield instance


def resources(db: Database) -> dict[str, Any]:
    """Return what the sensor and the check are given, without any key set."""
    settings = Settings(_env_file=None)
    return {"db": db, "clock": db.clock, "calendar": CALENDAR, "settings": settings}


def tick(
    db: Database, instance: dg.DagsterInstance, cursor: str | None = None
) -> tuple[dict[str, bool], str]:
    """Evaluate the sensor; return table → passed of what it reports, and its next cursor."""
    with dg.build_sensor_context(
        instance=instance, cursor=cursor, resources=resources(db)
    ) as context:
        data = freshness().evaluate_tick(context)
    told = {event.asset_key.to_user_string(): event.passed for event in data.asset_events}
    assert data.cursor is not None
    return told, data.cursor


def store(db: Database, asset: str, partition: str, outcome: str = "rows") -> None:
    """Write a completed log row without rows of the table."""
    db.execute(
        "INSERT INTO data_collection_log (run_id, asset, partition, status, outcome, started_at,"
        " completed_at, inserted, updated, unchanged) VALUES (:partition, :asset, :partition,"
        " 'completed', :outcome, :now, :now, 0, 0, 0) ON CONFLICT DO NOTHING",
        {"asset": asset, "partition": partition, "outcome": outcome, "now": db.clock.now()},
    )


def move(db: Database, by: timedelta) -> None:
    db.clock.instant += by  # type: ignore[attr-defined]  # the held clock of the tests


def messages(db: Database) -> list[tuple[str, str, str]]:
    """Return type, level and text of every alert, oldest first."""
    found = db.read(
        "SELECT alert_type, alert_level, alert_message FROM ops_alert"
        " ORDER BY created_at, alert_type"
    )
    return found.rows()


def test_the_sensor_reports_a_change_once_and_without_a_run(
    market: Database, instance: dg.DagsterInstance
) -> None:
    store(market, RATES, "2026-03-12")  # now is Friday 2026-03-13, 18:00 in Seoul
    told, cursor = tick(market, instance)
    # What was never collected is not reported: the database was made this minute.
    assert told == {RATES: True}
    assert tick(market, instance, cursor) == ({}, cursor)
    move(market, 6 * HOUR)
    told, after = tick(market, instance, cursor)
    assert told == {RATES: False}
    assert tick(market, instance, after)[0] == {}
    move(market, 24 * HOUR)
    told, later = tick(market, instance, after)
    # Another day is missing, and tables that were never collected are overdue by now.
    assert told[RATES] is False
    store(market, RATES, "2026-03-14")
    assert tick(market, instance, later)[0] == {RATES: True}


def test_a_cursor_that_cannot_be_read_tells_all_anew(
    market: Database, instance: dg.DagsterInstance
) -> None:
    store(market, RATES, "2026-03-12")
    for cursor in ["", "[]", "{", '{"liquidity_macro": 3}']:
        assert tick(market, instance, cursor)[0] == {RATES: True}


def state(asset: str, status: Any, required: str = "2026-03-13") -> State:
    found = required if status == "fresh" else "2026-03-12"
    return State(asset, "krx_close", status, required, found)


def states(*stale: str) -> Sequence[State]:
    """Return the states of four tables, of which these are behind."""
    return [state(name, "stale" if name in stale else "fresh") for name in "ABCD"]


def test_tables_that_fall_behind_together_are_one_alert_with_one_recovery(
    database: Database,
) -> None:
    for stale in [("A", "B", "C"), ("A", "B", "C"), ("B",), ()]:
        tell(states(*stale), database)
        move(database, HOUR)
    tell(states(), database)
    opening, recovery = messages(database)
    assert opening[:2] == ("opening", "WARN")
    assert "최신이 아닌 표 3개: A, B, C" in opening[2]
    assert "2026-03-13 필요, 2026-03-12" in opening[2]
    assert recovery[0] == "recovery"


def test_a_table_that_follows_is_an_alert_of_its_own(database: Database) -> None:
    for stale in [("A",), ("A", "D"), ("D",)]:
        tell(states(*stale), database)
        move(database, HOUR)
    assert [(kind, "1개: D" in text) for kind, _, text in messages(database)] == [
        ("opening", False),
        ("opening", True),
        ("recovery", False),
    ]


def test_what_is_behind_on_the_second_day_is_critical(database: Database) -> None:
    tell(states("A"), database)
    for by, levels in [
        (timedelta(hours=23, minutes=59), ["WARN"]),
        (timedelta(minutes=1), ["WARN", "CRITICAL"]),
        (timedelta(hours=3, minutes=59), ["WARN", "CRITICAL"]),
        (timedelta(minutes=1), ["WARN", "CRITICAL", "CRITICAL"]),  # again each four hours
    ]:
        move(database, by)
        tell(states("A"), database)
        assert [level for _, level, _ in messages(database)] == levels


def test_a_skipped_table_ends_an_alert_and_opens_none(database: Database) -> None:
    tell(states("A"), database)
    tell([state("A", "skipped"), state("B", "never")], database)
    assert [kind for kind, _, _ in messages(database)] == ["opening", "recovery"]


def test_of_thirty_tables_the_alert_names_a_few(database: Database) -> None:
    tell([state(f"table_{number:02}", "stale") for number in range(30)], database)
    ((_, _, text),) = messages(database)
    assert "표 30개: table_00, " in text
    assert "table_07 외 22개" in text
    assert len(text) < 500


def test_the_check_says_the_same_when_somebody_runs_it(
    market: Database, instance: dg.DagsterInstance
) -> None:
    store(market, RATES, "2026-03-12")
    store(market, CHARTS, "2026-03-11")
    check = is_fresh()
    keys = [key for key in check.check_keys if key.asset_key.to_user_string() in {RATES, CHARTS}]
    result = dg.materialize(
        [check],
        selection=dg.AssetSelection.checks(*keys),
        instance=instance,
        resources=resources(market),
    )
    found = {
        one.asset_key.to_user_string(): (one.passed, one.metadata["required"].value)
        for one in result.get_asset_check_evaluations()
    }
    assert found == {RATES: (True, "2026-03-12"), CHARTS: (False, "2026-03-12")}


def test_every_scheduled_table_has_the_check_and_the_badge() -> None:
    graph = defs.get_repository_def().asset_graph
    checked = {key.asset_key.to_user_string() for key in is_fresh().check_keys}
    names = {key.to_user_string() for key in graph.get_all_asset_keys()}
    # A mail is no table: what is late of it is told in the mail itself.
    assert checked == set(scheduled()) == names - {line.name for line in letters.LINES}
    windows = {
        name: graph.get(dg.AssetKey(name)).freshness_policy.fail_window.to_timedelta()
        for name in (PRICES, RATES, "deposit_rate_options")
    }
    # The longest closure, a day and a month; each with what is allowed to be late, and a day.
    assert windows == {
        PRICES: timedelta(days=12, hours=1),
        RATES: timedelta(days=2, hours=18),
        "deposit_rate_options": timedelta(days=33),
    }
