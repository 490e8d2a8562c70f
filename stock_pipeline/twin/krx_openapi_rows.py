"""Rows of the exchange's Open API: every value a text, no thousands commas, `-` where unset."""

from __future__ import annotations

import math
from datetime import date

from stock_pipeline.twin.world import Listing, World
from stock_pipeline.twin.world_companies import Share

Row = dict[str, str]

_GROUPS = {"KRX": "01", "KOSPI": "02", "KOSDAQ": "03"}
_MARKET_IDS = {"KOSPI": "STK", "KOSDAQ": "KSQ", "KONEX": "KNX"}
# How preferred shares are called: end of the short name → end of the full name, kind of share.
_PREFERRED = {
    "2우B": ("2우선주", "신형우선주"),
    "3우(전환)": ("3우선주(전환)", "종류주권"),
    "우": ("1우선주", "구형우선주"),
}
_PAR_VALUES = ("5000", "500", "100", "1000", "무액면")
_FOREIGN_PAR_VALUES = ("무액면", ".5", "0", ".25")
_NOT_TOLD = "-"


def shares(world: World, day: date, market: str) -> list[Row]:
    """Return the shares of a market on a session, by name; the codes are the short ones."""
    prices = world.day(day)
    numbers = (prices.close, prices.change, prices.open, prices.high, prices.low)
    sizes = (prices.volume, prices.value, prices.market_cap)
    columns = ([str(number) for number in column.tolist()] for column in (*numbers, *sizes))
    rates = [f"{rate:.2f}" for rate in prices.change_pct.tolist()]
    rows = [
        {
            "BAS_DD": f"{day:%Y%m%d}",
            "ISU_CD": one.share.ticker,
            "ISU_NM": one.name,
            "MKT_NM": market,
            "SECT_TP_NM": one.section or _NOT_TOLD,
            "TDD_CLSPRC": close,
            "CMPPREVDD_PRC": change,
            "FLUC_RT": rate,
            "TDD_OPNPRC": opened,
            "TDD_HGPRC": high,
            "TDD_LWPRC": low,
            "ACC_TRDVOL": volume,
            "ACC_TRDVAL": value,
            "MKTCAP": cap,
            "LIST_SHRS": str(one.count),
        }
        for one, close, change, opened, high, low, volume, value, cap, rate in zip(
            world.listings(day), *columns, rates, strict=True
        )
        if one.market_id == _MARKET_IDS[market]
    ]
    return sorted(rows, key=lambda row: row["ISU_NM"])


def issues(world: World, day: date, market: str) -> list[Row]:
    """Return the master data of the shares listed on a session, by full name."""
    rows = [
        _issue(world, one, market)
        for one in world.listings(day)
        if one.market_id == _MARKET_IDS[market]
    ]
    return sorted(rows, key=lambda row: row["ISU_NM"])


def _issue(world: World, one: Listing, market: str) -> Row:
    company = world.companies[one.share.company]
    full_name, kind = _full_name(one.share, one.name, market)
    foreign = company.role == "foreign"
    par_values = _FOREIGN_PAR_VALUES if foreign else _PAR_VALUES
    return {
        "ISU_CD": one.share.isin,
        "ISU_SRT_CD": one.share.ticker,
        "ISU_NM": full_name,
        "ISU_ABBRV": one.name,
        "ISU_ENG_NM": company.english,
        "LIST_DD": f"{one.share.listed:%Y%m%d}",
        "MKT_TP_NM": market,
        "SECUGRP_NM": "외국주권" if foreign else "주권",
        "SECT_TP_NM": one.section or _NOT_TOLD,
        "KIND_STKCERT_TP_NM": kind,
        "PARVAL": par_values[one.share.company % len(par_values)],
        "LIST_SHRS": str(one.count),
    }


def _full_name(share: Share, name: str, market: str) -> tuple[str, str]:
    if not share.preferred:
        return (f"{name}보통주" if market == "KOSPI" else name), "보통주"
    for short, (full, kind) in _PREFERRED.items():
        if name.endswith(short):
            return name.removesuffix(short) + full, kind
    return f"{name}우선주", "종류주권"


