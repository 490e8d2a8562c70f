"""The CSV cache behind FinanceDataReader's Korean listings and indices.

Speaks raw.githubusercontent.com, folders `data/listing` and `data/index`. A listing carries the day
of its collection: on a weekend it repeats Friday, before the opening the session before, and just
after it dashes. An index has a file for each year.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from stock_pipeline.twin.fdr_index_years import CODES, HEADER, IndexYears
from stock_pipeline.twin.wire import Answer, Request, operation_of
from stock_pipeline.twin.world import Listing, World
from stock_pipeline.twin.world_calendar import KST
from stock_pipeline.twin.world_days import MarketDay

HOSTS = frozenset({"raw.githubusercontent.com"})
STARTUP: frozenset[str] = frozenset()

_DATA = "/FinanceData/fdr_krx_data_cache/refs/heads/master/data"
_PATH = re.compile(_DATA + r"/listing/(krx|desc|delisting)/(\d{4})-(\d\d)-(\d\d)\.csv")
_YEAR_PATH = re.compile(_DATA + rf"/index/year_({'|'.join(CODES)})/(\d{{4}})\.csv")
_PLAIN = "text/plain; charset=utf-8"
# The collector's first round of a day.
_FIRST_ROUND = time(1, 0)
_KRX = (
    "Code,ISU_CD,Name,Market,Dept,Close,ChangeCode,Changes,ChagesRatio,Open,High,Low,Volume,"
    "Amount,Marcap,Stocks,MarketId"
)
_DESC = (
    "Code,Name,Market,Sector,Industry,Products,ListingDate,SettleMonth,Representative,HomePage,"
    "Region"
)
_DELISTING = (
    "Symbol,Name,Market,SecuGroup,Kind,ListingDate,DelistingDate,Reason,ArrantEnforceDate,"
    "ArrantEndDate,Industry,ParValue,ListingShares,ToSymbol,ToName"
)

# Where a line of prices has the market capitalisation, by which the file is ordered.
_CAP_PLACE = 14

Line = tuple[Any, ...]


class FdrCache:
    """The repository's raw files, written from the world when they are asked for."""

    def __init__(self, world: World, now: Callable[[], datetime]) -> None:
        self._world = world
        self._clock = now
        self._years = IndexYears(world)

    def answer(self, request: Request) -> Answer | None:
        """Answer a request for a raw file; what the repository does not hold is 404."""
        if year := _YEAR_PATH.fullmatch(request.path):
            return self._index_year(request, year[1], int(year[2]))
        found = _PATH.fullmatch(request.path)
        if not found:
            return _missing(request)
        kind = found[1]
        try:
            day = date(int(found[2]), int(found[3]), int(found[4]))
        except ValueError:
            return _missing(request)
        moment = self._moment(day)
        if moment is None or self._world.calendar.last_until(day) is None:
            return _missing(request)
        lines = {"krx": self._prices, "desc": self._companies, "delisting": self._delistings}[kind]
        header = {"krx": _KRX, "desc": _DESC, "delisting": _DELISTING}[kind]
        return Answer(200, _csv(header, lines(moment)), _PLAIN, f"listing/{kind}", compress=True)

    def _index_year(self, request: Request, index: str, year: int) -> Answer:
        """Answer with the days of an index in a year, today's as it stands; 404 without any."""
        lines = self._years.lines(index, year, self._now())
        if not lines:
            return _missing(request)
        text = "\n".join([HEADER, *lines, ""])
        return Answer(200, text.encode("utf-8-sig"), _PLAIN, f"index/year_{index}", compress=True)

    def _now(self) -> datetime:
        return self._clock().astimezone(KST)

    def _moment(self, day: date) -> datetime | None:
        """Return when the newest file of a day was collected, None when there is none yet."""
        now = self._now()
        if datetime.combine(day, _FIRST_ROUND, KST) > now:
            return None
        return min(now, datetime.combine(day, time(23, 59), KST))

    def _prices(self, moment: datetime) -> Iterable[Line]:
        listings, shown = self._shown(moment)
        if shown is None:
            ordered = sorted(listings, key=lambda one: one.name)
            return (_unpriced(one) for one in ordered)
        columns = (shown.close, shown.fluctuation, shown.change, shown.change_pct, shown.open)
        more = (shown.high, shown.low, shown.volume, shown.value, shown.market_cap)
        numbers = zip(*(column.tolist() for column in (*columns, *more)), strict=True)
        lines = [
            (*_named(one), *values, one.count, one.market_id)
            for one, values in zip(listings, numbers, strict=True)
        ]
        return sorted(lines, key=lambda line: -line[_CAP_PLACE])

    def _shown(self, moment: datetime) -> tuple[list[Listing], MarketDay | None]:
        """Return the listed shares and prices the exchange showed at a moment."""
        world, day = self._world, moment.date()
        hours = world.hours(day)
        if hours and moment >= hours[0]:
            return world.listings(day), world.day_at(day, moment)
        session = world.calendar.last_until(day - timedelta(days=1))
        return (world.listings(session), world.day(session)) if session else ([], None)

    def _companies(self, moment: datetime) -> Iterable[Line]:
        ordered = sorted(self._world.listings(moment.date()), key=lambda one: one.name)
        return (self._company(one) for one in ordered)

    def _company(self, one: Listing) -> Line:
        named = (one.share.ticker, one.name, one.market, one.section)
        if one.share.preferred:
            return (*named, *[""] * 7)
        company = self._world.companies[one.share.company]
        return (
            *named,
            company.industry,
            company.products,
            one.share.listed.isoformat(),
            f"{company.settle_month:02d}월",
            company.representative,
            "" if company.index % 9 == 0 else f"http://www.{company.corp_code}.example",
            company.region,
        )

    def _delistings(self, moment: datetime) -> Iterator[Line]:
        # The collector asks for two years at a time and gets each piece in the order of names.
        lines = self._world.delistings(moment.date())
        for one in sorted(lines, key=lambda line: (line.delisted.year // 2, line.name)):
            yield (
                one.symbol,
                one.name,
                one.market,
                one.group,
                one.kind,
                one.listed,
                one.delisted,
                one.reason,
                one.liquidation or "",
                one.delisted if one.liquidation else "",
                one.sector,
                "" if one.par is None else float(one.par),
                "" if one.count is None else float(one.count),
                one.to_symbol,
                one.to_name,
            )


def _named(one: Listing) -> tuple[str, str, str, str, str]:
    return one.share.ticker, one.share.isin, one.name, one.market, one.section


def _unpriced(one: Listing) -> Line:
    """Return the line of a share before the first prices of a day."""
    return (*_named(one), "-", 3, *[""] * 8, one.count, one.market_id)


def _csv(header: str, lines: Iterable[Line]) -> bytes:
    """Write lines as pandas does: an unnamed index, quotes where needed, a byte order mark."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    text.write(f",{header}\n")
    writer.writerows((number, *line) for number, line in enumerate(lines))
    return text.getvalue().encode("utf-8-sig")


def _missing(request: Request) -> Answer:
    return Answer(404, b"404: Not Found", _PLAIN, operation_of(request))


UPSTREAM = FdrCache
