"""The child process of FinanceDataReader watches requests and changes nothing about them."""

from __future__ import annotations

import gzip
import io
import json
import math
import time
import urllib.request
from http.client import IncompleteRead
from typing import Any

import pandas as pd
import pytest
import requests

from stock_pipeline.sources import fdr_worker
from stock_pipeline.sources.fdr_worker import Seen, listed, main, priced, watched

pytestmark = pytest.mark.usefixtures("direct")


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let requests to loopback go past every proxy."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def test_what_is_watched_is_what_the_library_gets(server: Any) -> None:
    body = "\ufeff,Code\n0,005930\n".encode()
    chart = gzip.compress(b'{"chart": 1}')
    server.replies = [
        server.http(b'{"a": 1}'),
        server.http(body, Content_Type="text/plain"),
        server.http(chart, Content_Encoding="gzip", Content_Type="application/json"),
    ]
    seen = Seen()
    with watched(seen, pace=0):
        bundle = requests.get(f"{server.url}/executeForResourceBundle.cmd", timeout=5)
        frame = pd.read_csv(f"{server.url}/krx/2026-03-13.csv", index_col=0, dtype=str)
        chart_seen = requests.get(f"{server.url}/v8/finance/chart/%5EVIX?period1=0", timeout=5)
    assert bundle.json() == {"a": 1}
    assert chart_seen.text == '{"chart": 1}'
    assert frame["Code"].tolist() == ["005930"]
    assert seen.bodies == [b'{"a": 1}', body, b'{"chart": 1}']
    shown = [(r["what"], r["name"], r["status"], r["size"]) for r in seen.requests]
    assert shown == [
        ("bundle", "executeForResourceBundle.cmd", 200, 8),
        ("file", "2026-03-13", 200, len(body)),
        ("chart", "^VIX", 200, 12),
    ]
    assert [r["content_type"] for r in seen.requests] == ["", "text/plain", "application/json"]


def test_the_libraries_are_as_before_afterwards() -> None:
    before = (requests.get, urllib.request.urlopen)
    with watched(Seen(), pace=0):
        assert (requests.get, urllib.request.urlopen) != before
    assert (requests.get, urllib.request.urlopen) == before


def test_a_failure_is_noted_and_goes_its_way(server: Any) -> None:
    refusal = server.http(status="429 Too Many Requests", Retry_After="7")
    server.replies = [refusal, lambda connection: None, refusal]
    seen = Seen()
    with watched(seen, pace=0):
        with pytest.raises(OSError, match="429"):
            urllib.request.urlopen(f"{server.url}/x.csv")
        with pytest.raises(requests.ConnectionError):
            requests.get(server.url, timeout=5)
        assert requests.get(server.url, timeout=5).status_code == 429
    shown = [(r.get("status"), r.get("failure"), r.get("retry_after")) for r in seen.requests]
    assert shown == [(429, None, "7"), (None, "network", None), (429, None, "7")]


def test_f08_a_body_that_was_cut_is_a_failure_and_not_a_shorter_file(server: Any) -> None:
    cut = server.http(b"Date,Close\n2026-03-13,812.93\n")[:-4]
    server.replies = [cut, cut]
    seen = Seen()
    with watched(seen, pace=0):
        with pytest.raises(IncompleteRead):
            urllib.request.urlopen(f"{server.url}/2026.csv")
        with pytest.raises(requests.RequestException):
            requests.get(server.url, timeout=5)
    assert [r["failure"] for r in seen.requests] == ["network", "network"]
    assert seen.bodies == [b"", b""]


def test_f10_an_answer_that_unpacks_to_too_much_is_not_handed_on(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fdr_worker, "LARGEST_ANSWER", 100_000)
    bomb = server.http(gzip.compress(b" " * 10_000_000), Content_Encoding="gzip")
    # The rest of this one never comes: whoever wants all of it waits.
    endless = server.http(b" " * 300_000, Content_Length="10000000")
    server.replies = [
        bomb,
        lambda connection: (connection.sendall(endless), connection.recv(1)),
        server.http(b" " * 100_001),
        server.http(b" " * 100_000),
    ]
    seen = Seen()
    with watched(seen, pace=0):
        for _ in range(2):
            with pytest.raises(ValueError, match="too large"):
                requests.get(server.url, timeout=1)
        with pytest.raises(ValueError, match="too large"):
            urllib.request.urlopen(f"{server.url}/2026.csv")
        assert len(requests.get(server.url, timeout=5).content) == 100_000
    assert [r.get("failure") for r in seen.requests] == ["large"] * 3 + [None]


def test_requests_of_one_kind_are_spaced(server: Any) -> None:
    started = time.monotonic()
    with watched(Seen(), pace=0.2):
        requests.get(server.url, timeout=5)
        urllib.request.urlopen(f"{server.url}/2025.csv")
        assert time.monotonic() - started < 0.2
        urllib.request.urlopen(f"{server.url}/2026.csv")
    assert time.monotonic() - started >= 0.2


def test_a_listing_is_described_by_its_codes_with_their_zeros() -> None:
    frame = pd.DataFrame({"Symbol": ["005930", None], "Name": ["a", "b"]})
    assert listed(frame) == {"rows": 2, "codes": ["005930", ""]}


def test_prices_are_described_by_days_and_numbers() -> None:
    days = pd.to_datetime(["2026-03-12", "2026-03-13"])
    frame = pd.DataFrame({"Open": [0.1, math.nan], "High": 2, "Low": 1, "Close": 1}, index=days)
    made = priced(frame.assign(Volume=[7, 8], Change=0.0))
    assert made["dates"] == ["2026-03-12", "2026-03-13"]
    assert made["columns"]["Open"] == [0.1, None]
    assert made["columns"]["Volume"] == [7.0, 8.0]
    assert list(made["columns"]) == ["Open", "High", "Low", "Close", "Volume"]
    assert priced(pd.DataFrame()) == {"dates": [], "columns": {}}


def test_a_report_is_written_even_when_the_library_fails() -> None:
    out = io.BytesIO()
    with pytest.raises(NotImplementedError):
        main(["0", "listing", "NO-SUCH-LISTING"], out)
    assert json.loads(out.getvalue()) == {"requests": [], "frame": None}
