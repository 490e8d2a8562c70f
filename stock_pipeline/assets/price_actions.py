"""What prices tell of a day's actions: splits, reverse splits and the reductions behind a step.

An adjustment with a count of shares that moved along is an action by itself. Only for a count that
fell there are two: a reduction, of which DART knows a report, and a reverse split without one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from stock_pipeline.assets.adjustment_explained import ANNOUNCED_WITHIN, SHIFTED_BY
from stock_pipeline.assets.decision_answers import Answers, about_reductions
from stock_pipeline.assets.decisions import REDUCTIONS, REVERSE_SPLIT, SPLIT, rows_of
from stock_pipeline.assets.report_text import day as day_of
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.storage.database import Database

Row = Mapping[str, Any]

# In `detail` of an action that was told from prices and is not shown by them any more.
WITHDRAWN = '{"withdrawn": "the prices do not show it any more"}'

STEPS = """
SELECT a.*, s.corp_code FROM price_adjustment a LEFT JOIN stocks s USING (ticker)
WHERE a.ex_date = :day AND a.kind IN ('split', 'reverse_or_reduction') ORDER BY a.ticker
"""
_STORED = """
SELECT action_id, action_type, origin, ticker, corp_code, received_date FROM corporate_actions
WHERE received_date = :day AND origin = 'KRX'
"""


def told_by_prices(
    db: Database, calendar: MarketCalendar, steps: Sequence[Row], answers: Answers
) -> list[Row]:
    """Return the actions behind adjustments that moved the count of shares.

    A count that fell is a capital reduction if DART knows one, else a reverse split; nothing is
    told where DART was asked and did not answer.
    """
    rows: list[Row] = []
    for step in steps:
        question = about_reductions(step)
        if question is None:
            rows.append(row_of_prices(step))
        elif question in answers:
            rows += _reductions(db, calendar, step, answers[question]) or [row_of_prices(step)]
    return rows


def row_of_prices(step: Row) -> Row:
    """Return the action that an adjustment shows by itself.

    Shapes  step: the columns of `price_adjustment`, corp_code
    """
    day = step["ex_date"]
    return {
        "action_id": f"KRX-{step['ticker']}-{day}",
        "action_type": SPLIT if step["kind"] == "split" else REVERSE_SPLIT,
        "origin": "KRX",
        "ticker": step["ticker"],
        "corp_code": step["corp_code"],
        "received_date": day,
        "ratio": step["shares_after"] / step["shares_before"],
        "ex_date": day,
        "listing_date": day,
    }


def withdrawn(
    db: Database, day: date, told: Sequence[Row], *, undecided: Collection[str]
) -> list[Row]:
    """Return what prices once told of a day and do not tell any more, without ratio and ex-date.

    undecided  shares about which nothing can be said now: what was told stands
    """
    keys = {(row["action_id"], row["action_type"]) for row in told}
    return [
        row | {"detail": WITHDRAWN}
        for row in db.read(_STORED, {"day": day}).to_dicts()
        if (row["action_id"], row["action_type"]) not in keys and row["ticker"] not in undecided
    ]


def _reductions(
    db: Database, calendar: MarketCalendar, step: Row, answer: Sequence[Row]
) -> list[Row]:
    """Return a company's reductions that explain a step, whenever they were announced."""
    day = step["ex_date"]
    titles = db.read(
        "SELECT rcept_no, report_name FROM dart_filing WHERE rcept_no = ANY(:numbers)",
        {"numbers": [row["rcept_no"] for row in answer]},
    )
    names = dict(titles.iter_rows())
    found: list[Row] = []
    for row in answer:
        number = row["rcept_no"]
        filing = {
            "rcept_no": number,
            "ticker": f"{step['ticker'][:5]}0",
            "corp_code": step["corp_code"],
            "received_date": day_of(number[:8]),
            "report_name": names.get(number),
        }
        found += rows_of(filing, REDUCTIONS, row, calendar)
    return [row for row in found if _explains(row, day)]


def _explains(reduction: Row, day: date) -> bool:
    """Tell whether a reduction takes effect on a day, as the view judges it."""
    received: date | None = reduction["received_date"]
    planned: date | None = reduction["ex_date"]
    if planned is not None:
        return abs(planned - day) <= SHIFTED_BY
    return received is not None and received >= day - ANNOUNCED_WITHIN
