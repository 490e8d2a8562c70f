"""What the numbers stand on, by hand-made rows of the collection log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from stock_pipeline.figures.basis import Basis, Checks, basis, checks_passed

PRICES, SCORES = "stock_price_daily", "compass_score"
EVENING = datetime(2026, 3, 12, 7, 31, tzinfo=UTC)
DONE = {
    "status": "completed",
    "outcome": "rows",
    "inserted": 0,
    "updated": 0,
    "unchanged": 3,
    "started_at": EVENING,
    "completed_at": EVENING,
    "source": "KRX",
    "validation_status": "pass",
}
FAILED = {
    "status": "failed",
    "outcome": "error",
    "started_at": EVENING,
    "completed_at": EVENING,
    "validation_status": "fail",
}


def logged(asset: str, partition: str, run: str = "r", **more: Any) -> dict[str, Any]:
    """Return a row of the log: a collection that ended well, unless told otherwise."""
    return {"run_id": run, "asset": asset, "partition": partition, **DONE, **more}


def standing(**states: str) -> Mapping[str, str]:
    """Return the standing of tables, fresh unless told otherwise."""
    return {PRICES: "fresh", SCORES: "fresh", **states}


def test_what_came_whole_and_in_time_is_fresh(store: Any) -> None:
    later = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)
    store(
        "data_collection_log",
        logged(PRICES, "2026-03-11", source="FSC"),
        logged(PRICES, "2026-03-12"),
        logged(SCORES, "2026-03-12", source=None, completed_at=later),
    )
    found = basis(store.database, [PRICES, SCORES], standing())
    assert found == Basis(date(2026, 3, 12), later, ("KRX",), "fresh", ())


def test_the_first_table_that_is_collected_by_days_gives_the_session(store: Any) -> None:
    store(
        "data_collection_log",
        logged("asset_master", "all"),
        logged(SCORES, "2026-03-11"),
        logged(PRICES, "2026-03-12"),
    )
    found = basis(store.database, ["asset_master", SCORES, PRICES], standing())
    assert found.session == date(2026, 3, 11)


def test_sources_of_an_invented_market_are_called_so(store: Any) -> None:
    store("data_collection_log", logged(PRICES, "2026-03-12"))
    database = store.database
    database.execute("UPDATE database_identity SET mode = 'demo'")
    try:
        assert basis(database, [PRICES], standing()).sources == ("DEMO",)
    finally:
        database.execute("UPDATE database_identity SET mode = 'live'")


@pytest.mark.parametrize(
    ("row", "status", "trust", "reason"),
    [
        (DONE, "stale", "stale", "제때 수집되지 않아"),
        (FAILED, "stale", "stale", "제때 수집되지 않아"),  # the worse of both is told
        (DONE, "skipped", "partial", "설정이 없어"),
        (FAILED, "fresh", "partial", "마지막 수집이 실패"),
        (FAILED, "never", "partial", "마지막 수집이 실패"),
        (DONE | {"detail": {"failed": ["VIX", "TLT"]}}, "fresh", "partial", "2건을 받지 못"),
        # a doubtful row is told by the checks; the numbers have all come
        (DONE | {"validation_status": "warn"}, "fresh", "fresh", ""),
        (DONE | {"outcome": "no_data", "unchanged": 0}, "fresh", "fresh", ""),  # a known absence
    ],
)
def test_trust_is_what_the_newest_collection_allows(
    store: Any, row: dict[str, Any], status: str, trust: str, reason: str
) -> None:
    store(
        "data_collection_log",
        logged(SCORES, "2026-03-12"),
        logged(PRICES, "2026-03-11"),
        {"run_id": "r", "asset": PRICES, "partition": "2026-03-12", **row},
    )
    found = basis(store.database, [PRICES, SCORES], standing(**{PRICES: status}))
    assert found.trust == trust
    assert [one.startswith(PRICES) and reason in one for one in found.reasons] == [True] * (
        trust != "fresh"
    )


def test_a_table_that_was_never_collected_is_no_basis(store: Any) -> None:
    found = basis(store.database, [PRICES], {PRICES: "never"})
    reasons = (f"{PRICES}: 아직 수집된 자료가 없습니다.",)
    assert found == Basis(None, None, (), "partial", reasons)


@pytest.mark.parametrize(
    "row",
    [
        {"outcome": "skipped", "reason": "waiting_for_history"},  # nothing was asked
        {"outcome": "not_yet_published"},  # healthy, and early
        {"outcome": "non_session"},  # a holiday
        {"status": "running", "outcome": None},  # nobody knows yet
        {"status": "failed", "outcome": "error", "detail": {"limited": True}},  # of some companies
    ],
)
def test_an_attempt_that_asked_for_nothing_takes_no_trust_away(
    store: Any, row: dict[str, Any]
) -> None:
    idle = {"unchanged": 0, "completed_at": EVENING, **row}
    store(
        "data_collection_log",
        logged(PRICES, "2026-03-12"),
        logged(PRICES, "2026-03-13", **idle),
    )
    found = basis(store.database, [PRICES], standing())
    assert (found.session, found.trust) == (date(2026, 3, 12), "fresh")


def test_an_attempt_that_asked_for_nothing_gives_no_trust_back(store: Any) -> None:
    idle = {"outcome": "skipped", "unchanged": 0}
    store(
        "data_collection_log",
        logged(PRICES, "2026-03-12", **FAILED),
        logged(PRICES, "2026-03-13", **idle),
    )
    reasons = (f"{PRICES}: 마지막 수집이 실패했습니다.",)
    assert basis(store.database, [PRICES], standing()).reasons == reasons


def test_the_worst_of_the_tables_counts_and_all_reasons_are_told(store: Any) -> None:
    store("data_collection_log", logged(PRICES, "2026-03-12", **FAILED))
    store("data_collection_log", logged(SCORES, "2026-03-11"))
    found = basis(store.database, [PRICES, SCORES], standing(**{SCORES: "stale"}))
    assert found.trust == "stale"
    assert [reason.split(":")[0] for reason in found.reasons] == [PRICES, SCORES]


def test_a_second_attempt_that_succeeds_restores_trust(store: Any) -> None:
    early = {"started_at": datetime(2026, 3, 12, 7, 0, tzinfo=UTC)}
    store(
        "data_collection_log",
        logged(PRICES, "2026-03-12", "a", **FAILED | early),
        logged(PRICES, "2026-03-12", "b"),
    )
    assert basis(store.database, [PRICES], standing()).trust == "fresh"


def test_checks_name_the_tables_that_are_doubtful(store: Any) -> None:
    store(
        "data_collection_log",
        logged(PRICES, "2026-03-12"),
        logged(SCORES, "2026-03-11"),
        logged(SCORES, "2026-03-12", validation_status="warn"),
    )
    found = checks_passed(store.database, [PRICES, SCORES, "never_collected"])
    assert found == Checks(passed=1, judged=2, doubtful=(SCORES,))
