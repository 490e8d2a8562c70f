"""What a score says in words, in Korean (section 5), rendered from a row when it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from stock_pipeline.compass.items import ITEMS
from stock_pipeline.compass.total import grade

NOTICE = "이 글은 교육용 정보이며 특정 종목의 매매를 권하지 않습니다."
NO_AXIS = "평가할 수 있는 항목이 없습니다"
SUMMARY_LENGTH = 200
COMMENTARY_LENGTH = 2000

Signal = Literal["strong", "fair", "weak"]

# In the order in which the axes are named.
PHRASES: dict[str, dict[Signal, str]] = {
    "financial": {"strong": "재무 우량", "fair": "재무 보통", "weak": "재무 취약"},
    "valuation": {"strong": "저평가", "fair": "적정 평가", "weak": "고평가"},
    "technical": {"strong": "기술적 강세", "fair": "기술적 중립", "weak": "기술적 약세"},
    "risk": {"strong": "위험 낮음", "fair": "위험 보통", "weak": "위험 높음"},
}
ALIGNMENTS = {1.0: "정배열", 0.0: "혼조", -1.0: "역배열"}
MACD_STATES = {1.0: "골든크로스", 0.5: "상승", -0.5: "하락", -1.0: "데드크로스"}


def signal(axis_score: float) -> Signal:
    """Return what an axis score means: strong from 70, fair from 50, else weak."""
    if axis_score >= 70.0:
        return "strong"
    return "fair" if axis_score >= 50.0 else "weak"


def summary(row: Mapping[str, Any]) -> str:
    """Return the signals of the available axes in one line of at most 200 characters.

    Shapes   row: one row of `compass_score` by column name
    """
    phrases = [_phrase(axis, row) for axis in PHRASES if row[f"{axis}_score"] is not None]
    return " + ".join(phrases)[:SUMMARY_LENGTH] or NO_AXIS


def commentary(row: Mapping[str, Any]) -> str:
    """Return the score and its reasons in whole sentences, at most 2,000 characters.

    Shapes   row: one row of `compass_score` by column name
    Missing  an axis or value that is missing is left out
    """
    values = {
        item.name: value
        for item, value in zip(ITEMS, row["item_values"], strict=True)
        if value is not None
    }
    details = {
        "financial": _financial(values),
        "valuation": _valuation(values),
        "technical": _technical(values),
        "risk": _risk(values),
    }
    sentences = [_opening(row), *_warnings(row)]
    for axis, parts in details.items():
        if row[f"{axis}_score"] is not None:
            sentences.append(": ".join(filter(None, (_phrase(axis, row), ", ".join(parts)))) + ".")
    return " ".join(sentences)[: COMMENTARY_LENGTH - len(NOTICE) - 1] + " " + NOTICE


def _phrase(axis: str, row: Mapping[str, Any]) -> str:
    return PHRASES[axis][signal(row[f"{axis}_score"])]


def _opening(row: Mapping[str, Any]) -> str:
    who = f"{row['name']}({row['ticker']})"
    if row["score"] is None:
        return f"{who}의 Compass Score는 산출할 수 없습니다."
    return f"{who}의 Compass Score는 {row['score']:.1f}점, {grade(row['score'])} 등급입니다."


def _warnings(row: Mapping[str, Any]) -> list[str]:
    warnings = []
    if row["provisional"]:
        warnings.append("평가에 쓸 수 있는 자료가 60%에 못 미치는 잠정 결과입니다.")
    if row["halted"]:
        warnings.append("최근 10거래일 동안 거래가 없는 거래정지 상태의 종목입니다.")
    return warnings


def _financial(values: Mapping[str, float]) -> list[str]:
    return _numbers(
        values,
        ("roe", "ROE {:.1f}%"),
        ("operating_margin", "영업이익률 {:.1f}%"),
        ("debt_ratio", "부채비율 {:.0f}%"),
    )


def _valuation(values: Mapping[str, float]) -> list[str]:
    return [
        f"{name} 기준 대비 {_direction(values[key])}"
        for key, name in (("per", "PER"), ("pbr", "PBR"))
        if key in values
    ]


def _direction(deviation_pct: float) -> str:
    percent = round(abs(deviation_pct))
    if percent == 0:
        return "같음"
    return f"{percent}% {'높음' if deviation_pct > 0 else '낮음'}"


def _technical(values: Mapping[str, float]) -> list[str]:
    parts = []
    if "ma_alignment" in values:
        parts.append(f"이동평균 {ALIGNMENTS[values['ma_alignment']]}")
    parts += _numbers(values, ("adx", "ADX {:.0f}"), ("rsi", "RSI {:.0f}" + _extreme(values)))
    if "macd" in values:
        parts.append(f"MACD {MACD_STATES[values['macd']]}")
    return parts


def _extreme(values: Mapping[str, float]) -> str:
    """Return the mark of an RSI over 70 or under 30."""
    rsi = values.get("rsi", 50.0)
    if rsi > 70.0:
        return "(과매수)"
    return "(과매도)" if rsi < 30.0 else ""


def _risk(values: Mapping[str, float]) -> list[str]:
    return _numbers(
        values,
        ("volatility", "변동성 {:.1f}%"),
        ("max_drawdown", "최대 낙폭 {:.1f}%"),
        ("sharpe", "샤프 지수 {:.2f}"),
    )


def _numbers(values: Mapping[str, float], *formats: tuple[str, str]) -> list[str]:
    """Return the values that are there, each in its format."""
    return [text.format(values[name]) for name, text in formats if name in values]
