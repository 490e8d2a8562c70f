"""Shares and indices of data.go.kr: recorded fields and formats, and one market behind them all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from stock_pipeline.twin import fsc_prices
from stock_pipeline.twin.world import World

DAY = date(2026, 3, 12)
Row = dict[str, str]

# Without commas, closing zeros or a zero before the point; dates and codes are such texts too.
NUMBER = re.compile(r"0|-?([1-9]\d*|([1-9]\d*)?\.\d?[1-9])")
TEXTS = {"srtnCd", "isinCd", "itmsNm", "mrktCtg", "bssIdxIdxNm", "idxCsf", "idxNm"}


@pytest.fixture(scope="module")
def world() -> World:
    return World(companies=200, end=date(2026, 3, 20))


def _indices(world: World, day: date) -> list[Row]:
    return fsc_prices.index_rows(world, day, day)


def _named(rows: list[Row], field: str, value: str) -> Row:
    (row,) = [row for row in rows if row[field] == value]
    return row


@pytest.mark.parametrize(
    ("name", "rows_of"),
    [
        ("getStockPriceInfo_005930_20251028_20251111", fsc_prices.stock_rows),
        ("getStockPriceInfo_000020_20221125", fsc_prices.stock_rows),
        ("getETFPriceInfo_395270_20260820", fsc_prices.etf_rows),
        ("getStockMarketIndex_kospi_20230307", _indices),
    ],
    ids=["11 days of a share", "a share", "a fund", "an index"],
)
def test_a_row_is_written_as_recorded(
    world: World, recorded: Path, name: str, rows_of: Callable[[World, date], list[Row]]
) -> None:
    content = json.loads((recorded / "fsc" / f"{name}.json").read_text("utf-8"))
    examples = content["response"]["body"]["items"]["item"]
    rows = rows_of(world, DAY)
    assert {tuple(row) for row in rows} == {tuple(row) for row in examples}
    numbers = {field for field in examples[0] if field not in TEXTS}
    odd = {
        (field, row[field])
        for row in [*examples, *rows]
        for field in numbers
        if not NUMBER.fullmatch(row[field])
    }
    assert {pair for pair in odd if pair[1]} == set()


def test_prices_of_a_share_are_the_markets(world: World) -> None:
    told = world.day(DAY)
    place = [one.share.ticker for one in world.listings(DAY)].index("005930")
    row = _named(fsc_prices.stock_rows(world, DAY), "srtnCd", "005930")
    assert (row["clpr"], row["vs"]) == (f"{told.close[place]}", f"{told.change[place]}")
    assert float(row["fltRt"]) == told.change_pct[place]
    assert int(row["mrktTotAmt"]) == int(row["clpr"]) * int(row["lstgStCnt"])


def test_a_share_that_did_not_trade_has_a_close_only(world: World) -> None:
    idle = [row for row in fsc_prices.stock_rows(world, DAY) if row["trqu"] == "0"]
    assert idle
    assert {row[field] for row in idle for field in ("mkp", "hipr", "lopr", "trPrc")} == {"0"}
    assert all(int(row["clpr"]) > 0 for row in idle)


def test_there_is_no_market_but_three(world: World) -> None:
    rows = fsc_prices.stock_rows(world, DAY)
    assert {row["mrktCtg"] for row in rows} == {"KOSPI", "KOSDAQ", "KONEX"}


def test_kospi_is_worth_what_its_shares_are(world: World) -> None:
    companies = {one.share.isin: one.share.company for one in world.listings(DAY)}
    foreign = {company.index for company in world.cast("foreign")}
    shares = [
        int(row["mrktTotAmt"])
        for row in fsc_prices.stock_rows(world, DAY)
        if row["mrktCtg"] == "KOSPI" and companies[row["isinCd"]] not in foreign
    ]
    kospi = _named(fsc_prices.index_rows(world, DAY, DAY), "idxNm", "코스피")
    assert (kospi["idxCsf"], kospi["basPntm"], kospi["basIdx"]) == (
        "KOSPI시리즈",
        "19800104",
        "100",
    )
    assert int(kospi["epyItmsCnt"]) == len(shares)
    assert int(kospi["lstgMrktTotAmt"]) == sum(shares)


def test_indices_of_two_families_share_a_name(world: World) -> None:
    rows = fsc_prices.index_rows(world, DAY, DAY)
    assert {row["idxCsf"] for row in rows if row["idxNm"] == "화학"} == {
        "KOSPI시리즈",
        "KOSDAQ시리즈",
    }
    assert len({(row["idxCsf"], row["idxNm"]) for row in rows}) == len(rows)


def test_an_index_knows_its_year(world: World) -> None:
    sessions = [day for day in world.sessions if date(2026, 1, 1) <= day <= DAY]
    place = [index.code for index in world.indices.listed(DAY)].index("1001")
    closes = [float(world.indices.day(day).close[place]) for day in sessions]
    last_year = float(world.indices.day(date(2025, 12, 30)).close[place])
    row = _named(fsc_prices.index_rows(world, DAY, DAY), "idxNm", "코스피")
    assert (float(row["yrWRcrdHgst"]), float(row["yrWRcrdLwst"])) == (max(closes), min(closes))
    assert row["yrWRcrdHgstDt"] == f"{sessions[closes.index(max(closes))]:%Y%m%d}"
    assert row["yrWRcrdLwstDt"] == f"{sessions[closes.index(min(closes))]:%Y%m%d}"
    assert row["lsYrEdVsFltRg"] == f"{closes[-1] - last_year:.0f}"
    assert float(row["lsYrEdVsFltRt"]) == round((closes[-1] / last_year - 1) * 100, 2)


def test_an_index_that_begins_has_no_last_year(world: World) -> None:
    based = next(index for index in world.indices.every if index.based.year == 2023)
    day = world.sessions[world.calendar.first_from(based.based)]
    row = _named(fsc_prices.index_rows(world, day, DAY), "idxNm", based.name)
    assert (row["lsYrEdVsFltRg"], row["lsYrEdVsFltRt"]) == ("", "")
    assert row["yrWRcrdHgst"] == row["yrWRcrdLwst"] == row["clpr"]
    assert row["yrWRcrdHgstDt"] == row["yrWRcrdLwstDt"] == f"{day:%Y%m%d}"


def test_an_index_that_was_not_announced_has_a_close_only(world: World) -> None:
    day, announced = date(2024, 9, 27), date(2024, 9, 30)
    row = _named(fsc_prices.index_rows(world, day, announced), "idxNm", "코리아 밸류업 지수")
    bare = ("mkp", "hipr", "lopr", "trqu", "trPrc", "lstgMrktTotAmt")
    assert {row[field] for field in bare} == {""}
    assert float(row["clpr"]) > 0


@pytest.mark.parametrize(
    ("today", "is_told"), [(date(2024, 9, 29), False), (date(2024, 9, 30), True)]
)
def test_an_index_and_its_past_are_told_from_its_announcement_on(
    world: World, today: date, is_told: bool
) -> None:
    names = {row["idxNm"] for row in fsc_prices.index_rows(world, date(2024, 9, 27), today)}
    assert ("코리아 밸류업 지수" in names) == is_told


def test_a_fund_follows_the_funds_of_the_world(world: World) -> None:
    told, rows = world.funds.day(DAY), fsc_prices.etf_rows(world, DAY)
    assert [row["srtnCd"] for row in rows] == [fund.ticker for fund in world.funds.listed(DAY)]
    assert [int(row["clpr"]) for row in rows] == told.close.tolist()
    assert [int(row["nPptTotAmt"]) for row in rows] == told.net_assets.tolist()
    assert [float(row["nav"]) for row in rows] == pytest.approx(told.nav.tolist(), abs=0.005)


def test_a_fund_whose_index_is_not_shown_has_no_level(world: World) -> None:
    levels = world.funds.day(DAY).index_close.tolist()
    shown = [row["bssIdxClpr"] for row in fsc_prices.etf_rows(world, DAY)]
    assert [text == "" for text in shown] == [level != level for level in levels]
    assert 0 < shown.count("") < len(shown)
