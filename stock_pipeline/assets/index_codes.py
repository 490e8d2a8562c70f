"""The code of an index by its name: no upstream sends codes with the levels of a day.

A name is unique within a family only: KOSPI and KOSDAQ both have an index of `금융`. So a code is
looked up by family and name, and a pair that could be two indices has no code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl

from stock_pipeline.assets.upstream_text import text, text_frame
from stock_pipeline.storage.database import Database

OPERATION = ("KRX", "MDCSTAT00401")
THEME = "THEME"
# First character of a code, the exchange's IND_TP_CD. Themes have codes of all three, and of G.
FAMILIES = {"5": "KRX", "1": "KOSPI", "2": "KOSDAQ"}
# They are known even where nothing is stored yet; as in the list recorded on 2026-01-25.
MAIN = {"1001": "코스피", "1028": "코스피 200", "2001": "코스닥", "2203": "코스닥 150"}
# A name of a session further away may belong to another index by now.
NEAR_BY = timedelta(days=30)

_NAMES = """
SELECT DISTINCT ON (index_code) index_code, name FROM index_price_daily
WHERE trade_date BETWEEN :first AND :last ORDER BY index_code, trade_date DESC
"""


def parse_list(rows: Sequence[Mapping[str, Any]], family: str) -> pl.DataFrame:
    """Return family, name and index_code of every index in the exchange's list of a group.

    Raises  SchemaDrift, BadPayload
    """
    frame = text_frame(rows, ("IDX_NM", "IND_TP_CD", "IDX_IND_CD"), asked=OPERATION)
    return frame.select(
        pl.lit(family).alias("family"),
        name=text("IDX_NM"),
        index_code=text("IND_TP_CD") + text("IDX_IND_CD"),
    )


def stored_codes(db: Database, day: date) -> pl.DataFrame:
    """Return family, name and index_code by the stored sessions near a day."""
    stored = db.read(_NAMES, {"first": day - NEAR_BY, "last": day + NEAR_BY})
    return codes_of(dict(stored.select("index_code", "name").rows()))


def codes_of(names: Mapping[str, str]) -> pl.DataFrame:
    """Return family, name and index_code of indices of which only code and name are known.

    A theme is not told from the other indices of its first character; both can be meant by a name.
    """
    both = {**MAIN, **names}
    known = pl.DataFrame({"index_code": [*both], "name": [*both.values()]})
    family = pl.col("index_code").str.slice(0, 1).replace_strict(FAMILIES, default=None)
    by_digit = known.select(family.alias("family"), "name", "index_code").drop_nulls("family")
    as_theme = known.select(pl.lit(THEME).alias("family"), "name", "index_code")
    return pl.concat([by_digit, as_theme]).unique(["family", "name"], keep="none")


def with_codes(frame: pl.DataFrame, codes: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with `index_code`, null where family and name are not among `codes`."""
    first = codes.unique(["family", "name"], keep="first", maintain_order=True)
    return frame.join(first, on=["family", "name"], how="left", maintain_order="left")
