"""What banks and their like offer: deposits, savings, pensions and loans, month by month.

The number of products of a kind and group never changes, but their places do change hands: a
product is withdrawn after some years, and its successor has another code. Nothing here depends on
the last day of a world.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.random import Generator

BANKS, FINANCE, SAVINGS_BANKS = "020000", "030200", "030300"
INSURERS, SECURITIES = "050000", "060000"
GROUPS = (BANKS, FINANCE, SAVINGS_BANKS, INSURERS, SECURITIES)
# Kind → group → products: the totals of February 2026, and of each group what its pages tell.
SHELVES = {
    "deposit": {BANKS: 37, SAVINGS_BANKS: 100},
    "saving": {BANKS: 64, SAVINGS_BANKS: 264},
    "annuity": {INSURERS: 46, SECURITIES: 297},
    "mortgage": {BANKS: 48, FINANCE: 6, SAVINGS_BANKS: 37, INSURERS: 22},
    "rent": {BANKS: 40, FINANCE: 2, SAVINGS_BANKS: 5, INSURERS: 10},
    "credit": {BANKS: 48, FINANCE: 30, SAVINGS_BANKS: 24, INSURERS: 10},
}
_KINDS = tuple(SHELVES)
# Group → first company number, how many companies, how their names end.
_COMPANIES = {
    BANKS: (10_001, 18, "은행"),
    FINANCE: (10_471, 12, "캐피탈"),
    SAVINGS_BANKS: (10_281, 79, "저축은행"),
    INSURERS: (10_593, 20, "생명보험주식회사"),
    SECURITIES: (11_301, 40, "자산운용"),
}
_STEMS = (
    *("한빛", "가온", "누리", "다솜", "마루", "바름", "새벽", "아람", "자람", "차오름"),
    *("큰솔", "타래", "푸름", "하늘", "두레", "미르", "보람", "슬기", "온새", "해든"),
)
_CITIES = ("", "서", "남", "북")
# A company reports on the 20th; every ninth one is a month late.
_REPORT_DAY = 20
_LATE = 9
_SHORTEST_LIFE, _LIVES = 24, 72


@dataclass(frozen=True, slots=True)
class Product:
    """One product as it is disclosed on a day.

    number      its place in the list of its kind and group
    order       its place among those of its company
    generation  how many products had the place before
    started     day from which it was offered
    reported    the month of the disclosure, counted from the year 0
    """

    kind: str
    group: str
    number: int
    order: int
    generation: int
    company: str
    company_name: str
    started: date
    reported: int

    @property
    def month(self) -> str:
        """Return the month of the disclosure as year and month."""
        return f"{self.reported // 12:04d}{self.reported % 12 + 1:02d}"


class Products:
    """Everything offered on any day."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def offered(self, kind: str, group: str, day: date) -> list[Product]:
        """Return the products of a kind that a group of companies offers on a day."""
        return list(self._offered(kind, group, day))

    def draw(self, product: Product) -> Generator:
        """Return the source of everything that is chance about a product, whatever the month."""
        place = (_KINDS.index(product.kind), int(product.group), product.number)
        return np.random.default_rng([self._seed, 41, *place, product.generation])

    def _offered(self, kind: str, group: str, day: date) -> Iterator[Product]:
        now = day.year * 12 + day.month - 1 - (day.day < _REPORT_DAY)
        first, companies, ending = _COMPANIES[group]
        for number in range(SHELVES[kind].get(group, 0)):
            company = number % companies
            life = _SHORTEST_LIFE + (number * 7 + _KINDS.index(kind)) % _LIVES
            generation, age = divmod(now + number * 5, life)
            since = now - age
            yield Product(
                kind,
                group,
                number,
                number // companies,
                generation,
                f"{first + company:07d}",
                f"{_called(company)}{ending}",
                date(since // 12, since % 12 + 1, _REPORT_DAY),
                # A product that has just begun was reported in time.
                now - (company % _LATE == _LATE - 1 and age > 0),
            )


def _called(company: int) -> str:
    return _STEMS[company % len(_STEMS)] + _CITIES[company // len(_STEMS)]
