"""Which exchange-traded funds are listed, by whom, from when to when.

Everything is drawn up to the world's horizon, whatever its last day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.random import Generator

from stock_pipeline.twin import world_names as names
from stock_pipeline.twin.world_calendar import EPOCH
from stock_pipeline.twin.world_fund_indices import Tracked, tracked
from stock_pipeline.twin.world_plans import HORIZON

# Funds at the epoch, and listed and closed per year, in a market of 2,900 shares.
_AT_EPOCH, _LISTINGS, _CLOSINGS = 450, 115, 18
_ACTIVE = 0.3
# The exchange gives letters to codes of funds that list from 2024, not to all.
_LETTERS_FROM = date(2024, 1, 1)
_LETTERED = 0.6
# Brand, house, and its weight.
_HOUSES = (
    ("KODEX", "삼성자산운용", 22),
    ("TIGER", "미래에셋자산운용", 21),
    ("RISE", "케이비자산운용", 13),
    ("ACE", "한국투자신탁운용", 11),
    ("PLUS", "한화자산운용", 8),
    ("SOL", "신한자산운용", 7),
    ("KIWOOM", "키움투자자산운용", 7),
    ("HANARO", "엔에이치아문디자산운용", 5),
    ("1Q", "하나자산운용", 3),
    ("WON", "우리자산운용", 2),
    ("FOCUS", "브이아이자산운용", 1),
)
# Funds of every world: code, brand, word of what they follow, multiple, listing day, first price.
_CAST = (
    ("069500", "KODEX", "200", 1, date(2002, 10, 14), 29_380),
    ("102110", "TIGER", "200", 1, date(2008, 4, 3), 29_400),
    ("122630", "KODEX", "200", 2, date(2010, 2, 22), 14_700),
    ("114800", "KODEX", "200", -1, date(2009, 9, 16), 6_100),
    ("252670", "KODEX", "200선물", -2, date(2016, 9, 22), 5_600),
    ("229200", "KODEX", "코스닥150", 1, date(2015, 10, 1), 9_900),
    ("153130", "KODEX", "통안채단기", 1, date(2012, 2, 22), 102_300),
    ("132030", "KODEX", "금선물", 1, date(2010, 10, 1), 10_100),
    ("261240", "KODEX", "미국달러선물", 1, date(2016, 12, 27), 9_700),
    ("329200", "TIGER", "리츠부동산인프라", 1, date(2019, 7, 19), 5_000),
    ("357870", "TIGER", "CD금리", 1, date(2020, 7, 7), 50_000),
    ("360750", "TIGER", "미국S&P500", 1, date(2020, 8, 7), 10_000),
    ("411060", "ACE", "KRX금현물", 1, date(2021, 12, 15), 10_000),
    ("433970", "KODEX", "TDF2030", 1, date(2022, 6, 30), 10_000),
)


@dataclass(frozen=True, slots=True)
class Offer:
    """What is decided about a fund before it gets a code; its price is that of the first day."""

    brand: str
    house: str
    follows: Tracked
    multiple: int
    style: str
    listed: date
    price: int
    ticker: str = ""


def offered(rng: Generator, scale: float) -> list[Offer]:
    """Draw the funds of a market, those of every world first; no two have the same name."""
    every = tracked()
    offers = list(_cast(every))
    taken = {(offer.brand, offer.follows.word, offer.multiple, offer.style) for offer in offers}
    houses = [(brand, house) for brand, house, weight in _HOUSES for _ in range(weight)]
    for listed in _listing_days(rng, scale):
        while True:
            brand, house = houses[rng.integers(len(houses))]
            follows = every[rng.integers(len(every))]
            multiple = follows.multiples[rng.integers(len(follows.multiples))]
            style = "액티브" if multiple == 1 and rng.random() < _ACTIVE else ""
            if (named := (brand, follows.word, multiple, style)) not in taken:
                break
        taken.add(named)
        price = 100_000 if follows.asset_class in ("채권", "기타") else 10_000
        offers.append(Offer(brand, house, follows, multiple, style, listed, price))
    return offers


def closings(rng: Generator, offers: list[Offer], scale: float) -> list[date | None]:
    """Decide which funds close and when; those of every world stay."""
    leaving: list[date | None] = [None] * len(offers)
    for year in range(EPOCH.year, HORIZON.year + 1):
        able = [
            place
            for place, offer in enumerate(offers)
            if place >= len(_CAST) and offer.listed.year < year - 1 and leaving[place] is None
        ]
        for place in rng.permutation(able)[: max(round(_CLOSINGS * scale), 1)]:
            leaving[place] = _some_day(rng, year)
    return leaving


def tickers(rng: Generator, offers: list[Offer], shares: set[str]) -> list[str]:
    """Give every fund a code that no share and no other fund has."""
    free = iter(rng.permutation(np.arange(5_000, 49_999)).tolist())
    found: dict[str, None] = {}
    for offer in offers:
        ticker = offer.ticker
        while not ticker or ticker in shares or ticker in found:
            stem = f"{next(free):05d}"
            letter = names.CODE_LETTERS[rng.integers(len(names.CODE_LETTERS))]
            lettered = offer.listed >= _LETTERS_FROM and rng.random() < _LETTERED
            ticker = f"{stem[1:]}{letter}0" if lettered else f"{stem}0"
        found[ticker] = None
    return list(found)


def _cast(every: list[Tracked]) -> Iterator[Offer]:
    of_word = {follows.word: follows for follows in every}
    houses = {brand: house for brand, house, _ in _HOUSES}
    for ticker, brand, word, multiple, listed, price in _CAST:
        yield Offer(brand, houses[brand], of_word[word], multiple, "", listed, price, ticker)


def _listing_days(rng: Generator, scale: float) -> Iterator[date]:
    for _ in range(max(round(_AT_EPOCH * scale) - len(_CAST), 1)):
        yield _weekday(EPOCH - timedelta(days=int(rng.integers(30, 4_500))))
    for year in range(EPOCH.year, HORIZON.year + 1):
        for _ in range(max(round(_LISTINGS * scale), 1)):
            yield _some_day(rng, year)


def _some_day(rng: Generator, year: int) -> date:
    return _weekday(date(year, 1, 8) + timedelta(days=int(rng.integers(340))))


def _weekday(day: date) -> date:
    return day - timedelta(days=max(day.weekday() - 4, 0))
