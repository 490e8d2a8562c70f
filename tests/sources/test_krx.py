"""All stocks of a day through the unmodified pykrx, over the wire."""

from __future__ import annotations

import gzip
import io
import json
import os
from contextlib import redirect_stdout
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.errors import (
    AuthError,
    BadPayload,
    Blocked,
    EmptyOnBusinessDay,
    NetworkError,
    SchemaDrift,
    ServerError,
    SettingMissing,
    UpstreamError,
)
from stock_pipeline.redaction import Scrubber
from stock_pipeline.sources.krx import Account, Krx
from stock_pipeline.sources.krx_statistics import ALL_STOCKS
from stock_pipeline.sources.transport import NotArchived, Transport
from stock_pipeline.twin.wire import Answer

DAY = date(2026, 3, 13)
COLUMNS = ALL_STOCKS.columns
ACCOUNT = Account("canary-user-81", "canary-password-52")
ROW = dict.fromkeys(COLUMNS, "1,000") | {"ISU_SRT_CD": "005930", "ISU_ABBRV": "삼성전자"}
BLOCK_PAGE = "<html><head><title>에러페이지 - 한국거래소</title></head><body>차단</body></html>"
OUTAGE_PAGE = "<html>Service unavailable: temporary access instability</html>"


def _day(*rows: dict[str, Any]) -> str:
    return json.dumps({"OutBlock_1": rows, "CURRENT_DATETIME": "2026.03.13 PM 06:00:00"})


def _login(code: str) -> str:
    return json.dumps({"_error_code": code, "_error_message": "오류 canary-user-81"})


@pytest.fixture
def krx(transport: Transport, upstream: Any) -> Krx:
    """Return a client whose account the script accepts, and one row for every day."""
    upstream.say("login_page", upstream.text("<html>login</html>", kind="text/html"))
    upstream.say("login", upstream.text(_login("CD001")))
    upstream.say("MDCSTAT01501", upstream.text(_day(ROW), kind="text/html"))
    return Krx(transport, ACCOUNT)


def _asked(upstream: Any, operation: str) -> int:
    return len(upstream.queries(operation))


def test_a_day_is_one_request_and_a_run_is_one_login(krx: Krx, upstream: Any, budget: Any) -> None:
    for n in range(3):
        assert krx.all_stocks(DAY - timedelta(days=n)).data == [ROW]
    assert (_asked(upstream, "login"), _asked(upstream, "MDCSTAT01501")) == (1, 3)
    assert upstream.queries("MDCSTAT01501")[0] == {
        "mktId": "ALL",
        "trdDd": "20260313",
        "bld": "dbms/MDC/STAT/standard/MDCSTAT01501",
    }
    assert [at for _, at in budget.admitted] == list(range(len(upstream.asked)))


def test_rows_keep_upstreams_order_columns_and_texts(krx: Krx, upstream: Any) -> None:
    rows = [ROW | {"ISU_SRT_CD": code, "TDD_OPNPRC": "-"} for code in ("0126Z0", "000020")]
    upstream.say("MDCSTAT01501", upstream.text(_day(*[r | {"NEW": "1"} for r in rows])))
    assert krx.all_stocks(DAY).data == rows
    assert tuple(krx.all_stocks(DAY).data[0]) == COLUMNS


def test_the_recorded_day_comes_through_row_by_row(
    krx: Krx, upstream: Any, archive: Any, replaying: Transport, recorded: Path
) -> None:
    packed = (recorded / "krx" / "MDCSTAT01501_ALL_20201230.response.json.gz").read_bytes()
    body = gzip.decompress(packed)
    upstream.say("MDCSTAT01501", upstream.text(body, kind="text/html"))
    payload = krx.all_stocks(date(2020, 12, 30))
    assert payload.data == json.loads(body)["OutBlock_1"]
    assert len(payload.data) == 2531
    (stored,) = archive.find("KRX", "MDCSTAT01501", {"trdDd": "20201230"})
    assert (stored.body, stored.params) == (body, {"mktId": "ALL", "trdDd": "20201230"})
    asked = len(upstream.asked)
    assert Krx(replaying, None).all_stocks(date(2020, 12, 30)) == payload
    with pytest.raises(NotArchived):
        Krx(replaying, None).all_stocks(DAY)
    assert len(upstream.asked) == asked


