"""A day of prices while KRX blocks: filled by the next source, replaced by a better one, compared.

KRX blocks on Thursday at 16:30. Its block is kept for 24 hours, so on Friday at 08:10 and 13:30 the
other official sources are asked and KRX is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from stock_pipeline import discovery
from stock_pipeline.assets.prices import price_reconciliation, stock_price_daily
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.resources import resources
from stock_pipeline.storage import ddl
from stock_pipeline.storage.database import Database
from stock_pipeline.twin import fsc, krx, krx_openapi
from stock_pipeline.twin.request_log import LoggedRequest
from stock_pipeline.twin.server import Twin
from stock_pipeline.twin.world import World

pytestmark = pytest.mark.fault

DAY = date(2026, 3, 12)
EVENING, MORNING, NOON = "2026-03-12T16:30", "2026-03-13T08:10", "2026-03-13T13:30"
FRIDAY_EVENING, SATURDAY = "2026-03-13T17:30", "2026-03-14T12:00"
BLOCK = "krx:block"
REFUSED = "krx_openapi:status=401"
# Checks look into other tables than those that are collected here.
TABLES = discovery.tables()


class MovedClock:
    """A clock that a test sets; waits cost no time."""

    def __init__(self) -> None:
        self.instant = datetime(2026, 3, 12, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the instant that was set."""
        return self.instant

    def monotonic(self) -> float:
        """Return a number that never shrinks."""
        return self.instant.timestamp()

    def sleep(self, seconds: float) -> None:
        """Do not wait."""


@dataclass(frozen=True)
class Ended:
    """What a run said in the log, and what it asked."""

    outcome: str
    source: str | None
    reason: str | None
    warnings: str | None
    requests: Sequence[LoggedRequest]

    def asked(self, upstream: str) -> int:
        """Return how many requests an upstream got."""
        return sum(request.upstream == upstream for request in self.requests)


@dataclass(frozen=True)
class Chain:
    """The pipeline at any time of day, with the three sources played by the twin."""

    database: Database
    twin: Twin
    clock: MovedClock
    calendar: MarketCalendar

    def run(self, asset: Any, now: str, *faults: str) -> Ended:
        """Collect the day at a time in Seoul while faults are played."""
        self.clock.instant = datetime.fromisoformat(f"{now}+09:00").astimezone(UTC)
        before = len(self.twin.requests)
        own = {"db": self.database, "clock": self.clock, "calendar": self.calendar}
        with self.twin.inject(*faults):
            result = dg.materialize(
                [asset.asset],
                partition_key=DAY.isoformat(),
                resources={**resources(), **own},
                raise_on_error=False,
            )
        (row,) = self.rows(
            "SELECT outcome, source, reason, validation_detail::text FROM data_collection_log"
            f" WHERE run_id = '{result.run_id}'"
        )
        return Ended(*row, self.twin.requests[before:])

    def prices(self, now: str, *faults: str) -> Ended:
        """Collect the prices of the day."""
        return self.run(stock_price_daily.stock_price_daily, now, *faults)

    def compared(self, now: str, *faults: str) -> Ended:
        """Hold the stored day against another source."""
        return self.run(price_reconciliation.price_reconciliation, now, *faults)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self.database.read(query).rows()

    def sources(self) -> dict[str, int]:
        """Return how many rows of the day are from which source."""
        query = "SELECT source, count(*) FROM stock_price_daily GROUP BY source"
        return dict(self.rows(query))


