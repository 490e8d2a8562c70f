"""Balance sheet, income and cash flows of every listed company, in every version that was filed.

Source   DART fnlttMultiAcnt, 100 companies a request; fnlttSinglAcntAll for companies that filed
Grain    one row per company, fiscal year, report, consolidation and receipt
Units    amounts in the statement's `currency`, mostly KRW; ratios in percent
Cadence  weekly_financials (Saturday 11:00 KST), filings_followup for the companies that filed
Caveats  The main accounts have no cash flows; the full ones do, and are asked for the consolidated
         statement, or for the separate one where there is no other. All amounts of a row come from
         one call, named in `operation`, and a row from the full accounts is never overwritten by
         the sweep. DART serves only the newest version: one that is collected late counts from its
         own receipt, `available_date`. In quarterly reports revenue and incomes are those of three
         months and `_cumulative` those of the year so far, from which the ratios are taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import polars as pl

from stock_pipeline.assets.dart_accounts import EARNINGS, wide
from stock_pipeline.assets.upstream_text import text, text_frame
from stock_pipeline.errors import ONE_AMONG_MANY
from stock_pipeline.quality.rules import Between, Matches, NotNull, OneOf, Rule
from stock_pipeline.sources.dart import COMPANIES_PER_CALL, Dart
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import (
    BigInt,
    Bool,
    Date,
    Double,
    Integer,
    Text,
    column,
    key,
    table,
)
from stock_pipeline.table_asset import Collected, table_asset

MAIN, FULL = "fnlttMultiAcnt", "fnlttSinglAcntAll"
ANNUAL, FIRST_QUARTER = "11011", "11013"
# Month in which the quarter begins that a report closes → report code.
REPORTS = {1: FIRST_QUARTER, 4: "11012", 7: "11014", 10: ANNUAL}
CONSOLIDATION = ("CFS", "OFS")
# With more failed batches than this the sweep says nothing about the market.
MAX_FAILED_SHARE = 0.1
RATIO_DECIMALS = 4


# Ratio → what is divided by what; income figures are those of the year so far.
RATIOS = {
    "roe_pct": ("net_income", "total_equity"),
    "roa_pct": ("net_income", "total_assets"),
    "debt_ratio_pct": ("total_liabilities", "total_equity"),
    "operating_margin_pct": ("operating_income", "revenue"),
    "net_margin_pct": ("net_income", "revenue"),
}

_AMOUNT = "the statement's currency"
TABLE = table(
    "financial_statement",
    key("ticker", Text, "code of the company's common share"),
    key("fiscal_year", Integer, "business year of the report"),
    key(
        "report_code", Text, "11013 first quarter, 11012 half year, 11014 third quarter, 11011 year"
    ),
    key("fs_div", Text, "CFS consolidated, OFS separate"),
    key("rcept_no", Text, "receipt that holds this version"),
    column("corp_code", Text, "DART's number of the company"),
    column("period_end", Date, "last day of the period"),
    column("available_date", Date, "day of the receipt: not known before"),
    column("revenue", BigInt, "revenue of the period", _AMOUNT),
    column("operating_income", BigInt, "operating income of the period", _AMOUNT),
    column("net_income", BigInt, "net income of the period", _AMOUNT),
    column("total_assets", BigInt, "assets at the end of the period", _AMOUNT),
    column("total_liabilities", BigInt, "liabilities at the end of the period", _AMOUNT),
    column("total_equity", BigInt, "equity at the end of the period", _AMOUNT),
    column("current_assets", BigInt, "current assets at the end of the period", _AMOUNT),
    column("current_liabilities", BigInt, "current liabilities at the end of the period", _AMOUNT),
    column("operating_cash_flow", BigInt, "of the year so far; full accounts only", _AMOUNT),
    column("investing_cash_flow", BigInt, "of the year so far; full accounts only", _AMOUNT),
    column("financing_cash_flow", BigInt, "of the year so far; full accounts only", _AMOUNT),
    column("revenue_cumulative", BigInt, "revenue of the year so far", _AMOUNT),
    column("operating_income_cumulative", BigInt, "operating income of the year so far", _AMOUNT),
    column("net_income_cumulative", BigInt, "net income of the year so far", _AMOUNT),
    column("roe_pct", Double, "net income / equity; NULL when equity is not above 0", "%"),
    column("roa_pct", Double, "net income / assets", "%"),
    column("debt_ratio_pct", Double, "liabilities / equity; NULL when equity is not above 0", "%"),
    column("operating_margin_pct", Double, "operating income / revenue; NULL without revenue", "%"),
    column("net_margin_pct", Double, "net income / revenue; NULL without revenue", "%"),
    column("is_capital_impaired", Bool, "equity is 0 or below"),
    column("currency", Text, "currency of all amounts"),
    column("operation", Text, "DART operation that all amounts of the row come from"),
    indexes=(("report_code", "ticker", "fiscal_year"),),
)

RULES = [
    Matches("ticker", "[0-9A-Z]{6}", why="it joins with prices"),
    Matches("rcept_no", "[0-9]{14}", why="the version and its date are read from it"),
    OneOf("report_code", REPORTS.values(), why="another report was never asked for"),
    OneOf("fs_div", CONSOLIDATION, why="the score takes CFS before OFS"),
    Between("fiscal_year", 1990, 2100, why="another number is no year"),
    *(NotNull(name, why="always sent") for name in ("corp_code", "available_date")),
    NotNull("total_equity", effect="warn", why="a balance sheet has equity"),
    NotNull("currency", effect="warn", why="amounts of an unknown currency are taken for KRW"),
    Rule(
        "balance_sheet_balances",
        "assets are liabilities and equity, within 1 %: else a line was mistaken for another",
        "warn",
        (pl.col("total_assets") - pl.col("total_liabilities") - pl.col("total_equity")).abs()
        <= 0.01 * pl.col("total_assets").abs(),
    ),
]

_SHARED = ("rcept_no", "bsns_year", "corp_code", "reprt_code", "sj_div", "account_nm")
_OPTIONAL = ("thstrm_add_amount", "currency", "ord")


def report_of(quarter: date) -> tuple[int, str]:
    """Return business year and report code of the quarter that begins on this day."""
    return quarter.year, REPORTS[quarter.month]


def parse(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Return the statements of a fnlttMultiAcnt answer; its rows name accounts only in words.

    Raises  SchemaDrift, BadPayload
    """
    named = ("stock_code", "fs_div", "thstrm_dt", "thstrm_amount")
    frame = text_frame(rows, (*_SHARED, *named), optional=_OPTIONAL, asked=("DART", MAIN))
    period_end = pl.col("thstrm_dt").str.extract(r"(\d{4}\.\d{2}\.\d{2})\D*$")
    return _statements(
        frame.with_columns(
            ticker=text("stock_code"),
            account_id=pl.lit(None, dtype=pl.String),
            period_end=period_end.str.to_date("%Y.%m.%d", strict=False),
            operation=pl.lit(MAIN),
        )
    )


