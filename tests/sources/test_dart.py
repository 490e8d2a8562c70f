"""DART over the wire: pages of filings, batches of statements, dividends, decisions."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.errors import AuthError, BadPayload, QuotaExhausted
from stock_pipeline.sources.dart import Dart
from stock_pipeline.sources.transport import Transport

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


# ---- filings


def test_dart_trap_5_all_pages_of_a_hundred_are_asked_for_oldest_first(
    dart: Dart, upstream: Any, budget: Any
) -> None:
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


def test_dart_trap_10_a_batch_may_leave_companies_out_and_is_complete(
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


@pytest.mark.parametrize(
    ("companies", "requests"),
    [
        (100, 1),
        (101, 2),
        (2_900, 29),  # the whole market
        (2_901, 30),
    ],
)
def test_a_sweep_costs_one_request_per_hundred_companies(
    dart: Dart, upstream: Any, budget: Any, companies: int, requests: int
) -> None:
    codes = [f"{n:08d}" for n in range(companies)]
    upstream.say("fnlttMultiAcnt", upstream.text(_status("013")))
    assert [payload.data for payload in dart.main_accounts(codes, 2025, "11011")] == [[]] * requests
    assert len(upstream.asked) == budget.count("DART") == requests
    asked = [query["corp_code"].split(",") for query in upstream.queries("fnlttMultiAcnt")]
    assert [code for batch in asked for code in batch] == codes


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


def test_the_recorded_full_statement_is_handed_on_as_it_is(
    dart: Dart, upstream: Any, recorded: Path
) -> None:
    body = (recorded / "dart" / "fnlttSinglAcntAll_00126380_2023_11011_CFS.json").read_bytes()
    upstream.say("fnlttSinglAcntAll", upstream.text(body))
    rows = dart.full_accounts("00126380", 2023, "11011", "CFS").data
    assert rows == json.loads(body)["list"]
    assert len(rows) == 176


# ---- dividends


def _section(code: str, dps: str = "372") -> str:
    row = {"corp_code": code, "se": "주당 현금배당금(원)", "thstrm": dps}
    return json.dumps({"status": "000", "message": "정상", "list": [row]})


def test_the_dividends_of_a_company_are_one_request(dart: Dart, upstream: Any) -> None:
    upstream.say("alotMatter", upstream.text(_section("00126380")))
    assert dart.dividends("00126380", 2026, "11013").data[0]["thstrm"] == "372"
    (query,) = upstream.queries("alotMatter")
    asked = {"corp_code": "00126380", "bsns_year": "2026", "reprt_code": "11013"}
    assert query == {**asked, "crtfc_key": KEY}


@pytest.mark.parametrize("period", ["11013", "11012_partial"])
def test_recorded_dividends_are_handed_on_as_they_are(
    dart: Dart, upstream: Any, recorded: Path, period: str
) -> None:
    body = (recorded / "dart" / f"alotMatter_00126380_2026_{period}.json").read_bytes()
    upstream.say("alotMatter", upstream.text(body))
    rows = dart.dividends("00126380", 2026, period[:5]).data
    assert rows == json.loads(body)["list"]


def test_dividends_of_another_company_are_refused(dart: Dart, upstream: Any) -> None:
    upstream.say("alotMatter", upstream.text(_section("00164779")))
    with pytest.raises(BadPayload, match="not asked for"):
        dart.dividends("00126380", 2026, "11013")


def test_what_was_answered_about_a_report_is_known_without_a_request(
    transport: Transport, upstream: Any, archive: Any, clock: Any
) -> None:
    answers = [_section("00000001"), _status("013"), _section("00000001", "400")]
    upstream.say("alotMatter", *map(upstream.text, answers))
    dart = Dart(transport, KEY, daily_limit=3)
    for code in ("00000001", "00000002", "00000001"):
        dart.dividends(code, 2025, "11011")
        clock.instant += timedelta(minutes=1)
    with pytest.raises(QuotaExhausted):
        dart.dividends("00000003", 2025, "11011")
    found = dart.dividends_answered(2025, "11011")
    amounts = {code: [row["thstrm"] for row in payload.data] for code, payload in found.items()}
    # No data is an answer too; of two answers to one question the newest counts.
    assert amounts == {"00000001": ["400"], "00000002": []}
    assert dart.dividends_answered(2025, "11014") == {}
    assert len(upstream.asked) == 3


# ---- decisions


def test_a_recorded_decision_is_asked_for_by_company_and_days(
    dart: Dart, upstream: Any, recorded: Path
) -> None:
    body = (recorded / "dart" / "crDecsn.json").read_bytes()
    upstream.say("crDecsn", upstream.text(body))
    rows = dart.decisions("crDecsn", "00295857", date(2024, 5, 31), date(2024, 6, 1)).data
    assert rows == json.loads(body)["list"]
    (query,) = upstream.queries("crDecsn")
    asked = {"corp_code": "00295857", "bgn_de": "20240531", "end_de": "20240601"}
    assert query == {**asked, "crtfc_key": KEY}
    upstream.say("crDecsn", upstream.text(_status("013")))
    assert dart.decisions("crDecsn", "00000001", DAY, DAY).data == []
