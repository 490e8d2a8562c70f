"""Reads one answer of Yahoo's chart service: the daily bars of a symbol.

A bar belongs to the day of its exchange, by the zone's own rules: a New York bar of July is read
with July's offset whatever the offset is today, and a bar of the London currency market, stamped
at 23:00 UTC in summer, belongs to the day after. Prices come as 32-bit floats written out in full
(151.44000244140625) and are rounded to the digits that Yahoo shows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from stock_pipeline.errors import BadPayload, BadRequest, SchemaDrift
from stock_pipeline.redaction import Scrubber
from stock_pipeline.sources.transport_decode import read_json
from stock_pipeline.sources.transport_wire import Answer

PRICES = ("open", "high", "low", "close")
COLUMNS = (*PRICES, "volume")

ENTRIES = {"opened_at": pl.Datetime("us", "UTC"), **dict.fromkeys(COLUMNS, pl.Float64())}
BARS = {"date": pl.Date(), **ENTRIES}

# What HTTP 400 says when the symbol has no bars in the window: before its listing, on a weekend.
NOTHING_THERE = "Data doesn't exist"

# The statuses of answers that are charts or say why there is none.
READABLE = (200, 400, 404)

# From 1875 to 2100: the oldest chart, ^GSPC, begins in 1927.
EARLIEST, LATEST = -3_000_000_000, 4_102_444_800
MOST_DIGITS = 10


@dataclass(frozen=True)
class Chart:
    """The daily bars of one symbol.

    Shapes   bars (days; date, opened_at, open, high, low, close, volume), oldest first
             entries: the same as Yahoo sent it, unrounded, a running day twice, without date
    Units    prices in `currency`, adjusted for splits; volume in units of the symbol
    Missing  null where Yahoo has null; no rows and the zone UTC when it has nothing for the window
    """

    symbol: str
    currency: str | None
    zone: str
    bars: pl.DataFrame
    entries: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ENTRIES))


def read_chart(answer: Answer, symbol: str, scrubber: Scrubber) -> Chart:
    """Return the chart in an answer whose status is 200, 400 or 404.

    symbol  the one that was asked for, as Yahoo spells it
    Raises  BadPayload for an unknown symbol, another symbol's chart and whatever is no chart,
            BadRequest when Yahoo calls the request wrong,
            SchemaDrift for a missing field or one of another type
    """
    result = _result(answer, scrubber)
    if result is None:
        return Chart(symbol, None, "UTC", pl.DataFrame(schema=BARS))
    meta = _record(answer, result.get("meta"), "meta")
    if meta.get("symbol") != symbol:
        raise BadPayload(*_where(answer), "the chart of another symbol")
    zone = meta.get("exchangeTimezoneName")
    if not isinstance(zone, str):
        raise SchemaDrift(*_where(answer), "exchangeTimezoneName", "expected text")
    market_time = _market_time(answer, meta)
    entries = _entries(answer, result)
    dated = entries.select(_days(answer, entries["opened_at"], zone).alias("date"), *ENTRIES)
    rounded = dated.with_columns(pl.col(PRICES).round(_digits(answer, meta)))
    return Chart(
        symbol,
        _currency(answer, meta),
        zone,
        _without_double(rounded, market_time),
        entries,
    )


def _result(answer: Answer, scrubber: Scrubber) -> dict[str, Any] | None:
    """Return the one result, or None when Yahoo says that the window holds nothing."""
    document = read_json(answer, scrubber)
    chart = document.get("chart") if isinstance(document, dict) else None
    if not isinstance(chart, dict):
        raise BadPayload(*_where(answer), "JSON without a chart")
    error, results = chart.get("error"), chart.get("result")
    if isinstance(error, dict):
        said = scrubber.scrub(str(error.get("description")))
        if said.startswith(NOTHING_THERE):
            return None
        if answer.status == 400:
            raise BadRequest(*_where(answer), "HTTP 400: the symbol or the window")
        # One unknown symbol among many is no reason to stop: 404 is an answer without a chart.
        raise BadPayload(*_where(answer), f"HTTP {answer.status}, no chart", sample=said)
    if not isinstance(results, list) or len(results) != 1:
        raise BadPayload(*_where(answer), "expected one chart")
    return _record(answer, results[0], "result")


def _digits(answer: Answer, meta: dict[str, Any]) -> int:
    hint = meta.get("priceHint")
    if isinstance(hint, bool) or not isinstance(hint, int) or not 0 <= hint <= MOST_DIGITS:
        raise SchemaDrift(*_where(answer), "priceHint", "expected a small whole number")
    return hint


def _currency(answer: Answer, meta: dict[str, Any]) -> str | None:
    found = meta.get("currency")
    if not isinstance(found, str | None):
        raise SchemaDrift(*_where(answer), "currency", "expected text")
    return found or None


def _market_time(answer: Answer, meta: dict[str, Any]) -> datetime | None:
    stamp = meta.get("regularMarketTime")
    return None if stamp is None else _instants(answer, [stamp], "regularMarketTime")[0]


def _entries(answer: Answer, result: dict[str, Any]) -> pl.DataFrame:
    """Return the rows as they were sent; a window without rows has no `timestamp` at all."""
    opened_at = _instants(answer, result.get("timestamp") or [], "timestamp")
    quotes = _record(answer, result.get("indicators"), "indicators").get("quote")
    quote = quotes[0] if isinstance(quotes, list) and len(quotes) == 1 else None
    columns = _record(answer, quote, "quote")
    if opened_at.is_empty() and not any(columns.values()):
        return pl.DataFrame(schema=ENTRIES)
    values = {name: _numbers(answer, columns.get(name), name) for name in COLUMNS}
    if any(len(column) != len(opened_at) for column in values.values()):
        raise BadPayload(*_where(answer), "columns of different lengths")
    return pl.DataFrame({"opened_at": opened_at, **values}, schema=ENTRIES)


def _instants(answer: Answer, stamps: Any, name: str) -> pl.Series:
    if not isinstance(stamps, list):
        raise SchemaDrift(*_where(answer), name, "expected a list")
    if not all(type(stamp) is int and EARLIEST <= stamp <= LATEST for stamp in stamps):
        raise SchemaDrift(*_where(answer), name, "expected seconds since 1970")
    instants = pl.from_epoch(pl.Series(stamps, dtype=pl.Int64), "s")
    return instants.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _numbers(answer: Answer, found: Any, name: str) -> list[float | None]:
    if not isinstance(found, list):
        raise SchemaDrift(*_where(answer), name, "expected a list")
    if any(isinstance(one, bool) or not isinstance(one, int | float | None) for one in found):
        raise SchemaDrift(*_where(answer), name, "expected numbers")
    return [None if one is None else float(one) for one in found]


def _days(answer: Answer, instants: pl.Series, zone: str) -> pl.Series:
    try:
        return instants.dt.convert_time_zone(zone).dt.date()
    except pl.exceptions.PolarsError:
        pass
    raise SchemaDrift(*_where(answer), "exchangeTimezoneName", "no known time zone")


def _without_double(bars: pl.DataFrame, market_time: datetime | None) -> pl.DataFrame:
    """Let the second, newer entry of a running day take the place of the first.

    It is stamped with the time of the last trade; the day has opened when the first says.
    """
    if bars.height < 2 or market_time is None:
        return bars
    first, second = bars.row(-2, named=True), bars.row(-1, named=True)
    if first["date"] != second["date"] or second["opened_at"] != market_time:
        return bars
    running = {**second, "opened_at": first["opened_at"]}
    return pl.concat([bars.head(-2), pl.DataFrame([running], schema=BARS)])


def _record(answer: Answer, found: Any, name: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise SchemaDrift(*_where(answer), name, "expected a record")
    return found


def _where(answer: Answer) -> tuple[str, str]:
    return answer.source, answer.operation
