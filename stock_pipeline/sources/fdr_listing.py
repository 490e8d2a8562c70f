"""Reads a listing file of FinanceDataReader's cache and holds the library's frame against it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import polars as pl

from stock_pipeline.errors import BadPayload, SchemaDrift

Kind = Literal["KRX", "KRX-DESC", "KRX-DELISTING"]

_LISTING = (
    "Code ISU_CD Name Market Dept Close ChangeCode Changes ChagesRatio Open High Low Volume "
    "Amount Marcap Stocks MarketId"
)
_DESCRIPTION = (
    "Code Name Market Sector Industry Products ListingDate SettleMonth Representative HomePage "
    "Region"
)
_DELISTING = (
    "Symbol Name Market SecuGroup Kind ListingDate DelistingDate Reason ArrantEnforceDate "
    "ArrantEndDate Industry ParValue ListingShares ToSymbol ToName"
)
COLUMNS: dict[Kind, tuple[str, ...]] = {
    "KRX": tuple(_LISTING.split()),
    "KRX-DESC": tuple(_DESCRIPTION.split()),
    "KRX-DELISTING": tuple(_DELISTING.split()),
}


@dataclass(frozen=True)
class Listing:
    """A listing as its file has it.

    work_date  the day KRX called the latest, which names the file
    rows       all columns text, empty fields null, upstream's column names and order
    """

    work_date: date
    rows: pl.DataFrame


def read_listing(kind: Kind, work_date: str, body: bytes) -> Listing:
    """Read the file as texts; its first column is a running number without a name.

    Raises  SchemaDrift for a missing column, BadPayload for anything that is no listing
    """
    operation = f"listing {kind}"
    try:
        text = body.decode("utf-8-sig")
        rows = pl.read_csv(text.encode(), infer_schema=False)
        day = date.fromisoformat(work_date)
    except (ValueError, pl.exceptions.PolarsError) as error:
        problem = f"not a listing file ({type(error).__name__}, {len(body)} bytes)"
    else:
        problem = "" if rows.height else "a listing file without rows"
    if problem:
        raise BadPayload("FDR", operation, problem)
    missing = [name for name in COLUMNS[kind] if name not in rows.columns]
    if missing:
        raise SchemaDrift("FDR", operation, missing[0], "missing in the file")
    return Listing(day, rows.select(COLUMNS[kind]))


def require_same_listing(kind: Kind, frame: dict[str, Any], rows: pl.DataFrame) -> None:
    """Hold the library's frame against the file: same codes in the same order.

    Of delistings the library leaves out those without a date or with one to come.
    """
    codes = rows.to_series(0).fill_null("").to_list()
    made = frame["codes"]
    fewer = kind == "KRX-DELISTING" and made and set(made) <= set(codes)
    if made != codes and not fewer:
        detail = f"the library has {frame['rows']} rows, the file {rows.height}"
        raise BadPayload("FDR", f"listing {kind}", detail)
