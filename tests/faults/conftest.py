"""The whole pipeline in front of the twin: real sources, real tables, a real PostgreSQL.

Every test begins with the same stored days and ends with a search for its keys in everything it
left behind. Nobody waits: the clock moves only when the pipeline sleeps, and notes for how long.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
import sqlalchemy as sa
import zstandard
from psycopg import sql

from stock_pipeline import discovery, errors
from stock_pipeline.alerts.channel import Channel
from stock_pipeline.alerts.dispatch import Dispatcher
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.resources import resources
from stock_pipeline.storage import ddl
from stock_pipeline.storage.database import Database
from stock_pipeline.twin.environment import REMOVED
from stock_pipeline.twin.request_log import LoggedRequest
from stock_pipeline.twin.server import Twin
from stock_pipeline.twin.upstreams import upstream_modules
from stock_pipeline.twin.wire import Answer, Request, operation_of
from stock_pipeline.twin.world import World

# Friday 2026-03-13, 18:00 in Seoul: the day's session is closed and published.
NOW = datetime(2026, 3, 13, 9, 0, tzinfo=UTC)
# Stored before every test; the faults are played on a repeat of the last one.
KEYS = {"day": "2026-03-12", "week": "2026-03-07", "quarter": "2025-07-01"}

Edit = Callable[[Request, Answer], Answer]


class PlayedClock:
    """A clock that moves when somebody sleeps; it can make a glance at it cost time.

    glance    seconds that pass on the monotonic clock at every look at it
    on_sleep  called in the place of the n-th sleep, after it was noted
    """

    def __init__(self, instant: datetime = NOW) -> None:
        self.instant = instant
        self.sleeps: list[float] = []
        self.glance = 0.0
        self.on_sleep: list[Callable[[], None]] = []
        self._elapsed = 0.0

    def now(self) -> datetime:
        """Return the held instant."""
        return self.instant

    def monotonic(self) -> float:
        """Return the seconds slept, and those that the glances cost."""
        self._elapsed += self.glance
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        """Let the time pass without waiting."""
        self.sleeps.append(seconds)
        self._elapsed += seconds
        self.instant += timedelta(seconds=seconds)
        if self.on_sleep:
            self.on_sleep.pop(0)()


class Edited:
    """An upstream of the twin whose good answers a test may change, by operation."""

    def __init__(self, inner: Any, hosts: frozenset[str], edits: dict[str, Edit]) -> None:
        self.HOSTS = hosts
        self.name = type(inner).__name__
        self._inner = inner
        self._edits = edits

    def answer(self, request: Request) -> Answer | None:
        """Answer as the world does, then change it."""
        answer: Answer | None = self._inner.answer(request)
        edit = self._edits.get(operation_of(request))
        return edit(request, answer) if edit is not None and answer is not None else answer


@dataclass(frozen=True)
class Run:
    """What one Dagster run left behind.

    logs      its rows of data_collection_log
    waits     what it slept, in order
    kept      whether every data table is as it was before
    events    everything Dagster noted of it, as text
    """

    run_id: str
    success: bool
    logs: Sequence[Mapping[str, Any]]
    job: Mapping[str, Any]
    requests: Sequence[LoggedRequest]
    waits: Sequence[float]
    kept: bool
    events: str

    def log(self, table: str, partition: str | None = None) -> Mapping[str, Any]:
        """Return the log row of a table: of a partition, or of the run's first one."""
        found = [r for r in self.logs if r["asset"] == table]
        return next(r for r in found if partition in (None, r["partition"]))

    def ended(self, table: str) -> tuple[str, str]:
        """Return status and outcome of a table's partition."""
        row = self.log(table)
        return row["status"], row["outcome"]

    def error(self, table: str) -> type[errors.PipelineError]:
        """Return the class that the log names for a table's failure or skipping."""
        kind: type[errors.PipelineError] = getattr(errors, self.log(table)["reason"].split(":")[0])
        return kind

    def stopped(self, kind: type[errors.PipelineError]) -> bool:
        """Tell whether every partition but the first was left alone because of this class."""
        reasons = {(row["outcome"], row["reason"]) for row in self.logs[1:]}
        return reasons == {("skipped", f"not attempted: {kind.__name__}")}

    def asked(self, operation: str) -> int:
        """Return how many requests of an operation reached the twin."""
        return sum(request.operation == operation for request in self.requests)

    def waited(self, *seconds: float) -> bool:
        """Tell whether it slept so long and so often, each wait stretched by at most 30 %."""
        pairs = zip(self.waits, seconds, strict=False)
        fits = all(least <= wait <= 1.3 * least for wait, least in pairs)
        return fits and len(self.waits) == len(seconds)


