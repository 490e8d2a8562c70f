"""Listings through the unmodified FinanceDataReader in its child process, over the wire."""

from __future__ import annotations

import csv
import gzip
import io
import json
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.errors import (
    BadPayload,
    Blocked,
    NetworkError,
    SchemaDrift,
    ServerError,
    Timeout,
    UpstreamError,
)
from stock_pipeline.redaction import Scrubber
from stock_pipeline.sources.fdr import Fdr
from stock_pipeline.sources.fdr_listing import COLUMNS, Kind
from stock_pipeline.sources.transport import NotArchived, Transport
from stock_pipeline.storage.archive import FileArchive
from stock_pipeline.twin.wire import Answer

pytestmark = pytest.mark.fault

FOLDERS: list[tuple[Kind, str]] = [
    ("KRX", "listing/krx"),
    ("KRX-DESC", "listing/desc"),
    ("KRX-DELISTING", "listing/delisting"),
]


def _bundle(day: str = "20260313") -> str:
    return json.dumps({"result": {"output": [{"max_work_dt": day}]}})


def _file(kind: Kind, *rows: dict[str, str], without: str = "") -> bytes:
    """Return a listing file as the cache has it: byte order mark, running number, quotes."""
    out = io.StringIO()
    names = [name for name in COLUMNS[kind] if name != without]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["", *names])
    writer.writerows([n, *[row.get(name, "") for name in names]] for n, row in enumerate(rows))
    return ("\ufeff" + out.getvalue()).encode()


ROWS = [
    {"Code": "005930", "Name": "삼성전자", "Close": "183500", "ChagesRatio": "-2.30"},
    {"Code": "0126Z0", "Name": "한빛, 주식회사", "Close": "", "ChagesRatio": ".5"},
]


@pytest.fixture
def transport(budget: Any, archive: FileArchive, clock: Any) -> Transport:
    """Return a transport without pacing: the child waits in real time."""
    return Transport(budget, archive, clock, Scrubber(), pace_factor=0)


@pytest.fixture
def fdr(transport: Transport, upstream: Any) -> Fdr:
    """Return a client in front of a script that has a day and a small listing."""
    upstream.say("B128", upstream.text(_bundle()))
    upstream.say("listing/krx", upstream.text(_file("KRX", *ROWS), kind="text/plain"))
    return Fdr(transport, max_retries=0)


def test_codes_and_numbers_come_as_the_texts_of_the_file(
    fdr: Fdr, upstream: Any, archive: Any, budget: Any
) -> None:
    listing = fdr.listing("KRX").data
    assert listing.work_date == date(2026, 3, 13)
    assert listing.rows.select("Code", "Name", "Close", "ChagesRatio").rows() == [
        ("005930", "삼성전자", "183500", "-2.30"),
        ("0126Z0", "한빛, 주식회사", None, ".5"),
    ]
    assert [request.path for request in upstream.asked if "listing" in request.path] == [
        "/FinanceData/fdr_krx_data_cache/refs/heads/master/data/listing/krx/2026-03-13.csv"
    ]
    assert (budget.count("KRX"), budget.count("FDR")) == (2, 1)
    (stored,) = archive.find("FDR", "listing KRX", {"work_date": "2026-03-13"})
    assert stored.body == _file("KRX", *ROWS)


@pytest.mark.parametrize(("kind", "folder"), FOLDERS, ids=[kind for kind, _ in FOLDERS])
def test_recorded_files_come_through_row_by_row(
    fdr: Fdr, upstream: Any, recorded: Path, kind: Kind, folder: str
) -> None:
    packed = (recorded / "fdr" / folder / "2026-03-13.csv.gz").read_bytes()
    body = gzip.decompress(packed)
    upstream.say(folder, upstream.text(body, kind="text/plain"))
    rows = fdr.listing(kind).data.rows
    expected = [
        {name: row[name] or None for name in COLUMNS[kind]}
        for row in csv.DictReader(io.StringIO(body.decode("utf-8-sig")))
    ]
    assert rows.to_dicts() == expected


def test_a_replay_takes_the_newest_listing(
    fdr: Fdr, upstream: Any, replaying: Transport, clock: Any
) -> None:
    fdr.listing("KRX")
    clock.instant += timedelta(days=7)
    upstream.say("B128", upstream.text(_bundle("20260320")))
    second = fdr.listing("KRX")
    again = Fdr(replaying).listing("KRX")
    assert again.fetched_at == second.fetched_at
    assert again.data.work_date == date(2026, 3, 20)
    assert again.data.rows.equals(second.data.rows)
    with pytest.raises(NotArchived):
        Fdr(replaying).listing("KRX-DESC")


