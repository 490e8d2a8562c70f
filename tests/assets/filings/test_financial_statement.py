"""Statements: recorded answers field by field, where each figure is read, what the sweep keeps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stock_pipeline.assets.filings.financial_statement import (
    RULES,
    TABLE,
    Statement,
    parse,
    parse_full,
    report_of,
    sweep,
)
from stock_pipeline.errors import (
    BadPayload,
    EmptyOnBusinessDay,
    QuotaExhausted,
    SchemaDrift,
    ServerError,
    UpstreamError,
)
from stock_pipeline.quality import rules as quality

ROW = {
    "rcept_no": "20240312000736",
    "reprt_code": "11011",
    "bsns_year": "2023",
    "corp_code": "00126380",
    "stock_code": "005930",
    "fs_div": "CFS",
    "sj_div": "BS",
    "account_nm": "자산총계",
    "thstrm_dt": "2023.12.31 현재",
    "thstrm_amount": "1,000",
    "ord": "1",
    "currency": "KRW",
}
SAMSUNG = Statement("005930", "CFS", date(2023, 12, 31))
AMOUNTS = {
    ("BS", "자산총계"): "1,000",
    ("BS", "부채총계"): "400",
    ("BS", "자본총계"): "600",
    ("BS", "유동자산"): "300",
    ("BS", "유동부채"): "200",
    ("IS", "매출액"): "2,000",
    ("IS", "영업이익"): "300",
    ("IS", "당기순이익(손실)"): "100",
}


def rows_of(
    amounts: dict[tuple[str, str], str] | None = None, **changes: str
) -> list[dict[str, str]]:
    """Return the account rows of one statement, by statement and name."""
    return [
        ROW
        | {"sj_div": sj, "account_nm": name, "thstrm_amount": amount, "ord": str(place)}
        | changes
        for place, ((sj, name), amount) in enumerate((amounts or AMOUNTS).items())
    ]


def statement(amounts: dict[tuple[str, str], str] | None = None, **changes: str) -> dict[str, Any]:
    """Return the one statement of some account rows."""
    return parse(rows_of(amounts, **changes)).row(0, named=True)


# ---- recorded answers


def test_recorded_main_accounts_are_stored_as_they_stand(recorded: Path) -> None:
    path = recorded / "dart" / "fnlttMultiAcnt.json"
    (row,) = json.loads(path.read_text(encoding="utf-8"))["list"]
    frame = parse([row])
    assert frame.schema == TABLE.frame_schema
    stored = {name: value for name, value in frame.row(0, named=True).items() if value is not None}
    assert stored == {
        "ticker": row["stock_code"],
        "fiscal_year": int(row["bsns_year"]),
        "report_code": row["reprt_code"],
        "fs_div": row["fs_div"],
        "rcept_no": row["rcept_no"],
        "corp_code": row["corp_code"],
        "period_end": date(2023, 12, 31),
        "available_date": date(2024, 3, 12),
        "current_assets": int(row["thstrm_amount"].replace(",", "")),
        "currency": row["currency"],
        "operation": "fnlttMultiAcnt",
    }


def test_recorded_full_accounts_are_read_by_their_ids(recorded: Path) -> None:
    path = recorded / "dart" / "fnlttSinglAcntAll_00126380_2023_11011_CFS.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["list"]
    assert len(rows) == 176

    def amount(statement_name: str, account_id: str) -> int:
        (found,) = (
            int(row["thstrm_amount"])
            for row in rows
            if (row["sj_div"], row["account_id"]) == (statement_name, account_id)
        )
        return found

    revenue = amount("IS", "ifrs-full_Revenue")
    operating = amount("IS", "dart_OperatingIncomeLoss")
    net = amount("IS", "ifrs-full_ProfitLoss")
    assets, equity = amount("BS", "ifrs-full_Assets"), amount("BS", "ifrs-full_Equity")
    flows = "ifrs-full_CashFlowsFromUsedIn"
    frame = parse_full(rows, SAMSUNG)
    assert frame.schema == TABLE.frame_schema
    assert frame.rows(named=True) == [
        {
            "ticker": "005930",
            "fiscal_year": 2023,
            "report_code": "11011",
            "fs_div": "CFS",
            "rcept_no": "20240312000736",
            "corp_code": "00126380",
            "period_end": date(2023, 12, 31),
            "available_date": date(2024, 3, 12),
            "revenue": revenue,
            "operating_income": operating,
            "net_income": net,
            "total_assets": assets,
            "total_liabilities": amount("BS", "ifrs-full_Liabilities"),
            "total_equity": equity,
            "current_assets": amount("BS", "ifrs-full_CurrentAssets"),
            "current_liabilities": amount("BS", "ifrs-full_CurrentLiabilities"),
            "operating_cash_flow": amount("CF", f"{flows}OperatingActivities"),
            "investing_cash_flow": amount("CF", f"{flows}InvestingActivities"),
            "financing_cash_flow": amount("CF", f"{flows}FinancingActivities"),
            "revenue_cumulative": revenue,
            "operating_income_cumulative": operating,
            "net_income_cumulative": net,
            "roe_pct": round(net / equity * 100, 4),
            "roa_pct": round(net / assets * 100, 4),
            "debt_ratio_pct": 25.3598,
            "operating_margin_pct": round(operating / revenue * 100, 4),
            "net_margin_pct": round(net / revenue * 100, 4),
            "is_capital_impaired": False,
            "currency": "KRW",
            "operation": "fnlttSinglAcntAll",
        }
    ]
    verdict = quality.apply(frame, RULES, keys=TABLE.keys)
    assert (verdict.kept.height, verdict.warnings) == (1, {})


# ---- where a figure is read


def test_main_accounts_are_read_by_name_and_statement() -> None:
    row = statement()
    assert (row["revenue"], row["operating_income"], row["net_income"]) == (2000, 300, 100)
    assert (row["total_assets"], row["total_liabilities"], row["total_equity"]) == (1000, 400, 600)
    assert (row["current_assets"], row["current_liabilities"]) == (300, 200)
    assert row["operating_cash_flow"] is None


def test_ratios_are_percent_with_four_decimals() -> None:
    row = statement()
    assert row["roe_pct"] == 16.6667
    assert row["roa_pct"] == 10.0
    assert row["debt_ratio_pct"] == 66.6667
    assert row["operating_margin_pct"] == 15.0
    assert row["net_margin_pct"] == 5.0


@pytest.mark.parametrize(
    ("report", "so_far", "cumulative", "margin"),
    [
        ("11013", "", 2000, 15.0),  # first quarter: three months are the year so far
        ("11012", "5,000", 5000, 6.0),  # half year: the cumulative amount decides the ratio
        ("11012", "", None, 15.0),  # without it the three months
        ("11014", "8,000", 8000, 3.75),
        ("11011", "", 2000, 15.0),  # the year is the year
    ],
)
def test_quarterly_ratios_use_the_year_so_far(
    report: str, so_far: str, cumulative: int | None, margin: float
) -> None:
    rows = rows_of(reprt_code=report)
    rows[5]["thstrm_add_amount"] = so_far
    row = parse(rows).row(0, named=True)
    assert (row["revenue"], row["revenue_cumulative"]) == (2000, cumulative)
    assert row["operating_margin_pct"] == margin


@pytest.mark.parametrize(
    ("equity", "impaired", "roe"), [("1", False, 10000.0), ("0", True, None), ("-1", True, None)]
)
def test_impaired_capital_has_no_ratio_to_equity(
    equity: str, impaired: bool, roe: float | None
) -> None:
    row = statement(AMOUNTS | {("BS", "자본총계"): equity})
    assert (row["is_capital_impaired"], row["roe_pct"]) == (impaired, roe)
    assert (row["debt_ratio_pct"] is None) is impaired


@pytest.mark.parametrize("revenue", ["0", "-5", "-"])
def test_without_revenue_there_is_no_margin(revenue: str) -> None:
    row = statement(AMOUNTS | {("IS", "매출액"): revenue})
    assert row["operating_margin_pct"] is row["net_margin_pct"] is None
    assert row["roe_pct"] == 16.6667


@pytest.mark.parametrize(
    ("written", "end"),
    [
        ("2023.12.31 현재", date(2023, 12, 31)),
        ("2023.01.01 ~ 2023.12.31", date(2023, 12, 31)),
        ("2023.04.01 ~ 2024.03.31", date(2024, 3, 31)),  # the year need not end in December
        ("제 55 기", None),
    ],
)
def test_the_period_ends_with_the_last_date_of_its_text(written: str, end: date | None) -> None:
    assert statement(thstrm_dt=written)["period_end"] == end


def test_dart_trap_9_every_receipt_is_a_version_of_its_own_known_from_its_day() -> None:
    rows = rows_of() + rows_of(fs_div="OFS") + rows_of(rcept_no="20240601000001")
    frame = parse(rows)
    assert frame.select("fs_div", "rcept_no", "available_date").rows() == [
        ("CFS", "20240312000736", date(2024, 3, 12)),
        ("CFS", "20240601000001", date(2024, 6, 1)),
        ("OFS", "20240312000736", date(2024, 3, 12)),
    ]


def test_a_foreign_currency_is_kept() -> None:
    assert statement(currency="USD")["currency"] == "USD"


def test_an_unbalanced_sheet_is_a_warning() -> None:
    frame = parse(rows_of(AMOUNTS | {("BS", "부채총계"): "411"}))
    assert quality.apply(frame, RULES).warnings == {"balance_sheet_balances": 1}
    frame = parse(rows_of(AMOUNTS | {("BS", "부채총계"): "410"}))
    assert quality.apply(frame, RULES).warnings == {}


@pytest.mark.parametrize("name", ["rcept_no", "sj_div", "account_nm", "thstrm_amount", "thstrm_dt"])
def test_f16_a_missing_field_is_drift(name: str) -> None:
    with pytest.raises(SchemaDrift, match=name):
        parse([{key: value for key, value in ROW.items() if key != name}])


@settings(deadline=None)
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                name: st.one_of(
                    st.just(value), st.sampled_from(["", "-", "1e999"]), st.text(max_size=6)
                )
                for name, value in ROW.items()
            }
        ),
        max_size=4,
    )
)
def test_i13_hostile_rows_are_statements_or_rejected(rows: list[dict[str, str]]) -> None:
    try:
        frame = parse(rows)
    except (BadPayload, SchemaDrift):
        return
    verdict = quality.apply(frame, RULES, keys=TABLE.keys)
    assert frame.height == verdict.kept.height + len(verdict.rejected) + verdict.duplicates


# ---- the sweep


@pytest.mark.parametrize(
    ("quarter", "report"),
    [
        (date(2026, 1, 1), (2026, "11013")),
        (date(2026, 4, 1), (2026, "11012")),
        (date(2026, 7, 1), (2026, "11014")),
        (date(2025, 10, 1), (2025, "11011")),
    ],
)
def test_a_quarter_names_the_report_that_closes_it(quarter: date, report: tuple[int, str]) -> None:
    assert report_of(quarter) == report


@dataclass(frozen=True)
class Answer:
    """What the source hands over."""

    data: list[dict[str, str]]
    fetched_at: datetime = datetime(2026, 3, 13, tzinfo=UTC)


@dataclass
class Accounts:
    """A source that fails for the batches that begin with certain companies."""

    failing: dict[str, UpstreamError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def main_accounts(self, codes: Sequence[str], year: int, report: str) -> Iterator[Answer]:
        """Yield one answer per 100 companies."""
        for start in range(0, len(codes), 100):
            self.asked.append(codes[start])
            if codes[start] in self.failing:
                raise self.failing[codes[start]]
            yield Answer(rows_of(corp_code=codes[start], stock_code=codes[start][-6:]))


def codes(count: int) -> list[str]:
    """Return company numbers."""
    return [f"{number:08}" for number in range(count)]


def test_all_companies_are_asked_a_hundred_at_a_time() -> None:
    source = Accounts()
    frame, failed = sweep(source, codes(250), (2023, "11011"))  # type: ignore[arg-type]  # plays Dart
    assert (frame.height, failed) == (3, ())
    assert source.asked == ["00000000", "00000100", "00000200"]


def test_a_failed_batch_among_many_is_reported_and_the_rest_is_kept() -> None:
    source = Accounts({"00000300": ServerError("DART", "fnlttMultiAcnt")})
    frame, failed = sweep(source, codes(1050), (2023, "11011"))  # type: ignore[arg-type]
    assert frame.height == 10
    assert failed == ("companies 301 to 400",)
    assert len(source.asked) == 11


def test_more_than_a_tenth_of_failed_batches_fails_the_sweep() -> None:
    broken = {code: ServerError("DART", "fnlttMultiAcnt") for code in ("00000000", "00000300")}
    source = Accounts(broken)
    with pytest.raises(ServerError):
        sweep(source, codes(1050), (2023, "11011"))  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [QuotaExhausted, EmptyOnBusinessDay])
def test_f28_what_no_further_request_gets_past_ends_the_sweep(
    error: type[UpstreamError],
) -> None:
    source = Accounts({"00000300": error("DART", "fnlttMultiAcnt", "x")})
    with pytest.raises(error):
        sweep(source, codes(5000), (2023, "11011"))  # type: ignore[arg-type]
    assert len(source.asked) == 4


def test_no_company_has_the_report() -> None:
    frame, failed = sweep(Accounts(), [], (2023, "11011"))  # type: ignore[arg-type]
    assert (frame.schema, frame.height, failed) == (pl.Schema(TABLE.frame_schema), 0, ())
