"""The books of the world's companies: one line per company and quarter, in KRW."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from stock_pipeline.twin.world_companies import Company, Share
from stock_pipeline.twin.world_ticks import Floats

# Flows of three months; balances at the end of a quarter. Sums of the flows over a fiscal year
# give the cumulative amounts.
FLOWS = (
    "revenue",
    "operating_income",
    "pretax_income",
    "net_income",
    "comprehensive_income",
    "operating_cash_flow",
    "investing_cash_flow",
    "financing_cash_flow",
)
BALANCES = (
    "assets",
    "current_assets",
    "liabilities",
    "current_liabilities",
    "capital",
    "retained_earnings",
    "equity",
)
LINES = (*FLOWS, *BALANCES)
KRW_PER_USD = 1_300
_PAR = 500

Amounts = dict[str, int]


class Ledger:
    """The books, drawn year by year so that a past year does not depend on the last one."""

    def __init__(
        self, seed: int, companies: list[Company], shares: list[Share], years: range
    ) -> None:
        self._companies = companies
        self._years = years
        rng = np.random.default_rng([seed, 5])
        count = len(companies)
        commons = shares[:count]
        cap = np.array([share.price * share.count for share in commons], dtype=float)
        self._capital = np.array([share.count * _PAR for share in commons], dtype=float)
        self._margin = rng.normal(0.065, 0.075, count)
        self._leverage = np.exp(rng.normal(-0.3, 0.7, count))
        self._equity = cap / np.exp(rng.normal(0.05, 0.55, count))
        self._sales = self._equity * np.exp(rng.normal(0.1, 0.6, count))
        roles = np.array([company.role for company in companies])
        self._impaired, self._biotech = roles == "impaired", roles == "biotech"
        self._idle = self._biotech | (roles == "spac")
        self._margin[self._biotech] = -0.15
        # One place per year, quarter, company and line: flows first, then balances.
        self._books = np.zeros((len(years), 4, count, len(LINES)), np.int64)
        for place, year in enumerate(years):
            self._year(np.random.default_rng([seed, 6, year]), place)

    def amounts(self, company: int, year: int, quarter: int) -> Amounts:
        """Return one quarter of the group: flows of its three months, balances at its end.

        Units    KRW, for the company that reports in USD: USD
        """
        book = self._books[year - self._years.start, quarter, company]
        return self._told(company, book.tolist())

    def cumulative(self, company: int, year: int, quarter: int) -> Amounts:
        """Return the same with flows since the beginning of the fiscal year."""
        book = self._books[year - self._years.start, : quarter + 1, company]
        flows = book[:, : len(FLOWS)].sum(axis=0)
        return self._told(company, [*flows.tolist(), *book[-1, len(FLOWS) :].tolist()])

    def _told(self, company: int, book: list[int]) -> Amounts:
        if self._companies[company].role == "usd":
            book = [amount // KRW_PER_USD for amount in book]
        told = dict(zip(LINES, book, strict=True))
        # Rounding down must not break the identity of the balance sheet.
        told["assets"] = told["liabilities"] + told["equity"]
        return told

    def _year(self, rng: Generator, place: int) -> None:
        count = len(self._companies)
        self._sales *= np.exp(rng.normal(0.04, 0.10, count))
        margin = self._margin + rng.normal(0, 0.03, count)
        for quarter in range(4):
            season = 0.25 * np.exp(rng.normal(0, 0.08, count))
            revenue = np.where(self._idle, 0, self._sales * season)
            operating = self._sales * season * (margin + rng.normal(0, 0.02, count))
            self._quarter(rng, (place, quarter), revenue, operating)

    def _quarter(
        self, rng: Generator, at: tuple[int, int], revenue: Floats, operating: Floats
    ) -> None:
        count = len(revenue)
        pretax = operating + 0.01 * self._sales * rng.normal(0, 1, count)
        net = pretax * np.where(pretax > 0, 0.78, 1.0)
        paid = 0.25 * np.maximum(net, 0)
        self._equity = self._equity + net - paid
        # An impaired company's losses have eaten its capital; others are kept afloat.
        afloat = np.maximum(self._equity, 0.15 * self._capital)
        self._equity = np.where(self._impaired, -0.2 * self._capital, afloat)
        leverage = self._leverage * np.exp(rng.normal(0, 0.05, count))
        liabilities = leverage * np.abs(self._equity) * (1 + 4 * self._impaired)
        assets = self._equity + liabilities
        operating_cash = net + 0.01 * assets * rng.normal(1, 0.5, count)
        investing_cash = -0.012 * assets * rng.normal(1, 0.6, count)
        values = {
            "revenue": revenue,
            "operating_income": operating,
            "pretax_income": pretax,
            "net_income": net,
            "comprehensive_income": net + 0.002 * assets * rng.normal(0, 1, count),
            "operating_cash_flow": operating_cash,
            "investing_cash_flow": investing_cash,
            "financing_cash_flow": -0.8 * (operating_cash + investing_cash) - paid,
            "assets": assets,
            "current_assets": assets * 0.45,
            "liabilities": liabilities,
            "current_liabilities": liabilities * 0.62,
            "capital": self._capital,
            "retained_earnings": self._equity - 1.4 * self._capital,
            "equity": self._equity,
        }
        for line, name in enumerate(LINES):
            self._books[at][:, line] = np.rint(values[name])


def separate(told: Amounts) -> Amounts:
    """Return what a parent shows without its subsidiaries: seven tenths of everything."""
    alone = {name: amount * 7 // 10 for name, amount in told.items()}
    alone["assets"] = alone["liabilities"] + alone["equity"]
    return alone


def corrected(told: Amounts) -> Amounts:
    """Return what a correction says: less profit, more debt, the same identity."""
    loss = abs(told["net_income"]) // 10 + told["liabilities"] // 50
    amended = dict(told)
    for name in ("operating_income", "pretax_income", "net_income", "comprehensive_income"):
        amended[name] -= loss
    for name in ("equity", "retained_earnings"):
        amended[name] -= loss
    amended["liabilities"] += loss
    return amended
