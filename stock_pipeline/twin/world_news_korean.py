"""What Korean papers report of a day: the market, its movers, filings, funds and coins.

Every number and every name is that of the world on that day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.random import Generator

from stock_pipeline.twin.world_companies import Company
from stock_pipeline.twin.world_story import Story, any_time, at

if TYPE_CHECKING:
    from stock_pipeline.twin.world import World

_MARKET = "국내 증시 주식시장 증권 코스피 코스닥 지수 시황 한국거래소 외국인 기관 개인 투자자"
_STOCK = "주식 종목 주가 상장사 기업 공시 실적 특징주 투자 유가증권시장"
_ETF = "ETF 상장지수펀드 펀드 순자산 운용사 자산운용 개인투자자"
_CRYPTO = "비트코인 이더리움 가상자산 암호화폐 가상화폐 코인 블록체인 거래소 BTC"

_KOSPI, _KOSDAQ, _KOSPI_200 = ("02", "1001"), ("03", "2001"), ("02", "1028")
_RISERS, _FALLERS, _FILINGS, _COIN_STORIES = 4, 3, 14, 12
_LIMIT_UP, _LIMIT_DOWN = 4, 5
_HOLDERS = ("외국인", "기관", "개인")
_WRAPPED = re.compile(r"주요사항보고서\((.+)\)")


def stories(world: World, rng: Generator, day: date) -> Iterator[Story]:
    """Tell what there is to report of a day, in no order."""
    if world.calendar.position(day) is not None:
        yield from _market(world, rng, day)
        yield from _movers(world, day)
        yield from _funds(world, day)
    else:
        yield from _closed(world, rng, day)
    yield from _filings(world, rng, day)
    yield from _coins(world, rng, day)


def _market(world: World, rng: Generator, day: date) -> Iterator[Story]:
    levels, shares = world.indices.day(day), world.day(day)
    places = {(one.group, one.code): place for place, one in enumerate(world.indices.listed(day))}
    kospi, kosdaq, kospi_200 = (places[code] for code in (_KOSPI, _KOSDAQ, _KOSPI_200))
    opened, closed = _hours(world, day)
    preview = f"[장전 점검] {day.month}월 {day.day}일 증시 체크포인트"
    yield Story(opened - timedelta(minutes=50), preview, _MARKET)
    yield Story(opened + timedelta(minutes=6), f"코스피, {levels.open[kospi]:,.2f} 출발", _MARKET)
    for minutes, name, place in ((6, "코스피", kospi), (11, "코스닥", kosdaq)):
        told = _moved(float(levels.change_pct[place]))
        headline = f"{name} {told} {levels.close[place]:,.2f} 마감"
        yield Story(closed + timedelta(minutes=minutes), headline, _MARKET)
    up, down = (int(np.isin(shares.fluctuation, kinds).sum()) for kinds in ([1, 4], [2, 5]))
    holder = _HOLDERS[int(rng.integers(len(_HOLDERS)))]
    yield Story(
        closed + timedelta(minutes=34),
        f"[마감시황] 코스피200 {levels.close[kospi_200]:,.2f}…상승 {up:,}·하락 {down:,} 종목",
        f"{_MARKET} {holder} 순매수",
    )
    yield Story(
        closed + timedelta(minutes=75),
        f"{holder}, 코스피 시장서 순매수…<b>코스피</b> {_moved(float(levels.change_pct[kospi]))}",
        _MARKET,
    )


def _hours(world: World, day: date) -> tuple[datetime, datetime]:
    return world.hours(day) or (at(day, 9), at(day, 15, 30))


def _moved(change_pct: float) -> str:
    if change_pct == 0:
        return "보합"
    return f"{abs(change_pct):.2f}% {'상승' if change_pct > 0 else '하락'}"


def _movers(world: World, day: date) -> Iterator[Story]:
    shares = world.day(day)
    _, closed = _hours(world, day)
    order = np.argsort(shares.change_pct, kind="stable").tolist()
    for number, place in enumerate([*order[::-1][:_RISERS], *order[:_FALLERS]]):
        change, close = float(shares.change_pct[place]), int(shares.close[place])
        name = world.name(world.shares[int(shares.columns[place])], day)
        limit = {_LIMIT_UP: "상한가", _LIMIT_DOWN: "하한가"}.get(int(shares.fluctuation[place]))
        told = limit or f"{abs(change):.2f}% {'급등' if change > 0 else '급락'}"
        headline = f"[특징주] {name}, {told}…{close:,}원 마감"
        yield Story(closed + timedelta(minutes=9 + 7 * number), headline, _STOCK)


def _funds(world: World, day: date) -> Iterator[Story]:
    listed, told = world.funds.listed(day), world.funds.day(day)
    _, closed = _hours(world, day)
    if not listed:
        return
    most, best = int(np.argmax(told.value)), int(np.argmax(told.change_pct))
    largest = int(np.argmax(told.net_assets))
    headlines = [
        f"[ETF] {listed[most].name} 거래대금 1위…{int(told.close[most]):,}원",
        f"{listed[best].name}, 하루 {told.change_pct[best]:.2f}%…ETF 수익률 1위",
        f"{listed[largest].name} 순자산 {int(told.net_assets[largest]) // 10**8:,}억원",
    ]
    headlines += [f"{fund.provider}, '{fund.name}' 상장" for fund in listed if fund.listed == day]
    for number, headline in enumerate(headlines):
        yield Story(closed + timedelta(minutes=15 + 21 * number), headline, _ETF)


def _closed(world: World, rng: Generator, day: date) -> Iterator[Story]:
    if day.weekday() < 5:
        yield Story(
            at(day, 8, 30), f"{day.month}월 {day.day}일 증시 휴장…국내 금융시장 쉰다", _MARKET
        )
    else:
        yield Story(at(day, 10), f"[주간증시] {day.month}월 코스피·코스닥 변수는", _MARKET)
    if listed := world.funds.listed(day):
        fund = listed[int(rng.integers(len(listed)))]
        yield Story(at(day, 11, 20), f"연금 계좌에 담는 ETF…{fund.name} 눈길", _ETF)


def _filings(world: World, rng: Generator, day: date) -> Iterator[Story]:
    received = [
        one for one in world.disclosures.between(day, day) if isinstance(one.filer, Company)
    ]
    shares = {
        world.companies[share.company].corp_code: share
        for share in world.shares
        if not share.preferred
    }
    for one in received[:_FILINGS]:
        share = shares.get(one.filer.corp_code)
        name = world.name(share, day) if share else one.filer.name
        told = _WRAPPED.sub(r"\1", " ".join(one.name.split()))
        moment = at(day, 9) + timedelta(minutes=int(rng.integers(9 * 60)))
        yield Story(moment, f"[공시] {name}, {told}", _STOCK)


def _coins(world: World, rng: Generator, day: date) -> Iterator[Story]:
    for number in range(_COIN_STORIES):
        moment = any_time(rng, day)
        coin_id, name = (("bitcoin", "비트코인"), ("ethereum", "이더리움"))[number % 3 == 2]
        price = world.coins.price(coin_id, moment)
        before = world.coins.price(coin_id, moment - timedelta(days=1))
        told = _moved(round((price / before - 1) * 100, 2))
        headline = (
            f"{name} {price:,.0f}달러…24시간 새 {told}",
            f"[코인시황] {name}, 하루 전보다 {told}한 {price:,.0f}달러".replace("보합한", "비슷한"),
            f"가상자산 시장 {moment.hour}시…{name} {price:,.0f}달러선",
        )[number % 3 if number < 6 else int(rng.integers(3))]
        yield Story(moment, headline, _CRYPTO)
