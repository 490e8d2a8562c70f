"""The yearly index files: bytes as recorded, and the levels the exchange tells of the day."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from stock_pipeline.twin.fdr_cache import FdrCache
from stock_pipeline.twin.wire import Answer, Request
from stock_pipeline.twin.world import World

KST = timezone(timedelta(hours=9))
HOST = "raw.githubusercontent.com"
FOLDER = "/FinanceData/fdr_krx_data_cache/refs/heads/master/data/index"
EVENING = datetime(2026, 3, 13, 18, 0, tzinfo=KST)
CODES = {"ks11": "1001", "kq11": "2001", "ks200": "1028"}

Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def ask(small_world: World) -> Ask:
    def asked(index: str, year: int, now: datetime = EVENING) -> Answer:
        request = Request("GET", HOST, f"{FOLDER}/year_{index}/{year}.csv")
        answer = FdrCache(small_world, lambda: now).answer(request)
        assert answer is not None
        return answer

    return asked


def lines_of(answer: Answer) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig"))))


def form(text: str) -> str:
    """Return the shape of a number: 9.9 for a float, 9 for an integer, signs kept."""
    return re.sub(r"\d+", "9", text)


@pytest.mark.parametrize("index", CODES)
@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_file_is_written_as_recorded(ask: Ask, recorded: Path, index: str, year: int) -> None:
    packed = recorded / "fdr" / "index" / f"year_{index}" / f"{year}.csv.gz"
    model, answer = gzip.decompress(packed.read_bytes()), ask(index, year)
    assert (answer.status, answer.content_type) == (200, "text/plain; charset=utf-8")
    assert answer.body.split(b"\n", 1)[0] == model.split(b"\n", 1)[0]
    assert (answer.body.count(b"\r"), answer.body[-1:]) == (model.count(b"\r"), model[-1:])
    theirs = list(csv.DictReader(io.StringIO(model.decode("utf-8-sig"))))
    ours = lines_of(answer)
    for column in theirs[0]:
        forms = {form(line[column]) for line in theirs}
        assert {form(line[column]) for line in ours} <= forms, column
    # A rate is a percentage divided by a hundred, with all the digits that leaves.
    for line in (*theirs, *ours):
        assert line["Change"] == str(round(float(line["Change"]) * 100, 2) / 100)


def test_recorded_days_are_days_of_the_world(ask: Ask, recorded: Path) -> None:
    packed = recorded / "fdr" / "index" / "year_ks200" / "2025.csv.gz"
    text = gzip.decompress(packed.read_bytes()).decode("utf-8-sig")
    recorded_days = [line["Date"] for line in csv.DictReader(io.StringIO(text))]
    assert [line["Date"] for line in lines_of(ask("ks200", 2025))] == recorded_days


@pytest.mark.parametrize(("index", "code"), CODES.items())
def test_line_tells_what_the_exchange_tells(
    ask: Ask, small_world: World, index: str, code: str
) -> None:
    for line in lines_of(ask(index, 2025))[::60]:
        session = date.fromisoformat(line["Date"])
        told = small_world.indices.day(session)
        place = [one.code for one in small_world.indices.listed(session)].index(code)
        levels = [told.close, told.change, told.open, told.high, told.low]
        names = ["Close", "Comp", "Open", "High", "Low"]
        assert [float(line[name]) for name in names] == [each[place] for each in levels]
        amounts = [told.volume, told.value, told.market_cap]
        shown = [int(float(line[name])) for name in ("Volume", "Amount", "MarCap")]
        assert shown == [each[place] for each in amounts]
        direction = {"1": 1, "2": -1, "3": 0}[line["UpDown"]]
        assert direction == np.sign(told.change[place])
        assert float(line["Change"]) == pytest.approx(told.change_pct[place] / 100)


@pytest.mark.parametrize(
    ("now", "newest"),
    [
        (datetime(2026, 3, 13, 9, 19, tzinfo=KST), "2026-03-12"),  # before the first prices
        (datetime(2026, 3, 13, 9, 20, tzinfo=KST), "2026-03-13"),  # live
        (datetime(2026, 3, 15, 12, 0, tzinfo=KST), "2026-03-13"),  # Sunday
    ],
)
def test_todays_line_comes_with_the_first_prices(ask: Ask, now: datetime, newest: str) -> None:
    assert lines_of(ask("ks200", 2026, now))[-1]["Date"] == newest


def test_todays_line_is_live_until_the_close(ask: Ask) -> None:
    noon, closed, evening = (
        lines_of(ask("ks11", 2026, datetime(2026, 3, 13, *clock, tzinfo=KST)))[-1]
        for clock in ((12, 0), (15, 30), (18, 0))
    )
    assert int(noon["Volume"]) < int(closed["Volume"])
    assert closed == evening


@pytest.mark.parametrize(
    ("path", "now"),
    [
        ("year_ks200/2019.csv", EVENING),  # before the world
        ("year_ks200/2027.csv", EVENING),  # not yet
        ("year_ks200/2026.csv", datetime(2026, 1, 2, 9, 0, tzinfo=KST)),  # no session yet
        ("year_ks50/2026.csv", EVENING),  # no such index
        ("year_ks200/26.csv", EVENING),  # no year
    ],
)
def test_missing_year_is_404(small_world: World, path: str, now: datetime) -> None:
    answer = FdrCache(small_world, lambda: now).answer(Request("GET", HOST, f"{FOLDER}/{path}"))
    assert answer is not None
    assert (answer.status, answer.body) == (404, b"404: Not Found")


def test_a_past_year_does_not_depend_on_the_end_of_the_world(
    small_world: World, shorter_world: World
) -> None:
    request = Request("GET", HOST, f"{FOLDER}/year_ks11/2023.csv")
    now = datetime(2024, 8, 14, 18, 0, tzinfo=KST)
    bodies = [
        FdrCache(world, lambda: now).answer(request) for world in (small_world, shorter_world)
    ]
    assert bodies[0] == bodies[1]
