"""Recorded dividends through the wire into PostgreSQL, held against a reading of our own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline import discovery
from stock_pipeline.storage import ddl
from stock_pipeline.twin.command import Setup, build_twin

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

SAMSUNG = "00126380"
FIRST_QUARTER, HALF_YEAR = date(2026, 1, 1), date(2026, 4, 1)
ONLY = {"ops": {"dividend_history": {"config": {"companies": [SAMSUNG]}}}}
REPLAY = {"resources": {"archive": {"config": {"replay": True}}}}
CODES = {"보통주": ("005930", "KR7005930003"), "우선주": ("005935", "KR7005931001")}
CRNO = "1301110006246"

Row = dict[str, Any]


def _number(text: str | None) -> float | None:
    return None if text in (None, "-", "", "0") else float(str(text).replace(",", ""))


@pytest.fixture(scope="module")
def live(
    another: Callable[..., Any],
    running: Callable[..., Any],
    recorded: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    """Sweep the first quarter with the register, then follow up one company's half year."""
    if (datetime.now(UTC) + timedelta(hours=9)).hour == 1:
        pytest.skip("DART is not asked between 01:00 and 02:00 in Seoul")
    pipeline = another(mode="live")
    tables, views = discovery.tables(), discovery.views()
    ddl.prepare(pipeline.database, tables, views, mode="live", today=FIRST_QUARTER)
    for kind, (ticker, isin) in zip(("common", "preferred"), CODES.values(), strict=True):
        pipeline.database.execute(
            "INSERT INTO stocks (ticker, isin, share_kind, corp_code, crno, settle_month,"
            " is_active) VALUES (:ticker, :isin, :kind, :corp, :crno, 12, true)",
            {"ticker": ticker, "isin": isin, "kind": kind, "corp": SAMSUNG, "crno": CRNO},
        )
    replay = (recorded / "dart", recorded / "fsc")
    state = tmp_path_factory.mktemp("recorded")
    with (
        build_twin(Setup(state, replay, date(2026, 10, 9))) as twin,
        running(replace(pipeline, twin=twin)) as runs,
    ):
        log = runs.collect("dividend_history", [FIRST_QUARTER])
        log += runs.collect("dividend_history", [HALF_YEAR], ONLY)
    assert [(row["outcome"], row["requests"]) for row in log] == [("rows", 2), ("rows", 1)]
    return pipeline


def _stored(live: Any, origin: str) -> list[Row]:
    rows: list[Row] = live.rows(
        "SELECT * FROM dividend_history WHERE origin = :origin ORDER BY record_date, stock_kind",
        origin=origin,
    )
    for row in rows:
        assert row.pop("source") == row["origin"]
        assert row.pop("run_id")
        assert row.pop("fetched_at") <= row.pop("ingested_at")
    return rows


def test_every_field_of_the_reports_is_stored(live: Any, recorded: Path) -> None:
    expected: list[Row] = []
    for name in ("11013", "11012_partial"):
        body = (recorded / "dart" / f"alotMatter_{SAMSUNG}_2026_{name}.json").read_bytes()
        rows = json.loads(body)["list"]
        told = {(row["se"], row["stock_knd"]): row["thstrm"] for row in rows}
        before = {row["stock_kind"]: row["dps"] for row in expected}
        for kind, (ticker, isin) in CODES.items():
            dps = _number(told["주당 현금배당금(원)", kind])
            assert dps is not None
            expected.append(
                {
                    "origin": "DART",
                    "isin_or_ticker": "005930",
                    "stock_kind": kind,
                    "record_date": date.fromisoformat(rows[0]["stlm_dt"]),
                    "dividend_kind": "cash",
                    "ticker": ticker,
                    "isin": isin,
                    "crno": CRNO,
                    "dps": dps,
                    "dps_period_krw": dps - before.get(kind, 0),
                    "par_value": _number(told.get(("주당액면가액(원)", "-"))),
                    "cash_rate_pct": None,
                    "stock_rate_pct": _number(told.get(("주당 주식배당(주)", kind))),
                    "pay_date": None,
                    "fiscal_year": 2026,
                    "rcept_no": rows[0]["rcept_no"],
                }
            )
    assert _stored(live, "DART") == expected


def test_every_field_of_the_register_is_stored(live: Any, recorded: Path) -> None:
    body = (recorded / "fsc" / "getDiviInfo_KR7005930003_20260630.json").read_bytes()
    answer = json.loads(body)["response"]["body"]
    (row,) = answer["items"]["item"]
    assert answer["totalCount"] == 1
    assert _stored(live, "FSC") == [
        {
            "origin": "FSC",
            "isin_or_ticker": row["isinCd"],
            "stock_kind": row["scrsItmsKcdNm"],
            "record_date": datetime.strptime(row["dvdnBasDt"], "%Y%m%d").date(),
            "dividend_kind": {"02": "cash"}[row["stckDvdnRcd"]],
            "ticker": "005930",
            "isin": row["isinCd"],
            "crno": row["crno"],
            "dps": _number(row["stckGenrDvdnAmt"]),
            "dps_period_krw": _number(row["stckGenrDvdnAmt"]),
            "par_value": _number(row["stckParPrc"]),
            "cash_rate_pct": _number(row["stckGenrCashDvdnRt"]),
            "stock_rate_pct": _number(row["stckGenrDvdnRt"]),
            "pay_date": datetime.strptime(row["cashDvdnPayDt"], "%Y%m%d").date(),
            "fiscal_year": 2026,
            "rcept_no": None,
        }
    ]


def test_both_origins_have_the_second_quarters_dividend(live: Any) -> None:
    found = live.rows(
        "SELECT origin, dps_period_krw FROM dividend_history"
        " WHERE ticker = '005930' AND record_date = '2026-06-30' ORDER BY origin"
    )
    assert found == [
        {"origin": "DART", "dps_period_krw": 374.0},
        {"origin": "FSC", "dps_period_krw": 374.0},
    ]


def _rebuild(live: Any, running: Callable[..., Any]) -> None:
    """Fill the emptied table from the archive, and require that nothing failed."""
    live.forget("dividend_history")
    with running(live) as runs:
        for quarter in (FIRST_QUARTER, HALF_YEAR):
            (row,) = runs.collect("dividend_history", [quarter], REPLAY)
            assert (row["outcome"], row["requests"]) == ("rows", 0)
            assert row["detail"] is None


def test_both_reports_are_rebuilt_from_the_archive_without_a_request(
    live: Any, running: Callable[..., Any]
) -> None:
    collected = live.digest("dividend_history")
    _rebuild(live, running)
    assert live.digest("dividend_history") == collected


def test_reports_are_rebuilt_where_the_register_has_never_answered(
    live: Any, running: Callable[..., Any]
) -> None:
    reports = live.digest("dividend_history", "origin = 'DART'")
    (register,) = live.home.rglob("FSC")
    aside = register.rename(register.with_name("aside"))
    try:
        _rebuild(live, running)
        assert live.digest("dividend_history") == reports
    finally:
        aside.rename(register)
        _rebuild(live, running)
