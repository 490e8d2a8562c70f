"""Prices as FinanceDataReader's sites send them, and what the library must agree with."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stock_pipeline.errors import BadPayload, SchemaDrift, UpstreamError
from stock_pipeline.redaction import Scrubber
from stock_pipeline.sources.fdr_prices import Prices, read_prices, require_same_prices, site_of
from stock_pipeline.sources.transport_wire import Answer

EVER = (date(1980, 1, 1), date(2030, 1, 1))
WEEK = (date(2026, 3, 9), date(2026, 3, 13))
HEADER = "Date,Close,UpDown,Comp,Change,Open,High,Low,Volume,Amount,MarCap"
YEAR = (
    f"\ufeff{HEADER}\n2026-03-12,827.51,2,-6.54,-0.0078,826.36,836.64,819.77,187421991,1,2\n"
    "2026-03-13,812.93,2,-14.58,-0.0176,800.34,821.54,797.11,233897939,3,4\n"
)
NAVER = (
    '<?xml version="1.0" encoding="EUC-KR" ?>\n<protocol>\n'
    '<chartdata symbol="005930" name="삼성전자" count="2" timeframe="day">\n'
    '<item data="20260312|148500|149300|143900|145200|24059218" />\n'
    '<item data="20260313|0|0|0|145200|0" />\n</chartdata>\n</protocol>\n'
)


def _answer(body: str | bytes, kind: str) -> Answer:
    charset = "EUC-KR" if kind == "text/xml" else "utf-8"
    raw = (
        body.encode("cp949" if charset == "EUC-KR" else "utf-8") if isinstance(body, str) else body
    )
    return Answer("FDR", "prices", 200, {"Content-Type": f"{kind};charset={charset}"}, raw)


def _naver(body: str | bytes = NAVER, days: tuple[date, date] = EVER) -> Prices:
    answers = {"sise.nhn": _answer(body, "text/xml")}
    return read_prices("005930", days, answers, Scrubber()).prices


def _year(body: str | bytes = YEAR, days: tuple[date, date] = EVER) -> Prices:
    return read_prices("KS200", days, {"2026": _answer(body, "text/plain")}, Scrubber()).prices


SITES = [
    ("KS200", "cache"),
    ("KS11", "cache"),
    ("005930", "Naver"),
    ("0126Z0", "Naver"),
    ("00680K", "Naver"),
    ("005930.KS", "Naver"),
    ("SOXL", "Yahoo"),
    ("BTC/KRW", "Yahoo"),
    ("GC=F", "Yahoo"),
]


@pytest.mark.parametrize(("symbol", "site"), SITES, ids=[symbol for symbol, _ in SITES])
def test_a_symbol_is_looked_for_where_the_library_looks(symbol: str, site: str) -> None:
    assert site_of(symbol) == site


def test_the_recorded_chart_of_naver_comes_through_row_by_row(recorded: Path) -> None:
    text = gzip.decompress(
        (recorded / "krx" / "naver_sise_0_005930_day.response.xml.gz").read_bytes()
    ).decode()
    expected = []
    for item in re.findall(r'data="([^"]*)"', text):
        day, *numbers = item.split("|")
        expected.append((datetime.strptime(day, "%Y%m%d").date(), *map(float, numbers)))
    prices = _naver(text)
    assert len(expected) == 1835
    assert prices.bars.rows() == expected
    assert (prices.symbol, prices.currency) == ("005930", None)


def _numbers(row: dict[str, str]) -> tuple[float | None, ...]:
    return tuple(
        float(row[name]) if row[name] else None
        for name in ("Open", "High", "Low", "Close", "Volume")
    )


@pytest.mark.parametrize("symbol", ["KS200", "KS11", "KQ11"])
def test_the_recorded_years_of_an_index_come_through_row_by_row(
    recorded: Path, symbol: str
) -> None:
    folder = recorded / "fdr" / "index" / f"year_{symbol.lower()}"
    bodies = {file.name[:4]: gzip.decompress(file.read_bytes()) for file in folder.glob("*.csv.gz")}
    expected = [
        (date.fromisoformat(row["Date"]), *_numbers(row))
        for _, body in sorted(bodies.items())
        for row in csv.DictReader(io.StringIO(body.decode("utf-8-sig")))
    ]
    answers = {year: _answer(body, "text/plain") for year, body in sorted(bodies.items())}
    prices = read_prices(symbol, EVER, answers, Scrubber()).prices
    assert len(expected) > 7000
    assert prices.bars.rows() == expected


def test_the_recorded_chart_of_a_coin_has_its_currency(recorded: Path) -> None:
    body = (recorded / "macro" / "yahoo_chart-BTC-USD-2020-01-01-to-2020-01-03.json").read_bytes()
    days = (date(2020, 1, 2), date(2020, 1, 3))
    answers = {"BTC-USD": _answer(body, "application/json")}
    prices = read_prices("BTC/USD", days, answers, Scrubber()).prices
    assert (prices.symbol, prices.currency) == ("BTC/USD", "USD")
    assert prices.bars.select("date", "close").rows() == [
        (date(2020, 1, 2), 6985.47),
        (date(2020, 1, 3), 7344.88),
    ]


def test_a_halted_day_has_a_close_and_nothing_else() -> None:
    assert _naver().bars.row(1) == (date(2026, 3, 13), None, None, None, 145200.0, 0.0)


TRADED = [
    ("20260313|0|0|0|145200|5", (0.0, 0.0, 0.0), "traded: zeros are no prices, a rule says so"),
    ("20260313|0|10|5|10|0", (0.0, 10.0, 5.0), "only one of them is zero"),
]


@pytest.mark.parametrize(("item", "shown", "why"), TRADED, ids=[why for *_, why in TRADED])
def test_other_zeros_are_kept(item: str, shown: tuple[float, ...], why: str) -> None:
    bars = _naver(NAVER.replace("20260313|0|0|0|145200|0", item)).bars
    assert bars.select("open", "high", "low").row(1) == shown


def test_an_unknown_code_has_no_items_and_no_rows() -> None:
    assert _naver(re.sub(r"<item.*/>\n", "", NAVER)).bars.is_empty()


@pytest.mark.parametrize(
    ("days", "closes"),
    [
        ((date(2026, 3, 12), date(2026, 3, 12)), [827.51]),
        ((date(2026, 3, 13), date(2026, 3, 20)), [812.93]),
        ((date(2026, 3, 14), date(2026, 3, 15)), []),
    ],
    ids=["first day", "last day", "weekend"],
)
def test_both_days_are_included(days: tuple[date, date], closes: list[float]) -> None:
    assert _year(days=days).bars["close"].to_list() == closes


BAD_YEARS: list[tuple[str | bytes, type[UpstreamError], str]] = [
    ("", BadPayload, "empty"),
    (f"{HEADER}\n", BadPayload, "no rows"),
    ("404: Not Found", BadPayload, "text"),
    ("<html><title>busy</title>\n</html>\n", SchemaDrift, "page"),
    (YEAR[:-5], BadPayload, "cut"),
    (YEAR.replace("Volume", "Vol"), SchemaDrift, "column renamed"),
    (YEAR.replace("2026-03-13", "2025-03-13"), BadPayload, "another year"),
    (YEAR.replace("2026-03-13", "13.03.2026"), BadPayload, "no day"),
    (YEAR.replace("812.93", "812,93"), BadPayload, "one cell too many"),
    (YEAR.replace("812.93", "n/a"), BadPayload, "text in a number"),
    (YEAR.encode("utf-16"), UpstreamError, "encoding"),
]


@pytest.mark.parametrize(("body", "kind", "why"), BAD_YEARS, ids=[why for *_, why in BAD_YEARS])
def test_a_bad_file_of_a_year_is_a_typed_error(
    body: str | bytes, kind: type[UpstreamError], why: str
) -> None:
    with pytest.raises(kind):
        _year(body)


BAD_CHARTS: list[tuple[str | bytes, type[UpstreamError], str]] = [
    ("", BadPayload, "empty"),
    ("<html><body>busy</body></html>", BadPayload, "page"),
    (NAVER.replace("</protocol>", ""), BadPayload, "cut"),
    (NAVER.replace("005930", "000660"), BadPayload, "another symbol"),
    (NAVER.replace('data="20260312|', 'd="20260312|'), SchemaDrift, "no data"),
    (NAVER.replace("|24059218", ""), SchemaDrift, "a cell too few"),
    (NAVER.replace("|24059218", "|many"), BadPayload, "text in a number"),
    (NAVER.replace("20260312", "20261312"), BadPayload, "no day"),
    (
        NAVER.replace("<protocol>", '<!DOCTYPE a [<!ENTITY b "c">]><protocol>'),
        BadPayload,
        "DOCTYPE",
    ),
    (NAVER.encode("utf-8").replace(b"005930", b"\xff\xfe"), BadPayload, "encoding"),
]


@pytest.mark.parametrize(("body", "kind", "why"), BAD_CHARTS, ids=[why for *_, why in BAD_CHARTS])
def test_a_bad_chart_of_naver_is_a_typed_error(
    body: str | bytes, kind: type[UpstreamError], why: str
) -> None:
    with pytest.raises(kind):
        _naver(body)


def test_f08_a_chart_cut_anywhere_has_no_rows() -> None:
    whole = NAVER.rstrip().encode("cp949")
    for cut in range(len(whole)):
        with pytest.raises(UpstreamError):
            _naver(whole[:cut])


@given(st.binary(max_size=60), st.integers(0, len(NAVER)), st.integers(0, len(YEAR)))
def test_any_bytes_are_rows_or_a_typed_error(noise: bytes, here: int, there: int) -> None:
    with contextlib.suppress(UpstreamError):
        _naver(NAVER[:here].encode("cp949") + noise + NAVER[here + 3 :].encode("cp949"))
    with contextlib.suppress(UpstreamError):
        _year(YEAR[:there].encode() + noise + YEAR[there + 3 :].encode())


@pytest.mark.parametrize("number", ["1e999", "-1e999", "nan", "9" * 400])
def test_f17_no_number_breaks_the_reading(number: str) -> None:
    bars = _naver(NAVER.replace("145200|24059218", f"{number}|24059218")).bars
    assert bars["close"].to_list()[1] == 145200.0


SENT = read_prices("KS200", EVER, {"2026": _answer(YEAR, "text/plain")}, Scrubber()).sent


def _frame(**columns: list[float | None]) -> dict[str, Any]:
    """Return the library's frame of the two days, as the child describes it."""
    made: dict[str, list[float | None]] = {
        "Open": [826.36, 800.34],
        "High": [836.64, 821.54],
        "Low": [819.77, 797.11],
        "Close": [827.51, 812.93],
        "Volume": [187421991.0, 233897939.0],
    }
    return {"dates": ["2026-03-12", "2026-03-13"], "columns": made | columns}