class Statement(NamedTuple):
    """What the full accounts of a statement do not say themselves."""

    ticker: str
    fs_div: str
    period_end: date | None


def parse_full(rows: Sequence[Mapping[str, Any]], statement: Statement) -> pl.DataFrame:
    """Return the one statement of a fnlttSinglAcntAll answer; its rows name accounts by id.

    Raises  SchemaDrift, BadPayload
    """
    own = ("account_id", "thstrm_amount")
    frame = text_frame(rows, (*_SHARED, *own), optional=_OPTIONAL, asked=("DART", FULL))
    return _statements(
        frame.with_columns(
            ticker=pl.lit(statement.ticker, dtype=pl.String),
            fs_div=pl.lit(statement.fs_div, dtype=pl.String),
            period_end=pl.lit(statement.period_end, dtype=pl.Date),
            operation=pl.lit(FULL),
        )
    )


def _statements(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one row per statement from its account rows."""
    keys = ("rcept_no", "ticker", "corp_code", "bsns_year", "reprt_code", "fs_div", "operation")
    filled = _complete(wide(rows, keys))
    return filled.hstack(_ratios(filled)).select(TABLE.frame_schema.keys()).sort(TABLE.keys)


def _complete(statements: pl.DataFrame) -> pl.DataFrame:
    """Add what follows from other columns: keys, dates, cumulative figures that are the same."""
    is_from_start = pl.col("reprt_code").is_in((ANNUAL, FIRST_QUARTER))
    return statements.with_columns(
        *(
            pl.coalesce(f"{name}_cumulative", pl.when(is_from_start).then(pl.col(name)))
            for name in EARNINGS
        ),
        fiscal_year=pl.col("bsns_year").cast(pl.Int32, strict=False),
        report_code=pl.col("reprt_code"),
        available_date=pl.col("rcept_no").str.slice(0, 8).str.to_date("%Y%m%d", strict=False),
        is_capital_impaired=pl.col("total_equity") <= 0,
    )


def _ratios(statements: pl.DataFrame) -> list[pl.Series]:
    def figure(name: str) -> pl.Expr:
        return pl.coalesce(f"{name}_cumulative", name) if name in EARNINGS else pl.col(name)

    exact = statements.select(
        pl.when(figure(below) > 0).then(figure(above) / figure(below) * 100.0).alias(name)
        for name, (above, below) in RATIOS.items()
    )
    # Python's own rounding, by which the score is specified; polars rounds some halves otherwise.
    # The loop takes 0.3 ms for the 200 statements of an answer.
    return [
        pl.Series(
            ratio.name, [None if x is None else round(x, RATIO_DECIMALS) for x in ratio]
        ).cast(pl.Float64)
        for ratio in exact
    ]


@table_asset(
    TABLE,
    RULES,
    cadence="weekly_financials",
    partitions="quarter",
    write="merge",
    pool="dart",
    deps=["stocks"],
)
def financial_statement(
    dart: Dart, db: Database, quarter: date, companies: Sequence[str]
) -> Collected:
    """Collect one report of all companies, or of some with their full accounts."""
    report = report_of(quarter)
    codes = companies or listed_since(db, quarter)
    if not codes:
        # Nobody to ask about is no answer: the listing comes first.
        return Collected(parse([]), outcome="skipped", reason="waiting_for_stocks")
    main, failed = sweep(dart, codes, report)
    if main.is_empty():
        reason = f"DART has no report {report[1]} of {report[0]} for {len(codes)} companies"
        return Collected(main, outcome="no_data", reason=reason, failed=failed)
    known = without_known(db, main, report)
    if not companies:
        return Collected(known, failed=failed)
    asked = consolidated_first(main).iter_rows(named=True)
    full = [full_statement(dart, row, report) for row in asked]
    # The full accounts first: they stand for the same version and say more.
    every = pl.concat([*full, known]).unique(TABLE.keys, keep="first", maintain_order=True)
    return Collected(every, failed=failed)


def sweep(
    dart: Dart, codes: Sequence[str], report: tuple[int, str]
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the statements of all companies and the batches that did not come.

    Raises  the upstream's error when more than a tenth of the batches failed, and at once what no
            further request can get past: quota, block, key
    """
    frames, start = [parse([])], 0
    failed: list[str] = []
    allowed = MAX_FAILED_SHARE * len(codes) / COMPANIES_PER_CALL
    while True:
        try:
            for answer in dart.main_accounts(codes[start:], *report):
                frames.append(parse(answer.data))
                start += COMPANIES_PER_CALL
            return pl.concat(frames), tuple(failed)
        except ONE_AMONG_MANY:
            # One batch among many: the others are worth having, and the failed one is reported.
            failed.append(f"companies {start + 1} to {min(start + COMPANIES_PER_CALL, len(codes))}")
            start += COMPANIES_PER_CALL
            if len(failed) > allowed:
                raise


def consolidated_first(main: pl.DataFrame) -> pl.DataFrame:
    """Return one statement per receipt, the consolidated one where there is one.

    The score reads no other, and a second call per company would double the cost of a filing day.
    """
    return main.sort("fs_div").unique("rcept_no", keep="first", maintain_order=True)


def full_statement(dart: Dart, main: Mapping[str, Any], report: tuple[int, str]) -> pl.DataFrame:
    """Return the statement that fnlttMultiAcnt announced, from the full accounts."""
    statement = Statement(main["ticker"], main["fs_div"], main["period_end"])
    answer = dart.full_accounts(main["corp_code"], *report, statement.fs_div)
    return parse_full(answer.data, statement)


def listed_since(db: Database, quarter: date) -> list[str]:
    """Return the companies with a share that was listed at some time since the period began."""
    found = db.read(
        "SELECT DISTINCT corp_code FROM stocks WHERE corp_code IS NOT NULL"
        " AND (is_active OR delisting_date >= :quarter) ORDER BY corp_code",
        {"quarter": quarter},
    )
    return found["corp_code"].to_list()


def without_known(db: Database, main: pl.DataFrame, report: tuple[int, str]) -> pl.DataFrame:
    """Leave out the versions that are stored from the full accounts."""
    known = db.read(
        "SELECT ticker, fiscal_year, report_code, fs_div, rcept_no FROM financial_statement"
        " WHERE fiscal_year = :year AND report_code = :code AND operation = :full",
        {"year": report[0], "code": report[1], "full": FULL},
    )
    return main.join(known, on=TABLE.keys, how="anti")
