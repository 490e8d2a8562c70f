"""What the stress index and its modules are called in Korean, on pages and in mails alike."""

from __future__ import annotations

LEVEL_NAMES = {
    "normal": "정상",
    "watch": "관심",
    "caution": "주의",
    "stress": "경계",
    "crisis": "위기",
    "unknown": "판단 불가",
}
MODULE_NAMES = {
    "vol": "변동성 (VIX)",
    "credit": "신용 스프레드 (미국 하이일드 OAS)",
    "funding": "단기 자금 (SOFR − 정책금리)",
    "treasury": "국채 변동 (TLT 하루 범위)",
    "news": "위기 뉴스",
    "fed_tone": "연준 어조",
}
# Unit of a module's input, and how many decimals it is told with.
MODULE_UNITS = {
    "vol": ("pt", 2),
    "credit": ("%", 2),
    "funding": ("%p", 3),
    "treasury": ("%", 2),
    "news": ("건", 0),
    "fed_tone": ("", 4),
}