def funds(world: World, day: date) -> list[Row]:
    """Return the ETFs of a session, by name."""
    told = world.funds.day(day)
    wholes = (told.close, told.change, told.open, told.high, told.low, told.volume, told.value)
    sizes = (told.market_cap, told.net_assets, told.shares)
    decimals = (told.change_pct, told.nav, told.index_close, told.index_change)
    columns = [[str(number) for number in column.tolist()] for column in (*wholes, *sizes)]
    columns += [[_decimal(x) for x in column.tolist()] for column in decimals]
    columns.append([_decimal(x) for x in told.index_change_pct.tolist()])
    names = (
        *("TDD_CLSPRC", "CMPPREVDD_PRC", "TDD_OPNPRC", "TDD_HGPRC", "TDD_LWPRC", "ACC_TRDVOL"),
        *("ACC_TRDVAL", "MKTCAP", "INVSTASST_NETASST_TOTAMT", "LIST_SHRS", "FLUC_RT", "NAV"),
        *("OBJ_STKPRC_IDX", "CMPPREVDD_IDX", "FLUC_RT_IDX"),
    )
    rows = []
    for fund, *texts in zip(world.funds.listed(day), *columns, strict=True):
        numbers = dict(zip(names, texts, strict=True))
        identity = {"ISU_CD": fund.ticker, "ISU_NM": fund.name, "IDX_IND_NM": fund.index_name}
        known = {"BAS_DD": f"{day:%Y%m%d}"} | identity | numbers
        rows.append({name: known[name] for name in _FUND_COLUMNS})
    return sorted(rows, key=lambda row: row["ISU_NM"])


_FUND_COLUMNS = (
    *("BAS_DD", "ISU_CD", "ISU_NM", "TDD_CLSPRC", "CMPPREVDD_PRC", "FLUC_RT", "NAV", "TDD_OPNPRC"),
    *("TDD_HGPRC", "TDD_LWPRC", "ACC_TRDVOL", "ACC_TRDVAL", "MKTCAP", "INVSTASST_NETASST_TOTAMT"),
    *("LIST_SHRS", "IDX_IND_NM", "OBJ_STKPRC_IDX", "CMPPREVDD_IDX", "FLUC_RT_IDX"),
)


def indices(world: World, day: date, family: str, *, today: date) -> list[Row]:
    """Return the indices of a family on a session, after the total of its market if it has one.

    today  whose indices are shown: one that is not announced yet has no row
    """
    group, told = _GROUPS[family], world.indices.day(day)
    known = {"BAS_DD": f"{day:%Y%m%d}", "IDX_CLSS": family}
    rows = [
        known
        | _levels(total.name, None)
        | _sizes((total.volume, total.value, total.market_cap), told_at_all=True)
        for total in told.totals
        if total.group == group
    ]
    levels = (told.close, told.change, told.change_pct, told.open, told.high, told.low)
    sizes = (told.volume, told.value, told.market_cap)
    for place, index in enumerate(world.indices.listed(day)):
        if index.group != group or not index.is_known(today):
            continue
        only_close = bool(told.only_close[place])
        shown = [float(column[place]) for column in levels]
        # An index from before its announcement has a close and a change, and no more.
        values = [*shown[:3], *([math.nan] * 3 if only_close else shown[3:])]
        counted = tuple(int(column[place]) for column in sizes)
        rows.append(
            known | _levels(index.name, values) | _sizes(counted, told_at_all=not only_close)
        )
    return rows


def _levels(name: str, values: list[float] | None) -> Row:
    columns = ("CLSPRC_IDX", "CMPPREVDD_IDX", "FLUC_RT", "OPNPRC_IDX", "HGPRC_IDX", "LWPRC_IDX")
    texts = [_decimal(x) for x in values or [math.nan] * len(columns)]
    return {"IDX_NM": name} | dict(zip(columns, texts, strict=True))


def _sizes(counted: tuple[int, ...], *, told_at_all: bool) -> Row:
    columns = ("ACC_TRDVOL", "ACC_TRDVAL", "MKTCAP")
    texts = [str(number) if told_at_all else _NOT_TOLD for number in counted]
    return dict(zip(columns, texts, strict=True))


def _decimal(number: float) -> str:
    return _NOT_TOLD if math.isnan(number) else f"{number:.2f}"
