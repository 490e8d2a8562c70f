"""The services of data.go.kr: their envelope, their filters, and when a day is out."""

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
FOLDER = "/1160100/service/"
ITEMS = "GetKrxListedInfoService/getItemInfo"
SHARES = "GetStockSecuritiesInfoService/getStockPriceInfo"
FUNDS = "GetSecuritiesProductInfoService/getETFPriceInfo"
INDICES = "GetMarketIndexInfoService/getStockMarketIndex"
BONDS = "GetBondIssuInfoService/getBondBasiInfo"
DIVIDENDS = "GetStocDiviInfoService/getDiviInfo"
EVENING = datetime(2026, 3, 13, 18, 0, tzinfo=KST)


@pytest.fixture(scope="module")
def world() -> World:
    return World(companies=200, end=date(2026, 3, 20))


def ask(world: World, service: str, now: datetime = EVENING, **query: str) -> Answer:
    asked = {"serviceKey": "k", "resultType": "json"} | query
    request = Request("GET", "apis.data.go.kr", FOLDER + service, asked)
    answer = Fsc(world, lambda: now).answer(request)
    assert answer is not None
    return answer


def body_of(
    world: World, service: str = ITEMS, now: datetime = EVENING, **query: str
) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(ask(world, service, now, **query).body)["response"]["body"]
    return body


# Recorded windows, or a part of a day: the twin is asked for a whole one.
RECORDED = [
    (SHARES, "getStockPriceInfo_005930_20251028_20251111"),
    (SHARES, "getStockPriceInfo_000020_20221125"),
    (FUNDS, "getETFPriceInfo_395270_20260820"),
    (INDICES, "getStockMarketIndex_kospi_20230307"),
]


@pytest.mark.parametrize(("service", "name"), RECORDED, ids=[one[1] for one in RECORDED])
def test_envelope_is_written_as_recorded(
    world: World, recorded: Path, service: str, name: str
) -> None:
    request = json.loads((recorded / "fsc" / f"{name}.request.json").read_text("utf-8"))
    expected = json.loads((recorded / "fsc" / request["body"]).read_text("utf-8"))["response"]
    answer = ask(world, service, basDt="20260312", numOfRows="3000")
    told = json.loads(answer.body)["response"]
    assert (answer.status, answer.content_type) == (request["status"], request["content_type"])
    assert told["header"] == expected["header"]
    assert list(told["body"]) == list(expected["body"])
    assert {type(told["body"][field]) for field in ("numOfRows", "pageNo", "totalCount")} == {int}
    rows, examples = told["body"]["items"]["item"], expected["body"]["items"]["item"]
    assert len(rows) == told["body"]["totalCount"]
    assert {tuple(row) for row in rows} == {tuple(row) for row in examples}
    assert {type(value) for row in rows for value in row.values()} == {str}


def test_eleven_days_of_a_share_are_told_as_recorded(world: World, recorded: Path) -> None:
    name = "getStockPriceInfo_005930_20251028_20251111"
    asked = json.loads((recorded / "fsc" / f"{name}.request.json").read_text("utf-8"))["query"]
    expected = json.loads((recorded / "fsc" / f"{name}.json").read_text("utf-8"))["response"]
    body = body_of(world, SHARES, **asked)
    assert (body["numOfRows"], body["totalCount"]) == (400, 11)
    rows, examples = body["items"]["item"], expected["body"]["items"]["item"]
    same = ("basDt", "srtnCd", "isinCd", "itmsNm", "mrktCtg")
    assert [[row[field] for field in same] for row in rows] == [
        [row[field] for field in same] for row in examples
    ]


def test_day_without_rows_is_written_as_recorded(world: World, recorded: Path) -> None:
    expected = json.loads((recorded / "fsc" / "empty_items.json").read_text("utf-8"))
    assert json.loads(ask(world, ITEMS, basDt="20260308").body) == expected


def test_missing_key_is_refused_by_the_gateway_in_xml(world: World, recorded: Path) -> None:
    answer = ask(world, ITEMS, serviceKey="")
    assert answer.content_type == "text/xml;charset=UTF-8"
    assert answer.body == (recorded / "fsc" / "error_gateway_30.xml").read_bytes()


def test_row_names_the_share_and_its_company(world: World) -> None:
    rows = body_of(world, basDt="20260312", numOfRows="3000")["items"]["item"]
    assert len(rows) > 190
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


@pytest.mark.parametrize("service", [ITEMS, SHARES, FUNDS, INDICES])
@pytest.mark.parametrize(
    ("now", "day", "is_out", "reason"),
    [
        ("2026-03-13T12:59+09:00", "20260312", False, "before 13:00 of the next working day"),
        ("2026-03-13T13:00+09:00", "20260312", True, "from 13:00"),
        ("2026-03-13T18:00+09:00", "20260313", False, "the day itself"),
        ("2026-03-15T18:00+09:00", "20260313", False, "Friday on Sunday"),
        ("2026-03-16T13:00+09:00", "20260313", True, "Friday on Monday"),
        ("2026-03-16T18:00+09:00", "20260314", False, "a Saturday"),
    ],
)
def test_day_is_out_on_the_next_working_day(
    world: World, service: str, now: str, day: str, is_out: bool, reason: str
) -> None:
    moment = datetime.fromisoformat(now)
    assert (body_of(world, service, moment, basDt=day)["totalCount"] > 0) == is_out, reason


