"""Which stocks exist on a day and what was publicly known of their companies (section 8)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

ANNUAL_REPORT = "11011"
FIGURES = ("revenue", "operating_income", "net_income", "total_liabilities", "total_equity")


def stocks_on(prices: pl.DataFrame, days: Sequence[date]) -> pl.DataFrame:
    """Return the stocks with a price row on each day, with the ticker that files for them.

    Shapes   as_of, ticker, name, market, market_cap, is_common, filer
    Units    market_cap in KRW: close × listed shares of that day
    """
    # The first five characters name the company; its common share ends in 0.
    is_common = pl.col("ticker").str.ends_with("0")
    return (
        prices.lazy()
        .filter(pl.col("trade_date").is_in(list(days)))
        .select(
            pl.col("trade_date").alias("as_of"),
            "ticker",
            "name",
            "market",
            pl.coalesce(pl.col("close") * pl.col("shares"), "market_cap").alias("market_cap"),
            is_common.alias("is_common"),
            pl.when(is_common)
            .then("ticker")
            .otherwise(pl.col("ticker").str.slice(0, 5) + "0")
            .alias("filer"),
        )
        .collect()
    )


def statement_steps(statements: pl.DataFrame) -> pl.DataFrame:
    """Return from which day on which annual statement of a company is the one to use.

    Of the statements known on a day the newest fiscal year counts; of that the consolidated one, in
    the version received last.

    Shapes   filer, known_from, currency and the figures; by known_from
    """
    preference = ("fiscal_year", pl.col("fs_div") == "CFS", "available_date", "rcept_no")
    ranked = (
        statements.lazy()
        .filter(pl.col("report_code") == ANNUAL_REPORT)
        .drop_nulls(["ticker", "available_date"])
        .sort(*preference)
        .with_row_index("rank")
    )
    steps = ranked.sort("available_date", "rank").select(
        pl.col("ticker").alias("filer"),
        pl.col("available_date").alias("known_from"),
        pl.col("rank").cum_max().over("ticker"),
    )
    figures = ranked.select("rank", "currency", *FIGURES)
    return steps.join(figures, on="rank", how="left", maintain_order="left").collect()


def with_statement(stocks: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """Add the figures of the statement known on each day, has_statement and is_krw."""
    joined = stocks.sort("as_of", "ticker").join_asof(
        steps,
        left_on="as_of",
        right_on="known_from",
        by="filer",
        strategy="backward",
        check_sortedness=False,  # both are sorted above; polars cannot tell by group and would warn
    )
    return joined.with_columns(
        pl.col("rank").is_not_null().alias("has_statement"),
        (pl.col("currency").fill_null("KRW") == "KRW").alias("is_krw"),
    )


def with_industry(stocks: pl.DataFrame, listing: pl.DataFrame) -> pl.DataFrame:
    """Add industry, of the newest listing up to each day, and is_later_industry if none was."""
    listed = listing["as_of_date"].unique().sort().to_list()
    days = stocks["as_of"].unique().to_list()
    chosen = [
        max((d for d in listed if d <= day), default=min(listed, default=None)) for day in days
    ]
    used = pl.DataFrame(
        {"as_of": days, "as_of_date": chosen}, schema={"as_of": pl.Date, "as_of_date": pl.Date}
    )
    industries = listing.select("as_of_date", "ticker", "industry")
    return (
        stocks.join(used, on="as_of", how="left")
        .join(industries, on=["as_of_date", "ticker"], how="left")
        .with_columns(
            is_later_industry=pl.col("industry").is_not_null()
            & (pl.col("as_of_date") > pl.col("as_of"))
        )
    )
