"""data.go.kr over the wire: three shapes of errors before the data, two of empty, pages."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stock_pipeline.errors import (
    AuthError,
    BadPayload,
    BadRequest,
    QuotaExhausted,
    RateLimited,
    SchemaDrift,
    ServerError,
    SettingMissing,
    UpstreamError,
)
from stock_pipeline.sources.fsc import Fsc
from stock_pipeline.sources.transport import Transport
from stock_pipeline.sources.transport_wire import Answer

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


@pytest.fixture
def fsc(transport: Transport, upstream: Any) -> Fsc:
    """Return a client with a key, in front of the script."""
    return Fsc(transport, KEY)


def _envelope(items: Any, total: int | str = 1, code: str = "00", page: int = 1) -> str:
    body = {"numOfRows": 3000, "pageNo": page, "totalCount": total, "items": items}
    header = {"resultCode": code, "resultMsg": "NORMAL SERVICE."}
    return json.dumps({"response": {"header": header, "body": body}}, ensure_ascii=False)


def _gateway(code: int | str) -> str:
    return (
        "<OpenAPI_ServiceResponse><cmmMsgHeader><errMsg>SERVICE ERROR</errMsg>"
        f"<returnReasonCode>{code}</returnReasonCode></cmmMsgHeader></OpenAPI_ServiceResponse>"
    )


def _flat(code: int | str) -> str:
    return json.dumps({"responseTime": "x", "resultCode": str(code), "resultMsg": "ERROR"})


def _gateway_json(code: int | str) -> str:
    return json.dumps({"OpenAPI_ServiceResponse": {"cmmMsgHeader": {"returnReasonCode": code}}})


def test_the_rows_of_a_day_come_as_they_are(fsc: Fsc, upstream: Any, replaying: Transport) -> None:
    upstream.say("getItemInfo", upstream.text(_envelope({"item": [ITEM]})))
    assert fsc.listed_items(DAY).data == [ITEM]
    assert upstream.queries("getItemInfo") == [
        {
            "basDt": "20260313",
            "numOfRows": "3000",
            "pageNo": "1",
            "resultType": "json",
            "serviceKey": KEY,
        }
    ]
    assert Fsc(replaying, None).listed_items(DAY).data == [ITEM]
    assert len(upstream.asked) == 1


@pytest.mark.parametrize(
    ("items", "total", "rows"),
    [
        ({"item": ITEM}, 1, 1),
        ("", 0, 0),
        ({"item": []}, 0, 0),
        ({}, 0, 0),
        (None, 0, 0),
    ],
    ids=["a record for a list", "empty text", "empty list", "empty record", "null"],
)
def test_one_row_and_no_rows_come_in_odd_shapes(
    fsc: Fsc, upstream: Any, items: Any, total: int, rows: int
) -> None:
    upstream.say("getItemInfo", upstream.text(_envelope(items, total)))
    assert fsc.listed_items(DAY).data == [ITEM] * rows


def test_the_recorded_empty_answer_is_no_data(fsc: Fsc, upstream: Any, recorded: Path) -> None:
    upstream.say("getItemInfo", upstream.text((recorded / "fsc/empty_items.json").read_bytes()))
    assert fsc.listed_items(DAY).data == []


CODES = [
    *[(code, ServerError) for code in (1, 2, 4, 5, 99)],
    *[(code, AuthError) for code in (20, 21, 30, 31, 32, 33)],
    *[(code, BadRequest) for code in (10, 11, 12, 77)],
    (22, QuotaExhausted),
    (23, RateLimited),
]


@pytest.mark.parametrize("shape", [_gateway, _flat, _gateway_json, lambda c: _envelope("", 0, c)])
@pytest.mark.parametrize(("code", "kind"), CODES)
def test_f33_every_code_is_read_in_every_shape(
    fsc: Fsc, upstream: Any, shape: Any, code: int, kind: type[UpstreamError]
) -> None:
    upstream.say("getItemInfo", upstream.text(shape(f"{code:02d}")))
    with pytest.raises(kind, match=f"code {code}") as caught:
        fsc.listed_items(DAY)
    assert KEY not in f"{caught.value!r} {vars(caught.value)}"


@pytest.mark.parametrize("shape", [_gateway, _flat, _gateway_json, lambda c: _envelope("", 0, c)])
def test_f33_code_three_is_no_data(fsc: Fsc, upstream: Any, shape: Any) -> None:
    upstream.say("getItemInfo", upstream.text(shape("03")))
    assert fsc.listed_items(DAY).data == []


@pytest.mark.parametrize(("name", "kind"), [("22", QuotaExhausted), ("30", AuthError)])
def test_f33_documented_errors_of_the_gateway(
    fsc: Fsc, upstream: Any, recorded: Path, name: str, kind: type[UpstreamError]
) -> None:
    body = (recorded / "fsc" / f"error_gateway_{name}.xml").read_bytes()
    upstream.say("getItemInfo", upstream.text(body, kind="text/xml"))
    for _ in range(2):
        with pytest.raises(kind):
            fsc.listed_items(DAY)
    assert len(upstream.asked) == 1


def test_the_quota_comes_back_at_midnight_in_seoul_for_all_processes(
    fsc: Fsc, upstream: Any, budget: Any
) -> None:
    upstream.say("getItemInfo", upstream.text(_gateway(22)))
    with pytest.raises(QuotaExhausted) as caught:
        fsc.listed_items(DAY)
    assert caught.value.until == datetime(2026, 3, 13, 15, 0, tzinfo=UTC)
    assert budget.exhausted == {"FSC"}


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (_gateway(30), 401, AuthError),
        (_gateway(22), 403, QuotaExhausted),
        (_gateway_json(30), 403, AuthError),
        ("Unauthorized", 401, AuthError),
        ("Unexpected errors", 500, ServerError),
        ("API not found", 404, BadRequest),
        ("<html>maintenance</html>", 200, BadPayload),
        ("<html>maintenance</html>", 503, ServerError),
        ('{"a": 1}', 200, BadPayload),
        ('{"a": 1}', 500, ServerError),
    ],
)
def test_f33_the_body_is_read_before_the_status(
    fsc: Fsc, upstream: Any, body: str, status: int, kind: type[UpstreamError]
) -> None:
    upstream.say("getItemInfo", upstream.text(body, status))
    with pytest.raises(kind):
        fsc.listed_items(DAY)


def _pages(upstream: Any, *pages: tuple[int, int]) -> None:
    texts = [_envelope({"item": [ITEM] * rows} if rows else "", total) for rows, total in pages]
    upstream.say("getItemInfo", *map(upstream.text, texts))


def test_pages_are_asked_until_the_announced_total(fsc: Fsc, upstream: Any) -> None:
    _pages(upstream, (3, 5), (2, 5))
    assert len(fsc.listed_items(DAY).data) == 5
    assert [query["pageNo"] for query in upstream.queries("getItemInfo")] == ["1", "2"]


@pytest.mark.parametrize(
    "pages",
    [[(3, 5), (0, 5)], [(3, 2)], [(3, 4), (2, 4)], [(0, 5)], [(3, 6), (3, 6)]],
    ids=["ends early", "too many", "too many later", "none of five", "the same page again"],
)
def test_f24_pages_that_do_not_add_up_are_never_complete(
    fsc: Fsc, upstream: Any, pages: list[tuple[int, int]]
) -> None:
    _pages(upstream, *pages)
    with pytest.raises(BadPayload, match="announced"):
        fsc.listed_items(DAY)
    assert len(upstream.asked) <= 10


def test_rows_of_another_day_are_refused(fsc: Fsc, upstream: Any) -> None:
    other = {**ITEM, "basDt": "20260312"}
    upstream.say("getItemInfo", upstream.text(_envelope({"item": [ITEM, other]}, 2)))
    with pytest.raises(BadPayload, match="another day"):
        fsc.listed_items(DAY)


@pytest.mark.parametrize(
    ("items", "total"),
    [
        ({"item": [{"srtnCd": "A005930"}]}, 1),
        ({"item": [{**ITEM, "crno": 1301110006246}]}, 1),
        ({"item": [1]}, 1),
        ({"item": "x"}, 1),
        ({"item": [ITEM]}, "1"),
    ],
    ids=["day renamed", "number", "no record", "text", "total as text"],
)
def test_f16_another_shape_is_schema_drift(
    fsc: Fsc, upstream: Any, items: Any, total: int | str
) -> None:
    upstream.say("getItemInfo", upstream.text(_envelope(items, total)))
    with pytest.raises(SchemaDrift):
        fsc.listed_items(DAY)


def test_f37_a_missing_key_is_said_before_any_request(transport: Transport, upstream: Any) -> None:
    with pytest.raises(SettingMissing, match="FSC_API_KEY is not set: apply at"):
        Fsc(transport, None).listed_items(DAY)
    assert upstream.asked == []


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200))
def test_i13_any_bytes_are_a_body_or_a_typed_error(transport: Transport, body: bytes) -> None:
    try:
        Fsc(transport, KEY)._body(Answer("FSC", "getItemInfo", 200, {}, body))
    except UpstreamError:
        return
