"""`sql`: what it prints for a spreadsheet."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from stock_pipeline.commands.sql import sql
from stock_pipeline.storage.database import Database


def test_f66_a_text_is_no_formula_and_an_exact_number_stays_one(
    seeded: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", seeded.url)
    query = "SELECT '=1+1' AS a, CAST(-1.50 AS numeric) AS b, CAST(-2 AS int) AS c, NULL AS d"
    result = CliRunner().invoke(sql, ["--csv", query])
    assert result.stdout.splitlines() == ["a,b,c,d", "'=1+1,-1.50,-2,"]
