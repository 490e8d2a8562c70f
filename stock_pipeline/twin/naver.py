"""Naver's daily chart of one Korean share, today's running prices included.

Speaks fchart.stock.naver.com, path `/sise.nhn`. Prices are adjusted for splits and the like; a day
without a trade has a close and zeros; an unknown symbol has a chart without items.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from html import escape

import numpy as np

from stock_pipeline.twin.wire import Answer, Request
from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_calendar import KST
from stock_pipeline.twin.world_companies import Share

HOSTS = frozenset({"fchart.stock.naver.com"})
STARTUP: frozenset[str] = frozenset()

_PATH = "/sise.nhn"
_XML = "text/xml;charset=EUC-KR"
_COUNT = re.compile(r"\d{1,9}")
# The day from which Naver has prices at all.
_OLDEST = date(1990, 1, 3)
_HEAD = '<?xml version="1.0" encoding="EUC-KR" ?>\n\n<protocol>\n\n\n\n\t\n\t\n\t\t\t'
_BETWEEN = "\n\t\t\t\n"
_TAIL = "\n\t\t\t\n\t\n\n\n\t</chartdata>\n</protocol>\n"


class Naver:
    """The chart service, told from the world's shares when it is asked."""

    def __init__(self, world: World, now: Callable[[], datetime]) -> None:
        self._world = world
        self._clock = now

    def answer(self, request: Request) -> Answer | None:
        """Answer a request for a chart of days."""
        query = request.query
        if request.path != _PATH or query.get("timeframe") != "day":
            return None
        symbol, count = query.get("symbol", ""), query.get("count", "")
        now = self._clock().astimezone(KST)
        share = next((one for one in self._world.shares if one.ticker == symbol), None)
        if share is None or share.listed > now.date() or not _COUNT.fullmatch(count):
            share, items = None, []
        else:
            items = [*self._items(share, now)][-int(count) :] if int(count) else []
        name = self._world.name(share, now.date()) if share else ""
        since = max(share.listed, _OLDEST) if share else _OLDEST
        chart = (
            f'<chartdata symbol="{escape(symbol)}" name="{escape(name)}" '
            f'count="{escape(count)}" timeframe="day" '
            f'precision="0" origintime="{since:%Y%m%d}">'
        )
        lines = [f'\t\t\t\t<item data="{item}" />' for item in items]
        body = f"{_HEAD}{_BETWEEN.join([chart, *lines])}{_TAIL}".encode("cp949")
        headers = {"Cache-Control": "no-cache"}
        return Answer(200, body, _XML, f"sise/{symbol}", headers, compress=True)

    def _items(self, share: Share, now: datetime) -> Iterator[str]:
        """Yield the days of a share up to a moment: final ones, then the one that runs."""
        today, hours = now.date(), self._world.hours(now.date())
        is_running = hours is not None and now < hours[1]
        until = today - timedelta(days=1) if is_running else today
        chart = self._world.share_charts.of(share, until)
        columns = (chart.open, chart.high, chart.low, chart.close, chart.volume)
        numbers = zip(*(column.tolist() for column in columns), strict=True)
        for day, values in zip(chart.sessions, numbers, strict=True):
            yield _item(day, *values)
        shown = self._world.day_at(today, now) if is_running else None
        if shown is not None and share.column in shown.columns:
            place = int(np.searchsorted(shown.columns, share.column))
            running = (shown.open, shown.high, shown.low, shown.close, shown.volume)
            yield _item(today, *(int(column[place]) for column in running))


def _item(day: date, *numbers: int) -> str:
    return "|".join([f"{day:%Y%m%d}", *map(str, numbers)])


UPSTREAM = Naver
