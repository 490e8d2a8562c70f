"""The Fear & Greed index of alternative.me: one number a day, from the mood of the world.

Speaks api.alternative.me/fng/. Every value is text, the newest first, and only the newest says when
the next one comes. The form in CSV is not played; of its errors nothing is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import orjson

from stock_pipeline.twin.wire import Answer, Request, operation_of
from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_mood import Mood
from stock_pipeline.twin.world_plans import HORIZON

HOSTS = frozenset({"api.alternative.me"})
STARTUP: frozenset[str] = frozenset()

_JSON = "application/json"
_STREAM = 65
_FIRST = date(2018, 2, 1)
# Three days of its first year were never published.
_NEVER = frozenset(date(2018, 4, day) for day in (14, 15, 16))
_DAY = timedelta(days=1)
# Greed in the quietest mood, and what the deepest fear takes away.
_GREED, _FEAR = 76.0, 95.0
_SWAY, _NOISE = 16.0, 3.0
_CLASSES = (
    (25, "Extreme Fear"),
    (46, "Fear"),
    (54, "Neutral"),
    (75, "Greed"),
    (100, "Extreme Greed"),
)
_FORMATS = {"us": "%m-%d-%Y", "cn": "%Y-%m-%d", "kr": "%Y-%m-%d", "world": "%d-%m-%Y"}


class AlternativeMe:
    """api.alternative.me, played from the world."""

    def __init__(self, world: World, now: Callable[[], datetime]) -> None:
        self._clock = now
        count = (HORIZON - _FIRST).days + 2
        self._days = [_FIRST + place * _DAY for place in range(count)]
        self._values = _values(world.seed, self._days)

    def answer(self, request: Request) -> Answer | None:
        """Answer a request, None below another path than that of the index."""
        if request.path.rstrip("/") != "/fng":
            return None
        now = self._clock().astimezone(UTC)
        limit = _limit(request.query.get("limit", "1"))
        style = _FORMATS.get(request.query.get("date_format", ""), "")
        content = {
            "name": "Fear and Greed Index",
            "data": self._rows(now, limit, style),
            "metadata": {"error": None},
        }
        return Answer(200, orjson.dumps(content), _JSON, operation_of(request), compress=True)

    def _rows(self, now: datetime, limit: int, style: str) -> list[dict[str, str]]:
        newest = (now.date() - _FIRST).days
        known = [n for n in range(newest, -1, -1) if self._days[n] not in _NEVER]
        rows = [self._row(n, style) for n in known[: limit or None]]
        midnight = datetime.combine(now.date() + _DAY, time(), UTC)
        rows[0]["time_until_update"] = str(int((midnight - now).total_seconds()))
        return rows

    def _row(self, place: int, style: str) -> dict[str, str]:
        day, value = self._days[place], self._values[place]
        midnight = datetime.combine(day, time(), UTC)
        return {
            "value": str(value),
            "value_classification": next(name for top, name in _CLASSES if value <= top),
            "timestamp": f"{midnight:{style}}" if style else str(int(midnight.timestamp())),
        }


def _values(seed: int, days: list[date]) -> list[int]:
    """Return the index of each day: low in bad moods, swaying in quiet ones."""
    mood = Mood(seed)
    rng = np.random.default_rng([seed, _STREAM])
    place = np.arange(len(days))
    sway = _SWAY * np.sin(2 * np.pi * (place / 83 + rng.random()))
    sway += _SWAY / 2 * np.sin(2 * np.pi * (place / 29 + rng.random()))
    fear = _FEAR * np.array([mood.at(day) for day in days])
    values = _GREED - fear + sway + _NOISE * rng.standard_normal(len(days))
    found: list[int] = np.clip(np.round(values), 5, 95).astype(int).tolist()
    return found


def _limit(text: str) -> int:
    """Return how many days were asked for; zero means all of them."""
    return int(text) if re.fullmatch(r"\d{1,6}", text) else 1


UPSTREAM = AlternativeMe
