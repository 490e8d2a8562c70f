"""The watchlist letter: who is told, of what, and in which order."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from emails.golden import KAKAO, WATCHED

from stock_pipeline.emails.watchlist_letter import watchlist_letter
from stock_pipeline.figures.watched import Watched


@pytest.mark.parametrize(
    ("told", "score", "grades", "is_news"),
    [
        (65.2, 70.2, ("A", "A"), True),  # five points
        (65.2, 70.1, ("A", "A"), False),  # a tenth less
        (65.2, 60.2, ("A", "A"), True),  # five points down
        (0.3, 5.3, ("F", "F"), True),  # 5.3 - 0.3 is less than 5 in binary
        (65.2, 65.3, ("B+", "A"), True),  # another grade
        (None, 90.0, (None, "S"), False),  # the first score is where the next are measured from
    ],
)
def test_five_points_or_another_grade_are_news(
    told: float | None, score: float, grades: tuple[str | None, str], is_news: bool
) -> None:
    before, now = grades
    one = replace(KAKAO, told_score=told, told_grade=before, score=score, grade=now)
    assert one.is_news == is_news
    assert one.is_first == (told is None)


def test_the_greatest_change_comes_first_and_names_the_letter() -> None:
    letter = watchlist_letter(WATCHED, "kim@example.com")
    assert letter.subject == "관심종목 · 카카오 71.2점(▲ 6.0점) B+→A 외 1종목"
    assert (letter.kind, letter.session) == ("watchlist", date(2026, 3, 13))
    lines = letter.text.splitlines()
    assert "카카오 (035720) 65.2 → 71.2 ▲ 6.0점 · 등급 B+ → A · 종가 61,200원 ▲ 12.50%" in lines
    assert "삼성전자 (005930) 60.1 → 59.4 ▼ 0.7점 · 등급 B → C+ · 종가 – –" in lines
    assert "SK하이닉스" not in letter.text  # 4.9 points, the same grade


def test_scores_of_an_earlier_session_have_their_band() -> None:
    letter = watchlist_letter(replace(WATCHED, shown=date(2026, 3, 12)), "kim@example.com")
    assert "최신 자료가 아닙니다" in letter.html
    assert letter.subject.startswith("[지연 자료] 관심종목")
    assert letter.session == date(2026, 3, 12)


def test_only_those_with_news_are_told() -> None:
    calm: Watched = replace(KAKAO, user_email="lee@example.com", told_score=71.2, told_grade="A")
    news = replace(WATCHED, watched=(*WATCHED.watched, calm))
    assert news.readers() == ["kim@example.com"]
