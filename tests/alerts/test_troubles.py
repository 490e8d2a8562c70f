"""What is told of a run: which incidents, how severe, and what the operator is to do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from stock_pipeline.alerts.troubles import LogRow, Trouble, answering, troubles

NOW = datetime(2026, 3, 13, 8, 0, tzinfo=UTC)  # 17:00 in Seoul
DAY = "2026-03-13"


def row(asset: str = "stock_price_daily", error: str = "", **values: Any) -> LogRow:
    """Return a log row: failed with this error, or stored."""
    status = "failed" if error else "completed"
    return LogRow(
        **{"job": "krx_close", "partition": DAY, "status": status, "source": "KRX", **values},
        asset=asset,
        error=error,
    )


def told(*rows: LogRow, now: datetime = NOW, bad_answers: int = 0) -> list[Trouble]:
    """Return what is told of these rows."""
    before = {one.asset: bad_answers for one in rows}
    return troubles(rows, now=now, bad_answers=before)


TIMEOUT = "Timeout: KRX prices: No complete answer within the deadline"
EMPTY = "EmptyOnBusinessDay: KRX prices: partition 2026-03-13"
BAD = "BadPayload: FRED observations: text/html"


@pytest.mark.parametrize(
    ("rows", "key", "level"),
    [
        ([row(error=TIMEOUT)], "KRX/Timeout", "CRITICAL"),  # no daily price came at all
        ([row(error=TIMEOUT), row(partition="2026-03-12")], "KRX/Timeout", "WARN"),  # some came
        ([row("stocks", TIMEOUT)], "KRX/Timeout", "WARN"),  # an upstream that is down
        (
            [row("dart_filing", "AuthError: DART list: 010; renew DART_API_KEY")],
            "DART/AuthError",
            "CRITICAL",
        ),
        ([row("stocks", "Blocked: KRX login: 403")], "KRX/Blocked", "CRITICAL"),
        ([row("stocks", "RateLimited: DART list: 020")], "DART/RateLimited", "WARN"),
        ([row("stocks", "NotEntitled: FSC items: 20")], "FSC/NotEntitled", "CRITICAL"),
        ([row("stocks", "DiskFull: PostgreSQL 53100")], "PostgreSQL/DiskFull", "CRITICAL"),
        ([row("stocks", "SchemaDrift: KRX list: column X")], "stocks/SchemaDrift", "CRITICAL"),
        ([row("bonds", "QualityReject: bonds: 9 rows")], "bonds/QualityReject", "WARN"),
        ([row("compass_score", "QualityReject: x")], "compass_score/QualityReject", "CRITICAL"),
        (
            [
                row("compass_score", "QualityReject: x"),
                row("compass_score", partition="2026-03-12"),
            ],
            "compass_score/QualityReject",
            "WARN",
        ),
        ([row(error="Abandoned: 프로세스 종료: killed")], "krx_close/Abandoned", "WARN"),
        ([row(error="DagsterExecutionInterruptedError: x")], "krx_close/Abandoned", "WARN"),
        ([row(error="Interrupted: the run was asked to end")], "krx_close/Abandoned", "WARN"),
        ([row("stocks", "OutOfMemory: no more")], "stocks/OutOfMemory", "CRITICAL"),
        ([row("stocks", "KeyError: not foreseen")], "stocks/Defect", "WARN"),
        ([row("price_daily", failed=("TLT",))], "price_daily/PartialFailure", "WARN"),
    ],
)
def test_a_failure_is_an_incident_of_what_is_to_blame(
    rows: list[LogRow], key: str, level: str
) -> None:
    [trouble] = told(*rows)
    assert (trouble.alert.incident_key, trouble.alert.level) == (key, level)


@pytest.mark.parametrize(
    ("now", "level"),
    [
        (datetime(2026, 3, 13, 10, 29, tzinfo=UTC), "WARN"),
        (datetime(2026, 3, 13, 10, 30, tzinfo=UTC), "CRITICAL"),  # 19:30 in Seoul: the last tick
        (datetime(2026, 3, 14, 0, 0, tzinfo=UTC), "CRITICAL"),
    ],
)
def test_an_empty_session_is_critical_after_the_last_tick(now: datetime, level: str) -> None:
    assert told(row(error=EMPTY), now=now)[0].alert.level == level


@pytest.mark.parametrize(("before", "level"), [(1, "WARN"), (2, "CRITICAL")])
def test_the_third_unreadable_answer_in_a_row_is_critical(before: int, level: str) -> None:
    assert told(row("liquidity_macro", BAD), bad_answers=before)[0].alert.level == level


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [row(), row("bonds", outcome="non_session")],
        [row("liquidity_macro", status="completed", outcome="skipped")],  # a key is missing
        [row(outcome="not_yet_published")],
        [row("compass_score", outcome="skipped")],  # it waits for its inputs
        [row(error="NotArchived: KRX prices")],  # old answers are read again
    ],
)
def test_nothing_is_told_of_what_is_in_order(rows: list[LogRow]) -> None:
    assert told(*rows) == []


def test_f58_many_failures_of_one_class_are_one_incident() -> None:
    days = [
        row(f"table{n % 5}", TIMEOUT, partition=f"2026-01-{n % 28 + 1:02d}") for n in range(140)
    ]
    [trouble] = told(*days)
    assert trouble.partitions == 140
    assert trouble.assets["table0"] == "2026-01-28"
    assert "외 2개" in trouble.alert.what
    assert "파티션 140개" in trouble.alert.what


def test_a_refused_key_names_the_setting_and_where_it_is_renewed() -> None:
    error = "AuthError: KRX login: CD010; renew KRX_PW"
    [trouble] = told(row(error=error))
    assert trouble.alert.action == (
        "KRX_PW 갱신 필요: KRX 정보데이터시스템 비밀번호 변경 (3개월마다)"
    )


def test_incidents_of_upstreams_come_first_and_explain_those_of_tables() -> None:
    empty, timeout = told(row(error=EMPTY), row("stocks", TIMEOUT))[::-1]
    assert timeout.alert.incident_key == "KRX/Timeout"
    assert timeout.alert.parents == ()
    assert empty.alert.parents == ("KRX",)
    [partial] = told(row("crypto_price", failed=("a", "b"), source="COINGECKO"))
    assert partial.alert.parents == ("COINGECKO",)
    assert "항목 2개" in partial.alert.what


def test_who_gave_rows_answers() -> None:
    rows = [
        row(source="KRX"),
        row(source="DART", outcome="no_data"),
        row(source="FRED", error=BAD),
        row(source=""),
    ]
    assert answering(rows) == {"KRX"}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("Abandoned: 프로세스 종료", "Abandoned"),
        ("SettingInvalid: LOG_FORMAT: xml", "SettingInvalid"),
        ("KeyError: the run failed without a row", "Defect"),
    ],
)
def test_a_run_that_began_nothing_is_told_of_by_its_job(error: str, kind: str) -> None:
    [trouble] = told(row("", error, partition=""))
    assert trouble.alert.incident_key == f"krx_close/{kind}"
    assert "시작하지 못함" in trouble.alert.what
