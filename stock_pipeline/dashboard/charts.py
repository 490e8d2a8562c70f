"""Charts: a plotly figure made here, drawn by the browser, and a table with the same values.

Colours are names of the page's theme, written as `var(--up)`; the page's script puts in the colours
of the light or the dark one. In Korea what rises is red and what falls is blue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from markupsafe import Markup

UP, DOWN, MUTED, INK = "var(--up)", "var(--down)", "var(--muted)", "var(--ink)"
HEIGHT = 320
LINES = tuple(f"var(--line-{place})" for place in range(1, 7))

# What could end the element that holds the figure, or a line of a script.
_UNSAFE = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)
# Plotly reads tags and links in every text that it draws, and these as the characters themselves.
_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


@dataclass(frozen=True)
class Rows:
    """A table as text.

    header  names of the columns; the first one names the row
    note    what it leaves out, or where the rest is
    """

    header: Sequence[str]
    rows: Sequence[Sequence[object]]
    note: str = ""


@dataclass(frozen=True)
class Chart:
    """One chart.

    name    identifier within its page: letters, digits and hyphens
    figure  plotly's `data` and `layout`
    """

    name: str
    title: str
    figure: Mapping[str, Any]
    rows: Rows

    @property
    def height(self) -> int:
        """Return the pixels that the chart takes, kept free until it is drawn."""
        return int(self.figure["layout"].get("height", HEIGHT))

    @property
    def json(self) -> Markup:
        """Return the figure for a data block of the page, whatever its texts are."""
        text = orjson.dumps(
            self.figure, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NAIVE_UTC
        ).decode()
        return Markup(text.translate(_UNSAFE))


def line_mode(values: Sequence[float | None]) -> str:
    """Return how a line is drawn: with its points where a value alone would not be seen.

    Missing  None is a gap, and a value between two of them has no line to either side
    """
    known = [False, *(value is not None for value in values), False]
    neighbours = zip(known, known[1:], known[2:], strict=False)
    is_alone = any(here and not (before or after) for before, here, after in neighbours)
    return "lines+markers" if is_alone else "lines"


def drawn_text(text: str) -> str:
    """Return a text from outside as a figure may hold it: drawn as it is, without any markup."""
    return text.translate(_MARKUP)


def layout(height: int = HEIGHT, **more: Any) -> dict[str, Any]:
    """Return what all charts share, and more; dates are written as numbers in every language."""
    shared: dict[str, Any] = {
        "height": height,
        "margin": {"l": 56, "r": 24, "t": 24, "b": 32},
        "hovermode": "x unified",
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "xaxis": {"hoverformat": "%Y-%m-%d", "tickformat": "%Y-%m-%d", "nticks": 5, "tickangle": 0},
        "yaxis": {"automargin": True},
    }
    return shared | more


def _plain(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"no part of a chart: {type(value).__name__}")
