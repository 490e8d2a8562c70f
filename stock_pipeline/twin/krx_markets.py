"""Funds and indices on the exchange's data site: their day and their lists.

Before the first prices of a session, and on days without one, a row has its names and dashes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

from stock_pipeline.twin import world_funds, world_indices
from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_calendar import KST
from stock_pipeline.twin.world_funds import Fund, FundDay
from stock_pipeline.twin.world_indices import Index, IndexDay
from stock_pipeline.twin.world_ticks import Floats, Ints

OPERATIONS = frozenset({"MDCSTAT04301", "MDCSTAT04601", "MDCSTAT00101", "MDCSTAT00401"})

_DASH = "-"
_FUND_PRICES = (
    "TDD_CLSPRC",
    "CMPPREVDD_PRC",
    "FLUC_TP_CD",
    "FLUC_RT",
    "NAV",
    "TDD_OPNPRC",
    "TDD_HGPRC",
    "TDD_LWPRC",
    "ACC_TRDVOL",
    "ACC_TRDVAL",
    "MKTCAP",
    "INVSTASST_NETASST_TOTAMT",
    "LIST_SHRS",
)
_FUND_LEVELS = ("OBJ_STKPRC_IDX", "CMPPREVDD_IDX", "FLUC_TP_CD1", "FLUC_RT1")
_LEVELS = ("CLSPRC_IDX", "FLUC_TP_CD", "CMPPREVDD_IDX", "FLUC_RT")
_COURSE = ("OPNPRC_IDX", "HGPRC_IDX", "LWPRC_IDX", "ACC_TRDVOL", "ACC_TRDVAL", "MKTCAP")
_NO_LEVELS = dict.fromkeys(_LEVELS, _DASH) | {"FLUC_TP_CD": ""}
_NO_COURSE = dict.fromkeys(_COURSE, _DASH)
_MULTIPLES = {1: "일반", 2: "2X 레버리지", -1: "1X 인버스", -2: "2X 인버스"}

Row = dict[str, str]


class Asked(NamedTuple):
    """What a request asks for, and when."""

    day: date | None
    group: str
    now: datetime

    @property
    def today(self) -> date:
        """Return the day on which is asked, in Seoul."""
        return self.now.astimezone(KST).date()


def rows(world: World, operation: str, asked: Asked) -> list[Row]:
    """Return the rows of one of the `OPERATIONS`."""
    if operation == "MDCSTAT04601":
        return _fund_list(world, asked.today)
    if operation == "MDCSTAT00401":
        return _index_list(world, asked)
    if asked.day is None:
        return []
    told = _fund_day if operation == "MDCSTAT04301" else _index_day
    return told(world, asked.day, asked)


def _progress(world: World, day: date, now: datetime) -> float | None:
    """Return how much of a session is over, 1 from the close on; None without prices."""
    hours = world.hours(day)
    if hours is None or world.day_at(day, now) is None:
        return None
    return min((now - hours[0]) / (hours[1] - hours[0]), 1.0)


def _fund_day(world: World, day: date, asked: Asked) -> list[Row]:
    progress = _progress(world, day, asked.now)
    funds = world.funds.listed(min(day, asked.today))
    if progress is None:
        prices = dict.fromkeys(_FUND_PRICES, _DASH)
        levels = dict.fromkeys(_FUND_LEVELS, _DASH)
        told = [_fund_row(fund, prices, levels) for fund in funds]
    else:
        final = world.funds.day(day)
        told = _priced(funds, final if progress == 1 else world_funds.part_of(final, progress))
    return sorted(told, key=lambda row: row["ISU_ABBRV"])


def _priced(funds: list[Fund], day: FundDay) -> list[Row]:
    prices = zip(
        _whole(day.close),
        _whole(day.change),
        _ways(day.change),
        _decimal(day.change_pct),
        _decimal(day.nav),
        *(_whole(numbers) for numbers in (day.open, day.high, day.low, day.volume, day.value)),
        *(_whole(numbers) for numbers in (day.market_cap, day.net_assets, day.shares)),
        strict=True,
    )
    levels = zip(
        _decimal(day.index_close),
        _decimal(day.index_change),
        _ways(day.index_change),
        _decimal(day.index_change_pct),
        strict=True,
    )
    return [
        _fund_row(
            fund,
            dict(zip(_FUND_PRICES, price, strict=True)),
            dict(zip(_FUND_LEVELS, level, strict=True)),
        )
        for fund, price, level in zip(funds, prices, levels, strict=True)
    ]


def _fund_row(fund: Fund, prices: Row, levels: Row) -> Row:
    return {
        "ISU_SRT_CD": fund.ticker,
        "ISU_CD": fund.isin,
        "SECUGRP_ID": "EF",
        "ISU_ABBRV": fund.name,
        **prices,
        "IDX_IND_NM": fund.index_name,
        **levels,
    }


def _fund_list(world: World, today: date) -> list[Row]:
    session = world.calendar.last_until(today)
    if session is None:
        return []
    units = _whole(world.funds.day(session).shares)
    told = (
        {
            "ISU_CD": fund.isin,
            "ISU_SRT_CD": fund.ticker,
            "ISU_NM": fund.full_name,
            "ISU_ABBRV": fund.name,
            "ISU_ENG_NM": fund.english,
            "LIST_DD": f"{fund.listed:%Y/%m/%d}",
            "ETF_OBJ_IDX_NM": fund.index_name,
            "IDX_CALC_INST_NM1": fund.index_provider,
            "IDX_CALC_INST_NM2": _MULTIPLES[fund.multiple],
            "ETF_REPLICA_METHD_TP_CD": f"실물({'액티브' if '액티브' in fund.name else '패시브'})",
            "IDX_MKT_CLSS_NM": fund.region,
            "IDX_ASST_CLSS_NM": fund.asset_class,
            "LIST_SHRS": shares,
            "COM_ABBRV": fund.provider,
            "CU_QTY": f"{fund.unit:,}",
            "ETF_TOT_FEE": f"{fund.fee_pct:.6f}",
            "TAX_TP_CD": _tax(fund),
        }
        for fund, shares in zip(world.funds.listed(session), units, strict=True)
    )
    return sorted(told, key=lambda row: row["ISU_NM"])


def _tax(fund: Fund) -> str:
    free = fund.asset_class == "주식" and fund.region == "국내" and fund.multiple == 1
    return "비과세" if free else "배당소득세(보유기간과세)"


def _index_day(world: World, day: date, asked: Asked) -> list[Row]:
    progress = _progress(world, day, asked.now)
    indices = world.indices.listed(day)
    if progress is None:
        told = [{"IDX_NM": index.name, **_NO_LEVELS, **_NO_COURSE} for index in indices]
        totals: list[Row] = []
    else:
        final = world.indices.day(day)
        shown = final if progress == 1 else world_indices.part_of(final, progress)
        told, totals = _levelled(indices, shown), _totals(shown, asked.group)
    known = [row for index, row in zip(indices, told, strict=True) if _is_asked(index, asked)]
    return [*totals, *known]


def _is_asked(index: Index, asked: Asked) -> bool:
    return index.group == asked.group and index.is_known(asked.today)


def _levelled(indices: list[Index], day: IndexDay) -> list[Row]:
    levels = zip(
        _decimal(day.close),
        _ways(day.change),
        _decimal(day.change),
        _decimal(day.change_pct),
        strict=True,
    )
    course = zip(
        *(_decimal(level) for level in (day.open, day.high, day.low)),
        *(_whole(amount) for amount in (day.volume, day.value, day.market_cap)),
        strict=True,
    )
    return [
        {
            "IDX_NM": index.name,
            **dict(zip(_LEVELS, level, strict=True)),
            **(_NO_COURSE if is_bare else dict(zip(_COURSE, way, strict=True))),
        }
        for index, level, way, is_bare in zip(
            indices, levels, course, day.only_close.tolist(), strict=True
        )
    ]


def _totals(day: IndexDay, group: str) -> list[Row]:
    return [
        {
            "IDX_NM": total.name,
            **_NO_LEVELS,
            **_NO_COURSE,
            "ACC_TRDVOL": f"{total.volume:,}",
            "ACC_TRDVAL": f"{total.value:,}",
            "MKTCAP": f"{total.market_cap:,}",
        }
        for total in day.totals
        if total.group == group
    ]


def _index_list(world: World, asked: Asked) -> list[Row]:
    session = world.calendar.last_until(asked.today)
    if session is None:
        return []
    members = _whole(world.indices.day(session).members)
    return [
        {
            "IDX_NM": index.name,
            "IDX_ENG_NM": index.english,
            "BAS_TM_CONTN": f"{index.based:%Y.%m.%d}",
            "ANNC_TM_CONTN": f"{index.announced:%Y.%m.%d}",
            "BAS_IDX_CONTN": f"{index.base_level:,.2f}",
            "CALC_CYCLE_CONTN": "1초" if index.group == "01" else "10초",
            "CALC_TM_CONTN": "09:00:30 ~ 15:30:00",
            "COMPST_ISU_CNT": count,
            "IND_TP_CD": index.code[0],
            "IDX_IND_CD": index.code[1:],
        }
        for index, count in zip(world.indices.listed(session), members, strict=True)
        if _is_asked(index, asked)
    ]


def _whole(numbers: Ints) -> list[str]:
    return [f"{number:,}" for number in numbers.tolist()]


def _decimal(numbers: Floats) -> list[str]:
    return [_DASH if math.isnan(number) else f"{number:,.2f}" for number in numbers.tolist()]


def _ways(changes: Iterable[float]) -> list[str]:
    """Tell a rise, a fall or no change by the exchange's digits."""
    return [
        _DASH if math.isnan(change) else "1" if change > 0 else "2" if change < 0 else "3"
        for change in changes
    ]
