"""One share: who it is, what it cost on a day, and how its price compares with what it earns.

What a share is called and how much of it is listed comes from its price row, so that a page about
an earlier day names it as it was named then. The listing knows only the present.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from stock_pipeline.storage.database import Database

# A listed share is in every session's list, through every halt too: see `price_adjustment`.
ABSENT_AT_MOST = timedelta(days=30)
_COMMON_ENDS_WITH = "0"


@dataclass(frozen=True)
class Stock:
    """A share as the newest listing knows it.

    filer         code of the company's common share, under which its reports are filed
    is_listed     None: no listing has named it yet, only prices
    """

    ticker: str
    name: str
    filer: str
    market: str | None = None
    section: str | None = None
    industry: str | None = None
    share_kind: str | None = None
    isin: str | None = None
    corp_code: str | None = None
    settle_month: int | None = None
    listing_date: date | None = None
    delisting_date: date | None = None
    first_seen_date: date | None = None
    last_seen_date: date | None = None
    is_listed: bool | None = None

    def last_day(self, as_of: date) -> date:
        """Return the last day up to `as_of` on which it can have a price."""
        if self.is_listed is False and self.last_seen_date is not None:
            return min(as_of, self.last_seen_date)
        return as_of

    def has_left(self, as_of: date) -> bool:
        """Tell whether it was no longer listed on a day, by the rule of `stocks_asof`."""
        if self.is_listed is not False:
            return False
        if self.delisting_date is not None:
            return as_of >= self.delisting_date
        return self.last_seen_date is None or as_of > self.last_seen_date


@dataclass(frozen=True)
class Quote:
    """The raw price row of a session.

    Units    KRW; volume and shares in shares; change_pct in percent of the base price
    Missing  open, high and low without a trade
    """

    session: date
    name: str
    market: str
    section: str | None
    open: int | None
    high: int | None
    low: int | None
    close: int
    volume: int
    value: int
    change: int
    change_pct: float
    base_price: int
    market_cap: int
    shares: int
    is_halted: bool


@dataclass(frozen=True)
class Multiples:
    """What a price is in relation to the annual statement that counts on its day.

    Missing  per when nothing is earned, pbr without equity, both when the statement is not in KRW
             or there is none; the yield when nothing was paid in a year
    """

    per: float | None
    pbr: float | None
    dividend_yield_pct: float | None


@dataclass(frozen=True)
class Departure:
    """How a share left the exchange."""

    day: date
    reason: str | None
    to_ticker: str | None
    to_name: str | None


@dataclass(frozen=True)
class Found:
    """A share that a search found."""

    ticker: str
    name: str
    market: str | None
    industry: str | None
    is_active: bool
    delisting_date: date | None


def filer_of(ticker: str) -> str:
    """Return the code of the company's common share: the same but for its last place."""
    return ticker[:-1] + _COMMON_ENDS_WITH


def month_up_to(last: date) -> list[date]:
    """Return the days on which a listed share must have been seen.

    Prices and scores are keyed by day, then share: naming the days makes each row one look-up.
    """
    return [last - timedelta(days=back) for back in range(ABSENT_AT_MOST.days + 1)]


def stock(db: Database, ticker: str, *, today: date) -> Stock | None:
    """Return a share that is or was listed; None when nothing stored names it.

    today  a share too new for the weekly listing is known by a price shortly before this day
    """
    rows = db.read(_STOCK, {"ticker": ticker}).to_dicts()
    if rows:
        return Stock(**rows[0], filer=filer_of(ticker))
    traded = quote(db, ticker, last=today)
    if traded is None:
        return None
    return Stock(ticker, traded.name, filer_of(ticker), market=traded.market)


_STOCK = """
SELECT ticker, coalesce(name, ticker) AS name, market, section, industry, share_kind, isin,
    corp_code, settle_month, listing_date, delisting_date, first_seen_date, last_seen_date,
    is_active AS is_listed
FROM stocks WHERE ticker = :ticker
"""


def quote(db: Database, ticker: str, *, last: date) -> Quote | None:
    """Return the newest price row of a share up to a day.

    Missing  None when it was not in the exchange's list for a month before
    """
    rows = db.read(_QUOTE, {"ticker": ticker, "days": month_up_to(last)}).to_dicts()
    return Quote(**rows[0]) if rows else None


_QUOTE = """
SELECT trade_date AS session, name, market, section, open, high, low, close, volume, value,
    change, change_pct, base_price, market_cap, shares, is_halted
FROM stock_price_daily WHERE ticker = :ticker AND trade_date = ANY(:days)
ORDER BY trade_date DESC LIMIT 1
"""


def multiples(db: Database, ticker: str, quoted: Quote) -> Multiples:
    """Return PER, PBR and dividend yield of a price, by the rules of the view `stock_screener`."""
    found = db.read(
        _MULTIPLES,
        {
            "ticker": ticker,
            "as_of": quoted.session,
            "market_cap": quoted.market_cap,
            "close": quoted.close,
        },
    )
    return Multiples(**found.row(0, named=True))


_MULTIPLES = """
WITH dividends AS (
    SELECT origin, sum(dps_period_krw * since_record::numeric)::double precision AS per_share
    FROM dividend_history h, LATERAL (
        SELECT product(factor ORDER BY ex_date DESC) AS since_record FROM price_adjustment a
        WHERE a.ticker = h.ticker AND ex_date > record_date AND ex_date <= :as_of
    ) later
    WHERE ticker = :ticker AND record_date > CAST(:as_of AS date) - 365
        AND record_date <= :as_of AND dps_period_krw IS NOT NULL
        AND coalesce(left(rcept_no, 8)::date, record_date) <= :as_of
    GROUP BY origin ORDER BY origin = 'FSC' DESC LIMIT 1
)
SELECT CASE WHEN f.net_income > 0 THEN
        round(CAST(:market_cap AS numeric) / f.net_income, 2)::double precision END AS per,
    CASE WHEN f.total_equity > 0 THEN
        round(CAST(:market_cap AS numeric) / f.total_equity, 2)::double precision END AS pbr,
    d.per_share / nullif(CAST(:close AS bigint), 0) * 100 AS dividend_yield_pct
FROM (SELECT 1) one
LEFT JOIN dividends d ON true
LEFT JOIN annual_statement_of(:ticker, :as_of) f ON coalesce(f.currency, 'KRW') = 'KRW'
"""


def departure(db: Database, ticker: str, delisted: date | None) -> Departure | None:
    """Return how a share left on a day; None when it did not, or nobody tells how."""
    rows = db.read(
        "SELECT delisting_date AS day, reason, to_ticker, to_name FROM stock_delisting"
        " WHERE ticker = :ticker AND delisting_date = :day",
        {"ticker": ticker, "day": delisted},
    ).to_dicts()
    return Departure(**rows[0]) if rows else None


def search(db: Database, words: str, *, count: int = 50) -> Sequence[Found]:
    """Return shares whose code or name contains the words, listed ones and exact ones first."""
    found = db.read(
        "SELECT ticker, coalesce(name, ticker) AS name, market, industry, is_active,"
        " delisting_date FROM stocks"
        " WHERE strpos(upper(ticker), :words) > 0 OR strpos(upper(name), :words) > 0"
        " ORDER BY (ticker = :words OR upper(name) = :words) DESC, is_active DESC,"
        " strpos(upper(name), :words) = 1 DESC, name, ticker LIMIT :count",
        {"words": words.strip().upper(), "count": count},
    )
    return [Found(**row) for row in found.to_dicts()]
