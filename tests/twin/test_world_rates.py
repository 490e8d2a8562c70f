"""Rates of the world: when FRED has them, what it corrects, loses and calls a holiday."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest

from stock_pipeline.twin.world_calendar import EPOCH
from stock_pipeline.twin.world_policy import has_met, target_range
from stock_pipeline.twin.world_rates import SERIES, TARGETS, Rates, Told

KST = timezone(timedelta(hours=9))
DAILY = [name for name in SERIES if name not in TARGETS]
LATER = datetime(2026, 3, 20, 18, 0, tzinfo=KST)
FIRST, LAST = date(2023, 3, 20), date(2026, 2, 20)


@pytest.fixture(scope="module")
def rates() -> Rates:
    return Rates(7)


def evening(day: date, *, minute: int = 0) -> datetime:
    """Return a minute from 22:00 on, in Seoul."""
    return datetime(day.year, day.month, day.day, 22, minute, tzinfo=KST)


@pytest.mark.parametrize(
    ("day", "out"),
    [
        (date(2026, 3, 11), date(2026, 3, 12)),  # Wednesday → Thursday
        (date(2026, 3, 6), date(2026, 3, 9)),  # Friday → Monday
        (date(2026, 1, 16), date(2026, 1, 20)),  # Friday before Martin Luther King's day
        (date(2026, 7, 2), date(2026, 7, 6)),  # Thursday before a day off and a weekend
        (date(2025, 10, 10), date(2025, 10, 13)),  # New York trades on Columbus Day
    ],
)
def test_a_value_is_out_at_22_of_the_next_us_business_day(
    rates: Rates, day: date, out: date
) -> None:
    before, on_time = evening(out) - timedelta(seconds=1), evening(out)
    assert rates.known("DFEDTARU", day, day, before) == []
    assert [told.day for told in rates.known("DFEDTARU", day, day, on_time)] == [day]
    of_others = [rates.known(name, day, day, before) for name in DAILY]
    assert not any(of_others)
    assert sum(bool(rates.known(name, day, day, on_time)) for name in DAILY) >= len(DAILY) - 1


@pytest.mark.parametrize(
    ("day", "is_holiday"),
    [
        (date(2025, 10, 13), True),  # Columbus Day: banks rest, New York trades
        (date(2025, 11, 11), True),  # Veterans Day
        (date(2023, 11, 10), False),  # the Friday before a Veterans Day on Saturday
        (date(2026, 1, 19), True),  # Martin Luther King's day
        (date(2026, 1, 20), False),
        (date(2025, 4, 18), True),  # Good Friday
    ],
)
def test_a_bank_holiday_is_told_without_a_value(rates: Rates, day: date, is_holiday: bool) -> None:
    told = [one for name in DAILY for one in rates.known(name, day, day, LATER)]
    assert len(told) >= len(DAILY) - 1
    assert {one.value is None for one in told} == {is_holiday}


def test_no_daily_series_has_a_weekend_and_the_target_range_has_every_day(rates: Rates) -> None:
    saturday, monday = date(2026, 3, 7), date(2026, 3, 9)
    for name in DAILY:
        days = [told.day for told in rates.known(name, saturday, monday, LATER)]
        assert days in ([monday], []), name
    for name in TARGETS:
        told = rates.known(name, saturday, monday, LATER)
        assert [one.day for one in told] == [saturday, date(2026, 3, 8), monday]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (EPOCH, (1.50, 1.75)),
        (date(2022, 3, 16), (0.00, 0.25)),  # decided, not yet in force
        (date(2022, 3, 17), (0.25, 0.50)),
        (date(2025, 12, 10), (3.75, 4.00)),
        (date(2025, 12, 11), (3.50, 3.75)),
        (date(2034, 6, 1), (3.50, 3.75)),  # nothing was decided after that
    ],
)
def test_target_range_is_the_real_one(
    rates: Rates, day: date, expected: tuple[float, float]
) -> None:
    assert target_range(day) == expected
    later = datetime(2035, 1, 1, tzinfo=KST)
    told = tuple(rates.known(name, day, day, later)[0].value for name in TARGETS)
    assert told == expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2025, 12, 10), True),  # a change came into force the day after
        (date(2025, 12, 17), False),  # the usual Wednesday, but they had just met
        (date(2025, 7, 30), True),  # nothing changed: the last Wednesday
        (date(2025, 7, 23), False),
        (date(2025, 6, 18), True),  # the third Wednesday
        (date(2025, 6, 17), False),
    ],
)
def test_meetings_are_those_of_the_changes_and_the_usual_ones(day: date, expected: bool) -> None:
    assert has_met(day) is expected


def stages(rates: Rates, series: str, day: date) -> list[Told | None]:
    """Return what is told of a day, evening after evening, repeats left out."""
    seen: list[Told | None] = []
    for later in range(1, 16):
        told = rates.known(series, day, day, evening(day + timedelta(days=later), minute=1))
        one = told[0] if told else None
        if (seen and seen[-1] != one) or (not seen and one is not None):
            seen.append(one)
    return seen


def test_a_few_values_are_corrected_and_a_few_vanish_for_some_days(rates: Rates) -> None:
    days = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days)]
    told = [stages(rates, name, day) for name in DAILY for day in days if day.weekday() < 5]
    corrected = [one for one in told if len(one) == 2 and None not in one]
    vanished = [one for one in told if len(one) == 3 and one[1] is None and one[0] == one[2]]
    assert all(len(one) == 1 for one in told if one not in corrected and one not in vanished)
    assert 0.012 < len(corrected) / len(told) < 0.028
    assert 0.008 < len(vanished) / len(told) < 0.022
    assert all(first.value != last.value for first, last in corrected if first and last)


def test_a_few_values_are_late_and_none_is_early(rates: Rates) -> None:
    monday = date(2025, 1, 6)
    late = 0
    for week in range(50):
        day = monday + timedelta(days=7 * week + 1)
        on_time = evening(day + timedelta(days=1), minute=1)
        if any(told.value is None for told in rates.known("DGS2", day, day, LATER)):
            continue  # a holiday
        assert not any(rates.known(name, day, day, evening(day)) for name in DAILY)
        late += sum(not rates.known(name, day, day, on_time) for name in DAILY)
    assert 1 <= late <= 12


def test_spreads_are_wide_in_the_crisis_and_narrow_in_calm(rates: Rates) -> None:
    def value(series: str, day: date) -> float:
        return rates.known(series, day, day, LATER)[0].value or 0.0

    crisis, calm = date(2020, 3, 19), date(2026, 2, 19)
    assert value("BAMLH0A0HYM2", crisis) > 6.0 > 4.0 > value("BAMLH0A0HYM2", calm) > 2.0
    assert value("BAMLC0A0CM", crisis) > 2.0 > value("BAMLC0A0CM", calm)
    assert value("SOFR", crisis) - 0.125 > 0.2 > abs(value("SOFR", calm) - 3.625)


def test_equal_seeds_make_equal_rates_and_others_do_not(rates: Rates) -> None:
    again, other = (
        [Rates(seed).known(name, FIRST, LAST, LATER) for name in DAILY] for seed in (7, 8)
    )
    assert again == [rates.known(name, FIRST, LAST, LATER) for name in DAILY] != other
