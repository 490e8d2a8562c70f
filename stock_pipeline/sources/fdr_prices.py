"""Reads what FinanceDataReader's sources of prices send, and holds its frame against that.

The library asks one of three sites and does not say which: the cache for indices of KRX (a file a
year), Naver for Korean codes (the whole history, EUC-KR XML), Yahoo for everything else. All read
here are the bytes; the library's frame must have the same days and numbers, row by row.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from xml.parsers import expat

import polars as pl

from stock_pipeline.errors import BadPayload, SchemaDrift
from stock_pipeline.redaction import Scrubber
from stock_pipeline.sources.transport_decode import read_text
from stock_pipeline.sources.transport_wire import Answer
from stock_pipeline.sources.yahoo_chart import COLUMNS, PRICES, read_chart

Site = Literal["cache", "Naver", "Yahoo"]
Days = tuple[date, date]

INDICES = ("KS11", "KQ11", "KS200")
# As the library has it, which looks at the beginning only: to it 005930.KS is a code as well.
KOREAN_CODE = re.compile(r"\d{4}[0-9A-HJ-NP-TV-Z][0-9KLMN]")

CACHED = ("Open", "High", "Low", "Close", "Volume")
BARS = {"date": pl.Date(), **dict.fromkeys(COLUMNS, pl.Float64())}

# The library reads floats with a fast routine that may miss the last digit.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Prices:
    """Daily prices of one symbol.

    symbol    as FinanceDataReader spells it
    currency  as the source names it; None where it names none: Korean shares and indices
    Shapes    bars (days; date, open, high, low, close, volume) Float64, oldest first
    Missing   null where the source has nothing, and for open, high and low of a halted share
    """

    symbol: str
    currency: str | None
    bars: pl.DataFrame


@dataclass(frozen=True)
class Found:
    """The prices of an answer, and beside them the rows as they were sent."""

    prices: Prices
    sent: pl.DataFrame


def site_of(symbol: str) -> Site:
    """Return where the library looks for a symbol."""
    if symbol in INDICES:
        return "cache"
    return "Naver" if KOREAN_CODE.match(symbol) else "Yahoo"


def read_prices(
    symbol: str, days: Days, answers: Mapping[str, Answer], scrubber: Scrubber
) -> Found:
    """Return the prices from the first to the last of `days`, both included.

    answers  by name: the year of a file of the cache, the symbol of a Yahoo chart
    Raises   BadPayload and SchemaDrift for anything that is not what the site is known to send
    """
    site = site_of(symbol)
    if site == "Yahoo":
        return _of_yahoo(symbol, days, answers, scrubber)
    if site == "Naver":
        sent = [_read_naver(answer, symbol) for answer in answers.values()]
    else:
        sent = [_read_year(answer, int(year)) for year, answer in answers.items()]
    rows = pl.concat([pl.DataFrame(schema=BARS), *sent]).sort("date", maintain_order=True)
    asked = rows.filter(pl.col("date").is_between(*days))
    bars = _without_halts(asked) if site == "Naver" else asked
    return Found(Prices(symbol, None, bars), asked)


def _of_yahoo(symbol: str, days: Days, answers: Mapping[str, Answer], scrubber: Scrubber) -> Found:
    (name, answer), *_ = answers.items()
    chart = read_chart(answer, name, scrubber)
    bars = chart.bars.filter(pl.col("date").is_between(*days)).select(*BARS)
    # The library takes the day of UTC, which for the currency markets is the day before.
    sent = chart.entries.select(pl.col("opened_at").dt.date().alias("date"), *COLUMNS)
    return Found(Prices(symbol, chart.currency, bars), sent)


def _read_naver(answer: Answer, symbol: str) -> pl.DataFrame:
    """Read the chart of one share: date, open, high, low, close, volume behind one another."""
    where = (answer.source, answer.operation)
    symbols, items = _elements(read_text(answer))
    if symbols != [symbol]:
        raise BadPayload(*where, "no Naver chart, or that of another symbol")
    cells = [item.split("|") for item in items]
    if any(len(row) != len(BARS) for row in cells):
        raise SchemaDrift(*where, "item", f"expected {len(BARS)} values")
    texts = pl.DataFrame(cells, schema=dict.fromkeys(BARS, pl.String()), orient="row")
    return _typed(where, texts, "%Y%m%d")


def _elements(text: str) -> tuple[list[str], list[str]]:
    """Return the symbols and the rows of the XML; of anything else nothing."""
    found: dict[str, list[str]] = {"symbol": [], "data": []}
    reader = expat.ParserCreate()

    def collect(element: str, attributes: dict[str, str]) -> None:
        name = {"chartdata": "symbol", "item": "data"}.get(element)
        if name:
            found[name].append(attributes.get(name, ""))

    def refuse(*declaration: object) -> None:
        raise ValueError("a document type declares entities, which may grow without limit")

    reader.StartElementHandler = collect
    reader.StartDoctypeDeclHandler = refuse
    try:
        reader.Parse(text, True)
    except (expat.ExpatError, ValueError):
        return [], []
    return found["symbol"], found["data"]


def _without_halts(rows: pl.DataFrame) -> pl.DataFrame:
    """Blank the zeros of a day without a trade; close is the last price then."""
    halted = pl.all_horizontal(pl.col("open", "high", "low", "volume") == 0)
    shown = [pl.when(~halted).then(pl.col(name)).alias(name) for name in PRICES[:3]]
    return rows.with_columns(shown)


def _read_year(answer: Answer, year: int) -> pl.DataFrame:
    """Read the cache's file of one year of an index."""
    where = (answer.source, answer.operation)
    text = read_text(answer)
    try:
        rows = pl.read_csv(text.encode(), infer_schema=False)
    except pl.exceptions.PolarsError:
        rows = pl.DataFrame()
    if rows.is_empty() or not text.endswith("\n"):
        raise BadPayload(*where, f"the file of {year} is empty, cut or no CSV")
    missing = [name for name in ("Date", *CACHED) if name not in rows.columns]
    if missing:
        raise SchemaDrift(*where, missing[0], f"missing in the file of {year}")
    named = dict(zip(("Date", *CACHED), BARS, strict=True))
    typed = _typed(where, rows.select(pl.col(list(named))).rename(named), "%Y-%m-%d")
    if (typed["date"].dt.year() != year).any():
        raise BadPayload(*where, f"the file of {year} has other years")
    return typed


