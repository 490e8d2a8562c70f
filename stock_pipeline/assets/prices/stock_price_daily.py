"""Price, volume and size of every listed share on one session, as the exchange printed them.

Source   the first of PRICE_SOURCES that answers, for the whole session: KRX MDCSTAT01501 (one
         request), KRX Open API stk, ksq, knx_bydd_trd with the ISIN of _isu_base_info (six), FSC
         getStockPriceInfo (one)
Grain    one row per share per session; ETF, ETN and ELW are not in it
Units    prices and amounts in KRW, volume and shares in shares; raw, never adjusted
Cadence  krx_close (16:30 KST on weekdays, repeated until the session is there)
Caveats  Without a trade open, high and low are NULL and volume is 0; the close is the last price.
         A KONEX share can move its close without a trade: it is then not halted. Only KRX's own
         page marks halts; from the other sources a share is halted when it has neither a trade nor
         a change. FSC knows no section: NULL. A day of a worse source is replaced whole by a later
         collection from a better one; `data_collection_log.source` says which. The base price
         differs from the close of the session before after splits, rights and reductions: see
         `price_adjustment`. A renamed share has its new name only from that day on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

import polars as pl

from stock_pipeline.assets.price_checks import CHECKS
from stock_pipeline.assets.upstream_text import decimal, text, text_frame, whole
from stock_pipeline.errors import EmptyOnBusinessDay, QualityReject
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.price_sources import PriceSources
from stock_pipeline.quality.rules import (
    AtLeast,
    Finite,
    Matches,
    NotNull,
    OneOf,
    Ordered,
    Positive,
    Present,
    Rule,
)
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import (
    BigInt,
    Bool,
    Date,
    Double,
    Text,
    column,
    key,
    table,
)
from stock_pipeline.table_asset import Collected, table_asset

OPERATION = ("KRX", "MDCSTAT01501")
OPENAPI_OPERATION = ("KRX_OPENAPI", "stk_bydd_trd")
OPENAPI_MASTER = ("KRX_OPENAPI", "stk_isu_base_info")
FSC_OPERATION = ("FSC", "getStockPriceInfo")
# MKT_ID decides: MKT_NM also says KOSDAQ GLOBAL, which is a segment of KOSDAQ.
MARKETS = {"STK": "KOSPI", "KSQ": "KOSDAQ", "KNX": "KONEX"}
NO_TRADE = "0"  # FLUC_TP_CD of a share that was halted or found no buyer

# Our numbers as the exchange calls them, on its page and in its Open API, and as FSC does.
NUMBERS = {
    "open": ("TDD_OPNPRC", "mkp"),
    "high": ("TDD_HGPRC", "hipr"),
    "low": ("TDD_LWPRC", "lopr"),
    "close": ("TDD_CLSPRC", "clpr"),
    "volume": ("ACC_TRDVOL", "trqu"),
    "value": ("ACC_TRDVAL", "trPrc"),
    "change": ("CMPPREVDD_PRC", "vs"),
    "change_pct": ("FLUC_RT", "fltRt"),
    "market_cap": ("MKTCAP", "mrktTotAmt"),
    "shares": ("LIST_SHRS", "lstgStCnt"),
}
EXCHANGE = {ours: names[0] for ours, names in NUMBERS.items()}
FSC = {ours: names[1] for ours, names in NUMBERS.items()}

# Prices of most shares do not halve or double overnight: then the unit has changed, not the market.
UNIT_JUMP = (0.5, 2.0)

TABLE = table(
    "stock_price_daily",
    key("trade_date", Date, "session"),
    key("ticker", Text, "share code of 6 characters; may hold letters"),
    column("isin", Text, "international security number"),
    column("name", Text, "short name on that day"),
    column("market", Text, "KOSPI, KOSDAQ or KONEX"),
    column("section", Text, "department within KOSDAQ or KONEX; NULL on KOSPI"),
    column("open", BigInt, "first price; NULL without a trade", "KRW"),
    column("high", BigInt, "highest price; NULL without a trade", "KRW"),
    column("low", BigInt, "lowest price; NULL without a trade", "KRW"),
    column("close", BigInt, "last price, of an earlier session when nothing traded", "KRW"),
    column("volume", BigInt, "shares traded", "shares"),
    column("value", BigInt, "money traded", "KRW"),
    column("change", BigInt, "close less base price", "KRW"),
    column("change_pct", Double, "close against base price", "%"),
    column("base_price", BigInt, "price the exchange measures the change from", "KRW"),
    column("market_cap", BigInt, "close times listed shares", "KRW"),
    column("shares", BigInt, "listed shares", "shares"),
    column("is_halted", Bool, "no trade, and the exchange marks the day as without one"),
    partition="trade_date",
    yearly=True,
)


def _price_rules() -> list[Rule]:
    traded = pl.col("volume") > 0
    has_range = pl.all_horizontal(pl.col("open", "high", "low").is_not_null())
    within_limit = pl.col("change").abs() <= 0.3 * pl.col("base_price")
    cap = pl.col("close") * pl.col("shares")
    return [
        Rule(
            "traded_has_range", "a traded share has open, high, low", "reject", ~traded | has_range
        ),
        Ordered("low", "open", "high", why="otherwise the columns are mixed up"),
        Ordered("low", "close", "high", why="otherwise the columns are mixed up"),
        Rule(
            "within_price_limit",
            "the close is within 30 % of the base price, but on first and last sessions",
            "warn",
            within_limit,
        ),
        Rule(
            "market_cap_is_close_times_shares",
            "market_cap is close × shares: true of every recorded row",
            "warn",
            pl.col("market_cap") == cap,
        ),
    ]


RULES = [
    Matches("ticker", "[0-9A-Z]{6}", why="any other text is not a share code"),
    Matches("isin", "[A-Z]{2}[0-9A-Z]{10}", why="joins with dividends and master data"),
    *(NotNull(name, why="the exchange always sends it") for name in ("isin", "name")),
    NotNull("market", why="an unknown market code needs a decision, not a guess"),
    OneOf("market", MARKETS.values(), why="a price without its market cannot be compared"),
    *(NotNull(name, why="a row without it is no price") for name in ("close", "volume", "shares")),
    *(NotNull(name, why="always sent") for name in ("value", "change", "change_pct", "market_cap")),
    *(
        Positive(name, why="zero is how the upstream writes no price")
        for name in ("open", "high", "low", "close", "base_price", "market_cap", "shares")
    ),
    *(AtLeast(name, 0, why="a count cannot be negative") for name in ("volume", "value")),
    Finite("change_pct", why="infinity spoils every mean"),
    *_price_rules(),
    Present("ticker", "005930", why="the largest share trades every session"),
]


def parse(rows: Sequence[Mapping[str, Any]], day: date) -> pl.DataFrame:
    """Return the rows of one session from KRX's own page.

    Raises  EmptyOnBusinessDay when no row has a price: a holiday, or before about 09:20;
            SchemaDrift, BadPayload
    """
    words = ("ISU_SRT_CD", "ISU_CD", "ISU_ABBRV", "MKT_ID", "SECT_TP_NM", "FLUC_TP_CD")
    frame = text_frame(rows, (*words, *EXCHANGE.values()), asked=OPERATION)
    parsed = frame.select(
        ticker=text("ISU_SRT_CD"),
        isin=text("ISU_CD"),
        name=text("ISU_ABBRV"),
        market=text("MKT_ID").replace_strict(MARKETS, default=None),
        section=text("SECT_TP_NM"),
        halt_mark=text("FLUC_TP_CD"),
        **_numbers(EXCHANGE),
    )
    marked = pl.col("halt_mark").eq_missing(NO_TRADE)
    return _session(parsed, day, halted=marked, asked=OPERATION)


def parse_openapi(
    rows: Sequence[Mapping[str, Any]], master: Sequence[Mapping[str, Any]], day: date
) -> pl.DataFrame:
    """Return the rows of one session from the Open API, with the ISIN of its master data.

    Raises  EmptyOnBusinessDay when no row has a price; SchemaDrift, BadPayload
    """
    words = ("ISU_CD", "ISU_NM", "MKT_NM", "SECT_TP_NM")
    frame = text_frame(rows, (*words, *EXCHANGE.values()), asked=OPENAPI_OPERATION)
    codes = text_frame(master, ("ISU_CD", "ISU_SRT_CD"), asked=OPENAPI_MASTER)
    isins = codes.select(ticker=text("ISU_SRT_CD"), isin=text("ISU_CD")).unique()
    parsed = frame.select(
        ticker=text("ISU_CD"),
        name=text("ISU_NM"),
        market=text("MKT_NM"),
        section=text("SECT_TP_NM"),
        **_numbers(EXCHANGE),
    ).join(isins, on="ticker", how="left")
    return _session(parsed, day, halted=pl.col("change") == 0, asked=OPENAPI_OPERATION)


def parse_fsc(rows: Sequence[Mapping[str, Any]], day: date) -> pl.DataFrame:
    """Return the rows of one session from the Financial Services Commission.

    Raises  EmptyOnBusinessDay when no row has a price; SchemaDrift, BadPayload
    """
    words = ("srtnCd", "isinCd", "itmsNm", "mrktCtg")
    frame = text_frame(rows, (*words, *FSC.values()), asked=FSC_OPERATION)
    parsed = frame.select(
        ticker=text("srtnCd"),
        isin=text("isinCd"),
        name=text("itmsNm"),
        market=text("mrktCtg"),
        section=pl.lit(None, pl.String),
        **_numbers(FSC),
    )
    return _session(parsed, day, halted=pl.col("change") == 0, asked=FSC_OPERATION)


def _numbers(names: Mapping[str, str]) -> dict[str, pl.Expr]:
    return {
        ours: decimal(theirs) if ours == "change_pct" else whole(theirs)
        for ours, theirs in names.items()
    }


def _session(
    parsed: pl.DataFrame, day: date, *, halted: pl.Expr, asked: tuple[str, str]
) -> pl.DataFrame:
    """Return the table's columns; `halted` says which of the shares without a trade are halted."""
    if parsed["close"].is_null().all():
        raise EmptyOnBusinessDay(*asked, day.isoformat())
    return parsed.with_columns(
        *_range(),
        trade_date=pl.lit(day),
        base_price=pl.col("close") - pl.col("change"),
        is_halted=(pl.col("volume") == 0) & halted,
    ).select(TABLE.frame_schema.keys())


