"""What every test may ask for: recorded answers, a real PostgreSQL, a clock that stands still."""

from __future__ import annotations

import atexit
import base64
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, quote_plus

import psycopg
import pytest
import sqlalchemy as sa

from stock_pipeline.alerts import ops_alert
from stock_pipeline.storage import collection_log, ddl, embedded
from stock_pipeline.storage.database import Database

REPOSITORY = Path(__file__).parents[1]


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


@pytest.fixture
def database_url(server_url: str) -> Iterator[str]:
    """Return the URL of a new, empty database, dropped afterwards."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    yield sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


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
