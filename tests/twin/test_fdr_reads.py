"""The unmodified FinanceDataReader, in a process of its own, reads every symbol from the twin."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.twin.environment import child_environment
from stock_pipeline.twin.fdr_cache import FdrCache
from stock_pipeline.twin.naver import Naver
from stock_pipeline.twin.server import Twin
from stock_pipeline.twin.world import World
from stock_pipeline.twin.yahoo import Yahoo

KST = timezone(timedelta(hours=9))
EVENING = datetime(2026, 3, 13, 18, 0, tzinfo=KST)
START, END = date(2025, 12, 29), date(2026, 3, 13)
SYMBOLS = (
    *("KS200", "KS11", "KQ11", "005930", "000660", "SOXL", "BTC/KRW", "BTC/USD"),
    *("GC=F", "SI=F", "USD/KRW"),
)
READ = """
import contextlib, json, sys
with contextlib.redirect_stdout(sys.stderr):
    import FinanceDataReader as fdr
    start, end, *symbols = sys.argv[1:]
    frames = {symbol: fdr.DataReader(symbol, start, end) for symbol in symbols}
read = {
    symbol: {
        "days": [str(day.date()) for day in frame.index],
        "columns": list(frame.columns),
        "closes": frame["Close"].tolist(),
    }
    for symbol, frame in frames.items()
}
print(json.dumps(read))
"""

Read = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def read(small_world: World, twin_state: Path) -> Read:
    """Return what FinanceDataReader makes of each symbol."""
    upstreams = [kind(small_world, lambda: EVENING) for kind in (FdrCache, Naver, Yahoo)]
    with Twin(upstreams, state=twin_state) as twin:
        variables = child_environment(twin) | {"TZ": "UTC"}
        command = [sys.executable, "-c", READ, str(START), str(END), *SYMBOLS]
        child = subprocess.run(
            command, env=variables, capture_output=True, text=True, check=True, timeout=60
        )
        assert {entry.status for entry in twin.requests} == {200}
    read: Read = json.loads(child.stdout)
    return read


@pytest.mark.parametrize("symbol", ["KS200", "KS11", "KQ11", "005930", "000660"])
def test_korean_symbol_has_every_session_up_to_today(
    small_world: World, read: Read, symbol: str
) -> None:
    sessions = [str(day) for day in small_world.sessions if START <= day <= END]
    assert read[symbol]["days"] == sessions


@pytest.mark.parametrize(
    ("symbol", "named", "ended"),
    [
        ("SOXL", "SOXL", date(2026, 3, 12)),  # today has not opened yet
        ("GC=F", "GC=F", date(2026, 3, 12)),  # stamped after the exclusive end's midnight
        ("SI=F", "SI=F", date(2026, 3, 12)),
        ("BTC/USD", "BTC-USD", date(2026, 3, 13)),  # stamped at that very midnight
        ("BTC/KRW", "BTC-KRW", date(2026, 3, 13)),
        ("USD/KRW", "KRW=X", date(2026, 3, 13)),  # winter: London is UTC
    ],
)
def test_symbol_abroad_has_every_day_of_its_exchange(
    small_world: World, read: Read, symbol: str, named: str, ended: date
) -> None:
    bars = small_world.abroad.bars(named, START, ended)
    assert read[symbol]["days"] == [str(bar.day) for bar in bars]
    closes = [bar.close for bar in bars if bar.day < date(2026, 3, 13)]
    assert read[symbol]["closes"][: len(closes)] == pytest.approx(closes, rel=1e-6)


def test_columns_are_those_of_the_three_readers(read: Read) -> None:
    assert read["005930"]["columns"] == ["Open", "High", "Low", "Close", "Volume", "Change"]
    yahoo = ["Open", "High", "Low", "Close", "Volume", "Adj Close"]
    assert read["SOXL"]["columns"] == yahoo
    index = ["Close", "UpDown", "Comp", "Change", "Open", "High", "Low", "Volume", "Amount"]
    assert read["KS200"]["columns"] == [*index, "MarCap"]
