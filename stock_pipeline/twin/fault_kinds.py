"""The kinds of fault the twin can play: what each means, what value it takes, what it does.

A kind either replaces the answer, edits it, or changes how it reaches the client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from stock_pipeline.twin import coingecko_refusals as coingecko
from stock_pipeline.twin import fault_answers as answers
from stock_pipeline.twin import fault_charts as charts
from stock_pipeline.twin import fault_edits as edits
from stock_pipeline.twin.wire import Answer, Delivery, Request

NUMBER = r"\d+(\.\d+)?"
DIVISOR = r"[1-9]\d*(\.\d+)?|0\.\d*[1-9]\d*"
COUNT = r"\d*"
PLACE = r"\d+|\d+(\.\d+)?%"
COLUMN_AND_TEXT = r"[^:]+:.*"
COINGECKO_CODE = rf"429(:\d+)?|1020|{'|'.join(str(code) for code in coingecko.CODES)}"
PORTAL_CODE = "|".join(f"0?{code}" for code in answers.GATEWAY_NAMES)
LOGIN_PATH = "/contents/MDC/COMS/client/MDCCOMS001D1.cmd"
STATISTICS_PATH = "/comm/bldAttendant/getJsonData.cmd"


def _statistics(request: Request) -> bool:
    return request.path == STATISTICS_PATH


def _login(request: Request) -> bool:
    return request.path == LOGIN_PATH


def _first_login(request: Request) -> bool:
    """Tell whether this login does not take the other login over."""
    return _login(request) and request.form.get("skipDup") != "Y"


def _in_tunnel(request: Request) -> bool:
    return request.method != "CONNECT"


def _tunnel(request: Request) -> bool:
    return request.method == "CONNECT"


@dataclass(frozen=True)
class Kind:
    """One kind of fault.

    value    regular expression of its value
    replace  makes the answer instead of the upstream
    edit     changes the upstream's answer
    deliver  changes how the answer reaches the client
    applies  the requests it can happen to; others are not counted
    """

    meaning: str
    value: str = ""
    replace: Callable[[str, Request], Answer] | None = None
    edit: Callable[[str, Answer], Answer] | None = None
    deliver: Callable[[str, Delivery], Delivery] | None = None
    applies: Callable[[Request], bool] = _in_tunnel


def _login_code(code: str) -> Callable[[str, Request], Answer]:
    return lambda value, request: answers.krx_login(code, request)


DELIVERIES = {
    "latency": Kind(
        "so many seconds before the answer",
        NUMBER,
        deliver=lambda value, way: replace(way, delay=float(value)),
    ),
    "silence": Kind(
        "accepted and never answered", deliver=lambda value, way: replace(way, silent=True)
    ),
    "reset": Kind(
        "TCP reset, before the answer or at a place of its body (1000 or 50%)",
        f"({PLACE})?",
        deliver=lambda value, way: replace(way, reset=True, cut=value),
    ),
    "truncate": Kind(
        "connection closed at a place of the body (1000 or 50%)",
        PLACE,
        deliver=lambda value, way: replace(way, cut=value),
    ),
    "drip": Kind(
        "body at so many bytes a second",
        NUMBER,
        deliver=lambda value, way: replace(way, rate=float(value)),
    ),
    "drip-head": Kind(
        "head and body at so many bytes a second",
        NUMBER,
        deliver=lambda value, way: replace(way, rate=float(value), drip_head=True),
    ),
    "down": Kind("the host cannot be reached: no tunnel to it", applies=_tunnel),
}
REPLACEMENTS = {
    "status": Kind("this HTTP status", r"[1-5]\d\d", replace=answers.status),
    "429": Kind("429, with this Retry-After", r".*", replace=answers.too_many),
    "html": Kind("a maintenance page with status 200", replace=answers.maintenance_page),
    "redirect": Kind("302 to another host", r"[\w.:-]*", replace=answers.redirect),
    "bomb": Kind("gzip that unpacks to so many MB", COUNT, replace=answers.gzip_bomb),
    "oversize": Kind("so many MB, not packed", COUNT, replace=answers.oversize),
    "deep-json": Kind("lists nested so deep", COUNT, replace=answers.deep_json),
    "recorded": Kind("the answer of this .request.json", r".+", replace=answers.recorded),
    "logout": Kind("KRX: 400 LOGOUT", replace=answers.krx_logout, applies=_statistics),
    "block": Kind("KRX: block page (403 or 200)", r"(200|403)?", replace=answers.krx_block_page),
    "outage": Kind("KRX: 403 to everybody", replace=answers.krx_outage),
    "cd010": Kind("KRX: password must change", replace=_login_code("CD010"), applies=_login),
    "cd011": Kind("KRX: logged in elsewhere", replace=_login_code("CD011"), applies=_first_login),
    "login-code": Kind("KRX: this login code", r"\w+", replace=answers.krx_login, applies=_login),
    "dart": Kind("DART: this status", "|".join(answers.DART_MESSAGES), replace=answers.dart_status),
    "dart-block": Kind("DART: 302 to error1.html", replace=answers.dart_block),
    "coingecko": Kind(
        "CoinGecko: this code; 429:30 with that Retry-After, 1020 by its CDN",
        COINGECKO_CODE,
        replace=coingecko.played,
    ),
    "fss": Kind("FSS: this err_cd", "|".join(answers.FSS_MESSAGES), replace=answers.fss_code),
    "gateway": Kind(
        "data.go.kr: XML of the gateway with this code, HTTP 200",
        "|".join(answers.GATEWAY_NAMES),
        replace=answers.portal_gateway,
    ),
    "portal-flat": Kind(
        "data.go.kr: flat JSON with this code", PORTAL_CODE, replace=answers.portal_flat
    ),
    "portal-envelope": Kind(
        "data.go.kr: normal envelope with this code",
        PORTAL_CODE,
        replace=answers.portal_envelope,
    ),
}
EDITS = {
    "dashes": Kind("KRX: before 09:20 or a holiday", edit=edits.dashes, applies=_statistics),
    "empty": Kind("no rows", edit=edits.empty),
    "shorten": Kind("body cut, honest length", PLACE, edit=edits.shorten),
    "euc-kr": Kind("Korean encoding (or undeclared)", r"(undeclared)?", edit=edits.korean_encoding),
    "rename-column": Kind("OLD:NEW", r"[^:]+:[^:]+", edit=edits.rename_column),
    "drop-column": Kind("column left out", r".+", edit=edits.drop_column),
    "add-column": Kind("column nobody knows", r".+", edit=edits.add_column),
    "set-column": Kind("COLUMN:TEXT in every row", COLUMN_AND_TEXT, edit=edits.set_column),
    "set-cell": Kind("COLUMN:TEXT in the first row", COLUMN_AND_TEXT, edit=edits.set_cell),
    "duplicate": Kind("the first so many rows twice, or all", COUNT, edit=edits.duplicate),
    "conflict": Kind("first row twice, COLUMN:TEXT", COLUMN_AND_TEXT, edit=edits.conflict),
    "shuffle": Kind("rows and columns in another order", edit=edits.shuffle),
    "rebase": Kind("prices of a chart divided by this, as by a split", DIVISOR, edit=charts.rebase),
}
KINDS: Mapping[str, Kind] = MappingProxyType(DELIVERIES | REPLACEMENTS | EDITS)


def describe_kinds() -> str:
    """List every kind with its meaning, one a line."""
    return "\n".join(f"{name:15} {kind.meaning}" for name, kind in KINDS.items())
