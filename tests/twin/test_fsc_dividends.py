"""The twin's register of dividends: like the recorded row, loaded twice, of one mind with DART."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from stock_pipeline.twin.fsc_dividends import rows
from stock_pipeline.twin.world import World

TODAY = date(2026, 3, 20)
Row = dict[str, str]


@pytest.fixture(scope="module")
def told(small_world: World) -> list[Row]:
    """Return the register of a small world."""
    return rows(small_world, TODAY)


def event(row: Row) -> tuple[str, str, str]:
    """Return what a dividend is known by."""
    return row["isinCd"], row["dvdnBasDt"], row["stckDvdnRcd"]


def test_fields_and_their_order_are_those_of_the_recorded_row(
    told: list[Row], recorded: Path
) -> None:
    body = (recorded / "fsc" / "getDiviInfo_KR7005930003_20260630.json").read_bytes()
    (real,) = json.loads(body)["response"]["body"]["items"]["item"]
    assert all(list(row) == list(real) for row in told)
    samsung = next(r for r in told if r["isinCd"] == real["isinCd"] and r["stckGenrDvdnAmt"] != "0")
    for name in ("crno", "isinCdNm", "scrsItmsKcd", "scrsItmsKcdNm", "stckParPrc", "stckStacMd"):
        assert samsung[name] == real[name]
    assert (samsung["stckDvdnRcd"], samsung["stckDvdnRcdNm"]) == ("02", "현금배당")
    assert samsung["stckGenrCashDvdnRt"] == samsung["stckGenrDvdnAmt"]  # par value 100


def test_some_events_come_under_two_load_dates_the_first_without_an_amount(
    told: list[Row],
) -> None:
    counts = Counter(event(row) for row in told)
    assert set(counts.values()) == {1, 2}
    twice = [row for row in told if counts[event(row)] == 2]
    for newer, older in zip(*(sorted(twice, key=event)[place::2] for place in (0, 1)), strict=True):
        assert newer["basDt"] > older["basDt"]
        assert (older["stckGenrDvdnAmt"], older["stckGenrDvdnRt"]) == ("0", "0")
        assert (newer["stckGenrDvdnAmt"], newer["stckGenrDvdnRt"]) != ("0", "0")


def test_an_amount_is_0_until_it_is_announced(small_world: World) -> None:
    paid = next(p for p in small_world.dividends.of(0) if p.year == 2024 and p.record < p.announced)
    key = (paid.share.isin, f"{paid.record:%Y%m%d}")

    def amounts(today: date) -> set[str]:
        found = [r for r in rows(small_world, today) if (r["isinCd"], r["dvdnBasDt"]) == key]
        return {row["stckGenrDvdnAmt"] for row in found}

    assert amounts(paid.record) == set()
    assert amounts(paid.announced) == {"0"}
    assert str(paid.cash) in amounts(paid.paid)


def test_every_announced_dividend_of_the_world_is_there(
    small_world: World, told: list[Row]
) -> None:
    there = {event(row)[:2]: row for row in reversed(told)}
    for paid in small_world.dividends.every():
        row = there.get((paid.share.isin, f"{paid.record:%Y%m%d}"))
        if paid.announced < date(2026, 3, 1):
            assert row is not None
            assert row["stckGenrDvdnAmt"] == str(paid.cash)


def test_traps_of_the_register_are_in_it(told: list[Row]) -> None:
    assert {row["stckDvdnRcd"] for row in told} >= {"01", "02", "03"}
    assert any(row["crno"] == "" for row in told)
    assert {len(row["stckStacMd"]) for row in told} == {2, 4}
    old = [row for row in told if row["dvdnBasDt"] == "19981231"]
    assert old
    assert all(r["stckGenrDvdnAmt"] == "0" and r["stckGenrCashDvdnRt"] != "0" for r in old)
    assert any(row["dvdnBasDt"] > row["basDt"] for row in told)
