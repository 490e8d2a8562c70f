"""How listing, prices, delistings and companies become one row per share."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.listing import (
    dart_corp_code,
    fdr_stock_listing,
    fsc_listed_item,
    stock_delisting,
)
from stock_pipeline.assets.listing.stocks import (
    ASOF,
    CHECKS,
    RULES,
    TABLE,
    WITH_SCORE,
    Inputs,
    combine,
)
from stock_pipeline.assets.prices import stock_price_daily
from stock_pipeline.assets.scores import compass_score
from stock_pipeline.quality import rules as quality
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Table
from stock_pipeline.storage.writer import Batch, Stamps

FRIDAY, MONDAY = date(2026, 3, 13), date(2026, 3, 16)
LISTED = {
    "as_of_date": FRIDAY,
    "ticker": "005930",
    "isin": "KR7005930003",
    "name": "삼성전자",
    "market": "KOSPI",
    "industry": "통신 및 방송 장비 제조업",
    "listing_date": date(1975, 6, 11),
    "settle_month": 12,
    "shares": 5_919_637_922,
}
TRADED = {
    "trade_date": FRIDAY,
    "ticker": "005930",
    "isin": "KR7005930003",
    "name": "삼성전자",
    "market": "KOSPI",
    "shares": 5_919_637_922,
}
GONE = {
    "ticker": "000030",
    "delisting_date": date(2019, 2, 13),
    "name": "우리은행",
    "market": "KOSPI",
    "security_group": "주권",
    "kind": "보통주",
    "listing_date": date(2014, 11, 19),
}
COMPANY = {"corp_code": "00126380", "ticker": "005930", "modified_date": date(2024, 1, 1)}
ITEM = {"isin": "KR7005930003", "crno": "1301110006246"}


def frame_of(table: Table, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Return rows as a frame of a table, what they do not name being null."""
    return pl.DataFrame(rows, schema=table.frame_schema)


def combined(
    listed: list[dict[str, Any]] | None = None,
    traded: list[dict[str, Any]] | None = None,
    delisted: list[dict[str, Any]] | None = None,
    companies: list[dict[str, Any]] | None = None,
    items: list[dict[str, Any]] | None = None,
) -> dict[str, dict[str, Any]]:
    """Return the combined rows by ticker."""
    days = [(row["ticker"], row["as_of_date"]) for row in listed or []]
    days += [(row["ticker"], row["trade_date"]) for row in traded or []]
    seen = (
        pl.DataFrame(days, schema={"ticker": pl.String, "day": pl.Date}, orient="row")
        .group_by("ticker")
        .agg(first_seen_date=pl.col("day").min(), last_seen_date=pl.col("day").max())
    )
    frame = combine(
        Inputs(
            listed=frame_of(fdr_stock_listing.TABLE, listed or []),
            traded=frame_of(stock_price_daily.TABLE, traded or []),
            seen=seen,
            delisted=frame_of(stock_delisting.TABLE, delisted or []),
            companies=frame_of(dart_corp_code.TABLE, companies or []),
            items=frame_of(fsc_listed_item.TABLE, items or []),
        )
    )
    assert frame.schema == TABLE.frame_schema
    verdict = quality.apply(frame, RULES, keys=TABLE.keys)
    assert (verdict.rejected, verdict.blocked) == ((), {})
    return {row["ticker"]: row for row in frame.iter_rows(named=True)}


def test_a_listed_share_carries_what_every_input_says() -> None:
    rows = combined([LISTED], [TRADED], companies=[COMPANY], items=[ITEM])
    assert rows["005930"] == {
        "ticker": "005930",
        "isin": "KR7005930003",
        "name": "삼성전자",
        "market": "KOSPI",
        "section": None,
        "industry": "통신 및 방송 장비 제조업",
        "share_kind": "common",
        "listing_date": date(1975, 6, 11),
        "delisting_date": None,
        "is_active": True,
        "corp_code": "00126380",
        "crno": "1301110006246",
        "shares": 5_919_637_922,
        "settle_month": 12,
        "first_seen_date": FRIDAY,
        "last_seen_date": FRIDAY,
    }


@pytest.mark.parametrize("ticker", ["005935", "00593K", "005937"])
def test_a_preferred_share_has_the_company_of_its_common_share(ticker: str) -> None:
    row = combined([LISTED | {"ticker": ticker, "isin": "KR7005931001"}], companies=[COMPANY])
    assert row[ticker]["share_kind"] == "preferred"
    assert row[ticker]["corp_code"] == "00126380"


