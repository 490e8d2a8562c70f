"""A chart's `meta`: what an instrument is called, where it stands, when its exchange trades."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from stock_pipeline.twin.world_abroad_plans import EXCHANGES
from stock_pipeline.twin.world_exchanges import hours, is_session, zone_of
from stock_pipeline.twin.yahoo_names import NAMES
from stock_pipeline.twin.yahoo_rows import Row

# The ranges one may ask for instead of a period, in days; None for what depends on the present.
RANGES: dict[str, int | None] = {
    "1d": 1,
    "5d": 5,
    "1mo": 31,
    "3mo": 92,
    "6mo": 183,
    "1y": 366,
    "2y": 731,
    "5y": 1827,
    "10y": 3653,
    "ytd": None,
    "max": None,
}
_YEAR = timedelta(days=365)
_EXTENDED = (time(4), time(20))
# The last minute of a day without an opening or a close, as Yahoo counts it.
_LAST_MINUTE = timedelta(hours=23, minutes=59)


def meta_of(symbol: str, rows: Sequence[Row], start: int, now: datetime) -> dict[str, Any]:
    """Describe an instrument at a moment; `rows` are all it has, `start` where the chart begins."""
    names, exchange = NAMES[symbol], EXCHANGES[symbol]
    bars = [row.bar for row in rows if row.bar]
    newest, zone = bars[-1], zone_of(exchange)
    year = [bar for bar in bars if bar.day > newest.day - _YEAR]
    before = [row.bar for row in rows if row.bar and row.stamp <= start] or bars[:1]
    local = now.astimezone(zone)
    offset = int((local.utcoffset() or timedelta(0)).total_seconds())

    def told(price: float, decimals: int = names.decimals) -> float:
        return round(price, decimals)

    return {
        "currency": names.currency,
        "symbol": symbol,
        "exchangeName": names.code,
        "fullExchangeName": names.place,
        "instrumentType": names.kind,
        "firstTradeDate": rows[0].stamp,
        "regularMarketTime": int(min(now, hours(exchange, newest.day).closed).timestamp()),
        "hasPrePostMarketData": names.extended,
        "gmtoffset": offset,
        "timezone": local.tzname(),
        "exchangeTimezoneName": getattr(zone, "key", "UTC"),
        "regularMarketPrice": told(newest.close),
        "fiftyTwoWeekHigh": told(max(bar.high for bar in year)),
        "fiftyTwoWeekLow": told(min(bar.low for bar in year)),
        "regularMarketDayHigh": told(newest.high),
        "regularMarketDayLow": told(newest.low),
        "regularMarketVolume": newest.volume,
        "longName": names.long,
        "shortName": names.short,
        "chartPreviousClose": told(before[-1].close, max(names.decimals, 3)),
        "priceHint": names.decimals,
        "currentTradingPeriod": _periods(symbol, local),
        "dataGranularity": "1d",
    }


def _periods(symbol: str, local: datetime) -> dict[str, dict[str, Any]]:
    """Return the hours of the day, or of the last one on which the exchange traded."""
    exchange, day = EXCHANGES[symbol], local.date()
    while not is_session(exchange, day):
        day -= timedelta(days=1)
    trading = hours(exchange, day)
    start, end = trading.opened, trading.closed
    first, last = start, end
    if NAMES[symbol].extended:
        first, last = (_at(day, clock, local) for clock in _EXTENDED)
    elif start + timedelta(hours=12) < end:
        last = end = start + _LAST_MINUTE
    named = {"pre": (first, start), "regular": (start, end), "post": (end, last)}
    return {
        name: {
            "timezone": local.tzname(),
            "start": int(opened.timestamp()),
            "end": int(closed.timestamp()),
            "gmtoffset": int((local.utcoffset() or timedelta(0)).total_seconds()),
        }
        for name, (opened, closed) in named.items()
    }


def _at(day: date, clock: time, local: datetime) -> datetime:
    return datetime.combine(day, clock, local.tzinfo)
