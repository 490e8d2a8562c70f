"""The child process of FinanceDataReader watches requests and changes nothing about them."""

from __future__ import annotations

import io
import json
import urllib.request
from typing import Any

import pandas as pd
import pytest
import requests

from stock_pipeline.sources.fdr_worker import Seen, main, report, watched


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let requests to loopback go past every proxy."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.usefixtures("direct")
def test_what_is_watched_is_what_the_library_gets(server: Any) -> None:
    body = "\ufeff,Code\n0,005930\n".encode()
    server.replies = [server.http(b'{"a": 1}'), server.http(body)]
    seen = Seen()
    with watched(seen, pace=0):
        assert requests.get(f"{server.url}/bundle", timeout=5).json() == {"a": 1}
        frame = pd.read_csv(f"{server.url}/krx/2026-03-13.csv", index_col=0, dtype=str)
    assert frame["Code"].tolist() == ["005930"]
    assert (seen.work_date, seen.body) == ("2026-03-13", body)
    assert seen.requests == [
        {"what": "bundle", "status": 200, "blocked": False},
        {"what": "file", "status": 200},
    ]


def test_the_libraries_are_as_before_afterwards() -> None:
    before = (requests.get, urllib.request.urlopen)
    with watched(Seen(), pace=0):
        assert (requests.get, urllib.request.urlopen) != before
    assert (requests.get, urllib.request.urlopen) == before


@pytest.mark.usefixtures("direct")
def test_a_failure_is_noted_and_goes_its_way(server: Any) -> None:
    server.replies = [server.http(status="404 Not Found"), lambda connection: None]
    seen = Seen()
    with watched(seen, pace=0):
        with pytest.raises(OSError, match="404"):
            urllib.request.urlopen(f"{server.url}/x.csv")
        with pytest.raises(requests.ConnectionError):
            requests.get(server.url, timeout=5)
    assert seen.requests == [
        {"what": "file", "status": 404},
        {"what": "bundle", "failure": "network"},
    ]


def test_a_report_holds_codes_with_their_zeros() -> None:
    frame = pd.DataFrame({"Symbol": ["005930", None], "Name": ["a", "b"]})
    made = report(Seen(), frame)
    assert (made["rows"], made["codes"]) == (2, ["005930", ""])
    assert report(Seen(), None)["rows"] is None


def test_a_report_is_written_even_when_the_library_fails() -> None:
    out = io.BytesIO()
    with pytest.raises(NotImplementedError):
        main(["NO-SUCH-LISTING", "0"], out)
    assert json.loads(out.getvalue())["requests"] == []
