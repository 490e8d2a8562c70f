"""Where the figures of a statement stand in DART's account rows, by id or by name.

Two operations give account rows: fnlttSinglAcntAll names an account by a standard id, and by words
where the company uses its own; fnlttMultiAcnt only by words. Amounts come with and without commas.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from stock_pipeline.assets.upstream_text import text, whole


class Account(NamedTuple):
    """Where a figure stands: statements, account ids and, for rows without an id, names."""

    field: str
    statements: tuple[str, ...]
    ids: tuple[str, ...]
    names: tuple[str, ...]


INCOME, BALANCE, CASH = ("IS", "CIS"), ("BS",), ("CF",)
_FLOWS = "ifrs-full_CashFlowsFromUsedIn{}Activities"
ACCOUNTS = (
    Account("revenue", INCOME, ("ifrs-full_Revenue",), ("매출액", "영업수익", "수익(매출액)")),
    Account(
        "operating_income",
        INCOME,
        ("dart_OperatingIncomeLoss", "ifrs-full_ProfitLossFromOperatingActivities"),
        ("영업이익", "영업손익"),
    ),
    Account("net_income", INCOME, ("ifrs-full_ProfitLoss",), ("당기순이익", "당기순손익")),
    Account("total_assets", BALANCE, ("ifrs-full_Assets",), ("자산총계",)),
    Account("total_liabilities", BALANCE, ("ifrs-full_Liabilities",), ("부채총계",)),
    Account("total_equity", BALANCE, ("ifrs-full_Equity",), ("자본총계",)),
    Account("current_assets", BALANCE, ("ifrs-full_CurrentAssets",), ("유동자산",)),
    Account("current_liabilities", BALANCE, ("ifrs-full_CurrentLiabilities",), ("유동부채",)),
    Account("operating_cash_flow", CASH, (_FLOWS.format("Operating"),), ()),
    Account("investing_cash_flow", CASH, (_FLOWS.format("Investing"),), ()),
    Account("financing_cash_flow", CASH, (_FLOWS.format("Financing"),), ()),
)
EARNINGS = ("revenue", "operating_income", "net_income")


def wide(rows: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Return one row per statement, a column per figure, from its account rows.

    Shapes   in: keys, period_end and, as text, sj_div, account_id, account_nm, thstrm_amount,
             thstrm_add_amount, currency, ord; out: keys, period_end, currency, the figures, and
             `<figure>_cumulative` of revenue and incomes
    Missing  null where no row has the figure, or only rows without an amount
    """
    found = (
        rows.select(
            *(text(name).alias(name) for name in (*keys, "currency", "sj_div")),
            "period_end",
            account=_account(),
            amount=whole("thstrm_amount"),
            so_far=whole("thstrm_add_amount"),
            ord=whole("ord"),
        )
        .join(_places(), on=["sj_div", "account"], how="left")
        .sort("place", "ord")
    )
    return found.group_by(keys, maintain_order=True).agg(
        pl.col("period_end").max(),
        pl.col("currency").drop_nulls().first(),
        *(_pick(account.field, "amount", account.field) for account in ACCOUNTS),
        *(_pick(field, "so_far", f"{field}_cumulative") for field in EARNINGS),
    )


def _account() -> pl.Expr:
    """Return the standard id of an account or, for the company's own ones, its plain name."""
    # Before 2019 the ids began with ifrs_; own accounts say that they use no standard id.
    identity = text("account_id").str.replace(r"^ifrs_", "ifrs-full_")
    is_standard = identity.str.contains(r"^(?:ifrs-full|dart)_")
    name = text("account_nm").str.replace_all(r"\s", "").str.strip_suffix("(손실)")
    return pl.when(is_standard).then(identity).otherwise(name)


def _places() -> pl.DataFrame:
    """Return where each field may be read, the best place first."""
    places = [
        (statement, account, field)
        for field, statements, ids, names in ACCOUNTS
        for account in (*ids, *names)
        for statement in statements
    ]
    schema = {"sj_div": pl.String, "account": pl.String, "field": pl.String}
    return pl.DataFrame(places, schema=schema, orient="row").with_row_index("place")


def _pick(field: str, value: str, name: str) -> pl.Expr:
    """Return a value of the best place that has any amount at all."""
    has_any = pl.col("amount").is_not_null() | pl.col("so_far").is_not_null()
    return pl.col(value).filter((pl.col("field") == field) & has_any).first().alias(name)
