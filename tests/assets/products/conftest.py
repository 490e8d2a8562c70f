"""Answers of finlife, recorded and made by hand, and an independent reading of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.products.finlife import Pair, Parsed, parse
from stock_pipeline.quality import rules as quality
from stock_pipeline.quality.rules import Rule
from stock_pipeline.sources.fss import Products
from stock_pipeline.storage.schema import Table

KST = timezone(timedelta(hours=9))
BANKS = "020000"
DAYS = {"dcls_strt_day", "dcls_end_day", "sale_strt_day"}

Row = dict[str, Any]


def as_source(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, str | None]]:
    """Return rows as the source hands them out."""
    return [{k: None if v is None else str(v) for k, v in row.items()} for row in rows]


@pytest.fixture
def recording(recorded: Path) -> Callable[[str], Row]:
    """Return a function that gives the recorded result of a service."""

    def result(name: str) -> Row:
        found: Row = json.loads((recorded / "fss" / f"{name}.json").read_bytes())["result"]
        return found

    return result


@pytest.fixture
def read() -> Callable[..., Parsed]:
    """Return a function that parses rows of one group."""

    def parsed(pair: Pair, products: Sequence[Row], options: Sequence[Row]) -> Parsed:
        return parse(pair, {BANKS: Products(as_source(products), as_source(options))})

    return parsed


@pytest.fixture
def plain() -> Callable[..., Row]:
    """Return a function that reads a row field by field, by other means than the product."""

    def reading(row: Row, names: Mapping[str, str], group: str = BANKS) -> Row:
        # Only products have a name, and only they tell their group.
        found = {"top_fin_grp_no": group} if "fin_prdt_nm" in row else {}
        for field, value in row.items():
            if field in DAYS and value is not None:
                value = date(int(value[:4]), int(value[4:6]), int(value[6:]))
                value = None if value.year == 9999 else value
            if field == "fin_co_subm_day":
                parts = (value[:4], value[4:6], value[6:8], value[8:10], value[10:])
                value = datetime(*map(int, parts), tzinfo=KST)
            found[names.get(field, field)] = value
        return {**found, "is_active": True}

    return reading


@pytest.fixture
def spotless() -> Callable[[pl.DataFrame, Sequence[Rule], Table], bool]:
    """Return a function that tells whether no rule has anything to say of a frame."""

    def holds(frame: pl.DataFrame, rules: Sequence[Rule], table: Table) -> bool:
        verdict = quality.apply(frame, rules, keys=table.keys)
        quiet = not (verdict.rejected or verdict.warnings or verdict.blocked or verdict.duplicates)
        return quiet and verdict.kept.height == frame.height

    return holds
