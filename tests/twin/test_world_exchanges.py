"""Days and hours of the markets abroad, beside the calendar the pipeline asks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from stock_pipeline.twin import world_exchanges
from stock_pipeline.twin.world_exchanges import hours, is_session

START, END = date(2020, 1, 2), date(2027, 12, 31)


def test_new_york_trades_on_the_days_and_hours_of_the_pipelines_calendar() -> None:
    import exchange_calendars

    calendar = exchange_calendars.get_calendar("XNYS", start=str(START), end=str(END))
    days = [START + timedelta(days=day) for day in range((END - START).days + 1)]
    known = {stamp.date(): stamp for stamp in calendar.sessions}
    assert [day for day in days if is_session("NYSE", day)] == list(known)
    for day, stamp in known.items():
        trading = hours("NYSE", day)
        assert trading.opened == calendar.session_open(stamp).to_pydatetime(), day
        assert trading.closed == calendar.session_close(stamp).to_pydatetime(), day


@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        (date(2022, 1, 3), True),  # New Year fell on a Saturday: not made up for
        (date(2021, 12, 31), True),  # nor on the Friday before
        (date(2023, 1, 2), False),  # New Year on a Sunday: its Monday
        (date(2021, 6, 18), True),  # Juneteenth was no holiday of the exchange yet
        (date(2022, 6, 20), False),  # it is since 2022, here for a Sunday
        (date(2025, 1, 9), False),  # mourning
        (date(2026, 4, 3), False),  # Good Friday
        (date(2026, 4, 6), True),  # Easter Monday is no holiday there
        (date(2026, 7, 3), False),  # Independence Day on a Saturday: its Friday
    ],
)
def test_holidays_of_new_york(day: date, is_open: bool) -> None:
    assert is_session("NYSE", day) is is_open


@pytest.mark.parametrize(
    ("exchange", "day", "is_open"),
    [
        ("COMEX", date(2026, 7, 3), False),  # metals rest with New York
        ("FX", date(2026, 7, 3), True),  # currencies do not
        ("FX", date(2026, 3, 14), False),  # but at the weekend they do
        ("CRYPTO", date(2026, 3, 14), True),  # coins never rest
        ("CRYPTO", date(2025, 12, 25), True),
    ],
)
def test_other_markets_have_days_of_their_own(exchange: str, day: date, is_open: bool) -> None:
    assert is_session(exchange, day) is is_open


@pytest.mark.parametrize(
    ("exchange", "day", "opened", "settled"),
    [
        ("NYSE", date(2026, 1, 5), (1, 5, 14, 30), (1, 5, 21, 15)),  # winter
        ("NYSE", date(2026, 7, 1), (7, 1, 13, 30), (7, 1, 20, 15)),  # summer
        ("NYSE", date(2026, 11, 27), (11, 27, 14, 30), (11, 27, 18, 15)),  # after Thanksgiving
        ("CBOE", date(2026, 1, 5), (1, 5, 14, 30), (1, 5, 21, 15)),  # Chicago, the same instants
        ("CBOE", date(2026, 11, 27), (11, 27, 14, 30), (11, 27, 18, 15)),
        ("COMEX", date(2026, 1, 5), (1, 5, 5, 0), (1, 5, 22, 0)),  # midnight of New York
        ("COMEX", date(2026, 11, 27), (11, 27, 5, 0), (11, 27, 22, 0)),  # no half-day
        ("FX", date(2026, 1, 5), (1, 5, 0, 0), (1, 6, 0, 0)),  # London, winter
        ("FX", date(2026, 7, 1), (6, 30, 23, 0), (7, 1, 23, 0)),  # summer: the day before in UTC
        ("CRYPTO", date(2026, 7, 1), (7, 1, 0, 0), (7, 2, 0, 0)),
    ],
)
def test_hours_are_those_of_the_exchange(
    exchange: str, day: date, opened: tuple[int, ...], settled: tuple[int, ...]
) -> None:
    trading = hours(exchange, day)
    assert trading.opened == datetime(2026, *opened, tzinfo=UTC)  # type: ignore[misc]  # a date's parts
    assert trading.settled == datetime(2026, *settled, tzinfo=UTC)  # type: ignore[misc]  # the same
    assert trading.opened < trading.closed <= trading.settled


def test_zones_are_named_as_in_the_charts() -> None:
    names = {name: str(world_exchanges.zone_of(name)) for name in ("NYSE", "CBOE", "COMEX", "FX")}
    assert names == {
        "NYSE": "America/New_York",
        "CBOE": "America/Chicago",
        "COMEX": "America/New_York",
        "FX": "Europe/London",
    }
