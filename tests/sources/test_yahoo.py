"""Charts over the wire: what is asked, what a refusal becomes, what the archive gives back."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.errors import (
    BadPayload,
    BadRequest,
    Blocked,
    RateLimited,
    ServerError,
    UpstreamError,
)
from stock_pipeline.sources.transport import NotArchived, Transport
from stock_pipeline.sources.yahoo import Yahoo

pytestmark = pytest.mark.fault

START, END = date(2026, 7, 8), date(2026, 7, 10)


def _chart(symbol: str, zone: str, *opened: str) -> str:
    """Return a chart whose bars open at these instants and close at 1, 2, 3 …"""
    stamps = [int(datetime.fromisoformat(one).replace(tzinfo=UTC).timestamp()) for one in opened]
    closes = [float(n + 1) for n in range(len(stamps))]
    quote = dict.fromkeys(("open", "high", "low", "close", "volume"), closes)
    meta = {"symbol": symbol, "currency": "USD", "exchangeTimezoneName": zone, "priceHint": 2}
    result = {"meta": meta, "timestamp": stamps, "indicators": {"quote": [quote]}}
    return json.dumps({"chart": {"result": [result], "error": None}})


def _new_york(symbol: str = "^VIX", days: range = range(7, 12)) -> str:
    return _chart(symbol, "America/New_York", *[f"2026-07-{day:02d}T13:30" for day in days])


@pytest.fixture
def yahoo(transport: Transport, upstream: Any) -> Yahoo:
    """Return a client in front of a script that has a chart of the VIX."""
    upstream.say("^VIX", upstream.text(_new_york()))
    return Yahoo(transport)


def test_both_days_are_included_and_no_other(yahoo: Yahoo, upstream: Any, budget: Any) -> None:
    chart = yahoo.chart("^VIX", START, END).data
    assert chart.bars.select("date", "close").rows() == [
        (date(2026, 7, 8), 2.0),
        (date(2026, 7, 9), 3.0),
        (date(2026, 7, 10), 4.0),
    ]
    (request,) = upstream.asked
    # 2026-07-07 and 2026-07-11, 00:00 UTC: Yahoo leaves out what opens at the second.
    assert request.query == {
        "period1": "1783382400",
        "period2": "1783728000",
        "interval": "1d",
        "includePrePost": "false",
    }
    assert request.headers["user-agent"] == "Mozilla/5.0"
    assert budget.admitted == [("YAHOO", 0.0)]


def test_the_first_summer_day_of_a_currency_opens_on_the_day_before(
    yahoo: Yahoo, upstream: Any
) -> None:
    opened = ["2026-07-06T23:00", "2026-07-07T23:00", "2026-07-08T23:00", "2026-07-09T23:00"]
    upstream.say("KRW=X", upstream.text(_chart("KRW=X", "Europe/London", *opened)))
    bars = yahoo.chart("KRW=X", START, START).data.bars
    assert bars.select("date", "close").rows() == [(START, 2.0)]


REFUSALS: list[tuple[int, str, str, type[UpstreamError]]] = [
    (429, "Too Many Requests\r\n", "text/plain", RateLimited),
    (401, "", "text/html", Blocked),
    (403, "<html>", "text/html", Blocked),
    (404, '{"chart":{"result":null,"error":{"code":"Not Found"}}}', "application/json", BadPayload),
    (404, "<html>", "text/html", BadPayload),
    (400, '{"chart":{"result":null,"error":{"code":"x"}}}', "application/json", BadRequest),
    (422, '{"chart":{"result":null,"error":{"code":"x"}}}', "application/json", BadRequest),
    (302, "", "text/html", BadPayload),
    (503, "", "text/html", ServerError),
    (200, "Too Many Requests\r\n", "text/plain", BadPayload),
    (200, "<html>", "text/html", BadPayload),
]


@pytest.mark.parametrize(
    ("status", "body", "kind", "error"), REFUSALS, ids=[f"{s} {b[:9]!r}" for s, b, *_ in REFUSALS]
)
def test_f35_a_refusal_is_a_typed_error_and_is_not_archived(
    yahoo: Yahoo, upstream: Any, archive: Any, status: int, body: str, kind: str, error: type
) -> None:
    upstream.say("^VIX", upstream.text(body, status, kind))
    with pytest.raises(error):
        yahoo.chart("^VIX", START, END)
    assert archive.find("YAHOO", "chart ^VIX", {}) == []


def test_the_recorded_refusal_is_asked_once_more_after_two_seconds(
    yahoo: Yahoo, upstream: Any, clock: Any, recorded: Path
) -> None:
    refusal = (recorded / "macro" / "yahoo_429.txt").read_bytes()
    good = upstream.text(_new_york())
    upstream.say("^VIX", upstream.text(refusal, 429, "text/plain"), good)
    assert yahoo.chart("^VIX", START, END).data.bars.height == 3
    assert clock.sleeps == [pytest.approx(2.3, abs=0.3)]


def test_who_is_refused_by_its_looks_is_not_seen_again_for_an_hour(
    yahoo: Yahoo, upstream: Any, clock: Any, budget: Any
) -> None:
    upstream.say("^VIX", upstream.text("", 403))
    for _ in range(2):
        with pytest.raises(Blocked):
            yahoo.chart("^VIX", START, END)
    assert budget.blocked == {"YAHOO": clock.now() + timedelta(hours=1)}
    assert len(upstream.asked) == 1


def test_a_day_without_a_bar_is_no_rows(yahoo: Yahoo, upstream: Any) -> None:
    said = "Data doesn't exist for startDate = 1783382400, endDate = 1783728000"
    error = {"code": "Bad Request", "description": said}
    body = json.dumps({"chart": {"result": None, "error": error}})
    upstream.say("^VIX", upstream.text(body, 400))
    assert yahoo.chart("^VIX", START, END).data.bars.is_empty()


def test_a_replay_takes_the_newest_chart_that_covers_the_days(
    yahoo: Yahoo, upstream: Any, replaying: Transport, clock: Any
) -> None:
    wide = yahoo.chart("^VIX", date(2026, 7, 1), END)
    clock.instant += timedelta(hours=1)
    upstream.say("^VIX", upstream.text(_new_york(days=range(10, 11))))
    narrow = yahoo.chart("^VIX", END, END)
    again = Yahoo(replaying)
    assert again.chart("^VIX", START, END).fetched_at == wide.fetched_at
    assert again.chart("^VIX", START, END).data.bars.height == 3
    assert again.chart("^VIX", END, END).fetched_at == narrow.fetched_at
    with pytest.raises(NotArchived):
        again.chart("^VIX", START, date(2026, 7, 11))
    with pytest.raises(NotArchived):
        again.chart("SHV", START, END)


def test_a_replay_says_when_the_chart_came_that_it_used(
    yahoo: Yahoo, upstream: Any, archive: Any, replaying: Transport, clock: Any
) -> None:
    with archive.scope(asset="liquidity_price", partition="2026-07-08", run_id="r"):
        wide = yahoo.chart("^VIX", START, END)
    clock.instant += timedelta(hours=1)
    yahoo.chart("^VIX", END, END)
    store: Any = replaying.archive
    with store.scope(asset="liquidity_price", partition="2026-07-09", run_id="r") as receipt:
        Yahoo(replaying).chart("^VIX", START, END)
    assert receipt.fetched_at == wide.fetched_at