@pytest.mark.parametrize(
    ("now", "day", "is_out", "reason"),
    [
        ("2026-03-12T23:59+09:00", "20260312", False, "the day itself"),
        ("2026-03-13T00:00+09:00", "20260312", True, "from the next day on"),
        ("2026-03-15T18:00+09:00", "20260313", True, "Friday on Sunday"),
        ("2026-03-16T18:00+09:00", "20260314", False, "a Saturday"),
    ],
)
def test_bonds_of_a_day_are_out_when_it_is_over(
    world: World, now: str, day: str, is_out: bool, reason: str
) -> None:
    moment = datetime.fromisoformat(now)
    assert (body_of(world, BONDS, moment, basDt=day)["totalCount"] > 0) == is_out, reason


def test_dividends_are_one_set_whose_day_is_the_day_of_loading(world: World) -> None:
    everything = body_of(world, DIVIDENDS, numOfRows="5000")["items"]["item"]
    newest = everything[0]["basDt"]
    loaded = [row for row in everything if row["basDt"] == newest]
    assert 1 < len(loaded) < len(everything)
    assert body_of(world, DIVIDENDS, basDt=newest, numOfRows="5000")["items"]["item"] == loaded
    samsung = [row for row in everything if row["crno"] == "1301110006246"]
    of_one = body_of(world, DIVIDENDS, crno="1301110006246", numOfRows="5000")
    assert of_one["items"]["item"] == samsung


def test_pages_of_bonds_add_up(world: World) -> None:
    pages = [
        body_of(world, BONDS, basDt="20260312", numOfRows="1000", pageNo=f"{number}")
        for number in range(1, 6)
    ]
    found = [row["isinCd"] for body in pages if body["items"] for row in body["items"]["item"]]
    assert len(set(found)) == len(found) == pages[0]["totalCount"] > 1000
    assert pages[-1]["items"] == ""


def test_pages_hold_ten_rows_by_default_and_the_last_is_empty(world: World) -> None:
    first = body_of(world, basDt="20260312")
    assert (first["numOfRows"], first["pageNo"], len(first["items"]["item"])) == (10, 1, 10)
    past_the_end = body_of(world, basDt="20260312", pageNo="1000")
    assert past_the_end["items"] == ""
    assert past_the_end["totalCount"] == first["totalCount"]


def test_single_row_is_an_object(world: World) -> None:
    body = body_of(world, basDt="20260312", likeSrtnCd="005930")
    assert (body["totalCount"], body["items"]["item"]["itmsNm"]) == (1, "삼성전자")


def test_single_fund_is_a_list_as_recorded(world: World) -> None:
    body = body_of(world, FUNDS, basDt="20260312", numOfRows="1")
    assert len(body["items"]["item"]) == 1
    assert body["totalCount"] > 1


@pytest.mark.parametrize(
    ("service", "query"), [(SHARES, {"srtnCd": "005930"}), (BONDS, {"isinCd": "KR6005931111"})]
)
def test_unknown_filter_is_ignored(world: World, service: str, query: dict[str, str]) -> None:
    everything = body_of(world, service, basDt="20260312")["totalCount"]
    assert body_of(world, service, basDt="20260312", **query)["totalCount"] == everything > 0


@pytest.mark.parametrize(
    ("service", "query", "rows"),
    [
        (SHARES, {"isinCd": "KR7005930003"}, 1),
        (SHARES, {"likeIsinCd": "700593"}, 2),
        (SHARES, {"likeItmsNm": "삼성전자"}, 2),
        (SHARES, {"itmsNm": "삼성전자"}, 1),
        (ITEMS, {"crno": "1301110006246"}, 2),
        (INDICES, {"idxNm": "화학"}, 2),
        (INDICES, {"idxNm": "화학", "idxCsf": "KOSPI시리즈"}, 1),
        (SHARES, {"itmsNm": "nobody"}, 0),
        (BONDS, {"bondIsurNm": "nobody"}, 0),
        (BONDS, {"crno": "1301110006246", "bondIsurNm": "nobody"}, 0),
        (DIVIDENDS, {"stckIssuCmpyNm": "nobody"}, 0),
    ],
)
def test_known_filters_take_a_whole_or_a_part(
    world: World, service: str, query: dict[str, str], rows: int
) -> None:
    assert body_of(world, service, basDt="20260312", **query)["totalCount"] == rows


def test_last_day_of_a_window_is_left_out(world: World) -> None:
    body = body_of(world, SHARES, beginBasDt="20260310", endBasDt="20260312", likeSrtnCd="005930")
    assert [row["basDt"] for row in body["items"]["item"]] == ["20260311", "20260310"]


def test_market_is_a_filter(world: World) -> None:
    rows = body_of(world, basDt="20260312", mrktCls="KONEX", numOfRows="3000")["items"]["item"]
    assert {row["mrktCtg"] for row in rows} == {"KONEX"}


def test_xml_is_the_default(world: World) -> None:
    answer = ask(world, ITEMS, basDt="20260312", resultType="", numOfRows="3")
    root = ElementTree.fromstring(answer.body)
    assert root.findtext("header/resultCode") == "00"
    assert len(root.findall("body/items/item")) == 3


@pytest.mark.parametrize("query", [{"numOfRows": "x"}, {"pageNo": "0"}])
def test_bad_number_is_a_flat_error(world: World, query: dict[str, str]) -> None:
    assert json.loads(ask(world, ITEMS, **query).body)["resultCode"] == "10"


def test_other_services_have_no_answer(world: World) -> None:
    request = Request("GET", "apis.data.go.kr", "/1160100/service/Other/getOther", {})
    assert Fsc(world, lambda: EVENING).answer(request) is None
