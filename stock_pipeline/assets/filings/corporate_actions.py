"""What companies do to their shares: splits, issues, reductions, mergers, spin-offs.

Source   DART: the decisions (group DS005) behind the day's reports of major matters, 1 request per
         company and kind; KRX: splits and reverse splits, from price_adjustment
Grain    one row per receipt and action; `KRX-<ticker>-<ex-date>` for an action without a report
Units    ratio: SPLIT, REVERSE_SPLIT, CAPITAL_REDUCTION and SPINOFF shares after per share before;
         BONUS_ISSUE and RIGHTS_ISSUE new shares per share before; MERGER shares given per share
         taken over
Cadence  filings_daily (19:00 KST on weekdays, after dart_filing); quarterly_actions once more
Caveats  Every receipt has a row. One that DART does not answer for has no details: the report is
         withdrawn, or it was corrected since, because the answer only knows the newest version; the
         correction is a row of its own. Days are those that were planned on the day of receipt. A
         paid issue names no record date, so it has no ex-date. Companies without a listed share are
         left out. A count that fell is a reverse split or a capital reduction: DART is asked which,
         and without an answer there is no row. What prices tell waits for no reports; a day whose
         reports are not collected counts as incomplete. An action that prices no longer show keeps
         its row without ratio and ex-date, `detail` says so. Rows told from prices on a day for
         which DART was not asked have the `fetched_at` of the prices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from stock_pipeline.assets.adjustment_explained import EXPLAINED, unexplained
from stock_pipeline.assets.decision_answers import (
    Answers,
    Question,
    about_receipts,
    about_reductions,
    ask,
)
from stock_pipeline.assets.decisions import ACTION_TYPES, rows_of
from stock_pipeline.assets.price_actions import STEPS, told_by_prices, withdrawn
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.quality.checks import Check, Limits
from stock_pipeline.quality.rules import AtLeast, Matches, NotNull, OneOf, Ordered
from stock_pipeline.sources.dart import Dart
from stock_pipeline.storage.collection_log import done_partitions
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Date, Double, Json, Text, column, key, table
from stock_pipeline.table_asset import Collected, table_asset
from stock_pipeline.work import Archive

Row = Mapping[str, Any]

SATURDAY = 5
NO_REPORTS = "the reports of the day: dart_filing is not collected"

TABLE = table(
    "corporate_actions",
    key("action_id", Text, "number of the receipt, or KRX-<ticker>-<ex-date>"),
    key("action_type", Text, ", ".join(ACTION_TYPES)),
    column("origin", Text, "DART: a report; KRX: told from prices"),
    column("ticker", Text, "share code; for a report that of the company's common share"),
    column("corp_code", Text, "DART's number of the company"),
    column("rcept_no", Text, "number of the receipt; NULL without a report"),
    column("received_date", Date, "day of receipt; without a report the ex-date"),
    column("ratio", Double, "see Units; NULL if the report does not tell it", "ratio"),
    column("record_date", Date, "who holds the share on this day is concerned"),
    column("effective_date", Date, "day of the merger, division, exchange or reduction"),
    column("ex_date", Date, "first session at the new price level; NULL: not told, or none"),
    column("halt_from", Date, "first day without trading"),
    column("halt_to", Date, "last day without trading"),
    column("listing_date", Date, "day on which the new shares are listed"),
    column("report_name", Text, "title of the report with its prefix"),
    column("detail", Json, "upstream's own fields, or why it is withdrawn; NULL: no answer"),
    indexes=(("ticker",), ("received_date",)),
    source_column="origin",
)

RULES = [
    Matches("action_id", "[0-9]{14}|KRX-[0-9A-Z]{6}-[0-9-]{10}", why="it names receipt or share"),
    OneOf("action_type", ACTION_TYPES, effect="block", why="another word is a defect of this file"),
    Matches("ticker", "[0-9A-Z]{6}", why="it joins with prices"),
    NotNull("ticker", why="without a share there is nothing to act on"),
    NotNull("received_date", why="it is the first part of the receipt's number"),
    AtLeast("ratio", 0, effect="warn", why="the report is read wrongly, or wrong"),
    Ordered("halt_from", "halt_to", effect="warn", why="plans are typed by hand"),
]
UNEXPLAINED = "unexplained_adjustment"
CHECKS = [
    Check(
        UNEXPLAINED,
        "a report or the prices themselves explain every adjustment of the last sessions",
        None,
        warn=Limits(most=0),
    )
]

_ANNOUNCED = """
SELECT DISTINCT ON (f.rcept_no) f.rcept_no, coalesce(f.ticker, s.ticker) AS ticker, f.corp_code,
    f.received_date, f.report_name, f.is_correction