def _range() -> list[pl.Expr]:
    """Without a trade the exchange writes 0 as open, high and low: no prices."""
    traded = pl.col("volume") > 0
    return [pl.when(traded).then(pl.col(name)).alias(name) for name in ("open", "high", "low")]


def refuse_unit_jump(frame: pl.DataFrame, before: pl.DataFrame) -> None:
    """Refuse a session whose prices or sizes are all of another unit than the session before.

    Raises  QualityReject when the median ratio of close or market_cap leaves 0.5 … 2
    """
    both = frame.join(before, on="ticker", suffix="_before")
    for name in ("close", "market_cap"):
        ratio = both.select((pl.col(name) / pl.col(f"{name}_before")).median()).item()
        if ratio is not None and not UNIT_JUMP[0] <= ratio <= UNIT_JUMP[1]:
            raise QualityReject(TABLE.name, "unit_jump", both.height, f"median {name} × {ratio:g}")


@table_asset(
    TABLE,
    RULES,
    cadence="krx_close",
    partitions="day",
    write="partition",
    sessions="XKRX",
    pool="krx",
    floor=0.97,
    checks=CHECKS,
)
def stock_price_daily(
    price_sources: PriceSources, db: Database, calendar: MarketCalendar, day: date
) -> Collected:
    """Collect one session from the first source that has it."""
    before = db.read(
        "SELECT ticker, close, market_cap FROM stock_price_daily WHERE trade_date = :before",
        {"before": calendar.previous_session("XKRX", day)},
    )
    asks = answers(price_sources, day)
    return price_sources.first(
        TABLE.name,
        day,
        {name: partial(_sound, ask, before) for name, ask in asks.items()},
    )


def answers(sources: PriceSources, day: date) -> dict[str, Callable[[], pl.DataFrame]]:
    """Return what asks each source for the rows of a day."""

    def openapi() -> pl.DataFrame:
        rows = sources.krx_openapi.stocks(day).data
        return parse_openapi(rows, sources.krx_openapi.issues(day).data, day)

    return {
        "krx": lambda: parse(sources.krx.all_stocks(day).data, day),
        "krx_openapi": openapi,
        "fsc": lambda: parse_fsc(sources.fsc.stock_prices(day).data, day),
    }


def _sound(ask: Callable[[], pl.DataFrame], before: pl.DataFrame) -> pl.DataFrame:
    frame = ask()
    refuse_unit_jump(frame, before)
    return frame
