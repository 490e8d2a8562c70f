"""Changes to a good chart of prices, whichever upstream drew it.

Each function takes the value of the fault and the answer; what is no chart stays as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stock_pipeline.twin.wire import Answer

_PRICES = ("open", "high", "low", "close")
_META_PRICES = re.compile(r"regularMarket(Price|DayHigh|DayLow)|fiftyTwoWeek\w+|chartPreviousClose")
# One day of Naver's chart: the day, four prices, the volume.
_ITEM = re.compile(rb'data="(\d{8})\|(\d+)\|(\d+)\|(\d+)\|(\d+)\|(\d+)"')


def rebase(value: str, answer: Answer) -> Answer:
    """Divide all prices by a number and multiply volumes, as after a split at the source."""
    parts = float(value)
    if not answer.body.startswith(b'{"chart"'):
        body = _ITEM.sub(lambda item: _rebased_item(item, parts), answer.body)
        return replace(answer, body=body)
    content = json.loads(answer.body)
    for chart in content["chart"]["result"] or ():
        _rebase_chart(chart, parts)
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return replace(answer, body=body)


def _rebased_item(item: re.Match[bytes], parts: float) -> bytes:
    day, *prices, volume = item.groups()
    numbers = [*(round(int(price) / parts) for price in prices), round(int(volume) * parts)]
    return b'data="%b|%b"' % (day, "|".join(map(str, numbers)).encode())


def _rebase_chart(chart: dict[str, Any], parts: float) -> None:
    def divided(price: float) -> float:
        return price / parts

    meta, indicators = chart["meta"], chart["indicators"]
    meta |= {name: divided(meta[name]) for name in meta if _META_PRICES.fullmatch(name)}
    for quote in indicators["quote"]:
        quote |= {name: _each(quote[name], divided) for name in _PRICES if name in quote}
        if "volume" in quote:
            quote["volume"] = _each(quote["volume"], lambda volume: round(volume * parts))
    for adjusted in indicators["adjclose"]:
        adjusted |= {name: _each(column, divided) for name, column in adjusted.items()}


def _each(column: list[float | None], change: Callable[[float], float]) -> list[float | None]:
    return [None if cell is None else change(cell) for cell in column]
