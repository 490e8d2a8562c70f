"""One among many: what came, what failed and why, and when nothing came."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from stock_pipeline.assets.parts import Stretch, ask_each
from stock_pipeline.errors import PipelineError, RateLimited, SettingMissing, Timeout
from stock_pipeline.work import Collected

ERRORS: dict[str, PipelineError] = {
    "slow": Timeout("FRED", "observations"),
    "refused": RateLimited("FRED", "observations", "HTTP 429"),
    "keyless": SettingMissing("FRED_API_KEY", "somewhere"),
}


def ask(name: str) -> str:
    """Return the name in capitals, or fail."""
    if name in ERRORS:
        raise ERRORS[name]
    return name.upper()


def test_what_fails_is_named_and_the_others_are_used() -> None:
    answers, failed = ask_each(["a", "slow", "b", "refused"], ask)
    assert answers == {"a": "A", "b": "B"}
    assert list(failed) == ["slow", "refused"]
    assert failed["refused"].startswith("FRED observations: The upstream asks for a slower pace")


def test_when_nothing_comes_the_first_error_is_raised() -> None:
    with pytest.raises(Timeout):
        ask_each(["slow", "refused"], ask)


def test_a_missing_key_concerns_all_parts() -> None:
    with pytest.raises(SettingMissing):
        ask_each(["a", "keyless"], ask)


def test_nothing_asked_is_nothing_failed() -> None:
    assert ask_each([], ask) == ({}, {})


# ---- several days from one answer

DAY = date(2026, 3, 13)
FETCHED_AT = datetime(2026, 3, 12, 21, tzinfo=UTC)


def collected(*rows: tuple[str, str], failed: dict[str, str] | None = None) -> Collected:
    """Return the day's collection of parts a and b, looking two days back."""
    frame = pl.DataFrame(
        [(date.fromisoformat(day), name) for day, name in rows],
        {"date": pl.Date(), "name": pl.String()},
        orient="row",
    )
    stretch = Stretch(frame, "name", frozenset("ab"), failed or {}, FETCHED_AT, "FRED", 2)
    return stretch.of(DAY)


def test_a_day_has_the_rows_of_its_window_under_their_own_dates() -> None:
    dates = [f"2026-03-{day}" for day in (10, 11, 13, 14)]
    found = collected(*((day, name) for day in dates for name in "ab"))
    assert found.frame["date"].unique().sort().to_list() == [date(2026, 3, 11), DAY]
    assert (found.failed, found.reason) == ((), "")
    assert (found.fetched_at, found.source) == (FETCHED_AT, "FRED")


def test_a_part_without_a_row_in_the_window_failed_too() -> None:
    found = collected(("2026-03-12", "a"), ("2026-03-10", "b"), failed={"c": "Timeout"})
    assert found.failed == ("c", "b")
    assert found.reason == "c: Timeout; b: it has nothing of these days"
