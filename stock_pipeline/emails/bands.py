"""What a letter says about its own numbers when they are not what they should be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from stock_pipeline.emails.occasion import Occasion
from stock_pipeline.figures.basis import Basis, Trust
from stock_pipeline.figures.wording import day

LATE = "예정된 시각보다 늦게 보내 드립니다. 내용은 발송 시각을 기준으로 합니다."
DEMO = "데모 자료입니다. 모든 숫자는 가상의 시장에서 만든 것이며 실제 시세가 아닙니다."
_STALE = "최신 자료가 아닙니다. 아래 숫자를 현재의 시장으로 보지 마십시오."
_PARTIAL = "일부 자료가 빠져 있습니다."


@dataclass(frozen=True)
class Band:
    """One band across the top of a letter.

    kind  demo, stale or partial: its colour
    """

    kind: Literal["demo", "stale", "partial"]
    text: str
    reasons: tuple[str, ...] = ()


def trust_of(occasion: Occasion, shown: date, basis: Basis) -> Trust:
    """Return how far the numbers of a session can be trusted on an occasion.

    shown  the session that the numbers are of
    """
    return basis.trust if shown == occasion.session else "stale"


def bands_of(occasion: Occasion, shown: date, basis: Basis) -> list[Band]:
    """Return every band that a letter with these numbers needs."""
    bands = [Band("demo", DEMO)] if occasion.is_demo else []
    reasons = basis.reasons
    if shown != occasion.session:
        missing = f"{day(occasion.session)} 자료가 아직 없어 {day(shown)} 자료를 보여 드립니다."
        reasons = (missing, *reasons)
    trust = trust_of(occasion, shown, basis)
    if trust != "fresh":
        bands.append(Band(trust, _STALE if trust == "stale" else _PARTIAL, reasons))
    return bands
