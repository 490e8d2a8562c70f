"""Ask for one asset after the other and settle each answer with what is stored of the asset.

A failing asset is an answer too: it says why, and its stored rows stay. What comes out are rows of
`price_daily`, not yet held against its rules.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import polars as pl

from stock_pipeline.assets.asset_calendar import Asset, finished_at, finished_days, own_days
from stock_pipeline.assets.price_basis import (
    Rebased,
    days_that_stay,
    newest_difference,
    with_earlier_closes,
)
from stock_pipeline.errors import BadPayload, EmptyOnBusinessDay, SchemaDrift, UpstreamError
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.sources.fdr import Fdr
from stock_pipeline.sources.fdr_prices import BARS, Prices
from stock_pipeline.storage.database import Database

SOURCE = "FDR"
PRICES = ("open", "high", "low", "close")
# What is read of the stored rows that an answer is settled with.
STORED = "asset_id, date, close, currency, symbol, is_final, rebased_close"
# Those of the span, and of each asset the newest final one before it.
_BESIDE = f"""
SELECT {STORED} FROM price_daily WHERE date BETWEEN :first AND :last
UNION ALL
(SELECT DISTINCT ON (asset_id) {STORED} FROM price_daily
WHERE is_final AND date < :first ORDER BY asset_id, date DESC)
"""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What was learnt about one asset.

    rows       of `price_daily`; none when it failed, and none when nothing was to be expected
    error      why there are none
    fell_back  another symbol than the preferred one answered
    stays      days whose stored row is better than the collected one
    rebased    the whole history came anew; the rows are all of it
    lost       stored days that the new history has not: they keep the old basis
    """

    asset: Asset
    rows: pl.DataFrame = field(default_factory=pl.DataFrame)
    fetched_at: datetime | None = None
    error: UpstreamError | None = None
    fell_back: bool = False
    stays: frozenset[date] = frozenset()
    rebased: Rebased | None = None
    lost: int = 0


