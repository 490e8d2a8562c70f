"""The tables of the page of stress, and in words why a module is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from stock_pipeline.dashboard.charts import Rows
from stock_pipeline.figures import wording
from stock_pipeline.figures.liquidity import Gap, ModuleReading, StressDay
from stock_pipeline.figures.liquidity_inputs import News, Observation, Tone
from stock_pipeline.figures.stress_words import MODULE_NAMES, MODULE_UNITS
from stock_pipeline.figures.wording import MISSING, number, pct, signed

# Series → its name, its unit and how many decimals it is told with.
INPUTS = {
    "BAMLH0A0HYM2": ("미국 하이일드 OAS", "%", 2),
    "BAMLC0A0CM": ("미국 투자등급 OAS", "%", 2),
    "SOFR": ("SOFR (담보부 익일물 금리)", "%", 2),
    "DFEDTARL": ("연준 목표금리 하단", "%", 2),
    "DFEDTARU": ("연준 목표금리 상단", "%", 2),
    "RRPONTSYD": ("역레포 잔액", "십억 달러", 3),
    "DGS2": ("미국 국채 2년", "%", 2),
    "DGS10": ("미국 국채 10년", "%", 2),
    "DGS30": ("미국 국채 30년", "%", 2),
    "^VIX": ("VIX 변동성 지수", "pt", 2),
    "TLT": ("장기 국채 ETF (TLT)", "달러", 2),
    "HYG": ("하이일드 회사채 ETF (HYG)", "달러", 2),
    "LQD": ("투자등급 회사채 ETF (LQD)", "달러", 2),
    "IEF": ("중기 국채 ETF (IEF)", "달러", 2),
    "SHV": ("단기 국채 ETF (SHV)", "달러", 2),
    "KRE": ("지역은행 ETF (KRE)", "달러", 2),
    "VNQ": ("부동산 ETF (VNQ)", "달러", 2),
    "^GSPC": ("S&P 500", "pt", 2),
    "^IXIC": ("나스닥 종합", "pt", 2),
    "KRW=X": ("원/달러 환율", "원", 2),
}
KEYWORD_NAMES = {
    "liquidity crisis": "유동성 위기",
    "margin call": "마진콜",
    "credit default": "신용 부도",
    "repo market": "레포 시장",
    "private credit": "사모 대출",
    "CRE default": "상업용 부동산 부도",
}
# How a collection ended, for those endings that leave a table without new rows.
OUTCOMES = {
    None: "이 날짜에 대한 수집 기록이 없습니다",
    "skipped": "필요한 설정이 없어 수집하지 않았습니다",
    "error": "마지막 수집이 실패했습니다",
    "blocked": "출처가 접속을 막았습니다",
    "auth_expired": "인증 키가 만료되었거나 거절되었습니다",
    "quota": "하루 요청 한도를 다 썼습니다",
    "no_data": "출처에 자료가 없었습니다",
    "not_yet_published": "아직 발표되지 않았습니다",
}


@dataclass(frozen=True)
class Now:
    """The newest index as the page shows it.

    missing  one sentence for each module without a reading
    """

    day: StressDay
    change: float | None
    modules: Rows
    missing: tuple[str, ...]


def module_rows(day: StressDay) -> Rows:
    """Return the modules of a day; one without a reading is told as missing."""
    header = ("모듈", "점수", "가중치", "입력값", "관측일", "0점과 1점", "읽은 자료")
    return Rows(header, [_module(one) for one in day.modules])


def _module(one: ModuleReading) -> list[object]:
    unit, digits = MODULE_UNITS[one.name]
    is_missing = one.score is None
    return [
        MODULE_NAMES[one.name],
        Markup('<strong class="missing">{}</strong>').format("없음")
        if is_missing
        else number(one.score, 3),
        pct(one.weight, 0),
        MISSING if one.value is None else f"{number(one.value, digits)}{unit}",
        wording.day(one.observed_on),
        f"{one.low:g}{unit} ~ {one.high:g}{unit}",
        ", ".join(one.series) or MISSING,
    ]


def missing_told(gap: Gap) -> str:
    """Return in one sentence why a module is missing."""
    limit = f"{gap.max_age}일 이내의" if gap.max_age else "그날의"
    newest = ", ".join(
        f"{series}: {found.isoformat() if found else '관측된 적 없음'}"
        for series, found in gap.newest.items()
    )
    ending = OUTCOMES.get(gap.outcome, "")
    reason = f" ({gap.reason})" if gap.reason else ""
    collected = f" {gap.table}: {ending}{reason}." if ending else ""
    return (
        f"{MODULE_NAMES[gap.module]} 모듈은 계산할 때 06:00까지 알려진 {limit} 관측값이 없어"
        f" 빠졌습니다. 지금 저장된 가장 최근 관측일은 {newest}.{collected}"
    )


def input_rows(observations: Sequence[Observation]) -> Rows:
    """Return the newest value of every series."""
    return Rows(("자료", "값", "직전 대비", "관측일"), [_input(one) for one in observations])


def _input(one: Observation) -> list[object]:
    name, unit, digits = INPUTS[one.code]
    value = MISSING if one.value is None else f"{number(one.value, digits)} {unit}"
    change_unit = "%p" if unit == "%" else ""
    return [name, value, signed(one.change, digits, change_unit), wording.day(one.date)]


def tone_rows(tone: Tone | None) -> Rows:
    """Return the newest tone of the Fed; no row when there is none."""
    header = ("날짜", "유동성", "신용", "금융 안정", "읽은 보도자료")
    if tone is None:
        return Rows(header, [])
    shares = (number(share, 4) for share in (tone.liquidity, tone.credit, tone.stability))
    return Rows(header, [[wording.day(tone.date), *shares, f"{number(tone.item_count)}건"]])


def news_rows(news: News | None) -> Rows:
    """Return the articles of the newest day by keyword, with some of their headlines."""
    header = ("검색어", "건수", "기사 제목 일부")
    if news is None:
        return Rows(header, [])
    cells: list[list[object]] = [
        [
            f"{KEYWORD_NAMES[one.keyword]} ({one.keyword})",
            "수집 안 됨" if one.count is None else f"{number(one.count)}건",
            " / ".join(one.titles) or MISSING,
        ]
        for one in news.keywords
    ]
    return Rows(header, cells, f"{news.date.isoformat()} 06:00까지 24시간 동안 나온 기사입니다.")