def test_f09_names_declared_wrongly_are_still_right(krx: Krx, upstream: Any) -> None:
    body = json.dumps({"OutBlock_1": [ROW]}, ensure_ascii=False).encode("cp949")
    upstream.say("MDCSTAT01501", Answer(200, body, "text/html; charset=utf-8", "day"))
    assert krx.all_stocks(DAY).data == [ROW]


def test_no_account_reaches_stdout_or_errors_and_the_environment_stays(
    krx: Krx, upstream: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRX_ID", ACCOUNT.user)
    monkeypatch.setenv("KRX_PW", ACCOUNT.password)
    upstream.say("login", upstream.text(_login("CD010")))
    printed = io.StringIO()
    with redirect_stdout(printed), pytest.raises(AuthError) as caught:
        krx.all_stocks(DAY)
    assert printed.getvalue() == ""
    seen = f"{caught.value!r} {vars(caught.value)} {ACCOUNT!r}"
    assert ACCOUNT.user not in seen
    assert ACCOUNT.password not in seen
    assert os.environ["KRX_ID"] == ACCOUNT.user


# ---- login


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("CD010", "CD010, the password must be changed.*every 3 months; "),
        ("CD999", "CD999, the account was refused; "),
    ],
)
def test_f26_a_refused_account_is_tried_once_in_a_run(
    krx: Krx, upstream: Any, code: str, said: str
) -> None:
    upstream.say("login", upstream.text(_login(code)))
    until = "not asked again before 2026-03-14 09:00 UTC; renew KRX_PW"
    for _ in range(3):
        with pytest.raises(AuthError, match=said + until):
            krx.all_stocks(DAY)
    assert (_asked(upstream, "login"), _asked(upstream, "MDCSTAT01501")) == (1, 0)


@pytest.mark.parametrize("code", ["CD010", "CD999"])
def test_f26_a_refused_account_is_not_tried_by_a_later_run_for_a_day(
    krx: Krx, upstream: Any, budget: Any, archive: Any, clock: Any, code: str
) -> None:
    upstream.say("login", *[upstream.text(_login(said)) for said in (code, "CD001")])
    with pytest.raises(AuthError):
        krx.all_stocks(DAY)
    asked = len(upstream.asked)
    later = Krx(Transport(budget, archive, clock, Scrubber()), ACCOUNT)
    clock.instant += timedelta(hours=24, seconds=-10)
    with pytest.raises(Blocked):
        later.all_stocks(DAY)
    assert len(upstream.asked) == asked
    clock.instant += timedelta(seconds=10)
    assert later.all_stocks(DAY).data == [ROW]


def test_a_login_elsewhere_is_taken_over(krx: Krx, upstream: Any) -> None:
    upstream.say("login", *[upstream.text(_login(code)) for code in ("CD011", "CD001")])
    assert krx.all_stocks(DAY).data == [ROW]
    assert [query.get("skipDup") for query in upstream.queries("login")] == [None, "Y"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [("<html>busy</html>", BadPayload), ("[]", BadPayload), ('{"x": 1}', BadPayload)],
)
def test_a_login_that_answers_nonsense_is_a_bad_payload(
    krx: Krx, upstream: Any, body: str, kind: type[UpstreamError]
) -> None:
    upstream.say("login", upstream.text(body))
    with pytest.raises(kind):
        krx.all_stocks(DAY)


def test_without_an_account_nothing_is_sent(transport: Transport, upstream: Any) -> None:
    with pytest.raises(SettingMissing, match="KRX_ID is not set"):
        Krx(transport, None).all_stocks(DAY)
    assert upstream.asked == []


# ---- answers that pykrx takes for "no data"


def test_f36_one_log_out_is_answered_by_one_login(krx: Krx, upstream: Any) -> None:
    logout = upstream.text("LOGOUT", 400)
    upstream.say("MDCSTAT01501", logout, upstream.text(_day(ROW)))
    assert krx.all_stocks(DAY).data == [ROW]
    assert _asked(upstream, "login") == 2


