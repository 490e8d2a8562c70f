"""DART over the wire: every documented status, the block, the night, pages, batches, the zip."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stock_pipeline.errors import (
    AuthError,
    BadPayload,
    BadRequest,
    Blocked,
    Maintenance,
    QuotaExhausted,
    SchemaDrift,
    ServerError,
    SettingMissing,
    UpstreamError,
)
from stock_pipeline.sources.dart import Dart, closed_until
from stock_pipeline.sources.transport import Transport
from stock_pipeline.twin.wire import Answer

KEY = "0123456789abcdef0123456789abcdef01234567"
DAY = date(2026, 3, 13)


@pytest.fixture
def dart(transport: Transport, upstream: Any) -> Dart:
    """Return a client with a key, in front of the script."""
    return Dart(transport, KEY)


def _status(code: str) -> str:
    return json.dumps({"status": code, "message": "정상"}, ensure_ascii=False)


def _page(number: int, pages: int, total: int, *numbers: int) -> str:
    rows = [{"rcept_no": f"{n:014d}", "corp_code": "00126380", "rm": ""} for n in numbers]
    counts = {"page_no": number, "page_count": 100, "total_count": total, "total_page": pages}
    return json.dumps({"status": "000", "message": "정상", **counts, "list": rows})


def _accounts(*codes: str) -> str:
    rows = [
        {"corp_code": code, "account_nm": "자산총계", "thstrm_amount": "1,000"} for code in codes
    ]
    return json.dumps({"status": "000", "message": "정상", "list": rows})


# ---- codes


@pytest.mark.parametrize("code", ["010", "011", "012", "101", "901"])
def test_f26_a_refused_key_costs_one_request_and_is_named(
    dart: Dart, upstream: Any, code: str
) -> None:
    upstream.say("company", upstream.text(_status(code)))
    for _ in range(3):
        with pytest.raises(AuthError, match=f"status {code}.*renew DART_API_KEY") as caught:
            dart.company("00126380")
    assert len(upstream.asked) == 1
    assert KEY not in f"{caught.value!r} {vars(caught.value)}"


@pytest.mark.parametrize("code", ["013", "014"])
def test_f27_no_data_is_an_answer(dart: Dart, upstream: Any, archive: Any, code: str) -> None:
    for operation in ("list", "fnlttSinglAcntAll", "fnlttMultiAcnt", "company"):
        upstream.say(operation, upstream.text(_status(code)))
    assert dart.filings(DAY, DAY, kind=None).data == []
    assert dart.full_accounts("00126380", 2025, "11011", "CFS").data == []
    assert [p.data for p in dart.main_accounts(["00126380"], 2025, "11011")] == [[]]
    assert dart.company("00126380").data == {}
    assert len(archive.find("DART", "list", {})) == 1


def test_f28_the_rate_limit_becomes_the_end_of_the_day(
    dart: Dart, upstream: Any, clock: Any, budget: Any
) -> None:
    upstream.say("company", upstream.text(_status("020")))
    for _ in range(2):
        with pytest.raises(QuotaExhausted) as caught:
            dart.company("00126380")
    assert caught.value.until == datetime(2026, 3, 13, 15, 0, tzinfo=UTC)
    assert [60 <= wait <= 78 for wait in clock.sleeps if wait > 1] == [True, True]
    assert budget.exhausted == {"DART"}
    assert len(upstream.asked) == 3


def test_f28_the_daily_limit_ends_requests_before_they_leave(
    transport: Transport, upstream: Any
) -> None:
    upstream.say("company", upstream.text(_status("013")))
    dart = Dart(transport, KEY, daily_limit=2)
    for code in ("00000001", "00000002"):
        dart.company(code)
    with pytest.raises(QuotaExhausted):
        dart.company("00000003")
    assert len(upstream.asked) == 2


@pytest.mark.parametrize("code", ["021", "100", "777"])
def test_f29_a_wrong_request_names_its_parameters_and_no_values(
    dart: Dart, upstream: Any, code: str
) -> None:
    upstream.say("fnlttSinglAcntAll", upstream.text(_status(code)))
    parameters = "parameters corp_code, bsns_year, reprt_code, fs_div"
    with pytest.raises(BadRequest, match=f"status {code}; {parameters}$"):
        dart.full_accounts("00126380", 2025, "11011", "CFS")
    assert len(upstream.asked) == 1


def test_f30_maintenance_lasts_until_ten_past_two_in_seoul(dart: Dart, upstream: Any) -> None:
    upstream.say("company", upstream.text(_status("800")))
    for _ in range(2):
        with pytest.raises(Maintenance) as caught:
            dart.company("00126380")
    assert caught.value.until == datetime(2026, 3, 13, 17, 10, tzinfo=UTC)
    assert len(upstream.asked) == 1


def test_f30_an_undefined_error_is_a_server_error(dart: Dart, upstream: Any, clock: Any) -> None:
    upstream.say("company", upstream.text(_status("900")))
    with pytest.raises(ServerError):
        dart.company("00126380")
    assert [round(w / 30) for w in clock.sleeps if w > 1] == pytest.approx([1, 2, 4], abs=1.2)
    assert len(upstream.asked) == 4


NIGHT = [
    (datetime(2026, 3, 13, 15, 59, 59, tzinfo=UTC), False),  # 00:59:59 in Seoul
    (datetime(2026, 3, 13, 16, 0, 0, tzinfo=UTC), True),  # 01:00:00
    (datetime(2026, 3, 13, 16, 59, 59, tzinfo=UTC), True),  # 01:59:59
    (datetime(2026, 3, 13, 17, 0, 0, tzinfo=UTC), False),  # 02:00:00
]


@pytest.mark.parametrize(("now", "closed"), NIGHT)
def test_f30_nothing_is_sent_between_one_and_two_in_seoul(
    dart: Dart, upstream: Any, clock: Any, now: datetime, closed: bool
) -> None:
    upstream.say("company", upstream.text(_status("013")))
    clock.instant = now
    if not closed:
        assert dart.company("00126380").data == {}
        return
    with pytest.raises(Maintenance):
        dart.company("00126380")
    assert upstream.asked == []
    assert closed_until(now) == datetime(2026, 3, 13, 17, 10, tzinfo=UTC)


def test_a_redirect_is_a_block_for_an_hour_and_not_followed(
    dart: Dart, upstream: Any, budget: Any, clock: Any
) -> None:
    location = {"Location": "https://opendart.fss.or.kr/error1.html"}
    upstream.say("list", Answer(302, b"", "", "list", headers=location))
    for _ in range(3):
        with pytest.raises(Blocked):
            dart.filings(DAY, DAY, kind=None)
    assert budget.blocked == {"DART": clock.now() + timedelta(hours=1)}
    assert [request.path for request in upstream.asked] == ["/api/list.json"]


def test_a_page_instead_of_json_is_a_block(dart: Dart, upstream: Any, budget: Any) -> None:
    upstream.say("company", upstream.text("<html>error</html>", kind="text/html"))
    with pytest.raises(Blocked):
        dart.company("00126380")
    assert "DART" in budget.blocked
    assert len(upstream.asked) == 1


def test_f37_a_missing_key_is_said_before_any_request(transport: Transport, upstream: Any) -> None:
    with pytest.raises(SettingMissing, match="DART_API_KEY is not set: apply at"):
        Dart(transport, None).corp_codes()
    assert upstream.asked == []


# ---- the zip of corporate codes


def test_the_recorded_corporate_codes_come_through(
    dart: Dart, upstream: Any, replaying: Transport, recorded: Path
) -> None:
    body = (recorded / "dart" / "corpCode.zip").read_bytes()
    upstream.say("corpCode", upstream.text(body, kind="application/x-msdownload"))
    assert dart.corp_codes().data == body
    assert Dart(replaying, None).corp_codes().data == body


def test_f31_a_recorded_error_in_place_of_the_zip_is_read(
    dart: Dart, upstream: Any, recorded: Path
) -> None:
    body = (recorded / "dart" / "error_010_zip_endpoint.xml").read_bytes()
    upstream.say("corpCode", upstream.text(body, kind="application/xml"))
    with pytest.raises(AuthError, match="status 010"):
        dart.corp_codes()


BAD_FILES = [
    (b"", "nothing"),
    (b"PK\x03\x04", "a signature alone"),
    (b"PK\x03\x04" + b"\0" * 500, "a signature and zeros"),
    (b"PK\x05\x06" + b"\0" * 18, "an empty zip"),
    (b"<html>maintenance</html>", "a page"),
    (b'{"status":"010","message":""}', "JSON"),
    (b"<result><status>000</status></result>", "success without a zip"),
    (b"<result><status>013</status></result>", "no data, which cannot be"),
    (b"\xff\xfe\x00", "bytes of no text"),
    (b"<result><status>abc</status></result>", "a status of letters"),
]


@pytest.mark.parametrize(("body", "why"), BAD_FILES, ids=[why for _, why in BAD_FILES])
def test_f31_a_bad_file_is_a_bad_payload_and_is_not_archived(
    dart: Dart, upstream: Any, archive: Any, body: bytes, why: str
) -> None:
    upstream.say("corpCode", upstream.text(body))
    with pytest.raises(BadPayload):
        dart.corp_codes()
    assert archive.find("DART", "corpCode", {}) == []
    assert len(upstream.asked) == 2


# ---- filings


def test_all_pages_are_asked_for_oldest_first(dart: Dart, upstream: Any, budget: Any) -> None:
    upstream.say("list", *[upstream.text(p) for p in (_page(1, 2, 3, 1, 2), _page(2, 2, 3, 3))])
    rows = dart.filings(date(2026, 3, 12), DAY, kind="A").data
    assert [row["rcept_no"][-1] for row in rows] == ["1", "2", "3"]
    first, second = upstream.queries("list")
    assert first == {
        "bgn_de": "20260312",
        "end_de": "20260313",
        "pblntf_ty": "A",
        "sort": "date",
        "sort_mth": "asc",
        "page_count": "100",
        "page_no": "1",
        "crtfc_key": KEY,
    }
    assert second == {**first, "page_no": "2"}
    assert [at for _, at in budget.admitted] == [0, 0.25]


BAD_PAGES = [
    ([_page(1, 3, 6, 1, 2)], "the same page for ever"),
    ([_page(1, 2, 4, 1, 2), _page(2, 2, 4, 2, 3)], "pages that overlap"),
    ([_page(1, 1, 5, 1, 2)], "fewer rows than announced"),
    ([_page(1, 1, 1, 1, 2)], "more rows than announced"),
    ([_page(1, 2, 3, 1, 2), _page(2, 2, 4, 3)], "a total that changes without a row"),
    ([_page(1, 1001, 100_001, 1)], "pages without end"),
]


@pytest.mark.parametrize(("pages", "why"), BAD_PAGES, ids=[why for _, why in BAD_PAGES])
def test_f24_pages_that_do_not_add_up_are_never_complete(
    dart: Dart, upstream: Any, pages: list[str], why: str
) -> None:
    upstream.say("list", *map(upstream.text, pages))
    with pytest.raises(BadPayload):
        dart.filings(DAY, DAY, kind=None)
    assert len(upstream.asked) <= 2


def test_a_replay_goes_through_the_same_pages(
    dart: Dart, upstream: Any, replaying: Transport
) -> None:
    upstream.say("list", *[upstream.text(p) for p in (_page(1, 2, 3, 1, 2), _page(2, 2, 3, 3))])
    live = dart.filings(DAY, DAY, kind=None)
    assert Dart(replaying, None).filings(DAY, DAY, kind=None) == live
    assert len(upstream.asked) == 2


# ---- statements


def test_main_accounts_are_asked_for_a_hundred_companies_at_a_time(
    dart: Dart, upstream: Any, replaying: Transport
) -> None:
    codes = [f"{n:08d}" for n in range(250)]
    answers = [_accounts(codes[0], codes[99]), _status("013"), _accounts(codes[249])]
    upstream.say("fnlttMultiAcnt", *map(upstream.text, answers))
    sizes = [len(payload.data) for payload in dart.main_accounts(codes, 2025, "11011")]
    assert sizes == [2, 0, 1]
    asked = [query["corp_code"].split(",") for query in upstream.queries("fnlttMultiAcnt")]
    assert asked == [codes[:100], codes[100:200], codes[200:]]
    again = Dart(replaying, None).main_accounts([], 2025, "11011")
    assert sorted(len(payload.data) for payload in again) == [0, 1, 2]
    assert list(Dart(replaying, None).main_accounts(codes, 2024, "11011")) == []


def test_batches_come_one_by_one_so_that_what_came_is_kept(dart: Dart, upstream: Any) -> None:
    codes = [f"{n:08d}" for n in range(200)]
    answers = [_accounts(codes[0]), _status("010")]
    upstream.say("fnlttMultiAcnt", *map(upstream.text, answers))
    batches = dart.main_accounts(codes, 2025, "11011")
    assert len(next(batches).data) == 1
    with pytest.raises(AuthError):
        next(batches)


def test_rows_of_a_company_nobody_asked_for_are_refused(dart: Dart, upstream: Any) -> None:
    upstream.say("fnlttSinglAcntAll", upstream.text(_accounts("00999999")))
    with pytest.raises(BadPayload, match="not asked for"):
        dart.full_accounts("00126380", 2025, "11011", "CFS")


SHAPES = [
    ('{"status":"000"}', SchemaDrift, "no list"),
    ('{"status":"000","list":{}}', SchemaDrift, "a record for the list"),
    ('{"status":"000","list":[1]}', SchemaDrift, "a number for a row"),
    ('{"status":"000","list":[{"code":"1"}]}', SchemaDrift, "the key renamed"),
    ('{"status":"000","list":[{"corp_code":"00126380","ord":1}]}', SchemaDrift, "a number"),
    ('{"message":"정상"}', BadPayload, "no status"),
    ('{"status":13}', BadPayload, "a status that is a number"),
    ("[]", BadPayload, "a list"),
    ('{"status":"000","list":[', BadPayload, "cut short"),
]


@pytest.mark.parametrize(("body", "kind", "why"), SHAPES, ids=[why for *_, why in SHAPES])
def test_f16_another_shape_is_a_typed_error(
    dart: Dart, upstream: Any, body: str, kind: type[UpstreamError], why: str
) -> None:
    upstream.say("fnlttSinglAcntAll", upstream.text(body))
    with pytest.raises(kind):
        dart.full_accounts("00126380", 2025, "11011", "CFS")


def test_the_recorded_full_statement_is_handed_on_as_it_is(
    dart: Dart, upstream: Any, recorded: Path
) -> None:
    body = (recorded / "dart" / "fnlttSinglAcntAll_00126380_2023_11011_CFS.json").read_bytes()
    upstream.say("fnlttSinglAcntAll", upstream.text(body))
    rows = dart.full_accounts("00126380", 2023, "11011", "CFS").data
    assert rows == json.loads(body)["list"]
    assert len(rows) == 176


@pytest.mark.parametrize("name", ["error_010", "error_013"])
def test_recorded_errors_are_read_as_their_codes(
    dart: Dart, upstream: Any, recorded: Path, name: str
) -> None:
    upstream.say("company", upstream.text((recorded / "dart" / f"{name}.json").read_bytes()))
    if name == "error_013":
        assert dart.company("00126380").data == {}
        return
    with pytest.raises(AuthError):
        dart.company("00126380")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200))
def test_i13_any_bytes_are_rows_or_a_typed_error(transport: Transport, body: bytes) -> None:
    dart = Dart(transport, KEY)
    answer = stored(body)
    for decode in (dart._zip, dart._page, dart._rows_of({"corp_code": "00126380"})):
        try:
            decode(answer)
        except UpstreamError:
            continue


def stored(body: bytes) -> Any:
    """Return bytes as an answer of DART."""
    from stock_pipeline.sources.transport_wire import Answer as Received

    return Received("DART", "list", 200, {}, body)