def _typed(where: tuple[str, str], texts: pl.DataFrame, form: str) -> pl.DataFrame:
    days = texts.get_column("date").str.to_date(form, strict=False)
    numbers = texts.select(pl.col(COLUMNS).cast(pl.Float64, strict=False))
    lost = numbers.null_count().row(0) != texts.select(COLUMNS).null_count().row(0)
    if lost or days.null_count():
        raise BadPayload(*where, "a row with something else than a day and numbers")
    return numbers.insert_column(0, days.alias("date"))


def require_same_prices(operation: str, frame: dict[str, Any] | None, sent: pl.DataFrame) -> None:
    """Hold the library's frame against the rows that were sent.

    frame   None when the library raised, as it does for an answer of Yahoo without rows
    Raises  BadPayload when they differ in a day or a number
    """
    if frame is None and sent.is_empty():
        return
    made = frame or {"dates": [], "columns": {}}
    days = sent["date"].dt.to_string("%Y-%m-%d").to_list()
    if frame is None or made["dates"] != days:
        detail = f"the library has {len(made['dates'])} rows, the answer {sent.height}"
        raise BadPayload("FDR", operation, detail)
    for ours, theirs in zip(COLUMNS, CACHED, strict=True):
        if days and not _equal(sent[ours].to_list(), made["columns"][theirs]):
            raise BadPayload("FDR", operation, f"the library has other numbers in {theirs}")


def _equal(ours: Sequence[float | None], theirs: Sequence[float | None]) -> bool:
    return all(
        math.isclose(a, b, rel_tol=TOLERANCE) if a is not None and b is not None else a is b
        for a, b in zip(map(_known, ours), theirs, strict=True)
    )


def _known(value: float | None) -> float | None:
    """Return None for a number that is none; the child reports it as missing."""
    return None if value is None or math.isnan(value) else value
