"""Every outstanding bond: terms, issuer, ratings, and the risk the ratings stand for.

Source   FSC GetBondIssuInfoService/getBondBasiInfo (about 20 requests of 1,000 bonds)
Grain    one row per bond by ISIN
Units    amounts in units of `currency`, mostly KRW, fractions rounded; coupons in percent a year
Cadence  monthly_products (1st of the month 13:00 KST)
Caveats  The newest day published, which is never today. A bond that is gone from a complete answer
         keeps its last values with is_active = false; an answer that lacks more than a tenth of
         those that have not matured is refused. Ratings are the agencies' own texts (`A0` is
         the middle of A); a bond nobody rates has no risk level, unless the state owes it. The
         depository counts monetary stabilisation bonds (통안채) among 특수채: here they are the
         government's, as those of 한국은행. What municipal companies owe (지방공사채) is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl

from stock_pipeline.assets.departed import refuse_short, stored_active, with_departed
from stock_pipeline.assets.upstream_text import day, decimal, text, text_frame
from stock_pipeline.clock import Clock, today_kst
from stock_pipeline.errors import EmptyOnBusinessDay
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.quality.checks import Check, Limits, steady
from stock_pipeline.quality.rules import AtLeast, Between, Matches, NotNull, Ordered, Rule
from stock_pipeline.sources.fsc import Fsc
from stock_pipeline.sources.transport import NotArchived
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import (
    BigInt,
    Bool,
    Date,
    SmallInt,
    Text,
    column,
    key,
    numeric,
    table,
)
from stock_pipeline.table_asset import Collected, table_asset

OPERATION = ("FSC", "getBondBasiInfo")
FIELDS = (
    "basDt", "isinCd", "isinCdNm", "bondIsurNm", "crno", "scrsItmsKcdNm", "bondSrfcInrt",
    "bondIssuDt", "bondExprDt", "prmncBondYn", "bondIssuAmt", "bondBal", "bondIssuCurCd",
    "irtChngDcdNm", "bondIntTcdNm", "intPayCyclCtt", "grnDcdNm", "bondRnknDcdNm",
    "kisScrsItmsKcdNm", "kbpScrsItmsKcdNm", "niceScrsItmsKcdNm", "fnScrsItmsKcdNm",
)  # fmt: skip
NO_NUMBER = "0" * 13
LOOK_BACK_SESSIONS = 4

# How the kinds of public debt begin. The depository says 국채 and 지방채; the other words name what
# it may count under them: treasury, national housing, stabilisation of money and of exchange rates,
# treasury bills, regional development, metro. Not `contains`: 외국채 is what foreigners owe.
GOVERNMENT_KINDS = (
    "국채", "지방채", "모집지방채", "국고", "국민주택", "통안", "통화안정", "재정증권",
    "외국환평형", "지역개발", "도시철도",
)  # fmt: skip
CENTRAL_BANK = "한국은행"
OTHER_KINDS = (
    "특수채", "지방공사채", "금융채", "일반회사채", "유동화SPC채", "MBS", "SLBS",
    "유사집합투자기구채",
)  # fmt: skip

# Letters of a rating → risk level. BBB- is the lowest grade of investment.
LEVELS = {"AAA": 1, "AA": 2, "A": 3, "BBB": 4} | dict.fromkeys(
    ("BB", "B", "CCC", "CC", "C", "D"), 5
)
BELOW_INVESTMENT = 5
RATING = "AAA|(?:AA|A|BBB|BB|B|CCC|CC|C)[+0-]?|D"
AGENCIES = ("rating_kis", "rating_kbp", "rating_nice", "rating_fn")

# The longest bond in won runs 50 years; a date beyond this is a way to write never (99991231).
NEVER_AFTER_YEARS = 100
DAYS_A_YEAR = 365.25

TABLE = table(
    "bonds",
    key("isin", Text, "international security number"),
    column("name", Text, "name of the bond"),
    column("issuer", Text, "who owes it"),
    column("crno", Text, "corporate registration number of the issuer, 13 digits; NULL: none"),
    column("kind", Text, "kind in the depository's words: 국채, 특수채, 금융채, 일반회사채, …"),
    column("bond_type", Text, "government, high_yield (best rating below BBB-) or corporate"),
    column("coupon_rate_pct", numeric(7, 4), "coupon on the face value", "percent a year"),
    column("issue_date", Date, "day of issue"),
    column("maturity_date", Date, "day of maturity; NULL: perpetual"),
    column(
        "maturity_years",
        numeric(6, 2),
        "time left from base_date to maturity, 0 once it has passed; NULL: perpetual",
        "years of 365.25 days",
    ),
    column("issue_amount", BigInt, "amount issued", "units of currency"),
    column("balance", BigInt, "amount still owed", "units of currency"),
    column("currency", Text, "currency of the amounts, three letters"),
    column("rate_change_kind", Text, "whether the coupon is fixed (고정) or floats (변동)"),
    column("interest_kind", Text, "how interest is paid: 이표채, 할인채, 복리채, 단리채"),
    column("interest_period", Text, "time between two coupons, as text (3개월)"),
    column("guarantee", Text, "guarantee; 무보증: none"),
    column("seniority", Text, "rank among the issuer's debts: 선순위, 후순위"),
    column("credit_rating", Text, "rating of the first agency that has one: KIS, KBP, NICE, FN"),
    column("rating_kis", Text, "rating of 한국신용평가"),
    column("rating_kbp", Text, "rating of 한국자산평가"),
    column("rating_nice", Text, "rating of NICE"),
    column("rating_fn", Text, "rating of FN"),
    column(
        "risk_level",
        SmallInt,
        "risk of credit_rating: 1 government or AAA, 2 AA, 3 A, 4 BBB, 5 below; NULL: not rated",
        "level",
    ),
    column("is_perpetual", Bool, "it has no maturity, or one so far away that it means none"),
    column("base_date", Date, "day the row describes"),
    column("is_active", Bool, "it was in the newest complete refresh and has not matured"),
)

RULES = [
    Matches("isin", "[A-Z]{2}[0-9A-Z]{10}", why="any other text is not an ISIN"),
    *(NotNull(name, why="a bond without it is no bond") for name in ("name", "base_date")),
    Between("coupon_rate_pct", 0, 100, why="it is a percentage of the face value"),
    *(AtLeast(name, 0, why="it is an amount") for name in ("issue_amount", "balance")),
    Ordered("issue_date", "maturity_date", effect="warn", why="one of the dates is wrong"),
    Rule(
        "maturity_known",
        "maturity_date has a value unless the bond is perpetual: else the date was not readable",
        "warn",
        pl.col("maturity_date").is_not_null() | pl.col("is_perpetual"),
    ),
    Matches("crno", "[0-9]{13}", effect="warn", why="it joins with companies"),
    Matches("currency", "[A-Z]{3}", effect="warn", why="it is the unit of the amounts"),
    NotNull("kind", effect="warn", why="without it a bond counts as a company's"),
    Matches(
        "kind",
        f"(?:{'|'.join(GOVERNMENT_KINDS)}).*|{'|'.join(OTHER_KINDS)}",
        effect="warn",
        why="whether a new kind is the government's is a decision",
    ),
    *(
        Matches(agency, RATING, effect="warn", why="an unknown rating has no risk level")
        for agency in AGENCIES
    ),
]
CHECKS = [
    steady(0.1),
    Check(
        "enough_bonds",
        "more than 10,000 bonds are owed on any day: fewer are a part of the answer",
        pl.col("is_active").sum(),
        warn=Limits(10_000),
        real_market=True,
    ),
]


def parse(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Return the bonds of one base date.

    Raises  SchemaDrift, BadPayload
    """
    number = text("crno")
    terms = text_frame(rows, FIELDS, asked=OPERATION).select(
        isin=text("isinCd"),
        name=text("isinCdNm"),
        issuer=text("bondIsurNm"),
        crno=pl.when(number != NO_NUMBER).then(number),
        kind=text("scrsItmsKcdNm"),
        coupon_rate_pct=decimal("bondSrfcInrt").round(4),
        issue_date=day("bondIssuDt", "%Y%m%d"),
        expiry=day("bondExprDt", "%Y%m%d"),
        is_without_term=text("prmncBondYn") == "Y",
        issue_amount=_amount("bondIssuAmt"),
        balance=_amount("bondBal"),
        currency=text("bondIssuCurCd"),
        rate_change_kind=text("irtChngDcdNm"),
        interest_kind=text("bondIntTcdNm"),
        interest_period=text("intPayCyclCtt"),
        guarantee=text("grnDcdNm"),
        seniority=text("bondRnknDcdNm"),
        rating_kis=text("kisScrsItmsKcdNm"),
        rating_kbp=text("kbpScrsItmsKcdNm"),
        rating_nice=text("niceScrsItmsKcdNm"),
        rating_fn=text("fnScrsItmsKcdNm"),
        base_date=day("basDt", "%Y%m%d"),
    )
    return _judged(_dated(terms)).select(TABLE.frame_schema.keys())