@pytest.mark.parametrize(
    ("ticker", "kind", "share_kind"),
    [
        ("000030", "보통주", "common"),
        ("000035", "구형우선주", "preferred"),
        ("006051", "보통주", "common"),  # new common shares ended in 1, too
        ("028740", None, "common"),  # old lines have no class: the code decides
        ("028857", None, "preferred"),
    ],
)
def test_the_class_of_a_delisted_share_comes_from_the_exchange_if_known(
    ticker: str, kind: str | None, share_kind: str
) -> None:
    rows = combined(delisted=[GONE | {"ticker": ticker, "kind": kind}])
    assert rows[ticker]["share_kind"] == share_kind


def test_f23_a_delisted_share_stays_with_its_last_name() -> None:
    row = combined([LISTED], delisted=[GONE])["000030"]
    assert (row["name"], row["market"], row["is_active"]) == ("우리은행", "KOSPI", False)
    assert (row["listing_date"], row["delisting_date"]) == (date(2014, 11, 19), date(2019, 2, 13))
    assert row["first_seen_date"] is row["isin"] is None


@pytest.mark.parametrize(
    ("group", "enters"),
    [
        ("주권", True),
        ("외국주권", True),
        ("주식예탁증권", True),
        ("부동산투자회사", True),
        ("투자회사", True),
        ("선박투자회사", True),
        ("신주인수권증서", False),
        ("신주인수권증권", False),
        ("수익증권", False),
    ],
)
def test_only_shares_enter(group: str, enters: bool) -> None:
    assert ("000030" in combined(delisted=[GONE | {"security_group": group}])) is enters


def test_a_share_that_moved_to_another_market_is_active_and_not_delisted() -> None:
    moved = GONE | {"ticker": "005930", "market": "KONEX", "name": "옛 이름"}
    row = combined([LISTED], delisted=[moved])["005930"]
    assert (row["market"], row["name"]) == ("KOSPI", "삼성전자")
    assert (row["is_active"], row["delisting_date"]) == (True, None)
    assert row["listing_date"] == date(1975, 6, 11)


def test_f22_an_earlier_departure_under_the_same_code_is_another_share_s() -> None:
    earlier = GONE | {"ticker": "005930", "delisting_date": date(2001, 1, 2)}
    row = combined(
        traded=[TRADED, TRADED | {"ticker": "000660", "trade_date": MONDAY}], delisted=[earlier]
    )
    assert row["005930"]["is_active"] is False
    assert row["005930"]["delisting_date"] is None
    assert row["005930"]["listing_date"] is None


def test_the_last_departure_counts() -> None:
    again = GONE | {"delisting_date": date(2023, 5, 2), "name": "새 이름"}
    row = combined(delisted=[again, GONE])["000030"]
    assert (row["delisting_date"], row["name"]) == (date(2023, 5, 2), "새 이름")


def test_a_share_missing_in_the_newest_listing_is_not_active() -> None:
    other = LISTED | {"ticker": "000660", "as_of_date": MONDAY}
    rows = combined([other], [TRADED])
    assert (rows["000660"]["is_active"], rows["005930"]["is_active"]) == (True, False)


def test_a_share_first_traded_after_the_listing_is_active() -> None:
    fresh = TRADED | {"ticker": "0126Z0", "trade_date": MONDAY, "isin": "KR70126Z0001"}
    old = TRADED | {"trade_date": MONDAY, "name": "새 이름", "shares": 1}
    rows = combined([LISTED], [fresh, old])
    assert rows["0126Z0"]["is_active"] is True
    assert rows["0126Z0"]["industry"] is None
    assert (rows["005930"]["name"], rows["005930"]["shares"]) == ("새 이름", 1)


def test_of_the_same_day_the_listing_decides() -> None:
    rows = combined([LISTED | {"section": "우량기업부"}], [TRADED | {"section": "다른 부"}])
    assert rows["005930"]["section"] == "우량기업부"


def test_of_two_companies_with_one_code_the_one_changed_last_counts() -> None:
    newer = COMPANY | {"corp_code": "00999999", "modified_date": date(2025, 1, 1)}
    assert combined([LISTED], companies=[newer, COMPANY])["005930"]["corp_code"] == "00999999"


