"""The one shape of the six finlife services: a list of products and, in the same answer, options.

A pair of tables is declared in the file named for the product. Its columns have the service's own
names, so the declaration is all it takes to read the answer.

Only what is offered is in an answer, and a group of companies may offer nothing. What is missing is
therefore held against what is stored. A group that had products, or whose products had options, and
now has none of them did not come: it is named as failed, and nothing is marked inactive.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from stock_pipeline.assets.departed import refuse_short, stored_active, with_departed
from stock_pipeline.assets.finlife_columns import (
    GROUP,
    GROUPS,
    IS_ACTIVE,
    MONTH,
    RATE,
    REPRESENTATIVE,
)
from stock_pipeline.assets.upstream_text import READERS, day, decimal, text, text_frame, whole
from stock_pipeline.errors import ONE_AMONG_MANY, BadPayload, UpstreamError
from stock_pipeline.quality.checks import Check, Limits
from stock_pipeline.quality.rules import Matches, NotNull, Rule
from stock_pipeline.sources.fss import Fss, Products, Rows
from stock_pipeline.sources.transport import NotArchived
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import (
    Column,
    Date,
    Instant,
    SmallInt,
    Table,
    Type,
)
from stock_pipeline.table_asset import Collected

# Columns that finlife calls otherwise, and those that it does not have.
FIELDS = {
    "bank_name": "kor_co_nm",
    "product_name": "fin_prdt_nm",
    GROUP.name: "topFinGrpNo",  # the question's: no row repeats it
}
OURS = {IS_ACTIVE.name, *(one.name for one in REPRESENTATIVE)}
OPEN_END = date(9999, 12, 31)
DECIMALS = 4

# Products change hands all the time. More than a fifth at once is no market, also after months
# without a refresh; of the products that stay, the same holds for their options.
LEAST_SHARE = 0.8


@dataclass(frozen=True)
class Pair:
    """Two tables that one service fills; the key of the options begins with the products' key."""

    service: str
    products: Table
    options: Table


@dataclass(frozen=True)
class Active:
    """What is stored as offered."""

    products: pl.DataFrame
    options: pl.DataFrame


@dataclass(frozen=True)
class Parsed:
    """What a service's answers say; the warnings are counts of what could not be stored."""

    products: pl.DataFrame
    options: pl.DataFrame
    warnings: Mapping[str, int]


def table_rules(table: Table) -> list[Rule]:
    """Return the rules that hold for every table of finlife."""
    rates = (one.name for one in table.own_columns if one.type == RATE)
    return [
        Matches("fin_co_no", "[0-9]{7}", why="without its leading zeros it joins nothing"),
        NotNull("dcls_month", why="it says of when the entry is"),
        *(_fits(rate) for rate in rates),
    ]


def _fits(rate: str) -> Rule:
    meaning = f"{rate} is -999 to 999: more is no percentage"
    return Rule(f"{rate}_fits", meaning, "reject", pl.col(rate).is_between(-999, 999))


def product_rules(table: Table) -> list[Rule]:
    """Return the rules that hold for every table of products."""
    names = (name for name in ("product_name", "fin_prdt_nm") if name in table.frame_schema)
    return [
        *table_rules(table),
        *(NotNull(name, why="a product without a name cannot be shown") for name in names),
    ]


def enough_products(in_2026: int) -> Check:
    """Return the check that at least half as many products are offered as in February 2026."""
    return Check(
        "enough_products",
        f"half of the {in_2026} products of February 2026 or more are offered",
        pl.col(IS_ACTIVE.name).sum(),
        warn=Limits(in_2026 / 2),
        real_market=True,
    )


def refresh(pair: Pair, fss: Fss, db: Database) -> Collected:
    """Return all that a service offers now and, if every group came, what it offers no more.

    Raises  BadPayload when nothing is offered anywhere; the error of the first group when none
            came, and at once what no further request can get past: key, quota, wrong request;
            QualityReject when too much of what is stored is missing
    """
    stored = Active(stored_active(db, pair.products), stored_active(db, pair.options))
    answers, failed = _answers(pair, fss, stored)
    found = parse(pair, answers)
    if found.products.is_empty():
        raise BadPayload("FSS", pair.service, "no product in any group")
    products, options = found.products, found.options
    if not failed:
        still_offered = stored.options.join(products, on=pair.products.keys, how="semi")
        refuse_short(pair.products, products, stored.products, least=LEAST_SHARE)
        refuse_short(pair.options, options, still_offered, least=LEAST_SHARE)
        products = with_departed(products, stored.products, keys=pair.products.keys)
        options = with_departed(options, stored.options, keys=pair.options.keys)
    return Collected(
        products,
        failed=failed,
        beside={pair.options.name: options},
        warnings=found.warnings,
        received=sum(len(one.products) for one in answers.values()),
        received_beside={pair.options.name: sum(len(one.options) for one in answers.values())},
    )