def _amount(field: str) -> pl.Expr:
    """Return an amount in whole units; only foreign currencies have fractions."""
    return decimal(field).round(0).cast(pl.Int64, strict=False)


def _dated(terms: pl.DataFrame) -> pl.DataFrame:
    """Add what follows from the date of expiry; a perpetual bond has no maturity."""
    expiry, base = pl.col("expiry"), pl.col("base_date")
    is_far = expiry.dt.year() - base.dt.year() > NEVER_AFTER_YEARS
    is_perpetual = (pl.col("is_without_term") | is_far).fill_null(value=False)
    left = (expiry - base).dt.total_days() / DAYS_A_YEAR
    return terms.with_columns(
        is_perpetual=is_perpetual,
        maturity_date=pl.when(~is_perpetual).then(expiry),
        maturity_years=pl.when(~is_perpetual).then(left.clip(lower_bound=0).round(2)),
        is_active=(expiry >= base).fill_null(value=True),
    )


def _judged(terms: pl.DataFrame) -> pl.DataFrame:
    """Add rating, type and risk."""
    is_public = pl.col("kind").str.contains(rf"\A(?:{'|'.join(GOVERNMENT_KINDS)})")
    is_government = is_public.fill_null(value=False) | (pl.col("issuer") == CENTRAL_BANK)
    rating = pl.coalesce(AGENCIES)
    best = pl.min_horizontal(_level(pl.col(agency)) for agency in AGENCIES)
    return terms.with_columns(
        credit_rating=rating,
        bond_type=pl.when(is_government)
        .then(pl.lit("government"))
        .when(best == BELOW_INVESTMENT)
        .then(pl.lit("high_yield"))
        .otherwise(pl.lit("corporate")),
        risk_level=pl.when(is_government).then(pl.lit(1, pl.Int16)).otherwise(_level(rating)),
    )


