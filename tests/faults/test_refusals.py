"""F26–F31, F33, F36, F37: what the upstreams say instead of data, each in its own words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stock_pipeline.errors import (
    AuthError,
    BadPayload,
    BadRequest,
    Blocked,
    EmptyOnBusinessDay,
    Maintenance,
    PipelineError,
    QuotaExhausted,
    RateLimited,
    ServerError,
    SettingMissing,
)

pytestmark = pytest.mark.fault

STATISTIC = "MDCSTAT01501"
PRICES = "stock_price_daily"
SERVER_WAITS = (30, 60, 120)


def fails(run: Any, table: str, kind: type[PipelineError], *waits: float) -> None:
    """Hold a run against a failure: class, outcome of its class, waits, and nothing changed."""
    assert run.error(table) is kind
    assert run.ended(table) == ("failed", kind.outcome)
    assert run.waited(*waits)
    assert run.kept


# ---- DART

# JSON where a list was asked, XML where a zip was.
KEY_CODES = {"dart_filing": ("010", "011", "012", "101", "901"), "dart_corp_code": ("011", "901")}


@pytest.mark.parametrize(
    ("table", "code"),
    [(table, code) for table, codes in KEY_CODES.items() for code in codes],
)
def test_f26_a_refused_key_costs_one_request_and_is_named(
    stage: Any, table: str, code: str
) -> None:
    run = stage.run(table, faults=[f"dart:dart={code}"])
    fails(run, table, AuthError)
    assert (len(run.requests), run.log(table)["outcome"]) == (1, "auth_expired")
    assert f"status {code}" in run.log(table)["reason"]
    assert "renew DART_API_KEY" in run.log(table)["reason"]


def test_f26_a_refused_key_stops_its_source_and_no_other(stage: Any) -> None:
    stage.database.execute("DELETE FROM fsc_listed_item")
    run = stage.run("dart_corp_code", "fsc_listed_item", faults=["dart:dart=010"])
    assert run.log("dart_corp_code")["outcome"] == "auth_expired"
    assert run.ended("fsc_listed_item") == ("completed", "rows")
    days = stage.run("dart_filing", key="2026-03-09", last="2026-03-12", faults=["dart:dart=010"])
    assert (len(days.logs), days.stopped(AuthError), len(days.requests)) == (4, True, 1)


@pytest.mark.parametrize("code", ["013", "014"])
@pytest.mark.parametrize(
    ("table", "operation"),
    [("dart_filing", "list"), ("financial_statement", "fnlttMultiAcnt")],
)
def test_f27_no_data_is_a_success(stage: Any, table: str, operation: str, code: str) -> None:
    run = stage.run(table, faults=[f"{operation}:dart={code}"])
    assert (run.success, run.ended(table)) == (True, ("completed", "no_data"))
    assert (run.job["status"], run.kept, run.waits) == ("success", True, [])


def test_f28_the_end_of_the_quota_holds_until_midnight_in_seoul(stage: Any) -> None:
    run = stage.run("dart_filing", faults=["list:dart=020"])
    fails(run, "dart_filing", QuotaExhausted, 60, 60)
    assert (run.log("dart_filing")["outcome"], len(run.requests)) == ("quota", 3)
    again = stage.run("dart_corp_code")
    assert (again.error("dart_corp_code"), len(again.requests)) == (QuotaExhausted, 0)
    stage.clock.instant = datetime(2026, 3, 13, 15, 0, tzinfo=UTC)
    assert stage.run("dart_filing").success


def test_f28_our_own_daily_limit_survives_a_restart_and_keeps_what_came(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DART_DAILY_LIMIT", "13")
    first = stage.run("dart_filing")
    second = stage.run("dart_filing", key="2026-03-11")
    assert (len(first.requests), len(second.requests)) == (10, 3)
    fails(second, "dart_filing", QuotaExhausted)
    assert stage.rows("SELECT requests FROM upstream_budget WHERE source = 'DART'") == [(13,)]
    stage.clock.instant = datetime(2026, 3, 13, 14, 59, 59, tzinfo=UTC)
    assert len(stage.run("dart_filing").requests) == 0
    stage.clock.instant += timedelta(seconds=1)
    assert stage.run("dart_filing").success


@pytest.mark.parametrize("code", ["021", "100"])
def test_f29_a_wrong_request_names_its_parameters(stage: Any, code: str) -> None:
    run = stage.run("financial_statement", faults=[f"fnlttMultiAcnt:dart={code}"])
    fails(run, "financial_statement", BadRequest)
    assert "parameters corp_code, bsns_year, reprt_code" in run.log("financial_statement")["reason"]
    assert len(run.requests) == 1


def test_f30_maintenance_is_skipped_and_asked_again_after_it(stage: Any) -> None:
    run = stage.run("dart_filing", faults=["list:dart=800"])
    assert run.error("dart_filing") is Maintenance
    assert run.ended("dart_filing") == ("completed", "skipped")
    assert "not asked again before 2026-03-13 17:10 UTC" in run.log("dart_filing")["reason"]
    assert (len(run.requests), run.waits, run.kept) == (1, [], True)
    assert (run.success, run.job["status"]) == (True, "skipped")


def test_f30_an_undefined_error_is_a_server_error(stage: Any) -> None:
    run = stage.run("dart_filing", faults=["list:dart=900"])
    fails(run, "dart_filing", ServerError, *SERVER_WAITS)


@pytest.mark.parametrize(
    ("utc", "open_"),
    [
        ((15, 59, 59), True),  # 00:59:59 in Seoul
        ((16, 0, 0), False),  # 01:00:00
        ((16, 59, 59), False),  # 01:59:59
        ((17, 0, 0), True),  # 02:00:00
    ],
)
def test_f30_in_the_nightly_window_nothing_is_sent(
    stage: Any, utc: tuple[int, int, int], open_: bool
) -> None:
    stage.clock.instant = datetime(2026, 3, 13, *utc, tzinfo=UTC)
    run = stage.run("dart_filing")
    assert run.ended("dart_filing") == ("completed", "rows" if open_ else "skipped")
    assert len(run.requests) == (10 if open_ else 0)


# Every kind of body that is no zip of companies, and what it stands for.
NO_ZIP = [
    ("html", BadPayload, (60,)),
    ("shorten=3", BadPayload, (60,)),
    ("shorten=99%", BadPayload, (60,)),
    ("status=404", BadRequest, ()),
    ("status=403", AuthError, ()),
    ("dart=010", AuthError, ()),
    ("dart=020", QuotaExhausted, (60, 60)),
    ("dart=100", BadRequest, ()),
    ("dart=900", ServerError, SERVER_WAITS),
    ("dart-block", Blocked, ()),
]


@pytest.mark.parametrize(("kind", "error", "waits"), NO_ZIP, ids=[case[0] for case in NO_ZIP])
def test_f31_without_a_sound_zip_the_old_companies_stay(
    stage: Any, kind: str, error: type[PipelineError], waits: tuple[float, ...]
) -> None:
    run = stage.run("dart_corp_code", faults=[f"corpCode:{kind}"])
    fails(run, "dart_corp_code", error, *waits)


def test_f31_the_shares_are_joined_with_the_old_companies(stage: Any) -> None:
    stage.database.execute("DELETE FROM stocks")
    run = stage.run("dart_corp_code", "stocks", faults=["corpCode:shorten=99%"])
    assert run.ended("dart_corp_code") == ("failed", "error")
    assert run.ended("stocks") == ("completed", "rows")
    assert stage.rows("SELECT corp_code FROM stocks WHERE ticker = '005930'") == [("00126380",)]


# ---- data.go.kr

PORTAL = [
    *((code, ServerError, SERVER_WAITS) for code in ("1", "5", "99")),
    *((code, BadRequest, ()) for code in ("10", "12")),
    *((code, AuthError, ()) for code in ("20", "30", "33")),
    ("22", QuotaExhausted, ()),
    ("23", RateLimited, (60, 60)),
]


@pytest.mark.parametrize(("code", "error", "waits"), PORTAL, ids=[case[0] for case in PORTAL])
def test_f33_the_portals_codes_are_read_before_its_data(
    stage: Any, code: str, error: type[PipelineError], waits: tuple[float, ...]
) -> None:
    run = stage.run("fsc_listed_item", faults=[f"getItemInfo:gateway={code}"])
    fails(run, "fsc_listed_item", error, *waits)
    assert f"code {code}" in run.log("fsc_listed_item")["reason"]
    # Whatever depends on this table can do without it: Dagster is told of a warning.
    assert (run.success, run.job["status"]) == (True, "failure")


@pytest.mark.parametrize(
    ("shape", "error"),
    [
        ("portal-flat=22", QuotaExhausted),
        ("portal-envelope=22", QuotaExhausted),
        ("portal-flat=30", AuthError),
        ("portal-envelope=31", AuthError),
    ],
)
def test_f33_so_are_the_same_codes_in_json(
    stage: Any, shape: str, error: type[PipelineError]
) -> None:
    run = stage.run("fsc_listed_item", faults=[f"getItemInfo:{shape}"])
    fails(run, "fsc_listed_item", error)


@pytest.mark.parametrize("shape", ["gateway=3", "portal-flat=03", "portal-envelope=03"])
def test_f33_no_data_on_four_sessions_is_no_answer(stage: Any, shape: str) -> None:
    run = stage.run("fsc_listed_item", faults=[f"getItemInfo:{shape}"])
    fails(run, "fsc_listed_item", EmptyOnBusinessDay)
    assert run.asked("getItemInfo") == 4
    assert run.kept


# ---- KRX


def test_f36_a_lost_login_is_renewed_once(stage: Any) -> None:
    run = stage.run(PRICES, faults=["krx:logout*1"])
    assert run.ended(PRICES) == ("completed", "rows")
    assert run.asked(STATISTIC) == 2
    assert run.kept


def test_f36_a_second_lost_login_ends_the_run(stage: Any) -> None:
    run = stage.run(PRICES, key="2026-03-11", last="2026-03-13", faults=["krx:logout"])
    fails(run, PRICES, AuthError)
    assert "renew KRX_PW" in run.log(PRICES)["reason"]
    assert [row["outcome"] for row in run.logs] == ["auth_expired"] * 3
    assert run.asked(STATISTIC) == 2


@pytest.mark.parametrize("kind", ["cd010", "login-code=CD003"])
def test_f36_a_refused_account_is_tried_once(stage: Any, kind: str) -> None:
    run = stage.run(PRICES, key="2026-03-11", last="2026-03-13", faults=[f"krx:{kind}"])
    fails(run, PRICES, AuthError)
    assert "renew KRX_PW" in run.log(PRICES)["reason"]
    assert [row["outcome"] for row in run.logs] == ["auth_expired"] * 3
    assert (run.asked("MDCCOMS001D1"), run.asked(STATISTIC)) == (1, 0)
    stage.clock.instant += timedelta(hours=23)
    again = stage.run(PRICES, key="2026-03-13")
    assert (again.error(PRICES), len(again.requests)) == (Blocked, 0)
    stage.clock.instant += timedelta(hours=1)
    assert stage.run(PRICES, key="2026-03-13").success


@pytest.mark.parametrize(
    ("faults", "error", "asked"),
    [
        (["krx:cd010"], AuthError, "MDCCOMS001D1"),
        ([f"{STATISTIC}:block=200"], Blocked, STATISTIC),
        (["MDCCOMS001D1:block=403"], Blocked, "MDCCOMS001D1"),
    ],
)
def test_f36_the_days_after_a_refusal_of_krx_are_those_of_the_next_source(
    stage: Any, faults: list[str], error: type[PipelineError], asked: str
) -> None:
    # 9 March is of KRX, which nobody may replace; 10 March is not stored.
    assert stage.run(PRICES, key="2026-03-09").success
    run = stage.run(PRICES, key="2026-03-09", last="2026-03-10", faults=faults)
    assert run.error(PRICES) is error
    filled = run.log(PRICES, "2026-03-10")
    assert (filled["outcome"], filled["source"]) == ("rows", "KRX_OPENAPI")
    assert filled["validation_detail"] == '{"preferred_source_answers": 1}'
    assert run.asked(asked) == 1


def test_f36_an_account_that_is_in_use_elsewhere_is_taken_over(stage: Any) -> None:
    run = stage.run(PRICES, faults=["krx:cd011"])
    assert run.ended(PRICES) == ("completed", "rows")
    assert run.asked("MDCCOMS001D1") == 2


@pytest.mark.parametrize(("operation", "status"), [(STATISTIC, 200), ("MDCCOMS001D1", 403)])
def test_f36_a_block_stops_every_process_for_a_day(stage: Any, operation: str, status: int) -> None:
    run = stage.run(PRICES, faults=[f"{operation}:block={status}"])
    fails(run, PRICES, Blocked)
    assert (run.log(PRICES)["outcome"], run.asked(operation)) == ("blocked", 1)
    stage.clock.sleep(24 * 3600 - 1)
    again = stage.run(PRICES, key="2026-03-13")
    assert (again.error(PRICES), len(again.requests)) == (Blocked, 0)
    stage.clock.sleep(1)
    assert stage.run(PRICES, key="2026-03-13").success


def test_f36_a_block_of_krx_also_keeps_the_listings_from_asking_it(stage: Any) -> None:
    run = stage.run("stock_delisting", faults=["B128:block=200"])
    assert run.error("stock_delisting") is Blocked
    again = stage.run(PRICES)
    assert (again.error(PRICES), len(again.requests)) == (Blocked, 0)
    other = stage.run("dart_filing")
    assert other.ended("dart_filing") == ("completed", "rows")


@pytest.mark.parametrize(
    ("kind", "error", "waits"),
    [
        ("outage", ServerError, SERVER_WAITS),
        ("status=403", AuthError, ()),
        ("status=404", BadRequest, ()),
        ("html", BadPayload, (60,)),
    ],
)
def test_f36_what_the_library_takes_for_no_data_is_an_error(
    stage: Any, kind: str, error: type[PipelineError], waits: tuple[float, ...]
) -> None:
    run = stage.run(PRICES, faults=[f"{STATISTIC}:{kind}"])
    fails(run, PRICES, error, *waits)


@pytest.mark.parametrize(
    ("refusal", "source"),
    [
        ("krx_openapi:status=401", "FSC"),  # the key, which is in a header, is not repeated
        ("ksq_bydd_trd:status=404", None),  # a wrong path is our mistake: nobody hides it
        ("knx_isu_base_info:429", "FSC"),
    ],
)
def test_f26_a_refusal_of_the_open_api_is_passed_on_to_fsc(
    stage: Any, refusal: str, source: str | None
) -> None:
    run = stage.run(PRICES, key="2026-03-10", faults=[f"{STATISTIC}:status=403", refusal])
    assert run.log(PRICES)["source"] == source
    assert run.ended(PRICES) == (("completed", "rows") if source else ("failed", "error"))


# ---- F37: keys that are not set


@pytest.mark.parametrize(
    ("setting", "table"),
    [
        ("DART_API_KEY", "dart_filing"),
        ("DART_API_KEY", "dart_corp_code"),
        ("FSC_API_KEY", "fsc_listed_item"),
        ("KRX_ID", PRICES),
        ("KRX_PW", PRICES),
    ],
)
def test_f37_without_its_key_a_table_is_skipped_and_says_which(
    stage: Any, monkeypatch: pytest.MonkeyPatch, setting: str, table: str
) -> None:
    monkeypatch.delenv(setting)
    run = stage.run(table)
    assert run.error(table) is SettingMissing
    assert run.ended(table) == ("completed", "skipped")
    assert (len(run.requests), run.kept) == (0, True)
    assert (run.success, run.job["status"]) == (True, "skipped")
    named = "KRX_ID and KRX_PW" if table == PRICES else f"{setting} is not set"
    assert named in run.log(table)["reason"]


@pytest.mark.parametrize("setting", ["DART_API_KEY", "FSC_API_KEY"])
def test_f37_the_table_of_shares_is_built_without_the_key(
    stage: Any, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.delenv(setting)
    stage.database.execute("DELETE FROM stocks")
    run = stage.run("dart_corp_code", "fsc_listed_item", "stocks")
    assert run.job["status"] == "partial_failure"
    assert run.ended("stocks") == ("completed", "rows")
    assert stage.rows("SELECT name FROM stocks WHERE ticker = '005930'") == [("삼성전자",)]
