"""The page of collecting: how every table stands, what is at work, what is wrong, day by day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import Field
from starlette.requests import Request
from starlette.responses import HTMLResponse

from stock_pipeline import discovery
from stock_pipeline.clock import KST, today_kst
from stock_pipeline.dashboard import partition_calendar
from stock_pipeline.dashboard.asked import SearchText
from stock_pipeline.dashboard.collected import Collected, collected
from stock_pipeline.dashboard.collector import CannotStart, Progress
from stock_pipeline.dashboard.context import Context
from stock_pipeline.dashboard.page import panel, render
from stock_pipeline.dashboard.partition_calendar import Year
from stock_pipeline.due import every
from stock_pipeline.figures.collection import newest_runs, open_alerts
from stock_pipeline.figures.table_sizes import TableSize, table_sizes
from stock_pipeline.market_calendar import FIRST_DAY, LAST_DAY
from stock_pipeline.storage.partition_states import read_states
from stock_pipeline.work import Work

USUAL = "stock_price_daily"
# Years of which the calendars of the exchanges know the sessions.
FIRST_YEAR, LAST_YEAR = FIRST_DAY.year, LAST_DAY.year
YEARS_OFFERED = 6
STANDINGS = {"fresh": "최신", "stale": "지연", "never": "첫 차례 전", "skipped": "설정 없음"}
# The colour of the badge that says so.
COLOURS = {"fresh": "fresh", "stale": "stale", "never": "partial", "skipped": "partial"}
OUTCOMES = {
    "rows": "저장됨",
    "no_data": "자료 없음",
    "non_session": "휴장",
    "not_yet_published": "아직 공표 전",
    "blocked": "차단됨",
    "auth_expired": "인증 만료",
    "quota": "한도 초과",
    "error": "오류",
    "skipped": "건너뜀",
}
RUN_STATES = {
    "running": "수집 중",
    "success": "성공",
    "partial_failure": "일부 실패",
    "failure": "실패",
    "skipped": "건너뜀",
    "queued": "대기",
    "starting": "시작 중",
    "canceling": "중단 중",
    "canceled": "중단됨",
}
TRIGGERS = {
    "schedule": "일정",
    "manual": "사람",
    "backfill": "백필",
    "sensor": "센서",
    "cli": "명령",
}
LEVELS = {"INFO": "정보", "WARN": "경고", "CRITICAL": "심각"}

ChosenYear = Annotated[int | None, Field(ge=FIRST_YEAR, le=LAST_YEAR)]


@dataclass(frozen=True)
class Line:
    """One table of the overview, with how much of it is stored."""

    table: Collected
    size: TableSize


@dataclass(frozen=True)
class AtWork:
    """What is at work now; nothing is known of it while Dagster is away."""

    runs: list[Progress]
    is_known: bool = True


def routes(context: Context) -> APIRouter:
    """Return the page."""
    router = APIRouter()
    works = _works()
    # Prices first: they give the session of the page.
    tables = sorted(_scheduled(), key=lambda name: (name != USUAL, name))

    @router.get("/collection")
    def collection(
        request: Request, asset: SearchText = None, year: ChosenYear = None
    ) -> HTMLResponse:
        """Show every table, and one of them day by day."""
        chosen, today = asset or USUAL, today_kst(context.clock)
        if chosen not in works:
            raise HTTPException(404, f"asset: {chosen}이라는 표는 없습니다.")
        shown = year or today.year
        return render(
            context,
            request,
            "collection.html",
            title="수집 현황",
            tables=tables,
            lines=panel("tables", lambda: _lines(context)),
            at_work=panel("runs at work", lambda: _at_work(context)),
            alerts=panel("open alerts", lambda: open_alerts(context.database)),
            runs=panel("newest runs", lambda: newest_runs(context.database)),
            days=panel("partitions", lambda: _days(context, *works[chosen], shown)),
            names=sorted(works),
            chosen=chosen,
            year=shown,
            years=range(today.year, today.year - YEARS_OFFERED, -1),
            words=WORDS,
        )

    return router


WORDS: Mapping[str, Mapping[str, str]] = {
    "standings": STANDINGS,
    "colours": COLOURS,
    "outcomes": OUTCOMES,
    "states": RUN_STATES,
    "triggers": TRIGGERS,
    "levels": LEVELS,
}


def _scheduled() -> list[str]:
    return [
        table.name
        for found in discovery.table_assets()
        if found.cadence is not None
        for table in found.work.tables
    ]


def _works() -> dict[str, tuple[str, Work, str]]:
    """Return name, work and cadence of every table that is stored partition by partition."""
    return {
        table.name: (table.name, found.work, found.cadence)
        for found in discovery.table_assets()
        if found.cadence is not None and found.work.partitions is not None
        for table in found.work.tables
    }


def _lines(context: Context) -> list[Line]:
    declared = {table.name: table for table in discovery.tables()}
    found = collected(context)
    sizes = table_sizes(context.database, [declared[one.asset] for one in found])
    return [Line(one, size) for one, size in zip(found, sizes, strict=True)]


def _at_work(context: Context) -> AtWork:
    try:
        return AtWork(context.collector.in_flight())
    except CannotStart:
        return AtWork([], is_known=False)


def _days(context: Context, name: str, work: Work, cadence: str, year: int) -> Year:
    now = context.clock.now()
    today = today_kst(context.clock)
    midnight = now.astimezone(KST).replace(hour=0, minute=0, second=0, microsecond=0)
    states = read_states(context.database, [name], now=now, midnight=midnight)[name]
    # Today's may still be to come, and a quarter's is collected long after it begins.
    first, last = date(year, 1, 1), min(date(year, 12, 31), _newest_due(states, today))
    expected = every(work, cadence, context.calendar, first, last) if first <= last else []
    found = partition_calendar.partitions(states, expected, year)
    return partition_calendar.year_of(name, found, year)


def _newest_due(states: Mapping[str, object], today: date) -> date:
    """Return the newest partition that was asked for: a later one is not missed yet."""
    keys = [date.fromisoformat(key) for key in states if key != "all"]
    return min(max(keys, default=today), today)
