"""The market letter: what it says, what it says about itself, and its exact form."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from emails.golden import FOLDER, FRESH, NEWS, OCCASION, SATURDAY, as_mail, golden

from stock_pipeline.emails.market_letter import market_letter, subject
from stock_pipeline.figures.basis import Basis
from stock_pipeline.figures.headlines import Headline

STALE = replace(FRESH, trust="stale", reasons=("index_price_daily: 제때 수집되지 않아",))
PARTIAL = replace(FRESH, trust="partial", reasons=("news_article: 마지막 수집이 실패했습니다.",))
STALE_BAND, PARTIAL_BAND = "최신 자료가 아닙니다", "일부 자료가 빠져 있습니다"


@pytest.mark.parametrize("name", ["market.eml", "watchlist.eml"])
def test_the_mail_is_the_golden_one_to_the_byte(name: str) -> None:
    made = as_mail(golden()[name])
    assert made == (FOLDER / name).read_bytes(), "if this is meant: python -m emails.golden"


def test_the_subject_carries_the_news() -> None:
    assert subject(NEWS) == (
        "3월 13일 시황 · 코스피 2,512.33 ▲ 1.20% · 코스닥 850.10 ▼ 0.30% · 상승 512 하락 388"
    )


def test_the_subject_names_no_level_of_another_session() -> None:
    kospi, *others = NEWS.levels
    behind = replace(NEWS, levels=[replace(kospi, date=date(2026, 3, 12)), *others])
    assert subject(behind) == "3월 13일 시황 · 코스닥 850.10 ▼ 0.30% · 상승 512 하락 388"


@pytest.mark.parametrize(
    "line",
    [
        "시장 메일 · 2026-03-13 (금)",
        "신뢰 신선 · 기준 거래일 2026-03-13 (금) · 출처 KRX, YAHOO",
        "마지막 수집 2026-03-13 16:33 · 품질 검사 7/7 통과",
        "코스닥: 850.10 ▼ 0.30% (03-13)",
        "나스닥: – – (–)",  # missing is a dash, never a zero
        "비트코인: $100,200.00 ▲ 1.00% (03-13)",
        "유동성 스트레스: 0.412 (주의) ▲ 0.021 (03-14)",
        "상승 512 · 하락 388 · 보합 61 · 거래정지 9 · 거래대금 12조 3,456억원",
        "카카오 (035720) 61,200원 ▲ 12.50% · 3,456억원",
        "에코프로 (086520) 98,700원 ▼ 8.91% · 663억원",
        "삼성SDI (006400) 71.2 (A) ▲ 6.0점 · 기술 ▲ 20.0점",
        "삼성전자우 (005935) 40.1 (D) ▼ 5.4점",
        "- 코스피 상승 마감 (한국경제, 2026-03-14 07:30)",
        "  https://news.example/1",
    ],
)
def test_the_text_says_it_in_words(line: str) -> None:
    assert line in market_letter(NEWS).text.splitlines()


def test_it_is_information_and_no_advice() -> None:
    letter = market_letter(NEWS)
    assert "이 메일은 교육용 정보이며 투자 권유가 아닙니다." in letter.text
    assert "이 메일은 교육용 정보이며 투자 권유가 아닙니다." in letter.html


def test_fresh_numbers_have_no_band() -> None:
    letter = market_letter(NEWS)
    for band in (STALE_BAND, PARTIAL_BAND, "데모", "늦게"):
        assert band not in letter.html
        assert band not in letter.text


@pytest.mark.parametrize(
    ("basis", "shown", "band", "badge", "is_marked"),
    [
        (STALE, NEWS.shown, STALE_BAND, "지연", True),  # a table is behind
        (PARTIAL, NEWS.shown, PARTIAL_BAND, "부분", False),  # something of it is missing
        (FRESH, date(2026, 3, 12), STALE_BAND, "지연", True),  # the session is not there yet
    ],
)
def test_numbers_that_are_not_what_they_should_be_have_their_band(
    basis: Basis, shown: date, band: str, badge: str, is_marked: bool
) -> None:
    letter = market_letter(replace(NEWS, basis=basis, shown=shown))
    for form in (letter.html, letter.text):
        assert band in form
        assert all(reason in form for reason in basis.reasons)
        assert badge in form
    assert letter.subject.startswith("[지연 자료] ") == is_marked


def test_an_earlier_session_is_named_beside_the_one_that_is_missing() -> None:
    letter = market_letter(replace(NEWS, shown=date(2026, 3, 12)))
    assert "2026-03-13 (금) 자료가 아직 없어 2026-03-12 (목) 자료를 보여 드립니다." in letter.text
    assert letter.session == date(2026, 3, 13)


def test_invented_numbers_are_marked_first_of_all() -> None:
    letter = market_letter(replace(NEWS, occasion=replace(OCCASION, is_demo=True)))
    assert letter.subject.startswith("[데모] ")
    assert letter.text.startswith("[!] 데모 자료입니다.")


def test_f45_a_late_letter_says_so() -> None:
    late = replace(OCCASION, at=SATURDAY + timedelta(hours=2), is_late=True)
    letter = market_letter(replace(NEWS, occasion=late))
    assert "예정된 시각보다 늦게 보내 드립니다." in letter.text
    assert "예정된 시각보다 늦게 보내 드립니다." in letter.html


def test_without_rows_a_part_says_that_there_are_none() -> None:
    bare = replace(
        NEWS, stress=None, breadth=None, gainers=(), losers=(), score_movers=(), headlines=()
    )
    text = market_letter(bare).text
    assert text.count("해당 종목이 없습니다.") == 2
    assert "5점 이상 변한 종목이 없습니다." in text
    assert "수집된 뉴스가 없습니다." in text
    assert "유동성 스트레스" not in text


def test_f60_what_strangers_wrote_is_text_and_stays_on_its_line() -> None:
    hostile = "<img src=x onerror=alert(1)>\n\n■ 주요 지표\u202e"
    news = replace(
        NEWS,
        gainers=(replace(NEWS.gainers[0], name=hostile),),
        headlines=(Headline(hostile, None, hostile, SATURDAY, "market"),),
    )
    letter = market_letter(news)
    assert "<img" not in letter.html
    assert "&lt;img src=x onerror=alert(1)&gt; ■ 주요 지표" in letter.html
    assert letter.text.splitlines().count("■ 주요 지표") == 1
    assert "\u202e" not in letter.html + letter.text


def test_no_mail_program_has_to_ask_anybody_for_anything() -> None:
    html = market_letter(NEWS).html
    for word in ("<script", "<link", "<img", "src=", "@import", "url("):
        assert word not in html
