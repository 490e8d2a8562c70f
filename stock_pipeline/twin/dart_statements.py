"""Statements as the filing system's two interfaces write them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stock_pipeline.twin.world_companies import Company
from stock_pipeline.twin.world_filings import Filings, Report, period_end, period_start, term
from stock_pipeline.twin.world_ledger import BALANCES, Amounts, corrected, separate

FS_NAMES = {"CFS": "연결재무제표", "OFS": "재무제표"}
_SHEETS = {
    "BS": "재무상태표",
    "IS": "손익계산서",
    "CIS": "포괄손익계산서",
    "CF": "현금흐름표",
    "SCE": "자본변동표",
}
_QUARTER_NAMES = (" 1분기", " 반기", " 3분기", "")
_OWN_ACCOUNT = "-표준계정코드 미사용-"

# Statement, label, line of the ledger and place in the order of the main accounts.
_MAIN = (
    ("BS", "유동자산", "current_assets", 1),
    ("BS", "비유동자산", "noncurrent_assets", 3),
    ("BS", "자산총계", "assets", 5),
    ("BS", "유동부채", "current_liabilities", 7),
    ("BS", "비유동부채", "noncurrent_liabilities", 9),
    ("BS", "부채총계", "liabilities", 11),
    ("BS", "자본금", "capital", 13),
    ("BS", "이익잉여금", "retained_earnings", 17),
    ("BS", "자본총계", "equity", 21),
    ("IS", "매출액", "revenue", 23),
    ("IS", "영업이익", "operating_income", 25),
    ("IS", "법인세차감전 순이익", "pretax_income", 27),
    ("IS", "당기순이익(손실)", "net_income", 29),
    ("IS", "총포괄손익", "comprehensive_income", 31),
)
# Financial companies know neither revenue nor current items.
_NOT_FINANCIAL = frozenset(
    {
        "current_assets",
        "noncurrent_assets",
        "current_liabilities",
        "noncurrent_liabilities",
        "revenue",
    }
)
_FULL = (
    ("BS", "ifrs-full_CurrentAssets", "유동자산", "current_assets"),
    ("BS", "ifrs-full_NoncurrentAssets", "비유동자산", "noncurrent_assets"),
    ("BS", "ifrs-full_Assets", "자산총계", "assets"),
    ("BS", "ifrs-full_CurrentLiabilities", "유동부채", "current_liabilities"),
    ("BS", "ifrs-full_NoncurrentLiabilities", "비유동부채", "noncurrent_liabilities"),
    ("BS", "ifrs-full_Liabilities", "부채총계", "liabilities"),
    ("BS", "ifrs-full_IssuedCapital", "자본금", "capital"),
    ("BS", "ifrs-full_RetainedEarnings", "이익잉여금", "retained_earnings"),
    ("BS", "ifrs-full_Equity", "자본총계", "equity"),
    ("IS", "ifrs-full_Revenue", "매출액", "revenue"),
    ("IS", "dart_OperatingIncomeLoss", "영업이익(손실)", "operating_income"),
    ("IS", "ifrs-full_ProfitLossBeforeTax", "법인세비용차감전순이익(손실)", "pretax_income"),
    ("IS", "ifrs-full_ProfitLoss", "당기순이익(손실)", "net_income"),
    ("CIS", "ifrs-full_ProfitLoss", "당기순이익(손실)", "net_income"),
    ("CIS", "ifrs-full_ComprehensiveIncome", "총포괄손익", "comprehensive_income"),
    (
        "CF",
        "ifrs-full_CashFlowsFromUsedInOperatingActivities",
        "영업활동현금흐름",
        "operating_cash_flow",
    ),
    (
        "CF",
        "ifrs-full_CashFlowsFromUsedInInvestingActivities",
        "투자활동현금흐름",
        "investing_cash_flow",
    ),
    (
        "CF",
        "ifrs-full_CashFlowsFromUsedInFinancingActivities",
        "재무활동현금흐름",
        "financing_cash_flow",
    ),
    ("SCE", "ifrs-full_Equity", "자본총계", "equity"),
)

Row = dict[str, str]


@dataclass(frozen=True)
class Column:
    """One period of a statement: what it and its last day are called, and its amounts.

    quarter     flows of three months; cumulative since the beginning of the fiscal year
    """

    name: str
    balance_name: str
    dates: str
    balance_date: str
    quarter: Amounts
    cumulative: Amounts


class Statement:
    """One version of one report on one basis, with the periods it compares."""

    def __init__(self, filings: Filings, report: Report, fs_div: str) -> None:
        self.report = report
        self.fs_div = fs_div
        self.company = filings.companies[report.company]
        self._filings = filings
        self.annual = report.quarter == 3
        self.now = self._column(report.year, report.quarter)
        self.before = self._column(report.year - 1, report.quarter)
        # A quarter's balance sheet is compared with the end of the year before.
        self.year_end = self.before if self.annual else self._column(report.year - 1, 3)
        self.before_last = self._column(report.year - 2, 3) if self.annual else None
        self.currency = "USD" if self.company.role == "usd" else "KRW"

    def _column(self, year: int, quarter: int) -> Column:
        ledger, company = self._filings.ledger, self.company
        amended = self.report.version > 0 and year == self.report.year
        name = f"제 {term(company, year)} 기{_QUARTER_NAMES[quarter]}"
        start, end = period_start(company, year), period_end(company, year, quarter)
        cumulative = ledger.cumulative(company.index, year, quarter)
        three_months = cumulative if quarter == 3 else ledger.amounts(company.index, year, quarter)
        alone = self.fs_div == "OFS"
        return Column(
            name=name,
            balance_name=name if quarter == 3 and self.annual else f"{name}말",
            dates=f"{start:%Y.%m.%d} ~ {end:%Y.%m.%d}",
            balance_date=f"{end:%Y.%m.%d} 현재",
            quarter=_completed(three_months, alone=alone, amended=amended),
            cumulative=_completed(cumulative, alone=alone, amended=amended),
        )


def bases(company: Company) -> tuple[str, ...]:
    """Return the bases on which a company reports."""
    return ("OFS",) if company.role in ("separate", "spac") else ("CFS", "OFS")


def main_accounts(filings: Filings, report: Report) -> Iterator[Row]:
    """Yield the rows of fnlttMultiAcnt: both bases, amounts with commas."""
    for fs_div in bases(filings.companies[report.company]):
        statement = Statement(filings, report, fs_div)
        for sheet, label, line, order in _MAIN:
            if statement.company.role == "holding" and line in _NOT_FINANCIAL:
                continue
            yield {
                "rcept_no": report.rcept_no,
                "reprt_code": report.code,
                "bsns_year": str(report.year),
                "corp_code": statement.company.corp_code,
                "stock_code": statement.company.ticker,
                "fs_div": fs_div,
                "fs_nm": FS_NAMES[fs_div],
                "sj_div": sheet,
                "sj_nm": _SHEETS[sheet],
                "account_nm": label,
                **_main_amounts(statement, line),
                "ord": str(order),
                "currency": statement.currency,
            }


def _main_amounts(statement: Statement, line: str) -> Row:
    company = statement.company
    balance = line in BALANCES or line.startswith("noncurrent")
    added = not balance and not statement.annual
    before = statement.year_end if balance else statement.before
    periods = {"thstrm": statement.now, "frmtrm": before, "bfefrmtrm": statement.before_last}
    amounts: Row = {}
    for prefix, column in periods.items():
        if column is None:
            continue
        told = column.quarter if added else column.cumulative
        amounts[f"{prefix}_nm"] = column.balance_name if balance else column.name
        amounts[f"{prefix}_dt"] = column.balance_date if balance else column.dates
        amounts[f"{prefix}_amount"] = _with_commas(told, line, company)
        if added:
            amounts[f"{prefix}_add_amount"] = _with_commas(column.cumulative, line, company)
    return amounts


def full_accounts(filings: Filings, report: Report, fs_div: str) -> list[Row]:
    """Return the rows of fnlttSinglAcntAll: one basis, amounts without commas."""
    statement = Statement(filings, report, fs_div)
    company = statement.company
    rows: list[Row] = []
    for sheet, account, label, line in _FULL:
        if company.role == "holding" and line in _NOT_FINANCIAL:
            continue
        if company.role == "one_statement" and sheet == "IS":
            sheet = "CIS"
        elif company.role == "one_statement" and sheet == "CIS" and line == "net_income":
            continue
        rows.append(
            {
                "rcept_no": report.rcept_no,
                "reprt_code": report.code,
                "bsns_year": str(report.year),
                "corp_code": company.corp_code,
                "sj_div": sheet,
                "sj_nm": _SHEETS[sheet],
                "account_id": _account(company, account),
                "account_nm": label,
                "account_detail": "자본 [구성요소]" if sheet == "SCE" else "-",
                **_full_amounts(statement, sheet, line),
                "ord": str(len(rows) + 1),
                "currency": statement.currency,
            }
        )
    return rows


def _full_amounts(statement: Statement, sheet: str, line: str) -> Row:
    now, before = statement.now, statement.before
    flows = sheet in ("IS", "CIS")

    def text(told: Amounts) -> str:
        return _plain(told, line, statement.company)

    if sheet in ("BS", "SCE"):
        before = statement.year_end
        amounts = {"thstrm_nm": now.balance_name, "thstrm_amount": text(now.cumulative)}
        amounts |= {"frmtrm_nm": before.balance_name, "frmtrm_amount": text(before.cumulative)}
    elif statement.annual:
        amounts = {"thstrm_nm": now.name, "thstrm_amount": text(now.cumulative)}
        amounts |= {"thstrm_add_amount": ""} if flows else {}
        amounts |= {"frmtrm_nm": before.name, "frmtrm_amount": text(before.cumulative)}
    else:
        # Cash flows of a quarter's report are those since the beginning of the year.
        told, compared = (c.quarter if flows else c.cumulative for c in (now, before))
        amounts = {"thstrm_nm": now.name, "thstrm_amount": text(told)}
        amounts |= {"thstrm_add_amount": text(now.cumulative)} if flows else {}
        amounts |= {"frmtrm_q_nm": before.name, "frmtrm_q_amount": text(compared)}
        amounts |= {"frmtrm_add_amount": text(before.cumulative)} if flows else {}
    if older := statement.before_last:
        amounts |= {"bfefrmtrm_nm": older.name, "bfefrmtrm_amount": text(older.cumulative)}
    return amounts


def _account(company: Company, account: str) -> str:
    """Return the account id; a few companies use another one, or none at all, for one line."""
    if account != "dart_OperatingIncomeLoss" or company.role == "samsung":
        return account
    if company.index % 17 == 0:
        return _OWN_ACCOUNT
    return "ifrs-full_ProfitLossFromOperatingActivities" if company.index % 13 == 5 else account


def _completed(told: Amounts, *, alone: bool, amended: bool) -> Amounts:
    if alone:
        told = separate(told)
    if amended:
        told = corrected(told)
    return told | {
        "noncurrent_assets": told["assets"] - told["current_assets"],
        "noncurrent_liabilities": told["liabilities"] - told["current_liabilities"],
    }


def _with_commas(told: Amounts, line: str, company: Company) -> str:
    # Research companies mark the revenue they do not have with a dash, blank cheques write 0.
    return "-" if line == "revenue" and company.role == "biotech" else f"{told[line]:,}"


def _plain(told: Amounts, line: str, company: Company) -> str:
    return "" if line == "revenue" and company.role == "biotech" else str(told[line])
