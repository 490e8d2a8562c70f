"""The dividends of the Financial Services Commission: one row per event, the newest load of it.

The same event comes under several load dates (`basDt`), with 0 for the amount until the company has
announced it. Cash rates are percent of the par value, never yields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from stock_pipeline.assets.upstream_text import decimal, text, text_frame

KINDS = {"01": "stock", "02": "cash", "03": "both", "04": "none"}
# No share was traded before the exchange opened; a date beyond is a typing error.
EARLIEST, LATEST = date(1956, 3, 3), date(2100, 1, 1)

_REQUIRED = (
    "basDt",
    "crno",
    "isinCd",
    "scrsItmsKcd",
    "scrsItmsKcdNm",
    "stckParPrc",
    "stckStacMd",
    "dvdnBasDt",
    "cashDvdnPayDt",
    "stckHndvDt",
    "stckDvdnRcd",
    "stckGenrDvdnAmt",
    "stckGenrCashDvdnRt",
    "stckGenrDvdnRt",
)
_EVENT = ("isin", "record_date", "code")


def parse(rows: Sequence[Mapping[str, Any]]) -> tuple[pl.DataFrame, int]:
    """Return one row per dividend, and how many rows name no share or no record date.

    Missing  amounts and rates of 0 are null: not announced; so are dates that are none
    Caveats  rows of one event and one load date that differ stay side by side: nothing tells which
             one is right, and the table's key keeps both out
    Raises   SchemaDrift, BadPayload
    """
    asked = ("FSC", "getDiviInfo")
    record_date = _day("dvdnBasDt")
    is_plausible = record_date.is_between(EARLIEST, LATEST)
    frame = text_frame(rows, _REQUIRED, asked=asked).select(
        isin=text("isinCd"),
        record_date=pl.when(is_plausible).then(record_date),
        code=text("stckDvdnRcd"),
        loaded=text("basDt"),
        stock_kind=pl.coalesce(text("scrsItmsKcdNm"), text("scrsItmsKcd")),
        dividend_kind=text("stckDvdnRcd").replace_strict(KINDS, default=None),
        crno=text("crno"),
        dps=_announced("stckGenrDvdnAmt"),
        par_value=_announced("stckParPrc"),
        cash_rate_pct=_announced("stckGenrCashDvdnRt"),
        stock_rate_pct=_announced("stckGenrDvdnRt"),
        pay_date=pl.coalesce(_day("cashDvdnPayDt"), _day("stckHndvDt")),
        settle_month=_settle_month(),
    )
    named = frame.filter(pl.all_horizontal(pl.col("isin", "record_date").is_not_null()))
    newest = named.filter(pl.col("loaded") == pl.col("loaded").max().over(_EVENT))
    events = newest.with_columns(fiscal_year=_fiscal_year(), dps_period_krw="dps")
    columns = pl.exclude("code", "loaded", "settle_month")
    return events.select(columns).unique(maintain_order=True), frame.height - named.height


def _announced(column: str) -> pl.Expr:
    """Return a number; 0 stands for "not announced yet"."""
    return pl.when(decimal(column) != 0).then(decimal(column))


def _day(column: str) -> pl.Expr:
    # Eight digits: strptime would read a date out of seven as well.
    digits = text(column).str.extract(r"^(\d{8})$")
    return digits.str.to_date("%Y%m%d", strict=False)


def _settle_month() -> pl.Expr:
    """Return the month of `12`, `3`, `1231` or `331`; a day may stand behind it."""
    digits = text("stckStacMd").str.extract(r"^(\d{1,2})(?:\d{2})?$")
    month = digits.cast(pl.Int32, strict=False)
    return pl.when(month.is_between(1, 12)).then(month)


def _fiscal_year() -> pl.Expr:
    """Return the year in which the business year around the record date began."""
    settle, year = pl.col("settle_month"), pl.col("record_date").dt.year()
    begins_before = pl.col("record_date").dt.month() <= settle
    return (
        pl.when((settle < 12) & begins_before)
        .then(year - 1)
        .otherwise(pl.when(settle.is_not_null()).then(year))
    )
