"""The dividend section of DART's periodic reports: amounts per share, and what each period added.

Rows of alotMatter have their unit inside the label and one value per kind of share. Yields are not
read: some companies file them against the par value, and they are not always brought up to date.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from stock_pipeline.assets.upstream_text import day, signed, text, text_frame
from stock_pipeline.errors import SchemaDrift

# Labels without their blanks → what the value is.
CASH, STOCK, PAR = "주당현금배당금(원)", "주당주식배당(주)", "주당액면가액(원)"
COMMON_KIND = "보통주"
# Months from the beginning of a business year to the end of a report's period.
MONTHS = {"11013": 3, "11012": 6, "11014": 9, "11011": 12}

_REQUIRED = ("rcept_no", "corp_code", "se", "thstrm")
_OPTIONAL = ("stock_knd", "stlm_dt")
_SHARE_AND_DAY = ("isin_or_ticker", "stock_kind", "record_date")
_OWN = ("ticker", "isin")
_AMOUNTS = ("dps", "dps_period_krw", "stock_rate_pct")
_SHARE = ("corp_code", "rcept_no", "record_date", "stock_kind")
PER_SHARE = {
    "corp_code": pl.String(),
    "rcept_no": pl.String(),
    "record_date": pl.Date(),
    "stock_kind": pl.String(),
    "dps": pl.Float64(),
    "stock_rate_pct": pl.Float64(),
    "par_value": pl.Float64(),
    "dividend_kind": pl.String(),
}


def parse(rows: Sequence[Mapping[str, Any]]) -> tuple[pl.DataFrame, int]:
    """Return one row per company and kind of share, and how many values are no numbers.

    Shapes   the columns of PER_SHARE; dps is cumulative within the business year
    Missing  record_date null in answers without stlm_dt (those of 2020 and before); dps null where
             the company pays nothing
    Raises   SchemaDrift when no row is about a dividend per share; BadPayload
    """
    asked = ("DART", "alotMatter")
    frame = text_frame(rows, _REQUIRED, optional=_OPTIONAL, asked=asked).select(
        text("corp_code"),
        text("rcept_no"),
        label=text("se").str.replace_all(r"\s", ""),
        kind=text("stock_knd"),
        record_date=day("stlm_dt"),
        value=signed("thstrm"),
        is_unread=text("thstrm").is_not_null() & signed("thstrm").is_null(),
    )
    _require_label(frame, asked)
    wanted = frame.filter(pl.col("label").is_in((CASH, STOCK, PAR)))
    shares = _named(wanted.filter(pl.col("label") != PAR))
    amounts = shares.group_by(_SHARE, maintain_order=True).agg(
        _value(CASH).alias("dps"), (_value(STOCK) * 100).alias("stock_rate_pct")
    )
    par = wanted.group_by("corp_code").agg(_value(PAR).alias("par_value"))
    found = amounts.join(par, on="corp_code", how="left", maintain_order="left")
    return _with_kind(found).select(PER_SHARE.keys()), wanted.filter("is_unread").height


def _require_label(frame: pl.DataFrame, asked: tuple[str, str]) -> None:
    if frame.height and not frame["label"].is_in([CASH]).any():
        raise SchemaDrift(*asked, "se", f"no row is called {CASH}")


def _named(rows: pl.DataFrame) -> pl.DataFrame:
    """Give every row the name of its kind of share, different for each kind of a company.

    Rows without a name are the common share's where the company names none, else an empty template.
    Two kinds of one name are told apart by their place.
    """
    is_named = pl.col("kind").is_not_null()
    place = pl.int_range(1, pl.len() + 1).over("corp_code", "label", "stock_kind")
    return (
        rows.filter(is_named | ~is_named.any().over("corp_code"))
        .with_columns(stock_kind=pl.col("kind").fill_null(COMMON_KIND))
        .with_columns(place=place)
        .with_columns(
            stock_kind=pl.when(pl.col("place") > 1)
            .then(pl.concat_str("stock_kind", pl.col("place").cast(pl.String), separator=" "))
            .otherwise("stock_kind")
        )
    )


def _value(label: str) -> pl.Expr:
    return pl.col("value").filter(pl.col("label") == label).drop_nulls().first()


def _with_kind(frame: pl.DataFrame) -> pl.DataFrame:
    """Say what is distributed; an amount of 0 is none."""
    paid = frame.with_columns(
        pl.when(pl.col(name) != 0).then(pl.col(name)).alias(name)
        for name in ("dps", "stock_rate_pct", "par_value")
    )
    cash, stock = pl.col("dps").is_not_null(), pl.col("stock_rate_pct").is_not_null()
    kind = pl.when(cash & stock).then(pl.lit("both")).when(cash).then(pl.lit("cash"))
    return paid.with_columns(
        dividend_kind=kind.when(stock).then(pl.lit("stock")).otherwise(pl.lit("none"))
    )


def with_shares(found: pl.DataFrame, shares: pl.DataFrame, report: tuple[int, str]) -> pl.DataFrame:
    """Add whose shares these are, and the last day of the period where the answer lacks it.

    Shapes   shares: ticker, isin, crno, corp_code, share_kind, settle_month, is_active, of several
             common shares of a company the one that counts first; report: business year and code
    Missing  ticker null where a company has several shares of a kind, on either side
    """
    role = pl.when(pl.col("stock_kind").str.contains(COMMON_KIND)).then(pl.lit("common"))
    told = found.with_columns(role=role.otherwise(pl.lit("preferred")))
    common = shares.filter(share_kind="common").unique("corp_code", keep="first")
    preferred = shares.filter(pl.col("is_active"), share_kind="preferred")
    only = preferred.filter(pl.len().over("corp_code") == 1)
    owned = pl.concat([common, only]).select("corp_code", "ticker", "isin", role="share_kind")
    issuer = common.select("corp_code", "crno", "settle_month", isin_or_ticker="ticker")
    is_single = pl.len().over("corp_code", "role") == 1
    return (
        told.join(issuer, on="corp_code", how="left", maintain_order="left")
        .join(owned, on=["corp_code", "role"], how="left", maintain_order="left")
        .with_columns(pl.when(is_single).then(pl.col(name)).alias(name) for name in _OWN)
        .with_columns(
            record_date=pl.coalesce("record_date", _period_end(*report)),
            fiscal_year=pl.lit(report[0], dtype=pl.Int32),
        )
    )


def _period_end(year: int, report_code: str) -> pl.Expr:
    """Return the last day of a report's period from `settle_month`; null where that is unknown."""
    # The business year carries the calendar year in which it begins.
    months = pl.col("settle_month").cast(pl.Int32) % 12 + MONTHS[report_code] - 1
    return pl.date(year + months // 12, months % 12 + 1, 1).dt.month_end()


def beside(new: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Return new rows with what each adds to its business year, and stored ones that change by it.

    Shapes   both: the columns of the table, of one business year
    Missing  dps_period_krw is null where a report names no amount; a report that is not there adds
             nothing, its part is then in the next one
    """
    companies = stored.join(new, on="isin_or_ticker", how="semi")
    standing = _superseded(companies, new)
    every = _with_increments(
        pl.concat([new.with_columns(is_new=True), standing.with_columns(is_new=False)])
    )
    told, rest = (every.filter(is_new).drop("is_new") for is_new in ("is_new", ~pl.col("is_new")))
    # Null equals null here: a stored row that stands as it was is left out.
    changed = rest.join(companies, on=companies.columns, how="anti", nulls_equal=True)
    return pl.concat([told, changed])


def _with_increments(reports: pl.DataFrame) -> pl.DataFrame:
    share = ("isin_or_ticker", "stock_kind", "fiscal_year")
    # A negative amount is a misread one: it is kept out by a rule and must not reach the next.
    paid = pl.when(pl.col("dps") >= 0).then(pl.col("dps"))
    before = paid.forward_fill().shift(1).over(share, order_by="record_date")
    # Both have at most four decimals; their difference must not show binary digits.
    return reports.with_columns(dps_period_krw=(paid - before.fill_null(0.0)).round(4))


def _superseded(stored: pl.DataFrame, newer: pl.DataFrame) -> pl.DataFrame:
    """Return stored rows as they stand beside newer ones: none twice, none that was taken back.

    A correction can change the kind of a dividend, which is part of the key: the row of the former
    kind stays, without amounts, and names the receipt that took them back.
    """
    kept = stored.join(newer, on=(*_SHARE_AND_DAY, "dividend_kind"), how="anti")
    corrections = newer.select(*_SHARE_AND_DAY, correction="rcept_no").unique(_SHARE_AND_DAY)
    joined = kept.join(corrections, on=_SHARE_AND_DAY, how="left", maintain_order="left")
    stands = pl.col("correction").is_null()
    amounts = (pl.when(stands).then(pl.col(name)).alias(name) for name in _AMOUNTS)
    return joined.with_columns(*amounts, rcept_no=pl.coalesce("correction", "rcept_no")).select(
        stored.columns
    )
