"""Which indices the exchange has, and what makes a share a member of each.

The names are the exchange's own. A sector is the last words of a name, and stands for divisions
of the Korean standard classification (KSIC).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple


class Plan(NamedTuple):
    """One index, and its rule.

    market    KOSPI, KOSDAQ or "" for both
    ranks     the places by value in that market it takes, in a market of 2,900 shares
    sector    a key of SECTORS, "" for all
    keep      how many of these at most, in a market of any size: the largest of a sector,
              some by lot without one
    section   the KOSDAQ department its members belong to, "" for all
    """

    group: str
    code: str
    name: str
    english: str
    based: date = date(2010, 1, 4)
    base_level: float = 1_000.0
    announced: date = date(2016, 9, 12)
    market: str = ""
    ranks: tuple[int, int] = (0, 9_999)
    sector: str = ""
    keep: int = 0
    section: str = ""


class _Family(NamedTuple):
    """Indices of one parent, told apart by their sectors: codes and sectors in turn."""

    group: str
    market: str
    last: int
    prefix: str
    english: str
    sectors: str


# The levels these began 2020 with; the others are drawn.
FIRST_LEVELS = {
    "1001": 2_197.67,
    "1028": 293.77,
    "2001": 669.83,
    "2203": 978.40,
    "5300": 1_287.10,
    "5042": 4_757.30,
}
# What a sector is called in English, and the first two digits of its industries.
SECTORS = {
    "음식료·담배": ("Food, Beverage & Tobacco", "03 10 11 12"),
    "섬유·의류": ("Textile & Apparel", "13 14 15"),
    "종이·목재": ("Paper & Wood", "16 17"),
    "출판·매체복제": ("Publishing & Media", "18 58"),
    "화학": ("Chemicals", "19 20 22"),
    "제약": ("Pharmaceuticals", "21"),
    "비금속": ("Non-Metallic Minerals", "23"),
    "금속": ("Metals", "24 25"),
    "기계·장비": ("Machinery & Equipment", "29"),
    "전기전자": ("Electrical & Electronics", "26 28"),
    "의료·정밀기기": ("Medical & Precision Machines", "27"),
    "운송장비·부품": ("Transport Equipment", "30 31"),
    "기타제조": ("Other Manufacturing", "32 33"),
    "유통": ("Distribution", "45 46 47"),
    "전기·가스": ("Electricity & Gas", "35"),
    "건설": ("Construction", "41 42"),
    "운송·창고": ("Transport & Storage", "49 50 51 52"),
    "통신": ("Telecommunications", "61"),
    "금융": ("Financials", "64 65 66"),
    "증권": ("Securities", "66"),
    "보험": ("Insurance", "65"),
    "은행": ("Banks", "64"),
    "일반서비스": ("Services", "70 71 72"),
    "제조": ("Manufacturing", "1 2 30 31 32 33"),
    "오락·문화": ("Entertainment & Culture", "59 90"),
    "IT 서비스": ("IT Service", "58 62 63"),
    "부동산": ("Real Estate", "68"),
    "커뮤니케이션서비스": ("Communication Service", "59 61"),
    "방송통신": ("Media & Telecom", "59 60 61"),
    "K콘텐츠": ("K-Contents", "58 59"),
    "중공업": ("Heavy Industries", "29 31"),
    "산업재": ("Industrials", "28 29 31 50 51"),
    "철강/소재": ("Steels & Materials", "23 24"),
    "소재": ("Materials", "20 23 24"),
    "철강": ("Steels", "24"),
    "에너지/화학": ("Energy & Chemicals", "19 20"),
    "에너지화학": ("Energy & Chemicals", "19 20"),
    "정보기술": ("Information Technology", "26 58 62"),
    "생활소비재": ("Consumer Staples", "10 11 47"),
    "필수소비재": ("Consumer Staples", "03 10 11"),
    "경기소비재": ("Consumer Discretionary", "14 30 46"),
    "자유소비재": ("Consumer Discretionary", "14 30 47"),
    "헬스케어": ("Health Care", "21 27"),
    "자동차": ("Autos", "30"),
    "반도체": ("Semiconductors", "26"),
    "기계장비": ("Machinery", "29 31"),
    "운송": ("Transportation", "50 51"),
    "유틸리티": ("Utilities", "35"),
    "2차전지": ("Secondary Battery", "28"),
    "바이오": ("Bio", "21 70"),
    "게임": ("Game", "58"),
    "로봇": ("Robot", "29"),
    "K조선": ("K-Shipbuilding", "31"),
    "K뷰티": ("K-Beauty", "20"),
    "전력기기": ("Power Equipment", "28 35"),
    "플랫폼": ("Platform", "62"),
}
_SECTORS = (
    _Family("01", "", 9_999, "KRX ", "KRX ",
            "5043 자동차, 5044 반도체, 5045 헬스케어, 5046 은행, 5048 에너지화학, 5049 철강, "
            "5051 방송통신, 5052 건설, 5054 증권, 5055 기계장비, 5056 보험, 5057 운송, "
            "5061 경기소비재, 5062 필수소비재, 5063 K콘텐츠, 5064 정보기술, 5065 유틸리티"),
    _Family("01", "", 300, "KRX 300 ", "KRX 300 ",
            "5351 정보기술, 5352 금융, 5353 자유소비재, 5354 산업재, 5355 헬스케어, "
            "5356 커뮤니케이션서비스, 5357 소재, 5358 필수소비재"),
    _Family("02", "KOSPI", 200, "코스피 200 ", "KOSPI 200 ",
            "1150 커뮤니케이션서비스, 1151 건설, 1152 중공업, 1153 철강/소재, 1154 에너지/화학, "
            "1155 정보기술, 1156 금융, 1157 생활소비재, 1158 경기소비재, 1159 산업재, "
            "1160 헬스케어"),
    _Family("02", "KOSPI", 9_999, "", "",
            "1005 음식료·담배, 1006 섬유·의류, 1007 종이·목재, 1008 화학, 1009 제약, 1010 비금속, "
            "1011 금속, 1012 기계·장비, 1013 전기전자, 1014 의료·정밀기기, 1015 운송장비·부품, "
            "1016 유통, 1017 전기·가스, 1018 건설, 1019 운송·창고, 1020 통신, 1021 금융, "
            "1024 증권, 1025 보험, 1026 일반서비스, 1027 제조, 1045 부동산, 1046 IT 서비스, "
            "1047 오락·문화"),
    _Family("03", "KOSDAQ", 150, "코스닥 150 ", "KOSDAQ 150 ",
            "2216 정보기술, 2217 헬스케어, 2218 커뮤니케이션서비스, 2212 소재, 2213 산업재, "
            "2214 필수소비재, 2215 자유소비재"),
    _Family("03", "KOSDAQ", 9_999, "", "KOSDAQ ",
            "2012 일반서비스, 2024 제조, 2026 건설, 2027 유통, 2029 운송·창고, 2031 금융, "
            "2037 오락·문화, 2056 음식료·담배, 2058 섬유·의류, 2062 종이·목재, 2063 출판·매체복제, "
            "2065 화학, 2066 제약, 2067 비금속, 2068 금속, 2070 기계·장비, 2072 전기전자, "
            "2074 의료·정밀기기, 2075 운송장비·부품, 2077 기타제조, 2114 통신, 2118 IT 서비스"),
)  # fmt: skip
# The exchange worked out these back to their base days, their levels only.
_BACK_TO, _LATE = date(2010, 4, 1), date(2025, 1, 13)
_SIZES = (
    Plan("01", "5302", "코리아 밸류업 지수", "Korea Value-up Index", date(2024, 1, 2),
         announced=date(2024, 9, 30), ranks=(0, 400), keep=100),
    Plan("01", "5447", "KRX TMI", "KRX TMI", _BACK_TO, 1_000.0, _LATE),
    Plan("01", "5300", "KRX 300", "KRX 300", announced=date(2018, 2, 5), ranks=(0, 300)),
    Plan("01", "5921", "KRX 중대형 TMI", "KRX LargeMidCap TMI",
         _BACK_TO, 1_000.0, _LATE, "", (0, 700)),
    Plan("01", "5922", "KRX 중형 TMI", "KRX MidCap TMI",
         _BACK_TO, 1_000.0, _LATE, "", (200, 700)),
    Plan("01", "5923", "KRX 소형 TMI", "KRX SmallCap TMI",
         _BACK_TO, 1_000.0, _LATE, "", (700, 1_800)),
    Plan("01", "5924", "KRX 초소형 TMI", "KRX MicroCap TMI",
         _BACK_TO, 1_000.0, _LATE, "", (1_800, 9_999)),
    Plan("01", "5600", "KTOP 30", "KTOP 30", date(1996, 1, 3), 888.85, ranks=(0, 30)),
    Plan("01", "5042", "KRX 100", "KRX 100", date(2001, 1, 2), ranks=(0, 100)),
    Plan("02", "1001", "코스피", "KOSPI", date(1980, 1, 4), 100.0, date(1983, 1, 4), "KOSPI"),
    Plan("02", "1028", "코스피 200", "KOSPI 200", date(1990, 1, 3), 100.0, date(1994, 6, 15),
         "KOSPI", (0, 200)),
    Plan("02", "1034", "코스피 100", "KOSPI 100", market="KOSPI", ranks=(0, 100)),
    Plan("02", "1035", "코스피 50", "KOSPI 50", market="KOSPI", ranks=(0, 50)),
    Plan("02", "1167", "코스피 200 중소형주", "KOSPI 200 MidSmallCap", market="KOSPI",
         ranks=(100, 200)),
    Plan("02", "1182", "코스피 200 초대형제외 지수", "KOSPI 200 Ex-TOP", market="KOSPI",
         ranks=(1, 200)),
    Plan("02", "1244", "코스피200제외 코스피지수", "KOSPI ex KOSPI 200", market="KOSPI",
         ranks=(200, 9_999)),
    Plan("02", "1894", "코스피 200 TOP 10", "KOSPI 200 TOP 10", market="KOSPI", ranks=(0, 10)),
    Plan("02", "1002", "코스피 대형주", "KOSPI LargeCap", market="KOSPI", ranks=(0, 100)),
    Plan("02", "1003", "코스피 중형주", "KOSPI MidCap", market="KOSPI", ranks=(100, 300)),
    Plan("02", "1004", "코스피 소형주", "KOSPI SmallCap", market="KOSPI", ranks=(300, 9_999)),
    Plan("03", "2001", "코스닥", "KOSDAQ", date(1996, 7, 1), 1_000.0, date(1997, 1, 3), "KOSDAQ"),
    Plan("03", "2203", "코스닥 150", "KOSDAQ 150", market="KOSDAQ", ranks=(0, 150)),
    Plan("03", "2189", "코스닥 글로벌", "KOSDAQ Global", date(2022, 11, 18),
         announced=date(2022, 11, 21), market="KOSDAQ", ranks=(0, 51)),
    Plan("03", "2002", "코스닥 대형주", "KOSDAQ LargeCap", market="KOSDAQ", ranks=(0, 100)),
    Plan("03", "2003", "코스닥 중형주", "KOSDAQ MidCap", market="KOSDAQ", ranks=(100, 400)),
    Plan("03", "2004", "코스닥 소형주", "KOSDAQ SmallCap", market="KOSDAQ", ranks=(400, 9_999)),
    *(Plan("03", f"218{place}", f"코스닥 {section}", f"KOSDAQ {english}", market="KOSDAQ",
           section=section)
      for place, (section, english) in enumerate(
          (("우량기업부", "Premier"), ("벤처기업부", "Venture"), ("중견기업부", "Mid-Size"),
           ("기술성장기업부", "Growth")), start=1)),
    Plan("04", "1163", "코스피 고배당 50", "KOSPI High Dividend Yield 50", market="KOSPI",
         ranks=(0, 300), keep=50),
    Plan("04", "1164", "코스피 배당성장 50", "KOSPI Dividend Growth 50", market="KOSPI",
         ranks=(0, 300), keep=50),
    Plan("04", "5106", "KRX ESG Leaders 150", "KRX ESG Leaders 150", ranks=(0, 500), keep=150),
    Plan("04", "1180", "코스피 200 ESG 지수", "KOSPI 200 ESG", market="KOSPI", ranks=(0, 200),
         keep=100),
    Plan("04", "G004", "KRX/S&P 탄소효율 그린뉴딜지수", "S&P/KRX Carbon Efficient Capped",
         ranks=(0, 500), keep=300),
)  # fmt: skip
# One new theme a year from 2020, after those that were there.
_THEMES_BEFORE = ("2차전지", "바이오", "게임", "반도체", "자동차", "은행")
_THEMES_NEW = ("로봇", "K조선", "K뷰티", "전력기기", "플랫폼", "K콘텐츠", "유틸리티", "헬스케어")


def planned() -> list[Plan]:
    """List the indices group by group, those of a sector after those of a size."""
    plans = [*_SIZES, *_sectors(), *_themes()]
    return sorted(plans, key=lambda plan: plan.group)


def _sectors() -> Iterator[Plan]:
    for family in _SECTORS:
        for entry in family.sectors.split(", "):
            code, sector = entry.split(" ", 1)
            yield Plan(
                family.group,
                code,
                family.prefix + sector,
                family.english + SECTORS[sector][0],
                market=family.market,
                ranks=(0, family.last),
                sector=sector,
            )


def _themes() -> Iterator[Plan]:
    born = [date(2018, 1, 2)] * len(_THEMES_BEFORE)
    born += [date(2020 + place, 7, 20) for place in range(len(_THEMES_NEW))]
    for place, (theme, day) in enumerate(zip(_THEMES_BEFORE + _THEMES_NEW, born, strict=True)):
        yield Plan(
            "04",
            f"5{412 + place}",
            f"KRX {theme} TOP 10 지수",
            f"KRX {SECTORS[theme][0]} TOP 10",
            based=day,
            announced=day,
            sector=theme,
            keep=10,
        )
