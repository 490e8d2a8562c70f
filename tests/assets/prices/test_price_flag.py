"""Flags of stored prices: none on holidays, one for a gap, and since when they are known."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from stock_pipeline.assets.prices.price_flag import day_by_day

WEEK = [date(2026, 3, day) for day in range(2, 7)]
TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = WEEK[1:]


def test_two_months_with_every_expected_row_have_no_flag(evening: Any) -> None:
    evening.seed()
    days = sorted({day for bars in evening.fdr.bars.values() for day, _ in bars})
    assert (days[0], days[-1], len(days)) == (date(2026, 1, 12), date(2026, 3, 13), 61)
    found = day_by_day(evening.database, evening.calendar, evening.clock, days)
    assert [(day, one.frame.rows()) for day, one in found] == [(day, []) for day in days]


def test_a_gap_is_flagged_once_until_it_is_filled(evening: Any) -> None:
    evening.seed()
    evening.database.execute(
        "DELETE FROM price_daily WHERE (asset_id, date) IN"
        " (('KS200', '2026-03-03'), ('KS200', '2026-03-04'), ('BTC', '2026-03-01'),"
        " ('SOXL', '2026-01-12'))"
    )
    evening.flags(WEEK)
    assert evening.found() == [("BTC", WEEK[0], "date_gap"), ("KS200", THURSDAY, "date_gap")]
    (detail,) = evening.rows("SELECT detail FROM price_flag WHERE asset_id = 'KS200'")
    assert detail == ("2026-03-03, 2026-03-04",)
    evening.prices([TUESDAY, WEDNESDAY])
    evening.flags(WEEK)
    assert evening.found() == [("BTC", WEEK[0], "date_gap")]


def test_a_range_is_judged_as_its_days_one_by_one(evening: Any) -> None:
    evening.seed()
    evening.database.execute(
        "DELETE FROM price_daily WHERE asset_id = 'SI=F' AND date = '2026-03-03'"
    )
    evening.database.execute(
        "UPDATE price_daily SET volume = 0, close = 1.5 * close"
        " WHERE asset_id = '005930' AND date = '2026-03-05'"
    )
    evening.flags(WEEK)
    together = evening.rows("SELECT asset_id, date, rule, detail FROM price_flag ORDER BY 1, 2, 3")
    evening.database.execute("DELETE FROM price_flag")
    for day in WEEK:
        evening.flags([day])
    found = evening.rows("SELECT asset_id, date, rule, detail FROM price_flag ORDER BY 1, 2, 3")
    assert found == together
    assert [(asset, day, rule) for asset, day, rule, _ in found] == [
        ("005930", THURSDAY, "change_over_30pct"),
        ("005930", THURSDAY, "zero_volume"),
        ("005930", FRIDAY, "change_over_30pct"),
        ("SI=F", WEDNESDAY, "date_gap"),
    ]


def test_a_second_time_in_dollars_is_not_held_against_the_first(evening: Any) -> None:
    evening.seed()
    evening.database.execute(
        "UPDATE price_daily SET currency = 'USD', close = CASE date"
        " WHEN '2026-01-20' THEN 50000 WHEN '2026-03-04' THEN 90000 ELSE 130000 END"
        " WHERE asset_id = 'BTC' AND date IN ('2026-01-20', '2026-03-04', '2026-03-05')"
    )
    evening.flags(WEEK)
    # 50,000 was six weeks ago; from Wednesday to Thursday it is a change of a day.
    assert evening.found() == [("BTC", THURSDAY, "change_over_30pct")]


def test_a_flag_found_again_keeps_the_time_it_was_found_first(evening: Any) -> None:
    evening.seed()
    evening.database.execute(
        "UPDATE price_daily SET volume = 0 WHERE asset_id = 'SOXL' AND date = '2026-03-05'"
    )
    evening.flags(WEEK)
    evening.clock.instant = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
    evening.database.execute(
        "UPDATE price_daily SET volume = 0 WHERE asset_id = 'SOXL' AND date = '2026-03-06'"
    )
    results = evening.flags(WEEK)
    assert evening.rows("SELECT date, detected_at FROM price_flag ORDER BY date") == [
        (THURSDAY, datetime(2026, 3, 13, 9, 0, tzinfo=UTC)),
        (FRIDAY, datetime(2026, 3, 14, 9, 0, tzinfo=UTC)),
    ]
    assert results[THURSDAY].changes.unchanged == 1
