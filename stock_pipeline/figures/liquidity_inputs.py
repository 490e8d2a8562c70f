"""What is shown of the inputs of the stress index: rates, prices, the Fed's tone, crisis news."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import orjson
import polars as pl

from stock_pipeline.storage.database import Database
from stock_pipeline.stress.cutoff import cutoff
from stock_pipeline.stress.news import KEYWORDS

# Series of FRED, then symbols of Yahoo, in the order in which they are read on a page.
SERIES = (
    *("BAMLH0A0HYM2", "BAMLC0A0CM", "SOFR", "DFEDTARL", "DFEDTARU"),
    *("RRPONTSYD", "DGS2", "DGS10", "DGS30"),
)
SYMBOLS = ("^VIX", "TLT", "HYG", "LQD", "IEF", "SHV", "KRE", "VNQ", "^GSPC", "^IXIC", "KRW=X")


@dataclass(frozen=True)
class Observation:
    """The newest value of a series and what it was before; None: never observed."""

    code: str
    date: date | None
    value: float | None
    before: float | None

    @property
    def change(self) -> float | None:
        """Return the change against the observation before, in the unit of the series."""
        return None if self.value is None or self.before is None else self.value - self.before


@dataclass(frozen=True)
class Tone:
    """How much the newest press releases of the Fed speak of stress, as shares of their words."""

    date: date
    liquidity: float | None
    credit: float | None
    stability: float | None
    item_count: int | None


@dataclass(frozen=True)
class KeywordNews:
    """Articles of a day that a phrase found.

    count   None: the search did not come, which is not the same as no article
    titles  up to five headlines, texts of strangers
    """

    keyword: str
    count: int | None
    titles: tuple[str, ...]


@dataclass(frozen=True)
class News:
    """The crisis news of a day, one entry per keyword in the order in which they count.

    total  articles of the keywords that came; None when not one did
    """

    date: date
    keywords: tuple[KeywordNews, ...]

    @property
    def total(self) -> int | None:
        """Return the articles of all keywords that came."""
        counts = [one.count for one in self.keywords if one.count is not None]
        return sum(counts) if counts else None


def rates(db: Database, first: date, last: date) -> pl.DataFrame:
    """Return the rates and spreads as they were known at 06:00 in Seoul on the last date.

    Shapes   date, code, value; oldest first
    Units    percent, RRPONTSYD in billion USD
    Missing  a date without a value has no row
    """
    return db.read(
        """
        SELECT date, code, value FROM (
            SELECT DISTINCT ON (date, series) date, series AS code, value FROM liquidity_macro
            WHERE series = ANY(:series) AND date BETWEEN :first AND :last
                AND first_known_at <= :cutoff
            ORDER BY date, series, first_known_at DESC
        ) known
        WHERE value IS NOT NULL ORDER BY date, code
        """,
        {"series": list(SERIES), "first": first, "last": last, "cutoff": cutoff(last)},
    )


def prices(db: Database, first: date, last: date) -> pl.DataFrame:
    """Return the closes that were known at 06:00 in Seoul on the last date: of earlier dates.

    Shapes   date (New York), code, value (close), high, low; oldest first
    Units    USD per share, points, KRW per USD
    """
    return db.read(
        "SELECT date, symbol AS code, close AS value, high, low FROM liquidity_price"
        " WHERE symbol = ANY(:symbols) AND date >= :first AND date < :last ORDER BY date, symbol",
        {"symbols": list(SYMBOLS), "first": first, "last": last},
    )


def newest(history: pl.DataFrame, codes: Sequence[str]) -> tuple[Observation, ...]:
    """Return the newest value of each series in a history, and the one before it."""
    known = history.drop_nulls("value").sort("date")
    return tuple(_observation(code, known.filter(pl.col("code") == code)) for code in codes)


def _observation(code: str, rows: pl.DataFrame) -> Observation:
    if rows.is_empty():
        return Observation(code, None, None, None)
    before = rows["value"][-2] if rows.height > 1 else None
    return Observation(code, rows["date"][-1], rows["value"][-1], before)


def tone_history(db: Database, first: date, last: date) -> pl.DataFrame:
    """Return the Fed's tone by day, oldest first.

    Shapes  date, liquidity, credit, stability (shares of words), item_count
    """
    return db.read(
        "SELECT date, liquidity_score AS liquidity, credit_score AS credit,"
        " stability_score AS stability, item_count"
        " FROM fed_tone WHERE date BETWEEN :first AND :last ORDER BY date",
        {"first": first, "last": last},
    )


def tone(db: Database, as_of: date) -> Tone | None:
    """Return the newest tone up to a date; None when there is none."""
    newest_day = db.read(
        "SELECT max(date) AS day FROM fed_tone WHERE date <= :as_of", {"as_of": as_of}
    )
    day = newest_day["day"][0]
    return None if day is None else Tone(**tone_history(db, day, day).row(0, named=True))


def news_history(db: Database, first: date, last: date) -> pl.DataFrame:
    """Return the articles by day and keyword, oldest first.

    Shapes   date, keyword, count
    Missing  a keyword that did not come has no row on that day
    """
    return db.read(
        "SELECT date, keyword, count FROM liquidity_news"
        " WHERE date BETWEEN :first AND :last ORDER BY date, keyword",
        {"first": first, "last": last},
    )


def news(db: Database, as_of: date) -> News | None:
    """Return the crisis news of the newest day up to a date; None when there is none."""
    rows = db.read(
        "SELECT date, keyword, count, sample_titles FROM liquidity_news"
        " WHERE date = (SELECT max(date) FROM liquidity_news WHERE date <= :as_of)",
        {"as_of": as_of},
    )
    if rows.is_empty():
        return None
    found = {row["keyword"]: row for row in rows.to_dicts()}
    return News(rows["date"][0], tuple(_keyword(word, found.get(word)) for word in KEYWORDS))


def _keyword(word: str, row: dict[str, object] | None) -> KeywordNews:
    if row is None:
        return KeywordNews(word, None, ())
    titles = orjson.loads(str(row["sample_titles"] or "[]"))
    count = row["count"]
    return KeywordNews(word, count if isinstance(count, int) else None, tuple(titles))
