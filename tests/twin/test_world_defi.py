"""What is locked in decentralised finance: one total, its parts, its corrections."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from stock_pipeline.twin.world_defi import Defi, chain_parts
from stock_pipeline.twin.world_defi_plans import CHAINS, FIRST

NOW = datetime(2026, 3, 12, 21, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def defi() -> Defi:
    return Defi(7)


@pytest.mark.parametrize(
    ("day", "locked"),
    [(date(2021, 11, 9), 1.75e11), (date(2022, 12, 28), 5.75e10), (date(2026, 1, 1), 1.2e11)],
)
def test_about_as_much_is_locked_as_was(defi: Defi, day: date, locked: float) -> None:
    days, values = defi.locked(NOW)
    # A wandering of 0.08 and a fall of 0.6 at most, as logarithms.
    assert values[days.index(day)] == pytest.approx(locked, rel=0.5)


def test_nothing_was_counted_before_the_end_of_2017(defi: Defi) -> None:
    days, values = defi.locked(NOW)
    last = days.index(date(2017, 12, 16))
    assert not values[: last + 1].any()
    assert values[last + 1 :].min() > 0


def test_days_follow_one_another_until_today(defi: Defi) -> None:
    days, values = defi.locked(NOW)
    assert (days[0], days[-1]) == (FIRST, date(2026, 3, 12))
    assert len(days) == len(values) == (days[-1] - days[0]).days + 1


def test_only_the_running_day_moves(defi: Defi) -> None:
    _, before = defi.locked(NOW)
    _, after = defi.locked(NOW + timedelta(hours=2))
    assert before[:-1].tolist() == after[:-1].tolist()
    assert before[-1] != after[-1]
    _, ended = defi.locked(NOW.replace(hour=23, minute=59, second=59))
    _, tomorrow = defi.locked(NOW + DAY)
    assert tomorrow[-2] == pytest.approx(ended[-1], rel=1e-5)


def test_a_correction_changes_ninety_days_and_nothing_before_them(defi: Defi) -> None:
    _, before = defi.locked(datetime(2026, 3, 9, 21, 0, tzinfo=UTC))
    days, after = defi.locked(datetime(2026, 3, 10, 21, 0, tzinfo=UTC))
    changed = np.flatnonzero(before != after[: len(before)])
    assert [days[place] for place in (changed[0], changed[-1])] == [
        date(2025, 12, 10),
        date(2026, 3, 9),
    ]
    # The running day of the first answer had not ended.
    parts = after[changed[:-1]] / before[changed[:-1]]
    assert parts == pytest.approx(parts[0])
    assert 0 < abs(parts[0] - 1) <= 0.004


def test_the_chains_make_up_the_whole(defi: Defi) -> None:
    parts = chain_parts(np.arange(3_000))
    assert parts.sum(axis=1) == pytest.approx(1)
    days, whole = defi.locked(NOW)
    begun = [chain for chain in CHAINS if chain.began <= days[-1]]
    values = [defi.on_chain(chain.name, NOW)[1][-1] for chain in begun]
    assert sum(values) == pytest.approx(whole[-1])


def test_a_chain_has_no_day_before_it_began(defi: Defi) -> None:
    days, values = defi.on_chain("Base", NOW)
    assert days[0] == date(2023, 7, 31)
    assert len(days) == len(values)
    with pytest.raises(KeyError):
        defi.on_chain("base", NOW)


@pytest.mark.parametrize(
    ("name", "day", "held", "reason"),
    [
        ("Anchor", "2021-03-16", None, "the day before it began"),
        ("Anchor", "2022-05-13", True, "its last day"),
        ("Anchor", "2022-05-14", False, "nothing is left in it"),
        ("Nameless Pool", "2026-03-12", None, "nobody measures it"),
    ],
)
def test_a_protocol_holds_something_while_it_lives(
    defi: Defi, name: str, day: str, held: bool | None, reason: str
) -> None:
    place = [one.name for one in defi.protocols].index(name)
    value = defi.held(datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=UTC))[place]
    assert (None if np.isnan(value) else value > 0) == held, reason


def test_stable_coins_are_counted_in_their_own_currency_and_worth_dollars(defi: Defi) -> None:
    days, pegs = defi.stable(NOW)
    assert (days[0], days[-1]) == (date(2017, 11, 29), date(2026, 3, 12))
    coins, worth = pegs["peggedJPY"]
    assert coins[-1] / worth[-1] == pytest.approx(1 / 0.0064, rel=0.01)
    assert np.isnan(worth[days.index(date(2021, 1, 24))])
    assert worth[days.index(date(2021, 1, 25))] > 0
    assert pegs["peggedUSD"][1][-1] == pytest.approx(3.1e11, rel=0.15)


def test_another_seed_holds_another_amount(defi: Defi) -> None:
    assert Defi(8).locked(NOW)[1][-1] != defi.locked(NOW)[1][-1]
    assert Defi(7).locked(NOW)[1].tolist() == defi.locked(NOW)[1].tolist()
