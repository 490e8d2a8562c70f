"""What a bond of the world promises and how it is called: amount, coupon, ratings, name, ISIN."""

from __future__ import annotations

from datetime import date

import numpy as np

from stock_pipeline.twin.world_bond_issuers import FIRST_ISSUE, GRADES, Issuer
from stock_pipeline.twin.world_names import check_digit

Ratings = tuple[str, str, str, str]

# Yield of the treasury by year of issue, from the year of FIRST_ISSUE on, in percent.
_YIELDS = (3.7, 3.6, 3.1, 2.8, 2.6, 1.8, 1.5, 1.8, 2.1, 1.5, 1.0, 1.4, 3.2, 3.6, 3.2, 2.6, 2.8,
           2.9, 2.7, 2.6, 2.5, 2.6, 2.8, 3.0, 2.9, 2.8)  # fmt: skip
# Inside an ISIN: the kind of issuer, the year (digits until 2019, letters without I and O from
# 2020), the month, and the place among the issuer's bonds of that month.
_ISIN_KINDS = {"treasury": "1", "housing": "1", "municipal": "2", "metro": "2",
               "stabilisation": "3", "agency": "3", "mortgage": "3", "local": "3",
               "bank": "3"}  # fmt: skip
_YEARS = "0123456789ABCDEFGHJKLMNPQRS"
_MONTHS = "123456789ABC"
PLACES = "123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
# Units of the issue currency for a billion KRW, roughly.
_CURRENCIES = (("USD", 700_000), ("USD", 700_000), ("EUR", 650_000), ("JPY", 100_000_000))
_BORROW_ABROAD = frozenset({"한국산업은행", "한국수출입은행"})
# Which of KIS, KBP, NICE and FN rate a bond, by lot.
_RATERS = ((1, 1, 1, 0), (1, 0, 1, 0), (0, 1, 1, 0), (0, 0, 1, 0), (0, 0, 0, 1), (1, 1, 1, 1))


def is_private(kind: str, taste: float) -> bool:
    """Tell whether an issue is placed with a few buyers and never listed."""
    return kind in ("vehicle", "convertible") or (kind == "company" and taste < 0.2)


def interest(kind: str, months: int) -> tuple[str, int]:
    """Return how a bond pays, and after how many months each time."""
    if kind in ("housing", "municipal", "metro"):
        return "compound", 12
    if months < 12 or (kind == "bank" and months == 12):
        return "discount", 0
    return "coupon", 6 if kind == "treasury" else 3


def amount(issuer: Issuer, wealth: float, abroad: float) -> tuple[str, int]:
    """Return the currency and the amount of an issue, in round figures."""
    won = max(round(int(issuer.size * np.exp(2.4 * wealth - 1.2)), -8), 10**8)
    if abroad > (0.75 if issuer.name in _BORROW_ABROAD else 0.985) and issuer.size > 10**10:
        currency, units = _CURRENCIES[int(wealth * len(_CURRENCIES))]
        return currency, max(round(won * units // 10**9, -6), 10**6)
    return "KRW", won


def coupon(kind: str, year: int, grade: int | None, luck: float) -> float:
    """Return the coupon in percent: the treasury's yield and a spread that grows with the risk."""
    if kind == "convertible":
        return max(round(8 * luck - 3, 1), 0.0)
    if kind in ("housing", "municipal", "metro"):
        return 1.0 + 0.25 * round(3 * luck)
    spread = 0.0 if grade is None else 0.15 + 0.11 * grade**1.3
    places = 3 if kind != "vehicle" else 4
    return round(_YIELDS[year - FIRST_ISSUE.year] * (0.9 + 0.2 * luck) + spread, places)


def ratings(grade: int | None, lot: float) -> Ratings:
    """Return what the agencies say; now and then NICE is a notch below the others."""
    if grade is None:
        return "", "", "", ""
    kis, kbp, nice, fn = _RATERS[int(lot * len(_RATERS))]
    last = len(GRADES) - 1
    most = GRADES[min(grade, last)]
    lower = GRADES[min(grade + 1, last)] if lot * 100 % 1 < 0.1 else most
    return most * kis, most * kbp, lower * nice, most * fn


def series(issuer: Issuer, coupon: float, span: tuple[date, date], number: int, place: int) -> str:
    """Return what tells the bonds of one issuer apart in their names."""
    issued, matures = span
    again = f"-{place + 1}" if place else ""
    if issuer.kind == "treasury":
        return f"{coupon * 1000:05.0f}-{matures:%y%m}({issued:%y}-{place + 1})"
    if issuer.kind == "stabilisation":
        return f"{coupon * 1000:05.0f}-{matures:%y%m}-{place + 1:02d}"
    if issuer.kind in ("housing", "municipal", "metro"):
        return f"{issued:%y-%m}{again}"
    if issuer.kind == "bank":
        return f"{issued:%y%m}이{(matures - issued).days // 365}-{issued:%d}{again}"
    if issuer.kind == "vehicle":
        return f" 1-{number}"
    return f" {number}CB(전환)" if issuer.kind == "convertible" else f" {number}"


def isin(issuer: Issuer, issued: date, place: int) -> str:
    """Return the security number; an issuer's bonds of one month differ in one character."""
    year, month = _YEARS[issued.year - FIRST_ISSUE.year], _MONTHS[issued.month - 1]
    kind = _ISIN_KINDS.get(issuer.kind, "6")
    body = f"KR{kind}{issuer.code}{PLACES[place]}{year}{month}"
    return body + check_digit(body)
