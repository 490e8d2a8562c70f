"""The calendar as rows."""

from __future__ import annotations

from datetime import UTC, date, datetime

from stock_pipeline.assets.listing.trading_calendar import RULES, TABLE, parse
from stock_pipeline.market_calendar import CalendarDay, MarketCalendar
from stock_pipeline.quality import rules as quality

SESSION = CalendarDay(
    "XKRX",
    date(2026, 3, 13),
    True,
    None,
    datetime(2026, 3, 13, 0, 0, tzinfo=UTC),
    datetime(2026, 3, 13, 6, 30, tzinfo=UTC),
)
SATURDAY = CalendarDay("XKRX", date(2026, 3, 14), False, "Saturday", None, None)


def blocked(day: CalendarDay) -> dict[str, int]:
    """Return the blocking rules that a day breaks."""
    return dict(quality.apply(parse([day]), RULES, keys=TABLE.keys).blocked)


def test_days_become_rows_of_the_table() -> None:
    frame = parse([SESSION, SATURDAY])
    assert frame.schema == TABLE.frame_schema
    assert frame.rows() == [tuple(SESSION), tuple(SATURDAY)]


def test_every_day_from_1995_to_the_end_of_next_year_is_sound() -> None:
    calendar = MarketCalendar()
    days = calendar.days("XKRX", date(1995, 1, 1), date(2027, 12, 31))
    verdict = quality.apply(parse(days), RULES, keys=TABLE.keys)
    assert len(days) == 12_053
    assert verdict.kept.height == 12_053
    assert verdict.blocked == {}


def test_a_session_without_its_hours_blocks() -> None:
    assert blocked(SESSION._replace(close_at=None)) == {"session_has_hours": 1}
    assert blocked(SESSION._replace(close_at=SESSION.open_at)) == {"session_has_hours": 1}
    assert blocked(SESSION) == {}


def test_a_closed_day_without_a_reason_blocks() -> None:
    assert blocked(SATURDAY._replace(reason=None)) == {"closed_day_has_reason": 1}
    assert blocked(SATURDAY) == {}