def test_f36_a_child_over_its_time_is_ended(transport: Transport, fdr: Fdr, upstream: Any) -> None:
    started = time.monotonic()
    with pytest.raises(Timeout, match=r"ended after 0\.2 s"):
        Fdr(transport, timeout=0.2, max_retries=0).listing("KRX")
    assert time.monotonic() - started < 3


def test_failures_are_repeated_with_the_operators_waits(
    transport: Transport, fdr: Fdr, upstream: Any, clock: Any
) -> None:
    upstream.say("listing/krx", upstream.text("404", 404), *[upstream.text("404", 404)] * 3)
    with pytest.raises(ServerError, match="file, HTTP 404"):
        Fdr(transport, max_retries=2, base_delay=1.0).listing("KRX")
    assert clock.sleeps == [pytest.approx(1.15, abs=0.15), pytest.approx(2.3, abs=0.3)]
    assert len(upstream.queries("listing/krx")) == 3


def test_a_hidden_failure_of_the_delisting_file_is_an_error(fdr: Fdr, upstream: Any) -> None:
    upstream.say("listing/delisting", upstream.text("404", 404))
    with pytest.raises(ServerError, match="file, HTTP 404"):
        fdr.listing("KRX-DELISTING")


@pytest.mark.parametrize("status", [200, 403])
def test_the_block_page_of_krx_blocks_krx_for_everybody(
    fdr: Fdr, upstream: Any, budget: Any, clock: Any, status: int
) -> None:
    page = "<title>에러페이지 - 한국거래소</title>"
    upstream.say("B128", upstream.text(page, status, "text/html"))
    with pytest.raises(Blocked):
        fdr.listing("KRX")
    assert budget.blocked == {"KRX": clock.now() + timedelta(hours=24)}
    asked = len(upstream.asked)
    with pytest.raises(Blocked):
        fdr.listing("KRX")
    assert len(upstream.asked) == asked


def test_no_listing_is_asked_for_while_krx_is_blocked(
    fdr: Fdr, upstream: Any, budget: Any, clock: Any
) -> None:
    budget.block("KRX", clock.now() + timedelta(hours=1))
    with pytest.raises(Blocked):
        fdr.listing("KRX")
    assert upstream.asked == []


BAD_FILES: list[tuple[bytes, type[UpstreamError], str]] = [
    (_file("KRX", *ROWS, without="Marcap"), SchemaDrift, "column missing"),
    (_file("KRX"), BadPayload, "no rows"),
    (b"", BadPayload, "empty"),
    (b"<html>busy</html>", SchemaDrift, "page"),
    (_file("KRX", *ROWS).decode("utf-8-sig").encode("cp949"), BadPayload, "encoding"),
]


@pytest.mark.parametrize(("body", "kind", "why"), BAD_FILES, ids=[why for *_, why in BAD_FILES])
def test_a_bad_file_is_a_typed_error_and_is_not_archived(
    fdr: Fdr, upstream: Any, archive: Any, body: bytes, kind: type[UpstreamError], why: str
) -> None:
    upstream.say("listing/krx", upstream.text(body, kind="text/plain"))
    with pytest.raises((kind, BadPayload)):
        fdr.listing("KRX")
    assert archive.find("FDR", "listing KRX", {}) == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(503, b"", "text/html", "B128"), ServerError),
        (Answer(200, b"<html>", "text/html", "B128"), BadPayload),
        (Answer(200, b'{"result": {}}', "text/html", "B128"), BadPayload),
    ],
    ids=["503", "page", "no day"],
)
def test_a_failed_question_for_the_day_is_a_typed_error(
    fdr: Fdr, upstream: Any, answer: Answer, kind: type[UpstreamError]
) -> None:
    upstream.say("B128", answer)
    with pytest.raises(kind):
        fdr.listing("KRX")


def test_f03_no_way_to_the_upstream_is_a_network_error(
    fdr: Fdr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with pytest.raises(NetworkError, match="bundle"):
        fdr.listing("KRX")


def test_the_child_waits_between_its_requests_to_krx(
    budget: Any, archive: Any, clock: Any, fdr: Fdr, upstream: Any
) -> None:
    paced = Transport(budget, archive, clock, Scrubber(), pace_factor=0.3)
    started = time.monotonic()
    Fdr(paced).listing("KRX")
    assert time.monotonic() - started > 0.3
    assert len(upstream.queries("B128")) == 2