@pytest.fixture(scope="module")
def empty(another: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """Return the chain on a database of its own, in the environment of a live pipeline."""
    clock = MovedClock()
    world = World(companies=90, end=date(2026, 3, 20))
    played = [module.UPSTREAM(world, clock.now) for module in (krx, krx_openapi, fsc)]
    with Twin(played, state=tmp_path_factory.mktemp("twin")) as twin:
        pipeline = another(twin, mode="live")
        database = Database(pipeline.database.url, clock=clock)
        ddl.prepare(database, TABLES, [], mode="live", today=DAY)
        with pytest.MonkeyPatch.context() as patch:
            _surround(patch, pipeline.environment(), pipeline.home)
            yield Chain(database, twin, clock, MarketCalendar(clock))
        database.close()


def _surround(patch: pytest.MonkeyPatch, variables: dict[str, str], home: Path) -> None:
    patch.chdir(home)
    for name, value in variables.items():
        patch.setenv(name, value)
    for name in ("https_proxy", "http_proxy", "no_proxy", "CURL_CA_BUNDLE"):
        patch.delenv(name, raising=False)


@pytest.fixture
def chain(empty: Chain) -> Chain:
    """Return the chain with nothing stored, nothing logged and nobody blocked."""
    names = ", ".join(table.name for table in TABLES if table.name != "database_identity")
    empty.database.execute(f"TRUNCATE {names}")
    return empty


def test_while_krx_blocks_the_open_api_fills_the_day_next_morning(chain: Chain) -> None:
    blocked = chain.prices(EVENING, BLOCK)
    assert (blocked.outcome, chain.sources()) == ("blocked", {})
    filled = chain.prices(MORNING, BLOCK)
    assert (filled.outcome, filled.source, filled.reason) == (
        "rows",
        "KRX_OPENAPI",
        "krx: Blocked",
    )
    assert filled.warnings == '{"preferred_source_answers": 1}'
    assert set(chain.sources()) == {"KRX_OPENAPI"}
    assert (blocked.asked("krx"), filled.asked("krx")) == (1, 0)
    assert filled.asked("krx_openapi") == 6


def test_when_the_open_api_refuses_too_fsc_fills_the_day_at_noon(chain: Chain) -> None:
    runs = [chain.prices(now, BLOCK, REFUSED) for now in (EVENING, MORNING, NOON)]
    assert [run.outcome for run in runs] == ["blocked", "blocked", "rows"]
    assert (runs[-1].source, set(chain.sources())) == ("FSC", {"FSC"})
    assert runs[-1].reason == "krx: Blocked, krx_openapi: AuthError"
    assert runs[-1].warnings == '{"preferred_source_answers": 2}'
    assert [run.asked("krx") for run in runs] == [1, 0, 0]
    assert [run.asked("krx_openapi") for run in runs] == [0, 1, 1]


def test_a_later_answer_of_a_better_source_replaces_the_day_whole(chain: Chain) -> None:
    chain.prices(EVENING, BLOCK)
    chain.prices(NOON, BLOCK, REFUSED)
    count = chain.sources()["FSC"]
    assert chain.rows("SELECT count(section) FROM stock_price_daily") == [(0,)]
    assert chain.prices(FRIDAY_EVENING).source == "KRX"
    assert chain.sources() == {"KRX": count}
    assert chain.rows("SELECT count(section) > 0 FROM stock_price_daily") == [(True,)]


def test_a_worse_source_is_not_even_asked_about_a_day_of_a_better_one(chain: Chain) -> None:
    assert chain.prices(EVENING).source == "KRX"
    stored = chain.sources()
    again = chain.prices(NOON, BLOCK)
    assert (again.outcome, chain.sources()) == ("blocked", stored)
    assert again.asked("krx_openapi") + again.asked("fsc") == 0


def test_a_day_that_no_source_of_the_order_has_published_waits(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRICE_SOURCES", "fsc,krx_openapi")
    early = chain.prices(EVENING)
    assert (early.outcome, early.requests, chain.sources()) == ("not_yet_published", [], {})
    assert chain.prices(MORNING).source == "KRX_OPENAPI"
    assert chain.prices(NOON).source == "FSC"


def test_the_comparison_finds_the_seeded_disagreement_and_nothing_else(chain: Chain) -> None:
    chain.prices(EVENING)
    found = (
        "SELECT ticker, field, source_a, source_b, value_b, difference FROM price_reconciliation"
    )
    agreed = chain.compared(SATURDAY)
    assert (agreed.outcome, agreed.source, agreed.warnings) == ("rows", "KRX_OPENAPI", None)
    assert chain.rows(found) == []

    told = chain.compared(SATURDAY, "stk_bydd_trd:set-cell=TDD_CLSPRC:7")
    [(ticker, *rest)] = chain.rows(found)
    [(close,)] = chain.rows(f"SELECT close FROM stock_price_daily WHERE ticker = '{ticker}'")
    assert rest == ["close", "KRX", "KRX_OPENAPI", 7.0, 7.0 - close]
    assert told.warnings == '{"close_agrees": 1}'

    chain.compared(SATURDAY)
    assert chain.rows(found) == [], "what was corrected is no disagreement any more"


def test_a_day_of_the_open_api_is_compared_with_krx_and_then_with_fsc(chain: Chain) -> None:
    chain.prices(EVENING, BLOCK)
    chain.prices(MORNING, BLOCK)
    assert chain.compared(SATURDAY).source == "KRX"
    assert chain.compared(SATURDAY, "krx:html").outcome == "error"
    refused = chain.compared(SATURDAY, BLOCK)
    assert (refused.source, refused.warnings) == ("FSC", '{"preferred_source_answers": 1}')
    assert chain.rows("SELECT * FROM price_reconciliation") == []


def test_a_day_without_stored_prices_waits_for_its_comparison(chain: Chain) -> None:
    waiting = chain.compared(SATURDAY)
    assert (waiting.outcome, waiting.reason) == ("skipped", "waiting_for_prices")
    assert waiting.requests == []
