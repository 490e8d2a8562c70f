"""What every test may ask for: recorded answers, a real PostgreSQL, a clock that stands still."""

from __future__ import annotations

import atexit
import base64
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import psycopg
import pytest
import sqlalchemy as sa

from stock_pipeline.alerts import ops_alert
from stock_pipeline.market_calendar import MARKETS, MarketCalendar
from stock_pipeline.storage import collection_log, ddl, embedded, partitions
from stock_pipeline.storage.archive import FileArchive
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.writer import Connection

if TYPE_CHECKING:
    import dagster as dg
    from starlette.testclient import TestClient

    from stock_pipeline.dashboard.collector import Progress, Started
    from stock_pipeline.dashboard.context import Context

REPOSITORY = Path(__file__).parents[1]
pytest_plugins = ["browser", "mail_post"]


# A secret of every setting that holds one, in an address or alone. Some have characters that are
# written differently in an address, in JSON and in base64; keys have the length of real ones.
CANARIES = {
    "DATABASE_URL": ("postgresql://me:{}@127.0.0.1:9/none", "canary-database-61"),
    "CELERY_BROKER_URL": ("redis://:{}@127.0.0.1:9/0", "canary-broker-62"),
    "KRX_ID": ("{}", "canary-krx-id-71"),
    "KRX_PW": ("{}", 'canary+krx/pw="93&%'),
    "KRX_OPENAPI_KEY": ("{}", "CANARY0OPENAPI0KEY00" + "5E" * 10),
    "DART_API_KEY": ("{}", "canary0dart0key0" + "5e" * 12),
    "FSC_API_KEY": ("{}", "canary+fsc/key+" + "Q2" * 20 + "=="),
    "FSS_API_KEY": ("{}", "canary0fss0key00" + "5e" * 8),
    "FRED_API_KEY": ("{}", "canary0fred0key0" + "5e" * 8),
    "COINGECKO_API_KEY": ("{}", "CG-canary0gecko0key"),
    "ALERT_WEBHOOK_URL": ("https://discord.com/api/webhooks/112233/{}", "canary-discord_63-hook"),
    "SLACK_WEBHOOK_URL": ("https://hooks.slack.com/services/T0/B0/{}", "canary0slack0hook064"),
    "NOTIFY_URLS": ("json://127.0.0.1:9 mailto://me:{}@localhost:9", "canary-mail-65"),
    "SMTP_PASSWORD": ("{}", 'canary\\smtp"66'),
    "API_TOKEN": ("{}", "canary-token-67-" + "5e" * 12),
}


@dataclass(frozen=True)
class Canaries:
    """Secrets that a process is given and that may be found nowhere afterwards."""

    words: Mapping[str, str]
    environment: Mapping[str, str]

    def found_in(self, places: Mapping[str, str]) -> list[str]:
        """Return which secret stands in which of these texts, however spelt."""
        return [
            f"{name} in {place}"
            for name, word in self.words.items()
            for place, text in places.items()
            if any(spelling in text for spelling in _spellings(word))
        ]