def _level(rating: pl.Expr) -> pl.Expr:
    """Return the risk level of a rating; null for one that is missing or not known."""
    letters = rating.str.strip_chars_end("+0-")
    known = pl.when(rating.str.contains(rf"\A(?:{RATING})\z")).then(letters)
    return known.replace_strict(LEVELS, default=None, return_dtype=pl.Int16)


@table_asset(
    TABLE,
    RULES,
    cadence="monthly_products",
    partitions="month",
    write="merge",
    snapshot=True,
    pool="fsc",
    checks=CHECKS,
)
def bonds(fsc: Fsc, calendar: MarketCalendar, clock: Clock, db: Database, month: date) -> Collected:
    """Collect the newest day published; what is not in it any more has left the market."""
    end = min(today_kst(clock), (month + timedelta(days=32)).replace(day=1))
    days = calendar.sessions("XKRX", month - timedelta(days=14), end - timedelta(days=1))
    return complete(newest(fsc, days[::-1]), stored_active(db, TABLE))


def complete(frame: pl.DataFrame, stored: pl.DataFrame) -> Collected:
    """Return the bonds of a day, followed by the stored active ones that have left.

    Raises  QualityReject when too many are missing that had not matured by that day
    """
    matured = pl.col("maturity_date") <= pl.lit(frame["base_date"].max(), pl.Date)
    refuse_short(TABLE, frame, stored.filter(~matured.fill_null(value=False)))
    return Collected(with_departed(frame, stored, keys=TABLE.keys), received=frame.height)


def newest(fsc: Fsc, days: Sequence[date]) -> pl.DataFrame:
    """Return the bonds of the first of these sessions that has any, newest session first.

    Raises  EmptyOnBusinessDay when several have none: bonds are always owed; NotArchived when a
            replay knows none of the days
    """
    empty: list[date] = []
    for session in days:
        try:
            frame = parse(fsc.bonds(session).data)
        except NotArchived:
            continue  # a replay knows only the days that were asked then
        if not frame.is_empty():
            return frame
        empty.append(session)
        if len(empty) == LOOK_BACK_SESSIONS:
            raise EmptyOnBusinessDay(*OPERATION, f"{session} to {empty[0]}")
    raise NotArchived(*OPERATION)
