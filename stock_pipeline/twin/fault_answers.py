"""Bad answers that an upstream gives instead of the asked one.

Each function takes the value of the fault and the request. Shapes, codes and names are those the
services document or were seen to send.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path

from stock_pipeline.twin.replay import read_recording
from stock_pipeline.twin.wire import Answer, Request, operation_of

HTML = "text/html; charset=utf-8"
JSON = "application/json;charset=UTF-8"
MEGABYTE = 1024 * 1024
GZIP_WINDOW = 31
NESTING = 100_000

DART_MESSAGES = {
    "010": "등록되지 않은 인증키입니다.",
    "011": "사용할 수 없는 키입니다.",
    "012": "접근할 수 없는 IP입니다.",
    "013": "조회된 데이타가 없습니다.",
    "014": "파일이 존재하지 않습니다.",
    "020": "요청 제한을 초과하였습니다.",
    "021": "조회 가능한 회사 개수가 초과하였습니다.",
    "100": "필드의 부적절한 값입니다.",
    "101": "부적절한 접근입니다.",
    "800": "시스템 점검으로 인한 서비스가 중지 중입니다.",
    "900": "정의되지 않은 오류가 발생하였습니다.",
    "901": "사용자 계정의 개인정보 보유기간이 만료되어 사용할 수 없는 키입니다.",
}
FSS_MESSAGES = {
    "010": "미등록 인증키",
    "011": "중지된 인증키",
    "012": "삭제된 인증키",
    "013": "샘플 인증키",
    "020": "일일검색 허용횟수를 초과",
    "021": "허용된 IP가 아닙니다.",
    "100": "필수 요청변수 누락",
    "101": "요청변수의 부적절한 값",
    "900": "정의되지 않은 오류",
}
GATEWAY_NAMES = {
    "1": "APPLICATION_ERROR",
    "2": "DB_ERROR",
    "3": "NODATA_ERROR",
    "4": "HTTP_ERROR",
    "5": "SERVICETIMEOUT_ERROR",
    "10": "INVALID_REQUEST_PARAMETER_ERROR",
    "11": "NO_MANDATORY_REQUEST_PARAMETERS_ERROR",
    "12": "NO_OPENAPI_SERVICE_ERROR",
    "20": "SERVICE_ACCESS_DENIED_ERROR",
    "21": "TEMPORARILY_DISABLE_THE_SERVICEKEY_ERROR",
    "22": "LIMITED_NUMBER_OF_SERVICE_REQUESTS_EXCEEDS_ERROR",
    "23": "LIMITED_NUMBER_OF_SERVICE_REQUESTS_PER_SECOND_EXCEEDS_ERROR",
    "30": "SERVICE_KEY_IS_NOT_REGISTERED_ERROR",
    "31": "DEADLINE_HAS_EXPIRED_ERROR",
    "32": "UNREGISTERED_IP_ERROR",
    "33": "UNSIGNED_CALL_ERROR",
    "99": "UNKNOWN_ERROR",
}


def status(value: str, request: Request) -> Answer:
    """Answer with an HTTP status and the short page of a web server."""
    return _page(int(value), f"{value} Error", request)


def too_many(value: str, request: Request) -> Answer:
    """Answer 429, with `Retry-After` when there is a value."""
    headers = {"Retry-After": value} if value else {}
    return Answer(429, b"Too Many Requests", "text/plain", operation_of(request), headers)


def maintenance_page(value: str, request: Request) -> Answer:
    """Answer 200 with a page for people where data was due."""
    return _page(200, "서비스 점검 안내", request)


def krx_logout(value: str, request: Request) -> Answer:
    """Answer as KRX does to a client that is not logged in."""
    return Answer(400, b"LOGOUT", "text/html; charset=utf-8", operation_of(request))


def krx_block_page(value: str, request: Request) -> Answer:
    """Answer as KRX does to an address it has blocked, with status 403 or 200."""
    return _page(int(value or "403"), "에러페이지 - 한국거래소", request)


def krx_outage(value: str, request: Request) -> Answer:
    """Answer as KRX did to every network in its outage of April 2026."""
    text = "Service unavailable: temporary access instability"
    return _page(403, text, request)


def krx_login(value: str, request: Request) -> Answer:
    """Answer the login with this code instead of `CD001`."""
    messages = {
        "CD010": "비밀번호를 변경하여 주시기 바랍니다.",
        "CD011": "이미 로그인되어 있는 아이디입니다.",
    }
    message = messages.get(value, "아이디 또는 비밀번호를 확인하여 주십시오.")
    return _json({"_error_code": value, "_error_message": message}, request)


def dart_status(value: str, request: Request) -> Answer:
    """Answer with a DART status: JSON, or XML where a zip or XML was asked."""
    message = DART_MESSAGES[value]
    if not request.path.endswith(".xml"):
        return _json({"status": value, "message": message}, request)
    body = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f"<result><status>{value}</status><message>{message}</message></result>"
    )
    content_type = "application/xml;charset=UTF-8"
    return Answer(200, body.encode(), content_type, operation_of(request))


def dart_block(value: str, request: Request) -> Answer:
    """Redirect to the page DART shows an address that asked too fast."""
    headers = {"Location": "https://opendart.fss.or.kr/error1.html"}
    return Answer(302, b"", "text/html;charset=UTF-8", operation_of(request), headers)


def fss_code(value: str, request: Request) -> Answer:
    """Answer with a code of finlife and nothing else, HTTP 200."""
    return _json({"result": {"err_cd": value, "err_msg": FSS_MESSAGES[value]}}, request)


def portal_gateway(value: str, request: Request) -> Answer:
    """Answer as the gateway of data.go.kr: XML with HTTP 200, whatever was asked for."""
    body = (
        "<OpenAPI_ServiceResponse>\n\t<cmmMsgHeader>\n\t\t<errMsg>SERVICE ERROR</errMsg>\n"
        f"\t\t<returnAuthMsg>{GATEWAY_NAMES[value]}</returnAuthMsg>\n"
        f"\t\t<returnReasonCode>{value}</returnReasonCode>\n"
        "\t</cmmMsgHeader>\n</OpenAPI_ServiceResponse>\n"
    )
    return Answer(200, body.encode(), "text/xml;charset=UTF-8", operation_of(request))


def portal_flat(value: str, request: Request) -> Answer:
    """Answer with the flat JSON error of data.go.kr."""
    code = {"resultCode": value, "resultMsg": GATEWAY_NAMES[value.lstrip("0")]}
    return _json({"responseTime": "2026-03-13T18:00:00", **code}, request)


def portal_envelope(value: str, request: Request) -> Answer:
    """Answer with the normal envelope of data.go.kr and a result code that is not `00`."""
    header = {"resultCode": value, "resultMsg": GATEWAY_NAMES[value.lstrip("0")]}
    return _json({"response": {"header": header}}, request)


def redirect(value: str, request: Request) -> Answer:
    """Redirect to another host, the same path there."""
    location = f"https://{value or 'elsewhere.invalid'}{request.path}"
    return Answer(302, b"", HTML, operation_of(request), {"Location": location})


def gzip_bomb(value: str, request: Request) -> Answer:
    """Answer with a small body that unpacks to so many megabytes of JSON white space."""
    packer = zlib.compressobj(9, zlib.DEFLATED, GZIP_WINDOW)
    blank = b" " * MEGABYTE
    packed = b"".join(packer.compress(blank) for _ in range(int(value or "64")))
    packed += packer.compress(b"{}") + packer.flush()
    return Answer(200, packed, JSON, operation_of(request), {"Content-Encoding": "gzip"})


def oversize(value: str, request: Request) -> Answer:
    """Answer with so many megabytes of JSON white space, not packed."""
    body = b" " * (int(value or "32") * MEGABYTE) + b"{}"
    return Answer(200, body, JSON, operation_of(request))


def deep_json(value: str, request: Request) -> Answer:
    """Answer with lists nested deeper than a recursive parser can follow."""
    depth = int(value or NESTING)
    return Answer(200, b"[" * depth + b"]" * depth, JSON, operation_of(request))


def recorded(value: str, request: Request) -> Answer:
    """Answer with the recording of which this is the `.request.json`."""
    return read_recording(Path(value)).answer(operation_of(request))


def _page(http_status: int, title: str, request: Request) -> Answer:
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{title}</body></html>"
    return Answer(http_status, page.encode(), HTML, operation_of(request))


def _json(content: object, request: Request) -> Answer:
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(200, body, JSON, operation_of(request))
