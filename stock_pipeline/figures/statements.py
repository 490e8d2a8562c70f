"""The financial statements of one company as they were known on a day, with where they are from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from stock_pipeline.storage.database import Database


@dataclass(frozen=True)
class Statement:
    """One report in the version that counted on a day.

    versions  how many versions of it had been received by then
    Units     amounts in `currency`; ratios in percent
    Missing   what the report does not tell; cash flows where only the main accounts were asked
    """

    fiscal_year: int
    report_code: str
    fs_div: str
    rcept_no: str
    period_end: date | None
    available_date: date
    revenue: int | None
    operating_income: int | None
    net_income: int | None
    total_assets: int | None
    total_liabilities: int | None
    total_equity: int | None
    operating_cash_flow: int | None
    revenue_cumulative: int | None
    operating_income_cumulative: int | None
    net_income_cumulative: int | None
    roe_pct: float | None
    roa_pct: float | None
    debt_ratio_pct: float | None
    operating_margin_pct: float | None
    net_margin_pct: float | None
    is_capital_impaired: bool | None
    currency: str | None
    operation: str | None
    source: str | None
    run_id: str
    fetched_at: datetime | None
    versions: int


def statements(db: Database, filer: str, *, as_of: date, count: int = 24) -> list[Statement]:
    """Return the newest reports of a company, newest period first, consolidated before separate.

    filer  code of the company's common share
    """
    found = db.read(_STATEMENTS, {"filer": filer, "as_of": as_of, "count": count})
    return [Statement(**row) for row in found.to_dicts()]


_COLUMNS = """
fiscal_year, report_code, fs_div, rcept_no, period_end, available_date, revenue, operating_income,
net_income, total_assets, total_liabilities, total_equity, operating_cash_flow, revenue_cumulative,
operating_income_cumulative, net_income_cumulative, roe_pct, roa_pct, debt_ratio_pct,
operating_margin_pct, net_margin_pct, is_capital_impaired, currency, operation, source, run_id,
fetched_at
"""
# The codes of the reports do not sort by time: 11011, the year's, comes last of its year.
_STATEMENTS = f"""
SELECT {_COLUMNS}, versions FROM (
    SELECT *, count(*) OVER report AS versions,
        row_number() OVER (report ORDER BY available_date DESC, rcept_no DESC) AS nth
    FROM financial_statement WHERE ticker = :filer AND available_date <= :as_of
    WINDOW report AS (PARTITION BY fiscal_year, report_code, fs_div)
) known WHERE nth = 1
ORDER BY fiscal_year DESC,
    array_position(ARRAY['11013', '11012', '11014', '11011'], report_code) DESC, fs_div
LIMIT :count
"""


def annual(db: Database, filer: str, *, as_of: date) -> Statement | None:
    """Return the annual statement that a score of a day is made of; None when there was none."""
    rows = db.read(
        f"SELECT {_COLUMNS}, 1 AS versions FROM annual_statement_of(:filer, :as_of)",
        {"filer": filer, "as_of": as_of},
    ).to_dicts()
    return Statement(**rows[0]) if rows else None
