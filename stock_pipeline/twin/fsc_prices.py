"""Shares, funds and indices of a day, as three services of data.go.kr tell them.

Where nothing traded the open, the highest and the lowest price are `0` and the close stays. Of an
index before its announcement the close is told and the other fields of the day are empty.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import numpy as np

from stock_pipeline.twin.fsc_numbers import number
from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_indices import IndexDay

_FAMILIES = {"01": "KRX시리즈", "02": "KOSPI시리즈", "03": "KOSDAQ시리즈", "04": "테마지수"}

Row = dict[str, str]


def stock_rows(world: World, day: date) -> list[Row]:
    """Return one row per share of a session, prices not adjusted."""
    told, text = world.day(day), f"{day:%Y%m%d}"
    amounts = (
        (told.close, told.change, told.open, told.high, told.low),
        (told.volume, told.value, told.count, told.market_cap),
    )
    columns = [column.tolist() for part in amounts for column in part]
    return [
        {
            "basDt": text,
            "srtnCd": one.share.ticker,
            "isinCd": one.share.isin,
            "itmsNm": one.name,
            "mrktCtg": one.market.removesuffix(" GLOBAL"),
            "clpr": f"{close}",
            "vs": f"{change}",
            "fltRt": number(rate),
            "mkp": f"{opened}",
            "hipr": f"{high}",
            "lopr": f"{low}",
            "trqu": f"{volume}",
            "trPrc": f"{value}",
            "lstgStCnt": f"{count}",
            "mrktTotAmt": f"{cap}",
        }
        for one, rate, close, change, opened, high, low, volume, value, count, cap in zip(
            world.listings(day), told.change_pct.tolist(), *columns, strict=True
        )
    ]


def etf_rows(world: World, day: date) -> list[Row]:
    """Return one row per fund of a session; an index that is not shown has no level."""
    told, text = world.funds.day(day), f"{day:%Y%m%d}"
    amounts = (
        (told.close, told.change, told.open, told.high, told.low),
        (told.volume, told.value, told.shares, told.market_cap, told.net_assets),
        (told.change_pct, told.nav, told.index_close),
    )
    columns = [column.tolist() for part in amounts for column in part]
    rows = []
    for fund, values in zip(world.funds.listed(day), zip(*columns, strict=True), strict=True):
        close, change, opened, high, low, volume, value, units, cap, assets, *levels = values
        rate, nav, level = levels
        rows.append(
            {
                "basDt": text,
                "srtnCd": fund.ticker,
                "isinCd": fund.isin,
                "itmsNm": fund.name,
                "clpr": f"{close}",
                "vs": f"{change}",
                "fltRt": number(rate),
                "nav": number(nav),
                "mkp": f"{opened}",
                "hipr": f"{high}",
                "lopr": f"{low}",
                "trqu": f"{volume}",
                "trPrc": f"{value}",
                "mrktTotAmt": f"{cap}",
                "stLstgCnt": f"{units}",
                "bssIdxIdxNm": fund.index_name,
                "bssIdxClpr": "" if np.isnan(level) else number(level),
                "nPptTotAmt": f"{assets}",
            }
        )
    return rows


def index_rows(world: World, day: date, today: date) -> list[Row]:
    """Return one row per index of a session; indices of two families may have one name.

    today  whose indices are shown: one that is not announced yet has no row
    """
    told, years = world.indices.day(day), _years(world, day)
    amounts = (told.close, told.change, told.change_pct, told.members)
    columns = [*(column.tolist() for column in amounts), *_course(told)]
    rows = []
    for index, year, *values in zip(world.indices.listed(day), years, *columns, strict=True):
        if not index.is_known(today):
            continue
        close, change, rate, members, opened, high, low, volume, value, cap = values
        rows.append(
            {
                "basDt": f"{day:%Y%m%d}",
                "basIdx": number(index.base_level),
                "basPntm": f"{index.based:%Y%m%d}",
                "clpr": number(close),
                "epyItmsCnt": f"{members}",
                "fltRt": number(rate),
                "hipr": high,
                "idxCsf": _FAMILIES[index.group],
                "idxNm": index.name,
                "lopr": low,
                "lstgMrktTotAmt": cap,
                "lsYrEdVsFltRg": year.change,
                "lsYrEdVsFltRt": year.rate,
                "mkp": opened,
                "trPrc": value,
                "trqu": volume,
                "vs": number(change),
                "yrWRcrdHgst": year.highest,
                "yrWRcrdHgstDt": year.highest_on,
                "yrWRcrdLwst": year.lowest,
                "yrWRcrdLwstDt": year.lowest_on,
            }
        )
    return rows


def _course(told: IndexDay) -> list[list[str]]:
    """Return open, high, low, volume, value, cap as texts, empty where only the close is told."""
    bare = told.only_close.tolist()
    levels = [map(number, column.tolist()) for column in (told.open, told.high, told.low)]
    sizes = [map(str, column.tolist()) for column in (told.volume, told.value, told.market_cap)]
    return [
        ["" if is_bare else text for is_bare, text in zip(bare, texts, strict=True)]
        for texts in (*levels, *sizes)
    ]


class _Year(NamedTuple):
    """How an index stands against the end of last year and its closes of this one, as text."""

    change: str
    rate: str
    highest: str
    highest_on: str
    lowest: str
    lowest_on: str


def _years(world: World, day: date) -> list[_Year]:
    """Return what is told of the year, index by index.

    The change against last year is told in whole points, as recorded; an index that begins this
    year has none.
    """
    indices, calendar = world.indices, world.calendar
    first, last = calendar.first_from(date(day.year, 1, 1)), calendar.first_from(day)
    closes = np.round(indices.levels[: last + 1], 2)
    ends = np.round(indices.before(first), 2).tolist()
    years = []
    for place, index in enumerate(indices.every):
        if index.based > day:
            continue
        start = max(first, calendar.first_from(index.based))
        levels = closes[start:, place].tolist()
        highest, lowest = max(levels), min(levels)
        change = levels[-1] - ends[place]
        is_known = index.based.year < day.year
        years.append(
            _Year(
                number(change, 0) if is_known else "",
                number(change / ends[place] * 100) if is_known else "",
                number(highest),
                f"{world.sessions[start + levels.index(highest)]:%Y%m%d}",
                number(lowest),
                f"{world.sessions[start + levels.index(lowest)]:%Y%m%d}",
            )
        )
    return years
