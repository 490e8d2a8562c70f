"""Naver's chart: bytes as recorded, live prices, days of rest, symbols nobody knows."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from stock_pipeline.twin.naver import Naver
from stock_pipeline.twin.wire import Answer, Request
from stock_pipeline.twin.world import World

KST = timezone(timedelta(hours=9))
HOST = "fchart.stock.naver.com"
FRIDAY = date(2026, 3, 13)
EVENING = datetime(2026, 3, 13, 18, 0, tzinfo=KST)
ITEM = re.compile(r'<item data="(.*?)" />', re.DOTALL)

Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def ask(small_world: World) -> Ask:
    def asked(symbol: str = "005930", now: datetime = EVENING, count: str = "6000") -> Answer:
        query = {"symbol": symbol, "timeframe": "day", "count": count, "requestType": "0"}
        answer = Naver(small_world, lambda: now).answer(Request("GET", HOST, "/sise.nhn", query))
        assert answer is not None
        return answer

    return asked


def items_of(answer: Answer) -> list[list[str]]:
    """Read the items as FinanceDataReader finds them."""
    return [item.split("|") for item in ITEM.findall(answer.body.decode("euc-kr"))]


def test_chart_is_written_as_recorded(ask: Ask, recorded: Path) -> None:
    folder = recorded / "krx"
    request = json.loads((folder / "naver_sise_0_005930_day.request.json").read_text("utf-8"))
    body = gzip.decompress((folder / "naver_sise_0_005930_day.response.xml.gz").read_bytes())
    answer = ask(count="1835")
    assert (answer.status, answer.content_type) == (request["status"], request["content_type"])
    assert answer.headers == request["headers"]

    def without_items(text: str) -> str:
        return re.sub(r'(\t\t\t\t<item data="[\d|]+" />\n\t\t\t\n)+', "ITEMS\n", text)

    assert without_items(answer.body.decode("euc-kr")) == without_items(body.decode("utf-8"))


def test_chart_ends_with_the_newest_sessions(ask: Ask, small_world: World) -> None:
    sessions = [day for day in small_world.sessions if day <= FRIDAY]
    days = [item[0] for item in items_of(ask())]
    assert days == [f"{day:%Y%m%d}" for day in sessions]
    assert [item[0] for item in items_of(ask(count="3"))] == days[-3:]
    assert items_of(ask(count="0")) == []


@pytest.mark.parametrize(
    ("now", "newest"),
    [
        (datetime(2026, 3, 13, 8, 0, tzinfo=KST), "20260312"),  # before the opening
        (datetime(2026, 3, 13, 9, 19, tzinfo=KST), "20260312"),  # before the first prices
        (datetime(2026, 3, 13, 9, 20, tzinfo=KST), "20260313"),  # running
        (datetime(2026, 3, 13, 15, 30, tzinfo=KST), "20260313"),  # final
        (datetime(2026, 3, 15, 12, 0, tzinfo=KST), "20260313"),  # Sunday
    ],
)
def test_current_day_appears_with_its_first_prices(ask: Ask, now: datetime, newest: str) -> None:
    assert items_of(ask(now=now))[-1][0] == newest


def test_current_day_is_live_until_the_close(ask: Ask) -> None:
    noon, late, closed, evening = (
        items_of(ask(now=datetime(2026, 3, 13, *clock, tzinfo=KST)))[-1]
        for clock in ((12, 0), (15, 0), (15, 30), (18, 0))
    )
    assert int(noon[5]) < int(late[5]) < int(closed[5])
    assert closed == evening
    assert noon[1] == evening[1]


def test_day_of_rest_has_zeros_and_a_close(ask: Ask, small_world: World) -> None:
    halted = next(
        share
        for share in small_world.shares
        if not share.delisted
        and small_world.prices.halted(small_world.sessions.index(FRIDAY))[share.column]
    )
    newest = items_of(ask(halted.ticker))[-1]
    assert (newest[0], newest[1:4], newest[5]) == ("20260313", ["0", "0", "0"], "0")
    assert int(newest[4]) > 0


@pytest.mark.parametrize(
    ("symbol", "count"),
    [
        ("999999", "6000"),  # nobody's
        ("", "6000"),
        ("005930", "many"),  # no number of days
        ("<x>", "6000"),
    ],
)
def test_unknown_symbol_has_a_chart_without_items(ask: Ask, symbol: str, count: str) -> None:
    answer = ask(symbol, count=count)
    assert (answer.status, items_of(answer)) == (200, [])
    assert b"<x>" not in answer.body


def test_share_that_lists_later_is_not_known_yet(ask: Ask) -> None:
    assert items_of(ask("0126Z0", datetime(2024, 8, 30, 18, 0, tzinfo=KST))) == []
    assert len(items_of(ask("0126Z0", datetime(2024, 9, 2, 18, 0, tzinfo=KST)))) == 1


@pytest.mark.parametrize(
    ("path", "timeframe"), [("/sise.nhn", "week"), ("/elsewhere.nhn", "day")], ids=["weeks", "path"]
)
def test_other_requests_are_not_played(small_world: World, path: str, timeframe: str) -> None:
    request = Request("GET", HOST, path, {"symbol": "005930", "timeframe": timeframe})
    assert Naver(small_world, lambda: EVENING).answer(request) is None
