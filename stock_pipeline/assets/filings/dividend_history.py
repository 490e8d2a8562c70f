"""Dividends per share of every listed company, as DART's reports and the FSC's register tell them.

Source   DART alotMatter, one company a request; FSC getDiviInfo, the whole set in pages of 1,000
Grain    one row per origin, share, kind of share, record date and kind of dividend
Units    KRW per share, with decimals where a company pays fractions; rates in percent
Cadence  weekly_dividends (Saturday 11:30 KST), filings_followup for the companies that filed
Caveats  Both origins tell of the same money: never add them up. DART's `dps` is cumulative within
         the business year and its record date is the last day of the period; what a report adds to
         the earlier ones that are stored is `dps_period_krw`, corrected when one of those arrives
         later. Answers without that day (2020 and before) get it from business year, report and
         month of settlement, or are left out where that is unknown. Splits restate nothing. A kind
         of dividend that a correction took back keeps its row, without amounts. The FSC's business
         year is the one around the record date, also for a dividend of the year before. FSC rates
         are of the par value; DART's stock rate is the shares given per share, in percent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from stock_pipeline.assets import dart_dividends, fsc_dividends
from stock_pipeline.assets.dividend_answers import (
    Earlier,
    Rows,
    ask_dart,
    ask_fsc,
    known_answers,
    require_answer,
)
from stock_pipeline.assets.filings.financial_statement import listed_since, report_of
from stock_pipeline.quality.rules import AtLeast, Between, Matches, OneOf, Rule
from stock_pipeline.sources.dart import Dart
from stock_pipeline.sources.fsc import Fsc
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Date, Integer, Text, column, key, numeric, table
from stock_pipeline.table_asset import Collected, table_asset

DART, FSC = "DART", "FSC"

_PER_SHARE = numeric(18, 4)
TABLE = table(
    "dividend_history",
    key("origin", Text, "DART: periodic report; FSC: register of the central depository"),
    key("isin_or_ticker", Text, "FSC: ISIN of the share; DART: code of the company's common share"),
    key("stock_kind", Text, "kind of share in the origin's words, such as 보통주 or 우선주"),
    key("record_date", Date, "who holds the share then is paid; DART: last day of the period"),
    key("dividend_kind", Text, "cash, stock, both, or none"),
    column("ticker", Text, "code of the share itself; NULL where it is not certain"),
    column("isin", Text, "international security number of the share itself"),
    column("crno", Text, "corporate registration number"),
    column("dps", _PER_SHARE, "cash; DART: of the year so far; NULL: none or unknown yet", "KRW"),
    column("dps_period_krw", _PER_SHARE, "what this row adds within the business year", "KRW"),
    column("par_value", _PER_SHARE, "par value of a share; NULL: without par", "KRW"),
    column("cash_rate_pct", numeric(18, 6), "cash in relation to the par value: no yield", "%"),
    column("stock_rate_pct", numeric(18, 6), "new shares in relation to those held", "%"),
    column("pay_date", Date, "payment of the cash, else delivery of the shares"),
    column("fiscal_year", Integer, "business year, by the calendar year in which it begins"),
    column("rcept_no", Text, "DART's receipt that holds these values"),
    indexes=(("ticker", "record_date"),),
    source_column="origin",
)

RULES = [
    OneOf("origin", (DART, FSC), effect="block", why="another word is a defect here"),
    OneOf("dividend_kind", ("cash", "stock", "both", "none"), why="another code is not documented"),
    Matches("ticker", "[0-9A-Z]{6}", why="it joins with prices"),
    Matches("isin", "[A-Z]{2}[0-9A-Z]{9}[0-9]", why="it joins with the listing"),
    Matches("rcept_no", "[0-9]{14}", why="it names the report"),
    *(
        AtLeast(name, 0, why="nobody pays less than nothing: a misread sign or amount")
        for name in ("dps", "par_value", "cash_rate_pct", "stock_rate_pct")
    ),
    AtLeast("dps_period_krw", 0, effect="warn", why="a year's sum falls only by a correction"),
    Between("fiscal_year", 1950, 2100, why="another number is no year"),
    Rule(
        "nothing_is_paid_without_an_amount",
        "a dividend of kind none has no amount: else its code and its amount contradict",
        "warn",
        (pl.col("dividend_kind") != "none") | pl.col("dps").is_null(),
    ),
]

# Without the derived listing the company codes still tell whose common share it is.
_SHARES = """
SELECT ticker, isin, crno, corp_code, share_kind, settle_month, is_active FROM stocks
UNION ALL
SELECT ticker, NULL, NULL, corp_code, 'common', NULL, true FROM dart_corp_code c
WHERE ticker IS NOT NULL AND NOT EXISTS (SELECT FROM stocks s WHERE s.corp_code = c.corp_code)
ORDER BY is_active DESC, ticker
"""


@table_asset(
    TABLE,
    RULES,
    cadence="weekly_dividends",
    partitions="quarter",
    write="merge",
    pool="dart",
    deps=["stocks", "dart_corp_code", "dart_filing"],
    may_lie_ahead=True,  # a record date is announced before it comes
)
def dividend_history(
    dart: Dart, fsc: Fsc, db: Database, quarter: date, companies: Sequence[str]
) -> Collected:
    """Collect one report of the companies not answered yet and the register, or of some only."""
    report = report_of(quarter)
    earlier = Earlier({}) if companies else known_answers(dart, db, quarter, report)
    codes = sorted(companies) or earlier.left(listed_since(db, quarter))
    asked = [ask_dart(dart, codes, report)] if codes else []
    register = [] if companies else [ask_fsc(fsc)]
    told = asked + register
    require_answer(told, is_known=bool(earlier.rows))
    rows = [row for company in earlier.rows.values() for row in company]
    rows += [row for answers in asked for row in answers.rows]
    reports, doubts = from_dart(db, rows, report)
    events, more = from_fsc(db, [row for answers in register for row in answers.rows])
    frame = pl.concat([reports, events])
    failed = tuple(part for answers in told for part in answers.failed)
    if frame.is_empty():
        reason = f"neither report {report[1]} of {report[0]} nor the register has any"
        return Collected(frame, outcome="no_data", reason=reason, failed=failed)
    warnings = {name: count for name, count in (doubts | more).items() if count}
    return Collected(frame, failed=failed, warnings=warnings)


def from_dart(
    db: Database, rows: Rows, report: tuple[int, str]
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return the rows of a report, and those of earlier ones that change through it.

    Raises  SchemaDrift, BadPayload
    """
    found, unread = dart_dividends.parse(rows)
    shares = dart_dividends.with_shares(found, _shares(db), report)
    usable = shares.filter(pl.all_horizontal(pl.col("isin_or_ticker", "record_date").is_not_null()))
    new = usable.with_columns(origin=pl.lit(DART))
    doubts = {
        "amount_is_a_number": unread,
        "company_and_period_are_known": shares.height - usable.height,
    }
    stored = db.read(
        "SELECT * FROM dividend_history WHERE origin = 'DART' AND fiscal_year = :year",
        {"year": report[0]},
    )
    return dart_dividends.beside(_shaped(new), _shaped(stored)), doubts


def from_fsc(db: Database, rows: Rows) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return the register's rows with the codes of their shares.

    Raises  SchemaDrift, BadPayload
    """
    events, nameless = fsc_dividends.parse(rows)
    tickers = _shares(db).select("isin", "ticker").drop_nulls().unique("isin", keep="first")
    frame = events.join(tickers, on="isin", how="left", maintain_order="left").with_columns(
        origin=pl.lit(FSC), isin_or_ticker="isin"
    )
    return _shaped(frame), {"share_and_record_date_are_named": nameless}


def _shares(db: Database) -> pl.DataFrame:
    return db.read(_SHARES)


def _shaped(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the table's columns; what an origin does not tell is null."""
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in TABLE.frame_schema.items()
    )
