"""The command line as an operator meets it: modes, exit statuses, reading, resuming."""

from __future__ import annotations

import csv
import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from stock_pipeline.cli import main
from stock_pipeline.commands import first_load
from stock_pipeline.commands.plan import Size
from stock_pipeline.settings import Settings
from stock_pipeline.twin.server import Twin

Invoke = Callable[..., tuple[int, str, str]]

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def stored(pipeline: Any, sessions: list[date]) -> Any:
    """Return a demo pipeline that holds one session of prices."""
    pipeline.run("collect", "--assets", "stock_price_daily", "--start", f"{sessions[-1]}")
    return pipeline


@pytest.fixture
def invoke(
    stored: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Invoke]:
    """Return a function that runs the command line in this process: (status, stdout, stderr)."""
    for name, value in stored.environment().items():
        monkeypatch.setenv(name, value)
    root = logging.getLogger()
    handlers, level = root.handlers, root.level

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["stock-pipeline", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    yield run
    root.handlers, root.level = handlers, level


# ---- demo and live


@pytest.mark.parametrize("command", ["collect --assets stock_price_daily", "init --years 1"])
def test_a_live_command_refuses_the_demo_database(stored: Any, command: str) -> None:
    live = replace(stored, mode="live")
    before = stored.digest("stock_price_daily")
    with stored.listening() as heard:
        done = live.run(*command.split(), status=1)
    assert "demo" in done.stderr
    assert "live" in done.stderr
    assert done.stderr.startswith("WrongDatabase: ")
    assert "Traceback" not in done.stderr
    assert heard == []
    assert stored.digest("stock_price_daily") == before


@pytest.fixture(scope="module")
def live(twin: Twin, another: Callable[..., Any], sessions: list[date]) -> Any:
    """Return a live pipeline that holds the same session."""
    pipeline = another(twin, mode="live")
    pipeline.run("collect", "--assets", "stock_price_daily", "--start", f"{sessions[-1]}")
    return pipeline


def test_a_demo_refuses_a_live_database(live: Any) -> None:
    demo = replace(live, mode="demo")
    done = demo.run("collect", "--assets", "trading_calendar", status=1)
    assert done.stderr.startswith("WrongDatabase: ")
    assert live.rows("SELECT mode FROM database_identity") == [{"mode": "live"}]
    assert live.value("SELECT count(*) FROM trading_calendar") == 0


def test_only_a_demo_database_says_demo(stored: Any, live: Any) -> None:
    sources = "SELECT DISTINCT source FROM stock_price_daily"
    assert stored.rows(sources) == [{"source": "DEMO"}]
    assert live.rows(sources) == [{"source": "KRX"}]
    # The same session of the same world: apart from the source the rows are the same.
    prices = "SELECT ticker, close, volume FROM stock_price_daily ORDER BY ticker"
    assert live.rows(prices) == stored.rows(prices)


# ---- sql


QUERY = "SELECT ticker, name, close, open FROM stock_price_daily ORDER BY open NULLS FIRST, ticker"


def test_sql_prints_csv_and_json_of_the_same_rows(stored: Any) -> None:
    expected = stored.rows(QUERY)
    as_json = json.loads(stored.run("sql", QUERY, "--json").stdout)
    as_csv = list(csv.DictReader(io.StringIO(stored.run("sql", QUERY, "--csv").stdout)))
    assert as_json == expected
    assert [row["name"] for row in as_csv] == [row["name"] for row in expected]
    assert [int(row["close"]) for row in as_csv] == [row["close"] for row in expected]


def test_sql_prints_a_table_for_people(invoke: Invoke) -> None:
    status, out, _ = invoke("sql", "SELECT count(*) AS shares FROM stock_price_daily")
    assert status == 0
    assert "shares" in out
    assert "1 rows" in out


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO stock_price_daily (trade_date, ticker) VALUES ('2026-01-02', '000000')",
        "DELETE FROM stock_price_daily",
        "WITH gone AS (DELETE FROM stock_price_daily RETURNING 1) SELECT count(*) FROM gone",
        "SELECT 1; DELETE FROM stock_price_daily",
        "SELECT 1) q; COMMIT; BEGIN READ WRITE; DELETE FROM stock_price_daily; COMMIT; --",
        "SET default_transaction_read_only = off",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "DROP TABLE stock_price_daily",
    ],
)
def test_sql_changes_nothing(stored: Any, invoke: Invoke, statement: str) -> None:
    before = stored.digest("stock_price_daily")
    status, _, err = invoke("sql", statement)
    assert (status, err.count("\n")) == (1, 1)
    assert err.startswith("DatabaseError: ")
    assert stored.digest("stock_price_daily") == before


