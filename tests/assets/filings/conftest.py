"""A database with filings, adjustments and actions, and DART as a list of answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import polars as pl
import pytest

from stock_pipeline.assets.adjustment_explained import EXPLAINED
from stock_pipeline.assets.filings import corporate_actions, dart_filing
from stock_pipeline.assets.listing import stocks
from stock_pipeline.assets.prices import price_adjustment
from stock_pipeline.errors import PipelineError
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.sources.transport import Payload
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.archive import FileArchive
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Table
from stock_pipeline.storage.writer import Batch, Stamps

DAY = date(2026, 3, 13)
SAMSUNG = "00126380"
Answer = list[dict[str, str]] | PipelineError


@dataclass
class Filer:
    """DART, as it answers for decisions and notes what it is asked."""

    answers: Mapping[tuple[str, str], Answer] = field(default_factory=dict)
    asked: list[tuple[str, str, date, date]] = field(default_factory=list)

    def decisions(
        self, operation: str, corp_code: str, begin: date, end: date
    ) -> Payload[list[dict[str, str]]]:
        """Answer, or fail as told; without an answer there is no data."""
        self.asked.append((operation, corp_code, begin, end))
        answer = self.answers.get((operation, corp_code), [])
        if isinstance(answer, PipelineError):
            raise answer
        return Payload(answer, datetime(2026, 3, 13, 10, 0, tzinfo=UTC))


@dataclass
class Bench:
    """A database with the tables and the view, the asset, and what DART was asked last."""

    database: Database
    folder: Path
    calendar: MarketCalendar
    asked: list[tuple[str, str, date, date]] = field(default_factory=list)

    def store(self, table: Table, *rows: dict[str, Any]) -> None:
        """Store rows; what they do not name is null."""
        frame = pl.DataFrame(rows, schema=table.frame_schema)
        self.database.upsert(Batch(table, frame, "all", Stamps("test", "KRX")))

    def done(self, asset: str, *days: date, fetched_at: datetime | None = None) -> None:
        """Log days as collected."""
        self.database.execute(
            "INSERT INTO data_collection_log (run_id, asset, partition, status, outcome,"
            " fetched_at) SELECT 'test', :asset, unnest(CAST(:days AS text[])), 'completed',"
            " 'rows', CAST(:fetched_at AS timestamptz)",
            {
                "asset": asset,
                "days": [day.isoformat() for day in days],
                "fetched_at": fetched_at,
            },
        )

    def collect(
        self,
        answers: Mapping[tuple[str, str], Answer] | None = None,
        day: date = DAY,
        *,
        replaying: bool = False,
    ) -> dict[str, Any]:
        """Collect a day with these answers of DART and return its row of the collection log."""
        filer = Filer(answers or {})
        self.asked = filer.asked
        resources = {
            "db": self.database,
            "archive": FileArchive(self.folder, clock=self.database.clock, replaying=replaying),
            "calendar": self.calendar,
            "clock": self.database.clock,
            "settings": SimpleNamespace(row_source=None),
            "job_run": SimpleNamespace(),
            "dart": filer,
        }
        ran = dg.materialize(
            [corporate_actions.corporate_actions.asset],
            partition_key=day.isoformat(),
            resources=resources,
            raise_on_error=False,
        )
        log = self.database.read(
            "SELECT * FROM data_collection_log WHERE run_id = :run", {"run": ran.run_id}
        )
        return log.to_dicts()[0]

    def rows(self) -> list[dict[str, Any]]:
        """Return the stored actions."""
        query = "SELECT * FROM corporate_actions ORDER BY action_id, action_type"
        return self.database.read(query).to_dicts()

    def explained(self) -> list[tuple[Any, ...]]:
        """Return which action explains each adjustment."""
        query = "SELECT ticker, action_type, action_id FROM price_adjustment_explained ORDER BY 1"
        return self.database.read(query).rows()


@pytest.fixture(scope="module")
def calendar() -> MarketCalendar:
    return MarketCalendar()


@pytest.fixture
def bench(database: Database, tmp_path: Path, calendar: MarketCalendar) -> Bench:
    tables = [
        *collection_log.TABLES,
        dart_filing.TABLE,
        stocks.TABLE,
        price_adjustment.TABLE,
        corporate_actions.TABLE,
    ]
    ddl.prepare(database, tables, [EXPLAINED], mode="live", today=DAY)
    found = Bench(database, tmp_path, calendar)
    shares = [("005930", SAMSUNG), ("005935", SAMSUNG), ("000660", "00164779")]
    kinds = {"0": "common", "5": "preferred"}
    rows = [{"ticker": t, "corp_code": c, "share_kind": kinds[t[-1]]} for t, c in shares]
    found.store(stocks.TABLE, *rows)
    return found