def test_nothing_stored_gives_no_rows() -> None:
    assert combined() == {}


def test_the_view_shows_every_share_with_or_without_a_score(database: Database) -> None:
    tables = [*collection_log.TABLES, TABLE, compass_score.TABLE]
    ddl.prepare(database, tables, [WITH_SCORE], mode="live", today=FRIDAY)
    shares = [{"ticker": "000660", "is_active": True}, {"ticker": "005930", "is_active": True}]
    database.upsert(Batch(TABLE, frame_of(TABLE, shares), "w", Stamps("run")))
    for day, points in ((FRIDAY, 61.0), (MONDAY, 62.5)):
        score = {
            "as_of": day,
            "ticker": "005930",
            "score": points,
            "grade": "B+",
            "risk_score": 40.0,
        }
        rows = frame_of(compass_score.TABLE, [score])
        database.upsert(Batch(compass_score.TABLE, rows, day.isoformat(), Stamps("run"), day))
    found = database.read(
        "SELECT ticker, compass_score, compass_grade, compass_risk_score,"
        " compass_updated_at IS NOT NULL AS updated FROM stocks_with_score ORDER BY ticker"
    )
    assert found.rows() == [
        ("000660", None, None, None, False),
        ("005930", 62.5, "B+", 40.0, True),
    ]


def test_the_shares_of_a_past_day_are_those_listed_then(database: Database) -> None:
    ddl.prepare(database, [*collection_log.TABLES, TABLE], [ASOF], mode="live", today=FRIDAY)
    day, eve, next_day = FRIDAY, date(2026, 3, 12), MONDAY
    cases = [
        ({"listing_date": date(1975, 6, 11), "is_active": True}, True, "listed since long"),
        ({"listing_date": day, "is_active": True}, True, "its first day"),
        ({"listing_date": next_day, "is_active": True}, False, "listed later"),
        ({"first_seen_date": day, "is_active": True}, True, "its listing is not known"),
        ({"listing_date": next_day, "first_seen_date": day, "is_active": True}, True, "it moved"),
        ({"listing_date": eve, "delisting_date": next_day}, True, "delisted since"),
        ({"listing_date": eve, "delisting_date": day}, False, "gone on this day"),
        ({"listing_date": eve, "last_seen_date": day}, True, "seen last on this day"),
        ({"listing_date": eve, "last_seen_date": eve}, False, "not seen any more"),
        ({"is_active": True}, False, "nobody knows since when"),
    ]
    rows = [
        {"is_active": False, **row, "ticker": f"{number:05d}0"}
        for number, (row, *_) in enumerate(cases)
    ]
    database.upsert(Batch(TABLE, frame_of(TABLE, rows), "w", Stamps("run")))
    found = set(database.read("SELECT ticker FROM stocks_asof(:day)", {"day": day})["ticker"])
    for number, (_, is_listed, reason) in enumerate(cases):
        assert (f"{number:05d}0" in found) is is_listed, reason


def test_a_market_is_as_large_as_its_newest_session_says(database: Database) -> None:
    tables = [*collection_log.TABLES, TABLE, stock_price_daily.TABLE]
    ddl.prepare(database, tables, [], mode="live", today=FRIDAY)
    check = next(check for check in CHECKS if check.name == "enough_shares")

    def measured() -> float:
        statement = str(check.measure).encode()
        row = database.transaction(lambda c: c.execute(statement).fetchone())
        return float(row[0])  # type: ignore[index]  # an aggregate has always one row

    shares = [{"ticker": f"{n:05d}0", "is_active": n < 19} for n in range(25)]
    database.upsert(Batch(TABLE, frame_of(TABLE, shares), "w", Stamps("run")))
    assert measured() == pytest.approx(19 / 2500)  # no session is stored yet
    for day, rows, expected in ((FRIDAY, 20, 19 / 19), (MONDAY, 40, 19 / 38)):
        prices = [{"trade_date": day, "ticker": f"{n:05d}0"} for n in range(rows)]
        frame = frame_of(stock_price_daily.TABLE, prices)
        batch = Batch(stock_price_daily.TABLE, frame, day.isoformat(), Stamps("run"), day)
        database.upsert(batch)
        assert measured() == pytest.approx(expected)
