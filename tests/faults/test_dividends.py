"""Dividends through the whole pipeline: a sweep of several days, an upstream without its key."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stock_pipeline.errors import BadRequest, QuotaExhausted, ServerError, SettingMissing

pytestmark = [pytest.mark.fault]

TABLE, DART, FSC = "dividend_history", "alotMatter", "getDiviInfo"
ANNUAL = "2024-10-01"
LIMIT = 100
MIDNIGHT = datetime(2026, 3, 13, 15, 0, tzinfo=UTC)


def asked(run: Any) -> list[str]:
    """Return the companies that DART was asked about, in order."""
    return [r.params["corp_code"] for r in run.requests if r.operation == DART]


def stored(stage: Any) -> dict[str, int]:
    """Return the stored rows by origin."""
    return dict(stage.rows("SELECT origin, count(*) FROM dividend_history GROUP BY origin"))


def failed(run: Any) -> str:
    """Return which parts did not come."""
    return str(run.log(TABLE)["detail"])


def test_f28_a_sweep_goes_on_where_the_daily_allowance_ended(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = [
        row[0]
        for row in stage.rows(
            "SELECT DISTINCT corp_code FROM stocks WHERE corp_code IS NOT NULL"
            f" AND (is_active OR delisting_date >= '{ANNUAL}') ORDER BY corp_code"
        )
    ]
    assert 2 * LIMIT < len(listed) < 3 * LIMIT
    monkeypatch.setenv("DART_DAILY_LIMIT", str(LIMIT))
    first = stage.run(TABLE, key=ANNUAL)
    assert asked(first) == listed[:LIMIT]
    assert first.ended(TABLE) == ("completed", "rows")
    left = f"{len(listed) - LIMIT} of {len(listed)} companies from {listed[LIMIT]} on"
    assert f"{left}: {QuotaExhausted.__name__}" in failed(first)
    assert (first.success, first.job["status"]) == (True, "partial_failure")
    kept = stored(stage)
    assert kept["DART"] > 0
    assert kept["FSC"] > 0
    # A restart does not refill the allowance; what was answered is not asked for again.
    assert asked(stage.run(TABLE, key=ANNUAL)) == []
    assert stored(stage) == kept
    stage.clock.instant = MIDNIGHT
    second = stage.run(TABLE, key=ANNUAL)
    assert asked(second) == listed[LIMIT : 2 * LIMIT]
    stage.clock.instant = MIDNIGHT + timedelta(days=1)
    third = stage.run(TABLE, key=ANNUAL)
    rest, again = asked(third)[: len(listed) - 2 * LIMIT], asked(third)[len(listed) - 2 * LIMIT :]
    assert rest == listed[2 * LIMIT :]
    # The filings of Friday are not collected: its "no data" is doubtful, Saturday's is not.
    assert again
    assert set(again) < set(listed[:LIMIT])
    assert third.job["status"] == "success"
    assert stored(stage)["DART"] > 2 * kept["DART"]
    # With every company answered there is only the register to ask for; without it nothing came.
    fourth = stage.run(TABLE, key=ANNUAL)
    assert (asked(fourth), fourth.kept) == ([], True)
    broken = stage.run(TABLE, key=ANNUAL, faults=[f"{FSC}:status=503"])
    assert broken.error(TABLE) is ServerError
    assert (broken.ended(TABLE), broken.kept) == (("failed", "error"), True)


@pytest.mark.parametrize(("setting", "origin"), [("DART_API_KEY", "FSC"), ("FSC_API_KEY", "DART")])
def test_f37_what_came_from_one_upstream_is_stored_without_the_key_of_the_other(
    stage: Any, monkeypatch: pytest.MonkeyPatch, setting: str, origin: str
) -> None:
    monkeypatch.delenv(setting)
    monkeypatch.setenv("DART_DAILY_LIMIT", "60")
    run = stage.run(TABLE, key=ANNUAL)
    assert set(stored(stage)) == {origin}
    assert "SettingMissing" in failed(run)
    assert (run.success, run.job["status"]) == (True, "partial_failure")


@pytest.mark.parametrize(
    ("fault", "origin", "setting"),
    [
        (f"{DART}:dart=012", "FSC", "DART_API_KEY"),
        (f"{FSC}:portal-flat=30", "DART", "FSC_API_KEY"),
    ],
)
def test_a_refused_key_is_named_beside_what_the_other_upstream_gave(
    stage: Any, monkeypatch: pytest.MonkeyPatch, fault: str, origin: str, setting: str
) -> None:
    monkeypatch.setenv("DART_DAILY_LIMIT", "60")
    run = stage.run(TABLE, key=ANNUAL, faults=[fault])
    assert set(stored(stage)) == {origin}
    assert "AuthError" in failed(run)
    assert f"renew {setting}" in failed(run)
    assert (run.success, run.job["status"]) == (True, "partial_failure")


@pytest.mark.parametrize("fault", [f"{DART}:dart=100", f"{FSC}:portal-flat=10"])
def test_a_request_that_is_called_wrong_writes_nothing(
    stage: Any, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setenv("DART_DAILY_LIMIT", "20")
    run = stage.run(TABLE, key=ANNUAL, faults=[fault])
    assert run.error(TABLE) is BadRequest
    assert (run.ended(TABLE), run.kept) == (("failed", "error"), True)


def test_f37_without_both_keys_the_table_is_skipped(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting in ("DART_API_KEY", "FSC_API_KEY"):
        monkeypatch.delenv(setting)
    run = stage.run(TABLE, key=ANNUAL)
    assert run.error(TABLE) is SettingMissing
    assert run.ended(TABLE) == ("completed", "skipped")
    assert (run.requests, run.kept) == ([], True)


def test_both_origins_agree_and_are_stored_once(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DART_DAILY_LIMIT", "150")
    run = stage.run(TABLE, key=ANNUAL)
    # Loads of one dividend under several dates count once, over more than one page.
    total, events = stage.rows(
        "SELECT count(*), count(DISTINCT (isin, record_date, dividend_kind))"
        " FROM dividend_history WHERE origin = 'FSC'"
    )[0]
    assert total == events > 500
    assert run.asked(FSC) > 1
    # A whole year's report says what the register's dividends of that year add up to; those whose
    # record date was set after the year's end stand in the next one.
    compared = stage.rows(
        "SELECT d.dps = sum(f.dps) FROM dividend_history d JOIN dividend_history f"
        " ON f.origin = 'FSC' AND f.ticker = d.ticker AND f.fiscal_year = d.fiscal_year"
        " WHERE d.origin = 'DART' AND d.fiscal_year = 2024 AND d.dps IS NOT NULL"
        "  AND NOT EXISTS (SELECT FROM dividend_history late WHERE late.origin = 'FSC'"
        "   AND late.ticker = d.ticker AND late.record_date BETWEEN '2025-03-01' AND '2025-03-30')"
        " GROUP BY d.ticker, d.dps HAVING bool_and(f.dps IS NOT NULL)"
    )
    assert set(Counter(compared)) == {(True,)}
    assert len(compared) > 30
