"""Yahoo's chart: bytes as recorded, the running bar, refusals in the words of the service."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stock_pipeline.twin.wire import Answer, Request
from stock_pipeline.twin.world import World
from stock_pipeline.twin.yahoo import Yahoo

HOST = "query2.finance.yahoo.com"
EVENING = datetime(2026, 3, 13, 9, 0, tzinfo=UTC)

Ask = Callable[..., Answer]


def stamp(*parts: int) -> int:
    """Return the Unix time of an instant in UTC."""
    return int(datetime(*parts, tzinfo=UTC).timestamp())  # type: ignore[misc]  # a date's parts


PERIOD = {"period1": str(stamp(2026, 3, 2)), "period2": str(stamp(2026, 3, 14))}


@pytest.fixture(scope="module")
def ask(small_world: World) -> Ask:
    def asked(symbol: str, now: datetime = EVENING, **query: str) -> Answer:
        request = Request("GET", HOST, f"/v8/finance/chart/{symbol}", query or PERIOD)
        answer = Yahoo(small_world, lambda: now).answer(request)
        assert answer is not None
        return answer

    return asked


def chart_of(answer: Answer) -> dict[str, Any]:
    (chart,) = json.loads(answer.body)["chart"]["result"]
    found: dict[str, Any] = chart
    return found


def shape(content: object) -> object:
    """Return keys and kinds of values; lists by their first element."""
    if isinstance(content, dict):
        return {name: shape(each) for name, each in sorted(content.items())}
    if isinstance(content, list):
        return [shape(each) for each in content[:1]]
    return type(content).__name__


# Of the recorded instruments, which of ours is of the same kind.
@pytest.mark.parametrize(
    ("recording", "symbol"),
    [
        ("AAPL-2020-01-01-to-2020-01-03", "SOXL"),
        ("BTC-USD-2020-01-01-to-2020-01-03", "BTC-USD"),
        ("EURUSD_X-2020-01-01-to-2020-01-03", "KRW=X"),
    ],
)
def test_chart_is_written_as_recorded(
    ask: Ask, recorded: Path, recording: str, symbol: str
) -> None:
    body = (recorded / "macro" / f"yahoo_chart-{recording}.json").read_bytes()
    request = json.loads(
        (recorded / "macro" / f"yahoo_chart-{recording}.request.json").read_text("utf-8")
    )
    answer = ask(symbol)
    assert (answer.status, answer.content_type) == (request["status"], request["content_type"])
    assert answer.headers == request["headers"]
    model, told = json.loads(body), json.loads(answer.body)
    assert shape(told) == shape(model)
    ours, theirs = told["chart"]["result"][0]["meta"], model["chart"]["result"][0]["meta"]
    assert [*ours] == [*theirs]
    # Words and numbers that do not depend on the instrument or on the moment.
    same = ("exchangeTimezoneName", "hasPrePostMarketData", "dataGranularity", "range")
    for name in (*same, "validRanges") + (() if symbol == "SOXL" else ("exchangeName",)):
        assert ours[name] == theirs[name], name
    assert answer.body[:30] == body[:30]
    assert b'": ' not in answer.body


def test_events_are_written_as_recorded(ask: Ask, recorded: Path) -> None:
    model = json.loads(
        (recorded / "macro" / "yahoo_chart-AAPL-2020-08-31-to-2020-11-07.json").read_bytes()
    )
    period = {"period1": str(stamp(2021, 1, 1)), "period2": str(stamp(2021, 4, 1))}
    told = chart_of(ask("SOXL", **period, events="div|split|earn"))
    theirs = model["chart"]["result"][0]
    for kind in ("dividends", "splits"):
        (ours,), (other,) = told["events"][kind].items(), theirs["events"][kind].items()
        assert shape(ours[1]) == shape(other[1])
        assert ours[0] == str(ours[1]["date"])
    (split,) = told["events"]["splits"].values()
    assert split == {
        "date": stamp(2021, 3, 2, 14, 30),
        "numerator": 15,
        "denominator": 1,
        "splitRatio": "15:1",
    }


def test_events_come_only_when_they_are_asked_for(ask: Ask) -> None:
    period = {"period1": str(stamp(2021, 1, 1)), "period2": str(stamp(2021, 4, 1))}
    assert "events" not in chart_of(ask("SOXL", **period))
    assert [*chart_of(ask("SOXL", **period, events="div"))["events"]] == ["dividends"]
    assert "events" not in chart_of(ask("SOXL", events="split"))


def test_prices_have_the_noise_of_single_precision(ask: Ask) -> None:
    quote = chart_of(ask("SOXL"))["indicators"]["quote"][0]
    prices = [price for name in ("open", "high", "low", "close") for price in quote[name]]
    assert all(price == float(np.float32(round(price, 2))) for price in prices)
    assert any(price != round(price, 2) for price in prices)
    assert all(type(volume) is int for volume in quote["volume"])


@pytest.mark.parametrize(
    ("symbol", "day", "opened"),
    [
        ("SOXL", date(2026, 3, 6), (2026, 3, 6, 14, 30)),  # New York, winter
        ("SOXL", date(2026, 3, 9), (2026, 3, 9, 13, 30)),  # the Monday of summer time
        ("^VIX", date(2026, 3, 9), (2026, 3, 9, 13, 30)),  # Chicago
        ("GC=F", date(2026, 3, 9), (2026, 3, 9, 4, 0)),  # midnight of New York
        ("KRW=X", date(2026, 3, 9), (2026, 3, 9, 0, 0)),  # London has summer time three weeks later
        ("KRW=X", date(2025, 7, 1), (2025, 6, 30, 23, 0)),  # the day before in UTC
        ("BTC-KRW", date(2025, 7, 1), (2025, 7, 1, 0, 0)),
    ],
)
def test_bars_are_stamped_at_the_opening_in_exchange_time(
    ask: Ask, small_world: World, symbol: str, day: date, opened: tuple[int, ...]
) -> None:
    when = stamp(*opened)
    told = chart_of(ask(symbol, period1=str(when), period2=str(when)))
    (bar,) = small_world.abroad.bars(symbol, day, day)
    assert told["timestamp"] == [when]
    assert told["indicators"]["quote"][0]["close"] == [float(np.float32(bar.close))]


def test_bar_stamped_at_the_end_of_the_period_still_comes(ask: Ask) -> None:
    end = stamp(2026, 3, 4)
    told = chart_of(ask("BTC-USD", period1=str(stamp(2026, 3, 3)), period2=str(end)))
    assert told["timestamp"] == [stamp(2026, 3, 3), end]
    before = chart_of(ask("BTC-USD", period1=str(stamp(2026, 3, 3)), period2=str(end - 1)))
    assert before["timestamp"] == [stamp(2026, 3, 3)]


@pytest.mark.parametrize(
    ("symbol", "moment", "stamps"),
    [
        # Even hours: one row; odd hours: the same day once more under the present time.
        ("BTC-USD", (2026, 3, 13, 8, 15), [(2026, 3, 13)]),
        ("BTC-USD", (2026, 3, 13, 9, 15), [(2026, 3, 13), (2026, 3, 13, 9, 15)]),
        ("SOXL", (2026, 3, 13, 9, 15), []),  # not opened yet
        ("SOXL", (2026, 3, 13, 15, 0), [(2026, 3, 13, 13, 30), (2026, 3, 13, 15, 0)]),
        ("SOXL", (2026, 3, 13, 20, 5), [(2026, 3, 13, 13, 30)]),  # closed, not settled
        ("SOXL", (2026, 3, 13, 21, 5), [(2026, 3, 13, 13, 30)]),  # final
    ],
)
def test_running_bar_is_doubled_in_every_other_hour(
    ask: Ask, symbol: str, moment: tuple[int, ...], stamps: list[tuple[int, ...]]
) -> None:
    now = datetime(*moment, tzinfo=UTC)  # type: ignore[misc]  # a date's parts
    told = chart_of(ask(symbol, now, period1=str(stamp(2026, 3, 13)), period2="9999999999"))
    assert told.get("timestamp", []) == [stamp(*each) for each in stamps]
    if len(stamps) == 2:
        assert told["meta"]["regularMarketTime"] == told["timestamp"][-1]
        volumes = told["indicators"]["quote"][0]["volume"]
        assert volumes[0] < volumes[1]


def test_bar_moves_until_it_has_settled(ask: Ask, small_world: World) -> None:
    def volume(*clock: int) -> int:
        now = datetime(2026, 3, 13, *clock, tzinfo=UTC)
        told = chart_of(ask("SOXL", now, period1=str(stamp(2026, 3, 13)), period2="9999999999"))
        found: int = told["indicators"]["quote"][0]["volume"][-1]
        return found

    (final,) = small_world.abroad.bars("SOXL", date(2026, 3, 13), date(2026, 3, 13))
    running = [volume(14, 0), volume(19, 59), volume(20, 1), volume(20, 14)]
    assert all(before < after for before, after in pairwise(running))
    assert running[-1] < volume(20, 15) == volume(22, 0) == final.volume


@pytest.mark.parametrize("symbol", ["SOXL", "KRW=X"])
def test_weekend_has_no_timestamp_at_all(ask: Ask, symbol: str) -> None:
    saturday = {"period1": str(stamp(2026, 3, 7)), "period2": str(stamp(2026, 3, 8, 12))}
    told = chart_of(ask(symbol, **saturday))
    assert "timestamp" not in told
    assert told["indicators"] == {"quote": [{}], "adjclose": [{}]}


def test_days_without_coins_are_null_in_every_column(ask: Ask) -> None:
    days = {"period1": str(stamp(2020, 10, 8)), "period2": str(stamp(2020, 10, 14))}
    for symbol in ("BTC-USD", "BTC-KRW"):
        told = chart_of(ask(symbol, **days))
        assert told["timestamp"] == [stamp(2020, 10, day) for day in range(8, 15)]
        quote, (adjusted,) = told["indicators"]["quote"][0], told["indicators"]["adjclose"]
        for column in (*quote.values(), adjusted["adjclose"]):
            assert [cell is None for cell in column] == [
                False,
                True,
                False,
                False,
                True,
                True,
                False,
            ]


def test_adjusted_close_is_without_the_dividends_paid_since(ask: Ask) -> None:
    year = {"period1": str(stamp(2025, 3, 14)), "period2": str(stamp(2026, 3, 14))}
    told = chart_of(ask("TLT", **year))["indicators"]
    closes, adjusted = told["quote"][0]["close"], told["adjclose"][0]["adjclose"]
    assert 0.95 < adjusted[0] / closes[0] < 0.975
    assert adjusted[-1] == closes[-1]
    spread = chart_of(ask("^GSPC", **year))["indicators"]
    assert spread["adjclose"][0]["adjclose"] == spread["quote"][0]["close"]


@pytest.mark.parametrize(
    ("symbol", "query", "status", "code"),
    [
        ("DOGE-USD", {}, 404, "Not Found"),  # unknown here
        ("BTC/KRW", {}, 0, ""),  # two parts of a path
        ("SOXL", {"period1": "x", "period2": "2"}, 422, "Unprocessable Entity"),
        ("SOXL", {"period1": "9", "period2": "2"}, 400, "Bad Request"),  # backwards
        ("SOXL", {"period1": "1", "period2": "2"}, 400, "Bad Request"),  # before the first row
        ("SOXL", {"range": "7y"}, 422, "Unprocessable Entity"),
        ("SOXL", {"interval": "1h"}, 0, ""),  # hours are not played
    ],
)
def test_refusals(
    small_world: World, symbol: str, query: dict[str, str], status: int, code: str
) -> None:
    request = Request("GET", HOST, f"/v8/finance/chart/{symbol}", query)
    answer = Yahoo(small_world, lambda: EVENING).answer(request)
    if not status:
        assert answer is None
        return
    assert answer is not None
    content = json.loads(answer.body)["chart"]
    assert (answer.status, content["result"], content["error"]["code"]) == (status, None, code)


def test_unknown_symbol_is_refused_in_the_recorded_words(ask: Ask, recorded: Path) -> None:
    body = (recorded / "macro" / "yahoo_chart_404.json").read_bytes()
    assert ask("NOPE").body.strip() == body.strip()


@pytest.mark.parametrize(
    ("name", "count"),
    [("1d", 1), ("5d", 4), ("1mo", 22), ("ytd", 48), ("max", 1556)],
)
def test_range_may_stand_for_a_period(ask: Ask, name: str, count: int) -> None:
    told = chart_of(ask("SOXL", range=name))
    assert (len(told["timestamp"]), told["meta"]["range"]) == (count, name)


def test_meta_tells_where_the_instrument_stands(ask: Ask, small_world: World) -> None:
    told = chart_of(ask("SOXL", datetime(2026, 7, 1, 11, 0, tzinfo=UTC)))["meta"]
    (newest,) = small_world.abroad.bars("SOXL", date(2026, 6, 30), date(2026, 6, 30))
    (before,) = small_world.abroad.bars("SOXL", date(2026, 2, 27), date(2026, 2, 27))
    # Today's offset, also for the bars of winter.
    assert (told["gmtoffset"], told["timezone"]) == (-14_400, "EDT")
    assert told["regularMarketPrice"] == newest.close
    assert told["regularMarketTime"] == stamp(2026, 6, 30, 20)
    assert told["chartPreviousClose"] == before.close
    assert told["currentTradingPeriod"]["pre"]["start"] == stamp(2026, 7, 1, 8)
    assert told["currentTradingPeriod"]["regular"]["start"] == stamp(2026, 7, 1, 13, 30)
    assert told["currentTradingPeriod"]["post"]["end"] == stamp(2026, 7, 2)
    assert told["fiftyTwoWeekLow"] <= told["regularMarketPrice"] <= told["fiftyTwoWeekHigh"]


def test_both_hosts_are_played(small_world: World) -> None:
    yahoo = Yahoo(small_world, lambda: EVENING + timedelta(days=3))
    for host in ("query1.finance.yahoo.com", "query2.finance.yahoo.com"):
        request = Request("GET", host, "/v8/finance/chart/^VIX", {"range": "1d"})
        answer = yahoo.answer(request)
        assert answer is not None
        assert (answer.status, answer.operation) == (200, "chart/^VIX")
