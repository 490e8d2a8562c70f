"""The exchange's data site as pykrx and FinanceDataReader meet it.

Speaks data.krx.co.kr: the login, the all-stock day, the two stock finders, the latest trading day,
and the day and the lists of funds and indices.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta

import orjson

from stock_pipeline.twin import krx_markets
from stock_pipeline.twin.krx_login import Logins, new_cookie
from stock_pipeline.twin.wire import Answer, Request, day_of, operation_of
from stock_pipeline.twin.world import Listing, World
from stock_pipeline.twin.world_calendar import KST
from stock_pipeline.twin.world_days import MarketDay

HOSTS = frozenset({"data.krx.co.kr"})
# Answered by the twin even when recorded payloads are replayed.
STARTUP = frozenset({"MDCCOMS001", "login.jsp", "MDCCOMS001D1", "B128", "B161"})

_HTML = "text/html; charset=utf-8"
_PAGE = b"<!DOCTYPE html><html><head><title>KRX</title></head><body></body></html>"
_LOGIN = "/contents/MDC/COMS/client/"
_DATA = "/comm/bldAttendant/getJsonData.cmd"
_BUNDLE = "/comm/bldAttendant/executeForResourceBundle.cmd"
_MARKET_NAMES = {"STK": "유가증권", "KSQ": "코스닥", "KNX": "코넥스"}
_MARKET_IDS = {"KOSPI": "STK", "KOSDAQ": "KSQ", "KONEX": "KNX"}
_PRICE_FIELDS = (
    "TDD_CLSPRC",
    "FLUC_TP_CD",
    "CMPPREVDD_PRC",
    "FLUC_RT",
    "TDD_OPNPRC",
    "TDD_HGPRC",
    "TDD_LWPRC",
    "ACC_TRDVOL",
    "ACC_TRDVAL",
    "MKTCAP",
)

Row = dict[str, str]


class Krx:
    """data.krx.co.kr, played from the world."""

    def __init__(self, world: World, now: Callable[[], datetime]) -> None:
        self._world = world
        self._clock = now
        self._logins = Logins(now)

    def answer(self, request: Request) -> Answer | None:
        """Answer a request, None when the site is not played so far."""
        cookie = _cookie(request)
        if request.path.startswith(_LOGIN):
            return self._login(request, cookie)
        if request.path == _BUNDLE:
            return self._bundle(request)
        if request.path != _DATA:
            return None
        operation = operation_of(request)
        if not self._logins.is_valid(cookie):
            return Answer(400, b"LOGOUT", _HTML, operation)
        rows = self._statistics(operation, request.form)
        if rows is None:
            return None
        body = orjson.dumps({**rows, "CURRENT_DATETIME": _stamp(self._now())})
        headers = {"Cache-Control": "max-age=0, no-cache, no-store"}
        return Answer(200, body, _HTML, operation, headers, compress=True)

    def _now(self) -> datetime:
        return self._clock().astimezone(KST)

    def _login(self, request: Request, cookie: str) -> Answer | None:
        page = request.path.removeprefix(_LOGIN)
        headers = {} if cookie else _set_cookie(cookie := new_cookie())
        if page in ("MDCCOMS001.cmd", "view/login.jsp"):
            return Answer(200, _PAGE, _HTML, operation_of(request), headers)
        if page != "MDCCOMS001D1.cmd":
            return None
        body = orjson.dumps(self._logins.log_in(request.form, cookie))
        return Answer(200, body, "application/json;charset=UTF-8", operation_of(request), headers)

    def _bundle(self, request: Request) -> Answer | None:
        key = request.query.get("key", "")
        if key == "B128.bld":
            found = {"max_work_dt": f"{self._latest_work_day():%Y%m%d}"}
        elif key == "B161.bld":
            asked = day_of(request.query.get("inDate", "")) or self._now().date()
            found = {"bis_work_dt": f"{self._world.calendar.last_until(asked) or asked:%Y%m%d}"}
        else:
            return None
        body = orjson.dumps({"result": {"output": [found]}})
        return Answer(200, body, _HTML, operation_of(request))

    def _latest_work_day(self) -> date:
        """Return today once a session has opened, before that the session before."""
        now = self._now()
        hours = self._world.hours(now.date())
        waiting = hours is not None and now < hours[0]
        until = now.date() - timedelta(days=1) if waiting else now.date()
        return self._world.calendar.last_until(until) or now.date()

    def _statistics(self, operation: str, form: dict[str, str]) -> dict[str, list[Row]] | None:
        if operation == "MDCSTAT01501":
            return {"OutBlock_1": self._all_stocks(form.get("trdDd", ""), form.get("mktId", "ALL"))}
        if operation == "finder_stkisu":
            return {"block1": self._listed(form)}
        if operation == "finder_listdelisu":
            return {"block1": self._delisted(form)}
        if operation in krx_markets.OPERATIONS:
            day, group = day_of(form.get("trdDd", "")), form.get("idxIndMidclssCd", "")
            asked = krx_markets.Asked(day, group, self._now())
            return {"output": krx_markets.rows(self._world, operation, asked)}
        return None

    def _all_stocks(self, asked: str, market: str) -> list[Row]:
        day = day_of(asked)
        if day is None:
            return []
        now = self._now()
        listings = self._world.listings(min(day, now.date()))
        shown = self._world.day_at(day, now)
        rows = _priced(listings, shown) if shown else _unpriced(listings)
        return sorted(
            (row for row in rows if market in ("ALL", row["MKT_ID"])),
            key=lambda row: row["ISU_ABBRV"],
        )

    def _listed(self, form: dict[str, str]) -> list[Row]:
        rows = (
            {
                "full_code": one.share.isin,
                "short_code": one.share.ticker,
                "codeName": one.name,
                "marketCode": one.market_id,
                "marketName": _MARKET_NAMES[one.market_id],
                "marketEngName": one.market,
                "ord1": "",
                "ord2": "16",
            }
            for one in self._world.listings(self._now().date())
        )
        return _found(rows, form)

    def _delisted(self, form: dict[str, str]) -> list[Row]:
        rows = (
            {
                "full_code": one.isin,
                "short_code": one.symbol,
                "codeName": one.name,
                "marketCode": _MARKET_IDS[one.market],
                "marketName": _MARKET_NAMES[_MARKET_IDS[one.market]],
                "ord1": "",
                "ord2": "16",
            }
            for one in self._world.delistings(self._now().date())
        )
        return _found(rows, form)


def _priced(listings: list[Listing], day: MarketDay) -> list[Row]:
    numbers = (day.close, day.change, day.open, day.high, day.low, day.volume, day.value)
    texts = ([f"{number:,}" for number in column.tolist()] for column in (*numbers, day.market_cap))
    rates = [f"{rate:.2f}" for rate in day.change_pct.tolist()]
    # A literal per row: 2,900 rows in 6 ms, against 15 ms when rows are put together from parts.
    return [
        {
            "ISU_SRT_CD": one.share.ticker,
            "ISU_CD": one.share.isin,
            "ISU_ABBRV": one.name,
            "MKT_NM": one.market,
            "SECT_TP_NM": one.section,
            "TDD_CLSPRC": close,
            "FLUC_TP_CD": str(fluctuation),
            "CMPPREVDD_PRC": change,
            "FLUC_RT": rate,
            "TDD_OPNPRC": opened,
            "TDD_HGPRC": high,
            "TDD_LWPRC": low,
            "ACC_TRDVOL": volume,
            "ACC_TRDVAL": value,
            "MKTCAP": cap,
            "LIST_SHRS": f"{one.count:,}",
            "MKT_ID": one.market_id,
        }
        for one, close, change, opened, high, low, volume, value, cap, rate, fluctuation in zip(
            listings, *texts, rates, day.fluctuation.tolist(), strict=True
        )
    ]


def _unpriced(listings: list[Listing]) -> list[Row]:
    """Return the rows of a holiday, or of a day whose prices are not there yet."""
    no_price = dict.fromkeys(_PRICE_FIELDS, "-") | {"FLUC_TP_CD": "3"}
    return [
        {
            "ISU_SRT_CD": one.share.ticker,
            "ISU_CD": one.share.isin,
            "ISU_ABBRV": one.name,
            "MKT_NM": one.market,
            "SECT_TP_NM": one.section,
            **no_price,
            "LIST_SHRS": f"{one.count:,}",
            "MKT_ID": one.market_id,
        }
        for one in listings
    ]


def _found(rows: Iterable[Row], form: dict[str, str]) -> list[Row]:
    market, text = form.get("mktsel", "ALL"), form.get("searchText", "")
    chosen = (
        row
        for row in rows
        if market in ("ALL", row["marketCode"]) and (text in row["codeName"] + row["short_code"])
    )
    return sorted(chosen, key=lambda row: row["codeName"])


def _stamp(now: datetime) -> str:
    return f"{now:%Y.%m.%d} {'AM' if now.hour < 12 else 'PM'} {now:%I:%M:%S}"


def _cookie(request: Request) -> str:
    found = re.search(r"(?:^|;\s*)JSESSIONID=([^;]+)", request.headers.get("cookie", ""))
    return found[1] if found else ""


def _set_cookie(value: str) -> dict[str, str]:
    visitor = "__smVisitorID=twin; Domain=.krx.co.kr; Path=/"
    return {"Set-Cookie": f"JSESSIONID={value}; Domain=.krx.co.kr; Path=/; HttpOnly\n{visitor}"}


UPSTREAM = Krx
