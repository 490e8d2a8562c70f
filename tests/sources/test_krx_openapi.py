"""The exchange's Open API over the wire: two refusals with one status, one market per request."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.errors import (
    AuthError,
    BadPayload,
    BadRequest,
    EmptyOnBusinessDay,
    RateLimited,
    SchemaDrift,
    ServerError,
    SettingMissing,
)
from stock_pipeline.sources.krx_openapi import KrxOpenApi
from stock_pipeline.sources.transport import NotArchived, NotEntitled, Transport

KEY = "CANARY0OPENAPI0KEY0" + "5E" * 10
DAY = date(2024, 1, 4)
BEFORE_KONEX = date(2013, 6, 28)
ROW = {"BAS_DD": "20240104", "ISU_CD": "00104K", "TDD_OPNPRC": "0", "SECT_TP_NM": "-", "NEW": ""}
STOCKS = ("stk_bydd_trd", "ksq_bydd_trd", "knx_bydd_trd")
ISSUES = ("stk_isu_base_info", "ksq_isu_base_info", "knx_isu_base_info")
INDICES = ("krx_dd_trd", "kospi_dd_trd", "kosdaq_dd_trd")


def _rows(*rows: dict[str, Any]) -> str:
    return json.dumps({"OutBlock_1": rows}, ensure_ascii=False)


@pytest.fixture
def openapi(transport: Transport, upstream: Any) -> KrxOpenApi:
    """Return a client with a key, in front of one row for every market."""
    for operation in (*STOCKS, *ISSUES, *INDICES, "etf_bydd_trd"):
        upstream.say(operation, upstream.text(_rows(ROW)))
    return KrxOpenApi(transport, KEY)


@pytest.mark.parametrize(
    ("method", "paths"),
    [
        ("stocks", [f"sto/{name}" for name in STOCKS]),
        ("issues", [f"sto/{name}" for name in ISSUES]),
        ("etfs", ["etp/etf_bydd_trd"]),
        ("indices", [f"idx/{name}" for name in INDICES]),
    ],
)
def test_one_request_per_market_brings_its_rows_as_they_are(
    openapi: KrxOpenApi, upstream: Any, method: str, paths: list[str]
) -> None:
    assert getattr(openapi, method)(DAY).data == [ROW] * len(paths)
    assert [request.path for request in upstream.asked] == [f"/svc/apis/{p}" for p in paths]
    assert {request.query["basDd"] for request in upstream.asked} == {"20240104"}


def test_the_key_travels_in_a_header_and_is_kept_nowhere(
    openapi: KrxOpenApi, upstream: Any, tmp_path: Path
) -> None:
    openapi.etfs(DAY)
    (request,) = upstream.asked
    assert request.headers["auth_key"] == KEY
    assert request.query == {"basDd": "20240104"}
    kept = [path.read_bytes() for path in (tmp_path / "raw").rglob("*") if path.is_file()]
    assert kept
    assert not any(KEY.encode() in body for body in kept)


def test_an_archived_day_is_read_again_without_a_key(
    openapi: KrxOpenApi, upstream: Any, replaying: Transport
) -> None:
    rows = openapi.stocks(DAY).data
    upstream.asked.clear()
    replayed = KrxOpenApi(replaying, None)
    assert replayed.stocks(DAY).data == rows
    with pytest.raises(NotArchived):
        replayed.stocks(date(2024, 1, 5))
    assert upstream.asked == []


def test_konex_is_not_asked_about_days_before_it_opened(openapi: KrxOpenApi, upstream: Any) -> None:
    row = ROW | {"BAS_DD": "20130628"}
    for operation in STOCKS:
        upstream.say(operation, upstream.text(_rows(row)))
    assert openapi.stocks(BEFORE_KONEX).data == [row, row]


# ---- section 2: what is refused


def test_f26_a_service_not_applied_for_stops_no_other_of_the_key(
    openapi: KrxOpenApi, upstream: Any, recorded: Path, budget: Any
) -> None:
    body = (recorded / "krx-openapi" / "error_401_service_not_approved.json").read_bytes()
    upstream.say("knx_isu_base_info", upstream.text(body, 401))
    for _ in range(2):
        with pytest.raises(NotEntitled, match="sto/knx_isu_base_info was not applied for"):
            openapi.issues(DAY)
    assert len(upstream.asked) == 3, "the second time not even the markets before it are asked"
    assert (len(openapi.stocks(DAY).data), len(openapi.etfs(DAY).data)) == (3, 1)
    assert budget.count("KRX_OPENAPI") == 7, "the limit is that of the key, over all its services"


def test_f26_a_wrong_key_stops_every_service_of_it(
    openapi: KrxOpenApi, upstream: Any, recorded: Path
) -> None:
    body = (recorded / "krx-openapi" / "error_401_bad_key.json").read_bytes()
    upstream.say("etf_bydd_trd", upstream.text(body, 401))
    for ask in (openapi.etfs, openapi.stocks, openapi.indices):
        with pytest.raises(AuthError, match="renew KRX_OPENAPI_KEY"):
            ask(DAY)
    assert len(upstream.asked) == 1


@pytest.mark.parametrize(
    ("recording", "told"),
    [
        ("error_401_bad_key", "renew KRX_OPENAPI_KEY"),
        ("error_401_service_not_approved", "the service sto/stk_bydd_trd was not applied for"),
    ],
)
def test_f26_the_body_of_a_401_tells_a_wrong_key_from_a_service_not_applied_for(
    openapi: KrxOpenApi, upstream: Any, recorded: Path, recording: str, told: str
) -> None:
    body = (recorded / "krx-openapi" / f"{recording}.json").read_bytes()
    upstream.say("stk_bydd_trd", upstream.text(body, 401))
    with pytest.raises(AuthError, match=told) as error:
        openapi.stocks(DAY)
    assert error.value.setting == "KRX_OPENAPI_KEY"
    assert ("not applied for" in str(error.value)) == ("not_approved" in recording)
    assert KEY not in str(error.value)
    with pytest.raises(AuthError):
        openapi.stocks(DAY)
    assert len(upstream.asked) == 1, "a refused key is not offered again"


@pytest.mark.parametrize(
    ("status", "body", "kind", "requests"),
    [
        (404, '{"respMsg":"[/svc/apis/x] API referenced …","respCode":"404"}', BadRequest, 1),
        (429, "", RateLimited, 3),  # over the limit: two more tries, then the source rests
        (401, "Unauthorized", AuthError, 1),  # no JSON
        (503, "<html>", ServerError, 4),
        (200, "<html>점검</html>", BadPayload, 2),
        (200, '{"OutBlock_2":[]}', SchemaDrift, 1),
        (200, '{"OutBlock_1":{}}', SchemaDrift, 1),
        (200, '{"OutBlock_1":["row"]}', SchemaDrift, 1),
        (200, '["OutBlock_1"]', SchemaDrift, 1),
        (200, _rows(ROW | {"TDD_OPNPRC": 0}), SchemaDrift, 1),  # every value is a text
        (200, _rows({"ISU_CD": "005930"}), SchemaDrift, 1),  # rows without a day
        (200, _rows(ROW, ROW | {"BAS_DD": "20240103"}), BadPayload, 2),  # of another day
    ],
)
def test_every_other_refusal_has_its_class(
    openapi: KrxOpenApi,
    upstream: Any,
    status: int,
    body: str,
    kind: type[Exception],
    requests: int,
) -> None:
    upstream.say("etf_bydd_trd", upstream.text(body, status))
    with pytest.raises(kind):
        openapi.etfs(DAY)
    assert len(upstream.asked) == requests


@pytest.mark.parametrize("empty", STOCKS)
def test_f12_an_empty_market_on_a_session_is_no_day(
    openapi: KrxOpenApi, upstream: Any, empty: str
) -> None:
    upstream.say(empty, upstream.text(_rows()))
    with pytest.raises(EmptyOnBusinessDay, match="2024-01-04"):
        openapi.stocks(DAY)


def test_master_data_has_no_day_in_its_rows(openapi: KrxOpenApi, upstream: Any) -> None:
    row = {"ISU_CD": "KR7005930003", "ISU_SRT_CD": "005930", "PARVAL": "무액면"}
    for operation in ISSUES:
        upstream.say(operation, upstream.text(_rows(row)))
    assert openapi.issues(DAY).data == [row] * 3


# ---- the key


def test_f37_a_missing_key_is_named_before_anything_is_sent(
    transport: Transport, upstream: Any
) -> None:
    with pytest.raises(SettingMissing, match=r"KRX_OPENAPI_KEY .*openapi\.krx\.co\.kr"):
        KrxOpenApi(transport, None).stocks(DAY)
    assert upstream.asked == []


@pytest.mark.parametrize("key", [" blank-in-front", "line\nfeed", "키가-아니다", "tab\there"])
def test_f59_a_key_that_no_header_can_hold_is_refused_without_being_told(
    transport: Transport, upstream: Any, key: str
) -> None:
    with pytest.raises(AuthError, match="KRX_OPENAPI_KEY") as error:
        KrxOpenApi(transport, key).stocks(DAY)
    assert key not in str(error.value)
    assert upstream.asked == []


# ---- whole recorded days


@pytest.mark.parametrize(
    ("method", "operations", "count"),
    [
        ("stocks", STOCKS, 953 + 1703 + 129),
        ("etfs", ("etf_bydd_trd",), 812),
        ("indices", INDICES, 34 + 47 + 38),
    ],
)
def test_a_recorded_day_comes_through_row_by_row(
    openapi: KrxOpenApi,
    upstream: Any,
    recorded: Path,
    method: str,
    operations: tuple[str, ...],
    count: int,
) -> None:
    expected = []
    for operation in operations:
        body = (recorded / "krx-openapi" / f"{operation}_20240104.json").read_bytes()
        upstream.say(operation, upstream.text(body))
        expected += json.loads(body)["OutBlock_1"]
    assert getattr(openapi, method)(DAY).data == expected
    assert len(expected) == count
