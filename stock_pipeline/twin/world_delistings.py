"""Securities no longer listed: those of the world, and older ones that never traded in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from stock_pipeline.twin import world_names as names
from stock_pipeline.twin.world_calendar import EPOCH, WorldCalendar
from stock_pipeline.twin.world_companies import Company, Share

# What the exchange lists besides shares: rights, funds and investment companies, and how many.
_GROUPS = {
    "주권": 420,
    "신주인수권증서": 170,
    "수익증권": 150,
    "투자회사": 36,
    "신주인수권증권": 32,
    "선박투자회사": 12,
    "부동산투자회사": 5,
    "외국주권": 4,
    "주식예탁증권": 2,
}
_REASONS = {
    "주권": ("감사의견 의견거절", "피흡수합병", "신청에 의한 상장폐지", "자본전액잠식", ""),
    "수익증권": ("수익증권 신탁기간의 만료 또는 전액 중도 환수",),
    "신주인수권증권": ("신주인수권 행사기간 만료",),
    "투자회사": ("해산 사유 발생",),
    "선박투자회사": ("존속기간 만료",),
}
_SECTORS = ("금융", "일반서비스", "유통", "전기·전자", "기계·장비", "화학", "")


@dataclass(frozen=True, slots=True)
class Delisting:
    """One line of the exchange's list of delisted securities; "" and None where it has none."""

    symbol: str
    isin: str
    name: str
    market: str
    group: str
    kind: str
    listed: date
    delisted: date
    reason: str
    liquidation: date | None
    sector: str
    par: int | None
    count: int | None
    to_symbol: str
    to_name: str


def before_epoch(seed: int) -> list[Delisting]:
    """Draw the securities that left before the world begins; one line stands twice, as it does."""
    rng = np.random.default_rng([seed, 7])
    stems = iter(rng.permutation(np.arange(49_000, 99_000)).tolist())
    taken: set[str] = set()
    lines = [
        _line(rng, group, next(stems), taken)
        for group, count in _GROUPS.items()
        for _ in range(count)
    ]
    return [*lines, lines[3]]


def since_epoch(
    shares: list[Share], companies: list[Company], calendar: WorldCalendar, until: date
) -> Iterator[Delisting]:
    """Yield the shares that left the world's market by a day."""
    for share in shares:
        if share.delisted is None or share.delisted < EPOCH:
            continue
        place = calendar.first_from(share.delisted)
        if place < len(calendar.sessions) and calendar.sessions[place] <= until:
            yield _left(share, companies[share.company], calendar.sessions[place])


def _left(share: Share, company: Company, day: date) -> Delisting:
    merged = company.role == "spac"
    by_lot = _REASONS["주권"][share.column % 4]
    return Delisting(
        symbol=share.ticker,
        isin=share.isin,
        name=share.name,
        market=share.market,
        group="주권",
        kind="구형우선주" if share.preferred else "보통주",
        listed=share.listed,
        delisted=day,
        reason="피흡수합병(스팩소멸합병)" if merged else by_lot,
        liquidation=None if merged else day - timedelta(days=9),
        sector="금융" if merged else _SECTORS[share.column % len(_SECTORS)],
        par=100 if merged else 500,
        count=share.count,
        to_symbol="",
        to_name="",
    )


def _line(rng: np.random.Generator, group: str, stem: int, taken: set[str]) -> Delisting:
    industry = names.INDUSTRIES[rng.integers(len(names.INDUSTRIES))]
    name, _ = names.company_name(rng, industry, taken)
    right = group in ("신주인수권증서", "신주인수권증권")
    symbol, body = _symbol(group, stem)
    delisted = EPOCH - timedelta(days=int(rng.integers(30, 21_000)))
    lasted = 8 if right else int(rng.integers(400, 4_000))
    old = delisted.year < 1990
    reasons = _REASONS.get(group, ("",))
    return Delisting(
        symbol=symbol,
        isin=body + names.check_digit(body),
        name=f"{name} {rng.integers(1, 40)}R" if right else name,
        market=str(rng.choice(["KOSPI", "KOSDAQ"])),
        group=group,
        kind="" if old else "보통주",
        listed=delisted - timedelta(days=lasted),
        delisted=delisted,
        reason=reasons[rng.integers(len(reasons))],
        liquidation=delisted - timedelta(days=9) if not old and rng.random() < 0.3 else None,
        sector="" if old else _SECTORS[rng.integers(len(_SECTORS))],
        par=None if old else int(rng.choice([0, 500, 5_000])),
        count=None if old else int(rng.integers(100_000, 60_000_000)),
        to_symbol=f"{stem:05d}0" if right else "",
        to_name=name if right else "",
    )


def _symbol(group: str, stem: int) -> tuple[str, str]:
    """Return the code, and the ISIN without its check digit."""
    if group in ("신주인수권증서", "신주인수권증권"):
        return f"{stem:05d}01B", f"KRA{stem:05d}01B"
    if group == "수익증권":
        return f"{stem:05d}L", f"KR5{stem:05d}L00"
    return f"{stem:05d}0", f"KR7{stem:05d}000"
