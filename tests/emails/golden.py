"""Letters of made-up numbers, the same every time: what `market.eml` and `watchlist.eml` hold.

`python -m emails.golden` in the folder `tests` writes the two files anew.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from stock_pipeline.emails.letter import Letter, mail
from stock_pipeline.emails.market_letter import MarketNews, market_letter
from stock_pipeline.emails.occasion import Occasion
from stock_pipeline.emails.watchlist_letter import WatchlistNews, watchlist_letter
from stock_pipeline.figures.basis import Basis, Checks
from stock_pipeline.figures.breadth import Breadth
from stock_pipeline.figures.headlines import Headline
from stock_pipeline.figures.levels import Level, Stress
from stock_pipeline.figures.movers import Mover, ScoreMover
from stock_pipeline.figures.watched import Watched

FOLDER = Path(__file__).parent
FRIDAY, SATURDAY = date(2026, 3, 13), datetime(2026, 3, 13, 22, 30, tzinfo=UTC)
OCCASION = Occasion(FRIDAY, SATURDAY)
FRESH = Basis(FRIDAY, datetime(2026, 3, 13, 7, 33, tzinfo=UTC), ("KRX", "YAHOO"), "fresh", ())
NEWS = MarketNews(
    occasion=OCCASION,
    shown=FRIDAY,
    basis=FRESH,
    checks=Checks(7, 7, ()),
    levels=(
        Level("KOSPI", "코스피", "pt", FRIDAY, 2512.33, 29.8, 1.2, "KRX"),
        Level("KOSDAQ", "코스닥", "pt", FRIDAY, 850.1, -2.56, -0.3, "KRX"),
        Level("SP500", "S&P 500", "pt", FRIDAY, 6000.5, 0.0, 0.0, "YAHOO"),
        Level("NASDAQ", "나스닥", "pt"),
        Level("USDKRW", "원/달러 환율", "KRW", FRIDAY, 1398.7, 5.1, 0.37, "YAHOO"),
        Level("BTC", "비트코인", "USD", FRIDAY, 100200.0, 992.08, 1.0, "COINGECKO"),
    ),
    stress=Stress(date(2026, 3, 14), 0.412, "caution", 1.0, 0.021),
    breadth=Breadth(FRIDAY, 512, 388, 61, 9, 12_345_600_000_000),
    gainers=(Mover("035720", "카카오", "KOSPI", 61200, 12.5, 345_600_000_000),),
    losers=(Mover("086520", "에코프로", "KOSDAQ", 98700, -8.91, 66_300_000_000),),
    score_movers=(
        ScoreMover("006400", "삼성SDI", 71.2, 6.0, "A", "technical", 20.0),
        ScoreMover("005935", "삼성전자우", 40.1, -5.4, "D", None, None),
    ),
    headlines=(
        Headline("코스피 상승 마감", "https://news.example/1", "한국경제", SATURDAY, "market"),
        Headline("연준 동결", None, None, SATURDAY, "fed"),
    ),
)
KAKAO = Watched(
    "kim@example.com", "035720", "카카오", "KOSPI", 61200.0, 12.5, 71.2, "A", 65.2, "B+"
)
WATCHED = WatchlistNews(
    OCCASION,
    FRIDAY,
    FRESH,
    Checks(4, 4, ()),
    (
        KAKAO,
        replace(
            KAKAO, ticker="005930", name="삼성전자", score=59.4, grade="C+", told_score=60.1,
            told_grade="B", close=None, change_pct=None,
        ),
        replace(KAKAO, ticker="000660", name="SK하이닉스", score=70.1, told_grade="A"),
    ),
)  # fmt: skip


def golden() -> dict[str, Letter]:
    """Return the letters by the name of their file."""
    return {
        "market.eml": market_letter(NEWS),
        "watchlist.eml": watchlist_letter(WATCHED, "kim@example.com"),
    }


def as_mail(letter: Letter) -> bytes:
    """Return the mail that the file holds."""
    return bytes(mail(letter, "kim@example.com", sender="letters@example.com", at=SATURDAY))


if __name__ == "__main__":
    for name, letter in golden().items():
        (FOLDER / name).write_bytes(as_mail(letter))
