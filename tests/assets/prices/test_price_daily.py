"""The evening of the seven assets: own days, failures, the two currencies of BTC, a new basis."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.collected_days import PREFERRED_SYMBOL_ANSWERS
from stock_pipeline.assets.prices.price_daily import HISTORY_IS_COMPLETE, RULES, TABLE, broken
from stock_pipeline.errors import Blocked, ServerError, Timeout
from stock_pipeline.quality import rules as quality

FRIDAY, SATURDAY, SUNDAY, MONDAY = (date(2026, 3, day) for day in (6, 7, 8, 9))
TUESDAY, WEDNESDAY, THURSDAY, TODAY = (date(2026, 3, day) for day in (10, 11, 12, 13))
DEAD = ServerError("FDR", "prices", "HTTP 500")
GOOD = {"open": 100.0, "high": 110.0, "low": 90.0, "close": 105.0, "volume": 7.0}


def rows_of(*changes: dict[str, Any]) -> pl.DataFrame:
    """Return good rows of one asset and day, each with some values changed."""
    own = {"asset_id": "SOXL", "date": THURSDAY, "source": "FDR", "currency": "USD"}
    return pl.DataFrame([own | GOOD | change for change in changes], schema=TABLE.frame_schema)


# ---- the error rules


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"high": 90.0, "low": 90.0}, None),  # equal is not above
        ({"high": 89.999, "low": 90.0}, "low_high_ordered"),
        *[({name: -0.01}, f"{name}_positive") for name in ("open", "high", "low", "close")],
        *[({name: 0.0}, f"{name}_positive") for name in ("open", "close")],
        *[({name: float("nan")}, f"{name}_positive") for name in ("open", "close")],
        ({"high": float("inf")}, "high_positive"),
        ({"open": 0.01, "low": 0.01}, None),  # a price above zero, however small
        ({"close": None}, "close_not_null"),
        ({"open": None, "high": None, "low": None, "volume": 0.0}, None),  # a halted share
        ({"volume": -1.0}, "volume_at_least_0"),
        ({"volume": 0.0}, None),  # doubtful, not wrong: price_flag names it
        ({"volume": None}, None),
        ({"volume": float("nan")}, "volume_at_least_0"),
    ],
)
def test_a_row_is_rejected_for_a_price_or_volume_that_cannot_be(
    change: dict[str, Any], reason: str | None
) -> None:
    verdict = quality.apply(rows_of(change), RULES, keys=TABLE.keys)
    found = {reason for reasons, _ in verdict.rejected for reason in reasons.split("; ")}
    assert (reason is None) if not found else (reason in found)
    assert broken(rows_of(change)) == ([] if reason is None else [("SOXL", THURSDAY)])


@pytest.mark.parametrize(
    ("rows", "rejected", "kept"),
    [
        (rows_of({}, {"close": 104.0}), 2, 0),  # two closes of one day: nobody knows which is right
        (rows_of({}, {}), 0, 1),  # the same line twice is one
        (rows_of({}, {"date": TODAY, "close": 104.0}), 0, 2),
    ],
)
def test_a_key_is_unique(rows: pl.DataFrame, rejected: int, kept: int) -> None:
    verdict = quality.apply(rows, RULES, keys=TABLE.keys)
    assert (len(verdict.rejected), verdict.kept.height) == (rejected, kept)


# ---- one evening after the other


def test_an_evening_stores_the_days_of_each_assets_own_market(evening: Any) -> None:
    results = evening.prices()
    assert {(result.outcome, result.failed) for result in results.values()} == {("rows", ())}
    assert evening.rows(
        "SELECT asset_id, count(*), min(date)::text, max(date)::text, currency, symbol,"
        " count(*) FILTER (WHERE is_final) FROM price_daily GROUP BY 1, 5, 6 ORDER BY 1"
    ) == [
        ("000660", 6, "2026-03-06", "2026-03-13", "KRW", "000660", 6),
        ("005930", 6, "2026-03-06", "2026-03-13", "KRW", "005930", 6),
        ("BTC", 8, "2026-03-06", "2026-03-13", "KRW", "BTC/KRW", 7),
        ("GC=F", 6, "2026-03-06", "2026-03-13", "USD", "GC=F", 5),
        ("KS200", 6, "2026-03-06", "2026-03-13", "KRW", "KS200", 6),
        ("SI=F", 6, "2026-03-06", "2026-03-13", "USD", "SI=F", 5),
        ("SOXL", 5, "2026-03-06", "2026-03-12", "USD", "SOXL", 5),
    ]
    assert sorted(evening.fdr.asked) == [
        (symbol, FRIDAY, TODAY)
        for symbol in ("000660", "005930", "BTC/KRW", "GC=F", "KS200", "SI=F", "SOXL")
    ], "one request per asset, however many days"
    row = evening.row("SOXL", THURSDAY)
    assert [row[name] for name in ("open", "high", "low", "close", "volume", "source")] == [
        40.0,
        40.0,
        40.0,
        40.0,
        1_000.0,
        "FDR",
    ]
    assert (row["rebased_close"], row["fetched_at"]) == (None, evening.clock.now())


def test_the_next_evening_finishes_the_running_rows_and_restamps_all(evening: Any) -> None:
    evening.prices()
    before = evening.row("BTC", TODAY), evening.row("BTC", THURSDAY)
    evening.clock.instant = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
    results = evening.prices([THURSDAY, TODAY])
    after = evening.row("BTC", TODAY), evening.row("BTC", THURSDAY)
    assert [row["is_final"] for row in (*before, *after)] == [False, True, True, True]
    assert after[0]["run_id"] == "run-2"
    assert after[1]["run_id"] == "run-1", "its values are those of the first evening"
    assert after[1]["fetched_at"] == before[1]["fetched_at"]
    assert all(
        new["ingested_at"] > old["ingested_at"] for old, new in zip(before, after, strict=True)
    )
    assert (results[THURSDAY].changes.unchanged, results[THURSDAY].changes.updated) == (7, 0)


def test_on_a_day_of_one_market_nobody_else_is_asked_or_touched(evening: Any) -> None:
    evening.fdr.put("GC=F", SUNDAY, (3_000.0,) * 5)  # the COMEX traded; nobody expects it
    evening.prices()
    evening.fdr.asked.clear()
    results = evening.prices([SUNDAY])
    assert evening.fdr.asked == [("BTC/KRW", SUNDAY, SUNDAY)]
    assert (results[SUNDAY].rows, results[SUNDAY].changes.deleted) == (1, 0)
    assert evening.row("GC=F", SUNDAY)["close"] == 3_000.0


def test_before_any_session_is_over_a_day_is_not_yet_published(evening: Any) -> None:
    for symbol in evening.fdr.bars:
        evening.fdr.drop(symbol, TODAY)
    evening.clock.instant = datetime(2026, 3, 12, 23, 0, tzinfo=UTC)  # 08:00 in Seoul
    assert evening.prices([TODAY])[TODAY].outcome == "not_yet_published"


def test_without_declared_assets_nothing_is_asked(evening: Any) -> None:
    evening.database.execute("DELETE FROM asset_master")
    result = evening.prices([THURSDAY])[THURSDAY]
    assert (result.outcome, result.reason) == ("skipped", "waiting_for_asset_master")
    assert evening.fdr.asked == []


def test_an_inactive_asset_is_not_asked_and_keeps_its_prices(evening: Any) -> None:
    evening.prices([THURSDAY])
    evening.database.execute("UPDATE asset_master SET is_active = false WHERE asset_id = 'SI=F'")
    evening.fdr.asked.clear()
    result = evening.prices([THURSDAY])[THURSDAY]
    assert "SI=F" not in [symbol for symbol, _, _ in evening.fdr.asked]
    assert (result.failed, result.changes.deleted) == ((), 0)
    assert evening.row("SI=F", THURSDAY) is not None


# ---- what fails


def test_one_bad_row_loses_neither_the_others_nor_what_is_stored(evening: Any) -> None:
    evening.prices([WEDNESDAY, THURSDAY])
    evening.fdr.put("SOXL", THURSDAY, (40.0, 40.0, 40.0, 0.0, 1_000.0))
    evening.fdr.put("GC=F", THURSDAY, (3_000.0, 3_000.0, 3_000.0, float("nan"), 1.0))
    evening.fdr.put("KS200", THURSDAY, (401.0,) * 4 + (5.0,))
    results = evening.prices([WEDNESDAY, THURSDAY])
    assert {day: result.failed for day, result in results.items()} == {
        WEDNESDAY: (),
        THURSDAY: ("GC=F", "SOXL"),
    }
    assert results[THURSDAY].reason == "GC=F: rejected, SOXL: rejected"
    assert results[THURSDAY].rejected == 2
    assert evening.row("SOXL", THURSDAY)["close"] == 40.0
    assert evening.row("GC=F", THURSDAY)["close"] == 3_000.0
    assert evening.row("KS200", THURSDAY)["close"] == 401.0
    assert evening.rows("SELECT partition, reason FROM rejected_row ORDER BY reason, row_no") == [
        ("2026-03-12", "close_positive"),
        ("2026-03-12", "close_positive"),
    ]


def test_the_only_row_of_a_day_may_be_bad(evening: Any) -> None:
    evening.prices([SUNDAY])
    evening.fdr.put("BTC/KRW", SUNDAY, (1.0, 1.0, 2.0, 1.0, 1.0))
    result = evening.prices([SUNDAY])[SUNDAY]
    assert (result.error, result.failed, result.rejected) == (None, ("BTC",), 1)
    assert evening.row("BTC", SUNDAY)["low"] == 130_000_000.0


def test_an_asset_that_fails_is_named_on_its_own_days_and_keeps_its_rows(evening: Any) -> None:
    evening.prices()
    evening.fdr.errors = {"SOXL": DEAD, "005930": Timeout("FDR", "prices")}
    evening.fdr.put("KS200", THURSDAY, (401.0,) * 5)
    results = evening.prices()
    both, neither, seoul = ("005930", "SOXL"), (), ("005930",)
    assert {day: result.failed for day, result in results.items()} == {
        FRIDAY: both,
        SATURDAY: neither,
        SUNDAY: neither,
        **dict.fromkeys((MONDAY, TUESDAY, WEDNESDAY, THURSDAY), both),
        TODAY: seoul,  # New York has not opened
    }
    assert results[THURSDAY].reason == "005930: Timeout, SOXL: ServerError"
    assert {result.error for result in results.values()} == {None}
    assert sum(result.changes.deleted for result in results.values()) == 0
    assert evening.row("SOXL", THURSDAY)["run_id"] == "run-1"
    assert evening.row("KS200", THURSDAY)["close"] == 401.0


def test_a_failure_is_told_even_when_no_session_of_the_range_is_over(evening: Any) -> None:
    evening.fdr.errors = {"SOXL": DEAD}
    assert evening.prices([TODAY])[TODAY].failed == ("SOXL",)


def test_when_every_asset_fails_the_days_fail_and_nothing_is_touched(evening: Any) -> None:
    evening.prices()
    stored = evening.rows("SELECT * FROM price_daily ORDER BY 1, 2")
    blocked = Blocked("FDR", "prices")
    evening.fdr.errors = dict.fromkeys(evening.fdr.bars, blocked)
    results = evening.prices()
    assert {type(result.error) for result in results.values()} == {Blocked}
    assert not any(result.is_done for result in results.values())
    assert evening.rows("SELECT * FROM price_daily ORDER BY 1, 2") == stored


# ---- BTC in won, else in dollars


def btc(evening: Any) -> dict[date, tuple[str, str, float]]:
    """Return currency, symbol and close of BTC by day."""
    query = "SELECT date, currency, symbol, close FROM price_daily WHERE asset_id = 'BTC'"
    return {
        day: (currency, symbol, close) for day, *(currency, symbol, close) in evening.rows(query)
    }


WON, DOLLARS = ("KRW", "BTC/KRW", 130_000_000.0), ("USD", "BTC/USD", 90_000.0)


def test_without_won_btc_comes_in_dollars_and_goes_back_to_won(evening: Any) -> None:
    evening.prices([TUESDAY, WEDNESDAY])
    evening.fdr.errors = {"BTC/KRW": DEAD}
    results = evening.prices([WEDNESDAY, THURSDAY, TODAY])
    assert {result.failed for result in results.values()} == {()}
    warned = {day: result.warnings.get(PREFERRED_SYMBOL_ANSWERS) for day, result in results.items()}
    assert warned == {WEDNESDAY: None, THURSDAY: 1, TODAY: 1}
    assert btc(evening) == {TUESDAY: WON, WEDNESDAY: WON, THURSDAY: DOLLARS, TODAY: DOLLARS}

    evening.flags([WEDNESDAY, THURSDAY, TODAY])
    assert evening.found() == [], "from 130 million to 90 thousand is no change of price"
    assert evening.rows(
        "SELECT date::text, currency, previous_close, change_pct FROM price_daily_change"
        " WHERE asset_id = 'BTC' ORDER BY date"
    ) == [
        ("2026-03-10", "KRW", None, None),
        ("2026-03-11", "KRW", 130_000_000.0, 0.0),
        ("2026-03-12", "USD", None, None),
        ("2026-03-13", "USD", 90_000.0, 0.0),
    ]
    assert evening.rows(
        "SELECT date::text, close, currency FROM price_daily_latest WHERE asset_id = 'BTC'"
    ) == [("2026-03-12", 90_000.0, "USD")]

    evening.fdr.errors = {}
    evening.prices([WEDNESDAY, THURSDAY, TODAY])
    assert set(btc(evening).values()) == {WON}


def test_a_running_row_in_won_gives_way_to_the_final_one_in_dollars(evening: Any) -> None:
    evening.prices([TODAY])
    evening.clock.instant = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
    evening.fdr.errors = {"BTC/KRW": DEAD}
    evening.prices([TODAY])
    assert btc(evening) == {TODAY: DOLLARS}


# ---- a history on a new basis


def soxl(evening: Any) -> dict[date, tuple[float, float | None]]:
    """Return close and rebased_close of SOXL by day."""
    query = "SELECT date, close, rebased_close FROM price_daily WHERE asset_id = 'SOXL'"
    return {day: (close, rebased) for day, close, rebased in evening.rows(query)}


def test_after_a_split_at_the_source_the_whole_history_comes_with_the_first_day(
    evening: Any,
) -> None:
    evening.seed(last=THURSDAY)
    evening.fdr.divide("SOXL", 10)
    results = evening.prices()
    first = date(2026, 1, 12)
    assert [one for one in evening.fdr.asked if one[0] == "SOXL"] == [
        ("SOXL", FRIDAY, TODAY),
        ("SOXL", first, TODAY),
    ]
    stored = soxl(evening)
    assert len(stored) == 42, "nine weeks less two holidays and today"
    assert {close for close, _ in stored.values()} == {4.0}
    assert {day: old for day, (_, old) in stored.items() if old} == {THURSDAY: 40.0}
    # The day itself and 41 earlier or later ones of SOXL, beside six other assets.
    assert results[FRIDAY].changes.updated == 42
    assert {result.changes.updated for day, result in results.items() if day > FRIDAY} == {0}

    evening.prices()
    assert soxl(evening) == stored, "the old close is kept, and nothing is asked again"
    assert len([one for one in evening.fdr.asked if one[0] == "SOXL"]) == 3
    evening.flags()
    assert evening.found() == [("SOXL", THURSDAY, "rebased")]


def test_a_split_during_days_without_a_collection_is_noticed_too(evening: Any) -> None:
    last = date(2026, 2, 27)  # a week before the range: nothing of it is stored
    evening.seed(last=last)
    evening.fdr.divide("SOXL", 10)
    evening.prices()
    assert [one for one in evening.fdr.asked if one[0] == "SOXL"] == [
        ("SOXL", last, TODAY),
        ("SOXL", date(2026, 1, 12), TODAY),
    ]
    stored = soxl(evening)
    assert {close for close, _ in stored.values()} == {4.0}
    assert {day: old for day, (_, old) in stored.items() if old} == {last: 40.0}
    assert evening.row("KS200", date(2026, 3, 5)) is None, "only the range is stored of the others"
    evening.flags()
    assert ("SOXL", last, "rebased") in evening.found()
    evening.flags()
    assert evening.rows("SELECT count(*) FROM price_flag WHERE rule = 'rebased'") == [(1,)]


def test_a_look_back_for_the_basis_is_no_answer_about_the_range(evening: Any) -> None:
    evening.seed(last=date(2026, 2, 27))
    for day in (FRIDAY, SATURDAY, SUNDAY, MONDAY, TUESDAY, WEDNESDAY, THURSDAY, TODAY):
        evening.fdr.drop("SOXL", day)
        evening.fdr.drop("BTC/KRW", day)
    results = evening.prices()
    assert results[THURSDAY].failed == ("SOXL",)
    assert results[THURSDAY].reason == "SOXL: EmptyOnBusinessDay"
    assert btc(evening)[THURSDAY] == DOLLARS


def test_a_run_of_an_old_day_leaves_no_later_day_on_the_old_basis(evening: Any) -> None:
    evening.seed(last=THURSDAY)
    evening.fdr.divide("SOXL", 10)
    evening.prices([TUESDAY])
    assert len(soxl(evening)) == 42
    assert {close for close, _ in soxl(evening).values()} == {4.0}


def test_a_history_that_fails_leaves_the_old_basis_whole(evening: Any) -> None:
    evening.seed(last=THURSDAY)
    evening.fdr.divide("SOXL", 10)
    prices = evening.fdr.prices

    def only_short(symbol: str, start: date, end: date) -> Any:
        if symbol == "SOXL" and start < FRIDAY:
            raise DEAD
        return prices(symbol, start, end)

    evening.fdr.prices = only_short
    results = evening.prices()
    assert results[THURSDAY].failed == ("SOXL",)
    assert {close for close, _ in soxl(evening).values()} == {40.0}


def test_a_history_goes_with_the_next_day_when_the_first_cannot_be_stored(evening: Any) -> None:
    evening.seed(last=THURSDAY)
    evening.fdr.divide("SOXL", 10)
    # A newer answer for Wednesday is stored already: this one is dropped as stale.
    evening.database.execute(
        "INSERT INTO data_collection_log (run_id, asset, partition, status, outcome, fetched_at)"
        " VALUES ('later', 'price_daily', '2026-03-11', 'completed', 'rows', :at)",
        {"at": evening.clock.now() + timedelta(hours=1)},
    )
    results = evening.prices([WEDNESDAY, THURSDAY])
    assert [result.outcome for result in results.values()] == ["skipped", "rows"]
    assert {close for close, _ in soxl(evening).values()} == {4.0}


def test_a_history_does_not_go_with_a_day_without_rows(evening: Any) -> None:
    evening.seed(last=THURSDAY)
    evening.database.execute("UPDATE asset_master SET is_active = false WHERE asset_id = 'BTC'")
    evening.fdr.divide("SOXL", 10)
    results = evening.prices([SATURDAY, SUNDAY, MONDAY])
    assert [result.outcome for result in results.values()] == ["no_data", "no_data", "rows"]
    assert [result.changes.updated for result in results.values()] == [0, 0, 42]


def test_days_that_the_new_history_lacks_are_counted(evening: Any) -> None:
    evening.seed(last=THURSDAY)
    evening.fdr.divide("SOXL", 10)
    evening.fdr.drop("SOXL", date(2026, 1, 20))
    results = evening.prices([WEDNESDAY, THURSDAY])
    warned = [result.warnings.get(HISTORY_IS_COMPLETE) for result in results.values()]
    assert warned == [1, None]
    assert soxl(evening)[date(2026, 1, 20)] == (40.0, None)
