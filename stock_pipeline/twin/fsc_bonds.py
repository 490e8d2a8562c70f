"""The bonds outstanding on a day, as the service GetBondIssuInfoService tells them.

Nineteen fields of one answer and ten of another are recorded, written here as there; the other
fields are those of the description. What is not set is one blank. The description knows base dates
on business days only, and so does the twin; that of one recorded answer, 2026-02-01, is a Sunday.
"""

from __future__ import annotations

from datetime import date

from stock_pipeline.twin.fsc_numbers import number
from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_bonds import Bond

_UNSET = " "
_NEVER = "99991231"
# Code and name of a kind. Recorded are 1105, 1106 and 1108, described 1103; the others are ours.
_STATE, _LOCAL, _SPECIAL = ("1101", "국채"), ("1102", "지방채"), ("1103", "특수채")
_LENDER, _COMPANY = ("1105", "금융채"), ("1108", "일반회사채")
_KINDS = {
    "treasury": _STATE,
    "housing": _STATE,
    "municipal": _LOCAL,
    "metro": _LOCAL,
    "stabilisation": _SPECIAL,
    "agency": _SPECIAL,
    "mortgage": ("1107", "MBS"),
    "local": ("1104", "지방공사채"),
    "bank": _LENDER,
    "lender": _LENDER,
    "vehicle": ("1106", "유동화SPC채"),
    "company": _COMPANY,
    "convertible": _COMPANY,
}
_INTERESTS = {"coupon": ("1", "이표채"), "discount": ("2", "할인채"), "compound": ("3", "복리채")}
# Only the codes of AAA and A0 are described; they fit a count within the letters.
_GRADE_CODES = {
    "AAA": "110", "AA+": "111", "AA0": "112", "AA-": "113", "A+": "120", "A0": "121", "A-": "122",
    "BBB+": "130", "BBB0": "131", "BBB-": "132", "BB+": "140", "BB0": "141", "BB-": "142",
    "B+": "150", "B0": "151", "B-": "152", "CCC": "160", "CC": "170", "C": "180", "D": "190",
}  # fmt: skip
_ALIKE = {
    "bondIssuFrmtNm": "공사채등록",
    "txtnDcd": "1",
    "txtnDcdNm": "과세",
    "prisLnkgBondYn": "N",
    "crfndYn": _UNSET,
    "qibTrgtScrtYn": "N",
    "elpsIntPayYn": "N",
    "piamPayInstNm": "농협은행",
    "piamPayBrofNm": _UNSET,
    "bondRegInstDcd": "01",
    "bondRegInstDcdNm": "KSD",
    "issuDptyNm": _UNSET,
    "bondUndtInstNm": _UNSET,
    "bondGrnInstNm": _UNSET,
    "cpbdMngCmpyNm": _UNSET,
    "cptUsgeDcd": _UNSET,
    "cptUsgeDcdNm": _UNSET,
    "bnkHldyIntPydyDcd": "2",
    "bnkHldyIntPydyDcdNm": "직후영업일",
    "sttrHldyIntPydyDcd": "2",
    "sttrHldyIntPydyDcdNm": "직후영업일",
    "intPayMmntDcd": "01",
    "intPayMmntDcdNm": "후급",
    "rgtExertMnbdDcd": "1",
    "rgtExertMnbdDcdNm": "KSD",
    "intCmpuMcd": "1",
    "intCmpuMcdNm": "정형",
    "prmncBondTmnDt": _UNSET,
    "qibTmnDt": _UNSET,
}


def rows(world: World, day: date) -> list[dict[str, str]]:
    """Return one entry per bond outstanding on a business day; companies as they are called."""
    called = {one.share.column: one.name for one in world.listings(day)}
    return [_row(bond, day, called) for bond in world.bonds.outstanding(day)]