@pytest.mark.parametrize("status", [400, 404, 200])
def test_f36_a_second_log_out_is_an_authentication_error(
    krx: Krx, upstream: Any, status: int
) -> None:
    upstream.say("MDCSTAT01501", upstream.text("LOGOUT", status))
    for _ in range(3):
        with pytest.raises(AuthError):
            krx.all_stocks(DAY)
    assert (_asked(upstream, "login"), _asked(upstream, "MDCSTAT01501")) == (2, 2)


def test_f36_a_run_logs_in_again_only_once(krx: Krx, upstream: Any) -> None:
    day, logout = upstream.text(_day(ROW)), upstream.text("LOGOUT", 400)
    upstream.say("MDCSTAT01501", logout, day, logout, day)
    krx.all_stocks(DAY)
    with pytest.raises(AuthError):
        krx.all_stocks(DAY)
    assert _asked(upstream, "login") == 2


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize("operation", ["MDCSTAT01501", "login", "login_page"])
def test_the_block_page_ends_all_requests_for_a_day(
    krx: Krx, upstream: Any, budget: Any, clock: Any, operation: str, status: int
) -> None:
    upstream.say(operation, upstream.text(BLOCK_PAGE, status, "text/html"))
    for _ in range(3):
        with pytest.raises(Blocked):
            krx.all_stocks(DAY)
    assert budget.blocked == {"KRX": clock.now() + timedelta(hours=24)}
    assert _asked(upstream, operation) == 1


FAILURES = [
    (OUTAGE_PAGE, 403, ServerError, 4, "outage page"),
    ("<html>forbidden</html>", 403, AuthError, 1, "another 403"),
    ("<html>maintenance</html>", 200, BadPayload, 2, "page with 200"),
    ("", 200, BadPayload, 2, "nothing"),
    ('{"OutBlock_1": [', 200, BadPayload, 2, "cut short"),
    ("[]", 200, BadPayload, 2, "a list"),
    ("", 503, ServerError, 4, "busy"),
    ('{"output": []}', 200, SchemaDrift, 1, "renamed list"),
    ('{"OutBlock_1": 5}', 200, SchemaDrift, 1, "number for a list"),
    ('{"OutBlock_1": [1, 2]}', 200, SchemaDrift, 1, "numbers for rows"),
    ('{"OutBlock_1": []}', 200, EmptyOnBusinessDay, 1, "no rows"),
]


@pytest.mark.parametrize(
    ("body", "status", "kind", "requests", "why"), FAILURES, ids=[row[-1] for row in FAILURES]
)
def test_f36_nothing_but_rows_is_a_success(
    krx: Krx,
    upstream: Any,
    archive: Any,
    body: str,
    status: int,
    kind: type[UpstreamError],
    requests: int,
    why: str,
) -> None:
    upstream.say("MDCSTAT01501", upstream.text(body, status, "text/html"))
    with pytest.raises(kind):
        krx.all_stocks(DAY)
    assert _asked(upstream, "MDCSTAT01501") == requests
    assert archive.find("KRX", "MDCSTAT01501", {}) == []


@pytest.mark.parametrize("column", COLUMNS)
def test_f16_each_missing_column_is_named(krx: Krx, upstream: Any, column: str) -> None:
    short = {name: value for name, value in ROW.items() if name != column}
    upstream.say("MDCSTAT01501", upstream.text(_day(ROW, short)))
    with pytest.raises(SchemaDrift) as caught:
        krx.all_stocks(DAY)
    assert caught.value.column == column


def test_f16_a_number_for_a_text_is_schema_drift(krx: Krx, upstream: Any) -> None:
    upstream.say("MDCSTAT01501", upstream.text(_day(ROW | {"LIST_SHRS": 5})))
    with pytest.raises(SchemaDrift, match="LIST_SHRS"):
        krx.all_stocks(DAY)


def test_f03_a_redirect_for_ever_is_a_network_error(krx: Krx, upstream: Any) -> None:
    again = {"Location": "/contents/MDC/COMS/client/MDCCOMS001.cmd"}
    upstream.say("login_page", Answer(302, b"", "text/html", "login_page", headers=again))
    with pytest.raises(NetworkError):
        krx.all_stocks(DAY)
