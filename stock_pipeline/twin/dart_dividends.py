"""The dividend section of a periodic report as alotMatter writes it, after recorded answers.

Units stand in the labels, a dash is none, losses carry a minus, a triangle or brackets. Amounts of
a report are those of the year so far, beside the two whole years before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from stock_pipeline.twin.dart_statements import Statement, bases
from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_companies import Company, Share
from stock_pipeline.twin.world_dividends import Dividend
from stock_pipeline.twin.world_filings import Report, period_end
from stock_pipeline.twin.world_ledger import KRW_PER_USD, separate

Row = dict[str, str]

_MILLION = 1_000_000
_NONE = "-"
_CLASSES = {"KOSPI": "Y", "KOSDAQ": "K", "KOSDAQ GLOBAL": "K", "KONEX": "N", None: "E"}
# By the last character of the share's code.
_KINDS = {"0": "보통주", "5": "우선주", "7": "2우선주B", "K": "3우선주(전환)"}
_LOSSES = ("-{}", "({})", "△{}")
# Answers about these years have fewer keys.
_LAST_OLD_YEAR = 2020
# Every so many companies: a row for preferred shares that it does not have, a yield on the par.
_TEMPLATE, _ON_PAR = 5, 29

# Value of one term, or of one share in one term, as text.
_Told = Callable[["_Term"], str]


@dataclass(frozen=True)
class _Term:
    """One business year, or the part of it that is over, as one report tells it.

    incomes    net income of the group and of the parent, in KRW; None where there is no group
    dividends  all shares' dividends of the periods that are over
    """

    end: date
    incomes: tuple[int | None, int]
    dividends: tuple[Dividend, ...]

    def cash(self, share: Share) -> int:
        """Return what a share got so far, in KRW."""
        return sum(paid.cash for paid in self.dividends if paid.share == share)

    def given(self, share: Share) -> int:
        """Return how many shares 1,000 of them got so far."""
        return sum(paid.given for paid in self.dividends if paid.share == share)

    def close(self, share: Share) -> int:
        """Return the price at the end of the last period that was paid for, 0 without one."""
        return next((d.close for d in reversed(self.dividends) if d.share == share), 0)


def rows(world: World, company_index: int, year: int, quarter: int, today: date) -> list[Row]:
    """Return the section of the newest version of a report; nothing without report or section."""
    report = world.filings.newest(company_index, year, quarter, today)
    company = world.companies[company_index]
    # A blank cheque's report has no such section.
    if report is None or company.role == "spac":
        return []
    market = world.market(world.shares[company_index], today)
    head = {
        "rcept_no": report.rcept_no,
        "corp_cls": _CLASSES[market],
        "corp_code": company.corp_code,
        "corp_name": world.name(world.shares[company_index], today),
    }
    terms = [_term(world, report, back) for back in range(3)]
    is_old = year <= _LAST_OLD_YEAR
    tail = {} if is_old else {"stlm_dt": terms[0].end.isoformat()}
    found = []
    for label, kind, told in _lines(world, company):
        values = dict(zip(("thstrm", "frmtrm", "lwfr"), map(told, terms), strict=True))
        named = {} if is_old and kind == _NONE else {"stock_knd": kind}
        found.append({**head, "se": label, **named, **values, **tail})
    return found


def _term(world: World, report: Report, back: int) -> _Term:
    """Return the report's own term, or a whole business year before it."""
    company = world.companies[report.company]
    year, quarter = report.year - back, 3 if back else report.quarter
    over = (d for d in world.dividends.of(company.index) if d.year == year and d.quarter <= quarter)
    has_group = "CFS" in bases(company)
    group = _net_income(world, report, back, "CFS") if has_group else None
    return _Term(
        period_end(company, year, quarter),
        (group, _net_income(world, report, back, "OFS")),
        tuple(over),
    )


def _net_income(world: World, report: Report, back: int, basis: str) -> int:
    """Return net income as the report's statements have it, in KRW."""
    company = world.companies[report.company]
    if back:
        amounts = world.filings.ledger.cumulative(company.index, report.year - back, 3)
        amounts = separate(amounts) if basis == "OFS" else amounts
    else:
        amounts = Statement(world.filings, report, basis).now.cumulative
    return amounts["net_income"] * (KRW_PER_USD if company.role == "usd" else 1)


def _lines(world: World, company: Company) -> Iterator[tuple[str, str, _Told]]:
    """Yield label, kind of share and value of each row, in the order of recorded answers."""
    shares = world.dividends.shares(company.index)
    common, loss = shares[0], _LOSSES[company.index % 3]

    def income(place: int) -> _Told:
        return lambda term: _million(term.incomes[place], loss)

    def per_share(term: _Term) -> str:
        earned = term.incomes[0]
        return _NONE if earned is None else _signed(round(earned / common.count), loss)

    yield "주당액면가액(원)", _NONE, lambda term: f"{world.dividends.par(common, term.end):,}"
    yield "(연결)당기순이익(백만원)", _NONE, income(0)
    yield "(별도)당기순이익(백만원)", _NONE, income(1)
    yield "(연결)주당순이익(원)", _NONE, per_share
    yield "현금배당금총액(백만원)", _NONE, lambda term: _amount(_total(term) // _MILLION)
    yield "주식배당금총액(백만원)", _NONE, lambda term: _NONE
    yield "(연결)현금배당성향(%)", _NONE, _payout
    kinds = _kinds(company, shares)
    for label, told in (
        ("현금배당수익률(%)", _yield_of(world, company)),
        ("주식배당수익률(%)", lambda term, share: _percent(term.given(share) / 10)),
        ("주당 현금배당금(원)", lambda term, share: _amount(term.cash(share))),
        ("주당 주식배당(주)", lambda term, share: _fraction(term.given(share))),
    ):
        for kind, share in kinds:
            yield label, kind, _of_share(told, share)


def _of_share(told: Callable[[_Term, Share], str], share: Share | None) -> _Told:
    return lambda term: _NONE if share is None else told(term, share)


def _kinds(company: Company, shares: Sequence[Share]) -> list[tuple[str, Share | None]]:
    """Return the company's kinds of share; some fill in a kind that they do not have."""
    named: list[tuple[str, Share | None]] = [
        (_KINDS[share.ticker[-1] if share.preferred else "0"], share) for share in shares
    ]
    if len(named) == 1 and company.index % _TEMPLATE == 0:
        named.append((_KINDS["5"], None))
    return named


def _yield_of(world: World, company: Company) -> Callable[[_Term, Share], str]:
    def told(term: _Term, share: Share) -> str:
        on_par = company.index % _ON_PAR == 3
        against = world.dividends.par(share, term.end) if on_par else term.close(share)
        return _percent(term.cash(share) / against * 100 if against else 0)

    return told


def _total(term: _Term) -> int:
    return sum(paid.cash * paid.count for paid in term.dividends)


def _payout(term: _Term) -> str:
    earned = term.incomes[0] or 0
    return _percent(_total(term) / earned * 100) if earned > 0 else _NONE


def _million(amount: int | None, loss: str) -> str:
    return _NONE if amount is None else _signed(round(amount / _MILLION), loss)


def _signed(amount: int, loss: str) -> str:
    return loss.format(f"{-amount:,}") if amount < 0 else f"{amount:,}"


def _amount(amount: int) -> str:
    return f"{amount:,}" if amount else _NONE


def _percent(value: float) -> str:
    return f"{value:,.2f}" if value else _NONE


def _fraction(per_thousand: int) -> str:
    return f"{per_thousand / 1000:.2f}" if per_thousand else _NONE
