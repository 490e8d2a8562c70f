"""Charts as Yahoo sends them: days of the exchange, nulls, the running bar, hostile bytes."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stock_pipeline.errors import BadPayload, BadRequest, SchemaDrift, UpstreamError
from stock_pipeline.redaction import Scrubber
from stock_pipeline.sources.transport_wire import Answer
from stock_pipeline.sources.yahoo_chart import Chart, read_chart

QUOTE = ("open", "high", "low", "close", "volume")
RECORDED = [
    ("yahoo_chart-AAPL-2020-01-01-to-2020-01-03.json", "AAPL", 1),
    ("yahoo_chart-AAPL-2020-08-31-to-2020-11-07.json", "AAPL", 49),
    ("yahoo_chart-BTC-USD-2020-01-01-to-2020-01-03.json", "BTC-USD", 3),
    ("yahoo_chart-EURUSD_X-2020-01-01-to-2020-01-03.json", "EURUSD=X", 3),
    ("yahoo_historical-via-chart-MSFT-dividends-2021-02-01-to-2022-01-31.json", "MSFT", 252),
]


def _at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def _document(rows: list[tuple[Any, ...]], **meta: Any) -> dict[str, Any]:
    """Return a chart of SOXL; a row is the opening (UTC) and the five columns."""
    told = {"symbol": "SOXL", "currency": "USD", "exchangeTimezoneName": "America/New_York"}
    told |= {"priceHint": 2, "gmtoffset": -18000, "regularMarketTime": _at("2026-07-10T20:00")}
    columns = {name: [row[1 + n] for row in rows] for n, name in enumerate(QUOTE)}
    result = {
        "meta": told | meta,
        "timestamp": [_at(row[0]) for row in rows],
        "indicators": {"quote": [columns]},
    }
    return {"chart": {"result": [result], "error": None}}


def _read(document: Any, symbol: str = "SOXL", status: int = 200) -> Chart:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    headers = {"Content-Type": "application/json;charset=utf-8"}
    return read_chart(Answer("YAHOO", "chart", status, headers, body), symbol, Scrubber())


@pytest.mark.parametrize(("name", "symbol", "rows"), RECORDED, ids=[one[0] for one in RECORDED])
def test_recorded_charts_come_through_field_by_field(
    recorded: Path, name: str, symbol: str, rows: int
) -> None:
    body = (recorded / "macro" / name).read_bytes()
    result = json.loads(body)["chart"]["result"][0]
    meta, quote = result["meta"], result["indicators"]["quote"][0]
    zone = ZoneInfo(meta["exchangeTimezoneName"])
    expected = [
        {
            "date": datetime.fromtimestamp(stamp, zone).date(),
            "opened_at": datetime.fromtimestamp(stamp, UTC),
            **{c: round(quote[c][n], meta["priceHint"]) for c in QUOTE[:4]},
            "volume": float(quote["volume"][n]),
        }
        for n, stamp in enumerate(result["timestamp"])
    ]
    chart = _read(body, symbol)
    assert len(expected) == rows
    assert chart.bars.to_dicts() == expected
    assert (chart.symbol, chart.currency, chart.zone) == (symbol, meta["currency"], zone.key)
    assert chart.entries["close"].to_list() == quote["close"]


DAYS = [
    (
        "America/New_York",
        "2026-07-09T13:30",
        date(2026, 7, 9),
        "summer, though gmtoffset is winter",
    ),
    ("America/New_York", "2026-01-09T14:30", date(2026, 1, 9), "winter"),
    ("Europe/London", "2026-07-08T23:00", date(2026, 7, 9), "currencies in summer"),
    ("Europe/London", "2026-01-09T00:00", date(2026, 1, 9), "currencies in winter"),
    ("Asia/Seoul", "2026-07-09T00:00", date(2026, 7, 9), "Seoul opens at midnight UTC"),
    ("UTC", "2026-07-09T23:59", date(2026, 7, 9), "coins, running"),
]


@pytest.mark.parametrize(("zone", "opened", "day", "why"), DAYS, ids=[one[-1] for one in DAYS])
def test_a_bar_belongs_to_the_day_of_its_exchange(
    zone: str, opened: str, day: date, why: str
) -> None:
    chart = _read(_document([(opened, 1, 2, 1, 2, 9)], exchangeTimezoneName=zone))
    assert chart.bars["date"].to_list() == [day]


def test_prices_are_rounded_to_the_digits_yahoo_shows_and_entries_are_not() -> None:
    noise = (151.44000244140625, 152.0, 150.99500274658203, 151.5)
    chart = _read(_document([("2026-07-09T13:30", *noise, 12)]))
    assert chart.bars.select(QUOTE[:4]).row(0) == (151.44, 152.0, 151.0, 151.5)
    assert chart.entries["open"].to_list() == [151.44000244140625]
    rough = _read(_document([("2026-07-09T13:30", *noise, 12)], priceHint=4))
    assert rough.bars["low"].to_list() == [150.995]


def test_nulls_stay_null() -> None:
    rows = [("2026-07-08T13:30", 1, 2, 1, 2, 9), ("2026-07-09T13:30", *[None] * 5)]
    assert _read(_document(rows)).bars.select(QUOTE).row(1) == (None,) * 5


def test_the_second_entry_of_a_running_day_takes_the_place_of_the_first() -> None:
    rows = [("2026-07-10T13:30", 1, 2, 1, 2, 9), ("2026-07-10T20:00", 1, 3, 1, 3, 11)]
    chart = _read(_document(rows))
    assert chart.bars.rows() == [
        (date(2026, 7, 10), datetime(2026, 7, 10, 13, 30, tzinfo=UTC), 1, 3, 1, 3, 11)
    ]
    assert chart.entries.height == 2


SINGLE = [
    ("2026-07-10T19:59", "stamped at another time: two rows that contradict each other"),
    ("2026-07-09T13:30", "another day"),
]


@pytest.mark.parametrize(("first", "why"), SINGLE, ids=[why for _, why in SINGLE])
def test_other_entries_stay_two(first: str, why: str) -> None:
    stamped = "2026-07-10T20:00" if "2026-07-09" in first else "2026-07-10T19:58"
    rows = [(first, 1, 2, 1, 2, 9), (stamped, 1, 3, 1, 3, 11)]
    assert _read(_document(rows)).bars.height == 2


@pytest.mark.parametrize("quote", [{}, {name: [] for name in QUOTE}], ids=["bare", "empty lists"])
def test_a_window_without_rows_has_no_timestamp_and_is_no_error(quote: dict[str, Any]) -> None:
    document = _document([])
    result = document["chart"]["result"][0]
    del result["timestamp"]
    result["indicators"]["quote"] = [quote]
    chart = _read(document)
    assert chart.bars.is_empty()
    assert (chart.currency, chart.zone) == ("USD", "America/New_York")


def _error(code: str, description: str) -> dict[str, Any]:
    return {"chart": {"result": None, "error": {"code": code, "description": description}}}


def test_a_window_before_the_listing_is_no_error() -> None:
    said = _error("Bad Request", "Data doesn't exist for startDate = 1767052800, endDate = 9")
    chart = _read(said, status=400)
    assert chart.bars.is_empty()
    assert chart.currency is None


def test_an_unknown_symbol_is_a_failure_of_this_symbol(recorded: Path) -> None:
    with pytest.raises(BadPayload, match="HTTP 404, no chart") as caught:
        _read((recorded / "macro" / "yahoo_chart_404.json").read_bytes(), status=404)
    assert "may be delisted" in caught.value.sample


def test_a_wrong_request_is_a_mistake_of_this_program() -> None:
    with pytest.raises(BadRequest):
        _read(_error("Bad Request", "Invalid input - interval=7d"), status=400)


def _with(path: str, value: Any) -> dict[str, Any]:
    """Return a good chart of one row in which one thing is different; `...` takes it away."""
    document = _document([("2026-07-09T13:30", 1, 2, 1, 2, 9)])
    *way, last = path.split(".")
    place: Any = document
    for step in way:
        place = place[int(step) if step.isdigit() else step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return document


RESULT = "chart.result.0."
COLUMNS = RESULT + "indicators.quote.0."
ODD: list[tuple[str, Any, type[UpstreamError]]] = [
    ("chart", [], BadPayload),
    ("chart.result", [], BadPayload),
    ("chart.result", None, BadPayload),
    (RESULT + "meta", ..., SchemaDrift),
    (RESULT + "meta.symbol", "SOXS", BadPayload),
    (RESULT + "meta.priceHint", ..., SchemaDrift),
    (RESULT + "meta.priceHint", True, SchemaDrift),
    (RESULT + "meta.priceHint", 11, SchemaDrift),
    (RESULT + "meta.currency", 5, SchemaDrift),
    (RESULT + "meta.exchangeTimezoneName", ..., SchemaDrift),
    (RESULT + "meta.exchangeTimezoneName", "Mars/Olympus", SchemaDrift),
    (RESULT + "meta.regularMarketTime", "now", SchemaDrift),
    (RESULT + "timestamp", "1", SchemaDrift),
    (RESULT + "timestamp", [1.5], SchemaDrift),
    (RESULT + "timestamp", [None], SchemaDrift),
    (RESULT + "timestamp", [10**18], SchemaDrift),
    (RESULT + "timestamp", [], BadPayload),
    (RESULT + "timestamp", [1, 2], BadPayload),
    (RESULT + "indicators", ..., SchemaDrift),
    (RESULT + "indicators.quote", [], SchemaDrift),
    (COLUMNS + "close", ..., SchemaDrift),
    (COLUMNS + "volume", ..., SchemaDrift),
    (COLUMNS + "close", ["2"], SchemaDrift),
    (COLUMNS + "close", [True], SchemaDrift),
    (COLUMNS + "close", [1, 2], BadPayload),
]


@pytest.mark.parametrize(("path", "value", "kind"), ODD, ids=[f"{p} {v}" for p, v, _ in ODD])
def test_f16_an_odd_field_is_a_typed_error(
    path: str, value: Any, kind: type[UpstreamError]
) -> None:
    with pytest.raises(kind):
        _read(_with(path, value))


@pytest.mark.parametrize("name", ["currency", "regularMarketTime"])
def test_what_is_not_needed_may_be_missing(name: str) -> None:
    assert _read(_with(f"{RESULT}meta.{name}", ...)).bars.height == 1


HOSTILE = [
    b"Too Many Requests\r\n",
    b"<html>sorry</html>",
    b"",
    b"[" * 100_000,
    b'{"chart": {"result": [{"timestamp": [NaN]}]}}',
    json.dumps(_with(COLUMNS + "close", [2])).replace("[2]", "[1e999]").encode(),
    json.dumps(_with(COLUMNS + "close", [2])).replace("[2]", f"[{10**400}]").encode(),
    json.dumps(_with(COLUMNS + "close", [2])).replace("[2]", "[Infinity]").encode(),
]


def _rows_or_typed(body: bytes) -> None:
    with contextlib.suppress(UpstreamError):
        assert isinstance(_read(body), Chart)


@pytest.mark.parametrize("body", HOSTILE, ids=[str(body[:30]) for body in HOSTILE])
def test_f07_f10_hostile_bytes_are_rows_or_a_typed_error(body: bytes) -> None:
    _rows_or_typed(body)


def test_f08_an_answer_cut_anywhere_has_no_rows() -> None:
    body = json.dumps(_document([("2026-07-09T13:30", 1, 2, 1, 2, 9)] * 3)).encode()
    for cut in range(len(body)):
        with pytest.raises(BadPayload):
            _read(body[:cut])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
PLACES = sorted({path for path, *_ in ODD} | {RESULT + "events", COLUMNS + "open"})


@given(st.sampled_from(PLACES), JSON)
def test_any_json_in_any_place_is_rows_or_a_typed_error(path: str, value: Any) -> None:
    _rows_or_typed(json.dumps(_with(path, value)).encode())
