"""What `gaps` prints, on a small plan and from the command line on a real database."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from stock_pipeline import discovery
from stock_pipeline.commands.gaps import WAITS, gaps, listed
from stock_pipeline.derived import Walk
from stock_pipeline.healing import MISSING, OUTDATED, Batch, Plan
from stock_pipeline.storage import ddl
from stock_pipeline.storage.database import Database


def test_runs_are_listed_in_their_order_and_then_what_waits_for_tomorrow() -> None:
    days = ("2026-03-12", "2026-03-13")
    found = Plan(
        [
            Batch("crypto_dawn", ("crypto_price",), days[:1], MISSING),
            Batch("krx_close", ("compass_score", "price_adjustment"), days, OUTDATED, attempt=1),
        ],
        Walk(),
        spent={"bonds": ["2026-03-01"]},
        is_calm=False,
    )
    assert listed(found).rows() == [
        ("crypto_dawn", "crypto_price", days[0], days[0], 1, "missing"),
        ("krx_close", "compass_score price_adjustment", *days, 2, "outdated"),
        ("", "bonds", "2026-03-01", "2026-03-01", 1, WAITS),
    ]


def test_the_command_says_what_is_missing_by_its_status_too(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = datetime.now(UTC).date()
    ddl.prepare(database, discovery.tables(), discovery.views(), mode="live", today=today)
    monkeypatch.setenv("DATABASE_URL", database.url)
    nothing = CliRunner().invoke(gaps, ["--json"], standalone_mode=False)
    assert (nothing.return_value, json.loads(nothing.output)) == (0, [])
    database.execute(
        "INSERT INTO data_collection_log (run_id, asset, partition, status, outcome)"
        " VALUES ('r', 'financial_statement', '2020-10-01', 'completed', 'rows')"
    )
    found = CliRunner().invoke(gaps, ["--json", "--most", "3"], standalone_mode=False)
    (run,) = json.loads(found.output)
    assert found.return_value == 1
    assert (run["cadence"], run["tables"]) == ("weekly_financials", "financial_statement")
    assert (run["partitions"], run["why"]) == (3, "missing")