@dataclass
class Stage:
    """A database with stored days, a twin, and Dagster runs between them."""

    database: Database
    clock: PlayedClock
    twin: Twin
    calendar: MarketCalendar
    folder: Path
    edits: dict[str, Edit]
    instance: dg.DagsterInstance
    canaries: Any
    runs: list[Run] = field(default_factory=list)

    def run(
        self,
        *tables: str,
        key: str | None = None,
        last: str | None = None,
        faults: Sequence[str] = (),
    ) -> Run:
        """Collect tables of one kind of partition in one Dagster run, while faults are played.

        key   first partition, by default the one that is stored already; last: with all up to it
        """
        chosen = [asset for asset in discovery.table_assets() if asset.table.name in tables]
        kind = chosen[0].work.partitions
        first = key or (KEYS[kind] if kind else None)
        before, asked, slept = self.contents(), len(self.twin.requests), len(self.clock.sleeps)
        own = {"db": self.database, "clock": self.clock, "calendar": self.calendar}
        with self.twin.inject(*faults):
            result = dg.materialize(
                [asset.asset for asset in chosen],
                resources={**resources(), **own},
                tags=_range(first, last or first),
                instance=self.instance,
                raise_on_error=False,
            )
        run_id = result.run_id
        run = Run(
            run_id,
            result.success,
            self._read("data_collection_log", "run_id", run_id),
            self._read("job_run", "job_id", run_id)[0],
            self.twin.requests[asked:],
            self.clock.sleeps[slept:],
            self.contents() == before,
            "\n".join(map(str, self.instance.all_logs(run_id))),
        )
        self.runs.append(run)
        return run

    def _read(self, table: str, column: str, value: str) -> list[dict[str, Any]]:
        order = "asset, partition" if table == "data_collection_log" else "started_at"
        statement = f"SELECT * FROM {table} WHERE {column} = :value ORDER BY {order}"
        return self.database.read(statement, {"value": value}).to_dicts()

    def contents(self, *tables: str) -> dict[str, str]:
        """Return a digest of every data table, provenance included."""
        names = tables or tuple(asset.table.name for asset in discovery.table_assets())
        digest = "md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), ''))"
        parts = (f"SELECT '{n}' AS name, {digest} AS digest FROM {n} t" for n in names)
        return dict(self.database.read(" UNION ALL ".join(parts)).iter_rows())

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self.database.read(statement).rows()

    def leaks(self, *printed: str) -> list[str]:
        """Return which secret stands where in everything that the runs left, however spelt."""
        places = {f"printed {number}": text for number, text in enumerate(printed)}
        places |= {f"events of run {run.run_id}": run.events for run in self.runs}
        places |= {f"run {run.run_id}": str(run) for run in self.instance.get_runs()}
        for name in _names():
            new = f"SELECT t::text FROM {name} t EXCEPT SELECT t::text FROM kept.{name} t"
            places[f"table {name}"] = str(self.rows(new))
        files = (path for path in self.folder.rglob("*") if path.is_file())
        places |= {f"file {path.name}": _text(path) for path in files}
        found: list[str] = self.canaries.found_in(places)
        return found

    def messages(self) -> list[str]:
        """Deliver what is in the outbox and return what the channel was given."""
        given: list[str] = []
        hook = Channel("hook", "one", lambda message: given.append(str(message)))
        Dispatcher(self.database, [hook], self.clock).deliver()
        return given

    def edit_rows(self, operation: str, change: Callable[[list[dict[str, Any]]], None]) -> None:
        """Let a function change the rows of every good KRX answer to an operation."""

        def edit(request: Request, answer: Answer) -> Answer:
            document = json.loads(answer.body)
            change(document["OutBlock_1"])
            body = json.dumps(document, ensure_ascii=False).encode()
            return Answer(answer.status, body, answer.content_type, answer.operation)

        self.edits[operation] = edit


def _range(first: str | None, last: str | None) -> dict[str, str] | None:
    if first is None or last is None:
        return None
    return {
        "dagster/asset_partition_range_start": first,
        "dagster/asset_partition_range_end": last,
    }


# ---- made once


@pytest.fixture(scope="session")
def world() -> World:
    """Return a small market that ends on the day of the clock."""
    return World(companies=240, end=date(2026, 3, 13))


