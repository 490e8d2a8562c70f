"""Which field becomes which detail: answers of every kind with all their days and numbers."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.assets.decisions import DECISIONS, Fields, details
from stock_pipeline.market_calendar import MarketCalendar

NO_DAYS = dict.fromkeys(
    ("record_date", "effective_date", "ex_date", "halt_from", "halt_to", "listing_date")
)
# No day and no number stands in an answer twice: a neighbour's field gives another value.
ANSWERS = {
    "piicDecsn": """
nstk_ostk_cnt 2,500,000
nstk_estk_cnt 300,000
fv_ps 500
bfic_tisstk_ostk 10,000,000
bfic_tisstk_estk 700,000
fdpp_fclt 8,779,904,500
fdpp_op 7,424,095,500
ic_mthn 주주배정후 실권주 일반공모
ssl_at Y
ssl_bgd 20260302
ssl_edd 20260331
""",
    "fricDecsn": """
nstk_ostk_cnt 2,937,315
nstk_estk_cnt 140,000
fv_ps 100
bfic_tisstk_ostk 10,000,000
bfic_tisstk_estk 700,000
nstk_asstd 2026년 03월 13일
nstk_ascnt_ps_ostk 0.3
nstk_ascnt_ps_estk 0.2
nstk_dividrk 2026년 01월 01일
nstk_dlprd 2026년 04월 02일
nstk_lstprd 2026년 04월 03일
bddd 2026년 02월 20일
""",
    "pifricDecsn": """
piic_nstk_ostk_cnt 2,000,000
piic_nstk_estk_cnt 300,000
piic_fv_ps 100
piic_bfic_tisstk_ostk 8,000,000
piic_bfic_tisstk_estk 700,000
piic_fdpp_op 7,424,095,500
fric_nstk_ostk_cnt 4,900,000
fric_nstk_estk_cnt 150,000
fric_fv_ps 200
fric_bfic_tisstk_ostk 9,999,999
fric_bfic_tisstk_estk 710,000
fric_nstk_asstd 2026년 03월 16일
fric_nstk_ascnt_ps_ostk 0.5
fric_nstk_ascnt_ps_estk 0.2
fric_nstk_dividrk 2026년 01월 01일
fric_nstk_dlprd 2026년 04월 02일
fric_nstk_lstprd 2026년 04월 03일
fric_bddd 2026년 02월 20일
ssl_bgd 20260302
ssl_edd 20260311
""",
    "crDecsn": """
crstk_ostk_cnt 2,000,000
crstk_estk_cnt 10,000
fv_ps 500
bfcr_cpt 1,500,000,000
atcr_cpt 600,000,000
bfcr_tisstk_ostk 3,000,000
atcr_tisstk_ostk 1,000,000
bfcr_tisstk_estk 40,000
atcr_tisstk_estk 30,000
cr_rt_ostk 66.67
cr_rt_estk 25.00
cr_std 2026년 04월 20일
crsc_gmtsck_prd 2026년 03월 16일
crsc_trnmsppd 2026년 03월 17일 ~ 2026년 03월 18일
crsc_osprpd 2026년 03월 19일 ~ 2026년 03월 20일
crsc_trspprpd 2026년 03월 21일 ~ 2026년 03월 22일
crsc_osprpd_bgd 2026년 03월 23일
crsc_osprpd_edd 2026년 03월 24일
crsc_trspprpd_bgd 2026년 04월 16일
crsc_trspprpd_edd 2026년 05월 08일
crsc_nstkdlprd 2026년 05월 07일
crsc_nstklstprd 2026년 05월 09일
cdobprpd_bgd 2026년 03월 25일
cdobprpd_edd 2026년 04월 15일
bddd 2026년 02월 20일
""",
    "cmpMgDecsn": """
