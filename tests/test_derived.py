"""Which computed partitions are older than their inputs, on a small log written by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from stock_pipeline.derived import END, Walk, outdated, put_back
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Date, key, table
from stock_pipeline.targets import Target
from stock_pipeline.work import Work

NOW = datetime(2026, 3, 13, 9, 0, tzinfo=UTC)  # 18:00 in Seoul
# Friday, then the week: all sessions.
SESSIONS = ["2026-03-06", "2026-03-09", "2026-03-10", "2026-03-11", "2026-03-12", "2026-03-13"]


def work(name: str, **declared: object) -> Work:
    own = table(name, key("day", Date, "session"), provenance="computed")
    return Work(own, partitions="day", sessions="XKRX", **declared)  # type: ignore[arg-type]  # keywords as given


def version_of(*inputs: str) -> str:
    """Return the version query of a table that looks back to the beginning."""
    names = ", ".join(f"'{name}'" for name in inputs)
    return (
        "SELECT max(completed_at) FROM data_collection_log"
        f" WHERE asset IN ({names}) AND inserted > 0 AND partition <= :day"
    )


PRICES = work("prices")
FACTORS = work("factors", history="prices", input_version=version_of("prices"))
SCORES = work("scores", history="prices", input_version=version_of("prices", "factors"))
DERIVED = [
    Target(FACTORS, "krx_close", (PRICES,)),
    Target(SCORES, "krx_close", (PRICES, FACTORS)),
]


class Log:
    """Writes completed log rows; every row is one minute later than the one before."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._at = NOW - timedelta(hours=5)
        self._runs = 0

    def store(self, asset: str, *partitions: str, changed: int = 1) -> None:
        """Log partitions of a table, with the version that its inputs have now."""
        for partition in partitions:
            self._at += timedelta(minutes=1)
            self._runs += 1
            declared = {"factors": FACTORS, "scores": SCORES}.get(asset)
            version = None
            if declared is not None and declared.input_version is not None:
                found = self._database.read(declared.input_version, {"day": partition}).item()
                version = found.isoformat() if found else None
            self._write(asset, partition, changed=changed, version=version)

    def _write(self, asset: str, partition: str, *, changed: int, version: str | None) -> None:
        values = {"run": f"run {self._runs}", "asset": asset, "partition": partition}
        values |= {"at": self._at, "changed": changed, "version": version}
        self._database.execute(
            "INSERT INTO data_collection_log (run_id, asset, partition, status, outcome,"
            " started_at, completed_at, inserted, updated, deleted, input_version)"
            " VALUES (:run, :asset, :partition, 'completed', 'rows', :at, :at, :changed, 0, 0,"
            " :version)",
            values,
        )


@pytest.fixture
def log(database: Database) -> Log:
    return Log(database)


@pytest.fixture
def stored(log: Log) -> Log:
    """Return a log in which everything follows its inputs."""
    log.store("prices", *SESSIONS)
    log.store("factors", *SESSIONS[1:])
    log.store("scores", *SESSIONS[1:])
    return log


def compare(
    database: Database, walk: Walk | None = None, now: datetime = NOW, step: int = 100
) -> tuple[dict[str, list[str]], Walk]:
    """Return the outdated partitions of each table and the walk from where all were computed."""
    walk = put_back(DERIVED, database, walk or Walk(), now)
    found = {t.name: outdated(t, database, walk.ahead[t.name], step) for t in DERIVED}
    ahead = {name: beyond for name, (_, beyond) in found.items()}
    return {n: older for n, (older, _) in found.items()}, Walk(walk.day, walk.since, ahead)


NOTHING: dict[str, list[str]] = {"factors": [], "scores": []}


def test_nothing_is_outdated_in_an_empty_database(database: Database) -> None:
    assert compare(database)[0] == NOTHING


def test_nothing_is_outdated_when_everything_follows_its_inputs(
    database: Database, stored: Log
) -> None:
    older, walk = compare(database)
    assert older == NOTHING
    assert walk.ahead == {"factors": END, "scores": END}


def test_a_changed_input_makes_the_partitions_from_its_date_on_outdated(
    database: Database, stored: Log
) -> None:
    _, walk = compare(database)
    stored.store("prices", "2026-03-11")
    older, walk = compare(database, walk)
    days = ["2026-03-11", "2026-03-12", "2026-03-13"]
    assert older == {"factors": days, "scores": days}
    stored.store("factors", *days, changed=0)
    stored.store("scores", *days)
    assert compare(database, walk)[0] == NOTHING


def test_a_repeat_that_changes_nothing_makes_nothing_outdated(
    database: Database, stored: Log
) -> None:
    _, walk = compare(database)
    stored.store("prices", "2026-03-11", changed=0)
    assert compare(database, walk)[0] == NOTHING


def test_the_walk_goes_on_where_it_stopped(database: Database, stored: Log) -> None:
    _, first = compare(database, step=2)
    assert first.ahead["factors"] == "2026-03-11"  # the 9th and the 10th are compared
    _, second = compare(database, first, step=2)
    assert second.ahead["factors"] == "2026-03-13"
    _, third = compare(database, second, step=2)
    assert third.ahead == {"factors": END, "scores": END}


def test_a_new_day_compares_everything_again(database: Database, stored: Log) -> None:
    _, walk = compare(database)
    database.execute("UPDATE data_collection_log SET input_version = NULL WHERE asset = 'scores'")
    assert compare(database, walk)[0] == NOTHING
    tomorrow = compare(database, walk, NOW + timedelta(days=1))[0]
    assert tomorrow == {"factors": [], "scores": SESSIONS[1:]}


@pytest.mark.parametrize("cursor", [None, "", "nonsense", "[]", '{"other": 1}'])
def test_an_unreadable_cursor_begins_anew(cursor: str | None) -> None:
    assert Walk.parse(cursor) == Walk()


def test_a_cursor_survives_being_written(database: Database, stored: Log) -> None:
    _, walk = compare(database)
    assert Walk.parse(walk.text()) == walk
