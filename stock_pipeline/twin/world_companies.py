"""The companies of the world and the shares they list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.random import Generator

from stock_pipeline.twin import world_names as names
from stock_pipeline.twin import world_plans as plans
from stock_pipeline.twin.world_calendar import EPOCH
from stock_pipeline.twin.world_plans import CAST, Plan

_PREFERRED = 110
# The exchange gives letters to codes of companies that list from 2024.
_LETTERS_FROM = date(2024, 1, 1)
_SECTIONS = (
    "중견기업부",
    "우량기업부",
    "벤처기업부",
    "기술성장기업부",
    "투자주의환기종목(소속부없음)",
)
_SECTION_WEIGHTS = (0.33, 0.27, 0.22, 0.14, 0.04)
_SECTION_OF_ROLE = {
    "spac": "SPAC(소속부없음)",
    "foreign": "외국기업(소속부없음)",
    "impaired": "관리종목(소속부없음)",
}
_PRICE_MEDIAN = {"KOSPI": 21_000, "KOSDAQ": 9_500, "KONEX": 5_200}
# Market capitalisation: median in KRW and spread of its logarithm.
_CAP = {"KOSPI": (4e11, 1.4), "KOSDAQ": (1.15e11, 0.95), "KONEX": (3e10, 0.9)}
_CORP_CODES = {"005930": 126_380, "000660": 164_779}


@dataclass(frozen=True, slots=True)
class Company:
    """One company, known to the filing system under its corp_code."""

    index: int
    corp_code: str
    crno: str
    name: str
    english: str
    ticker: str
    role: str
    industry: str
    industry_code: str
    products: str
    representative: str
    region: str
    phone: str
    settle_month: int
    established: date


@dataclass(frozen=True, slots=True)
class Share:
    """One listed share. Its column is its place in every array of the world.

    name, market, section and count are those of the first day; `listed` may lie before the epoch
    """

    column: int
    company: int
    ticker: str
    isin: str
    name: str
    preferred: bool
    market: str
    section: str
    listed: date
    delisted: date | None
    price: int
    count: int
    volatility: float


def found(seed: int, rows: int) -> tuple[list[Company], list[Share]]:
    """Draw the companies and shares of a market with about `rows` listed shares."""
    rng = np.random.default_rng([seed, 1])
    planned = plans.draw(rng, rows)
    ends = plans.ends(rng, planned, rows)
    taken = {plan.name for plan in planned}
    stems = _stems(rng, {plan.ticker[:5] for plan in planned})
    numbers = rng.choice(np.arange(170_000, 1_900_000), len(planned), replace=False).tolist()
    weights = np.array([industry.weight for industry in names.INDUSTRIES], dtype=float)
    drawn = rng.choice(len(weights), len(planned), p=weights / weights.sum()).tolist()
    companies: list[Company] = []
    shares: list[Share] = []
    for index, plan in enumerate(planned):
        industry = _industry(plan, names.INDUSTRIES[drawn[index]])
        ticker = plan.ticker or _ticker(rng, plan, next(stems))
        number = _CORP_CODES.get(ticker, numbers[index])
        company = _company(rng, plan, (index, number, ticker), industry, taken)
        companies.append(company)
        shares.append(_common(rng, plan, company, ends[index]))
    shares.extend(_preferred(rng, shares, max(_PREFERRED * rows // 2900, 5)))
    return companies, shares


def _stems(rng: Generator, used: set[str]) -> Iterator[str]:
    """Hand out the first five characters of codes, none twice."""
    free = (f"{number:05d}" for number in rng.permutation(np.arange(20, 49_000)).tolist())
    return (stem for stem in free if stem not in used)


def _ticker(rng: Generator, plan: Plan, stem: str) -> str:
    if plan.listed < _LETTERS_FROM or rng.random() < 0.4:
        return f"{stem}0"
    # The letter stands for the digit that is left out, so that codes stay apart.
    letter = names.CODE_LETTERS[int(stem[0]) * 4 + int(rng.integers(4))]
    return f"{stem[1:]}{letter}0"


def _industry(plan: Plan, drawn: names.Industry) -> names.Industry:
    return {"spac": names.SPAC, "holding": names.HOLDING}.get(plan.role) or plan.industry or drawn


def _company(
    rng: Generator,
    plan: Plan,
    identity: tuple[int, int, str],
    industry: names.Industry,
    taken: set[str],
) -> Company:
    index, number, ticker = identity
    name, english = plan.name, plan.english
    if not name:
        name, english = names.company_name(rng, industry, taken)
    region = names.REGIONS[rng.integers(len(names.REGIONS))]
    registered = f"{region.registry}{index + 1_001:06d}"
    month = int(rng.choice([12, 3, 6, 9], p=[0.965, 0.015, 0.015, 0.005]))
    return Company(
        index=index,
        corp_code=f"{number:08d}",
        crno="1301110006246" if plan.role == "samsung" else registered + _check(registered),
        name=name,
        english=english,
        ticker=ticker,
        role=plan.role,
        industry=industry.name,
        industry_code=industry.code,
        products=industry.products,
        representative=names.person_name(rng),
        region=region.name,
        phone=f"{region.phone}-{rng.integers(200, 999)}-{rng.integers(1000, 9999)}",
        settle_month=plan.settle_month if index < len(CAST) else month,
        established=plan.listed - timedelta(days=int(rng.integers(1_000, 9_000))),
    )


def _check(registered: str) -> str:
    """Return the last digit of a corporate registration number (weights 1, 2, 1, 2, …)."""
    total = sum(int(digit) * (1 + place % 2) for place, digit in enumerate(registered))
    return str(-total % 10)


def _common(rng: Generator, plan: Plan, company: Company, delisted: date | None) -> Share:
    spac = plan.role == "spac"
    median, spread = _CAP[plan.market]
    cap = 1.1e10 if spac else median * np.exp(spread * rng.standard_normal())
    drawn = _PRICE_MEDIAN[plan.market] * np.exp(0.8 * rng.standard_normal())
    price = plan.price or (2_000 if spac else int(min(max(drawn, 900), 180_000)))
    volatility = min(0.026 * np.exp(0.3 * rng.standard_normal()), 0.05)
    foreign = names.foreign_isin("HK" if company.index % 2 else "KY", 300_000 + company.index)
    section = _SECTION_OF_ROLE.get(plan.role) or str(rng.choice(_SECTIONS, p=_SECTION_WEIGHTS))
    fixed = {"KOSPI": "", "KONEX": "일반기업부"}
    return Share(
        column=company.index,
        company=company.index,
        ticker=company.ticker,
        isin=foreign if plan.role == "foreign" else names.isin(company.ticker),
        name=company.name,
        preferred=False,
        market=plan.market,
        section=fixed.get(plan.market, section),
        listed=plan.listed,
        delisted=delisted,
        price=price,
        count=plan.count or int(cap / price) + 200_000,
        volatility=0.002 if spac else 0.018 if plan.name else float(volatility),
    )


def _preferred(rng: Generator, commons: list[Share], wanted: int) -> Iterator[Share]:
    """Give KOSPI companies of the epoch a preferred share, every sixth of them three."""
    old = [
        share
        for share in commons
        if share.market == "KOSPI" and share.listed < EPOCH and share.ticker.isdigit()
    ]
    # Samsung Electronics has one, SK hynix has none.
    chosen = [old[0], *(old[place] for place in 2 + rng.permutation(len(old) - 2))]
    kinds = [("5", "우"), ("7", "2우B"), ("K", "3우(전환)")]
    born = [
        (common, kind)
        for place, common in enumerate(chosen)
        for kind in (kinds if place % 6 == 1 else kinds[:1])
    ]
    for column, (common, (last, suffix)) in enumerate(born[:wanted], start=len(commons)):
        samsung = common.ticker == "005930"
        yield Share(
            column=column,
            company=common.company,
            ticker=common.ticker[:5] + last,
            isin=names.isin(common.ticker[:5] + last),
            name=common.name + suffix,
            preferred=True,
            market="KOSPI",
            section="",
            listed=max(common.listed, date(1989, 9, 25)),
            delisted=common.delisted,
            price=45_600 if samsung else int(common.price * rng.uniform(0.5, 1.2)),
            count=822_886_700 if samsung else max(common.count // 12, 50_000),
            volatility=common.volatility,
        )
