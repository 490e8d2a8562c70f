"""One answer of data.go.kr: three shapes of errors before the data, two of empty, one row bare."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stock_pipeline.errors import (
    AuthError,
    BadPayload,
    BadRequest,
    QuotaExhausted,
    RateLimited,
    SchemaDrift,
    ServerError,
    UpstreamError,
)
from stock_pipeline.redaction import Scrubber
from stock_pipeline.sources.fsc_envelope import Page, read_page
from stock_pipeline.sources.transport_wire import Answer

NOW = datetime(2026, 3, 13, 9, 0, tzinfo=UTC)
SERVICE = "GetBondIssuInfoService (금융위원회_채권기본정보)"
ROW = {"basDt": "20260313", "isinCd": "KR7005930003", "fltRt": "-.75", "crno": " "}


def _read(body: str | bytes, status: int = 200, kind: str = "application/json") -> Page:
    raw = body if isinstance(body, bytes) else body.encode()
    headers = {"Content-Type": f"{kind};charset=UTF-8"}
    answer = Answer("FSC", "getBondBasiInfo", status, headers, raw)
    return read_page(answer, SERVICE, now=NOW, scrubber=Scrubber())


def _envelope(items: Any, total: Any = 1, code: str = "00") -> str:
    body = {"numOfRows": 3000, "pageNo": 1, "totalCount": total, "items": items}
    header = {"resultCode": code, "resultMsg": "NORMAL SERVICE."}
    return json.dumps({"response": {"header": header, "body": body}})


def _gateway(code: str) -> str:
    return (
        "<OpenAPI_ServiceResponse><cmmMsgHeader><errMsg>SERVICE ERROR</errMsg>"
        f"<returnReasonCode>{code}</returnReasonCode></cmmMsgHeader></OpenAPI_ServiceResponse>"
    )


def _flat(code: str) -> str:
    return json.dumps({"responseTime": "x", "resultCode": code, "resultMsg": "ERROR"})


def _gateway_json(code: str) -> str:
    return json.dumps({"OpenAPI_ServiceResponse": {"cmmMsgHeader": {"returnReasonCode": code}}})


def _envelope_json(code: str) -> str:
    return _envelope("", 0, code)


def _header_json(code: str) -> str:
    return json.dumps({"response": {"header": {"resultCode": code, "resultMsg": "ERROR"}}})


def _envelope_xml(code: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><response><header>'
        f"<resultCode>{code}</resultCode></header><body><items/></body></response>"
    )


SHAPES = [_gateway, _flat, _gateway_json, _envelope_json, _header_json, _envelope_xml]
CODES: list[tuple[str, type[UpstreamError]]] = [
    *[(code, ServerError) for code in ("1", "01", "02", "4", "04", "05", "99")],
    *[(code, BadRequest) for code in ("10", "11", "12", "77")],
    *[(code, AuthError) for code in ("20", "21", "30", "31", "32", "33")],
    ("22", QuotaExhausted),
    ("23", RateLimited),
]


@pytest.mark.parametrize("status", [200, 401, 403], ids="HTTP {}".format)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("code", "kind"), CODES)
def test_fsc_section_4_every_code_is_read_in_every_shape_and_before_the_status(
    shape: Callable[[str], str], code: str, kind: type[UpstreamError], status: int
) -> None:
    with pytest.raises(UpstreamError, match=rf"code {int(code)}\b") as caught:
        _read(shape(code), status)
    assert type(caught.value) is kind


@pytest.mark.parametrize("code", ["3", "03"])
@pytest.mark.parametrize("shape", SHAPES)
def test_fsc_section_4_code_three_is_no_data(shape: Callable[[str], str], code: str) -> None:
    assert _read(shape(code)) == Page([], 0)


@pytest.mark.parametrize(
    ("name", "kind"), [("error_gateway_22", QuotaExhausted), ("error_gateway_30", AuthError)]
)
def test_fsc_section_4_the_documented_errors_of_the_gateway(
    recorded: Path, name: str, kind: type[UpstreamError]
) -> None:
    with pytest.raises(kind):
        _read((recorded / "fsc" / f"{name}.xml").read_bytes(), kind="text/xml")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        *[(_gateway(code), 200) for code in ("20", "21", "30", "31", "32", "33")],
        (_gateway_json("30"), 403),
        ("Unauthorized", 401),
        ("Forbidden", 403),
        ("<html>Forbidden</html>", 403),
        ('{"broken', 401),
    ],
)
def test_fsc_section_1_a_refused_key_names_the_service_to_apply_for(body: str, status: int) -> None:
    with pytest.raises(AuthError) as caught:
        _read(body, status)
    assert caught.value.setting == "FSC_API_KEY"
    assert SERVICE in str(caught.value)
    assert str(caught.value).endswith("renew FSC_API_KEY")


def test_the_quota_comes_back_at_midnight_in_seoul() -> None:
    with pytest.raises(QuotaExhausted) as caught:
        _read(_gateway("22"))
    assert caught.value.until == datetime(2026, 3, 13, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ("Unexpected errors", 500, ServerError),
        ("API not found", 404, BadRequest),
        ("Too Many Requests", 429, RateLimited),
        ("<html>maintenance</html>", 503, ServerError),
        ("<html>maintenance</html>", 200, BadPayload),
        ("서비스 점검 중입니다", 200, BadPayload),
        ("", 200, BadPayload),
        ("[]", 200, BadPayload),
        ('{"a": 1}', 200, BadPayload),
        ('{"a": 1}', 500, ServerError),
        ('{"response": {', 200, BadPayload),
        ('{"response": {', 502, ServerError),
        (_envelope({"item": [ROW]}), 500, ServerError),
        (_envelope_xml("00"), 200, BadPayload),
    ],
    ids=lambda value: None if isinstance(value, type) else str(value)[:24],
)
def test_fsc_section_4_texts_and_pages_are_typed_errors(
    body: str, status: int, kind: type[UpstreamError]
) -> None:
    with pytest.raises(UpstreamError) as caught:
        _read(body, status)
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("items", "rows"),
    [
        ({"item": [ROW, ROW]}, 2),
        ({"item": ROW}, 1),
        ([ROW], 1),
        ("", 0),
        ({"item": []}, 0),
        ({}, 0),
        (None, 0),
    ],
    ids=["list", "record for a list", "bare list", "empty text", "empty list", "empty", "null"],
)
def test_fsc_section_3_one_row_and_no_rows_come_in_odd_shapes(items: Any, rows: int) -> None:
    assert _read(_envelope(items, 2)) == Page([ROW] * rows, 2)


def test_fsc_section_3_texts_stay_as_they_come() -> None:
    (row,) = _read(_envelope({"item": ROW})).rows
    assert (row["fltRt"], row["crno"]) == ("-.75", " ")


def test_fsc_section_3_the_recorded_empty_answer_is_no_data(recorded: Path) -> None:
    assert _read((recorded / "fsc" / "empty_items.json").read_bytes()) == Page([], 0)


RECORDED = [
    ("getStockPriceInfo_005930_20251028_20251111", 11, 11),
    ("getStockPriceInfo_000020_20221125", 1, 1),
    ("getETFPriceInfo_395270_20260820", 1, 1236),
    ("getStockMarketIndex_kospi_20230307", 1, 1),
    ("getBondBasiInfo_20260201_a", 5, 5),
    ("getBondBasiInfo_KR6010141911_20200715", 1, 1),
    ("getDiviInfo_KR7005930003_20260630", 1, 1),
]


@pytest.mark.parametrize(("name", "rows", "total"), RECORDED, ids=[one[0] for one in RECORDED])
def test_every_recorded_row_is_read_field_by_field(
    recorded: Path, name: str, rows: int, total: int
) -> None:
    body = (recorded / "fsc" / f"{name}.json").read_bytes()
    page = _read(body)
    assert page.rows == json.loads(body)["response"]["body"]["items"]["item"]
    assert (len(page.rows), page.total) == (rows, total)


@pytest.mark.parametrize(
    ("body", "column"),
    [
        (_envelope({"item": [{"isinCd": "KR7005930003"}]}), "basDt"),
        (_envelope({"item": [{**ROW, "crno": 1301110006246}]}), "crno"),
        (_envelope({"item": [{**ROW, "crno": None}]}), "crno"),
        (_envelope({"item": [1]}), "items.item"),
        (_envelope({"item": "x"}), "items.item"),
        (_envelope("x"), "items.item"),
        (_envelope({"item": [ROW]}, "1"), "totalCount"),
        (_envelope({"item": [ROW]}, None), "totalCount"),
        (_header_json("00"), "response.body"),
        ('{"response": {"header": {"resultCode": "00"}, "body": {}}}', "totalCount"),
    ],
)
def test_f16_another_shape_is_schema_drift(body: str, column: str) -> None:
    with pytest.raises(SchemaDrift) as caught:
        _read(body)
    assert caught.value.column == column


@settings(max_examples=60)
@given(body=st.binary(max_size=200), status=st.sampled_from([200, 401, 404, 500]))
def test_i13_any_bytes_are_a_page_or_a_typed_error(body: bytes, status: int) -> None:
    try:
        _read(body, status)
    except UpstreamError:
        return
