"""What one asset's answer may be: its own days, another currency, nothing, or an error."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.price_collector import Answer, Collector
from stock_pipeline.assets.prices.asset_master import ASSETS
from stock_pipeline.errors import (
    BadPayload,
    EmptyOnBusinessDay,
    NetworkError,
    SchemaDrift,
    ServerError,
    Timeout,
)
from stock_pipeline.market_calendar import MarketCalendar

FRIDAY, SUNDAY, MONDAY, THURSDAY, TODAY = (date(2026, 3, day) for day in (6, 8, 9, 12, 13))
ASSET = {asset.asset_id: asset for asset in ASSETS}
EVENING = (FRIDAY, TODAY)
SCHEMA = {
    **dict.fromkeys(("asset_id", "currency", "symbol"), pl.String()),
    "date": pl.Date(),
    **dict.fromkeys(("close", "rebased_close"), pl.Float64()),
    "is_final": pl.Boolean(),
}


class Nothing:
    """A database in which no price is stored yet; counts what it is asked."""

    def __init__(self) -> None:
        self.reads = 0

    def read(self, *_: Any) -> pl.DataFrame:
        """Return no row."""
        self.reads += 1
        return pl.DataFrame(schema=SCHEMA)


def ask(fdr: Any, calendar: MarketCalendar, name: str, span: tuple[date, date] = EVENING) -> Answer:
    """Ask for one asset while nothing of it is stored."""
    (answer,) = Collector(fdr, Nothing(), calendar, span).answers([ASSET[name]])  # type: ignore[arg-type]
    return answer


def closes(answer: Answer) -> dict[date, float | None]:
    """Return the closes by day."""
    return dict(answer.rows.select("date", "close").rows())


def test_an_answer_holds_the_days_of_the_span_and_no_others(fdr: Any, calendar: Any) -> None:
    prices = fdr.prices
    fdr.prices = lambda symbol, start, end: prices(symbol, date(2026, 1, 12), end)
    answer = ask(fdr, calendar, "SOXL")
    assert list(closes(answer)) == [FRIDAY, *(date(2026, 3, day) for day in (9, 10, 11, 12))]
    assert set(answer.rows["currency"]) == {"USD"}
    assert (answer.error, answer.fell_back, answer.fetched_at) == (None, False, fdr.clock.now())


@pytest.mark.parametrize("column", ["date", "open", "high", "low", "close", "volume"])
def test_an_answer_without_a_column_is_drift(fdr: Any, calendar: Any, column: str) -> None:
    prices = fdr.prices

    def drifted(symbol: str, start: date, end: date) -> Any:
        payload = prices(symbol, start, end)
        bars = payload.data.bars.drop(column)
        return SimpleNamespace(
            data=SimpleNamespace(currency="USD", bars=bars), fetched_at=payload.fetched_at
        )

    fdr.prices = drifted
    error = ask(fdr, calendar, "SOXL").error
    assert isinstance(error, SchemaDrift)
    assert error.column == column


@pytest.mark.parametrize(
    ("name", "currency", "error"),
    [
        ("SOXL", "USD", None),
        ("SOXL", None, None),  # Naver and the cache name none
        ("SOXL", "EUR", BadPayload),
        ("SOXL", "KRW", BadPayload),
    ],
)
def test_prices_in_another_currency_are_refused(
    fdr: Any, calendar: Any, name: str, currency: str | None, error: type[Exception] | None
) -> None:
    fdr.currencies[name] = currency
    answer = ask(fdr, calendar, name)
    assert type(answer.error) is (error or type(None))
    assert answer.rows.is_empty() is (error is not None)


@pytest.mark.parametrize(
    ("name", "span", "is_failure"),
    [
        ("KS200", EVENING, True),
        ("KS200", (TODAY, TODAY), True),  # Seoul has closed
        ("SOXL", (TODAY, TODAY), False),  # New York has not opened
        ("SOXL", (THURSDAY, TODAY), True),
        ("BTC", (TODAY, TODAY), False),  # its day lasts until 09:00 tomorrow
        ("BTC", (SUNDAY, SUNDAY), True),
    ],
)
def test_no_row_is_a_failure_when_a_session_of_the_asset_is_over(
    fdr: Any, calendar: Any, name: str, span: tuple[date, date], *, is_failure: bool
) -> None:
    fdr.bars = {symbol: [] for symbol in fdr.bars}
    answer = ask(fdr, calendar, name, span)
    assert isinstance(answer.error, EmptyOnBusinessDay) is is_failure
    assert answer.rows.is_empty()


def test_an_asset_without_a_day_of_its_own_is_not_asked(fdr: Any, calendar: Any) -> None:
    collector = Collector(fdr, Nothing(), calendar, (date(2026, 3, 2), date(2026, 3, 2)))  # type: ignore[arg-type]
    asked = [answer.asset.asset_id for answer in collector.answers(ASSETS)]
    assert asked == ["SOXL", "BTC", "GC=F", "SI=F"], "Seoul was closed on the first of March"


@pytest.mark.parametrize(
    ("day", "stays"),
    [
        (SUNDAY, False),  # how the source writes that there was nothing
        (THURSDAY, True),  # a session without a price is wrong, and is told as such
        (TODAY, False),  # it has not opened yet
    ],
)
def test_a_day_without_any_price_is_a_row_only_in_a_session(
    fdr: Any, calendar: Any, day: date, *, stays: bool
) -> None:
    fdr.put("SOXL", day, (None, None, None, None, None))
    assert (day in closes(ask(fdr, calendar, "SOXL"))) is stays


def test_a_halted_korean_share_keeps_its_close(fdr: Any, calendar: Any) -> None:
    fdr.put("005930", THURSDAY, (None, None, None, 60_000.0, 0.0))
    assert closes(ask(fdr, calendar, "005930"))[THURSDAY] == 60_000.0


@pytest.mark.parametrize("reason", ["fails", "is empty", "is in dollars"])
def test_btc_comes_in_dollars_when_won_cannot_be_had(fdr: Any, calendar: Any, reason: str) -> None:
    if reason == "fails":
        fdr.errors["BTC/KRW"] = Timeout("FDR", "prices")
    elif reason == "is empty":
        fdr.bars["BTC/KRW"] = []
    else:
        fdr.currencies["BTC/KRW"] = "USD"
    answer = ask(fdr, calendar, "BTC")
    assert (answer.error, answer.fell_back, answer.rows.height) == (None, True, 8)
    marks = answer.rows.select("currency", "symbol", "close").unique().rows()
    assert marks == [("USD", "BTC/USD", 90_000.0)]


def test_with_won_and_dollars_dead_btc_fails_for_the_first_reason(fdr: Any, calendar: Any) -> None:
    fdr.errors = {"BTC/KRW": ServerError("FDR", "won"), "BTC/USD": NetworkError("FDR", "dollars")}
    answer = ask(fdr, calendar, "BTC")
    assert isinstance(answer.error, ServerError)
    assert not answer.fell_back


@pytest.mark.parametrize("span", [(THURSDAY, THURSDAY), (date(2026, 1, 12), TODAY)])
def test_a_run_asks_each_asset_and_reads_the_stored_prices_once(
    fdr: Any, calendar: Any, span: tuple[date, date]
) -> None:
    database = Nothing()
    answers = Collector(fdr, database, calendar, span).answers(ASSETS)  # type: ignore[arg-type]
    assert (len(answers), len(fdr.asked), database.reads) == (7, 7, 1)


# ---- the end of an answer


def test_an_answer_without_the_newest_session_is_told_and_its_stored_row_stays(
    evening: Any,
) -> None:
    evening.prices()
    stored = evening.row("KS200", TODAY)
    for day in (MONDAY, TODAY):
        evening.fdr.drop("KS200", day)
    results = evening.prices()
    told = {day: result.failed for day, result in results.items() if result.failed}
    assert told == {TODAY: ("KS200",)}
    assert evening.row("KS200", TODAY) == stored
    # A day before it is a gap of the answer: the flag of the next row tells it.
    assert results[MONDAY].changes.deleted == 1


def test_an_answer_without_a_running_session_is_whole(evening: Any) -> None:
    for symbol in ("BTC/KRW", "GC=F"):
        evening.fdr.drop(symbol, TODAY)
    assert {result.failed for result in evening.prices().values()} == {()}
