"""The tables of stress, and the sentence that says why a module is missing."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from stock_pipeline.dashboard import stress_tables
from stock_pipeline.figures.liquidity import Gap, ModuleReading, StressDay
from stock_pipeline.figures.liquidity_inputs import (
    SERIES,
    SYMBOLS,
    KeywordNews,
    News,
    Observation,
    Tone,
)
from stock_pipeline.stress.news import KEYWORDS

TODAY = date(2026, 3, 13)


def _day(*modules: ModuleReading) -> StressDay:
    computed_at = datetime(2026, 3, 12, 21, 5, tzinfo=UTC)
    return StressDay(TODAY, 0.25, "watch", 0.25, modules, "run-1", computed_at)


def test_a_module_that_is_missing_has_neither_score_nor_value() -> None:
    vol = ModuleReading("vol", 25, 0.25, 17.75, date(2026, 3, 12), ("^VIX",), 12.0, 35.0)
    news = ModuleReading("news", 10, None, None, None, (), 0.0, 80.0)
    first, second = stress_tables.module_rows(_day(vol, news)).rows
    assert first == [
        *("변동성 (VIX)", "0.250", "25%", "17.75pt", "2026-03-12 (목)", "12pt ~ 35pt", "^VIX"),
    ]
    assert second[1] == '<strong class="missing">없음</strong>'
    assert second[3:5] == ["–", "–"]


@pytest.mark.parametrize(
    ("outcome", "reason", "end"),
    [
        ("skipped", "FRED_API_KEY", "수집하지 않았습니다 (FRED_API_KEY)."),
        ("error", None, "liquidity_macro: 마지막 수집이 실패했습니다."),
        (None, None, "이 날짜에 대한 수집 기록이 없습니다."),
        ("rows", None, "관측일은 SOFR: 2026-03-01, DFEDTARL: 관측된 적 없음."),
    ],
)
def test_a_gap_is_told_with_its_newest_observation_and_its_reason(
    outcome: str | None, reason: str | None, end: str
) -> None:
    newest = {"SOFR": date(2026, 3, 1), "DFEDTARL": None}
    told = stress_tables.missing_told(Gap("funding", "liquidity_macro", newest, 7, outcome, reason))
    assert told.startswith(
        "단기 자금 (SOFR − 정책금리) 모듈은 계산할 때 06:00까지 알려진 7일 이내의"
    )
    assert told.endswith(end)


def test_a_series_is_told_in_its_unit_and_nothing_as_a_dash() -> None:
    seen = Observation("SOFR", date(2026, 3, 11), 4.3, 4.25)
    never = Observation("^VIX", None, None, None)
    first, second = stress_tables.input_rows([seen, never]).rows
    assert first[:2] == ["SOFR (담보부 익일물 금리)", "4.30 %"]
    assert "0.05%p" in str(first[2])
    assert second[1] == "–"


def test_a_keyword_that_did_not_come_is_not_told_as_zero() -> None:
    found = (
        KeywordNews("repo market", 0, ()),
        KeywordNews("margin call", None, ()),
        KeywordNews("CRE default", 2, ("하나", "둘")),
    )
    rows = stress_tables.news_rows(News(TODAY, found)).rows
    assert [row[1] for row in rows] == ["0건", "수집 안 됨", "2건"]
    assert [row[2] for row in rows] == ["–", "–", "하나 / 둘"]
    assert stress_tables.news_rows(None).rows == []


def test_the_tone_is_told_with_how_much_was_read() -> None:
    (row,) = stress_tables.tone_rows(Tone(TODAY, 0.0123, None, 0.0, 20)).rows
    assert row == ["2026-03-13 (금)", "0.0123", "–", "0.0000", "20건"]
    assert stress_tables.tone_rows(None).rows == []


def test_every_series_and_keyword_has_its_words() -> None:
    assert tuple(stress_tables.INPUTS) == (*SERIES, *SYMBOLS)
    assert tuple(stress_tables.KEYWORD_NAMES) == KEYWORDS
