"""How upstreams write numbers, dates and nothing at all, and what we make of it.

Korean upstreams send every value as text: `"1,234"`, `"-1,100"`, `"2026/03/13"`; a lone dash or a
blank is no value. In filed reports a loss is also written `"(1,234)"` or `"△1,234"`. A text that is
not what it should be becomes null here and is kept out by the table's rules, so that one bad row
never costs the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from stock_pipeline.errors import BadPayload, SchemaDrift
from stock_pipeline.storage.schema import BigInt, Double, Text, Type

MISSING = ("", "-")


def text_frame(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    *,
    optional: Sequence[str] = (),
    asked: tuple[str, str],
) -> pl.DataFrame:
    """Return the named columns of decoded rows as text, whatever else the rows hold.

    asked   upstream and operation, for the error
    Raises  SchemaDrift when no row has a required column; BadPayload when a row or value is not
            of the documented kind
    """
    for name in columns:
        if rows and not any(name in row for row in rows if isinstance(row, Mapping)):
            raise SchemaDrift(*asked, name, "no row has it")
    try:
        return pl.DataFrame(
            {
                name: pl.Series([row.get(name) for row in rows], dtype=pl.String, strict=True)
                for name in (*columns, *optional)
            }
        )
    except (TypeError, ValueError, AttributeError, pl.exceptions.PolarsError):
        raise BadPayload(*asked, "a row is not an object of texts") from None


def text(column: str) -> pl.Expr:
    """Return the text without outer blanks; a dash or blank is missing."""
    # PostgreSQL cannot hold a NUL character; everything else inside a text is kept.
    plain = pl.col(column).cast(pl.String).str.replace_all("\0", "", literal=True).str.strip_chars()
    return pl.when(~plain.is_in(MISSING)).then(plain)


def whole(column: str) -> pl.Expr:
    """Return a whole number written with or without thousands commas."""
    # ".0" is what pandas makes of a whole number in a column with gaps.
    digits = text(column).str.replace_all(",", "", literal=True).str.strip_suffix(".0")
    return digits.cast(pl.Int64, strict=False)


def decimal(column: str) -> pl.Expr:
    """Return a number with decimals; an infinite one is missing."""
    number = text(column).str.replace_all(",", "", literal=True).cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number)


def signed(column: str) -> pl.Expr:
    """Return a number as filed reports write it; minus, triangle and brackets make it negative."""
    # Stripping every `-` would turn a loss into a profit: only one sign in front is taken off.
    amount = text(column).str.replace_all(r"[,\s]", "")
    parts = amount.str.extract_groups(
        r"^(?:\((?<bracketed>[0-9.]+)\)|(?<sign>[-−△▲]?)(?<plain>[0-9.]+))$"
    )
    found = [parts.struct.field(name) for name in ("bracketed", "plain")]
    number = pl.coalesce(found).cast(pl.Float64, strict=False)
    is_negative = found[0].is_not_null() | (parts.struct.field("sign") != "")
    return pl.when(is_negative).then(-number).otherwise(number)


def day(column: str, form: str = "%Y-%m-%d") -> pl.Expr:
    """Return a date; a time of day behind it is ignored."""
    return text(column).str.extract(r"^(\S+)").str.to_date(form, strict=False)


def unless_zero(name: str) -> pl.Expr:
    """Return a column without its zeros, where zero is how an upstream writes no value."""
    return pl.when(pl.col(name) != 0).then(pl.col(name)).alias(name)


# Type of a declared column → how its text is read.
READERS: Mapping[Type, Callable[[str], pl.Expr]] = {Text: text, BigInt: whole, Double: decimal}
