"""FinanceDataReader: listings and daily prices, from wherever the library takes them.

The library runs unmodified in a child process with a time limit (`fdr_worker.py`). What is handed
out are the texts and numbers of the answers themselves; the library's own frame must agree with
them, row by row. Listings: it asks KRX for the latest trading day, then reads the file of that
name from its authors' cache; the file's name is the day of collection, a weekend file repeats
Friday, and during a session the file is rewritten. Prices: see `fdr_prices.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from stock_pipeline.errors import BadPayload, NetworkError, ServerError, Timeout
from stock_pipeline.market_calendar import FIRST_DAY, LAST_DAY, MarketCalendar
from stock_pipeline.sources import fdr_child
from stock_pipeline.sources.fdr_child import Question, Report, failure_of
from stock_pipeline.sources.fdr_listing import Kind, Listing, read_listing, require_same_listing
from stock_pipeline.sources.fdr_prices import (
    Days,
    Prices,
    Site,
    read_prices,
    require_same_prices,
    site_of,
)
from stock_pipeline.sources.krx import KRX
from stock_pipeline.sources.retry import WAITS
from stock_pipeline.sources.transport import (
    Archived,
    Exchange,
    NotArchived,
    Payload,
    Transport,
    Upstream,
)
from stock_pipeline.sources.transport_wire import Answer
from stock_pipeline.sources.yahoo_chart import READABLE

__all__ = ["FDR", "Fdr", "Kind", "Listing", "Prices"]

FDR = Upstream("FDR", pace=1.0, setting="")

# How often the library asks KRX for the latest trading day before it reads the file.
KRX_REQUESTS: dict[Kind, int] = {"KRX": 2, "KRX-DESC": 1, "KRX-DELISTING": 1}

OK, NOT_FOUND = 200, 404
REFUSED = (401, 403)


@dataclass(frozen=True)
class _Asked:
    """A question for prices."""

    symbol: str
    days: Days

    @property
    def site(self) -> Site:
        return site_of(self.symbol)

    @property
    def operation(self) -> str:
        return f"prices {self.symbol}"

    @property
    def params(self) -> dict[str, str]:
        start, end = self.days
        return {"symbol": self.symbol, "start": start.isoformat(), "end": end.isoformat()}

    @property
    def requests(self) -> int:
        """Return how many requests it takes: the cache has a file a year."""
        start, end = self.days
        return end.year - start.year + 1 if self.site == "cache" else 1

    @property
    def arguments(self) -> tuple[str, ...]:
        """Return what to ask the library to get all these days.

        For Yahoo it turns both into midnights of UTC and leaves out the last; the summer days of
        the currency markets begin before theirs.
        """
        start, end = self.days
        if self.site == "Yahoo":
            start, end = start - timedelta(days=1), end + timedelta(days=1)
        return ("prices", self.symbol, start.isoformat(), end.isoformat())

    def readable(self, status: int) -> bool:
        """Tell whether an answer of this status has something to read."""
        return status in READABLE if self.site == "Yahoo" else status == OK


class Fdr:
    """Runs FinanceDataReader; `timeout` ends the child, the waits are the operator's settings."""

    def __init__(
        self,
        transport: Transport,
        timeout: float = 30.0,
        max_retries: int = 3,
        base_delay: float = 1.0,
    ) -> None:
        delays = tuple(base_delay * 2**n for n in range(max_retries))
        own = {Timeout: delays, ServerError: delays, NetworkError: delays, BadPayload: delays[:1]}
        self._transport = transport
        self._timeout = timeout
        self._upstream = replace(FDR, waits={**WAITS, **own})

    @property
    def replaying(self) -> bool:
        """Tell whether answers come from the raw archive, also those of days gone by."""
        return self._transport.archive.replaying

    def listing(self, kind: Kind) -> Payload[Listing]:
        """Return the listing of the latest trading day.

        kind    KRX prices and size · KRX-DESC industry and products · KRX-DELISTING all delistings
        Raises  SchemaDrift for a missing column, BadPayload when file and library disagree
        """
        operation = f"listing {kind}"
        if self.replaying:
            return self._replayed_listing(kind, operation)
        return self._transport.attempt(
            self._upstream, operation, lambda: self._listing(kind, operation)
        )

    def prices(self, symbol: str, start: date, end: date) -> Payload[Prices]:
        """Return the daily prices of a symbol from `start` to `end`, days of its exchange.

        symbol   KS11, KQ11, KS200 · a Korean code · what Yahoo knows, also as BTC/KRW, USD/KRW
        Missing  no rows when nothing was traded in these days, and for a code Naver does not know
        Caveats  a day that is not over yet comes as well, with the prices of the moment
        Raises   BadPayload for a symbol Yahoo does not know and when answer and library disagree,
                 ServerError for a missing file of a year with a finished session
        """
        asked = _Asked(symbol, (start, end))
        if self.replaying:
            return self._replayed_prices(asked)
        # Each of the sites has its pace, and only the one that refuses is no longer asked.
        upstream = replace(self._upstream, allowance=asked.site)
        return self._transport.attempt(
            upstream, asked.operation, lambda: self._prices(upstream, asked)
        )

    def _listing(self, kind: Kind, operation: str) -> Payload[Listing]:
        for _ in range(KRX_REQUESTS[kind]):
            self._transport.admit(KRX, f"bundle for {kind}")
        self._transport.admit(self._upstream, operation)
        pace = self._transport.pace(KRX)
        question = Question(operation, ("listing", kind), pace, self._timeout)
        report = fdr_child.run(question, self._transport.scrubber)
        fetched_at = self._transport.clock.now()
        if any(request.blocked for request in report.requests):
            raise self._transport.blocked(KRX, f"bundle for {kind}", "block page")
        for request in report.requests:
            if request.failed:
                raise failure_of(request, fetched_at)
        if report.frame is None:
            raise _library_failed(operation, report)
        file = report.requests[-1]
        listing = read_listing(kind, file.name, file.answer.body)
        require_same_listing(kind, report.frame, listing.rows)
        params, body = {"work_date": file.name}, file.answer.body
        self._transport.archive.store(
            Exchange("FDR", operation, params, fetched_at, "text/csv; charset=utf-8", body)
        )
        return Payload(listing, fetched_at)

    def _replayed_listing(self, kind: Kind, operation: str) -> Payload[Listing]:
        found = self._transport.archive.find("FDR", operation, {})
        if not found:
            raise NotArchived("FDR", operation)
        newest: Archived = max(found, key=lambda exchange: exchange.fetched_at)
        listing = read_listing(kind, newest.params["work_date"], newest.body)
        return Payload(listing, newest.fetched_at)

    def _prices(self, upstream: Upstream, asked: _Asked) -> Payload[Prices]:
        for _ in range(asked.requests):
            self._transport.admit(upstream, asked.operation)
        pace = self._transport.pace(upstream)
        timeout = self._timeout + pace * (asked.requests - 1)
        question = Question(asked.operation, asked.arguments, pace, timeout)
        report = fdr_child.run(question, self._transport.scrubber)
        fetched_at = self._transport.clock.now()
        answers = self._answers(upstream, asked, report)
        found = read_prices(asked.symbol, asked.days, answers, self._transport.scrubber)
        if report.frame is None and found.sent.height:
            raise _library_failed(asked.operation, report)
        require_same_prices(asked.operation, report.frame, found.sent)
        for name, answer in answers.items():
            params = {**asked.params, "name": name}
            self._transport.archive.store(
                Exchange(
                    "FDR", asked.operation, params, fetched_at, answer.content_type, answer.body
                )
            )
        return Payload(found.prices, fetched_at)

    def _answers(self, upstream: Upstream, asked: _Asked, report: Report) -> dict[str, Answer]:
        """Return the answers by name; the library keeps quiet about failures of the cache."""
        if len(report.requests) != asked.requests:
            raise _library_failed(asked.operation, report)
        answers = {}
        for request in report.requests:
            status = request.answer.status
            if request.what == "chart" and status in REFUSED:
                raise self._transport.blocked(upstream, asked.operation, f"HTTP {status}")
            if not request.failure and asked.readable(status):
                answers[request.name] = request.answer
            elif status != NOT_FOUND or self._had_session(asked, request.name):
                raise failure_of(request, self._transport.clock.now())
        return answers

    def _had_session(self, asked: _Asked, name: str) -> bool:
        """Tell whether a missing answer is a loss: early in January there is no file yet."""
        if asked.site != "cache":
            return True
        now = self._transport.clock.now()
        first, last = max(asked.days[0], date(int(name), 1, 1)), min(asked.days[1], LAST_DAY)
        if first < FIRST_DAY:
            return True
        calendar = MarketCalendar(self._transport.clock)
        sessions = calendar.sessions("XKRX", first, min(last, date(int(name), 12, 31)))
        return bool(sessions) and calendar.published_at("XKRX", sessions[0]) <= now

    def _replayed_prices(self, asked: _Asked) -> Payload[Prices]:
        """Read the newest archived answer that covers the days, whatever range it was for."""
        start, end = (day.isoformat() for day in asked.days)

        def covers(params: Mapping[str, str]) -> bool:
            return params["start"] <= start and end <= params["end"]

        found = self._transport.archive.newest_of("FDR", asked.operation, covers)
        if not found:
            raise NotArchived("FDR", asked.operation)
        answers = {
            one.params["name"]: Answer(
                "FDR", asked.operation, 200, {"Content-Type": one.content_type}, one.body
            )
            for one in found
        }
        prices = read_prices(asked.symbol, asked.days, answers, self._transport.scrubber).prices
        return Payload(prices, found[0].fetched_at)


def _library_failed(operation: str, report: Report) -> BadPayload:
    detail = "the library failed on what it got"
    return BadPayload("FDR", operation, detail, sample=report.stderr)
