"""Which derived partitions are missing or outdated, on a small log written by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stock_pipeline.derived import END, Batch, Derived, Inspector, Walk, in_order
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Date, key, table
from stock_pipeline.work import Work

NOW = datetime(2026, 3, 13, 9, 0, tzinfo=UTC)  # 18:00 in Seoul
# Friday, then the week: all sessions.
SESSIONS = ["2026-03-06", "2026-03-09", "2026-03-10", "2026-03-11", "2026-03-12", "2026-03-13"]
CALENDAR = MarketCalendar()


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
DERIVED = [Derived(SCORES, (PRICES, FACTORS)), Derived(FACTORS, (PRICES,))]


class Log:
    """Writes completed log rows; every row is one minute later than the one before."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._at = NOW - timedelta(hours=5)
        self._runs = 0

    def store(self, asset: str, *partitions: str, changed: int = 1, trigger: str = "cli") -> None:
        """Log partitions of a table, with the version that its inputs have now."""
        for partition in partitions:
            self._at += timedelta(minutes=1)
            self._runs += 1
            declared = {"factors": FACTORS, "scores": SCORES}.get(asset)
            version = None
            if declared is not None and declared.input_version is not None:
                found = self._database.read(declared.input_version, {"day": partition}).item()
                version = found.isoformat() if found else None
            self._write(asset, partition, changed=changed, version=version, trigger=trigger)

    def _write(
        self, asset: str, partition: str, *, changed: int, version: str | None, trigger: str
    ) -> None:
        values = {"run": f"run {self._runs}", "asset": asset, "partition": partition}
        values |= {"at": self._at, "changed": changed, "version": version, "trigger": trigger}
        self._database.execute(
            "INSERT INTO data_collection_log (run_id, asset, partition, status, outcome,"
            " started_at, completed_at, inserted, updated, deleted, input_version)"
            " VALUES (:run, :asset, :partition, 'completed', 'rows', :at, :at, :changed, 0, 0,"
            " :version)",
            values,
        )
        self._database.execute(
            "INSERT INTO job_run (job_id, trigger) VALUES (:run, :trigger)", values
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


def inspect(
    database: Database, walk: Walk | None = None, now: datetime = NOW, **limits: int
) -> tuple[list[Batch], Walk]:
    return Inspector(DERIVED, database, CALENDAR, now).inspect(walk or Walk(), **limits)


def test_nothing_is_due_in_an_empty_database(database: Database) -> None:
    batches, _ = inspect(database)
    assert batches == []


def test_nothing_is_due_when_everything_follows_its_inputs(database: Database, stored: Log) -> None:
    batches, walk = inspect(database)
    assert batches == []
    assert walk.ahead == {"factors": END, "scores": END}


def test_a_table_without_any_stored_partition_is_left_to_the_first_load(
    database: Database, log: Log
) -> None:
    log.store("prices", *SESSIONS)
    assert inspect(database)[0] == []


def test_missing_partitions_after_the_first_stored_one_are_due(
    database: Database, log: Log
) -> None:
    log.store("prices", *SESSIONS)
    log.store("factors", *SESSIONS[1:])
    log.store("scores", SESSIONS[2])
    # Friday 6 and Monday 9 lie before the first score, and neighbours make one run.
    assert inspect(database)[0] == [Batch(("scores",), "2026-03-11", "2026-03-13", 0)]


def test_a_partition_is_not_due_before_its_inputs_are_stored(database: Database, log: Log) -> None:
    log.store("prices", *SESSIONS[:2], *SESSIONS[3:])  # 10 March is missing
    log.store("factors", SESSIONS[1])
    log.store("scores", SESSIONS[1])
    # 11 March waits for the session before it; from the 12th on both tables go in one run.
    both = ("factors", "scores")
    assert inspect(database)[0] == [Batch(both, "2026-03-12", "2026-03-13", 0)]


def test_partitions_that_are_no_neighbours_are_separate_runs(
    database: Database, stored: Log
) -> None:
    database.execute(
        "DELETE FROM data_collection_log WHERE asset = 'scores'"
        " AND partition IN ('2026-03-10', '2026-03-12')"
    )
    assert [batch.start for batch in inspect(database)[0]] == ["2026-03-10", "2026-03-12"]


def test_a_changed_input_makes_the_partitions_from_its_date_on_outdated(
    database: Database, stored: Log
) -> None:
    _, walk = inspect(database)
    stored.store("prices", "2026-03-11")
    batches, walk = inspect(database, walk)
    assert batches == [Batch(("factors", "scores"), "2026-03-11", "2026-03-13", 0)]
    stored.store("factors", "2026-03-11", "2026-03-12", "2026-03-13", changed=0)
    stored.store("scores", "2026-03-11", "2026-03-12", "2026-03-13")
    assert inspect(database, walk)[0] == []


def test_a_repeat_that_changes_nothing_makes_nothing_outdated(
    database: Database, stored: Log
) -> None:
    _, walk = inspect(database)
    stored.store("prices", "2026-03-11", changed=0)
    assert inspect(database, walk)[0] == []


def test_missing_partitions_come_before_outdated_ones(database: Database, stored: Log) -> None:
    stored.store("prices", "2026-03-09")
    database.execute(
        "DELETE FROM data_collection_log WHERE asset = 'scores' AND partition = '2026-03-13'"
    )
    batches, walk = inspect(database, most=1)
    assert batches == [Batch(("scores",), "2026-03-13", "2026-03-13", 0)]
    stored.store("scores", "2026-03-13")
    assert inspect(database, walk, most=1)[0] == [
        Batch(("factors",), "2026-03-09", "2026-03-09", 0)
    ]


def test_the_walk_goes_on_where_it_stopped(database: Database, stored: Log) -> None:
    _, first = inspect(database, step=2)
    assert first.ahead["factors"] == "2026-03-11"  # the 9th and the 10th are compared
    _, second = inspect(database, first, step=2)
    assert second.ahead["factors"] == "2026-03-13"
    _, third = inspect(database, second, step=2)
    assert third.ahead == {"factors": END, "scores": END}


def test_a_partition_is_requested_twice_a_day_and_again_the_next_day(
    database: Database, stored: Log
) -> None:
    database.execute(
        "DELETE FROM data_collection_log WHERE asset = 'scores' AND partition = '2026-03-13'"
    )
    walk = Walk()
    for attempt in range(2):
        batches, walk = inspect(database, walk)
        assert batches == [Batch(("scores",), "2026-03-13", "2026-03-13", attempt)]
        stored.store("scores", "2026-03-13", trigger="sensor")
        database.execute(
            "UPDATE data_collection_log SET status = 'failed'"
            " WHERE asset = 'scores' AND partition = '2026-03-13'"
        )
    assert inspect(database, walk)[0] == []
    assert len(inspect(database, walk, NOW + timedelta(hours=6))[0]) == 1  # after midnight in Seoul


def test_a_new_day_compares_everything_again(database: Database, stored: Log) -> None:
    _, walk = inspect(database)
    database.execute("UPDATE data_collection_log SET input_version = NULL WHERE asset = 'scores'")
    assert inspect(database, walk)[0] == []
    tomorrow = inspect(database, walk, NOW + timedelta(days=1))[0]
    assert tomorrow == [Batch(("scores",), "2026-03-09", "2026-03-13", 0)]


@pytest.mark.parametrize("cursor", [None, "", "nonsense", "[]", '{"other": 1}'])
def test_an_unreadable_cursor_begins_anew(cursor: str | None) -> None:
    assert Walk.parse(cursor) == Walk()


def test_a_cursor_survives_being_written(database: Database, stored: Log) -> None:
    _, walk = inspect(database)
    assert Walk.parse(walk.text()) == walk


def test_a_table_comes_after_those_it_is_computed_from() -> None:
    assert [table.name for table in in_order(DERIVED)] == ["factors", "scores"]


def test_an_input_that_may_be_missing_keeps_no_day_from_being_computed(
    database: Database, log: Log
) -> None:
    rates = work("rates", optional=True)
    news = work("news", optional=True)
    index = work("index")
    log.store("rates", *SESSIONS[:4])
    log.store("news", SESSIONS[0], SESSIONS[4])
    log.store("index", SESSIONS[0])
    found, _ = Inspector([Derived(index, (news, rates))], database, CALENDAR, NOW).inspect(Walk())
    # where one of the two is stored; on the 13th none is
    assert found == [Batch(("index",), "2026-03-09", "2026-03-12", 0)]


def test_the_days_of_a_table_that_has_every_day_are_neighbours_across_a_weekend(
    database: Database, log: Log
) -> None:
    rates, index = (replace(work(name), sessions=None) for name in ("rates", "index"))
    log.store("rates", *(f"2026-03-{day:02}" for day in range(5, 13)))
    log.store("index", "2026-03-05", "2026-03-07")
    # Beside a table of sessions: the 6th and the 9th are neighbours only there.
    derived = [*DERIVED, Derived(index, (rates,))]
    found, _ = Inspector(derived, database, CALENDAR, NOW).inspect(Walk())
    assert found == [
        Batch(("index",), "2026-03-06", "2026-03-06", 0),
        Batch(("index",), "2026-03-08", "2026-03-12", 0),
    ]
