"""F12–F21, F23, F25: answers that arrive whole and are wrong, empty, doubled or old."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from stock_pipeline.errors import (
    BadPayload,
    EmptyOnBusinessDay,
    PipelineError,
    QualityReject,
    SchemaDrift,
    StaleWriter,
)

pytestmark = pytest.mark.fault

DAY, NEXT_DAY, SATURDAY = "2026-03-12", "2026-03-13", "2026-03-14"
STATISTIC = "MDCSTAT01501"
PRICES = "stock_price_daily"


def refused(run: Any, table: str, kind: type[PipelineError]) -> None:
    """Hold a run against a refusal at the first answer, with nothing written."""
    assert run.error(table) is kind
    assert run.ended(table) == ("failed", "error")
    assert run.waits == []
    assert run.kept


# ---- F12, F13: nothing in it


@pytest.mark.parametrize(
    "kind", ["empty", "dashes", "set-column=TDD_CLSPRC:-", "set-column=TDD_CLSPRC:"]
)
def test_f12_a_published_session_without_prices_is_a_failure(stage: Any, kind: str) -> None:
    run = stage.run(PRICES, faults=[f"{STATISTIC}:{kind}"])
    refused(run, PRICES, EmptyOnBusinessDay)
    assert run.asked(STATISTIC) == 1


def test_f12_nothing_is_computed_from_a_day_that_did_not_come(stage: Any) -> None:
    run = stage.run(PRICES, "price_adjustment", key=NEXT_DAY, faults=[f"{STATISTIC}:dashes"])
    assert [row["asset"] for row in run.logs] == [PRICES]
    later = stage.run("price_adjustment", key=NEXT_DAY)
    assert later.log("price_adjustment")["reason"] == "waiting_for_history"
    assert later.ended("price_adjustment") == ("completed", "skipped")
    assert stage.run(PRICES, "price_adjustment", key=NEXT_DAY).job["status"] == "success"


def test_f12_an_empty_list_of_delistings_leaves_the_old_one(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FDR_MAX_RETRIES", "0")
    run = stage.run("stock_delisting", faults=["listing/delisting:empty"])
    assert run.error("stock_delisting") is BadPayload
    assert run.kept


@pytest.mark.parametrize(
    ("day", "why"),
    [
        ("2026-03-02", "the substitute for Independence Movement Day"),
        ("2026-03-07", "a Saturday"),
        ("2025-12-31", "the last day of the year"),
    ],
)
def test_f13_on_a_closed_day_nothing_is_asked(stage: Any, day: str, why: str) -> None:
    run = stage.run(PRICES, key=day, faults=["krx:silence"])
    assert run.ended(PRICES) == ("completed", "non_session"), why
    assert "XKRX is closed" in run.log(PRICES)["reason"]
    assert (len(run.requests), run.success, run.job["status"]) == (0, True, "success")


@pytest.mark.parametrize(
    ("utc", "outcome", "requests"),
    [
        ((0, 10), "not_yet_published", 0),  # 09:10 in Seoul: KRX still shows dashes
        ((7, 14), "not_yet_published", 0),  # 16:14
        ((7, 15), "rows", 1),  # 16:15: close + 45 minutes
    ],
)
def test_f13_a_session_that_is_not_published_stays_missing(
    stage: Any, utc: tuple[int, int], outcome: str, requests: int
) -> None:
    stage.clock.instant = datetime(2026, 3, 13, *utc, tzinfo=UTC)
    run = stage.run(PRICES, key=NEXT_DAY)
    assert (run.log(PRICES)["outcome"], run.asked(STATISTIC)) == (outcome, requests)


# ---- F14, F15: more than once, in another order


def test_f14_equal_rows_count_once(stage: Any) -> None:
    run = stage.run(PRICES, faults=[f"{STATISTIC}:duplicate=5"])
    row = run.log(PRICES)
    assert run.kept
    assert (row["received"], row["unchanged"], row["rejected"]) == (251, 246, 5)
    assert row["validation_status"] == "warn"


def test_f14_of_two_rows_that_disagree_neither_is_believed(stage: Any) -> None:
    run = stage.run(PRICES, key=NEXT_DAY, faults=[f"{STATISTIC}:conflict=ACC_TRDVAL:1"])
    row = run.log(PRICES)
    assert (row["received"], row["inserted"], row["rejected"]) == (247, 245, 2)
    assert row["validation_status"] == "warn"
    reasons = stage.rows(f"SELECT reason FROM rejected_row WHERE run_id = '{run.run_id}'")
    assert reasons == [("conflicting rows of one key",)] * 2


@pytest.mark.parametrize(
    ("table", "operation"),
    [
        (PRICES, STATISTIC),
        ("dart_filing", "list"),
        ("fsc_listed_item", "getItemInfo"),
    ],
)
def test_f15_another_order_of_rows_and_columns_changes_nothing(
    stage: Any, table: str, operation: str
) -> None:
    run = stage.run(table, faults=[f"{operation}:shuffle"])
    assert run.ended(table) == ("completed", "rows")
    assert run.log(table)["unchanged"] == run.log(table)["received"] > 0
    assert run.kept


# ---- F16: columns


@pytest.mark.parametrize(
    ("table", "operation", "change"),
    [
        (PRICES, STATISTIC, "drop-column=ISU_SRT_CD"),
        (PRICES, STATISTIC, "rename-column=TDD_CLSPRC:CLOSE"),
        (PRICES, STATISTIC, "rename-column=MKT_ID:MARKET"),
        ("dart_filing", "list", "drop-column=rcept_no"),
        ("dart_filing", "list", "rename-column=report_nm:title"),
        ("fsc_listed_item", "getItemInfo", "drop-column=isinCd"),
        ("financial_statement", "fnlttMultiAcnt", "rename-column=thstrm_amount:amount"),
        ("stock_delisting", "listing/delisting", "rename-column=Symbol:Code"),
    ],
)
def test_f16_a_missing_column_is_named_and_nothing_is_written(
    stage: Any, table: str, operation: str, change: str
) -> None:
    run = stage.run(table, faults=[f"{operation}:{change}"])
    refused(run, table, SchemaDrift)
    assert f"column {change.split('=')[1].split(':')[0]}" in run.log(table)["reason"]


@pytest.mark.parametrize(
    ("table", "operation"),
    [(PRICES, STATISTIC), ("dart_filing", "list"), ("fsc_listed_item", "getItemInfo")],
)
def test_f16_a_new_column_is_ignored(stage: Any, table: str, operation: str) -> None:
    run = stage.run(table, faults=[f"{operation}:add-column=SURPRISE"])
    assert run.ended(table) == ("completed", "rows")
    assert run.kept


# ---- F17, F18: values

BROKEN = [
    ("TDD_CLSPRC:abc", "close_not_null", "text for a number"),
    ("TDD_CLSPRC:1e999", "close_not_null", "infinity"),
    ("TDD_CLSPRC:0", "close_positive", "zero"),
    ("TDD_CLSPRC:-1,000", "close_positive", "below zero"),
    ("ACC_TRDVOL:-1", "volume_at_least_0", "a negative volume"),
    ("FLUC_RT:inf", "change_pct_not_null", "an infinite rate"),
    ("MKT_ID:XXX", "market_not_null", "an unknown market"),
    ("TDD_OPNPRC:-", "traded_has_range", "a traded share without an opening price"),
    ("TDD_HGPRC:1", "low_close_high_ordered", "F18: the high below the low"),
    ("TDD_LWPRC:999,999,999", "low_close_high_ordered", "F18: the low above the high"),
]


@pytest.mark.parametrize(
    ("cell", "rule", "why"), BROKEN, ids=[why.removeprefix("F18: ") for *_, why in BROKEN]
)
def test_f17_f18_a_row_with_an_impossible_value_is_kept_out_and_noted(
    stage: Any, cell: str, rule: str, why: str
) -> None:
    run = stage.run(PRICES, key=NEXT_DAY, faults=[f"{STATISTIC}:set-cell={cell}"])
    row = run.log(PRICES)
    assert (row["status"], row["inserted"], row["rejected"]) == ("completed", 245, 1), why
    assert row["validation_status"] == "warn"
    ((reason,),) = stage.rows(f"SELECT reason FROM rejected_row WHERE run_id = '{run.run_id}'")
    assert rule in reason.split("; ")


@pytest.mark.parametrize("column", ["TDD_OPNPRC:-", "TDD_HGPRC:1", "LIST_SHRS:0", "FLUC_RT:inf"])
def test_f17_f18_more_than_one_percent_of_such_rows_condemn_the_answer(
    stage: Any, column: str
) -> None:
    run = stage.run(PRICES, faults=[f"{STATISTIC}:set-column={column}"])
    refused(run, PRICES, QualityReject)
    assert "rejected_share" in run.log(PRICES)["reason"]
    assert run.log(PRICES)["rejected"] > 200


def test_f18_a_halted_share_may_have_zeros_but_never_zero_prices(stage: Any) -> None:
    zeros = stage.rows(
        f"SELECT count(*) FROM {PRICES} WHERE 0 IN (open, high, low, close, base_price)"
    )
    halted = stage.rows(f"SELECT DISTINCT open, high, low, volume FROM {PRICES} WHERE is_halted")
    assert (zeros, halted) == ([(0,)], [(None, None, None, 0)])


# ---- F19: another unit


def _thousandfold(*columns: str, tickers: int | None = None) -> Any:
    """Return a change that multiplies columns by 1,000, of the first so many traded shares."""

    def change(rows: list[dict[str, Any]]) -> None:
        traded = [row for row in rows if row["ACC_TRDVOL"] != "0"]
        for row in traded[:tickers]:
            row.update({c: f"{int(row[c].replace(',', '')) * 1000:,}" for c in columns})

    return change


@pytest.mark.parametrize(
    "columns",
    [
        ("TDD_CLSPRC", "TDD_OPNPRC", "TDD_HGPRC", "TDD_LWPRC", "CMPPREVDD_PRC", "MKTCAP"),
        ("MKTCAP",),
    ],
    ids=["prices", "only the capitalisation"],
)
def test_f19_a_market_in_another_unit_is_refused(stage: Any, columns: tuple[str, ...]) -> None:
    stage.edit_rows(STATISTIC, _thousandfold(*columns))
    run = stage.run(PRICES, key=NEXT_DAY)
    refused(run, PRICES, QualityReject)
    assert "unit_jump" in run.log(PRICES)["reason"]


def test_f19_a_single_share_that_jumps_is_stored_and_flagged(stage: Any) -> None:
    prices = ("TDD_CLSPRC", "TDD_OPNPRC", "TDD_HGPRC", "TDD_LWPRC")
    stage.edit_rows(STATISTIC, _thousandfold(*prices, tickers=1))
    run = stage.run(PRICES, key=NEXT_DAY)
    assert run.ended(PRICES) == ("completed", "rows")
    assert run.log(PRICES)["validation_status"] == "warn"
    assert "market_cap_is_close_times_shares" in run.log(PRICES)["validation_detail"]


# ---- F21: dates


@pytest.mark.parametrize("text", ["29991231", "20260313", "20260311"])
def test_f21_a_receipt_of_another_day_than_asked_is_not_stored(stage: Any, text: str) -> None:
    run = stage.run("dart_filing", faults=[f"list:set-cell=rcept_dt:{text}"])
    assert run.kept
    assert run.error("dart_filing") is BadPayload


@pytest.mark.parametrize("text", ["29991231", "20260309"])
def test_f21_shares_of_another_day_than_asked_are_not_stored(stage: Any, text: str) -> None:
    run = stage.run("fsc_listed_item", faults=[f"getItemInfo:set-column=basDt:{text}"])
    assert run.error("fsc_listed_item") is BadPayload
    assert run.kept


def test_f21_a_day_to_come_is_not_published(stage: Any) -> None:
    run = stage.run(PRICES, key=NEXT_DAY, last=SATURDAY)
    assert [row["outcome"] for row in run.logs] == ["rows", "non_session"]
    newest = stage.rows(f"SELECT max(trade_date) FROM {PRICES}")
    assert newest == [(date(2026, 3, 13),)]


# ---- F23: a share that left


def test_f23_a_delisted_share_becomes_inactive_and_keeps_its_history(stage: Any) -> None:
    """049890 left on 2026-01-30; the session before still has it."""
    run = stage.run(PRICES, key="2026-01-29", last="2026-01-30")
    assert run.success
    found = stage.rows(f"SELECT trade_date FROM {PRICES} WHERE ticker = '049890'")
    assert found == [(date(2026, 1, 29),)]
    assert stage.run("stocks").success
    row = stage.rows(
        "SELECT is_active, delisting_date, last_seen_date FROM stocks WHERE ticker = '049890'"
    )
    assert row == [(False, date(2026, 1, 30), date(2026, 1, 29))]


# ---- F25: corrections and stragglers


def test_f25_a_late_correction_replaces_what_was_stored(stage: Any) -> None:
    run = stage.run(PRICES, faults=[f"{STATISTIC}:set-cell=SECT_TP_NM:관리종목"])
    row = run.log(PRICES)
    assert (row["updated"], row["unchanged"], row["inserted"]) == (1, 245, 0)


def test_f25_an_answer_older_than_the_stored_one_is_dropped(stage: Any) -> None:
    stage.clock.instant -= timedelta(minutes=1)
    run = stage.run(PRICES, faults=[f"{STATISTIC}:set-cell=SECT_TP_NM:관리종목"])
    assert run.error(PRICES) is StaleWriter
    assert run.ended(PRICES) == ("completed", "skipped")
    assert run.log(PRICES)["error_message"] is None
    assert (run.kept, run.success) == (True, True)
