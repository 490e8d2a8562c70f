"""What DART's answers are read as: statuses, the block, the night, the zip, foreign shapes."""

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
from stock_pipeline.sources.dart import DART, Dart
from stock_pipeline.sources.dart_envelope import Envelope, closed_until
from stock_pipeline.sources.transport import Transport
from stock_pipeline.sources.transport_wire import Answer as Received
from stock_pipeline.twin.wire import Answer

KEY = "0123456789abcdef0123456789abcdef01234567"
DAY = date(2026, 3, 13)


@pytest.fixture
def dart(transport: Transport, upstream: Any) -> Dart:
    """Return a client with a key, in front of the script."""
    return Dart(transport, KEY)


def _status(code: str) -> str:
    return json.dumps({"status": code, "message": "정상"}, ensure_ascii=False)


def _accounts(code: str) -> str:
    rows = [{"corp_code": code, "account_nm": "자산총계", "thstrm_amount": "1,000"}]
    return json.dumps({"status": "000", "message": "정상", "list": rows})


# ---- codes


@pytest.mark.parametrize("code", ["010", "011", "012", "101", "901"])
def test_f26_dart_trap_1_a_refused_key_in_a_success_is_named_once(
    dart: Dart, upstream: Any, code: str
) -> None:
    upstream.say("alotMatter", upstream.text(_status(code)))
    for _ in range(3):
        with pytest.raises(AuthError, match=f"status {code}.*renew DART_API_KEY") as caught:
            dart.dividends("00126380", 2025, "11011")
    assert len(upstream.asked) == 1
    assert KEY not in f"{caught.value!r} {vars(caught.value)}"


@pytest.mark.parametrize("code", ["013", "014"])
def test_f27_dart_trap_2_no_data_is_an_answer(
    dart: Dart, upstream: Any, archive: Any, code: str
) -> None:
    for operation in ("list", "fnlttSinglAcntAll", "fnlttMultiAcnt", "alotMatter"):
        upstream.say(operation, upstream.text(_status(code)))
    assert dart.filings(DAY, DAY, kind=None).data == []
    assert dart.full_accounts("00126380", 2025, "11011", "CFS").data == []
    assert [p.data for p in dart.main_accounts(["00126380"], 2025, "11011")] == [[]]
    assert dart.dividends("00126380", 2025, "11011").data == []
    assert len(archive.find("DART", "list", {})) == 1


def test_f28_the_rate_limit_becomes_the_end_of_the_day(
    dart: Dart, upstream: Any, clock: Any, budget: Any
) -> None:
    upstream.say("alotMatter", upstream.text(_status("020")))
    for _ in range(2):
        with pytest.raises(QuotaExhausted) as caught:
            dart.dividends("00126380", 2025, "11011")
    assert caught.value.until == datetime(2026, 3, 13, 15, 0, tzinfo=UTC)
    assert [60 <= wait <= 78 for wait in clock.sleeps if wait > 1] == [True, True]
    assert budget.exhausted == {"DART"}
    assert len(upstream.asked) == 3


def test_f28_the_daily_limit_ends_requests_before_they_leave(
    transport: Transport, upstream: Any
) -> None:
    upstream.say("alotMatter", upstream.text(_status("013")))
    dart = Dart(transport, KEY, daily_limit=2)
    for code in ("00000001", "00000002"):
        dart.dividends(code, 2025, "11011")
    with pytest.raises(QuotaExhausted):
        dart.dividends("00000003", 2025, "11011")
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
    upstream.say("alotMatter", upstream.text(_status("800")))
    for _ in range(2):
        with pytest.raises(Maintenance) as caught:
            dart.dividends("00126380", 2025, "11011")
    assert caught.value.until == datetime(2026, 3, 13, 17, 10, tzinfo=UTC)
    assert len(upstream.asked) == 1


def test_f30_an_undefined_error_is_a_server_error(dart: Dart, upstream: Any, clock: Any) -> None:
    upstream.say("alotMatter", upstream.text(_status("900")))
    with pytest.raises(ServerError):
        dart.dividends("00126380", 2025, "11011")
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
    upstream.say("alotMatter", upstream.text(_status("013")))
    clock.instant = now
    if not closed:
        assert dart.dividends("00126380", 2025, "11011").data == []
        return
    with pytest.raises(Maintenance):
        dart.dividends("00126380", 2025, "11011")
    assert upstream.asked == []
    assert closed_until(now) == datetime(2026, 3, 13, 17, 10, tzinfo=UTC)


def test_dart_trap_3_a_redirect_is_a_block_for_an_hour_and_not_followed(
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
    upstream.say("alotMatter", upstream.text("<html>error</html>", kind="text/html"))
    with pytest.raises(Blocked):
        dart.dividends("00126380", 2025, "11011")
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


# ---- shapes


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


@pytest.mark.parametrize("name", ["error_010", "error_013"])
def test_recorded_errors_are_read_as_their_codes(
    dart: Dart, upstream: Any, recorded: Path, name: str
) -> None:
    upstream.say("alotMatter", upstream.text((recorded / "dart" / f"{name}.json").read_bytes()))
    if name == "error_013":
        assert dart.dividends("00126380", 2025, "11011").data == []
        return
    with pytest.raises(AuthError):
        dart.dividends("00126380", 2025, "11011")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200))
def test_i13_any_bytes_are_rows_or_a_typed_error(transport: Transport, body: bytes) -> None:
    envelope = Envelope(transport, DART)
    answer = Received("DART", "list", 200, {}, body)
    for decode in (envelope.zip, envelope.page, envelope.rows_of({"corp_code": "00126380"})):
        try:
            decode(answer)
        except UpstreamError:
            continue
