"""F01–F11: what goes wrong on the way from an upstream to its table."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stock_pipeline.errors import (
    BadPayload,
    Blocked,
    NetworkError,
    PipelineError,
    QuotaExhausted,
    RateLimited,
    ServerError,
    Timeout,
)

pytestmark = pytest.mark.fault

# Table and the operation that fills it, one of each upstream that is asked over our own client.
SOURCES = [
    ("stock_price_daily", "MDCSTAT01501"),
    ("dart_filing", "list"),
    ("dart_corp_code", "corpCode"),
    ("fsc_listed_item", "getItemInfo"),
]
PLACES = [(*source, "50%") for source in SOURCES] + [(*SOURCES[1], "1"), (*SOURCES[1], "99%")]


def fails(run: Any, table: str, kind: type[PipelineError], *waits: float) -> bool:
    """Hold a run against a failure of this class: waits, log, job, and that nothing changed."""
    assert run.error(table) is kind
    assert run.ended(table) == ("failed", kind.outcome)
    assert run.log(table)["error_message"].startswith(kind.__name__)
    assert run.log(table)["validation_status"] == "fail"
    assert run.log(table)["requests"] == len(run.requests)
    assert run.job["status"] == "failure"
    assert run.kept
    return bool(run.waited(*waits))


# ---- F01, F02: time


@pytest.mark.parametrize(("table", "operation"), SOURCES[1:])
def test_f01_silence_ends_in_time_and_is_tried_again_after_30_60_120_s(
    stage: Any, table: str, operation: str
) -> None:
    # Nearly half a minute passes at every look: the proxy still answers in time, nobody else does.
    # The zip alone has three minutes.
    stage.clock.glance = 89.9 if operation == "corpCode" else 29.9
    run = stage.run(table, faults=[f"{operation}:silence"])
    assert fails(run, table, Timeout, 30, 60, 120)
    assert run.asked(operation) == 4


def test_f01_a_library_without_a_time_limit_is_ended_from_outside(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FDR_TIMEOUT", "0.2")
    run = stage.run("stock_delisting")
    assert run.error("stock_delisting") is Timeout
    # Its own waits: FDR_MAX_RETRIES times, FDR_BASE_DELAY doubled each time.
    assert run.waited(1, 2, 4)
    assert run.kept


@pytest.mark.parametrize("kind", ["drip=50", "drip-head=50"])
def test_f02_an_answer_that_drips_meets_the_deadline_of_the_whole_request(
    stage: Any, kind: str
) -> None:
    # The bytes keep coming, so no single read is ever late; all of them would take minutes.
    stage.clock.glance = 12
    run = stage.run("dart_filing", faults=[f"list:{kind}"])
    assert fails(run, "dart_filing", Timeout, 30, 60, 120)


# ---- F03: connections


@pytest.mark.parametrize(
    ("table", "operation", "kind"),
    [(*source, "reset") for source in SOURCES] + [(*SOURCES[1], "reset=50%")],
)
def test_f03_a_reset_is_tried_three_times_more(
    stage: Any, table: str, operation: str, kind: str
) -> None:
    run = stage.run(table, faults=[f"{operation}:{kind}"])
    assert fails(run, table, NetworkError, 10, 10, 10)
    assert run.asked(operation) == 4


def test_f03_one_upstream_that_cannot_be_reached_leaves_the_others_alone(stage: Any) -> None:
    stage.database.execute("DELETE FROM fsc_listed_item")
    run = stage.run("dart_corp_code", "fsc_listed_item", faults=["dart:down"])
    assert run.error("dart_corp_code") is NetworkError
    assert run.waited(10, 10, 10)
    assert run.ended("fsc_listed_item") == ("completed", "rows")
    assert run.log("fsc_listed_item")["inserted"] > 200
    assert run.job["status"] == "partial_failure"
    (error,) = json.loads(run.job["error_message"])
    assert (error["asset"], error["partition"]) == ("dart_corp_code", "2026-03-07")


# ---- F04, F05: too many requests

RETRY_AFTER = [
    ("7", 7, "seconds"),
    ("0", 0, "at once"),
    ("-5", 0, "an instant that is over"),
    ("nan", 60, "no number: the fixed wait"),
    ("99999", 300, "never longer than five minutes"),
    ("inf", 300, "not even then"),
    ("Fri, 13 Mar 2026 09:02:00 GMT", 120, "a date, two minutes after the clock"),
]


@pytest.mark.parametrize(
    ("value", "seconds", "why"), RETRY_AFTER, ids=[case[2] for case in RETRY_AFTER]
)
def test_f04_retry_after_is_obeyed_within_five_minutes(
    stage: Any, value: str, seconds: float, why: str
) -> None:
    run = stage.run("dart_corp_code", faults=[f"corpCode:429={value}*1"])
    assert run.success, why
    assert run.waited(seconds)
    assert run.asked("corpCode") == 2


@pytest.mark.parametrize(
    ("table", "operation", "kind"),
    [
        ("stock_price_daily", "MDCSTAT01501", RateLimited),
        ("fsc_listed_item", "getItemInfo", RateLimited),
        ("dart_filing", "list", QuotaExhausted),  # DART has no other word for the day's end
    ],
)
def test_f05_without_retry_after_it_waits_60_s_twice_and_stops_the_source(
    stage: Any, table: str, operation: str, kind: type[PipelineError]
) -> None:
    run = stage.run(table, faults=[f"{operation}:429"])
    assert fails(run, table, kind, 60, 60)
    assert run.asked(operation) == 3


def test_f05_the_other_days_of_a_stopped_source_are_left_for_later(stage: Any) -> None:
    run = stage.run(
        "stock_price_daily", key="2026-03-11", last="2026-03-13", faults=["MDCSTAT01501:429"]
    )
    assert [row["outcome"] for row in run.logs] == ["quota"] * 3
    assert run.asked("MDCSTAT01501") == 3
    assert run.kept
    healed = stage.run("stock_price_daily", key="2026-03-13")
    assert healed.ended("stock_price_daily") == ("completed", "rows")


# ---- F06: their failures


@pytest.mark.parametrize(("table", "operation"), SOURCES)
def test_f06_two_failures_and_an_answer_are_a_success(
    stage: Any, table: str, operation: str
) -> None:
    run = stage.run(table, faults=[f"{operation}:status=503*2"])
    assert (run.success, run.ended(table)) == (True, ("completed", "rows"))
    assert run.waited(30, 60)
    assert run.log(table)["unchanged"] == run.log(table)["received"] > 0


@pytest.mark.parametrize(
    ("table", "operation", "status"),
    [(*source, status) for source, status in zip(SOURCES, (500, 502, 503, 504), strict=True)],
)
def test_f06_endless_failures_end_after_four_requests(
    stage: Any, table: str, operation: str, status: int
) -> None:
    run = stage.run(table, faults=[f"{operation}:status={status}"])
    assert fails(run, table, ServerError, 30, 60, 120)
    assert run.asked(operation) == 4


def test_f06_a_file_that_its_collector_never_wrote_is_their_failure(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FDR_MAX_RETRIES", "1")
    run = stage.run("stock_delisting", faults=["listing/delisting:status=404"])
    assert run.error("stock_delisting") is ServerError
    assert run.waited(1)
    assert run.kept


def test_f06_after_ten_failures_in_a_row_a_source_is_not_asked_again(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRICE_SOURCES", "krx")
    run = stage.run(
        "stock_price_daily", key="2026-03-05", last="2026-03-11", faults=["krx:status=503"]
    )
    days = {row["partition"]: row["outcome"] for row in run.logs}
    assert len(run.requests) == 10
    assert days["2026-03-07"] == "non_session"
    assert [days[f"2026-03-{day}"] for day in ("05", "06", "09", "10", "11")] == ["error"] * 5
    assert "10 failures in a row" in run.log("stock_price_daily", "2026-03-11")["reason"]
    assert run.kept


def test_f06_one_lost_batch_of_many_does_not_cost_the_others(stage: Any) -> None:
    """Eleven batches of companies, of which the third never comes."""
    stage.database.execute(
        "INSERT INTO stocks (ticker, name, is_active, share_kind, corp_code)"
        " SELECT 'X' || lpad(row_number() OVER ()::text, 5, '0'), corp_name, true, 'common',"
        " corp_code FROM dart_corp_code WHERE corp_code NOT IN"
        " (SELECT corp_code FROM stocks WHERE corp_code IS NOT NULL)"
        " ORDER BY corp_code LIMIT 900"
    )
    stage.database.execute("DELETE FROM financial_statement")
    run = stage.run("financial_statement", faults=["fnlttMultiAcnt:status=503@3*4"])
    assert run.ended("financial_statement") == ("completed", "rows")
    assert run.waited(30, 60, 120)
    assert json.loads(run.log("financial_statement")["detail"]) == {
        "failed": ["companies 201 to 300"]
    }
    assert run.job["status"] == "partial_failure"
    assert run.log("financial_statement")["inserted"] > 0


# ---- F07–F10: answers that are none


@pytest.mark.parametrize(
    ("table", "operation"), [SOURCES[0], SOURCES[2], SOURCES[3]], ids=["krx", "zip", "fsc"]
)
def test_f07_a_page_instead_of_data_is_refused(stage: Any, table: str, operation: str) -> None:
    run = stage.run(table, faults=[f"{operation}:html"])
    assert fails(run, table, BadPayload, 60)
    assert run.asked(operation) == 2


def test_f07_the_log_names_the_content_type_and_keeps_a_sample(stage: Any) -> None:
    run = stage.run("stock_price_daily", faults=["MDCSTAT01501:html"])
    row = run.log("stock_price_daily")
    assert "expected JSON, got text/html" in row["reason"]
    assert "서비스 점검" in json.loads(row["detail"])["sample"]


def test_f07_a_page_of_dart_means_that_it_has_blocked_us(stage: Any) -> None:
    run = stage.run("dart_filing", faults=["list:html"])
    assert fails(run, "dart_filing", Blocked)
    assert len(run.requests) == 1


@pytest.mark.parametrize(("table", "operation", "place"), PLACES)
def test_f08_a_body_that_ends_early_is_never_taken_for_the_whole(
    stage: Any, table: str, operation: str, place: str
) -> None:
    run = stage.run(table, faults=[f"{operation}:truncate={place}"])
    assert fails(run, table, NetworkError, 10, 10, 10)


@pytest.mark.parametrize(("table", "operation", "place"), PLACES)
def test_f08_a_body_cut_short_by_the_upstream_itself_is_refused(
    stage: Any, table: str, operation: str, place: str
) -> None:
    run = stage.run(table, faults=[f"{operation}:shorten={place}"])
    assert fails(run, table, BadPayload, 60)


@pytest.mark.parametrize(
    ("table", "operation", "kind"),
    [
        (*SOURCES[0], "euc-kr"),
        (*SOURCES[0], "euc-kr=undeclared"),
        (*SOURCES[1], "euc-kr"),
        (*SOURCES[3], "euc-kr=undeclared"),
    ],
)
def test_f09_names_in_another_encoding_are_the_same_names(
    stage: Any, table: str, operation: str, kind: str
) -> None:
    run = stage.run(table, faults=[f"{operation}:{kind}"])
    row = run.log(table)
    assert run.ended(table) == ("completed", "rows")
    assert (row["unchanged"], row["updated"], row["rejected"]) == (row["received"], 0, 0)


@pytest.mark.parametrize(
    ("table", "operation", "kind"),
    [(*source, "bomb=64") for source in SOURCES] + [(*SOURCES[3], "oversize=33")],
)
def test_f10_an_answer_over_a_limit_is_refused(
    stage: Any, table: str, operation: str, kind: str
) -> None:
    run = stage.run(table, faults=[f"{operation}:{kind}"])
    assert fails(run, table, BadPayload, 60)
    limit = 32 if operation == "corpCode" else 16
    assert f"larger than {limit} MB after unpacking" in run.log(table)["reason"]


@pytest.mark.parametrize(("table", "operation"), SOURCES[:2])
def test_f10_json_nested_without_end_is_refused(stage: Any, table: str, operation: str) -> None:
    run = stage.run(table, faults=[f"{operation}:deep-json"])
    assert fails(run, table, BadPayload, 60)


# ---- F11: redirects


@pytest.mark.parametrize(("table", "operation"), SOURCES)
def test_f11_a_redirect_to_another_host_is_not_followed(
    stage: Any, table: str, operation: str
) -> None:
    run = stage.run(table, faults=[f"{operation}:redirect=collector.example"])
    assert fails(run, table, BadPayload, 60)
    assert "collector.example" not in {request.host for request in run.requests}


def test_f11_the_redirect_of_dart_to_its_error_page_stops_it_for_an_hour(stage: Any) -> None:
    run = stage.run("dart_filing", faults=["list:dart-block"])
    assert fails(run, "dart_filing", Blocked)
    assert [request.operation for request in run.requests] == ["list"]
    again = stage.run("dart_corp_code")
    assert (again.error("dart_corp_code"), len(again.requests)) == (Blocked, 0)
    stage.clock.sleep(3600)
    assert stage.run("dart_filing").success
