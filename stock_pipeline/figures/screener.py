"""Shares by their figures: what the screener finds, sorts and pages, all of it in SQL.

The rows are those of `stock_screener_asof`: the newest scored session up to a day, with what was
known on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

import polars as pl

from stock_pipeline.storage.database import Database

TEXTS = ("ticker", "name", "market", "industry", "compass_grade")


@dataclass(frozen=True)
class Share:
    """One share with what was known of it on the session; every figure may be missing.

    Units    close, value and market_cap in KRW; per and pbr are ratios; `_pct` in percent; scores
             and their changes in points
    Missing  None
    """

    ticker: str
    name: str | None
    market: str | None
    industry: str | None
    close: int | None
    change_pct: float | None
    value: int | None
    market_cap: int | None
    per: float | None
    pbr: float | None
    dividend_yield_pct: float | None
    ytd_return_pct: float | None
    one_year_return_pct: float | None
    compass_score: float | None
    compass_grade: str | None
    compass_financial_score: float | None
    compass_valuation_score: float | None
    compass_technical_score: float | None
    compass_risk_score: float | None
    score_change_1: float | None
    score_change_20: float | None


COLUMNS = tuple(one.name for one in fields(Share))
NUMBERS = tuple(name for name in COLUMNS if name not in TEXTS)
# By their letters A would come before A+.
_SORTED_BY = {"compass_grade": "compass_score"}


@dataclass(frozen=True)
class Screen:
    """What is looked for, and in which order; nothing asked for means every active share.

    text      part of the name or of the code
    markets   any of these; likewise grades
    least     number → lowest value that is looked for, itself included; likewise most
    sort      a column of `Share`; missing values come last in both directions
    as_of     newest day that may be looked at; None: no limit
    Raises    ValueError for a column that does not exist
    """

    text: str = ""
    markets: tuple[str, ...] = ()
    industry: str | None = None
    grades: tuple[str, ...] = ()
    least: Mapping[str, float] = field(default_factory=dict)
    most: Mapping[str, float] = field(default_factory=dict)
    sort: str = "market_cap"
    descending: bool = True
    as_of: date | None = None

    def __post_init__(self) -> None:
        """Refuse names that do not stand in the list: they become part of the statement."""
        unknown = {*self.least, *self.most} - set(NUMBERS) | {self.sort} - set(COLUMNS)
        if unknown:
            raise ValueError(f"the screener has no figure {', '.join(sorted(unknown))}")

    def condition(self) -> tuple[str, dict[str, Any]]:
        """Return the WHERE clause and its parameters."""
        asked: dict[str, tuple[str, Any]] = {}
        if self.text:
            # Not LIKE: what is typed is a text, not a pattern.
            found = "strpos(lower(concat_ws(' ', ticker, name)), lower(:text)) > 0"
            asked[found] = ("text", self.text)
        if self.markets:
            asked["market = ANY(CAST(:markets AS text[]))"] = ("markets", list(self.markets))
        if self.industry:
            asked["industry = :industry"] = ("industry", self.industry)
        if self.grades:
            asked["compass_grade = ANY(CAST(:grades AS text[]))"] = ("grades", list(self.grades))
        for sign, bounds, word in ((">=", self.least, "least"), ("<=", self.most, "most")):
            for name, value in bounds.items():
                bound = f"{name} {sign} CAST(:{word}_{name} AS double precision)"
                asked[bound] = (f"{word}_{name}", value)
        return " AND ".join(asked) or "true", dict(asked.values())

    def order(self) -> str:
        """Return the ORDER BY clause; the code decides between equals, so that pages fit."""
        column = _SORTED_BY.get(self.sort, self.sort)
        return f"{column} {'DESC' if self.descending else 'ASC'} NULLS LAST, ticker"


@dataclass(frozen=True)
class Found:
    """One page of what was found.

    as_of  session of the figures; None: no day has a score
    total  how many shares were found in all
    """

    as_of: date | None
    total: int
    shares: tuple[Share, ...]


def screen(db: Database, wanted: Screen, *, limit: int, offset: int = 0) -> Found:
    """Return a page of the shares that are wanted."""
    rows = _read(db, wanted, limit, offset)
    head = rows.row(0, named=True)
    named = rows.filter(pl.col("ticker").is_not_null()).select(COLUMNS).iter_rows(named=True)
    return Found(head["session"], head["total"], tuple(Share(**row) for row in named))


def screened(db: Database, wanted: Screen) -> pl.DataFrame:
    """Return all shares that are wanted, with the session they are of."""
    rows = _read(db, wanted, None, 0).filter(pl.col("ticker").is_not_null())
    return rows.select(pl.col("session").alias("as_of"), *COLUMNS)


def industries(db: Database) -> list[str]:
    """Return the names of the industries that listed shares belong to."""
    found = db.read(
        "SELECT DISTINCT industry FROM stocks"
        " WHERE is_active AND industry IS NOT NULL ORDER BY industry"
    )
    return found["industry"].to_list()


def _read(db: Database, wanted: Screen, limit: int | None, offset: int) -> pl.DataFrame:
    """Return a page with `session` and `total` on each row; without a share one row without code.

    One statement, so that the number of shares and the shares themselves are of the same moment.
    """
    condition, params = wanted.condition()
    order = wanted.order()
    return db.read(
        f"""
        WITH found AS MATERIALIZED (
            SELECT {", ".join(COLUMNS)}
            FROM stock_screener_asof(CAST(:as_of AS date)) WHERE {condition}
        )
        SELECT session, total, page.*
        FROM (SELECT count(*) AS total FROM found) all_found
        CROSS JOIN (
            SELECT max(as_of) AS session FROM compass_score WHERE as_of <= CAST(:as_of AS date)
        ) newest
        LEFT JOIN (
            SELECT * FROM found ORDER BY {order}
            LIMIT CAST(:limit AS bigint) OFFSET CAST(:offset AS bigint)
        ) page ON true
        ORDER BY {order}
        """,
        {"as_of": wanted.as_of or "infinity", "limit": limit, "offset": offset, **params},
    )
