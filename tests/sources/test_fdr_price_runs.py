"""Daily prices through the unmodified FinanceDataReader in its child process, over the wire."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from stock_pipeline.errors import (
    BadPayload,
    Blocked,
    RateLimited,
    ServerError,
    Timeout,
    UpstreamError,
)
from stock_pipeline.redaction import Scrubber
from stock_pipeline.sources.fdr import Fdr
from stock_pipeline.sources.transport import NotArchived, Transport
from stock_pipeline.storage.archive import FileArchive

pytestmark = pytest.mark.fault

START, END = date(2026, 3, 12), date(2026, 3, 13)
CACHED = "Date,Close,UpDown,Comp,Change,Open,High,Low,Volume,Amount,MarCap"
YEAR = "/FinanceData/fdr_krx_data_cache/refs/heads/master/data/index/year_ks200"


def _year(*closes: tuple[str, float]) -> str:
    rows = [f"{day},{close},1,1,0.01,{close},{close},{close},7,8,9" for day, close in closes]
    return "\ufeff" + "\n".join([CACHED, *rows]) + "\n"


THIS_YEAR = _year(("2026-03-11", 834.05), ("2026-03-12", 827.51), ("2026-03-13", 812.93))


def _chart(symbol: str, *rows: tuple[str, float | None], **indicators: Any) -> str:
    """Return a chart of a coin in won; a row is the opening and the price of everything."""
    stamps = [int(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()) for at, _ in rows]
    closes = [close for _, close in rows]
    quote = dict.fromkeys(("open", "high", "low", "close", "volume"), closes)
    meta = {"symbol": symbol, "currency": "KRW", "exchangeTimezoneName": "UTC", "priceHint": 2}
    shown = {"quote": [quote], "adjclose": [{"adjclose": closes}]} | indicators
    result = {"meta": meta | {"regularMarketTime": stamps[-1]}, "timestamp": stamps}
    return json.dumps({"chart": {"result": [result | {"indicators": shown}], "error": None}})


COIN = _chart(
    "BTC-KRW",
    ("2026-03-11T00:00", 101.004),
    ("2026-03-12T00:00", None),
    ("2026-03-13T00:00", 103.0),
    ("2026-03-13T08:59", 104.0),
)


@pytest.fixture
def transport(budget: Any, archive: FileArchive, clock: Any) -> Transport:
    """Return a transport without pacing: the child waits in real time."""
    return Transport(budget, archive, clock, Scrubber(), pace_factor=0)


@pytest.fixture
def fdr(transport: Transport, upstream: Any) -> Fdr:
    """Return a client in front of a script that has an index and a coin."""
    upstream.say("index/year_ks200", upstream.text(THIS_YEAR, kind="text/plain"))
    upstream.say("BTC-KRW", upstream.text(COIN))
    return Fdr(transport, max_retries=0)


def test_an_index_comes_from_the_files_of_its_years(
    fdr: Fdr, upstream: Any, archive: Any, budget: Any, replaying: Transport
) -> None:
    last = upstream.text(_year(("2025-12-30", 600.5)), kind="text/plain")
    upstream.say("index/year_ks200", last, upstream.text(THIS_YEAR, kind="text/plain"))
    payload = fdr.prices("KS200", date(2025, 12, 1), date(2026, 3, 12))
    assert (payload.data.symbol, payload.data.currency) == ("KS200", None)
    assert payload.data.bars.select("date", "close", "volume").rows() == [
        (date(2025, 12, 30), 600.5, 7.0),
        (date(2026, 3, 11), 834.05, 7.0),
        (date(2026, 3, 12), 827.51, 7.0),
    ]
    assert [one.path for one in upstream.asked] == [f"{YEAR}/2025.csv", f"{YEAR}/2026.csv"]
    assert budget.count("FDR cache") == 2
    assert len(archive.find("FDR", "prices KS200", {"symbol": "KS200"})) == 2
    again = Fdr(replaying).prices("KS200", date(2026, 3, 12), date(2026, 3, 12))
    assert again.fetched_at == payload.fetched_at
    assert again.data.bars.rows() == payload.data.bars.rows()[2:]
    with pytest.raises(NotArchived):
        Fdr(replaying).prices("KS200", START, END)


def test_a_missing_year_with_a_session_is_not_hidden(fdr: Fdr, upstream: Any, archive: Any) -> None:
    gone = upstream.text("404: Not Found", 404)
    upstream.say("index/year_ks200", gone, upstream.text(THIS_YEAR, kind="text/plain"))
    with pytest.raises(ServerError, match="file, HTTP 404"):
        fdr.prices("KS200", date(2025, 12, 1), END)
    assert archive.find("FDR", "prices KS200", {"symbol": "KS200"}) == []


NEW_YEAR = [
    ("2026-01-02T07:14", date(2026, 1, 2), None, "16:14 in Seoul: not published yet"),
    ("2026-01-02T07:15", date(2026, 1, 2), ServerError, "16:15: published"),
]


@pytest.mark.parametrize(
    ("now", "end", "error", "why"), NEW_YEAR, ids=[why for *_, why in NEW_YEAR]
)
def test_a_year_without_a_past_session_needs_no_file(
    fdr: Fdr, upstream: Any, clock: Any, now: str, end: date, error: type | None, why: str
) -> None:
    clock.instant = datetime.fromisoformat(now).replace(tzinfo=UTC)
    last = upstream.text(_year(("2025-12-30", 600.5)), kind="text/plain")
    upstream.say("index/year_ks200", last, upstream.text("404: Not Found", 404))
    if error:
        with pytest.raises(error):
            fdr.prices("KS200", date(2025, 12, 26), end)
        return
    assert fdr.prices("KS200", date(2025, 12, 26), end).data.bars["close"].to_list() == [600.5]


def test_a_page_in_place_of_a_year_is_not_hidden(fdr: Fdr, upstream: Any) -> None:
    upstream.say("index/year_ks200", upstream.text("<html>busy\n</html>\n", kind="text/html"))
    with pytest.raises(UpstreamError):
        fdr.prices("KS200", START, END)


NAVER = (
    '<?xml version="1.0" encoding="EUC-KR" ?>\n<protocol>\n'
    '<chartdata symbol="005930" name="삼성전자" count="3" timeframe="day">\n'
    '<item data="20260311|1|2|1|2|5" />\n<item data="20260312|0|0|0|145200|0" />\n'
    '<item data="20260313|148500|149300|143900|145300|24059218" />\n</chartdata>\n</protocol>\n'
)


def test_a_korean_share_comes_from_naver(fdr: Fdr, upstream: Any, budget: Any) -> None:
    upstream.say("sise", upstream.text(NAVER.encode("cp949"), kind="text/xml;charset=EUC-KR"))
    assert fdr.prices("005930", START, END).data.bars.rows() == [
        (date(2026, 3, 12), None, None, None, 145200.0, 0.0),
        (date(2026, 3, 13), 148500.0, 149300.0, 143900.0, 145300.0, 24059218.0),
    ]
    assert [one.query["symbol"] for one in upstream.asked] == ["005930"]
    assert budget.count("FDR Naver") == 1


def test_what_the_library_does_not_see_is_not_handed_out(fdr: Fdr, upstream: Any) -> None:
    # It looks for items with a blank before the slash and finds none here.
    body = NAVER.replace(" />", "/>").encode("cp949")
    upstream.say("sise", upstream.text(body, kind="text/xml;charset=EUC-KR"))
    with pytest.raises(BadPayload, match="the library has 0 rows, the answer 2"):
        fdr.prices("005930", START, END)


@pytest.mark.parametrize("zone", ["Asia/Seoul", "America/New_York"])
def test_yahoos_exclusive_end_and_the_zone_of_the_process_cost_no_day(
    fdr: Fdr, upstream: Any, budget: Any, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    prices = fdr.prices("BTC/KRW", START, END).data
    assert (prices.symbol, prices.currency) == ("BTC/KRW", "KRW")
    # Yahoo's nulls stay, and the running day, which came twice, is there once.
    assert prices.bars.select("date", "close").rows() == [
        (date(2026, 3, 12), None),
        (date(2026, 3, 13), 104.0),
    ]
    (request,) = upstream.asked
    # 2026-03-11 and 2026-03-14, 00:00 UTC.
    assert (request.query["period1"], request.query["period2"]) == ("1773187200", "1773446400")
    assert budget.count("FDR Yahoo") == 1


NOTHING = "Data doesn't exist for startDate = 1773187200, endDate = 1773446400"
NO_ROWS = json.loads(_chart("BTC-KRW", ("2026-03-12T00:00", 1.0), quote=[{}], adjclose=[{}]))
del NO_ROWS["chart"]["result"][0]["timestamp"]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"chart": {"result": None, "error": {"description": NOTHING}}}),
        (200, NO_ROWS),
    ],
    ids=["400: no data", "no timestamp"],
)
def test_days_without_a_bar_are_no_rows_though_the_library_fails(
    fdr: Fdr, upstream: Any, status: int, body: Any
) -> None:
    upstream.say("BTC-KRW", upstream.text(json.dumps(body), status))
    assert fdr.prices("BTC/KRW", START, END).data.bars.is_empty()


REFUSALS: list[tuple[int, str, type[UpstreamError], str]] = [
    (404, '{"chart":{"result":null,"error":{"code":"Not Found"}}}', BadPayload, "no chart"),
    (429, "Too Many Requests\r\n", RateLimited, "HTTP 429"),
    (200, _chart("BTC-USD", ("2026-03-12T00:00", 1.0)), BadPayload, "of another symbol|failed"),
    (200, _chart("BTC-KRW", ("2026-03-12T00:00", 1.0), adjclose=[{}]), BadPayload, "failed"),
]


@pytest.mark.parametrize(
    ("status", "body", "error", "text"), REFUSALS, ids=[f"{s} {t}" for s, _, _, t in REFUSALS]
)
def test_f35_what_yahoo_refuses_is_a_typed_error(
    fdr: Fdr, upstream: Any, status: int, body: str, error: type[UpstreamError], text: str
) -> None:
    upstream.say("BTC-KRW", upstream.text(body, status))
    with pytest.raises(error, match=text):
        fdr.prices("BTC/KRW", START, END)


def test_a_site_that_refuses_this_address_stops_no_other_site(
    fdr: Fdr, upstream: Any, budget: Any, clock: Any
) -> None:
    upstream.say("BTC-KRW", upstream.text("", 403))
    for symbol in ("BTC/KRW", "SOXL"):
        with pytest.raises(Blocked):
            fdr.prices(symbol, START, END)
    assert budget.blocked == {"FDR Yahoo": clock.now() + timedelta(hours=1)}
    assert len(upstream.asked) == 1
    assert fdr.prices("KS200", START, END).data.bars.height == 2


def test_f36_a_child_over_its_time_is_ended_and_asked_again_as_the_operator_says(
    transport: Transport, upstream: Any, clock: Any
) -> None:
    with pytest.raises(Timeout, match=r"prices KS200.*ended after 0\.05 s"):
        Fdr(transport, timeout=0.05, max_retries=2, base_delay=1.0).prices("KS200", START, END)
    assert clock.sleeps == [pytest.approx(1.15, abs=0.15), pytest.approx(2.3, abs=0.3)]


def test_rests_between_two_files_are_not_counted_as_time_of_the_child(
    budget: Any, archive: FileArchive, clock: Any, upstream: Any
) -> None:
    paced = Transport(budget, archive, clock, Scrubber(), pace_factor=0.05)
    with pytest.raises(Timeout, match=r"ended after 0\.15 s"):
        Fdr(paced, timeout=0.05, max_retries=0).prices("KS200", date(2024, 12, 1), END)
    assert budget.count("FDR cache") == 3
