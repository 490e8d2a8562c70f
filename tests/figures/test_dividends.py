"""Dividends, steps in the price level, and what companies announced."""

from __future__ import annotations

from datetime import date

from stock_pipeline.figures.dividends import actions, adjustments, dividends
from stock_pipeline.storage.database import Database

DAY = date(2026, 3, 13)
SPLIT = date(2025, 10, 15)


def test_both_origins_tell_of_a_dividend(seeded: Database) -> None:
    found = dividends(seeded, "005930")
    assert [(one.record_date.year, one.origin, one.dps) for one in found] == [
        (year, origin, 100.0) for year in (2025, 2024, 2023) for origin in ("FSC", "DART")
    ]


def test_a_report_is_known_from_its_receipt(seeded: Database) -> None:
    # That of 2025 was received on 20 March 2026.
    known = {
        day: [(one.record_date.year, one.origin) for one in dividends(seeded, "005930", as_of=day)]
        for day in (date(2026, 3, 19), date(2026, 3, 20))
    }
    assert (2025, "DART") not in known[date(2026, 3, 19)]
    assert (2025, "FSC") in known[date(2026, 3, 19)]
    assert (2025, "DART") in known[date(2026, 3, 20)]


def test_a_step_in_the_price_level_has_its_explanation(seeded: Database) -> None:
    (found,) = adjustments(seeded, "035720", as_of=DAY)
    assert (found.ex_date, found.kind, found.factor) == (SPLIT, "split", 0.2)
    assert found.action_type == "SPLIT"
    assert adjustments(seeded, "035720", as_of=date(2025, 10, 14)) == []


def test_actions_are_known_from_the_day_they_were_told(seeded: Database) -> None:
    (split,) = actions(seeded, "035720", as_of=DAY)
    assert (split.action_type, split.origin, split.ratio) == ("SPLIT", "KRX", 5.0)
    assert [one.action_type for one in actions(seeded, "066660", as_of=DAY)] == ["RIGHTS_ISSUE"]
    assert actions(seeded, "066660", as_of=date(2025, 6, 19)) == []


def test_a_preferred_share_has_the_reports_of_its_company_and_its_own_steps(
    seeded: Database,
) -> None:
    # 066665 would be a preferred share of 066660, 035725 one of 035720.
    assert [one.origin for one in actions(seeded, "066665", as_of=DAY)] == ["DART"]
    assert actions(seeded, "035725", as_of=DAY) == []