def test_a_library_that_agrees_to_the_last_but_one_digit_agrees() -> None:
    require_same_prices("prices KS200", _frame(), SENT)
    require_same_prices("prices KS200", _frame(Close=[827.5100000000001, 812.93]), SENT)


OTHERS: list[tuple[dict[str, Any] | None, str]] = [
    (None, "the library raised"),
    ({"dates": [], "columns": {}}, "an empty frame"),
    ({**_frame(), "dates": ["2026-03-11", "2026-03-13"]}, "another day"),
    (_frame(Close=[827.51, 812.94]), "another number"),
    (_frame(Open=[826.36, None]), "a number lost"),
]


@pytest.mark.parametrize(("frame", "why"), OTHERS, ids=[why for _, why in OTHERS])
def test_a_library_that_disagrees_is_not_believed(frame: dict[str, Any] | None, why: str) -> None:
    with pytest.raises(BadPayload, match="the library has"):
        require_same_prices("prices KS200", frame, SENT)


def test_without_rows_the_library_may_have_raised() -> None:
    require_same_prices("prices BTC/KRW", None, SENT.clear())
    require_same_prices("prices 999999", {"dates": [], "columns": {}}, SENT.clear())
    with pytest.raises(BadPayload):
        require_same_prices("prices KS200", _frame(), SENT.clear())


def test_a_currency_is_held_against_the_days_of_utc_and_kept_under_its_own() -> None:
    opened = int(datetime(2026, 7, 8, 23, tzinfo=UTC).timestamp())
    quote = {name: [1380.5] for name in ("open", "high", "low", "close", "volume")}
    meta = {"symbol": "KRW=X", "exchangeTimezoneName": "Europe/London", "priceHint": 4}
    result = {"meta": meta, "timestamp": [opened], "indicators": {"quote": [quote]}}
    body = json.dumps({"chart": {"result": [result], "error": None}})
    days = (date(2026, 7, 9), date(2026, 7, 9))
    found = read_prices("USD/KRW", days, {"KRW=X": _answer(body, "application/json")}, Scrubber())
    assert found.prices.bars["date"].to_list() == [date(2026, 7, 9)]
    assert found.sent["date"].to_list() == [date(2026, 7, 8)]