@dataclass(frozen=True)
class Collector:
    """Asks for the prices of a span of days, both included."""

    fdr: Fdr
    db: Database
    calendar: MarketCalendar
    span: tuple[date, date]

    def answers(self, assets: Iterable[Asset]) -> list[Answer]:
        """Return an answer for each active asset that trades on some day of the span.

        Raises  DatabaseError
        """
        asked = [asset for asset in assets if asset.is_active and self._trades(asset)]
        stored = self.db.read(_BESIDE, {"first": self.span[0], "last": self.span[1]})
        answers = [self._ask(one, one.symbols, self._reach(one, stored)) for one in asked]
        return [self._settled(answer, stored) for answer in answers]

    def _trades(self, asset: Asset) -> bool:
        return bool(own_days(self.calendar, asset.calendar, *self.span))

    def _reach(self, asset: Asset, stored: pl.DataFrame) -> tuple[date, date]:
        """Return the days to ask for: with a stored final one, if there is any, to tell the basis.

        After days without a collection the span has none, and a split in between would not be seen.
        """
        if self.fdr.replaying:
            return self.span
        own = stored.filter(pl.col("asset_id") == asset.asset_id, "is_final")
        newest = max(own["date"].to_list(), default=self.span[0])
        return min(newest, self.span[0]), self.span[1]

    def _ask(
        self, asset: Asset, symbols: Sequence[tuple[str, str]], span: tuple[date, date]
    ) -> Answer:
        """Ask for the symbols in turn; the first that has rows answers for the asset."""
        failure: UpstreamError | None = None
        for symbol, currency in symbols:
            try:
                payload = self.fdr.prices(symbol, *span)
                named = parse(payload.data, symbol, currency)
                rows = self._dated(named, asset, span, payload.fetched_at)
            except UpstreamError as error:
                _log.warning("%s: %s did not answer: %s", asset.asset_id, symbol, error)
                failure = failure or error
            else:
                fell_back = symbol != asset.fdr_symbol
                return Answer(asset, rows, payload.fetched_at, fell_back=fell_back)
        return Answer(asset, error=failure)

    def _dated(
        self, rows: pl.DataFrame, asset: Asset, span: tuple[date, date], fetched_at: datetime
    ) -> pl.DataFrame:
        """Return the rows of the span with what the asset's own calendar knows of their days.

        Missing  a day without any price is left out unless the asset's session of it is over: the
                 source writes such rows for holidays
        Raises   EmptyOnBusinessDay without a row of the collector's span although a session is over
        """
        over = finished_days(self.calendar, asset, span, fetched_at)
        is_priced = pl.any_horizontal(pl.col(*PRICES).is_not_null())
        there = rows.filter(
            pl.col("date").is_between(*span) & (is_priced | pl.col("date").is_in(over))
        )
        if over and over[-1] >= self.span[0] and self._within(there).is_empty():
            asked = f"{self.span[0]} to {self.span[1]}"
            raise EmptyOnBusinessDay(SOURCE, f"prices {asset.asset_id}", asked)
        days = there["date"].unique().to_list()
        final = [day for day in days if finished_at(self.calendar, asset, day) <= fetched_at]
        return there.with_columns(
            asset_id=pl.lit(asset.asset_id), is_final=pl.col("date").is_in(final)
        )

    def _settled(self, answer: Answer, stored: pl.DataFrame) -> Answer:
        """Return the answer beside what is stored; on a new basis with its whole history."""
        if answer.rows.is_empty():
            return answer
        own = stored.filter(pl.col("asset_id") == answer.asset.asset_id)
        rebased = newest_difference(answer.rows, own)
        if rebased is None:
            return _beside(replace(answer, rows=self._within(answer.rows)), own)
        return self._with_history(answer, rebased)

    def _within(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.filter(pl.col("date") >= self.span[0])

    def _with_history(self, answer: Answer, rebased: Rebased) -> Answer:
        """Ask for everything that is stored of the asset again, by the symbol that answered.

        Also for days after the span, which would be left on the old basis.
        """
        asset = answer.asset
        own = self.db.read(
            f"SELECT {STORED} FROM price_daily WHERE asset_id = :asset ORDER BY date",
            {"asset": asset.asset_id},
        )
        _log.warning("%s: %s; its history is collected again", asset.asset_id, rebased)
        symbol = answer.rows["symbol"][0]
        symbols = [one for one in asset.symbols if one[0] == symbol]
        days = own["date"].to_list()
        history = self._ask(asset, symbols, (days[0], max(days[-1], self.span[1])))
        if history.error is not None:
            return history
        lost = own.join(history.rows, on="date", how="anti").height
        return replace(_beside(history, own, rebased), rebased=rebased, lost=lost)


def parse(prices: Prices, symbol: str, currency: str) -> pl.DataFrame:
    """Return the bars of a symbol as rows of `price_daily` without asset and finality.

    Raises  SchemaDrift for a missing column, BadPayload for prices in another currency
    """
    operation = f"prices {symbol}"
    missing = [name for name in BARS if name not in prices.bars.columns]
    if missing:
        raise SchemaDrift(SOURCE, operation, missing[0])
    if prices.currency not in (None, currency):
        raise BadPayload(SOURCE, operation, f"quoted in {prices.currency}, not in {currency}")
    return prices.bars.select(
        *BARS, source=pl.lit(SOURCE), currency=pl.lit(currency), symbol=pl.lit(symbol)
    )


def _beside(answer: Answer, stored: pl.DataFrame, rebased: Rebased | None = None) -> Answer:
    stays = days_that_stay(answer.rows, stored, answer.asset.currency)
    rows = answer.rows.filter(~pl.col("date").is_in(stays))
    return replace(answer, rows=with_earlier_closes(rows, stored, rebased), stays=frozenset(stays))
