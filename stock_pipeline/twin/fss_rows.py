"""Products and options in the words of finlife: which fields, in which order, of which type.

Null is common: a rate nobody gets, an average nobody has paid, a limit nobody set. Names and
texts hold line breaks, and the code of a loan on credit can be Korean text.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product as combined
from typing import Any

from numpy.random import Generator

from stock_pipeline.twin.world_products import SECURITIES, Product, Products

Row = dict[str, Any]

_TERMS = (1, 3, 6, 12, 24, 36)
_INTEREST = {"S": "단리", "M": "복리"}
_RESERVE = {"S": "정액적립식", "F": "자유적립식"}
_HOUSES = {"A": "아파트", "E": "아파트외"}
_REPAYMENT = {"S": "만기일시상환방식", "D": "분할상환방식"}
_LENDING = {"F": "고정금리", "C": "변동금리"}
_CREDIT = {"1": "일반신용대출", "2": "마이너스한도대출", "3": "장기카드대출(카드론)"}
_CREDIT_RATES = {"A": "대출금리", "B": "기준금리", "C": "가산금리", "D": "가감조정금리"}
_GRADES = ("1", "4", "5", "6", "10", "11", "12", "13")
_NAMES = {
    "deposit": "정기예금",
    "saving": "정기적금",
    "annuity": "연금저축",
    "mortgage": "주택담보대출",
    "rent": "전세자금대출",
    "credit": "신용대출",
}
_WAYS = ("영업점,인터넷,스마트폰", "인터넷,스마트폰", "영업점", "스마트폰", "영업점,모집인")
_PAID_OUT = {"A": ("10년 확정", 10), "B": ("20년 확정", 20)}
_PAID_IN = (100_000, 200_000, 300_000)
_AGES = [
    (entry, years, start)
    for entry, years, start in combined((30, 40, 50), (10, 20), (60, 65))
    if entry + years <= start
]
# Of the 60 combinations every company leaves out some: 52 options a product as in February 2026.
_PENSIONS = 52


def rows(products: Products, one: Product) -> tuple[Row, list[Row]]:
    """Return a product and its options."""
    rng = products.draw(one)
    told, options = _TELL[one.kind](one, rng)
    return {**_head(one), **told, **_tail(one)}, [{**_key(one), **option} for option in options]


def _key(one: Product) -> Row:
    return {"dcls_month": one.month, "fin_co_no": one.company, "fin_prdt_cd": _code(one)}


def _code(one: Product) -> str:
    # Loans on credit of one company share a code; the type tells them apart.
    if one.kind == "credit" and one.number % 2:
        return "개인신용대출"
    return f"{one.kind[:2].upper()}{one.number:04d}{one.generation % 1000:03d}"


def _head(one: Product) -> Row:
    edition = f"\n({one.generation % 9 + 1}차)" if one.number % 10 == 3 else ""
    name = f"{one.company_name[:2]} {_NAMES[one.kind]} {one.number + 1}호{edition}"
    way = _WAYS[one.number % len(_WAYS)]
    return {
        **_key(one),
        "kor_co_nm": one.company_name,
        "fin_prdt_nm": name,
        "join_way": way,
    }


def _tail(one: Product) -> Row:
    ends = "99991231" if one.number % 6 == 5 else None
    submitted = f"{one.month}20{9 + one.number % 9:02d}{one.number % 60:02d}"
    return {
        "dcls_strt_day": f"{one.started:%Y%m%d}",
        "dcls_end_day": ends,
        "fin_co_subm_day": submitted,
    }


def _number(value: float) -> int | float:
    """Return a percentage as JSON tells it: 3, not 3.0."""
    rounded = round(float(value), 2)
    return int(rounded) if rounded.is_integer() else rounded


def _drift(one: Product) -> float:
    """Return by how much a rate has moved in the month of the disclosure."""
    return 0.05 * ((one.reported + one.number) % 5 - 2)


def _saver(one: Product, rng: Generator) -> tuple[Row, list[Row]]:
    base = {
        "mtrt_int": "만기 후\n- 1개월이내 : 약정이율×50%\n- 1개월초과 : 약정이율×20%",
        "spcl_cnd": "해당사항 없음"
        if one.number % 4
        else '"급여이체" 고객 : 연 0.2%p\r\n- 첫거래 : 연 0.1%p',
        "join_deny": "1" if rng.random() < 0.9 else "3",
        "join_member": "실명의 개인",
        "etc_note": "- 가입기간: 1~36개월\n- 최소가입금액: 1만원 이상",
        "max_limit": None if rng.random() < 0.5 else int(rng.integers(1, 100)) * 1_000_000,
    }
    return base, list(_saver_options(one, rng))


def _saver_options(one: Product, rng: Generator) -> Iterator[Row]:
    level = rng.uniform(1.8, 3.2) + _drift(one)
    interest = ("S", "M")[: 1 + (rng.random() < 0.15)] if rng.random() < 0.9 else ("M",)
    reserves: tuple[str, ...] = ("",)
    if one.kind == "saving":
        reserves = ("S", "F") if rng.random() < 0.2 else (("S",) if rng.random() < 0.5 else ("F",))
    terms = sorted(rng.permutation(_TERMS)[: rng.integers(2, 6)].tolist())
    for kind, reserve, term in combined(interest, reserves, terms):
        rate = level + 0.1 * _TERMS.index(term)
        reserved = {"rsrv_type": reserve, "rsrv_type_nm": _RESERVE[reserve]} if reserve else {}
        yield {
            "intr_rate_type": kind,
            "intr_rate_type_nm": _INTEREST[kind],
            **reserved,
            "save_trm": str(term),
            "intr_rate": None if rng.random() < 0.02 else _number(rate),
            "intr_rate2": None if rng.random() < 0.02 else _number(rate + rng.uniform(0, 1.5)),
        }


def _house(one: Product, rng: Generator) -> tuple[Row, list[Row]]:
    base = {
        "loan_inci_expn": "인지세(50%), \n국민주택채권매입비용",
        "erly_rpay_fee": "없음"
        if one.number % 5 == 0
        else "중도상환금액 x 1.5% x 대출잔여일수/1095",
        "dly_rate": "대출금리 + 3%\n최고 연체이자율 : 19%",
        "loan_lmt": "시세(감정가)의 최대 70%",
    }
    houses = tuple(_HOUSES) if one.kind == "mortgage" else ("",)
    choices = list(combined(houses, _REPAYMENT, _LENDING))
    most = 6 if one.kind == "mortgage" else 4
    taken = sorted(rng.permutation(len(choices))[: rng.integers(0, most)].tolist())
    return base, [_house_option(one, rng, *choices[place]) for place in taken]


def _house_option(one: Product, rng: Generator, house: str, repayment: str, lending: str) -> Row:
    low = rng.uniform(3.4, 5.0) + _drift(one)
    high = low + rng.uniform(0.1, 2.5)
    of_house = {"mrtg_type": house, "mrtg_type_nm": _HOUSES[house]} if house else {}
    # The average is that of last month's loans: it may lie outside of today's range.
    average = None if rng.random() < 0.3 else _number(rng.uniform(low - 0.3, high))
    return {
        **of_house,
        "rpay_type": repayment,
        "rpay_type_nm": _REPAYMENT[repayment],
        "lend_rate_type": lending,
        "lend_rate_type_nm": _LENDING[lending],
        "lend_rate_min": _number(low),
        "lend_rate_max": _number(high),
        "lend_rate_avg": average,
    }


def _credit(one: Product, rng: Generator) -> tuple[Row, list[Row]]:
    kind = str(one.order + 1)
    base = {"crdt_prdt_type": kind, "crdt_prdt_type_nm": _CREDIT[kind], "cb_name": "KCB"}
    shown = "ABCD" if rng.random() < 0.4 else "ABC" if rng.random() < 0.3 else "A"
    lent = rng.random(len(_GRADES)) < 0.8
    parts = {"B": 2.8 + _drift(one), "C": rng.uniform(1.5, 6.0), "D": rng.uniform(0.1, 1.0)}
    parts["A"] = parts["B"] + parts["C"] - parts["D"]
    return base, [_credit_option(kind, part, parts[part], lent.tolist()) for part in shown]


def _credit_option(kind: str, part: str, rate: float, lent: list[bool]) -> Row:
    # The spread grows as the score falls; where nothing was lent there is no rate.
    steps = {grade: 0.4 * place * (part in "AC") for place, grade in enumerate(_GRADES)}
    rates = {
        f"crdt_grad_{grade}": _number(rate + steps[grade]) if was_lent else None
        for grade, was_lent in zip(_GRADES, lent, strict=True)
    }
    return {
        "crdt_prdt_type": kind,
        "crdt_lend_rate_type": part,
        "crdt_lend_rate_type_nm": _CREDIT_RATES[part],
        **rates,
        "crdt_grad_avg": _number(rate + 0.8) if any(lent) else None,
    }


def _annuity(one: Product, rng: Generator) -> tuple[Row, list[Row]]:
    fund = one.group == SECURITIES
    earned = rng.normal(4.0, 6.0 if fund else 0.5, 4)
    base = {
        "pnsn_kind": "4" if fund else "2",
        "pnsn_kind_nm": "연금저축펀드" if fund else "연금저축보험",
        "sale_strt_day": f"{one.started:%Y%m%d}",
        "mntn_cnt": int(rng.integers(1_000, 5_000_000)),
        "prdt_type": "31" if fund else "11",
        "prdt_type_nm": "주식형" if fund else "금리연동형",
        "avg_prft_rate": _number(earned[0]),
        "dcls_rate": None if fund else _number(2.5 + _drift(one)),
        "guar_rate": None if fund else "10년이하 : 0.75%\n10년초과 : 0.5%",
        **{f"btrm_prft_rate_{year}": _number(earned[year]) for year in (1, 2)},
        "btrm_prft_rate_3": _number(earned[3]) if one.number % 8 else None,
        "etc": "※ 원금손실이 발생할 수 있음" if fund else None,
        "sale_co": "한빛증권,누리증권" if fund else None,
    }
    return base, list(_pensions(rng, growth=1.02 + 0.001 * (one.number % 10)))


def _pensions(rng: Generator, growth: float) -> Iterator[Row]:
    choices = list(combined(_PAID_OUT, _PAID_IN, _AGES))
    for place in sorted(rng.permutation(len(choices))[:_PENSIONS].tolist()):
        out, paid, (entry, years, start) = choices[place]
        name, lasts = _PAID_OUT[out]
        saved = paid * years * growth ** (start - entry - years / 2)
        yield {
            "pnsn_recp_trm": out,
            "pnsn_recp_trm_nm": name,
            "pnsn_entr_age": str(entry),
            "pnsn_entr_age_nm": f"{entry}세",
            "mon_paym_atm": str(paid // 10_000),
            "mon_paym_atm_nm": f"{paid:,}원",
            "paym_prd": str(years),
            "paym_prd_nm": f"{years}년",
            "pnsn_strt_age": str(start),
            "pnsn_strt_age_nm": f"{start}세",
            "pnsn_recp_amt": round(saved / lasts),
        }


_TELL = {
    "deposit": _saver,
    "saving": _saver,
    "annuity": _annuity,
    "mortgage": _house,
    "rent": _house,
    "credit": _credit,
}
