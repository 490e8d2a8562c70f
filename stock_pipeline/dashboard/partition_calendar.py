"""The partitions of one table in one year: how each stands, as a calendar and as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from stock_pipeline.dashboard.charts import DOWN, MUTED, Chart, Rows, layout
from stock_pipeline.storage.partition_states import State

Kind = Literal["stored", "empty", "partial", "skipped", "missing", "failed", "running"]


@dataclass(frozen=True)
class _Look:
    """How a kind of partition is shown: its name, a sign for who sees no colours, its colour."""

    name: str
    sign: str
    colour: str


# In the order of the colour scale.
LOOKS: Mapping[Kind, _Look] = {
    "stored": _Look("저장", "●", "var(--good)"),
    "empty": _Look("휴장·자료 없음", "·", "var(--line)"),
    "partial": _Look("일부", "△", "var(--warn)"),
    "skipped": _Look("건너뜀", "–", MUTED),
    "missing": _Look("빠짐", "?", "var(--line-2)"),
    "failed": _Look("실패", "✕", "var(--bad)"),
    "running": _Look("수집 중", "…", DOWN),
}
KINDS = tuple(LOOKS)
WEEKDAYS = "월화수목금토일"
# What needs no explanation.
_QUIET = {"stored", "empty"}
_MOST_NOTES = 60
_LONGEST_REASON = 200


@dataclass(frozen=True)
class Partition:
    """One partition of a table and how it stands; rows are those of its newest collection."""

    day: date
    kind: Kind
    rows: int
    reason: str


@dataclass(frozen=True)
class Year:
    """The partitions of a table in a year: the chart, and those that need an explanation."""

    chart: Chart
    notes: Rows


def partitions(states: Mapping[str, State], expected: Sequence[date], year: int) -> list[Partition]:
    """Return every partition of a year that should be there or was ever asked for.

    expected  partitions that should be there by now; before the first stored one none is missed
    """
    known = {date.fromisoformat(key): state for key, state in states.items() if key != "all"}
    first = min((day for day, state in known.items() if state.is_done), default=date.max)
    wanted = {day for day in expected if day >= first}
    return [
        _partition(day, known.get(day)) for day in sorted(wanted | known.keys()) if day.year == year
    ]


def year_of(asset: str, found: Sequence[Partition], year: int) -> Year:
    """Return the calendar of a table."""
    return Year(
        Chart(
            "partitions",
            f"{asset}: {year}년의 구간별 수집 상태",
            {"data": [_heatmap(found, year)], "layout": _layout()},
            _months(found),
        ),
        _notes(found),
    )


def _partition(day: date, state: State | None) -> Partition:
    if state is None:
        return Partition(day, "missing", 0, "수집을 시도한 기록이 없습니다")
    reason = "" if state.is_done else (state.error or state.reason)
    return Partition(day, _kind(state), state.rows, reason)


def _kind(state: State) -> Kind:
    if state.is_running:
        return "running"
    if state.is_done:
        return "stored" if state.has_rows else "empty"
    if state.status == "failed":
        return "failed"
    if state.has_rows:
        return "partial"
    # A row that was never closed belongs to a process that is gone.
    return "failed" if state.status == "running" else "skipped"


def _heatmap(found: Sequence[Partition], year: int) -> dict[str, Any]:
    monday = date(year, 1, 1) - timedelta(days=date(year, 1, 1).weekday())
    weeks = (date(year, 12, 31) - monday).days // 7 + 1
    codes: list[list[int | None]] = [[None] * weeks for _ in WEEKDAYS]
    signs = [[""] * weeks for _ in WEEKDAYS]
    told = [[""] * weeks for _ in WEEKDAYS]
    for one in found:
        week, weekday = (one.day - monday).days // 7, one.day.weekday()
        look = LOOKS[one.kind]
        codes[weekday][week] = KINDS.index(one.kind)
        signs[weekday][week] = look.sign
        told[weekday][week] = f"{one.day} ({WEEKDAYS[weekday]}) {look.name}"
    return {
        "type": "heatmap",
        "x": [monday + timedelta(weeks=number) for number in range(weeks)],
        "y": list(WEEKDAYS),
        "z": codes,
        "text": signs,
        "texttemplate": "%{text}",
        "textfont": {"color": "var(--paper)", "size": 9},
        "customdata": told,
        "hovertemplate": "%{customdata}<extra></extra>",
        "hoverongaps": False,
        "zmin": -0.5,
        "zmax": len(KINDS) - 0.5,
        "colorscale": _steps(),
        "showscale": False,
        # A year of weeks has three pixels each on a phone.
        "xgap": 1,
        "ygap": 1,
    }


def _steps() -> list[tuple[float, str]]:
    """Return a scale with one colour for each kind and nothing in between."""
    count = len(KINDS)
    return [
        (edge / count, LOOKS[kind].colour)
        for place, kind in enumerate(KINDS)
        for edge in (place, place + 1)
    ]


def _layout() -> dict[str, Any]:
    return layout(
        height=230,
        hovermode="closest",
        xaxis={"tickformat": "%m월", "dtick": "M2", "tickangle": 0, "showgrid": False},
        yaxis={"autorange": "reversed", "showgrid": False, "fixedrange": True},
    )


def _months(found: Sequence[Partition]) -> Rows:
    months = sorted({one.day.replace(day=1) for one in found})
    counts = {month: Counter[Kind]() for month in months}
    for one in found:
        counts[one.day.replace(day=1)][one.kind] += 1
    rows = [[f"{month:%Y-%m}", *(str(counts[month][kind]) for kind in KINDS)] for month in months]
    return Rows(["월", *(look.name for look in LOOKS.values())], rows)


def _notes(found: Sequence[Partition]) -> Rows:
    told = [one for one in reversed(found) if one.kind not in _QUIET]
    rows = [
        [one.day.isoformat(), LOOKS[one.kind].name, one.reason[:_LONGEST_REASON] or "–"]
        for one in told[:_MOST_NOTES]
    ]
    left = len(told) - len(rows)
    return Rows(["구간", "상태", "이유"], rows, f"그 밖에 {left}개가 더 있습니다." if left else "")
