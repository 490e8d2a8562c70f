"""Every kind of fault as a client meets it on the wire."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from stock_pipeline.twin.server import Twin

pytestmark = pytest.mark.fault

Start = Callable[..., Twin]
Reach = Callable[[Twin], requests.Session]
Ask = Callable[..., requests.Response]
LIST = "https://shop.example/list.json"
STATISTICS = "https://data.krx.co.kr/comm/bldAttendant/getJsonData.cmd"
LOGIN = "https://data.krx.co.kr/contents/MDC/COMS/client/MDCCOMS001D1.cmd"
DART_LIST = "https://opendart.fss.or.kr/api/list.json"
DART_ZIP = "https://opendart.fss.or.kr/api/corpCode.xml"
CSV = "https://csv.example/2026-03-13.csv"


@pytest.fixture
def ask(start: Start, reach: Reach) -> Ask:
    """Return a function that plays one fault on one request."""

    def asked(fault: str, url: str = LIST, **options: Any) -> requests.Response:
        method = "POST" if "krx.co.kr" in url else "GET"
        options = {"timeout": 5, "allow_redirects": False, **options}
        return reach(start(fault)).request(method, url, **options)

    return asked


def test_latency_delays_the_answer(ask: Ask) -> None:
    started = time.perf_counter()
    assert ask("shop:latency=0.3").status_code == 200
    assert time.perf_counter() - started >= 0.3


def test_silence_is_never_answered(start: Start, reach: Reach) -> None:
    twin = start("shop:silence")
    with pytest.raises(requests.exceptions.ReadTimeout):
        reach(twin).get(LIST, timeout=0.3)
    assert [entry.status for entry in twin.requests] == [0]


def test_silence_ends_when_the_twin_closes(shop: Any, reach: Reach) -> None:
    with Twin([shop], faults=["shop:silence"]) as twin:
        with pytest.raises(requests.exceptions.ReadTimeout):
            reach(twin).get(LIST, timeout=0.2)
        started = time.perf_counter()
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("fault", ["shop:reset", "shop:reset=0", "shop:reset=10", "shop:reset=50%"])
def test_reset_cuts_the_connection_off(ask: Ask, fault: str) -> None:
    with pytest.raises(requests.exceptions.RequestException, match="Connection reset by peer"):
        ask(fault, LIST.replace("https", "http"))
    # OpenSSL calls a reset inside TLS an unexpected end; from Python 3.13 on it may be the reset.
    ended = r"Remote end closed|Incomplete|Connection reset by peer"
    with pytest.raises(requests.exceptions.RequestException, match=ended):
        ask(fault)


@pytest.mark.parametrize("place", ["0", "1", "10", "50%", "99%"])
def test_truncated_answer_ends_before_its_declared_length(ask: Ask, place: str) -> None:
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        ask(f"shop:truncate={place}")


def test_shortened_answer_is_complete_http_and_broken_json(ask: Ask) -> None:
    answer = ask("shop:shorten=30")
    assert len(answer.content) == 30
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()


def test_drip_keeps_the_client_busy_without_a_pause_long_enough_to_notice(ask: Ask) -> None:
    started = time.perf_counter()
    assert ask("csv.example:drip=100", CSV, timeout=0.3).status_code == 200
    assert time.perf_counter() - started > 0.4


def test_drip_head_delays_even_the_status(ask: Ask) -> None:
    started = time.perf_counter()
    answer = ask("shop:drip-head=400", stream=True, timeout=1)
    assert time.perf_counter() - started > 0.3
    answer.close()


def test_host_that_is_down_cannot_be_reached(start: Start, reach: Reach) -> None:
    twin = start("shop:down*1")
    client = reach(twin)
    with pytest.raises(requests.exceptions.ProxyError):
        client.get(LIST)
    assert client.get(LIST).status_code == 200
    assert [(entry.method, entry.status) for entry in twin.requests] == [
        ("CONNECT", 503),
        ("GET", 200),
    ]


@pytest.mark.parametrize("status", ["500", "503", "404", "401"])
def test_status_is_played(ask: Ask, status: str) -> None:
    assert ask(f"shop:status={status}").status_code == int(status)


def test_burst_of_server_errors_ends(start: Start, reach: Reach) -> None:
    client = reach(start("shop:status=503*2"))
    assert [client.get(LIST).status_code for _ in range(3)] == [503, 503, 200]


@pytest.mark.parametrize(
    ("fault", "retry_after"),
    [
        ("shop:429", None),
        ("shop:429=120", "120"),
        ("shop:429=-1", "-1"),
        ("shop:429=nan", "nan"),
        ("shop:429=Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:00 GMT"),
    ],
)
def test_too_many_requests_with_and_without_a_wait(
    ask: Ask, fault: str, retry_after: str | None
) -> None:
    answer = ask(fault)
    assert (answer.status_code, answer.headers.get("Retry-After")) == (429, retry_after)


def test_maintenance_page_comes_with_status_200(ask: Ask) -> None:
    answer = ask("shop:html")
    assert (answer.status_code, answer.headers["Content-Type"]) == (
        200,
        "text/html; charset=utf-8",
    )
    assert answer.text.startswith("<!DOCTYPE html>")


def test_redirect_leads_to_another_host(ask: Ask) -> None:
    answer = ask("shop:redirect=evil.example")
    assert (answer.status_code, answer.headers["Location"]) == (
        302,
        "https://evil.example/list.json",
    )


def test_bomb_is_small_on_the_wire_and_large_when_unpacked(ask: Ask) -> None:
    answer = ask("shop:bomb=3", stream=True)
    packed = answer.raw.read(decode_content=False)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(packed) < 10_000
    assert len(zlib.decompress(packed, 31)) == 3 * 1024 * 1024 + 2


def test_oversize_body_is_sent_whole(ask: Ask) -> None:
    answer = ask("shop:oversize=2")
    assert len(answer.content) == 2 * 1024 * 1024 + 2


def test_deep_json_breaks_a_recursive_parser(ask: Ask) -> None:
    with pytest.raises(RecursionError):
        json.loads(ask("shop:deep-json").content)


def test_krx_login_that_ended_answers_logout(start: Start, reach: Reach) -> None:
    client = reach(start("data.krx.co.kr:logout*1"))
    assert client.post(LOGIN).status_code == 200
    answer = client.post(STATISTICS)
    assert (answer.status_code, answer.content) == (400, b"LOGOUT")
    assert client.post(STATISTICS).status_code == 200


@pytest.mark.parametrize(
    ("fault", "status"), [("block", 403), ("block=403", 403), ("block=200", 200)]
)
def test_krx_block_page_is_known_by_its_title(ask: Ask, fault: str, status: int) -> None:
    answer = ask(f"data.krx.co.kr:{fault}", STATISTICS)
    assert answer.status_code == status
    assert "<title>에러페이지 - 한국거래소</title>" in answer.content.decode()


def test_krx_outage_is_403_for_everything(ask: Ask) -> None:
    answer = ask("data.krx.co.kr:outage", LOGIN)
    assert answer.status_code == 403
    assert "temporary access instability" in answer.text


@pytest.mark.parametrize(
    ("fault", "code"),
    [("cd010", "CD010"), ("cd011", "CD011"), ("login-code=CD002", "CD002")],
)
def test_krx_login_is_refused_by_code(ask: Ask, fault: str, code: str) -> None:
    answer = ask(f"data.krx.co.kr:{fault}", LOGIN, data={"mbrId": "a", "pw": "b"})
    assert answer.json()["_error_code"] == code
    assert answer.json()["_error_message"]


def test_krx_login_elsewhere_is_taken_over(start: Start, reach: Reach) -> None:
    client = reach(start("MDCCOMS001D1:cd011"))
    assert client.post(LOGIN, data={"mbrId": "a"}).json()["_error_code"] == "CD011"
    assert "list" in client.post(LOGIN, data={"mbrId": "a", "skipDup": "Y"}).json()


def test_krx_dashes_leave_only_who_the_stock_is(ask: Ask) -> None:
    rows = ask("data.krx.co.kr:dashes", STATISTICS).json()["list"]
    assert rows[0] == {
        "ISU_SRT_CD": "005930",
        "ISU_ABBRV": "삼성전자",
        "TDD_CLSPRC": "-",
        "FLUC_TP_CD": "3",
    }


@pytest.mark.parametrize(
    "code", ["010", "011", "012", "013", "014", "020", "021", "100", "101", "800", "900", "901"]
)
def test_dart_status_is_json_or_xml_with_http_200(ask: Ask, code: str) -> None:
    answer = ask(f"opendart.fss.or.kr:dart={code}", DART_LIST)
    assert (answer.status_code, answer.json()["status"]) == (200, code)
    answer = ask(f"opendart.fss.or.kr:dart={code}", DART_ZIP)
    assert (answer.status_code, answer.headers["Content-Type"]) == (
        200,
        "application/xml;charset=UTF-8",
    )
    assert f"<result><status>{code}</status><message>" in answer.text


def test_dart_block_redirects_to_its_error_page(ask: Ask) -> None:
    answer = ask("opendart.fss.or.kr:dart-block", DART_LIST)
    assert (answer.status_code, answer.headers["Content-Length"]) == (302, "0")
    assert answer.headers["Location"] == "https://opendart.fss.or.kr/error1.html"


def test_portal_gateway_answers_xml_with_http_200(ask: Ask) -> None:
    answer = ask(
        "apis.data.go.kr:gateway=22", "https://apis.data.go.kr/1160100/service/a/getItemInfo"
    )
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/xml;charset=UTF-8")
    assert "<returnReasonCode>22</returnReasonCode>" in answer.text
    assert "LIMITED_NUMBER_OF_SERVICE_REQUESTS_EXCEEDS_ERROR" in answer.text


def test_portal_errors_also_come_as_json(ask: Ask) -> None:
    flat = ask("shop:portal-flat=10").json()
    assert (flat["resultCode"], flat["resultMsg"]) == ("10", "INVALID_REQUEST_PARAMETER_ERROR")
    header = ask("shop:portal-envelope=03").json()["response"]["header"]
    assert header == {"resultCode": "03", "resultMsg": "NODATA_ERROR"}


def test_recorded_answer_can_be_played_as_a_fault(ask: Ask, recorded: Path) -> None:
    answer = ask(f"shop:recorded={recorded}/dart/error_010.request.json")
    assert answer.json() == {"status": "010", "message": "등록되지 않은 인증키입니다."}


@pytest.mark.parametrize(
    ("fault", "content_type"),
    [
        ("euc-kr", "application/json; charset=EUC-KR"),
        ("euc-kr=undeclared", "application/json; charset=utf-8"),
    ],
)
def test_korean_encoding_is_declared_or_not(ask: Ask, fault: str, content_type: str) -> None:
    answer = ask(f"shop:{fault}")
    assert answer.headers["Content-Type"] == content_type
    assert json.loads(answer.content.decode("cp949"))["list"][0]["ISU_ABBRV"] == "삼성전자"


def test_empty_answer_says_that_there_is_nothing(ask: Ask) -> None:
    assert ask("shop:empty").json() == {"list": [], "total_count": 0}


def test_faults_add_up(start: Start, reach: Reach) -> None:
    twin = start("shop:latency=0.2", "list:status=503", "shop.example:html")
    started = time.perf_counter()
    # Two replace the answer: the first one written counts.
    assert reach(twin).get(LIST).status_code == 503
    assert time.perf_counter() - started >= 0.2
    assert len(twin.requests[0].faults) == 3


def test_operation_that_only_the_answer_tells_has_its_faults(start: Start, reach: Reach) -> None:
    twin = start("listing:status=404*1")
    client = reach(twin)
    assert [client.get(CSV).status_code for _ in range(2)] == [404, 200]
    assert twin.requests[0].faults == ("listing:status=404*1",)