mg_rt 가온 : 나래 = 1.0000000 : 0.3141593
mg_rt_bs 기준주가 1 : 0.9
exevl_pd 2026년 01월 05일 ~ 2026년 01월 23일
mgnstk_ostk_cnt 1,234,567
mgnstk_cstk_cnt 23,456
mgsc_mgctrd 2026년 02월 02일
mgsc_shddstd 2026년 02월 10일
mgsc_shclspd_bgd 2026년 02월 11일
mgsc_shclspd_edd 2026년 02월 12일
mgsc_mgop_rcpd_bgd 2026년 02월 13일
mgsc_mgop_rcpd_edd 2026년 02월 27일
mgsc_gmtsck_prd 2026년 03월 03일
mgsc_aprskh_expd_bgd 2026년 03월 04일
mgsc_aprskh_expd_edd 2026년 03월 24일
mgsc_osprpd_bgd 2026년 03월 25일
mgsc_osprpd_edd 2026년 04월 24일
mgsc_trspprpd_bgd 2026년 04월 23일
mgsc_trspprpd_edd 2026년 05월 14일
mgsc_cdobprpd_bgd 2026년 03월 26일
mgsc_cdobprpd_edd 2026년 04월 27일
mgsc_mgdt 2026년 04월 28일
mgsc_ergmd 2026년 04월 29일
mgsc_mgrgsprd 2026년 04월 30일
mgsc_nstkdlprd 2026년 05월 13일
mgsc_nstklstprd 2026년 05월 15일
bddd 2026년 01월 30일
""",
    "cmpDvDecsn": """
dv_rt 분할존속회사 : 분할신설회사 = 0.6100000 : 0.3900000
atdvfdtl_std 2025년 12월 31일
ffdtl_std 2026년 01월 02일
abcr_crrt 38.2134567
abcr_osprpd_bgd 2026년 05월 06일
abcr_osprpd_edd 2026년 05월 25일
abcr_trspprpd_bgd 2026년 05월 28일
abcr_trspprpd_edd 2026년 06월 19일
abcr_nstkascnd 1주당 0.3주
abcr_nstkasstd 2026년 05월 29일
abcr_nstkdlprd 2026년 06월 18일
abcr_nstklstprd 2026년 06월 20일
gmtsck_prd 2026년 04월 14일
cdobprpd_bgd 2026년 04월 15일
cdobprpd_edd 2026년 05월 15일
dvdt 2026년 06월 01일
dvrgsprd 2026년 06월 02일
bddd 2026년 02월 24일
""",
    "cmpDvmgDecsn": """
atdvfdtl_std 2025년 12월 31일
ffdtl_std 2026년 01월 02일
abcr_crrt 12.5000000
abcr_osprpd_bgd 2026년 05월 06일
abcr_osprpd_edd 2026년 05월 25일
abcr_trspprpd_bgd 2026년 05월 28일
abcr_trspprpd_edd 2026년 06월 26일
abcr_nstkascnd 1주당 0.3주
abcr_nstkasstd 2026년 05월 29일
abcr_nstkdlprd 2026년 06월 25일
abcr_nstklstprd 2026년 06월 27일
dvmgnstk_ostk_cnt 1,234,567
dvmgnstk_cstk_cnt 23,456
dvmg_rt 가온 : 나래 = 1 : 0.4321
exevl_pd 2026년 01월 05일 ~ 2026년 01월 23일
dvmgsc_dvmgctrd 2026년 02월 25일
dvmgsc_shddstd 2026년 03월 11일
dvmgsc_shclspd_bgd 2026년 03월 12일
dvmgsc_shclspd_edd 2026년 03월 13일
dvmgsc_dvmgop_rcpd_bgd 2026년 03월 16일
dvmgsc_dvmgop_rcpd_edd 2026년 03월 30일
dvmgsc_gmtsck_prd 2026년 04월 14일
dvmgsc_aprskh_expd_bgd 2026년 04월 16일
dvmgsc_aprskh_expd_edd 2026년 05월 04일
dvmgsc_cdobprpd_bgd 2026년 04월 15일
dvmgsc_cdobprpd_edd 2026년 05월 15일
dvmgsc_dvmgdt 2026년 06월 01일
dvmgsc_ergmd 2026년 06월 02일
dvmgsc_dvmgrgsprd 2026년 06월 04일
bddd 2026년 02월 24일
""",
    "stkExtrDecsn": """
