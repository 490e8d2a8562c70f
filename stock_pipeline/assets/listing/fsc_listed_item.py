"""Corporate registration number of every listed share, which joins shares, bonds and companies.

Source   FSC GetKrxListedInfoService/getItemInfo (one request)
Grain    one row per share by ISIN
Cadence  weekly_listing (Saturday 10:00 KST)
Caveats  Written to the official description, no answer of the service has been recorded. The codes
         carry a leading letter, which is cut. Foreign companies have no number of their own: their
         crno of zeros is NULL. A preferred share has the number of its company.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl

from stock_pipeline.assets.upstream_text import day as date_of
from stock_pipeline.assets.upstream_text import text, text_frame
from stock_pipeline.errors import EmptyOnBusinessDay
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.quality.checks import steady
from stock_pipeline.quality.rules import Matches, NotNull, OneOf
from stock_pipeline.sources.fsc import Fsc
from stock_pipeline.storage.schema import Date, Text, column, key, table
from stock_pipeline.table_asset import table_asset

OPERATION = ("FSC", "getItemInfo")
COLUMNS = ("basDt", "srtnCd", "isinCd", "mrktCtg", "crno", "corpNm")
NO_NUMBER = "0" * 13
LOOK_BACK_SESSIONS = 4

TABLE = table(
    "fsc_listed_item",
    key("isin", Text, "international security number"),
    column("ticker", Text, "share code of 6 characters, without the leading letter"),
    column("crno", Text, "corporate registration number, 13 digits; NULL for foreign companies"),
    column("corp_name", Text, "name of the company"),
    column("market", Text, "KOSPI, KOSDAQ or KONEX"),
    column("base_date", Date, "day the entry describes"),
)

RULES = [
    Matches("isin", "[A-Z]{2}[0-9A-Z]{10}", why="any other text is not an ISIN"),
    Matches("ticker", "[0-9A-Z]{6}", why="it joins with prices"),
    *(NotNull(name, why="an entry without it joins nothing") for name in ("ticker", "base_date")),
    Matches("crno", "[0-9]{13}", effect="warn", why="foreign numbers are not Korean ones"),
    OneOf("market", ("KOSPI", "KOSDAQ", "KONEX"), effect="warn", why="a new market is a decision"),
]


def parse(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Return the entries of one base date.

    Raises  SchemaDrift, BadPayload
    """
    frame = text_frame(rows, COLUMNS, asked=OPERATION)
    code = text("srtnCd").str.replace(r"^[A-Z]([0-9A-Z]{6})$", "$1")
    number = text("crno")
    return frame.select(
        isin=text("isinCd"),
        ticker=code,
        crno=pl.when(number != NO_NUMBER).then(number),
        corp_name=text("corpNm"),
        market=text("mrktCtg"),
        base_date=date_of("basDt", "%Y%m%d"),
    ).select(TABLE.frame_schema.keys())


@table_asset(
    TABLE,
    RULES,
    cadence="weekly_listing",
    partitions="week",
    write="merge",
    snapshot=True,
    optional=True,
    pool="fsc",
    checks=[steady(0.05)],
)
def fsc_listed_item(fsc: Fsc, calendar: MarketCalendar, week: date) -> pl.DataFrame:
    """Collect the newest day published by the week's Saturday.

    A session is published on the next business day after 13:00 KST, so Friday's is not there yet.
    """
    # Four weeks have more sessions than are asked for, whatever holidays lie in them.
    sessions = calendar.sessions("XKRX", week - timedelta(days=28), week - timedelta(days=1))
    return newest(fsc, sessions[-2 : -2 - LOOK_BACK_SESSIONS : -1])


def newest(fsc: Fsc, days: Sequence[date]) -> pl.DataFrame:
    """Return the entries of the first of these sessions that has any, newest session first.

    Raises  EmptyOnBusinessDay when none has: shares are always listed
    """
    for session in days:
        frame = parse(fsc.listed_items(session).data)
        if not frame.is_empty():
            return frame
    raise EmptyOnBusinessDay(*OPERATION, f"{days[-1]} to {days[0]}")
