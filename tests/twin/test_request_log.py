"""The request log: what it keeps, what it never keeps, and how another process reads it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from stock_pipeline.twin.request_log import (
    LoggedRequest,
    RequestLog,
    read_log,
    summarise,
    without_secrets,
)
from stock_pipeline.twin.server import Twin

Start = Callable[..., Twin]
Reach = Callable[[Twin], requests.Session]
AT = datetime(2026, 3, 13, 9, 0, tzinfo=UTC)
ENTRY = LoggedRequest(
    at=AT,
    upstream="krx",
    host="data.krx.co.kr",
    method="POST",
    path="/comm/bldAttendant/getJsonData.cmd",
    operation="MDCSTAT01501",
    status=200,
    params={"trdDd": "20260313", "이름": "삼성"},
    seconds=0.25,
    faults=("krx:latency=1",),
)


@pytest.mark.parametrize(
    "name",
    [
        "crtfc_key",
        "serviceKey",
        "ServiceKey",
        "auth",
        "AUTH_KEY",
        "api_key",
        "token",
        "pw",
        "mbrId",
    ],
)
def test_secrets_are_left_out_whatever_their_case(name: str) -> None:
    assert without_secrets({name: "secret", "day": "1"}, {"key": "B128.bld"}) == {
        "day": "1",
        "key": "B128.bld",
    }


def test_file_reads_back_what_was_logged(tmp_path: Path) -> None:
    log = RequestLog(tmp_path / "new" / "requests.jsonl")
    log.add(ENTRY)
    log.add(replace(ENTRY, status=0, faults=()))
    assert read_log(tmp_path / "new" / "requests.jsonl") == log.entries()
    log.close()


def test_log_of_an_earlier_twin_is_continued(tmp_path: Path) -> None:
    for _ in range(2):
        log = RequestLog(tmp_path / "requests.jsonl")
        log.add(ENTRY)
        log.close()
    assert len(read_log(tmp_path / "requests.jsonl")) == 2


def test_line_that_is_still_being_written_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    log = RequestLog(path)
    log.add(ENTRY)
    log.close()
    path.write_bytes(path.read_bytes() + b'{"at": "2026-')
    assert read_log(path) == [ENTRY]


def test_threads_write_whole_lines(tmp_path: Path) -> None:
    log = RequestLog(tmp_path / "requests.jsonl")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: log.add(replace(ENTRY, status=number)), range(200)))
    log.close()
    statuses = sorted(entry.status for entry in read_log(tmp_path / "requests.jsonl"))
    assert statuses == list(range(200))


def test_summary_counts_per_upstream_and_operation() -> None:
    later = AT + timedelta(seconds=10)
    traffic = summarise(
        [
            replace(ENTRY, at=later),
            ENTRY,
            replace(ENTRY, operation="login", status=403),
            replace(ENTRY, upstream="", host="unknown.example", status=502),
        ]
    )
    krx, unknown = traffic
    assert (krx.upstream, krx.requests, krx.failed) == ("krx", 3, 1)
    assert (krx.first_at, krx.last_at, krx.seconds) == (AT, later, 0.75)
    assert krx.by_operation == {"MDCSTAT01501": 2, "login": 1}
    assert (unknown.upstream, unknown.failed) == ("unknown.example", 1)


def test_twin_logs_a_request_before_its_client_has_the_answer(
    start: Start, reach: Reach, tmp_path: Path
) -> None:
    path = tmp_path / "requests.jsonl"
    twin = start(log_path=path)
    before = datetime.now(UTC)
    reach(twin).post(
        "https://shop.example/list.json",
        params={"crtfc_key": "secret-1", "page": "1"},
        data={"pw": "secret-2", "bld": "a/LIST"},
    )
    (entry,) = read_log(path)
    assert [entry] == twin.requests
    assert (entry.upstream, entry.host, entry.operation) == ("shop", "shop.example", "LIST")
    assert (entry.method, entry.path, entry.status) == ("POST", "/list.json", 200)
    assert entry.params == {"page": "1", "bld": "a/LIST"}
    assert before - timedelta(seconds=1) <= entry.at <= datetime.now(UTC)
    assert "secret" not in path.read_text()
