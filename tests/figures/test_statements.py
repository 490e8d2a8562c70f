"""Statements of a company as they were known on a day."""

from __future__ import annotations

from datetime import date

import pytest

from stock_pipeline.figures.statements import annual, statements
from stock_pipeline.storage.database import Database

DAY = date(2026, 3, 13)


@pytest.mark.parametrize(
    ("as_of", "known"),
    [
        (DAY, [(2025, "11014"), (2024, "11011"), (2023, "11011")]),
        (date(2025, 11, 14), [(2025, "11014"), (2024, "11011"), (2023, "11011")]),
        (date(2025, 11, 13), [(2024, "11011"), (2023, "11011")]),  # a day before the receipt
        (date(2024, 3, 19), []),
    ],
)
def test_only_what_had_been_received_is_known(
    seeded: Database, as_of: date, known: list[tuple[int, str]]
) -> None:
    found = statements(seeded, "005930", as_of=as_of)
    assert [(one.fiscal_year, one.report_code) for one in found] == known


def test_a_score_is_made_of_the_annual_report(seeded: Database) -> None:
    found = annual(seeded, "005930", as_of=DAY)
    assert found is not None
    assert (found.fiscal_year, found.rcept_no) == (2024, "20250320000001")
    assert (found.revenue, found.roe_pct) == (20_000_000_000, 12.0)
    assert annual(seeded, "199290", as_of=DAY) is None


def test_a_correction_counts_from_its_receipt(seeded_copy: Database) -> None:
    seeded_copy.execute(
        "INSERT INTO financial_statement (ticker, fiscal_year, report_code, fs_div, rcept_no,"
        " available_date, revenue, source, run_id, ingested_at)"
        " VALUES ('005930', 2024, '11011', 'CFS', '20260105000001', '2026-01-05', 7, 'DART',"
        " 'later', now())"
    )
    known = {
        day: [
            (one.rcept_no, one.revenue, one.versions)
            for one in statements(seeded_copy, "005930", as_of=day)
            if one.fiscal_year == 2024
        ]
        for day in (date(2026, 1, 4), date(2026, 1, 5))
    }
    assert known[date(2026, 1, 4)] == [("20250320000001", 20_000_000_000, 1)]
    assert known[date(2026, 1, 5)] == [("20260105000001", 7, 2)]
