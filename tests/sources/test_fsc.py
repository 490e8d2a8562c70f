"""Six services of data.go.kr over the wire: what is asked, all pages or nothing, one day only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from stock_pipeline.errors import (
    AuthError,
    BadPayload,
    QuotaExhausted,
    RateLimited,
    SchemaDrift,
    SettingMissing,
    UpstreamError,
)
from stock_pipeline.sources.fsc import Fsc
from stock_pipeline.sources.fsc_envelope import Rows
from stock_pipeline.sources.transport import Payload, Transport
from stock_pipeline.twin.environment import REMOVED
from stock_pipeline.twin.replay import load_replay
from stock_pipeline.twin.server import Twin

KEY = "aB+/cd=="
DAY = date(2026, 3, 13)
ITEM = {
    "basDt": "20260313",
    "srtnCd": "A005930",
    "isinCd": "KR7005930003",
    "mrktCtg": "KOSPI",
    "itmsNm": "삼성전자",
    "crno": "1301110006246",
    "corpNm": "삼성전자(주)",
}

Ask = Callable[[Fsc], Payload[Rows]]


class Operation(NamedTuple):
    """An operation, its service, rows a page, the name to apply under, and our method."""

    name: str
    service: str
    size: int
    title: str
    ask: Ask


OPERATIONS = [
    Operation(
        "getItemInfo",
        "GetKrxListedInfoService",
        3000,
        "금융위원회_KRX상장종목정보",
        lambda fsc: fsc.listed_items(DAY),
    ),
    Operation(
        "getStockPriceInfo",
        "GetStockSecuritiesInfoService",
        3000,
        "금융위원회_주식시세정보",
        lambda fsc: fsc.stock_prices(DAY),
    ),
    Operation(
        "getETFPriceInfo",
        "GetSecuritiesProductInfoService",
        3000,
        "금융위원회_증권상품시세정보",
        lambda fsc: fsc.etf_prices(DAY),
    ),
    Operation(
        "getStockMarketIndex",
        "GetMarketIndexInfoService",
        3000,
        "금융위원회_지수시세정보",
        lambda fsc: fsc.indices(DAY),
    ),
    Operation(
        "getBondBasiInfo",
        "GetBondIssuInfoService",
        1000,
        "금융위원회_채권기본정보",
        lambda fsc: fsc.bonds(DAY),
    ),
    Operation(
        "getDiviInfo",
        "GetStocDiviInfoService",
        1000,
        "금융위원회_주식배당정보",
        lambda fsc: fsc.dividends(),
    ),
]
each_operation = pytest.mark.parametrize("one", OPERATIONS, ids=lambda one: one.name)
of_a_day = pytest.mark.parametrize("one", OPERATIONS[:-1], ids=lambda one: one.name)


@pytest.fixture
def fsc(transport: Transport, upstream: Any) -> Fsc:
    """Return a client with a key, in front of the script."""
    return Fsc(transport, KEY)


def _rows(first: int, end: int) -> list[dict[str, str]]:
    """Return rows that differ in everything that could tell them apart."""
    return [
        {"basDt": "20260313", "isinCd": f"KR{number:010d}", "idxCsf": "KRX", "idxNm": f"{number}"}
        for number in range(first, end)
    ]


def _page(rows: list[dict[str, str]], total: int) -> str:
    body = {"numOfRows": 3000, "pageNo": 1, "totalCount": total, "items": {"item": rows}}
    header = {"resultCode": "00", "resultMsg": "NORMAL SERVICE."}
    return json.dumps({"response": {"header": header, "body": body}}, ensure_ascii=False)


def _gateway(code: int) -> str:
    return (
        "<OpenAPI_ServiceResponse><cmmMsgHeader><errMsg>SERVICE ERROR</errMsg>"
        f"<returnReasonCode>{code}</returnReasonCode></cmmMsgHeader></OpenAPI_ServiceResponse>"
    )


# ---- what is asked


@each_operation
def test_an_operation_asks_its_own_service_page_by_page(
    fsc: Fsc, upstream: Any, one: Operation
) -> None:
    texts = [_page(_rows(0, 3), 5), _page(_rows(3, 5), 5)]
    upstream.say(one.name, *map(upstream.text, texts))
    assert one.ask(fsc).data == _rows(0, 5)
    day = {} if one.name == "getDiviInfo" else {"basDt": "20260313"}
    sent = {"numOfRows": f"{one.size}", "resultType": "json", "serviceKey": KEY, **day}
    assert upstream.queries(one.name) == [sent | {"pageNo": "1"}, sent | {"pageNo": "2"}]
    assert {request.path for request in upstream.asked} == {
        f"/1160100/service/{one.service}/{one.name}"
    }


def test_19_500_bonds_cost_20_requests(fsc: Fsc, upstream: Any) -> None:
    pages = [_rows(first, min(first + 1_000, 19_500)) for first in range(0, 19_500, 1_000)]
    upstream.say("getBondBasiInfo", *(upstream.text(_page(page, 19_500)) for page in pages))
    assert len(fsc.bonds(DAY).data) == 19_500
    assert len(upstream.asked) == 20


@each_operation
def test_what_was_archived_is_read_again_without_a_key(
    fsc: Fsc, upstream: Any, replaying: Transport, one: Operation
) -> None:
    texts = [_page(_rows(0, 3), 5), _page(_rows(3, 5), 5)]
    upstream.say(one.name, *map(upstream.text, texts))
    first = one.ask(fsc)
    assert one.ask(Fsc(replaying, None)) == first
    assert len(upstream.asked) == 2


@each_operation
def test_f37_a_missing_key_is_said_before_any_request(
    transport: Transport, upstream: Any, one: Operation
) -> None:
    with pytest.raises(SettingMissing, match=f"FSC_API_KEY is not set: apply for {one.title} at"):
        one.ask(Fsc(transport, None))
    assert upstream.asked == []


# ---- recorded answers


@pytest.fixture
def recordings(
    transport: Transport, monkeypatch: pytest.MonkeyPatch, authority: Path, recorded: Path
) -> Iterator[Fsc]:
    """Return a client in front of the recorded answers, matched by address and parameters."""
    with Twin([], state=authority, replay=load_replay([recorded / "fsc"])) as twin:
        for name in REMOVED:
            monkeypatch.delenv(name, raising=False)
        for name, value in twin.environment({}).items():
            monkeypatch.setenv(name, value)
        yield Fsc(transport, KEY)


REPLAYED: list[tuple[str, Ask]] = [
    ("getStockPriceInfo_000020_20221125", lambda fsc: fsc.stock_prices(date(2022, 11, 25))),
    ("getStockMarketIndex_kospi_20230307", lambda fsc: fsc.indices(date(2023, 3, 7))),
    ("getBondBasiInfo_20260201_a", lambda fsc: fsc.bonds(date(2026, 2, 1))),
    ("getBondBasiInfo_KR6010141911_20200715", lambda fsc: fsc.bonds(date(2020, 7, 15))),
    ("getDiviInfo_KR7005930003_20260630", lambda fsc: fsc.dividends()),
]


@pytest.mark.parametrize(("name", "ask"), REPLAYED, ids=[one[0] for one in REPLAYED])
def test_a_recorded_answer_comes_through_field_by_field(
    recordings: Fsc, recorded: Path, name: str, ask: Ask
) -> None:
    body = json.loads((recorded / "fsc" / f"{name}.json").read_text("utf-8"))["response"]["body"]
    rows = ask(recordings).data
    assert rows == body["items"]["item"]
    assert len(rows) == body["totalCount"]


def test_fsc_section_3_the_recorded_first_page_of_1236_is_not_the_day(
    fsc: Fsc, upstream: Any, recorded: Path
) -> None:
    body = (recorded / "fsc" / "getETFPriceInfo_395270_20260820.json").read_bytes()
    upstream.say("getETFPriceInfo", upstream.text(body))
    with pytest.raises(BadPayload, match="2 rows on 2 pages, 1236 announced"):
        fsc.etf_prices(date(2026, 8, 20))


def test_fsc_section_2_recorded_rows_of_eleven_days_are_not_one_day(
    fsc: Fsc, upstream: Any, recorded: Path
) -> None:
    name = "getStockPriceInfo_005930_20251028_20251111.json"
    upstream.say("getStockPriceInfo", upstream.text((recorded / "fsc" / name).read_bytes()))
    with pytest.raises(BadPayload, match="another day"):
        fsc.stock_prices(date(2025, 11, 11))


# ---- pages


@pytest.mark.parametrize(
    ("pages", "why"),
    [
        ([(0, 3, 5), (3, 3, 5)], "they end early"),
        ([(0, 0, 5)], "they end early"),
        ([(0, 3, 2)], "there are more"),
        ([(0, 3, 4), (3, 5, 4)], "there are more"),
        ([(0, 1, 0)], "there are more"),
        ([(0, 3, 6), (0, 3, 6)], "a row stands on two pages"),
        ([(0, 3, 6), (2, 5, 6)], "a row stands on two pages"),
        ([(0, 3, 5), (3, 6, 6)], "the first page announced 5"),
    ],
    ids=[
        "an empty page before the end",
        "none of five",
        "more than announced",
        "more than announced, later",
        "a row where none was announced",
        "the same page again",
        "one row moved: as many as announced, one twice",
        "the set grew between two pages",
    ],
)
def test_f24_pages_that_do_not_add_up_are_never_complete(
    fsc: Fsc, upstream: Any, pages: list[tuple[int, int, int]], why: str
) -> None:
    texts = [_page(_rows(first, end), total) for first, end, total in pages]
    upstream.say("getBondBasiInfo", *map(upstream.text, texts))
    with pytest.raises(BadPayload, match=f"announced: {why}"):
        fsc.bonds(DAY)
    assert len(upstream.asked) == len(pages)


def test_f24_no_upstream_keeps_us_walking(fsc: Fsc, upstream: Any) -> None:
    texts = [_page(_rows(number, number + 1), 99) for number in range(11)]
    upstream.say("getItemInfo", *map(upstream.text, texts))
    with pytest.raises(BadPayload, match="10 rows on 10 pages, 99 announced: more pages than"):
        fsc.listed_items(DAY)
    assert len(upstream.asked) == 10


def test_fsc_section_6_dividends_that_are_alike_are_kept(fsc: Fsc, upstream: Any) -> None:
    texts = [_page(_rows(0, 3), 5), _page(_rows(2, 4), 5)]
    upstream.say("getDiviInfo", *map(upstream.text, texts))
    assert fsc.dividends().data == [*_rows(0, 3), *_rows(2, 4)]


def test_f24_a_whole_page_of_dividends_again_is_refused(fsc: Fsc, upstream: Any) -> None:
    upstream.say("getDiviInfo", upstream.text(_page(_rows(0, 3), 6)))
    with pytest.raises(BadPayload, match="6 rows on 2 pages, 6 announced: a row stands on two"):
        fsc.dividends()


def test_fsc_section_6_indices_of_two_families_share_a_name(fsc: Fsc, upstream: Any) -> None:
    families = [{**_rows(0, 1)[0], "idxCsf": name} for name in ("KOSPI시리즈", "KOSDAQ시리즈")]
    upstream.say("getStockMarketIndex", *(upstream.text(_page([row], 2)) for row in families))
    assert fsc.indices(DAY).data == families


@pytest.mark.parametrize("field", ["isinCd", "basDt"])
def test_f16_rows_without_what_tells_them_apart_are_schema_drift(
    fsc: Fsc, upstream: Any, field: str
) -> None:
    row = {name: value for name, value in ITEM.items() if name != field}
    upstream.say("getItemInfo", upstream.text(_page([row], 1)))
    with pytest.raises(SchemaDrift, match=f"column {field}"):
        fsc.listed_items(DAY)


# ---- what was asked for


@of_a_day
def test_fsc_section_2_rows_of_another_day_are_refused(
    fsc: Fsc, upstream: Any, one: Operation
) -> None:
    asked, other = _rows(0, 2)
    rows = [asked, {**other, "basDt": "20260312"}]
    upstream.say(one.name, upstream.text(_page(rows, 2)))
    with pytest.raises(BadPayload, match="another day"):
        one.ask(fsc)


def test_fsc_section_6_dividends_come_under_many_days_of_loading(fsc: Fsc, upstream: Any) -> None:
    rows = [{**row, "basDt": day} for row in _rows(0, 1) for day in ("20260313", "20260312")]
    upstream.say("getDiviInfo", upstream.text(_page(rows, 2)))
    assert fsc.dividends().data == rows


def test_fsc_section_5_a_day_without_rows_is_an_answer(fsc: Fsc, upstream: Any) -> None:
    upstream.say("getBondBasiInfo", upstream.text(_page([], 0)))
    assert fsc.bonds(DAY).data == []
    assert len(upstream.asked) == 1


# ---- refusals


@each_operation
def test_fsc_section_1_a_service_that_was_not_applied_for_is_named(
    fsc: Fsc, upstream: Any, one: Operation
) -> None:
    upstream.say(one.name, upstream.text(_gateway(20), kind="text/xml"))
    with pytest.raises(AuthError) as caught:
        one.ask(fsc)
    assert str(caught.value) == (
        f"FSC {one.name}: The key or account was refused: code 20: {one.service} ({one.title})"
        " was not applied for with this key; renew FSC_API_KEY"
    )
    assert KEY not in f"{caught.value!r} {vars(caught.value)}"


@pytest.mark.parametrize(
    ("code", "kind"), [(20, AuthError), (30, AuthError), (22, QuotaExhausted), (23, RateLimited)]
)
def test_fsc_section_1_a_service_that_refuses_leaves_the_others_open(
    fsc: Fsc, upstream: Any, code: int, kind: type[UpstreamError]
) -> None:
    upstream.say("getBondBasiInfo", upstream.text(_gateway(code), kind="text/xml"))
    upstream.say("getItemInfo", upstream.text(_page([ITEM], 1)))
    for _ in range(2):
        with pytest.raises(kind):
            fsc.bonds(DAY)
    asked = 3 if code == 23 else 1
    assert len(upstream.queries("getBondBasiInfo")) == asked
    assert fsc.listed_items(DAY).data == [ITEM]


def test_fsc_section_5_the_quota_of_a_service_ends_for_all_processes(
    fsc: Fsc, upstream: Any, budget: Any
) -> None:
    upstream.say("getBondBasiInfo", upstream.text(_gateway(22), kind="text/xml"))
    with pytest.raises(QuotaExhausted) as caught:
        fsc.bonds(DAY)
    assert caught.value.until == datetime(2026, 3, 13, 15, 0, tzinfo=UTC)
    assert budget.exhausted == {"FSC GetBondIssuInfoService"}


def test_fsc_section_5_a_service_is_asked_ten_thousand_times_a_day(
    fsc: Fsc, upstream: Any, budget: Any
) -> None:
    upstream.say("getItemInfo", upstream.text(_page([ITEM], 1)))
    upstream.say("getBondBasiInfo", upstream.text(_page([ITEM], 1)))
    budget.admitted += [("FSC GetKrxListedInfoService", 0.0)] * 9_999
    assert fsc.listed_items(DAY).data == [ITEM]
    with pytest.raises(QuotaExhausted):
        fsc.listed_items(DAY)
    assert len(upstream.asked) == 1
    assert fsc.bonds(DAY).data == [ITEM], "another service has a limit of its own"


def test_fsc_section_4_too_fast_is_asked_again_more_slowly(
    fsc: Fsc, upstream: Any, clock: Any
) -> None:
    texts = [_gateway(23), _page([ITEM], 1)]
    upstream.say("getItemInfo", *map(upstream.text, texts))
    assert fsc.listed_items(DAY).data == [ITEM]
    assert 60 <= max(clock.sleeps) <= 78
