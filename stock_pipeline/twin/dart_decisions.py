"""Decisions on the capital of companies, as the filing system tells them one kind at a time.

Every answer agrees with the prices: the share has its new base price on the session that follows
from the dates, and its new count of shares on the day of listing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from stock_pipeline.twin.dart_decision_fields import FIELDS, HEAD
from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_calendar import WorldCalendar
from stock_pipeline.twin.world_companies import Company
from stock_pipeline.twin.world_disclosures import Disclosure
from stock_pipeline.twin.world_events import Event
from stock_pipeline.twin.world_plans import HORIZON
from stock_pipeline.twin.world_prices import REST_BEFORE

# Nobody in the world decides on the last three, so they are always answered "no data".
OPERATIONS = {
    "piicDecsn": "rights_issue",
    "fricDecsn": "bonus_issue",
    "crDecsn": "capital_reduction",
    "cmpMgDecsn": "merger",
    "cmpDvDecsn": "spinoff",
    "pifricDecsn": "",
    "cmpDvmgDecsn": "",
    "stkExtrDecsn": "",
}
_NONE = "-"

Values = dict[str, str]


@dataclass(frozen=True, slots=True)
class _Case:
    """One decision: what will happen to whom, with how many shares of which par value, and when."""

    event: Event
    company: Company
    day: date
    count: int
    par: int

    @property
    def after(self) -> int:
        """Return how many shares there are afterwards."""
        return round(self.count * self.event.share_ratio)


class Decisions:
    """What the companies of a world have decided."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tell: dict[str, Callable[[_Case], Values]] = {
            "rights_issue": self._rights_issue,
            "bonus_issue": self._bonus_issue,
            "capital_reduction": self._reduction,
            "merger": self._merger,
            "spinoff": self._division,
        }

    def rows(
        self, operation: str, company: Company, period: tuple[date, date], today: date
    ) -> list[Values]:
        """Return the decisions first received in a period, each in its newest version by a day."""
        kind = OPERATIONS[operation]
        found = self._world.disclosures.decisions(company.corp_code, kind, today)
        return [
            self._row(operation, company, one)
            for one in sorted(found, key=lambda one: one.rcept_no)
            if one.decision and period[0] <= one.decision.first <= period[1]
        ]

    def _row(self, operation: str, company: Company, one: Disclosure) -> Values:
        row = dict.fromkeys((*HEAD, *FIELDS[operation]), _NONE)
        row |= {"rcept_no": one.rcept_no, "corp_code": company.corp_code}
        if one.decision is None:
            return row
        decided = one.decision.first
        event, count = one.decision.event, self._count(company, decided)
        case = _Case(event, company, decided, count, self._par(company, decided))
        common = {"fv_ps": f"{case.par:,}", "bddd": _korean(decided), "od_a_at_t": "3"}
        row |= {name: value for name, value in common.items() if name in row}
        return row | self._tell[event.kind](case)

    def _count(self, company: Company, day: date) -> int:
        # The first events of the world were decided on before it begins.
        listed = self._world.listings(max(day, self._world.sessions[0]))
        return next(one.count for one in listed if one.share.column == company.index)

    def _par(self, company: Company, day: date) -> int:
        return self._world.dividends.par(self._world.shares[company.index], day)

    def _close(self, case: _Case) -> int:
        session = max(self._world.calendar.first_from(case.day + timedelta(days=1)) - 1, 0)
        return int(self._world.prices.closes[session, case.company.index])

    # ---- one kind each

    def _rights_issue(self, case: _Case) -> Values:
        event, issued = case.event, case.after - case.count
        # What the base price of the ex-date says about the price of the new shares.
        discount = (event.price_ratio * event.share_ratio - 1) / (event.share_ratio - 1)
        raised = int(issued * self._close(case) * discount)
        return {
            "nstk_ostk_cnt": f"{issued:,}",
            "bfic_tisstk_ostk": f"{case.count:,}",
            "fdpp_fclt": f"{raised // 3:,}",
            "fdpp_op": f"{raised - raised // 3:,}",
            "ic_mthn": "주주배정후 실권주 일반공모",
            "ssl_at": "N",
        }

    def _bonus_issue(self, case: _Case) -> Values:
        event = case.event
        return {
            "nstk_ostk_cnt": f"{case.after - case.count:,}",
            "bfic_tisstk_ostk": f"{case.count:,}",
            # Who holds the share on this day has bought it two sessions before: the ex-date is one.
            "nstk_asstd": _korean(self._session(event.day, 1)),
            "nstk_ascnt_ps_ostk": f"{event.share_ratio - 1:g}",
            "nstk_dividrk": _korean(date(event.day.year, 1, 1)),
            "nstk_lstprd": _korean(self._session(event.until or event.day)),
        }

    def _reduction(self, case: _Case) -> Values:
        event, count, after = case.event, case.count, case.after
        first, last = self._halt(event)
        merged = round(1 / event.share_ratio)
        return {
            "crstk_ostk_cnt": f"{count - after:,}",
            "bfcr_cpt": f"{count * case.par:,}",
            "atcr_cpt": f"{after * case.par:,}",
            "bfcr_tisstk_ostk": f"{count:,}",
            "atcr_tisstk_ostk": f"{after:,}",
            "cr_rt_ostk": f"{100 * (1 - event.share_ratio):.2f}",
            "cr_std": _korean(self._session(event.day - REST_BEFORE[event.kind], 1)),
            "cr_mth": f"액면가 {case.par:,}원의 보통주식 {merged}주를 1주로 주식병합",
            "cr_rs": "재무구조 개선",
            "crsc_trspprpd_bgd": first,
            "crsc_trspprpd_edd": last,
            "crsc_nstklstprd": _korean(self._session(event.day)),
            "ftc_stt_atn": "미해당",
        }

    def _merger(self, case: _Case) -> Values:
        event, company, issued = case.event, case.company, case.after - case.count
        rate = (1 + event.column % 97) / 50 if issued else 0.0
        unlisted = self._world.disclosures.unlisted
        other = unlisted[event.column % len(unlisted)].name
        listed = self._session(event.until) if event.until and issued else None
        return {
            "mg_mth": f"{company.name}이(가) {other}을(를) 흡수합병",
            "mg_stn": "소규모합병",
            "mg_pp": "경영효율성 제고",
            "mg_rt": f"{company.name} : {other} = 1.0000000 : {rate:.7f}",
            "mgnstk_ostk_cnt": f"{issued:,}" if issued else _NONE,
            "mgptncmp_cmpnm": other,
            "mgsc_shddstd": _korean(self._session(event.day - timedelta(days=50))),
            "mgsc_mgdt": _korean(event.day),
            "mgsc_nstklstprd": _korean(listed) if listed else _NONE,
            "bdlst_atn": "아니오",
            "rs_sm_atn": "아니오",
        }

    def _division(self, case: _Case) -> Values:
        event, company = case.event, case.company
        first, last = self._halt(event)
        left = 1 - event.share_ratio
        return {
            "dv_mth": "인적분할",
            "dv_rt": f"분할존속회사 : 분할신설회사 = {event.share_ratio:.7f} : {left:.7f}",
            "atdv_excmp_cmpnm": company.name,
            "atdv_excmp_atdv_lstmn_atn": "예",
            "dvfcmp_cmpnm": f"{company.name}홀딩스",
            "dvfcmp_rlst_atn": "예",
            "abcr_crrt": f"{100 * left:.7f}",
            "abcr_trspprpd_bgd": first,
            "abcr_trspprpd_edd": last,
            "abcr_nstkasstd": _korean(self._session(event.day - REST_BEFORE[event.kind])),
            "abcr_nstklstprd": _korean(self._session(event.day)),
            "dvdt": _korean(self._session(event.day - REST_BEFORE[event.kind], 1)),
        }

    # ---- days

    @cached_property
    def _sessions(self) -> list[date]:
        """Return the sessions of the world and those ahead of it, which decisions name."""
        ahead = min(date(self._world.end.year + 1, 12, 31), HORIZON)
        return WorldCalendar(ahead).sessions

    def _session(self, day: date, later: int = 0) -> date:
        """Return the first session from a day on, or one so many sessions later."""
        return self._sessions[max(bisect_left(self._sessions, day) + later, 0)]

    def _halt(self, event: Event) -> tuple[str, str]:
        """Return the first and the last day without trading."""
        return (
            _korean(self._session(event.day - REST_BEFORE[event.kind])),
            _korean(self._session(event.day, -1)),
        )


def _korean(day: date) -> str:
    return f"{day:%Y}년 {day:%m}월 {day:%d}일"
