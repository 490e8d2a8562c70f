"""`export`: the same bytes as the API gives, whole files only, and no table but a declared one."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result
from starlette.testclient import TestClient

from stock_pipeline.commands.export import export
from stock_pipeline.storage.database import Database

DAYS = ("--start", "2026-03-12", "--end", "2026-03-13")


@pytest.fixture
def configured(seeded: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands read the seeded market."""
    monkeypatch.setenv("DATABASE_URL", seeded.url)


def run(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(export, arguments)


@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_file_has_the_bytes_that_the_api_gives(
    client: TestClient, tmp_path: Path, form: str
) -> None:
    file = tmp_path / "prices"
    result = run("stock_price_daily", "--format", form, *DAYS, "--output", str(file))
    path = f"/api/v1/tables/stock_price_daily?start=2026-03-12&end=2026-03-13&format={form}"
    assert result.exit_code == 0
    assert result.stderr == f"58 rows of stock_price_daily in {file}\n"
    assert file.read_bytes() == client.get(path).content


@pytest.mark.usefixtures("configured")
def test_without_a_file_csv_is_printed() -> None:
    result = run("stocks")
    lines = result.stdout_bytes.decode("utf-8-sig").splitlines()
    assert (len(lines), lines[0].split(",")[:3]) == (31, ["ticker", "isin", "name"])


@pytest.mark.usefixtures("configured")
def test_an_open_end_takes_everything_from_a_day_on(tmp_path: Path) -> None:
    file = tmp_path / "stress.parquet"
    run("stress_index", "--format", "parquet", "--start", "2026-03-10", "--output", str(file))
    assert pl.read_parquet(file)["date"].dt.day().to_list() == [10, 11, 12, 13]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("stock_price_dayly",), "did you mean stock_price_daily"),
        (("pg_authid",), "there is no table pg_authid"),
        (("stocks; DROP TABLE stocks",), "there is no table"),
        (("../../etc/passwd",), "there is no table"),
        (("stocks", "--start", "2026-03-13"), "its rows have no date"),
        (("stress_index", "--start", "2026-03-13", "--end", "2026-03-12"), "is before"),
        (("stress_index", "--start", "yesterday"), "yesterday"),
        (("stocks", "--format", "parquet"), "--output"),
        (("stocks", "--format", "xlsx"), "xlsx"),
        (("stocks", "--output", "/no/such/folder/stocks.csv"), "no folder /no/such/folder"),
    ],
)
def test_f65_what_cannot_be_meant_is_a_mistake_in_the_command(
    arguments: tuple[str, ...], said: str
) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_an_interrupted_export_leaves_the_earlier_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "stocks.csv"
    file.write_text("earlier")
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    assert run("stocks", "--output", str(file)).exit_code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["stocks.csv"]
    assert file.read_text() == "earlier"