FROM dart_filing f
LEFT JOIN stocks s ON s.corp_code = f.corp_code AND s.share_kind = 'common'
WHERE f.received_date = :day AND f.filing_type = 'B' AND coalesce(f.ticker, s.ticker) IS NOT NULL
ORDER BY f.rcept_no, s.ticker
"""
# Not before the day's last answer from DART: what is older than that is refused as outdated.
_FETCHED = """
SELECT max(fetched_at) AS newest FROM data_collection_log
WHERE asset IN ('stock_price_daily', 'corporate_actions') AND partition = :day
    AND status = 'completed'
"""


@table_asset(
    TABLE,
    RULES,
    cadence="filings_daily",
    partitions="day",
    write="merge",
    pool="dart",
    deps=["dart_filing", "price_adjustment", "stocks"],
    views=[EXPLAINED],
    checks=CHECKS,
)
def corporate_actions(
    dart: Dart, db: Database, archive: Archive, calendar: MarketCalendar, day: date
) -> Collected:
    """Collect what was announced on a day, and the splits whose ex-date it is."""
    # DART receives nothing on a weekend: there is nothing to wait for.
    waits = day.weekday() < SATURDAY and not done_partitions(db, "dart_filing", [day.isoformat()])
    known = answered(db, day)
    # What DART has answered is not asked for again; a replay reads it anew.
    skipped = known.clear() if archive.replaying else known
    groups = about_receipts([] if waits else _receipts(db, day, without=skipped))
    steps = db.read(STEPS, {"day": day}).to_dicts()
    answers, failed = ask(dart, [*groups, *filter(None, map(about_reductions, steps))])
    told = told_by_prices(db, calendar, steps, answers)
    told += withdrawn(db, day, told, undecided=_undecided(steps, answers))
    if waits and not told and not failed:
        return Collected(_frame([]), "skipped", "waiting_for_filings")
    found = _newest(known, _frame(announced(groups, answers, calendar)), _frame(told))
    failed += (NO_REPORTS,) if waits else ()
    missing = unexplained(db, calendar, day)
    warnings = {UNEXPLAINED: missing} if missing else {}
    if found.is_empty() and not failed:
        reason = f"nothing was announced on {day} and nothing split"
        return Collected(found, "no_data", reason, warnings=warnings)
    fetched_at = db.read(_FETCHED, {"day": day.isoformat()}).item()
    return Collected(found, failed=failed, warnings=warnings, fetched_at=fetched_at)


def answered(db: Database, day: date) -> pl.DataFrame:
    """Return the stored actions announced on a day whose details are known."""
    columns = ", ".join(TABLE.frame_schema)
    return db.read(
        f"SELECT {columns} FROM corporate_actions WHERE received_date = :day"
        " AND detail IS NOT NULL AND report_name IS NOT NULL",
        {"day": day},
    ).select(pl.col(name).cast(kind) for name, kind in TABLE.frame_schema.items())


def announced(
    groups: Mapping[Question, Sequence[Row]], answers: Answers, calendar: MarketCalendar
) -> list[Row]:
    """Return the actions of receipts; those whose question was not answered have no details."""
    rows: list[Row] = []
    for question, receipts in groups.items():
        answer = {row["rcept_no"]: row for row in answers.get(question, ())}
        for receipt in receipts:
            told = answer.get(receipt["rcept_no"])
            rows += rows_of(receipt, question.operation, told, calendar)
    return rows


def _undecided(steps: Sequence[Row], answers: Answers) -> set[str]:
    """Return the shares whose count fell and about which DART did not answer."""
    questions = {step["ticker"]: about_reductions(step) for step in steps}
    return {ticker for ticker, asked in questions.items() if asked and asked not in answers}


def _receipts(db: Database, day: date, *, without: pl.DataFrame) -> Sequence[Row]:
    """Return a day's reports of major matters, without those that are known."""
    found = db.read(_ANNOUNCED, {"day": day})
    return found.filter(~pl.col("rcept_no").is_in(without["rcept_no"].implode())).to_dicts()


def _newest(known: pl.DataFrame, announced: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Return one row per action; no row takes the details from one that has them."""
    has_details = pl.col("detail").is_not_null()
    rows = [announced.filter(has_details), known, announced, told]
    return pl.concat(rows).unique(TABLE.keys, keep="first", maintain_order=True)


def _frame(rows: Sequence[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=TABLE.frame_schema)
