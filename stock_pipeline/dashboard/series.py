"""Lines over time, and the table beside them: what is missing is a gap, never a straight line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from stock_pipeline.dashboard.charts import Rows, drawn_text, line_mode
from stock_pipeline.figures import wording

DAY_MILLISECONDS = 86_400_000
# Markets are closed for five days at most: a longer hole is one in the data.
LONGEST_CLOSURE_DAYS = 7
MOST_ROWS = 40


@dataclass(frozen=True)
class Line:
    """One line of a chart and one column of its table.

    digits  decimals that are drawn and written
    write   how a value stands in the table; without it as a number with these decimals
    """

    column: str
    name: str
    colour: str
    digits: int = 3
    write: Callable[[Any], str] | None = None

    def text(self, value: float | None) -> str:
        """Return a value as it stands in the table."""
        return wording.number(value, self.digits) if self.write is None else self.write(value)


def daily(frame: pl.DataFrame, lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Return the lines of something that has a value every day; a day without one is a gap.

    Shapes  date, one column per line; days need not be complete
    """
    days = _every_day(frame.select("date", *(line.column for line in lines)))
    # Beginning and step instead of every date: half of the page's weight.
    start = days["date"].min()
    return [
        {
            **_trace(line, days[line.column]),
            "x0": start,
            "dx": DAY_MILLISECONDS,
        }
        for line in lines
    ]


def observed(frame: pl.DataFrame, lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Return the lines of something that is not observed every day; only long holes are gaps.

    Shapes  date, one column per line
    """
    traces = []
    for line in lines:
        days = _with_holes(frame.select("date", line.column).drop_nulls().sort("date"))
        trace = _trace(line, days[line.column])
        traces.append({**trace, "x": days["date"].to_list()})
    return traces


def rows(frame: pl.DataFrame, lines: Sequence[Line], *, most: int = MOST_ROWS) -> Rows:
    """Return the values as a table, the newest first; of a long time every so many days.

    Shapes  date, one column per line
    """
    newest_first = frame.sort("date", descending=True)
    step = max(1, -(-newest_first.height // most))
    shown = newest_first.gather_every(step)
    note = f"{step}번째 날마다 적었습니다. 전체 값은 API로 받을 수 있습니다." if step > 1 else ""
    cells = [
        [row["date"].isoformat(), *(line.text(row[line.column]) for line in lines)]
        for row in shown.to_dicts()
    ]
    return Rows(["날짜", *(line.name for line in lines)], cells, note)


def wide(history: pl.DataFrame, codes: Sequence[str]) -> pl.DataFrame:
    """Return one column per series; one that was never observed is all null.

    Shapes  history: date, code, value
    """
    columns = [pl.col("value").filter(pl.col("code") == code).first().alias(code) for code in codes]
    return history.group_by("date").agg(columns).sort("date")


def _trace(line: Line, values: pl.Series) -> dict[str, Any]:
    drawn = values.cast(pl.Float64).round(line.digits).to_list()
    return {
        "type": "scatter",
        "mode": line_mode(drawn),
        "name": drawn_text(line.name),
        "y": drawn,
        "line": {"color": line.colour, "width": 2},
    }


def _every_day(frame: pl.DataFrame) -> pl.DataFrame:
    first, last = frame["date"].min(), frame["date"].max()
    if not isinstance(first, date) or not isinstance(last, date):
        return frame
    days = pl.DataFrame({"date": pl.date_range(first, last, eager=True)})
    return days.join(frame, on="date", how="left", maintain_order="left")


def _with_holes(known: pl.DataFrame) -> pl.DataFrame:
    """Put a day without a value into every hole that is longer than markets are closed."""
    is_late = pl.col("date").diff() > timedelta(days=LONGEST_CLOSURE_DAYS)
    holes = known.filter(is_late).select(
        pl.col("date").dt.offset_by("-1d"),
        *(
            pl.lit(None).cast(kind).alias(name)
            for name, kind in known.schema.items()
            if name != "date"
        ),
    )
    return pl.concat([known, holes]).sort("date")
