"""The list of listed shares: its envelope, its filters, and when a day is out."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from stock_pipeline.twin.fsc import Fsc
from stock_pipeline.twin.wire import Answer, Request
from stock_pipeline.twin.world import World

KST = timezone(timedelta(hours=9))
PATH = "/1160100/service/GetKrxListedInfoService/getItemInfo"
EVENING = datetime(2026, 3, 13, 18, 0, tzinfo=KST)


@pytest.fixture(scope="module")
def world() -> World:
    return World(companies=400, end=date(2026, 3, 20))


def ask(world: World, now: datetime = EVENING, **query: str) -> Answer:
    asked = {"serviceKey": "k", "resultType": "json"} | query
    request = Request("GET", "apis.data.go.kr", PATH, asked)
    answer = Fsc(world, lambda: now).answer(request)
    assert answer is not None
    return answer


def body_of(world: World, now: datetime = EVENING, **query: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(ask(world, now, **query).body)["response"]["body"]
    return body


def test_envelope_is_written_as_recorded(world: World, recorded: Path) -> None:
    name = "getStockPriceInfo_005930_20251028_20251111"
    request = json.loads((recorded / "fsc" / f"{name}.request.json").read_text("utf-8"))
    expected = json.loads((recorded / "fsc" / request["body"]).read_text("utf-8"))["response"]
    answer = ask(world, basDt="20260312", numOfRows="3000")
    told = json.loads(answer.body)["response"]
    assert (answer.status, answer.content_type) == (request["status"], request["content_type"])
    assert told["header"] == expected["header"]
    assert list(told["body"]) == list(expected["body"])
    assert {type(told["body"][field]) for field in ("numOfRows", "pageNo", "totalCount")} == {int}
    assert {type(value) for row in told["body"]["items"]["item"] for value in row.values()} == {str}


def test_day_without_rows_is_written_as_recorded(world: World, recorded: Path) -> None:
    expected = json.loads((recorded / "fsc" / "empty_items.json").read_text("utf-8"))
    assert json.loads(ask(world, basDt="20260308").body) == expected


def test_missing_key_is_refused_by_the_gateway_in_xml(world: World, recorded: Path) -> None:
    answer = ask(world, serviceKey="")
    assert answer.content_type == "text/xml;charset=UTF-8"
    assert answer.body == (recorded / "fsc" / "error_gateway_30.xml").read_bytes()


def test_row_names_the_share_and_its_company(world: World) -> None:
    rows = body_of(world, basDt="20260312", numOfRows="3000")["items"]["item"]
    assert len(rows) > 380
    by_code = {row["srtnCd"]: row for row in rows}
    assert by_code["A005930"] == {
        "basDt": "20260312",
        "srtnCd": "A005930",
        "isinCd": "KR7005930003",
        "mrktCtg": "KOSPI",
        "itmsNm": "삼성전자",
        "crno": "1301110006246",
        "corpNm": "삼성전자(주)",
    }
    assert by_code["A005935"]["crno"] == by_code["A005930"]["crno"]
    assert {row["mrktCtg"] for row in rows} == {"KOSPI", "KOSDAQ", "KONEX"}
    assert "0000000000000" in {row["crno"] for row in rows}


@pytest.mark.parametrize(
    ("now", "day", "is_out", "reason"),
    [
        ("2026-03-13T12:59+09:00", "20260312", False, "before 13:00 of the next working day"),
        ("2026-03-13T13:00+09:00", "20260312", True, "from 13:00"),
        ("2026-03-13T18:00+09:00", "20260313", False, "the day itself"),
        ("2026-03-15T18:00+09:00", "20260313", False, "Friday on Sunday"),
        ("2026-03-16T13:00+09:00", "20260313", True, "Friday on Monday"),
    ],
)
def test_day_is_out_on_the_next_working_day(
    world: World, now: str, day: str, is_out: bool, reason: str
) -> None:
    moment = datetime.fromisoformat(now)
    assert (body_of(world, moment, basDt=day)["totalCount"] > 0) == is_out, reason


def test_pages_hold_ten_rows_by_default_and_the_last_is_empty(world: World) -> None:
    first = body_of(world, basDt="20260312")
    assert (first["numOfRows"], first["pageNo"], len(first["items"]["item"])) == (10, 1, 10)
    past_the_end = body_of(world, basDt="20260312", pageNo="1000")
    assert past_the_end["items"] == ""
    assert past_the_end["totalCount"] == first["totalCount"]


def test_single_row_is_an_object(world: World) -> None:
    body = body_of(world, basDt="20260312", likeSrtnCd="005930")
    assert (body["totalCount"], body["items"]["item"]["itmsNm"]) == (1, "삼성전자")


def test_unknown_filter_is_ignored(world: World) -> None:
    everything = body_of(world, basDt="20260312")["totalCount"]
    assert body_of(world, basDt="20260312", srtnCd="005930")["totalCount"] == everything


def test_market_is_a_filter(world: World) -> None:
    rows = body_of(world, basDt="20260312", mrktCls="KONEX", numOfRows="3000")["items"]["item"]
    assert {row["mrktCtg"] for row in rows} == {"KONEX"}


def test_xml_is_the_default(world: World) -> None:
    answer = ask(world, basDt="20260312", resultType="", numOfRows="3")
    root = ElementTree.fromstring(answer.body)
    assert root.findtext("header/resultCode") == "00"
    assert len(root.findall("body/items/item")) == 3


@pytest.mark.parametrize("query", [{"numOfRows": "x"}, {"pageNo": "0"}])
def test_bad_number_is_a_flat_error(world: World, query: dict[str, str]) -> None:
    assert json.loads(ask(world, EVENING, **query).body)["resultCode"] == "10"


def test_other_services_have_no_answer(world: World) -> None:
    request = Request("GET", "apis.data.go.kr", "/1160100/service/Other/getOther", {})
    assert Fsc(world, lambda: EVENING).answer(request) is None
