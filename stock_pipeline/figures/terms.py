"""What our words for axes and kinds of news are called in Korean."""

from __future__ import annotations

AXIS_TERMS = {"financial": "재무", "valuation": "가치", "technical": "기술", "risk": "위험"}
NEWS_TERMS = {
    "market": "증시",
    "stock": "종목",
    "etf": "ETF",
    "crypto": "가상자산",
    "fed": "연준",
}
