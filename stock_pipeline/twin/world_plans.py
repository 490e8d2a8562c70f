"""Which companies list on which market, in which role, from when to when.

Everything is drawn up to a fixed horizon, whatever the world's last day: a company of a past
session never depends on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from numpy.random import Generator

from stock_pipeline.twin import world_names as names
from stock_pipeline.twin.world_calendar import EPOCH

HORIZON = date(2035, 12, 31)
# Companies at the epoch, and listed and delisted per year, in a market of 2,900 rows.
_AT_EPOCH = {"KOSPI": 832, "KOSDAQ": 1722, "KONEX": 122}
_LISTINGS = {"KOSPI": 8, "KOSDAQ": 62, "KONEX": 13}
_DELISTINGS = {"KOSPI": 6, "KOSDAQ": 26, "KONEX": 6}
_SPAC_SHARE = 0.4
_SPAC_LIFE = timedelta(days=1000)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is decided about a company before it gets a name."""

    market: str
    role: str
    listed: date
    ticker: str = ""
    name: str = ""
    english: str = ""
    price: int = 0
    count: int = 0
    settle_month: int = 12
    industry: names.Industry | None = None


_OLD = date(2001, 5, 15)

# Companies that exist in every world, whatever its size. A role says what the filings do with
# the company; `penny` trades more than 2^31 shares on some days.
CAST = (
    Plan(
        "KOSPI",
        "samsung",
        date(1975, 6, 11),
        ticker="005930",
        name="삼성전자",
        english="SAMSUNG ELECTRONICS CO,.LTD",
        price=55_200,
        count=5_969_782_550,
        industry=names.HANDSETS,
    ),
    Plan(
        "KOSPI",
        "hynix",
        date(1996, 12, 26),
        ticker="000660",
        name="SK하이닉스",
        english="SK hynix Inc.",
        price=94_700,
        count=728_002_365,
        industry=names.CHIPS,
    ),
    Plan("KOSPI", "penny", _OLD, price=640, count=3_100_000_000),
    Plan("KOSPI", "usd", _OLD, price=48_000, count=31_500_000),
    Plan("KOSPI", "separate", _OLD),
    Plan("KOSDAQ", "never", _OLD),
    Plan("KOSDAQ", "late", _OLD),
    Plan("KOSDAQ", "impaired", _OLD),
    Plan("KOSDAQ", "one_statement", _OLD),
    Plan("KOSDAQ", "biotech", _OLD),
    Plan("KOSPI", "holding", _OLD, price=43_000, count=410_000_000),
    Plan("KOSPI", "ordinary", _OLD, price=9_400, count=12_000_000, settle_month=3),
    Plan("KOSDAQ", "ordinary", _OLD, settle_month=6),
    Plan("KOSDAQ", "ordinary", _OLD, settle_month=9),
    *(Plan("KOSPI", "ordinary", _OLD, industry=names.FISHING) for _ in range(3)),
    *(Plan("KOSDAQ", "foreign", _OLD, ticker=f"9000{number}0") for number in range(3, 9)),
    Plan("KOSDAQ", "ordinary", date(2024, 9, 2), ticker="0126Z0"),
    Plan("KONEX", "ordinary", _OLD),
)


def draw(rng: Generator, rows: int) -> list[Plan]:
    """Draw the companies of a market that lists about `rows` shares."""
    return [*CAST, *_at_epoch(rng, rows), *_newcomers(rng, rows)]


def ends(rng: Generator, plans: list[Plan], rows: int) -> list[date | None]:
    """Decide when each company leaves: blank cheques after their term, others by lot."""
    leaving: list[date | None] = [
        plan.listed + _SPAC_LIFE if plan.role == "spac" else None for plan in plans
    ]
    for year in range(EPOCH.year, HORIZON.year + 1):
        for market, count in _DELISTINGS.items():
            able = [
                place
                for place, plan in enumerate(plans)
                if plan.market == market
                and plan.listed < date(year - 2, 1, 1)
                and leaving[place] is None
                and place >= len(CAST)
            ]
            for place in rng.permutation(able)[: count * rows // 2900]:
                leaving[place] = _some_day(rng, year)
    return leaving


def _at_epoch(rng: Generator, rows: int) -> Iterator[Plan]:
    for market, count in _AT_EPOCH.items():
        cast = sum(plan.market == market for plan in CAST)
        for _ in range(max(count * rows // 2900 - cast, 1)):
            role = _role(rng, market, spac_share=0.03)
            age = 900 if role == "spac" else 14_000 if market == "KOSPI" else 7_500
            yield Plan(market, role, EPOCH - timedelta(days=int(rng.integers(30, age))))


def _newcomers(rng: Generator, rows: int) -> Iterator[Plan]:
    for year in range(EPOCH.year, HORIZON.year + 1):
        for market, count in _LISTINGS.items():
            for _ in range(max(count * rows // 2900, 1)):
                yield Plan(market, _role(rng, market, spac_share=_SPAC_SHARE), _some_day(rng, year))


def _some_day(rng: Generator, year: int) -> date:
    return date(year, 1, 8) + timedelta(days=int(rng.integers(350)))


def _role(rng: Generator, market: str, *, spac_share: float) -> str:
    if market == "KOSDAQ" and rng.random() < spac_share:
        return "spac"
    special = "biotech" if market == "KOSDAQ" else "holding"
    limits = ((special, 0.035), ("impaired", 0.05), ("one_statement", 0.10), ("separate", 0.21))
    drawn = rng.random()
    return next((role for role, limit in limits if drawn < limit), "ordinary")