def test_a_mistake_in_sql_is_one_line_that_names_it(invoke: Invoke) -> None:
    status, _, err = invoke("sql", "SELECT nothing FROM nowhere")
    assert (status, err.count("\n")) == (1, 1)
    assert 'relation "nowhere" does not exist' in err


# ---- exit statuses


@pytest.mark.parametrize(
    "arguments",
    [
        "collect",
        "collect --assets no_such_table",
        "collect --assets stock_price_daily --start yesterday",
        "collect --assets stock_price_daily --start 2026-03-13 --end 2026-03-12",
        "backfill --start 2026-03-13",
        "reparse --assets ,",
        "sql",
        "twin",
        "twin --faults krx:nonsense -- true",
        "no-such-command",
        "demo --sessions many",
    ],
)
def test_a_wrong_usage_is_status_2_and_says_what_is_right(invoke: Invoke, arguments: str) -> None:
    status, _, err = invoke(*arguments.split())
    assert status == 2
    assert "Error: " in err


def test_a_failure_is_status_1_with_a_table_of_what_failed(
    twin: Twin, another: Callable[..., Any], sessions: list[date]
) -> None:
    pipeline = another(twin)
    span = ["--start", f"{sessions[-2]}", "--end", f"{sessions[-1]}"]
    with twin.inject("MDCSTAT01501:empty@2*1"):
        done = pipeline.run("collect", "--assets", "stock_price_daily", *span, status=1)
    assert "stock_price_daily" in done.stdout
    assert f"{sessions[-1]}" in done.stdout
    assert f"{sessions[-2]}" not in done.stdout
    assert "Traceback" not in done.stderr
    stored = "SELECT CAST(trade_date AS text) AS day FROM stock_price_daily GROUP BY trade_date"
    assert pipeline.rows(stored) == [{"day": f"{sessions[-2]}"}]
    # What came is kept, and a backfill asks for the rest alone.
    with pipeline.listening() as heard:
        pipeline.run("backfill", "--assets", "stock_price_daily", *span)
    asked = [request.params["trdDd"] for request in heard if "trdDd" in request.params]
    assert asked == [f"{sessions[-1]:%Y%m%d}"]


def test_the_faults_of_the_twin_command_reach_the_pipeline(
    another: Callable[..., Any], sessions: list[date]
) -> None:
    pipeline = another()
    program = [sys.executable, "-m", "stock_pipeline.cli"]
    collect = [*program, "collect", "--assets", "stock_price_daily", "--json"]
    span = ["--start", f"{sessions[-1]}"]
    fault = ["--day", f"{sessions[-1]}", "--faults", "MDCSTAT01501:empty"]
    done = pipeline.run("twin", *fault, "--", *collect, *span, status=1)
    rows = json.loads(done.stdout)
    assert [(row["status"], row["outcome"]) for row in rows] == [("failed", "error")]
    assert "EmptyOnBusinessDay" in rows[0]["reason"]


# ---- resuming


def test_a_first_load_that_is_complete_is_not_begun_again(
    another: Callable[..., Any], running: Callable[..., Any], shared_home: Path
) -> None:
    pipeline = replace(another(), home=shared_home)
    size = Size(3, 1, quarters=5, filing_days=40, asset_days=10, dawn_days=3)
    command = ["--sessions=3", "--score-sessions=1", "--tickers=60"]
    command += ["--asset-days=10", "--dawn-days=3"]
    out = pipeline.run("demo", "--once", *command).stdout
    assert "stock_price_daily" in out
    assert "Ten best Compass Scores" in out
    log = (
        "SELECT asset, requests, inserted + updated + deleted AS written, status"
        " FROM data_collection_log ORDER BY started_at"
    )
    before = pipeline.rows(log)
    assert {row["status"] for row in before} == {"completed"}
    # The same load once more, where nothing can be asked.
    with running(pipeline):
        load = first_load.run(Settings.load(), size, Console(quiet=True))
    assert load.succeeded
    # `stocks` is made of what is stored now and comes out the same; so is the newest comparison of
    # sources asked for until the other one has published the session.
    more = pipeline.rows(log)[len(before) :]
    assert more == [dict(row, requests=0, written=0) for row in more]
    assert {row["asset"] for row in more} <= {"stocks", "price_reconciliation"}
