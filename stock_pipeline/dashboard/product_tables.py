"""The tables of the page of products, in the words of its upstreams."""

from __future__ import annotations

from collections.abc import Sequence

from stock_pipeline.dashboard.charts import Rows
from stock_pipeline.figures import wording
from stock_pipeline.figures.bonds import Bond
from stock_pipeline.figures.loans import GRADES, CreditLoan, HomeLoan
from stock_pipeline.figures.products import AnnuityOffer, SaverOffer
from stock_pipeline.figures.wording import MISSING, krw, number, pct

# Code of finlife → who belongs to the group.
GROUPS = {
    "020000": "은행",
    "030200": "여신전문",
    "030300": "저축은행",
    "050000": "보험",
    "060000": "금융투자",
}
JOIN_DENY = {"1": "제한 없음", "2": "서민 전용", "3": "일부 제한"}
BOND_TYPES = {"government": "국공채", "corporate": "회사채 등", "high_yield": "하이일드"}
RISKS = {1: "1 (국공채·AAA)", 2: "2 (AA)", 3: "3 (A)", 4: "4 (BBB)", 5: "5 (BBB 미만)"}
BOND_ORDERS = {
    "maturity": "만기 빠른 순",
    "coupon": "표면금리 높은 순",
    "risk": "위험 낮은 순",
    "balance": "잔액 큰 순",
    "name": "이름 순",
}


def saver_rows(offers: Sequence[SaverOffer]) -> Rows:
    """Return deposits or savings, each with its term."""
    header = (
        *("상품", "금융회사", "권역", "기간", "이자", "적립", "기본금리", "최고금리"),
        *("가입 제한", "한도", "공시월", "우대 조건"),
    )
    cells = [
        [
            _line(one.product),
            _line(one.company),
            GROUPS.get(one.group or "", MISSING),
            _months(one.term_months),
            one.interest or MISSING,
            one.instalment or MISSING,
            pct(one.base_rate_pct),
            pct(one.best_rate_pct),
            JOIN_DENY.get(one.join_deny or "", MISSING),
            krw(one.limit_krw),
            _month(one.dcls_month),
            _line(one.conditions),
        ]
        for one in offers
    ]
    return Rows(header, cells)


def best_rows(offers: Sequence[SaverOffer]) -> Rows:
    """Return the best offer of each term."""
    header = ("기간", "최고금리", "기본금리", "금융회사", "상품", "우대 조건")
    cells = [
        [
            _months(one.term_months),
            pct(one.best_rate_pct),
            pct(one.base_rate_pct),
            _line(one.company),
            _line(one.product),
            _line(one.conditions),
        ]
        for one in offers
    ]
    return Rows(header, cells, "누구나 가입할 수 있는 상품만 견주었습니다. 세전 연이율입니다.")


def annuity_rows(offers: Sequence[AnnuityOffer]) -> Rows:
    """Return pension savings."""
    header = (
        *("상품", "금융회사", "권역", "종류", "유형", "평균 수익률", "공시이율"),
        *("1년 전", "2년 전", "3년 전", "공시월", "최저보증"),
    )
    cells = [
        [
            _line(one.product),
            _line(one.company),
            GROUPS.get(one.group or "", MISSING),
            _line(one.pension_kind),
            _line(one.product_type),
            pct(one.average_return_pct),
            pct(one.disclosed_rate_pct),
            pct(one.return_1_pct),
            pct(one.return_2_pct),
            pct(one.return_3_pct),
            _month(one.dcls_month),
            _line(one.guaranteed_rate),
        ]
        for one in offers
    ]
    return Rows(header, cells, "수익률은 과거의 연 수익률이며 앞으로의 수익을 보장하지 않습니다.")


def home_loan_rows(offers: Sequence[HomeLoan]) -> Rows:
    """Return loans on houses or for rented homes."""
    header = (
        *("상품", "금융회사", "권역", "담보", "상환", "금리 종류", "최저", "최고"),
        *("지난달 평균", "공시월", "한도"),
    )
    cells = [
        [
            _line(one.product),
            _line(one.company),
            GROUPS.get(one.group or "", MISSING),
            one.house or MISSING,
            one.repayment or MISSING,
            one.rate_kind or MISSING,
            pct(one.lowest_pct),
            pct(one.highest_pct),
            pct(one.average_pct),
            _month(one.dcls_month),
            _line(one.limit),
        ]
        for one in offers
    ]
    return Rows(
        header, cells, "지난달 평균은 실제 대출의 평균이어서 최저와 최고 밖에 있을 수 있습니다."
    )


def credit_loan_rows(offers: Sequence[CreditLoan]) -> Rows:
    """Return loans on credit, with their rates by credit score."""
    header = ("상품", "금융회사", "권역", "대출 종류", "평균", *GRADES.values(), "평가사", "공시월")
    cells = [
        [
            _line(one.product),
            _line(one.company),
            GROUPS.get(one.group or "", MISSING),
            one.credit_kind or MISSING,
            pct(one.average_pct),
            *(pct(rate) for rate in one.rates_pct),
            _line(one.bureau),
            _month(one.dcls_month),
        ]
        for one in offers
    ]
    return Rows(header, cells, "“–”는 그 점수대에 대출이 없었다는 뜻입니다.")


def bond_rows(found: Sequence[Bond]) -> Rows:
    """Return bonds with their terms and ratings."""
    header = (
        *("종목", "ISIN", "발행인", "구분", "종류", "표면금리", "금리 변동", "만기일"),
        *("남은 기간", "잔액", "신용등급", "위험", "순위", "기준일"),
    )
    return Rows(
        header, [_bond(one) for one in found], "평가한 곳이 없는 채권은 위험 수준이 “–”입니다."
    )


def _bond(one: Bond) -> list[object]:
    years = one.maturity_years
    return [
        _line(one.name),
        one.isin,
        _line(one.issuer),
        BOND_TYPES.get(one.bond_type or "", MISSING),
        one.kind or MISSING,
        pct(one.coupon_rate_pct),
        one.rate_change_kind or MISSING,
        "영구채" if one.is_perpetual else wording.day(one.maturity_date),
        MISSING if years is None else f"{number(years, 1)}년",
        _amount(one.balance, one.currency),
        one.credit_rating or MISSING,
        number(one.risk_level),
        one.seniority or MISSING,
        wording.day(one.base_date),
    ]


def _amount(value: int | None, currency: str | None) -> str:
    if value is None or currency == "KRW":
        return krw(value)
    return f"{number(value)} {currency or '(통화 미상)'}"


def _line(text: str | None) -> str:
    """Return a text of the upstream on one line."""
    return " ".join((text or "").split()) or MISSING


def _months(term: int | None) -> str:
    return MISSING if term is None else f"{term}개월"


def _month(text: str | None) -> str:
    """Return a month of disclosure, which comes as YYYYMM."""
    return f"{text[:4]}-{text[4:]}" if text and len(text) == len("YYYYMM") else text or MISSING