extr_tgcmp_tisstk_ostk 5,000,000
extr_tgcmp_tisstk_cstk 60,000
extr_rt 가온 : 나래 = 1.0000000 : 0.2718282
extr_rt_bs 기준주가 1 : 0.9
exevl_pd 2026년 01월 05일 ~ 2026년 01월 23일
extrsc_extrctrd 2026년 02월 02일
extrsc_shddstd 2026년 02월 10일
extrsc_shclspd_bgd 2026년 02월 11일
extrsc_shclspd_edd 2026년 02월 12일
extrsc_extrop_rcpd_bgd 2026년 02월 13일
extrsc_extrop_rcpd_edd 2026년 02월 27일
extrsc_gmtsck_prd 2026년 03월 03일
extrsc_aprskh_expd_bgd 2026년 03월 04일
extrsc_aprskh_expd_edd 2026년 03월 24일
extrsc_osprpd_bgd 2026년 03월 25일
extrsc_osprpd_edd 2026년 04월 24일
extrsc_trspprpd 2026년 03월 21일 ~ 2026년 03월 22일
extrsc_trspprpd_bgd 2026년 04월 23일
extrsc_trspprpd_edd 2026년 05월 14일
extrsc_extrdt 2026년 04월 28일
extrsc_nstkdlprd 2026년 05월 13일
extrsc_nstklstprd 2026년 05월 15일
bddd 2026년 01월 30일
""",
}
TOLD: dict[str, dict[str, dict[str, Any]]] = {
    "piicDecsn": {"RIGHTS_ISSUE": NO_DAYS | {"ratio": 0.25}},  # 2,500,000 for 10,000,000
    "fricDecsn": {
        "BONUS_ISSUE": NO_DAYS
        | {
            "ratio": 0.3,
            "record_date": date(2026, 3, 13),
            "ex_date": date(2026, 3, 12),  # the session before
            "listing_date": date(2026, 4, 3),
        }
    },
    "pifricDecsn": {
        "RIGHTS_ISSUE": NO_DAYS | {"ratio": 0.25},  # 2,000,000 for 8,000,000
        "BONUS_ISSUE": NO_DAYS
        | {
            "ratio": 0.5,
            "record_date": date(2026, 3, 16),
            "ex_date": date(2026, 3, 13),  # a Friday
            "listing_date": date(2026, 4, 3),
        },
    },
    "crDecsn": {
        "CAPITAL_REDUCTION": {
            "ratio": pytest.approx(1 / 3),  # 1,000,000 of 3,000,000; the rate is rounded
            "record_date": date(2026, 4, 20),
            "effective_date": date(2026, 4, 20),
            "ex_date": date(2026, 5, 11),  # the listing is planned for a Saturday
            "halt_from": date(2026, 4, 16),
            "halt_to": date(2026, 5, 8),
            "listing_date": date(2026, 5, 9),
        }
    },
    "cmpMgDecsn": {
        "MERGER": {
            "ratio": 0.3141593,
            "record_date": date(2026, 2, 10),
            "effective_date": date(2026, 4, 28),
            "ex_date": None,
            "halt_from": date(2026, 4, 23),
            "halt_to": date(2026, 5, 14),
            "listing_date": date(2026, 5, 15),
        }
    },
    "cmpDvDecsn": {
        "SPINOFF": {
            "ratio": pytest.approx(0.617865433),
            "record_date": date(2026, 5, 29),
            "effective_date": date(2026, 6, 1),
            "ex_date": date(2026, 6, 22),  # after a Saturday
            "halt_from": date(2026, 5, 28),
            "halt_to": date(2026, 6, 19),
            "listing_date": date(2026, 6, 20),
        }
    },
    "cmpDvmgDecsn": {
        "SPINOFF": {
            "ratio": 0.875,
            "record_date": date(2026, 5, 29),
            "effective_date": date(2026, 6, 1),
            "ex_date": date(2026, 6, 29),  # after a Saturday
            "halt_from": date(2026, 5, 28),
            "halt_to": date(2026, 6, 26),
            "listing_date": date(2026, 6, 27),
        }
    },
    "stkExtrDecsn": {
        "MERGER": {
            "ratio": 0.2718282,
            "record_date": date(2026, 2, 10),
            "effective_date": date(2026, 4, 28),
            "ex_date": None,
            "halt_from": date(2026, 4, 23),
            "halt_to": date(2026, 5, 14),
            "listing_date": date(2026, 5, 15),
        }
    },
}
# What the official guide calls a field that is read for a detail.
MEANINGS = {
    "record": ["기준일"],
    "effective": ["기일", "이전일자", "감자기준일"],
    "listing": ["상장 예정일", "상장예정일"],
    "halt_from": ["시작일"],
    "halt_to": ["종료일"],
    "halt": ["예정기간"],
}


@pytest.fixture(scope="module")
def calendar() -> MarketCalendar:
    return MarketCalendar()


@pytest.fixture(scope="module")
def guide(recorded: Path) -> dict[str, dict[str, str]]:
    """Return the fields of every kind of answer and what the official guide calls them."""
    text = (recorded / "dart" / "field_dictionary.json").read_text(encoding="utf-8")
    return {name: dict(kind["fields"]) for name, kind in json.loads(text).items()}


def filled(operation: str) -> dict[str, str]:
    lines = ANSWERS[operation].strip().splitlines()
    return {name: text for name, _, text in (line.partition(" ") for line in lines)}


def read(operation: str, row: dict[str, str], calendar: MarketCalendar) -> dict[str, Any]:
    """Return the details of an answer by action, without upstream's own fields."""
    told = {action.action_type: details(action, row, calendar) for action in DECISIONS[operation]}
    for one in told.values():
        assert json.loads(one.pop("detail")) == row
    return told


