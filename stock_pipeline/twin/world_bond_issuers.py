"""Who borrows on the world's bond market: the state, its banks and agencies, lenders, companies.

Public institutions carry their real names, because some of them tell what a bond is (those of
한국은행 are monetary stabilisation bonds); lenders and special purpose companies are invented. How
often somebody issues is set for a market of 2,900 shares and scaled to the world's size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from stock_pipeline.twin.world_companies import Company, Share
from stock_pipeline.twin.world_plans import HORIZON

# No bond of the world is older: one character of an ISIN counts the years from here.
FIRST_ISSUE = date(2010, 1, 4)
GRADES = (
    "AAA", "AA+", "AA0", "AA-", "A+", "A0", "A-", "BBB+", "BBB0", "BBB-",
    "BB+", "BB0", "BB-", "B+", "B0", "B-", "CCC", "CC", "C", "D",
)  # fmt: skip
# Companies that ever list in a world of 2,900 shares.
_COMPANIES = 4_000
_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Issuer:
    """One borrower and what it issues.

    code     its five characters inside an ISIN
    kind     a name in KINDS
    stem     how the names of its bonds begin
    grade    place in GRADES; None: nobody rates it
    yearly   issues a year, in a world of this size
    months   terms, each as likely as the others
    size     median amount of an issue in KRW
    company  its number among the world's companies
    """

    name: str
    crno: str
    code: str
    industry: str
    kind: str
    stem: str
    grade: int | None
    yearly: float
    months: tuple[int, ...]
    size: int
    first: date = FIRST_ISSUE
    last: date = HORIZON
    company: int | None = None


class Kind(NamedTuple):
    """What the issuers of one kind have in common; `codes` begins their codes."""

    industry: str
    months: tuple[int, ...]
    size: int
    codes: str = ""
    court: str = "110111"


_STATE, _BANKING = "입법 및 일반 정부 행정", "은행 및 저축기관"
_PUBLIC, _LENDING = "금융 지원 서비스업", "기타 금융업"
_LONG, _SHORT = (24, 36, 60, 84, 120, 240), (12, 18, 24, 36, 48, 60)
KINDS = {
    "treasury": Kind(_STATE, (24, 36, 60, 120, 240, 360, 600), 2 * 10**12, "035"),
    "housing": Kind(_STATE, (60,), 10**12, "015"),
    "municipal": Kind(_STATE, (60,), 12 * 10**9, "01", "110135"),
    "metro": Kind(_STATE, (84,), 12 * 10**9, "02", "110135"),
    "stabilisation": Kind(_BANKING, (3, 12, 24, 36), 10**12, "036", "110135"),
    "agency": Kind(_PUBLIC, _LONG, 15 * 10**10, "501", "114671"),
    "mortgage": Kind(_PUBLIC, (12, 24, 36, 60, 84, 120, 180, 240), 10**11, "605", "114671"),
    "local": Kind("부동산 임대 및 공급업", (36, 60, 120), 5 * 10**10, "701", "114671"),
    "bank": Kind(_BANKING, (6, *_SHORT, 120), 2 * 10**11, "102", "110135"),
    "lender": Kind(_LENDING, _SHORT, 5 * 10**10, "991"),
    "vehicle": Kind(_LENDING, (6, *_SHORT), 10**10, court="110114"),
    "company": Kind("", (24, 36, 36, 60, 84), 10**11),
    "convertible": Kind("", (36, 36, 60), 8 * 10**9),
}

# By kind: name, stem of its bonds where that is another word, grade, issues a year.
_INSTITUTIONS: dict[str, tuple[tuple[str, str, int | None, float], ...]] = {
    "treasury": (("기획재정부", "국고", None, 34),),
    "housing": (("국토교통부", "국민주택1종채권", None, 12),),
    "municipal": tuple(
        (name, f"{name[:2]}지역개발", None, 22)
        for name in (
            "경기도", "강원특별자치도", "제주특별자치도", "전북특별자치도", "울산광역시",
            "광주광역시", "대전광역시", "세종특별자치시",
        )
    ),
    "metro": tuple(
        (name, f"{name[:2]}도시철도", None, 18)
        for name in ("서울특별시", "부산광역시", "대구광역시", "인천광역시")
    ),
    "stabilisation": (("한국은행", "통안", None, 30),),
    "agency": (
        ("한국전력공사", "한국전력공사채권", 0, 64), ("한국토지주택공사", "토지주택채권", 0, 38),
        ("한국도로공사", "도로공사채권", 0, 36), ("국가철도공단", "국가철도공단채권", 0, 32),
        ("한국가스공사", "가스공사채권", 0, 30), ("한국장학재단", "한국장학재단채권", 0, 24),
        ("중소벤처기업진흥공단", "중소벤처기업진흥채권", 0, 30),
        ("예금보험공사", "예보기금채권", 0, 10),
    ),
    "mortgage": (("한국주택금융공사", "주택금융공사MBS", 0, 150),),
    "local": (
        ("서울주택도시공사", "", 0, 15), ("경기주택도시공사", "", 0, 15),
        ("인천도시공사", "", 1, 15), ("부산도시공사", "", 1, 15), ("강원개발공사", "", 1, 8),
    ),
    "bank": (
        ("한국산업은행", "산금", 0, 250), ("중소기업은행", "기업은행", 0, 220),
        ("한국수출입은행", "한국수출입금융", 0, 120), ("농협은행", "농업금융채권", 0, 80),
        ("가온은행", "", 0, 90), ("미르은행", "", 0, 90), ("다솜은행", "", 0, 80),
        ("예솔은행", "", 1, 25), ("라온은행", "", 1, 25), ("가온금융지주", "", 0, 10),
        ("미르금융지주", "", 0, 10),
    ),
    "lender": (
        ("가온카드", "", 1, 100), ("미르카드", "", 1, 100), ("다솜카드", "", 1, 80),
        ("누리카드", "", 2, 70), ("해솔카드", "", 2, 60), ("가온캐피탈", "", 3, 70),
        ("미르캐피탈", "", 3, 70), ("다솜캐피탈", "", 3, 50), ("누리캐피탈", "", 4, 50),
        ("해솔캐피탈", "", 5, 40), ("나래캐피탈", "", 5, 40), ("보람캐피탈", "", 6, 30),
        ("이든리스", "", 7, 15), ("새론리스", "", 9, 8), ("가온증권", "", 2, 25),
        ("미르생명보험", "", 1, 6),
    ),
}  # fmt: skip
_VEHICLES_A_YEAR = 130
_VEHICLE_DAYS = 14
_HEADS, _TAILS = "가나다라마바사아자차카타파하노도로모보소오조초코", "온빛별솔담찬울결들람봄샘"


def found_issuers(rng: Generator, companies: list[Company], shares: list[Share]) -> list[Issuer]:
    """Return every borrower of the world, in an order that never changes."""
    scale = len(companies) / _COMPANIES
    return [*_institutions(scale), *_vehicles(rng, scale), *_companies(rng, companies, shares)]


def _institutions(scale: float) -> Iterator[Issuer]:
    number = 0
    for kind, members in _INSTITUTIONS.items():
        industry, months, size, codes, court = KINDS[kind]
        for place, (name, stem, grade, yearly) in enumerate(members, start=1):
            number += 1
            yield Issuer(
                name=name,
                # The treasury and its ministries are no corporation.
                crno="" if kind in ("treasury", "housing") else _registration(court, number),
                code=f"{codes}{place:0{5 - len(codes)}d}",
                industry=industry,
                kind=kind,
                stem=stem or name,
                grade=grade,
                yearly=yearly * scale,
                months=months,
                size=size,
            )


def _vehicles(rng: Generator, scale: float) -> Iterator[Issuer]:
    """Yield special purpose companies, each of which issues its tranches within two weeks."""
    industry, months, size, _, court = KINDS["vehicle"]
    days = (HORIZON - FIRST_ISSUE).days - _VEHICLE_DAYS
    count = max(round(_VEHICLES_A_YEAR * scale * days / _YEAR), 30)
    born = np.sort(rng.integers(days, size=count)).tolist()
    tranches = rng.integers(2, 10, size=count).tolist()
    luck = rng.random(count).tolist()
    heads, tails = len(_HEADS), len(_TAILS)
    for place in range(count):
        first = FIRST_ISSUE + timedelta(days=born[place])
        word = _HEADS[place % heads] + _TAILS[place // heads % tails]
        name = f"{word}유동화제{place // (heads * tails) + 1}차"
        yield Issuer(
            name=name,
            crno=_registration(court, place + 1),
            code=f"{51_000 + place:05d}",
            industry=industry,
            kind="vehicle",
            stem=name,
            grade=0 if luck[place] < 0.6 else 5 if luck[place] < 0.8 else None,
            yearly=tranches[place] * _YEAR / _VEHICLE_DAYS,
            months=months,
            size=size,
            first=first,
            last=first + timedelta(days=_VEHICLE_DAYS),
        )


def _companies(rng: Generator, companies: list[Company], shares: list[Share]) -> Iterator[Issuer]:
    """Yield the companies that borrow: large ones in public, small ones by convertible bonds."""
    drawn = rng.random((len(companies), 2)).tolist()
    for company, (luck, taste) in zip(companies, drawn, strict=True):
        share = shares[company.index]
        cap = share.price * share.count
        large = share.market == "KOSPI" and (cap > 3 * 10**11 or company.role == "holding")
        if company.role in ("spac", "foreign") or (taste > 0.75 and not large):
            continue
        kind = "company" if large else "convertible"
        first = max(share.listed - timedelta(days=1_000), FIRST_ISSUE)
        yield Issuer(
            name=company.name,
            crno=company.crno,
            code=company.ticker[:5],
            industry=company.industry,
            kind=kind,
            stem=company.name,
            grade=_grade(company, cap, luck) if large or taste < 0.12 else None,
            yearly=0.6 + 2.4 * luck * min(cap / 10**12, 3) if large else 0.25 + 0.5 * luck,
            months=KINDS[kind].months,
            size=KINDS[kind].size,
            first=first,
            last=max(first, share.delisted or HORIZON),
            company=company.index,
        )


def _grade(company: Company, cap: int, luck: float) -> int:
    """Return a grade that falls with the size of a company; the troubled ones are at the end."""
    if company.role == "impaired":
        return 16 + int(4 * luck)
    if company.role == "samsung":
        return 0
    best = 1 if cap > 5 * 10**12 else 3 if cap > 10**12 else 6
    return min(best + int(7 * luck), 15)


def _registration(court: str, number: int) -> str:
    """Return a corporate registration number: court and legal form, number, check digit."""
    body = f"{court}{number:06d}"
    total = sum(int(digit) * (1 + place % 2) for place, digit in enumerate(body))
    return f"{body}{-total % 10}"
