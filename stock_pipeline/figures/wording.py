"""How numbers, dates and changes are written on Korean pages and in mails.

What is missing is a dash, never a zero. Large amounts are told in 만, 억 and 조 as people read
them; a change has a sign, a colour and a word, so that none of them has to be seen.
"""

from __future__ import annotations

from datetime import date, datetime

from markupsafe import Markup

from stock_pipeline.clock import KST

MISSING = "–"
_WEEKDAYS = "월화수목금토일"
# The unit, and the one below it, which is told as well while the first has few digits.
_UNITS = ((10**12, "조", 10**8, "억"), (10**8, "억", 10**4, "만"))
_FEW = 100


def number(value: float | None, digits: int = 0) -> str:
    """Return a number with thousands separated."""
    return MISSING if value is None else f"{value:,.{digits}f}"


def price(value: float | None) -> str:
    """Return a price: two decimals only where it has some."""
    if value is None:
        return MISSING
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def krw(value: float | None) -> str:
    """Return an amount of won, such as 1조 2,346억원."""
    return _amount(value, "원")


def usd(value: float | None) -> str:
    """Return an amount of US dollars, such as 1조 2,346억 달러; a small one as $12.34."""
    if value is not None and abs(value) < _UNITS[-1][0]:
        sign = "-" if value < 0 else ""
        return f"{sign}${abs(value):,.2f}" if abs(value) >= 1 else f"{sign}${abs(value):.4g}"
    return _amount(value, " 달러")


def pct(value: float | None, digits: int = 2) -> str:
    """Return percent."""
    return MISSING if value is None else f"{value:,.{digits}f}%"


def plain_change(value: float | None, digits: int = 2, unit: str = "%") -> str:
    """Return a change as text: ▲ 1.23%, ▼ 1.23% or 0.00%."""
    if value is None:
        return MISSING
    told = f"{abs(value):,.{digits}f}{unit}"
    sign = _direction(value, digits)
    return {"up": f"▲ {told}", "down": f"▼ {told}"}.get(sign, told)


def signed(value: float | None, digits: int = 2, unit: str = "%") -> Markup:
    """Return a change with its colour and a word for who hears the page."""
    if value is None:
        return Markup('<span class="flat">{}</span>').format(MISSING)
    told = f"{abs(value):,.{digits}f}{unit}"
    sign = _direction(value, digits)
    if sign == "flat":
        return Markup('<span class="flat">{}</span>').format(told)
    arrow, word = ("▲", "상승") if sign == "up" else ("▼", "하락")
    return Markup(
        '<span class="{}"><span aria-hidden="true">{}</span><span class="heard">{}</span> {}</span>'
    ).format(sign, arrow, word, told)


def day(value: date | None) -> str:
    """Return a date with its weekday."""
    return MISSING if value is None else f"{value:%Y-%m-%d} ({_WEEKDAYS[value.weekday()]})"


def instant(value: datetime | None) -> str:
    """Return an instant in Seoul, to the minute."""
    return MISSING if value is None else f"{value.astimezone(KST):%Y-%m-%d %H:%M}"


def _direction(value: float, digits: int) -> str:
    # What is written as zero is no change.
    rounded = round(value, digits)
    return "up" if rounded > 0 else "down" if rounded < 0 else "flat"


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return MISSING
    sign, size = "-" if value < 0 else "", abs(value)
    for step, name, below, name_below in _UNITS:
        if size < step:
            continue
        if size >= step * _FEW:
            return f"{sign}{round(size / step):,}{name}{unit}"
        whole, rest = divmod(round(size / below), step // below)
        return f"{sign}{whole:,}{name}{f' {rest:,}{name_below}' if rest else ''}{unit}"
    return f"{sign}{round(size):,}{unit}"


FILTERS = {
    "number": number,
    "price": price,
    "krw": krw,
    "usd": usd,
    "pct": pct,
    "plain_change": plain_change,
    "signed": signed,
    "day": day,
    "instant": instant,
}