@pytest.fixture(scope="session")
def calendar() -> MarketCalendar:
    """Return one calendar for all tests: it takes seconds to build."""
    return MarketCalendar(PlayedClock())


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of one certificate authority for all twins."""
    return tmp_path_factory.mktemp("authority")


@pytest.fixture(scope="session")
def stored_url(
    server_url: str,
    world: World,
    calendar: MarketCalendar,
    authority: Path,
    tmp_path_factory: pytest.TempPathFactory,
    canaries: Any,
) -> Iterator[str]:
    """Return the URL of a database with two stored days, and copies of all its rows."""
    name = f"faults_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    url = sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)
    with pytest.MonkeyPatch.context() as patch:
        database = Database(url, clock=PlayedClock())
        ddl.prepare(database, discovery.tables(), discovery.views(), mode="live", today=NOW.date())
        folder = tmp_path_factory.mktemp("stored")
        with _twin(world, PlayedClock(), authority, edits := {}) as twin:
            _surround(patch, twin, folder, canaries.environment)
            instance = dg.DagsterInstance.ephemeral(tempdir=str(folder))
            stage = Stage(
                database, PlayedClock(), twin, calendar, folder, edits, instance, canaries
            )
            assert stage.run("stock_price_daily", key="2026-03-11", last=KEYS["day"]).success
            for tables in (
                ("dart_corp_code", "fsc_listed_item", "stock_delisting"),
                ("dart_filing",),
                ("stocks",),
                ("financial_statement",),
            ):
                assert stage.run(*tables).success
        database.transaction(_copy_all)
        database.close()
    yield url
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


def _names() -> list[str]:
    return [table.name for table in discovery.tables() if table.name != "database_identity"]


def _copy_all(connection: psycopg.Connection[Any]) -> None:
    connection.execute("DELETE FROM upstream_budget")
    connection.execute("CREATE SCHEMA kept")
    for name in _names():
        copy = sql.SQL("CREATE TABLE kept.{0} AS TABLE market.{0}").format(sql.Identifier(name))
        connection.execute(copy)


def _restore_all(connection: psycopg.Connection[Any]) -> None:
    for name in _names():
        # Writing only what differs keeps the tables small over hundreds of tests.
        delete = "DELETE FROM market.{0} t WHERE NOT EXISTS (SELECT FROM kept.{0} k WHERE k = t)"
        for text in (delete, "INSERT INTO market.{0} (TABLE kept.{0} EXCEPT TABLE market.{0})"):
            connection.execute(sql.SQL(text).format(sql.Identifier(name)))


def _twin(world: World, clock: PlayedClock, authority: Path, edits: dict[str, Edit]) -> Twin:
    played = [
        Edited(module.UPSTREAM(world, clock.now), module.HOSTS, edits)
        for module in upstream_modules()
    ]
    return Twin(played, state=authority)


def _surround(
    patch: pytest.MonkeyPatch, twin: Twin, folder: Path, secrets: Mapping[str, str]
) -> None:
    """Lead this process and its children to the twin; the pace would only make numbers longer."""
    patch.chdir(folder)
    for name in REMOVED:
        patch.delenv(name, raising=False)
    own = {"PACE_FACTOR": "0", "STOCK_PIPELINE_HOME": str(folder / "home"), **secrets}
    for name, value in {**twin.environment({}), **own}.items():
        patch.setenv(name, value)


# ---- made for every test


@pytest.fixture
def clock() -> PlayedClock:
    """Return a clock that moves when somebody sleeps."""
    return PlayedClock()


@pytest.fixture
def stage(
    stored_url: str,
    clock: PlayedClock,
    world: World,
    calendar: MarketCalendar,
    authority: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    canaries: Any,
) -> Iterator[Stage]:
    """Return the pipeline with the stored days; afterwards no key may be found anywhere."""
    database = Database(stored_url, clock=clock)
    database.transaction(_restore_all)
    caplog.set_level(logging.INFO)
    edits: dict[str, Edit] = {}
    with _twin(world, clock, authority, edits) as twin:
        _surround(monkeypatch, twin, tmp_path, canaries.environment)
        instance = dg.DagsterInstance.ephemeral(tempdir=str(tmp_path / "dagster"))
        stage = Stage(database, clock, twin, calendar, tmp_path, edits, instance, canaries)
        yield stage
    leaks = stage.leaks(*stage.messages(), caplog.text, *capfd.readouterr())
    database.close()
    assert leaks == [], "F59: a secret left the process"


def _text(path: Path) -> str:
    body = path.read_bytes()
    if path.suffix == ".zst":
        body = zstandard.ZstdDecompressor().decompress(body)
    return body.decode("utf-8", "replace")
