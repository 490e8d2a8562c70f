"""Who rose and who fell, counted by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from stock_pipeline.figures.breadth import (
    Breadth,
    BreadthMemory,
    breadth,
    breadth_history,
    newest_session,
)

THURSDAY, FRIDAY = date(2026, 3, 12), date(2026, 3, 13)


def share(day: date, ticker: str, change: int, value: int, **more: Any) -> dict[str, Any]:
    """Return a share of a session."""
    row = {"market": "KOSPI", "is_halted": False, **more}
    return {"trade_date": day, "ticker": ticker, "change": change, "value": value, **row}


def test_every_share_is_counted_once(store: Any) -> None:
    store(
        "stock_price_daily",
        share(FRIDAY, "000001", 10, 100),
        share(FRIDAY, "000002", 1, 50, market="KOSDAQ"),
        share(FRIDAY, "000003", -5, 30),
        share(FRIDAY, "000004", 0, 20),
        share(FRIDAY, "000005", 0, 0),  # nobody traded it, and nobody halted it
        share(FRIDAY, "000006", 0, 0, is_halted=True),
        share(THURSDAY, "000001", -10, 7),
    )
    found = breadth(store.database, FRIDAY)
    assert found == Breadth(FRIDAY, up=2, down=1, same=2, halted=1, value_krw=200)
    assert found.shares == 6
    assert breadth_history(store.database, THURSDAY, FRIDAY) == [
        Breadth(THURSDAY, 0, 1, 0, 0, 7, "KOSPI"),
        Breadth(FRIDAY, 1, 0, 0, 0, 50, "KOSDAQ"),
        Breadth(FRIDAY, 1, 1, 2, 1, 150, "KOSPI"),
    ]


def test_a_session_that_is_not_stored_has_no_breadth(store: Any) -> None:
    store("stock_price_daily", share(THURSDAY, "000001", 1, 1))
    assert breadth(store.database, FRIDAY) is None
    assert newest_session(store.database, FRIDAY) == THURSDAY
    assert newest_session(store.database, date(2026, 3, 11)) is None


def test_sessions_are_counted_again_once_one_of_them_was_collected(store: Any) -> None:
    memory = BreadthMemory(store.database)

    def collected(run: str, at: datetime) -> None:
        row = {"asset": "stock_price_daily", "partition": THURSDAY, "status": "completed"}
        store("data_collection_log", {**row, "run_id": run, "completed_at": at})

    store("stock_price_daily", share(THURSDAY, "000001", 1, 10))
    collected("a", datetime(2026, 3, 12, 8, tzinfo=UTC))
    first = memory.history(THURSDAY, FRIDAY)
    store("stock_price_daily", share(THURSDAY, "000002", -1, 10))
    assert memory.history(THURSDAY, FRIDAY) is first  # no collection has ended since
    assert memory.history(FRIDAY, FRIDAY) == []  # other sessions are another question
    collected("b", datetime(2026, 3, 12, 9, tzinfo=UTC))
    assert memory.history(THURSDAY, FRIDAY) == [Breadth(THURSDAY, 1, 1, 0, 0, 20, "KOSPI")]
