"""Which action explains an adjustment, on both sides of every limit, and what nothing explains."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.adjustment_explained import EXPLAINED, unexplained
from stock_pipeline.assets.filings.corporate_actions import TABLE
from stock_pipeline.assets.prices import price_adjustment
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Table
from stock_pipeline.storage.writer import Batch, Stamps

DAY = date(2026, 3, 13)


@pytest.fixture
def known(database: Database) -> Database:
    """Return a database with the two tables and the view."""
    tables = [*collection_log.TABLES, price_adjustment.TABLE, TABLE]
    ddl.prepare(database, tables, [EXPLAINED], mode="live", today=DAY)
    return database


def store(database: Database, table: Table, *rows: dict[str, Any]) -> None:
    """Store rows; what they do not name is null."""
    frame = pl.DataFrame(rows, schema=table.frame_schema)
    database.upsert(Batch(table, frame, "all", Stamps("test", "KRX")))


def done(database: Database, days: Sequence[date]) -> None:
    """Log days of actions as collected."""
    database.execute(
        "INSERT INTO data_collection_log (run_id, asset, partition, status, outcome)"
        " SELECT 'test', 'corporate_actions', unnest(CAST(:days AS text[])), 'completed', 'rows'",
        {"days": [day.isoformat() for day in days]},
    )


def explained(database: Database) -> list[tuple[Any, ...]]:
    """Return which action explains each adjustment."""
    query = "SELECT ticker, action_type, action_id FROM price_adjustment_explained ORDER BY 1"
    return database.read(query).rows()


def adjustment(ticker: str = "005930", factor: float = 0.5) -> dict[str, Any]:
    return {"ticker": ticker, "ex_date": DAY, "factor": factor}


def action(kind: str, **changes: Any) -> dict[str, Any]:
    told = {
        "action_id": "20260213000001",
        "action_type": kind,
        "origin": "DART",
        "ticker": "005930",
        "received_date": date(2026, 2, 13),
        "detail": '{"ic_mthn": "주주배정후 실권주 일반공모"}',
    }
    return told | changes


EXPLANATIONS = [
    (action("BONUS_ISSUE", ex_date=DAY), 0.5, True, "its day"),
    (action("BONUS_ISSUE", ex_date=date(2026, 3, 3)), 0.5, True, "10 days off"),
    (action("BONUS_ISSUE", ex_date=date(2026, 3, 2)), 0.5, False, "11 days off"),
    (action("BONUS_ISSUE", ex_date=DAY), 2.0, False, "a base above the close"),
    (action("BONUS_ISSUE", ex_date=DAY, detail=None), 0.5, False, "never answered"),
    (action("BONUS_ISSUE", ex_date=DAY, ticker="000660"), 0.5, False, "another company"),
    (action("RIGHTS_ISSUE"), 0.8, True, "no day of its own"),
    (action("RIGHTS_ISSUE", received_date=date(2025, 11, 13)), 0.8, True, "120 days before"),
    (action("RIGHTS_ISSUE", received_date=date(2025, 11, 12)), 0.8, False, "121 days before"),
    (action("RIGHTS_ISSUE", received_date=date(2026, 3, 14)), 0.8, False, "afterwards"),
    (action("RIGHTS_ISSUE", detail='{"ic_mthn": "제3자배정증자"}'), 0.8, False, "for others"),
    (action("RIGHTS_ISSUE", detail='{"piic_ic_mthn": "주주배정증자"}'), 0.8, True, "with a bonus"),
    (action("CAPITAL_REDUCTION"), 10.0, True, "no day of its own"),
    (action("CAPITAL_REDUCTION"), 0.1, False, "a base below the close"),
    (action("SPINOFF", ex_date=DAY), 1.2, True, "its day"),
    (action("SPINOFF"), 0.8, False, "a division of assets"),
    (action("MERGER", ex_date=DAY), 0.8, False, "moves no base price"),
]


def test_an_adjustment_is_explained_by_share_kind_and_date(known: Database) -> None:
    wanted = []
    for number, (told, factor, explains, _) in enumerate(EXPLANATIONS):
        code = f"{number:05d}"
        ticker = told["ticker"] if told["ticker"] != "005930" else f"{code}0"
        store(known, TABLE, told | {"ticker": ticker, "action_id": f"202602130{code}"})
        # the preferred share goes through what the company announced
        for last in "05":
            store(known, price_adjustment.TABLE, adjustment(f"{code}{last}", factor))
            wanted.append((f"{code}{last}", told["action_type"] if explains else None))
    found = [row[:2] for row in explained(known)]
    reasons = [(found[2 * n : 2 * n + 2], case[3]) for n, case in enumerate(EXPLANATIONS)]
    assert found == wanted, reasons


def test_the_newest_word_about_the_nearest_day_counts(known: Database) -> None:
    later = {"action_id": "20260220000001", "received_date": date(2026, 2, 20)}
    krx = {"action_id": "KRX-005930-2026-03-13", "origin": "KRX", "ex_date": DAY, "detail": None}
    told = [action("BONUS_ISSUE", ex_date=DAY), action("BONUS_ISSUE", ex_date=DAY, **later)]
    moved = action("BONUS_ISSUE", ex_date=date(2026, 3, 6), action_id="20260301000001")
    paid_before = action("RIGHTS_ISSUE", action_id="20260302000001")
    store(known, price_adjustment.TABLE, adjustment() | {"kind": "split"})
    for actions, wanted in [
        ([paid_before], "20260302000001"),
        (
            [action("SPLIT", **krx, received_date=DAY)],
            krx["action_id"],
        ),  # prices before a report without day
        ([moved], "20260301000001"),  # a report with one before prices
        (told, "20260220000001"),  # the correction of the same day
    ]:
        store(known, TABLE, *actions)
        assert explained(known) == [("005930", actions[0]["action_type"], wanted)]


SHOWN = [
    ("SPLIT", "split", DAY, True, "as it was told"),
    ("REVERSE_SPLIT", "reverse_or_reduction", DAY, True, "as it was told"),
    ("SPLIT", "reverse_or_reduction", DAY, False, "the other way round"),
    ("REVERSE_SPLIT", "split", DAY, False, "the other way round"),
    ("SPLIT", "other", DAY, False, "no split any more"),
    ("SPLIT", "split", None, False, "withdrawn, and not told again yet"),
]


def test_prices_explain_only_what_they_still_show(known: Database) -> None:
    for number, (kind, shown, ex_date, *_) in enumerate(SHOWN):
        ticker = f"{number:05d}0"
        told = {"action_id": f"KRX-{ticker}-{DAY}", "ticker": ticker, "ex_date": ex_date}
        store(known, TABLE, action(kind, **told, origin="KRX", received_date=DAY, detail=None))
        store(known, price_adjustment.TABLE, adjustment(ticker) | {"kind": shown})
    for found, (kind, _, _, explains, reason) in zip(explained(known), SHOWN, strict=True):
        assert found[1] == (kind if explains else None), reason


def test_unexplained_adjustments_count_where_all_reports_are_known(known: Database) -> None:
    store(known, price_adjustment.TABLE, adjustment(), adjustment("000660", factor=0.7))
    store(known, TABLE, action("BONUS_ISSUE", ex_date=DAY))
    monday, calendar = date(2026, 3, 16), MarketCalendar()
    window = calendar.sessions("XKRX", date(2025, 11, 10), DAY)
    assert unexplained(known, calendar, monday) == 0  # nothing is collected
    missing = date(2025, 11, 13)  # 120 days before
    done(known, [day for day in window if day != missing])
    assert unexplained(known, calendar, monday) == 0
    done(known, [missing])
    assert unexplained(known, calendar, monday) == 1
    assert unexplained(known, calendar, DAY) == 0  # not yet over
