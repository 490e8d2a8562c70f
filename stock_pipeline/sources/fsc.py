"""Financial Services Commission at data.go.kr: listed shares, prices, bonds, dividends.

Six services of one portal: one address, one envelope, one pager, one key. Each service is applied
for and limited by itself, so a refusal of one leaves the others open. A filter the portal does not
know is ignored without a word: whatever comes is held against the day that was asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from stock_pipeline.errors import BadPayload, SchemaDrift, SettingMissing
from stock_pipeline.sources.fsc_envelope import SETTING, Page, Rows, read_page
from stock_pipeline.sources.transport import Call, Payload, Transport, Upstream
from stock_pipeline.sources.transport_wire import Answer

URL = "https://apis.data.go.kr/1160100/service"
# The limit is that of each service (`allowance`) for a key of the kind "development account".
FSC = Upstream("FSC", pace=0.2, setting=SETTING, daily_limit=10_000)


@dataclass(frozen=True)
class Service:
    """One service and the operation asked of it.

    title  its name on the portal, under which it is applied for
    key    the fields that tell its rows apart; none: rows may be alike
    size   rows per page; an answer of 3,000 price rows is 1 MB, a bond has five times the fields
    most   pages; more than any day or set of ours has, so that no answer can keep us walking
    """

    path: str
    operation: str
    title: str
    key: tuple[str, ...]
    size: int = 3000
    most: int = 10

    @property
    def name(self) -> str:
        """Return how an error calls it."""
        return f"{self.path} ({self.title})"


LISTED_ITEMS = Service(
    "GetKrxListedInfoService", "getItemInfo", "금융위원회_KRX상장종목정보", key=("isinCd",)
)
STOCK_PRICES = Service(
    "GetStockSecuritiesInfoService", "getStockPriceInfo", "금융위원회_주식시세정보", key=("isinCd",)
)
ETF_PRICES = Service(
    "GetSecuritiesProductInfoService",
    "getETFPriceInfo",
    "금융위원회_증권상품시세정보",
    key=("isinCd",),
)
# Names are not unique across families: 'IT 서비스' is one of KOSPI and another of KOSDAQ.
INDICES = Service(
    "GetMarketIndexInfoService",
    "getStockMarketIndex",
    "금융위원회_지수시세정보",
    key=("idxCsf", "idxNm"),
)
# About 19,000 bonds.
BONDS = Service(
    "GetBondIssuInfoService",
    "getBondBasiInfo",
    "금융위원회_채권기본정보",
    key=("isinCd",),
    size=1000,
    most=100,
)
# Every dividend since the 1990s: about 60,000 rows.
DIVIDENDS = Service(
    "GetStocDiviInfoService",
    "getDiviInfo",
    "금융위원회_주식배당정보",
    key=(),
    size=1000,
    most=300,
)


class Fsc:
    """Asks data.go.kr; the key is needed only when something is really sent.

    Every method returns all pages, and nothing unless their rows are as many as announced. No rows
    is an answer: a holiday, a weekend, a day that is not published yet (the next business day
    after 13:00 KST).

    Missing  texts as they come: unset is "" or one blank, fractions have no leading zero (`-.75`)
    Raises   BadPayload when the pages do not add up, or rows of another day come; AuthError and
             QuotaExhausted of one service leave the others open
    """

    def __init__(self, transport: Transport, key: str | None) -> None:
        self._transport = transport
        self._key = key
        transport.scrubber.register(key or "")

    def listed_items(self, day: date) -> Payload[Rows]:
        """Return all shares listed on a day.

        Caveats  `srtnCd` has a leading letter (`A005930`); `crno` of foreign companies may be zeros
        """
        return self._rows(LISTED_ITEMS, day)

    def stock_prices(self, day: date) -> Payload[Rows]:
        """Return prices and size of every share of a day; prices are not adjusted."""
        return self._rows(STOCK_PRICES, day)

    def etf_prices(self, day: date) -> Payload[Rows]:
        """Return prices, net asset value and tracked index of every ETF of a day."""
        return self._rows(ETF_PRICES, day)

    def indices(self, day: date) -> Payload[Rows]:
        """Return every index of a day; one is known by its family and its name together."""
        return self._rows(INDICES, day)

    def bonds(self, day: date) -> Payload[Rows]:
        """Return the master data of every bond as of a business day."""
        return self._rows(BONDS, day)

    def dividends(self) -> Payload[Rows]:
        """Return every dividend of every company.

        Caveats  `basDt` is the day of loading: the same dividend comes under several
        """
        return self._rows(DIVIDENDS)

    def _rows(self, service: Service, day: date | None = None) -> Payload[Rows]:
        pages: list[Page] = []
        while True:
            answer = self._page(service, len(pages) + 1, day)
            pages.append(answer.data)
            got, announced = sum(len(page.rows) for page in pages), answer.data.total
            problem = _contradiction(service, pages, got)
            if problem:
                told = f"{got} rows on {len(pages)} pages, {announced} announced"
                raise BadPayload(FSC.name, service.operation, f"{told}: {problem}")
            if got == announced:
                return Payload([row for page in pages for row in page.rows], answer.fetched_at)

    def _page(self, service: Service, number: int, day: date | None) -> Payload[Page]:
        if self._key is None and not self._transport.archive.replaying:
            where = f"apply for {service.title} at https://www.data.go.kr, take the decoding key"
            raise SettingMissing(SETTING, f"{where} (일반 인증키 Decoding)")
        params = {} if day is None else {"basDt": f"{day:%Y%m%d}"}
        params |= {"numOfRows": str(service.size), "pageNo": str(number), "resultType": "json"}
        url = f"{URL}/{service.path}/{service.operation}"
        call = Call(service.operation, url, params, {"serviceKey": self._key or ""})

        def decode(answer: Answer) -> Page:
            transport = self._transport
            now, scrubber = transport.clock.now(), transport.scrubber
            page = read_page(answer, service.name, now=now, scrubber=scrubber)
            if day is not None and any(row["basDt"] != params["basDt"] for row in page.rows):
                detail = "rows of another day than basDt asks"
                raise BadPayload(FSC.name, service.operation, detail)
            return page

        return self._transport.fetch(replace(FSC, allowance=service.path), call, decode)


def _contradiction(service: Service, pages: list[Page], got: int) -> str:
    """Return why the newest page does not continue the ones before it, "" when it does."""
    *before, last = pages
    if last.total != pages[0].total:
        return f"the first page announced {pages[0].total}"
    if got > last.total:
        return "there are more"
    if got < last.total and not last.rows:
        return "they end early"
    if got < last.total and len(pages) == service.most:
        return "more pages than are believed"
    # Where rows moved between two requests, some stand twice and as many are missing.
    if last in before or _keys(service, [last]) & _keys(service, before):
        return "a row stands on two pages"
    return ""


def _keys(service: Service, pages: list[Page]) -> set[tuple[str, ...]]:
    if not service.key:
        return set()
    try:
        return {tuple(row[name] for name in service.key) for page in pages for row in page.rows}
    except KeyError as error:
        raise SchemaDrift(FSC.name, service.operation, str(error.args[0])) from None
