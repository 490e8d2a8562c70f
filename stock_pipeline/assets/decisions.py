"""What a company's decision says about its shares: action, ratio and days, per kind of answer.

The fields are those of DART's group DS005. What an answer does not tell stays missing, but for the
ex-date: it follows from the day of record or of listing by the rules of settlement.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from stock_pipeline.assets.report_text import day, days, number, ratio
from stock_pipeline.market_calendar import MarketCalendar

Row = Mapping[str, Any]

SPLIT, REVERSE_SPLIT = "SPLIT", "REVERSE_SPLIT"
BONUS_ISSUE, RIGHTS_ISSUE = "BONUS_ISSUE", "RIGHTS_ISSUE"
CAPITAL_REDUCTION, MERGER, SPINOFF = "CAPITAL_REDUCTION", "MERGER", "SPINOFF"
ACTION_TYPES = (
    SPLIT,
    REVERSE_SPLIT,
    BONUS_ISSUE,
    RIGHTS_ISSUE,
    CAPITAL_REDUCTION,
    MERGER,
    SPINOFF,
)
REDUCTIONS = "crDecsn"

_TITLE = re.compile(r"주요사항보고서\((.+?)결정\)")
# Blanks and the dot of 교환ㆍ이전, which comes as one of several characters, and filler words.
_NO_MATTER = re.compile(r"[^가-힣]|^회사|(?<=주식)의|포괄적")
OPERATIONS = {
    "유상증자": "piicDecsn",
    "무상증자": "fricDecsn",
    "유무상증자": "pifricDecsn",
    "감자": REDUCTIONS,
    "합병": "cmpMgDecsn",
    "분할": "cmpDvDecsn",
    "분할합병": "cmpDvmgDecsn",
    "주식교환": "stkExtrDecsn",
    "주식이전": "stkExtrDecsn",
    "주식교환이전": "stkExtrDecsn",
}

# No holiday closes the exchange for longer: 10 days around Chuseok 2017 and 2025.
_LONGEST_REST = timedelta(days=20)


class Fields(NamedTuple):
    """Names of the fields that hold the days; empty where the answer has none.

    halt  both ends in one field; older reports filled it instead of the two
    """

    record: str = ""
    effective: str = ""
    listing: str = ""
    halt_from: str = ""
    halt_to: str = ""
    halt: str = ""


class Action(NamedTuple):
    """One action that an answer tells of.

    ex_after  the day that the ex-date follows from: `record`, `listing` or nothing
    """

    action_type: str
    ratio: Callable[[Row], float | None]
    fields: Fields = Fields()
    ex_after: str = ""


def _new_per_old(new: str, old: str) -> Callable[[Row], float | None]:
    def read(row: Row) -> float | None:
        issued, before = number(row.get(new)), number(row.get(old))
        return issued / before if issued is not None and before else None

    return read


def _stated(field: str) -> Callable[[Row], float | None]:
    return lambda row: number(row.get(field))


def _exchanged(field: str) -> Callable[[Row], float | None]:
    return lambda row: ratio(row.get(field))


def _kept(field: str) -> Callable[[Row], float | None]:
    def read(row: Row) -> float | None:
        lost = number(row.get(field))
        return None if lost is None or lost > 100 else 1 - lost / 100

    return read


def _reduced(row: Row) -> float | None:
    """Return what is left by the counts: some file the share kept as the share lost.

    Kodaco reported 5.00 % on 2024-05-31 for twenty shares merged into one.
    """
    before, after = number(row.get("bfcr_tisstk_ostk")), number(row.get("atcr_tisstk_ostk"))
    if before and after is not None:
        return after / before
    return _kept("cr_rt_ostk")(row)


_DIVISION_DAYS = Fields(
    record="abcr_nstkasstd",
    effective="dvdt",
    listing="abcr_nstklstprd",
    halt_from="abcr_trspprpd_bgd",
    halt_to="abcr_trspprpd_edd",
)

# An exchange of shares makes a company the subsidiary of another: for its holders a merger.
# A division with a merger takes something out of the company: a spin-off.
DECISIONS: dict[str, tuple[Action, ...]] = {
    "piicDecsn": (Action(RIGHTS_ISSUE, _new_per_old("nstk_ostk_cnt", "bfic_tisstk_ostk")),),
    "fricDecsn": (
        Action(
            BONUS_ISSUE,
            _stated("nstk_ascnt_ps_ostk"),
            Fields(record="nstk_asstd", listing="nstk_lstprd"),
            ex_after="record",
        ),
    ),
    "pifricDecsn": (
        Action(RIGHTS_ISSUE, _new_per_old("piic_nstk_ostk_cnt", "piic_bfic_tisstk_ostk")),
        Action(
            BONUS_ISSUE,
            _stated("fric_nstk_ascnt_ps_ostk"),
            Fields(record="fric_nstk_asstd", listing="fric_nstk_lstprd"),
            ex_after="record",
        ),
    ),
    REDUCTIONS: (
        Action(
            CAPITAL_REDUCTION,
            _reduced,
            Fields(
                record="cr_std",
                effective="cr_std",
                listing="crsc_nstklstprd",
                halt_from="crsc_trspprpd_bgd",
                halt_to="crsc_trspprpd_edd",
                halt="crsc_trspprpd",
            ),
            ex_after="listing",
        ),
    ),
    "cmpMgDecsn": (
        Action(
            MERGER,
            _exchanged("mg_rt"),
            Fields(
                record="mgsc_shddstd",
                effective="mgsc_mgdt",
                listing="mgsc_nstklstprd",
                halt_from="mgsc_trspprpd_bgd",
                halt_to="mgsc_trspprpd_edd",
            ),
        ),
    ),
    "cmpDvDecsn": (Action(SPINOFF, _kept("abcr_crrt"), _DIVISION_DAYS, ex_after="listing"),),
    "cmpDvmgDecsn": (
        Action(
            SPINOFF,
            _kept("abcr_crrt"),
            _DIVISION_DAYS._replace(effective="dvmgsc_dvmgdt"),
            ex_after="listing",
        ),
    ),
    "stkExtrDecsn": (
        Action(
            MERGER,
            _exchanged("extr_rt"),
            Fields(
                record="extrsc_shddstd",
                effective="extrsc_extrdt",
                listing="extrsc_nstklstprd",
                halt_from="extrsc_trspprpd_bgd",
                halt_to="extrsc_trspprpd_edd",
                halt="extrsc_trspprpd",
            ),
        ),
    ),
}


def operation_of(report_name: str) -> str | None:
    """Return the request that answers for a report of this title; None for other reports."""
    title = _TITLE.search(report_name)
    return OPERATIONS.get(_NO_MATTER.sub("", title[1])) if title else None


def rows_of(filing: Row, operation: str, answer: Row | None, calendar: MarketCalendar) -> list[Row]:
    """Return one row per action of a receipt; without an answer their details are missing.

    Shapes  filing: rcept_no, ticker, corp_code, received_date, report_name
    """
    return [
        {
            **filing,
            "action_id": filing["rcept_no"],
            "action_type": action.action_type,
            "origin": "DART",
            **(details(action, answer, calendar) if answer is not None else {}),
        }
        for action in DECISIONS[operation]
    ]


def details(action: Action, row: Row, calendar: MarketCalendar) -> dict[str, Any]:
    """Return ratio, days and upstream's own fields of one action of an answer.

    Units  ratio as `corporate_actions` defines it for the kind of action
    """
    fields = action.fields
    found = {
        "record_date": day(row.get(fields.record)),
        "effective_date": day(row.get(fields.effective)),
        "listing_date": day(row.get(fields.listing)),
    }
    both = days(row.get(fields.halt))
    return {
        **found,
        "ratio": action.ratio(row),
        "ex_date": _ex_date(action.ex_after, found, calendar),
        "halt_from": day(row.get(fields.halt_from)) or (both[0] if both else None),
        "halt_to": day(row.get(fields.halt_to)) or (both[1] if len(both) > 1 else None),
        "detail": json.dumps(_storable(row), ensure_ascii=False),
    }


def _storable(row: Row) -> dict[str, Any]:
    """Return the fields without NUL characters, which jsonb refuses."""
    return {
        name: value.replace("\0", "") if isinstance(value, str) else value
        for name, value in row.items()
    }


def _ex_date(
    ex_after: str, found: Mapping[str, date | None], calendar: MarketCalendar
) -> date | None:
    """Return the first session on which a buyer gets nothing any more, or gets the new shares.

    A purchase is settled two sessions later, so the last that is settled by the day of record is
    made two sessions before it: the ex-date is the session before.
    """
    record, listing = found["record_date"], found["listing_date"]
    if ex_after == "record" and record is not None:
        return calendar.sessions("XKRX", record - _LONGEST_REST, record)[-2]
    if ex_after == "listing" and listing is not None:
        return calendar.sessions("XKRX", listing, listing + _LONGEST_REST)[0]
    return None
