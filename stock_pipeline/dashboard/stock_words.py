"""The Korean words of the stock page for what tables, scores and filings call in English."""

from __future__ import annotations

from stock_pipeline.compass.texts import ALIGNMENTS, MACD_STATES
from stock_pipeline.figures.terms import AXIS_TERMS
from stock_pipeline.figures.wording import MISSING

ITEMS = {
    "roe": "ROE(자기자본이익률)",
    "operating_margin": "영업이익률",
    "debt_ratio": "부채비율",
    "net_margin": "순이익률",
    "per": "PER(기준 대비)",
    "pbr": "PBR(기준 대비)",
    "ma_alignment": "이동평균 배열",
    "adx": "ADX(추세 강도)",
    "rsi": "RSI",
    "stochastic": "스토캐스틱 %K",
    "macd": "MACD",
    "week52_position": "52주 가격 위치",
    "obv": "OBV(거래량 흐름)",
    "volatility": "변동성(연)",
    "max_drawdown": "최대 낙폭",
    "sharpe": "샤프 지수",
}
_OBV = {1.0: "상승", 0.0: "중립", -1.0: "하락"}
_STATES = {"ma_alignment": ALIGNMENTS, "macd": MACD_STATES, "obv": _OBV}
_PERCENT = {
    "roe",
    "operating_margin",
    "debt_ratio",
    "net_margin",
    "per",
    "pbr",
    "week52_position",
    "volatility",
    "max_drawdown",
}
# Earned without a value: the sign of a ratio to equity below zero, or of a PER of a loss, is void.
_VALUELESS = {"roe": "자본잠식", "debt_ratio": "자본잠식", "per": "적자"}

REASONS = {
    "no_statement": "그날까지 공시된 사업보고서가 없거나 필요한 계정이 없습니다",
    "no_revenue": "매출액이 없거나 0 이하입니다",
    "no_benchmark": "비교할 같은 업종·시장 종목이 5개에 못 미칩니다",
    "preferred_share": "우선주는 자체 PER·PBR을 계산하지 않습니다",
    "no_prices": "시세가 없습니다",
    "short_history": "계산에 필요한 거래일 수가 부족합니다",
    "halted": "최근 10거래일 동안 거래가 없습니다(거래정지)",
    "adjustment_break": "계산 구간에 수집되지 않은 거래일이 있어 수정주가를 확정할 수 없습니다",
    "foreign_currency": "재무제표가 원화로 작성되지 않았습니다",
    "industry_not_point_in_time": "그날의 업종 자료가 없어 이후 첫 상장 목록의 업종을 썼습니다",
    "stale_prices": "마지막 시세가 기준일보다 5거래일 넘게 오래되었습니다",
}
SUBJECTS = {
    **{name: f"{word} 축" for name, word in AXIS_TERMS.items()},
    **ITEMS,
    "industry": "업종",
}

REPORTS = {"11013": "1분기", "11012": "반기", "11014": "3분기", "11011": "사업보고서(연간)"}
CONSOLIDATION = {"CFS": "연결", "OFS": "별도"}
ORIGINS = {"DART": "DART 보고서", "FSC": "예탁결제원 등록(금융위)", "KRX": "시세에서 확인"}
DIVIDENDS = {"cash": "현금", "stock": "주식", "both": "현금·주식"}
ADJUSTMENTS = {
    "split": "분할(주식 수 증가)",
    "reverse_or_reduction": "병합·감자(주식 수 감소)",
    "bonus_or_rights": "무상·유상증자 권리락",
    "other": "기타",
}
ACTIONS = {
    "SPLIT": "액면분할",
    "REVERSE_SPLIT": "액면병합",
    "BONUS_ISSUE": "무상증자",
    "RIGHTS_ISSUE": "유상증자",
    "CAPITAL_REDUCTION": "감자",
    "MERGER": "합병",
    "SPINOFF": "분할(회사)",
}
TABLES = {
    "stock_price_daily": "일별 시세(원본)",
    "price_adjustment": "수정주가 계수",
    "compass_score": "Compass Score",
    "financial_statement": "재무제표",
    "dividend_history": "배당",
    "corporate_actions": "기업행위 공시",
    "fdr_stock_listing": "상장 종목 목록",
    "stock_delisting": "상장폐지 목록",
    "stocks": "종목 정보",
}


def item_value(item: str, value: float | None, *, is_available: bool) -> str:
    """Return the value of an item in its own words: a state, percent, or a number."""
    if value is None:
        return _VALUELESS.get(item, MISSING) if is_available else MISSING
    if item in _STATES:
        return _STATES[item].get(value, MISSING)
    return f"{value:,.2f}{'%' if item in _PERCENT else ''}"


def reason(code: str | None) -> str:
    """Return why something is missing, with its code; a code without words stands for itself."""
    if code is None:
        return ""
    return f"{REASONS[code]} ({code})" if code in REASONS else code