def _spellings(secret: str) -> set[str]:
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    in_address = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    in_json = json.dumps(secret)[1:-1]
    return in_address | {secret, encoded, repr(secret)[1:-1], in_json, json.dumps(in_json)[1:-1]}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no process is left alone with one."""
    items.sort(key=lambda item: "acceptance" not in item.path.parts)


class HeldClock:
    """A clock that only moves when told to, or when somebody sleeps."""

    def __init__(self, now: datetime | None = None) -> None:
        self.instant = now or datetime(2026, 3, 13, 9, 0, tzinfo=UTC)
        self.sleeps: list[float] = []
        self._elapsed = 0.0

    def now(self) -> datetime:
        """Return the held instant."""
        return self.instant

    def monotonic(self) -> float:
        """Return the seconds slept so far."""
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        """Note the wait instead of waiting."""
        self.sleeps.append(seconds)
        self._elapsed += seconds


@pytest.fixture(scope="session")
def canaries() -> Canaries:
    """Return a secret for every setting that holds one."""
    values = {name: form.format(word) for name, (form, word) in CANARIES.items()}
    return Canaries({name: word for name, (_, word) in CANARIES.items()}, values)


@pytest.fixture(scope="session")
def recorded() -> Path:
    """Return the folder of recorded answers."""
    folder = Path(os.environ.get("RECORDED_PAYLOADS", REPOSITORY.parent / "shared" / "payloads"))
    if not folder.is_dir():
        reason = f"no recorded answers in {folder}; set RECORDED_PAYLOADS"
        if os.environ.get("REQUIRE_RECORDED") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def kernels_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that keeps the compiled score for all processes of this test run."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "kernels"
    (folder / "numba").mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def server_url() -> str:
    """Return the URL of a real PostgreSQL: `TEST_DATABASE_URL`, else the embedded one."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        return given
    # Not pytest's own folder: another test run may remove it while this server works in it. The
    # server stops when the process ends, and what is registered first is called last.
    folder = Path(tempfile.mkdtemp(prefix="stock-pipeline-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return embedded.start(folder)


@contextmanager
def _new_database(server_url: str, template: str = "template1") -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
    yield sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


@pytest.fixture
def database_url(server_url: str) -> Iterator[str]:
    """Return the URL of a new, empty database, dropped afterwards."""
    with _new_database(server_url) as url:
        yield url


@pytest.fixture
def clock() -> HeldClock:
    """Return a clock that stands still."""
    return HeldClock()


@pytest.fixture
def database(database_url: str, clock: HeldClock) -> Iterator[Database]:
    """Return an open database that holds the tables of the machinery and nothing else."""
    database = Database(database_url, clock=clock)
    tables = [*collection_log.TABLES, *ops_alert.TABLES]
    ddl.prepare(database, tables, [], mode="live", today=clock.now().date())
    yield database
    database.close()


@pytest.fixture(scope="module")
def _module_instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    # Imported here: most tests need no Dagster.
    from dagster import DagsterInstance

    with DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as instance:
        yield instance


@pytest.fixture
def instance(_module_instance: dg.DagsterInstance) -> Iterator[dg.DagsterInstance]:
    """Return a Dagster instance without any run."""
    yield _module_instance
    for run_id in _module_instance.get_run_ids():
        _module_instance.delete_run(run_id)


# ---- the seeded market: thirty stocks on 300 sessions, and all that a page shows of them


@pytest.fixture(scope="session")
def calendar() -> MarketCalendar:
    """Return the calendars of the exchanges, built once: it takes seconds."""
    return MarketCalendar(HeldClock())


@pytest.fixture(scope="session")
def _seeded_template(server_url: str, calendar: MarketCalendar) -> Iterator[str]:
    """Return the name of a database that holds the market of `tests/seeded` and that nobody uses.

    The scripts say by which rules its numbers are made, so that a test can expect them by hand.
    """
    # Imported here: few tests need every table.
    from stock_pipeline import discovery

    tables = discovery.tables()
    days = [
        day for name in MARKETS for day in calendar.days(name, date(2024, 1, 1), date(2026, 12, 31))
    ]

    def fill(connection: Connection) -> None:
        for table in tables:
            if table.yearly:
                partitions.create_years(connection, table, (2024, 2025, 2026))
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO market.trading_calendar"
                " (market, date, is_session, reason, open_at, close_at)"
                " VALUES (%s, %s, %s, %s, %s, %s)",
                days,
            )
        for script in sorted((REPOSITORY / "tests" / "seeded").glob("*.sql")):
            connection.execute(script.read_bytes())

    with _new_database(server_url) as url:
        with closing(Database(url, clock=HeldClock())) as made:
            ddl.prepare(made, tables, discovery.views(), mode="live", today=date(2026, 3, 13))
            made.transaction(fill)
            made.execute("ANALYZE")
        yield str(sa.make_url(url).database)


@pytest.fixture(scope="session")
def seeded(server_url: str, _seeded_template: str) -> Iterator[Database]:
    """Return the seeded market on 13 March 2026 at 18:00 in Seoul, to be read only."""
    with (
        _new_database(server_url, _seeded_template) as url,
        closing(Database(url, clock=HeldClock(), read_only=True)) as database,
    ):
        yield database


@pytest.fixture(scope="session")
def seeding(
    server_url: str, _seeded_template: str
) -> Callable[[], AbstractContextManager[Database]]:
    """Return the context in which there is one more seeded market, to be written to."""

    @contextmanager
    def one_more() -> Iterator[Database]:
        with (
            _new_database(server_url, _seeded_template) as url,
            closing(Database(url, clock=HeldClock())) as database,
        ):
            yield database

    return one_more


@pytest.fixture
def seeded_copy(seeding: Callable[[], AbstractContextManager[Database]]) -> Iterator[Database]:
    """Return a seeded market of one's own, to be written to."""
    with seeding() as database:
        yield database


class NobodyCollects:
    """A collector whose daemon is silent; `refuses` may be changed, and starts are noted."""

    def __init__(self) -> None:
        self.refuses: str | None = "daemon_silent"
        self.asked: list[str] = []

    def refusal(self) -> str | None:
        """Say what `refuses` says."""
        return self.refuses

    def start(self, what: str, *, key: str | None, body: str) -> Started:
        """Note the request and name a run."""
        from stock_pipeline.dashboard.collector import Started

        self.asked.append(what)
        return Started((f"run-of-{what}",), is_new=self.asked.count(what) == 1)

    def in_flight(self) -> list[Progress]:
        """Return nothing."""
        return []

    def progress(self, run_ids: Sequence[str]) -> list[Progress]:
        """Return nothing."""
        return []

    def next_runs(self) -> Mapping[str, datetime]:
        """Return nothing."""
        return {}


@pytest.fixture(scope="session")
def context_of(
    calendar: MarketCalendar, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Context]:
    """Return what makes the context of a site: of a database, and what else is given by name."""
    from stock_pipeline.dashboard.context import Context
    from stock_pipeline.dashboard.standing import Standing

    folder = tmp_path_factory.mktemp("archive")

    def made(database: Database, **others: object) -> Context:
        clock = HeldClock()
        values = {
            "writer": database,
            "clock": clock,
            "calendar": calendar,
            "mode": "live",
            "collector": NobodyCollects(),
            "archive": FileArchive(folder, clock=clock),
            "standing": Standing(database, calendar, clock, "krx"),
        }
        return Context(database=database, **values | others)  # type: ignore[arg-type]

    return made


@pytest.fixture(scope="session")
def client(seeded: Database, context_of: Callable[..., Context]) -> Iterator[TestClient]:
    """Return a client of the whole site over the seeded market, without Dagster and guard."""
    from starlette.testclient import TestClient

    from stock_pipeline.dashboard.site import site

    with TestClient(site(context_of(seeded)), follow_redirects=False) as client:
        yield client