def _row(bond: Bond, day: date, called: dict[int, str]) -> dict[str, str]:
    issuer = bond.issuer
    company = -1 if issuer.company is None else issuer.company
    kind, kind_name = _KINDS[issuer.kind]
    return {
        "basDt": _day(day),
        "crno": issuer.crno or _UNSET,
        "scrsItmsKcd": kind,
        "isinCd": bond.isin,
        "scrsItmsKcdNm": kind_name,
        "bondIsurNm": called.get(company, issuer.name),
        "isinCdNm": bond.name,
        "sicNm": issuer.industry,
        "bondIssuDt": _day(bond.issued),
        "bondIssuAmt": str(bond.amount),
        "bondIssuCurCd": bond.currency,
        "bondIssuCurCdNm": bond.currency,
        "bondExprDt": _day(bond.matures) if bond.matures else _NEVER,
        "bondPymtAmt": str(bond.amount),
        "bondBal": str(bond.balance(day)),
        "lstgDt": _UNSET if bond.private else _day(bond.issued),
        **_interest(bond, day),
        **_standing(bond),
        **_ratings(bond),
        **_ALIKE,
    }


def _interest(bond: Bond, day: date) -> dict[str, str]:
    code, name = _INTERESTS[bond.interest]
    before, after = _coupon_days(bond, day)
    return {
        "irtChngDcd": "2" if bond.floating else "1",
        "irtChngDcdNm": "변동" if bond.floating else "고정",
        "bondSrfcInrt": number(bond.coupon, 4),
        "bondIntTcd": code,
        "bondIntTcdNm": name,
        "intPayCyclCtt": f"{bond.period}개월" if bond.period else _UNSET,
        "nxtmCopnDt": after,
        "rbfCopnDt": before,
    }


def _standing(bond: Bond) -> dict[str, str]:
    """Return what the holder may claim, and how the bond was placed and is paid back."""
    state = _KINDS[bond.issuer.kind] in (_STATE, _LOCAL)
    convertible, treasury = bond.issuer.kind == "convertible", bond.issuer.kind == "treasury"
    return {
        "grnDcd": _UNSET if state else "2",
        "grnDcdNm": _UNSET if state else "무보증",
        "bondRnknDcd": "2" if bond.subordinated else "1",
        "bondRnknDcdNm": "후순위" if bond.subordinated else "선순위",
        "optnTcd": "1000" if bond.perpetual else "0000",
        "optnTcdNm": "CALL옵션" if bond.perpetual else "옵션해당사항없음",
        "pclrBondKcd": "1" if convertible else "9",
        "pclrBondKcdNm": "전환사채" if convertible else "주식관련해당사항없음",
        "bondOffrMcd": "21" if bond.private else "11",
        "bondOffrMcdNm": "사모" if bond.private else "공모",
        "pamtRdptMcd": "12" if bond.instalments else "11",
        "pamtRdptMcdNm": "분할상환" if bond.instalments else "만기상환",
        "stripsPsblYn": "Y" if treasury else "N",
        "stripsNm": "해당사항없음",
        "prmncBondYn": "Y" if bond.perpetual else "N",
    }


def _ratings(bond: Bond) -> dict[str, str]:
    told = {}
    for agency, grade in zip(("kis", "kbp", "nice", "fn"), bond.ratings, strict=True):
        told[f"{agency}ScrsItmsKcd"] = _GRADE_CODES.get(grade, _UNSET)
        told[f"{agency}ScrsItmsKcdNm"] = grade or _UNSET
    return told


def _coupon_days(bond: Bond, day: date) -> tuple[str, str]:
    """Return the last coupon by a day and the next one; unset where there is none."""
    if bond.interest != "coupon":
        return _UNSET, _UNSET
    passed = (day.year - bond.issued.year) * 12 + day.month - bond.issued.month
    passed -= day.day < _day_of_month(bond)
    paid = passed // bond.period * bond.period
    before, after = _months_after(bond, paid), _months_after(bond, paid + bond.period)
    return _day(before) if paid > 0 else _UNSET, _day(min(after, bond.matures or after))


def _months_after(bond: Bond, months: int) -> date:
    """Return a coupon day, which no month is too short for."""
    month = bond.issued.year * 12 + bond.issued.month - 1 + months
    return date(month // 12, month % 12 + 1, _day_of_month(bond))


def _day_of_month(bond: Bond) -> int:
    return min(bond.issued.day, 28)


def _day(day: date) -> str:
    return f"{day:%Y%m%d}"