def _answers(pair: Pair, fss: Fss, stored: Active) -> tuple[dict[str, Products], tuple[str, ...]]:
    """Return the groups that came, and the others with the reason."""
    answers: dict[str, Products] = {}
    failed: dict[str, UpstreamError] = {}
    for group in GROUPS:
        try:
            answer = fss.products(pair.service, group).data
            _refuse_hole(pair, group, answer, stored)
        except (*ONE_AMONG_MANY, NotArchived) as error:
            # One group among five: the others are worth having, and the failed one is reported.
            failed[group] = error
        else:
            answers[group] = answer
    if not answers:
        raise next(iter(failed.values()))
    return answers, tuple(f"{group} {GROUPS[group]}: {error}" for group, error in failed.items())


def _refuse_hole(pair: Pair, group: str, answer: Products, stored: Active) -> None:
    """Refuse a group without any product, or without any option, that is known to have some.

    Raises  BadPayload
    """
    products = stored.products.filter(pl.col(GROUP.name) == group)
    options = stored.options.join(products, on=pair.products.keys, how="semi")
    parts = (("product", answer.products, products), ("option", answer.options, options))
    for part, came, known in parts:
        if not came and not known.is_empty():
            detail = (
                f"no {part} of group {group} came, and {known.height} are active in the database;"
                " if they are gone, set is_active = false there"
            )
            raise BadPayload("FSS", pair.service, detail)


def parse(pair: Pair, answers: Mapping[str, Products]) -> Parsed:
    """Return the products and options of a service, whose answers are given by group.

    Missing  a product may have no option; an option without its product is left out and counted
    Raises   SchemaDrift, BadPayload
    """
    asked = ("FSS", pair.service)
    named = [
        {**row, FIELDS[GROUP.name]: group} for group, one in answers.items() for row in one.products
    ]
    products, unread = _read(named, pair.products, asked)
    options, unread_too = _read(
        [row for one in answers.values() for row in one.options], pair.options, asked
    )
    joined = [*pair.products.keys, MONTH.name]
    known = options.join(
        products.select(joined).unique(), on=joined, how="semi", maintain_order="left"
    )
    if REPRESENTATIVE[0].name in pair.products.frame_schema:
        chosen = representative(known, pair.products.keys)
        products = products.join(chosen, on=pair.products.keys, how="left", maintain_order="left")
    counts = {
        "option_has_its_product": options.height - known.height,
        "value_is_readable": unread + unread_too,
    }
    return Parsed(
        products.select(pair.products.frame_schema.keys()),
        known.select(pair.options.frame_schema.keys()),
        {rule: rows for rule, rows in counts.items() if rows},
    )


def representative(options: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Return the rate that stands for each product, and its term.

    Missing  a product whose options have no base rate is absent
    """
    simple = [
        pl.col(name) == "S" for name in ("intr_rate_type", "rsrv_type") if name in options.columns
    ]
    usual = pl.all_horizontal(pl.col("save_trm") == 12, *simple)
    return (
        options.filter(pl.col("intr_rate_pct").is_not_null())
        .sort(~usual, "save_trm", *(~is_simple for is_simple in simple), nulls_last=True)
        .unique(keys, keep="first", maintain_order=True)
        .select(
            *keys,
            representative_rate_pct="intr_rate_pct",
            representative_term_months="save_trm",
        )
    )


def _read(rows: Rows, table: Table, asked: tuple[str, str]) -> tuple[pl.DataFrame, int]:
    """Return a table's columns, all active, and how many values are not what they should be."""
    columns = [one for one in table.own_columns if one.name not in OURS]
    texts = text_frame(rows, [_field(one) for one in columns], asked=asked)
    frame = texts.select(READ[one.type](_field(one)).alias(one.name) for one in columns)
    given = texts.select(text(_field(one)).alias(one.name) for one in columns)
    days = [one.name for one in columns if one.type == Date]
    read = frame.with_columns(
        *(pl.when(pl.col(name) != OPEN_END).then(pl.col(name)).alias(name) for name in days),
        is_active=pl.lit(value=True),
    )
    return read, _nulls(frame) - _nulls(given)


def _nulls(frame: pl.DataFrame) -> int:
    return sum(frame.null_count().row(0))


def _field(column: Column) -> str:
    return FIELDS.get(column.name, column.name.removesuffix("_pct"))


def _minute(field: str) -> pl.Expr:
    seoul = text(field).str.to_datetime("%Y%m%d%H%M", time_unit="us", strict=False)
    return seoul.dt.replace_time_zone(
        "Asia/Seoul", ambiguous="null", non_existent="null"
    ).dt.convert_time_zone("UTC")


READ: Mapping[Type, Callable[[str], pl.Expr]] = {
    **READERS,
    SmallInt: lambda field: whole(field).cast(pl.Int16, strict=False),
    RATE: lambda field: decimal(field).round(DECIMALS),
    Date: lambda field: day(field, "%Y%m%d"),
    Instant: _minute,
}