@pytest.mark.parametrize("operation", DECISIONS)
def test_every_detail_is_read_from_its_own_field(calendar: MarketCalendar, operation: str) -> None:
    assert read(operation, filled(operation), calendar) == TOLD[operation]


@pytest.mark.parametrize("operation", ["crDecsn", "stkExtrDecsn"])
def test_a_halt_is_read_from_one_field_where_the_two_are_empty(
    calendar: MarketCalendar, operation: str
) -> None:
    row = {name: "-" if "trspprpd_" in name else text for name, text in filled(operation).items()}
    (told,) = read(operation, row, calendar).values()
    assert (told["halt_from"], told["halt_to"]) == (date(2026, 3, 21), date(2026, 3, 22))


class Answer(dict[str, str]):
    """An answer without fields that remembers which ones are looked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        """Find nothing."""
        self.asked.add(name)
        return default


@pytest.mark.parametrize("operation", DECISIONS)
def test_fields_of_ratios_and_days_are_the_official_ones(
    calendar: MarketCalendar, guide: dict[str, dict[str, str]], operation: str
) -> None:
    answer = Answer()
    for action in DECISIONS[operation]:
        details(action, answer, calendar)
    looked_for = answer.asked - {""}
    assert looked_for
    assert looked_for <= set(guide[operation])
    assert looked_for <= set(filled(operation)) <= set(guide[operation])


FIELDS = [
    (operation, role, field)
    for operation, actions in DECISIONS.items()
    for action in actions
    for role, field in zip(Fields._fields, action.fields, strict=True)
    if field
]


@pytest.mark.parametrize(("operation", "role", "field"), FIELDS)
def test_the_guide_calls_a_field_what_it_is_read_for(
    guide: dict[str, dict[str, str]], operation: str, role: str, field: str
) -> None:
    called = guide[operation][field]
    assert any(called.rstrip(")").endswith(meaning) for meaning in MEANINGS[role]), called
    assert ("정지" in called) == role.startswith("halt")
