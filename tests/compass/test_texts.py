"""Texts: phrases, the values they show, and their limits."""

from __future__ import annotations

from typing import Any

import pytest

from stock_pipeline.compass.items import ITEMS
from stock_pipeline.compass.texts import NO_AXIS, NOTICE, commentary, signal, summary

VALUES: dict[str, float | None] = {
    "roe": 15.26,
    "operating_margin": 8.04,
    "debt_ratio": 94.6,
    "net_margin": 6.0,
    "per": -25.4,
    "pbr": 10.6,
    "ma_alignment": 1.0,
    "adx": 31.6,
    "rsi": 72.4,
    "stochastic": 50.0,
    "macd": 1.0,
    "week52_position": 60.0,
    "obv": 0.0,
    "volatility": 31.24,
    "max_drawdown": -24.46,
    "sharpe": 0.854,
}


def row(values: dict[str, float | None] | None = None, **columns: Any) -> dict[str, Any]:
    """Return a result row; by default all four axes are there."""
    shown = VALUES | (values or {})
    return {
        "name": "삼성전자",
        "ticker": "005930",
        "score": 71.5,
        "provisional": False,
        "halted": False,
        "financial_score": 80.0,
        "valuation_score": 50.0,
        "technical_score": 49.9,
        "risk_score": 70.0,
        "item_values": [shown[item.name] for item in ITEMS],
    } | columns


@pytest.mark.parametrize(
    ("score", "expected"),
    [(70.0, "strong"), (69.9, "fair"), (50.0, "fair"), (49.9, "weak"), (0.0, "weak")],
)
def test_signals(score: float, expected: str) -> None:
    assert signal(score) == expected


def test_summary_names_the_axes_in_order() -> None:
    assert summary(row()) == "재무 우량 + 적정 평가 + 기술적 약세 + 위험 낮음"


def test_summary_leaves_out_missing_axes() -> None:
    assert summary(row(financial_score=None, technical_score=None)) == "적정 평가 + 위험 낮음"


def test_summary_without_any_axis_is_a_fixed_phrase() -> None:
    missing = dict.fromkeys(("financial_score", "valuation_score", "technical_score", "risk_score"))
    assert summary(row(**missing)) == NO_AXIS


def test_commentary_says_every_value() -> None:
    assert commentary(row()) == (
        "삼성전자(005930)의 Compass Score는 71.5점, A 등급입니다. "
        "재무 우량: ROE 15.3%, 영업이익률 8.0%, 부채비율 95%. "
        "적정 평가: PER 기준 대비 25% 낮음, PBR 기준 대비 11% 높음. "
        "기술적 약세: 이동평균 정배열, ADX 32, RSI 72(과매수), MACD 골든크로스. "
        "위험 낮음: 변동성 31.2%, 최대 낙폭 -24.5%, 샤프 지수 0.85. "
        "이 글은 교육용 정보이며 특정 종목의 매매를 권하지 않습니다."
    )


@pytest.mark.parametrize(
    ("values", "shown", "hidden"),
    [
        ({"rsi": 29.99}, "RSI 30(과매도)", "과매수"),
        ({"rsi": 30.0}, "RSI 30,", "과매도"),
        ({"rsi": 70.0}, "RSI 70,", "과매수"),
        ({"macd": -1.0}, "MACD 데드크로스", "골든크로스"),
        ({"ma_alignment": 0.0}, "이동평균 혼조", "정배열"),
        ({"per": 0.3}, "PER 기준 대비 같음", "PER 기준 대비 0%"),
        ({"per": None}, "적정 평가: PBR 기준 대비 11% 높음", "PER"),
        ({"sharpe": None}, "최대 낙폭 -24.5%.", "샤프"),
    ],
)
def test_commentary_of_single_values(
    values: dict[str, float | None], shown: str, hidden: str
) -> None:
    text = commentary(row(values))
    assert shown in text
    assert hidden not in text


def test_an_axis_without_values_still_has_its_signal() -> None:
    text = commentary(row({"per": None, "pbr": None}, valuation_score=20.0))
    assert "고평가. " in text


def test_a_missing_axis_is_not_mentioned() -> None:
    assert "재무" not in commentary(row(financial_score=None))


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        ({"provisional": True}, "잠정"),
        ({"halted": True}, "거래정지"),
        ({"score": None}, "산출할 수 없습니다"),
    ],
)
def test_commentary_warns(columns: dict[str, Any], shown: str) -> None:
    assert shown not in commentary(row())
    assert shown in commentary(row(**columns))


def test_commentary_never_outgrows_its_limit_and_always_ends_with_the_notice() -> None:
    text = commentary(row(name="긴" * 3000))
    assert len(text) == 2000
    assert text.endswith(NOTICE)
