"""Every report that a company files with the regulator, by the day of its receipt.

Source   DART list.json, one walk through its pages per type of report (pages of 100)
Grain    one row per receipt; a correction is a receipt of its own
Cadence  filings_daily (19:00 KST on weekdays)
Caveats  `report_name` keeps its prefix ([기재정정]: corrected). Unlisted companies file too: their
         `ticker` is NULL. Filings received after the hour of collection come with the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from stock_pipeline.assets.upstream_text import day as date_of
from stock_pipeline.assets.upstream_text import text, text_frame
from stock_pipeline.errors import BadPayload
from stock_pipeline.quality.rules import Matches, NotNull, OneOf, Rule
from stock_pipeline.sources.dart import Dart
from stock_pipeline.storage.schema import Bool, Date, Text, column, key, table
from stock_pipeline.table_asset import Collected, table_asset

OPERATION = ("DART", "list")
COLUMNS = ("corp_code", "corp_name", "stock_code", "report_nm", "rcept_no", "rcept_dt", "rm")

# pblntf_ty: the answer does not repeat it, so each type is asked for by itself.
FILING_TYPES = {
    "A": "periodic",
    "B": "major matters",
    "C": "issuance",
    "D": "ownership",
    "E": "other",
    "F": "external audit",
    "G": "fund",
    "H": "asset-backed",
    "I": "exchange",
    "J": "fair trade",
}
# [첨부추가] adds an attachment and [정정명령부과] marks an original: neither is a correction.
CORRECTED = r"^\[(?:기재정정|첨부정정)\]"

TABLE = table(
    "dart_filing",
    key("rcept_no", Text, "number of the receipt, 14 digits, the first 8 its date"),
    column("corp_code", Text, "DART's number of the company"),
    column("ticker", Text, "code of its common share; NULL if it is not listed"),
    column("corp_name", Text, "name of the company"),
    column("report_name", Text, "title of the report with its prefix and period"),
    column("received_date", Date, "day of receipt"),
    column("filing_type", Text, "A periodic, B major matters, C issuance, … J fair trade"),
    column("is_correction", Bool, "it corrects an earlier report"),
    column("remark", Text, "DART's one-letter marks; NULL without"),
    indexes=(("received_date",),),
)

RULES = [
    Matches("rcept_no", "[0-9]{14}", why="statements are dated by it"),
    Matches("corp_code", "[0-9]{8}", why="it is the parameter of every other DART request"),
    Matches("ticker", "[0-9A-Z]{6}", why="it joins with prices"),
    OneOf("filing_type", FILING_TYPES, why="another type was never asked for"),
    *(NotNull(name, why="always sent") for name in ("corp_code", "report_name", "received_date")),
    Rule(
        "received_as_numbered",
        "the receipt's number begins with its date: point-in-time reading relies on it",
        "warn",
        pl.col("rcept_no").str.slice(0, 8) == pl.col("received_date").dt.strftime("%Y%m%d"),
    ),
]


def parse(rows: Sequence[Mapping[str, Any]], filing_type: str) -> pl.DataFrame:
    """Return the receipts of one type.

    Raises  SchemaDrift, BadPayload
    """
    frame = text_frame(rows, COLUMNS, asked=OPERATION)
    return frame.select(
        rcept_no=text("rcept_no"),
        corp_code=text("corp_code"),
        ticker=text("stock_code"),
        corp_name=text("corp_name"),
        report_name=text("report_nm"),
        received_date=date_of("rcept_dt", "%Y%m%d"),
        filing_type=pl.lit(filing_type),
        is_correction=text("report_nm").str.contains(CORRECTED),
        remark=text("rm"),
    ).select(TABLE.frame_schema.keys())


def combine(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return the receipts of all types; one that stands under two types keeps the first."""
    number = pl.col("rcept_no")
    return pl.concat(frames).filter(number.is_null() | number.is_first_distinct())


@table_asset(TABLE, RULES, cadence="filings_daily", partitions="day", write="merge", pool="dart")
def dart_filing(dart: Dart, day: date) -> Collected:
    """Collect the receipts of one day, type by type."""
    frame = combine(parse(dart.filings(day, day, kind=kind).data, kind) for kind in FILING_TYPES)
    strange = frame.filter(pl.col("received_date") != day).height
    if strange:
        raise BadPayload(*OPERATION, f"{strange} receipts of another day than {day}")
    if frame.is_empty():
        return Collected(frame, outcome="no_data", reason=f"DART has no receipt of {day}")
    return Collected(frame)
