"""A table as a file: CSV that a spreadsheet only reads, or Parquet, with the same rows.

The rows are those of one moment, in the order of the key, and pass through in portions: a file of
millions of rows takes no more memory than one of a hundred thousand.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import polars as pl

from stock_pipeline.storage.database import Database
from stock_pipeline.storage.extract import Extract

Form = Literal["csv", "parquet"]

# What a spreadsheet takes for the beginning of a formula, or skips before one; the full-width and
# small forms count too, because Korean and Japanese spreadsheets read them as the plain ones.
# Source: OWASP, CSV Injection, https://owasp.org/www-community/attacks/CSV_Injection, 2026-03-02
_BLANK = r"\s\x{feff}\x{200b}-\x{200f}\x{2060}"
_FORMULA = rf"^([{_BLANK}]*[=+\-@\t\r\n\x00＝＋－＠﹦﹢﹣﹫])"
_INSTANT = "%Y-%m-%dT%H:%M:%S%.6fZ"
_PORTION = 100_000


def write(db: Database, extract: Extract, form: Form, path: Path) -> int:
    """Write the rows to a file and return how many they are.

    Raises  NotDated, DatabaseError; the file is then incomplete
    """
    text, params = extract.query()
    frames = db.stream(text, params, rows=_PORTION)
    return _write_csv(frames, path) if form == "csv" else _write_parquet(frames, path)


def csv_safe(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame whose texts no spreadsheet takes for a formula; numbers stay numbers.

    A text that begins like one, also after blanks, gets an apostrophe in front.
    """
    return frame.with_columns(pl.col(pl.String).str.replace(_FORMULA, "'$1"))


def csv_bytes(frame: pl.DataFrame, *, header: bool = True) -> bytes:
    """Return a frame as CSV in UTF-8 that no spreadsheet takes for formulas.

    header   also the names, after the mark without which Korean text opens as something else
    Missing  an empty cell; an empty text is quoted
    """
    text: str = csv_safe(frame).write_csv(
        include_header=header, include_bom=header, datetime_format=_INSTANT
    )
    return text.encode()


def _write_csv(frames: Iterable[pl.DataFrame], path: Path) -> int:
    rows = 0
    with path.open("wb") as file:
        for number, frame in enumerate(frames):
            file.write(csv_bytes(frame, header=number == 0))
            rows += frame.height
    return rows


def _write_parquet(frames: Iterable[pl.DataFrame], path: Path) -> int:
    """Write one row group per portion, by way of files that are joined without being held."""
    rows = 0
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        parts: list[Path] = []
        for frame in frames:
            parts.append(Path(folder) / f"{len(parts)}.parquet")
            frame.write_parquet(parts[-1])
            rows += frame.height
        pl.scan_parquet(parts).sink_parquet(path, row_group_size=_PORTION)
    return rows
