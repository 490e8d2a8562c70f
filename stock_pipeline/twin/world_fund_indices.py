"""What exchange-traded funds follow: indices of the exchange and of others, at home and abroad."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Tracked(NamedTuple):
    """One index that funds follow.

    word        what the fund's name says of it
    code        the exchange's index it moves with, KOSPI 200 unless told otherwise
    beta        how much of that index's way it goes
    volatility  the standard deviation of a day on top of it, as a fraction
    drift       the gain of a day, as a fraction
    is_shown    whether its owner lets the exchange show its level
    multiples   how many times its way funds go
    """

    name: str
    provider: str
    word: str
    english: str
    asset_class: str = "주식"
    region: str = "국내"
    code: str = "1028"
    beta: float = 0.0
    volatility: float = 0.0
    drift: float = 0.0
    is_shown: bool = True
    multiples: tuple[int, ...] = (1,)


_LEVERED = (1, 2, -1, -2)
# Code, what a fund's name says, its English, and how often it is multiplied.
_EXCHANGE = (
    ("1028", "200", "200", _LEVERED),
    ("2203", "코스닥150", "KOSDAQ150", _LEVERED),
    ("1001", "코스피", "KOSPI", (1,)),
    ("1035", "코스피50", "KOSPI50", (1,)),
    ("1167", "200중소형", "200 MidSmall", (1,)),
    ("1894", "코스피TOP10", "KOSPI TOP10", (1,)),
    ("5300", "KRX300", "KRX300", (1, 2, -1)),
    ("5042", "KRX100", "KRX100", (1,)),
    ("5600", "KTOP30", "KTOP30", (1,)),
    ("5043", "자동차", "Autos", (1,)),
    ("5044", "반도체", "Semicon", (1, 2)),
    ("5046", "은행", "Banks", (1,)),
    ("5049", "철강", "Steels", (1,)),
    ("5052", "건설", "Construction", (1,)),
    ("5054", "증권", "Securities", (1,)),
    ("5056", "보험", "Insurance", (1,)),
    ("5057", "운송", "Transportation", (1,)),
    ("1155", "200IT", "200 IT", (1, 2)),
    ("1156", "200금융", "200 Financials", (1,)),
    ("1152", "200중공업", "200 Heavy Industries", (1,)),
    ("1160", "200헬스케어", "200 Health Care", (1,)),
    ("2217", "코스닥150바이오테크", "KOSDAQ150 Health Care", (1,)),
    ("1163", "고배당50", "High Dividend 50", (1,)),
)
_THEMES = (
    "2차전지:Secondary Battery AI반도체:AI Semicon K뷰티:K-Beauty 방산:Defense 조선:Shipbuilding "
    "원자력:Nuclear 로봇:Robot 수소:Hydrogen 게임:Game 메타버스:Metaverse 모빌리티:Mobility "
    "바이오:Bio 친환경:Green 우주항공:Aerospace 여행레저:Travel 미디어:Media 전력설비:Power "
    "소비재:Consumer 고배당:Dividend 주주가치:Value 퀄리티:Quality 모멘텀:Momentum 저변동:LowVol "
    "지주회사:Holdings"
)
_THEME_OWNERS = ("FnGuide", "WISE", "iSelect")
_REGIONS = "미국:US 차이나:China 일본:Japan 인도:India 유로:Euro 베트남:Vietnam 글로벌:Global"
_SUBJECTS = (
    "대표:Leaders 테크:Tech 반도체:Semicon 바이오:Bio 전기차:EV 배당:Dividend 소비:Consumer "
    "인프라:Infra 클라우드:Cloud"
)
_OVERSEAS = (
    ("S&P 500", "S&P", "미국S&P500", "US S&P500", (1, 2, -1)),
    ("NASDAQ 100", "NASDAQ", "미국나스닥100", "US NASDAQ100", (1, 2, -1)),
    ("CSI 300 Index", "CSI", "차이나CSI300", "China CSI300", (1, 2)),
    ("Nikkei 225", "Nikkei", "일본니케이225", "Japan Nikkei225", (1,)),
)
_BONDS = (
    "국고채:Treasury 통안채:MSB 특수채:Public 은행채:Bank 회사채:Corporate 종합채권:Total Market"
)
_TERMS = "단기:Short 3년:3Y 10년:10Y 30년:30Y"
_COMMODITIES = (
    "금:Gold 은:Silver WTI원유:WTI 구리:Copper 천연가스:Natural Gas 콩:Soybean 팔라듐:Palladium"
)


def tracked() -> list[Tracked]:
    """List what funds follow, the indices of the exchange first."""
    return [*_of_exchange(), *_at_home(), *_abroad(), *_bonds(), *_others()]


def _of_exchange() -> Iterator[Tracked]:
    for code, word, english, multiples in _EXCHANGE:
        # The name is the index's own, and is read from the indices of the world.
        yield Tracked("", "KRX", word, english, code=code, beta=1.0, multiples=multiples)
    future = Tracked("코스피 200 선물지수", "KRX", "200선물", "200 Futures", beta=1.0)
    yield future._replace(volatility=0.0004, multiples=_LEVERED)


def _at_home() -> Iterator[Tracked]:
    for place, (theme, english) in enumerate(_pairs(_THEMES)):
        for owner in _THEME_OWNERS:
            yield Tracked(
                f"{owner} {theme} 지수",
                {"WISE": "WiseFn", "iSelect": "NH투자증권"}.get(owner, owner),
                f"{theme}{'Fn' if owner == 'FnGuide' else owner}",
                f"{owner} {english}",
                beta=0.9,
                volatility=0.008,
                is_shown=(place % 4 != 0) or owner != "WISE",
            )


def _abroad() -> Iterator[Tracked]:
    abroad = Tracked("", "", "", "", region="해외", beta=0.25, volatility=0.010, drift=0.0002)
    for name, owner, word, english, multiples in _OVERSEAS:
        yield abroad._replace(
            name=name, provider=owner, word=word, english=english, multiples=multiples
        )
    for region, region_english in _pairs(_REGIONS):
        for subject, english in _pairs(_SUBJECTS):
            yield abroad._replace(
                name=f"Solactive {region_english} {english} Index(PR)",
                provider="Solactive",
                word=region + subject,
                english=f"{region_english} {english}",
            )


def _bonds() -> Iterator[Tracked]:
    for kind, kind_english in _pairs(_BONDS):
        for years, (term, english) in zip((0.4, 3, 9, 20), _pairs(_TERMS), strict=True):
            yield Tracked(
                f"KIS {kind} {term} 지수(총수익)",
                "KIS자산평가",
                f"{kind}{term}",
                f"{kind_english} Bond {english}",
                "채권",
                volatility=0.0004 * years,
                drift=0.00013,
                is_shown=kind != "통안채",
                multiples=(1, -1) if kind == "국고채" else (1,),
            )


def _others() -> Iterator[Tracked]:
    for word, english in _pairs(_COMMODITIES):
        name, owner = f"S&P GSCI {english} Index(ER)", "S&P"
        yield Tracked(
            name, owner, f"{word}선물", f"{english} Futures", "원자재", "해외",
            volatility=0.013, multiples=(1, 2, -1),
        )  # fmt: skip
    yield Tracked("금 현물 지수", "KRX", "KRX금현물", "KRX Gold Spot", "원자재", volatility=0.008)
    for word, english in (("미국달러", "USD"), ("엔", "JPY")):
        name = f"{word}선물지수"
        yield Tracked(
            name, "KRX", f"{word}선물", f"{english} Futures", "통화",
            volatility=0.005, multiples=_LEVERED,
        )  # fmt: skip
    for word in ("리츠부동산인프라", "오피스리츠", "글로벌리츠"):
        yield Tracked(
            f"KIS {word} 지수", "KIS자산평가", word, "REITs", "부동산", beta=0.3, volatility=0.005
        )
    for year in range(2030, 2060, 5):
        yield Tracked(
            f"iSelect TDF {year} 지수", "NH투자증권", f"TDF{year}", f"TDF{year}", "혼합자산",
            "국내&해외", beta=0.2, volatility=0.004, drift=0.0001,
        )  # fmt: skip
    for word in ("CD금리", "KOFR금리"):
        yield Tracked(
            f"KIS {word} 지수(총수익)", "KIS자산평가", word, "Rate", "기타",
            volatility=0.00001, drift=0.00012,
        )  # fmt: skip


def _pairs(text: str) -> list[tuple[str, str]]:
    """Cut `가:Ga 나:Na Na` into words and their English, which may hold blanks."""
    found: list[tuple[str, str]] = []
    for part in text.split(" "):
        word, colon, english = part.partition(":")
        if colon:
            found.append((word, english))
        else:
            found[-1] = (found[-1][0], f"{found[-1][1]} {part}")
    return found
