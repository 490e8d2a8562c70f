"""What must hold for the rows of a table, and what happens to the rows for which it does not.

A rule is a value: a name, a sentence, an effect and an expression that is true for a good row.
`reject` keeps the row out and notes it in `rejected_row`; `warn` counts it and lets it in; `block`
refuses the whole partition. A missing value breaks no rule but `NotNull`.
"""

# ruff: noqa: N802 - the constructors read like declarations: RULES = [Positive("close"), …]

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import polars as pl

Effect = Literal["reject", "warn", "block"]

DUPLICATE = "conflicting rows of one key"
_REASON = "__reason__"  # beside the table's own columns, one of which may be called reason


@dataclass(frozen=True, eq=False)
class Rule:
    """One rule.

    meaning  what must hold, and why when that is not plain
    holds    true (or null) for a row that is fine
    """

    name: str
    meaning: str
    effect: Effect
    holds: pl.Expr


def NotNull(column: str, *, effect: Effect = "reject", why: str = "") -> Rule:
    """Require a value."""
    holds = pl.col(column).is_not_null()
    return _rule(f"{column}_not_null", f"{column} has a value", effect, holds, why)


def Positive(column: str, *, effect: Effect = "reject", why: str = "") -> Rule:
    """Require a finite number above zero."""
    # The open upper end keeps out infinity, and NaN, which polars sorts above every number.
    holds = pl.col(column).is_between(0, float("inf"), closed="none")
    return _rule(f"{column}_positive", f"{column} is above 0", effect, holds, why)


def AtLeast(column: str, least: float, *, effect: Effect = "reject", why: str = "") -> Rule:
    """Require a finite number that is not below `least`."""
    holds = pl.col(column).is_between(least, float("inf"), closed="left")
    return _rule(f"{column}_at_least_{least:g}", f"{column} is ≥ {least:g}", effect, holds, why)


def Between(
    column: str, least: float, most: float, *, effect: Effect = "reject", why: str = ""
) -> Rule:
    """Require a number from `least` to `most`, both included."""
    meaning = f"{column} is {least:g} to {most:g}"
    return _rule(f"{column}_range", meaning, effect, pl.col(column).is_between(least, most), why)


def Finite(column: str, *, effect: Effect = "reject", why: str = "") -> Rule:
    """Require a number that is neither infinite nor NaN."""
    return _rule(
        f"{column}_finite", f"{column} is a number", effect, pl.col(column).is_finite(), why
    )


def OneOf(column: str, allowed: Iterable[str], *, effect: Effect = "reject", why: str = "") -> Rule:
    """Require one of the listed words."""
    words = sorted(allowed)
    meaning = f"{column} is one of {', '.join(words)}"
    return _rule(f"{column}_known", meaning, effect, pl.col(column).is_in(words), why)


def Matches(column: str, pattern: str, *, effect: Effect = "reject", why: str = "") -> Rule:
    """Require text of a certain shape, given as a regular expression for the whole text."""
    # \A and \z, because $ also matches before a final line feed.
    holds = pl.col(column).str.contains(rf"\A(?:{pattern})\z")
    return _rule(f"{column}_shape", f"{column} looks like {pattern}", effect, holds, why)


def Ordered(*columns: str, effect: Effect = "reject", why: str = "") -> Rule:
    """Require that each named column is not above the next one."""
    holds = pl.all_horizontal(
        (pl.col(low) <= pl.col(high)).fill_null(value=True) for low, high in pairwise(columns)
    )
    return _rule("_".join(columns) + "_ordered", " ≤ ".join(columns), effect, holds, why)


def Present(column: str, value: str, *, effect: Effect = "warn", why: str = "") -> Rule:
    """Require that some row of the set has this value; a set without it counts as one fault."""
    meaning = f"some row has {column} = {value}"
    return _rule(f"{value}_present", meaning, effect, (pl.col(column) == value).any(), why)


def _rule(name: str, meaning: str, effect: Effect, holds: pl.Expr, why: str) -> Rule:
    return Rule(name, f"{meaning}: {why}" if why else meaning, effect, holds)


@dataclass(frozen=True)
class Verdict:
    """What the rules make of a frame: every row of it is kept, rejected or a counted duplicate.

    rejected    of each row kept out: the names of the rules it breaks, and the row as JSON
    duplicates  rows that repeat another one in every column and were counted once
    warnings    name of a warning rule → rows that break it
    blocked     name of a blocking rule → rows that break it; not empty: nothing may be written
    """

    kept: pl.DataFrame
    rejected: tuple[tuple[str, str], ...]
    duplicates: int = 0
    warnings: Mapping[str, int] = field(default_factory=dict)
    blocked: Mapping[str, int] = field(default_factory=dict)


def apply(frame: pl.DataFrame, rules: Sequence[Rule], *, keys: Sequence[str] = ()) -> Verdict:
    """Judge a frame: drop repeated rows, keep out broken ones, count the doubtful ones.

    keys  columns that identify a row; rows that share them but differ elsewhere are all rejected,
          because nothing tells which one is right, and so is a row without one of them
    """
    single = frame.unique(maintain_order=True)
    judged = single.with_columns(_reasons(rules, keys).alias(_REASON))
    good = pl.col(_REASON) == ""
    kept = judged.filter(good).drop(_REASON)
    return Verdict(
        kept,
        _as_json(judged.filter(~good)),
        duplicates=frame.height - single.height,
        warnings=_broken(kept, rules, "warn"),
        blocked=_broken(kept, rules, "block"),
    )


def _as_json(judged: pl.DataFrame) -> tuple[tuple[str, str], ...]:
    """Return reason and row of each; JSON has no NaN and jsonb no NUL character: both are lost."""
    rows = judged.drop(_REASON).select(pl.struct(pl.all()).struct.json_encode()).to_series()
    texts = rows.str.replace_all(r"\u0000", "", literal=True)
    return tuple(zip(judged[_REASON].to_list(), texts.to_list(), strict=True))


def _reasons(rules: Sequence[Rule], keys: Sequence[str]) -> pl.Expr:
    """Return the names of the rejecting rules that a row breaks, joined; empty for a good row."""
    faults = [
        pl.when(_fails(rule)).then(pl.lit(rule.name)) for rule in rules if rule.effect == "reject"
    ]
    faults += [pl.when(pl.col(key).is_null()).then(pl.lit(f"{key} is missing")) for key in keys]
    if keys:
        faults.append(pl.when(pl.struct(*keys).is_duplicated()).then(pl.lit(DUPLICATE)))
    return pl.concat_str(faults, separator="; ", ignore_nulls=True) if faults else pl.lit("")


def _fails(rule: Rule) -> pl.Expr:
    return ~rule.holds.fill_null(value=True)


def _broken(frame: pl.DataFrame, rules: Sequence[Rule], effect: Effect) -> dict[str, int]:
    """Return how many rows break each rule of this effect, for those that some row breaks."""
    chosen = [rule for rule in rules if rule.effect == effect]
    if not chosen or frame.is_empty():
        return {}
    counts = frame.select(_fails(rule).sum().alias(rule.name) for rule in chosen).row(0)
    return {rule.name: count for rule, count in zip(chosen, counts, strict=True) if count}
