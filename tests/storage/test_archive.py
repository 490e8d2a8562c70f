"""The raw archive: what goes in comes out, from several processes, also after one died."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from stock_pipeline.errors import BadPayload
from stock_pipeline.sources.transport import Archive, Exchange
from stock_pipeline.storage.archive import FileArchive

AT = datetime(2026, 3, 13, 9, 0, tzinfo=UTC)
FIRST = Exchange("DART", "list", {"bgn_de": "20260313", "page_no": "1"}, AT, "text/x", b"one")


@pytest.fixture
def archive(tmp_path: Path, clock: Any) -> FileArchive:
    """Return an empty archive."""
    return FileArchive(tmp_path, clock=clock)


@pytest.fixture
def replaying(tmp_path: Path, clock: Any) -> FileArchive:
    """Return the same folder, opened for a replay."""
    return FileArchive(tmp_path, replaying=True, clock=clock)


def test_it_is_what_sources_ask_for(archive: FileArchive) -> None:
    asked_for: Archive = archive
    assert asked_for.replaying is False


def test_an_exchange_comes_back_as_it_was(archive: FileArchive) -> None:
    archive.store(FIRST)
    (found,) = archive.find("DART", "list", {"bgn_de": "20260313"})
    assert vars(found) == vars(FIRST)


def test_files_lie_where_the_documentation_says(archive: FileArchive, tmp_path: Path) -> None:
    with archive.scope(asset="dart_filing", partition="2026-03-13", run_id="r1"):
        archive.store(FIRST)
    digest = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    assert (tmp_path / "DART" / "objects" / "76" / f"{digest}.zst").exists()
    line = orjson.loads((tmp_path / "DART" / "index-2026-03.jsonl").read_bytes())
    assert line == {
        "source": "DART",
        "operation": "list",
        "params": {"bgn_de": "20260313", "page_no": "1"},
        "fetched_at": "2026-03-13T09:00:00+00:00",
        "content_type": "text/x",
        "digest": digest,
        "size": 3,
        "asset": "dart_filing",
        "partition": "2026-03-13",
        "run_id": "r1",
    }


def test_equal_bodies_are_one_object(archive: FileArchive, tmp_path: Path) -> None:
    archive.store(FIRST)
    archive.store(replace(FIRST, params={"page_no": "2"}))
    assert len(list(tmp_path.rglob("*.zst"))) == 1
    assert len(archive.find("DART", "list", {})) == 2


def test_the_newest_answer_of_each_request_is_found(archive: FileArchive) -> None:
    later = AT + timedelta(hours=1)
    archive.store(replace(FIRST, fetched_at=later, body=b"new"))
    archive.store(FIRST)
    archive.store(replace(FIRST, params={**FIRST.params, "page_no": "2"}, body=b"two"))
    found = archive.find("DART", "list", {"bgn_de": "20260313"})
    assert sorted(exchange.body for exchange in found) == [b"new", b"two"]


@pytest.mark.parametrize(
    ("source", "operation", "params"),
    [
        ("KRX", "list", {}),
        ("DART", "company", {}),
        ("DART", "list", {"page_no": "2"}),
        ("DART", "list", {"corp_code": "1"}),
    ],
    ids=["source", "operation", "value", "name"],
)
def test_what_was_not_asked_is_not_found(
    archive: FileArchive, source: str, operation: str, params: dict[str, str]
) -> None:
    archive.store(FIRST)
    assert archive.find(source, operation, params) == []


def test_a_receipt_tells_of_its_scope_alone(archive: FileArchive) -> None:
    archive.attempted("DART")
    with archive.scope(asset="a", partition="p", run_id="r") as receipt:
        archive.attempted("DART")
        archive.attempted("DART")
        archive.store(replace(FIRST, fetched_at=AT + timedelta(hours=1)))
        archive.store(replace(FIRST, body=b"two"))
    archive.attempted("DART")
    archive.store(FIRST)
    assert (receipt.requests, receipt.source) == (2, "DART")
    assert receipt.fetched_at == AT + timedelta(hours=1)
    assert len(receipt.digests) == 2


def test_a_replayed_answer_counts_into_the_receipt(
    archive: FileArchive, replaying: FileArchive
) -> None:
    archive.store(FIRST)
    with replaying.scope(asset="a", partition="p", run_id="r") as receipt:
        replaying.find("DART", "list", {"page_no": "1"})
    assert (receipt.requests, receipt.fetched_at, receipt.source) == (0, AT, "DART")


def test_a_replay_takes_the_answer_of_its_own_week(
    archive: FileArchive, replaying: FileArchive
) -> None:
    codes = Exchange("DART", "corpCode", {}, AT, "zip", b"week one")
    for week, exchange in enumerate((codes, replace(codes, fetched_at=AT + timedelta(7)))):
        with archive.scope(asset="codes", partition=f"week {week}", run_id="r"):
            archive.store(replace(exchange, body=b"week %d" % week))
    with replaying.scope(asset="codes", partition="week 0", run_id="r"):
        assert [e.body for e in replaying.find("DART", "corpCode", {})] == [b"week 0"]
    with replaying.scope(asset="codes", partition="week 2", run_id="r"):
        assert replaying.find("DART", "corpCode", {}) == []


def test_a_replay_takes_a_dated_answer_from_another_asset(
    archive: FileArchive, replaying: FileArchive
) -> None:
    with archive.scope(asset="first", partition="2026-03-13", run_id="r"):
        archive.store(FIRST)
    with replaying.scope(asset="second", partition="2026-03-14", run_id="r"):
        assert len(replaying.find("DART", "list", {"bgn_de": "20260313"})) == 1


@pytest.mark.parametrize("torn", [b'{"source": "DA', b"\x00\xff", b"[]", b'{"operation": 1}'])
def test_a_torn_line_is_ignored_and_costs_no_other(
    archive: FileArchive, tmp_path: Path, torn: bytes
) -> None:
    archive.store(FIRST)
    index = tmp_path / "DART" / "index-2026-03.jsonl"
    index.write_bytes(index.read_bytes() + torn)
    archive.store(replace(FIRST, params={"page_no": "2"}))
    assert len(archive.find("DART", "list", {})) == 2


@pytest.mark.parametrize("damage", ["removed", "altered", "exchanged"])
def test_a_damaged_object_is_an_error_and_never_an_answer(
    archive: FileArchive, tmp_path: Path, damage: str
) -> None:
    archive.store(FIRST)
    (path,) = tmp_path.rglob("*.zst")
    archive.store(replace(FIRST, operation="other", body=b"two"))
    (other,) = set(tmp_path.rglob("*.zst")) - {path}
    if damage == "removed":
        path.unlink()
    elif damage == "altered":
        path.write_bytes(b"nothing")
    else:
        path.write_bytes(other.read_bytes())
    with pytest.raises(BadPayload, match="archived answer 7692c3ad3540"):
        archive.find("DART", "list", {})


@pytest.mark.parametrize("source", ["../DART", "", "a/b", "."])
def test_a_source_cannot_leave_the_folder(archive: FileArchive, source: str) -> None:
    with pytest.raises(ValueError, match="plain word"):
        archive.store(replace(FIRST, source=source))


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from stock_pipeline.clock import SystemClock
from stock_pipeline.sources.transport import Exchange
from stock_pipeline.storage.archive import FileArchive
archive = FileArchive(Path(sys.argv[1]), clock=SystemClock())
for n in range(40):
    params = {"writer": sys.argv[2], "n": str(n), "padding": "x" * 5000}
    body = str(n).encode()
    archive.store(Exchange("KRX", "day", params, datetime.now(UTC), "text/x", body))
"""


@pytest.mark.fault
def test_lines_of_several_processes_never_mix(archive: FileArchive, tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(n)]) for n in range(4)
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0, 0]
    found = archive.find("KRX", "day", {})
    assert len(found) == 160
    assert all(exchange.body == exchange.params["n"].encode() for exchange in found)
    assert list(tmp_path.rglob("*.part")) == []


def test_the_newest_answer_to_exactly_this_request_is_found_whoever_asked(
    archive: FileArchive,
) -> None:
    later = replace(FIRST, fetched_at=AT + timedelta(hours=1), body=b"two", etag='W/"2"')
    with archive.scope(asset="dart_filing", partition="2026-03-13", run_id="r1"):
        archive.store(later)
    archive.store(FIRST)
    with archive.scope(asset="other", partition="2026-03-14", run_id="r2") as receipt:
        found = archive.newest("DART", "list", FIRST.params)
    assert found is not None
    assert vars(found) == vars(later)
    # It is only known to be the same once the upstream has said so.
    assert receipt.fetched_at is None
    assert archive.newest("DART", "list", {"bgn_de": "20260313"}) is None
    assert archive.newest("DART", "list", {}) is None


def test_what_came_last_of_fitting_requests_is_found_and_nothing_else_counts_as_used(
    archive: FileArchive, tmp_path: Path, clock: Any
) -> None:
    def store(partition: str, days: str, at: datetime, *names: str) -> None:
        with archive.scope(asset="price_daily", partition=partition, run_id="r"):
            for name in names:
                params = {"days": days, "name": name}
                archive.store(replace(FIRST, params=params, fetched_at=at, body=name.encode()))

    store("2026-03-05", "5 to 12", AT, "old")
    store("2026-03-06", "6 to 13", AT + timedelta(days=1), "2025", "2026")
    store("2026-03-13", "13", AT + timedelta(days=2), "newest")
    replaying = FileArchive(tmp_path, replaying=True, clock=clock)
    with replaying.scope(asset="price_daily", partition="2026-03-05", run_id="r") as receipt:
        found = replaying.newest_of("DART", "list", lambda params: params["days"] != "13")
        assert [one.body for one in found] == [b"2025", b"2026"]
        assert replaying.newest_of("DART", "list", lambda params: params["days"] == "14") == []
    assert receipt.fetched_at == AT + timedelta(days=1)
    assert len(receipt.digests) == 2


def test_an_answer_whose_body_is_lost_is_asked_for_anew(
    archive: FileArchive, tmp_path: Path
) -> None:
    archive.store(FIRST)
    for file in (tmp_path / "DART" / "objects").rglob("*.zst"):
        file.unlink()
    assert archive.newest("DART", "list", FIRST.params) is None


def test_what_a_run_was_answered_is_found_by_its_name(archive: FileArchive) -> None:
    for run, body in (("r1", b"one"), ("r1", b"two"), ("r2", b"three")):
        with archive.scope(asset="dart_filing", partition="2026-03-13", run_id=run):
            archive.store(replace(FIRST, body=body))
    with archive.scope(asset="stocks", partition="2026-03-13", run_id="r1"):
        archive.store(replace(FIRST, body=b"of another table"))
    found = archive.filed("dart_filing", run_id="r1", partition=None, when=AT)
    assert [archive.body(line) for line in found] == [b"one", b"two"]
    assert [(line.source, line.run_id, line.size) for line in found] == [("DART", "r1", 3)] * 2
    # The files of the months around are read, no others.
    month = timedelta(days=31)
    assert archive.filed("dart_filing", run_id="r1", partition=None, when=AT + month) == found
    assert archive.filed("dart_filing", run_id="r1", partition=None, when=AT + 2 * month) == []


def test_what_a_replay_was_told_is_found_by_its_partition(archive: FileArchive) -> None:
    for hours, body in ((0, b"used"), (2, b"came later")):
        with archive.scope(asset="dart_filing", partition="2026-03-13", run_id="collected"):
            archive.store(replace(FIRST, body=body, fetched_at=AT + timedelta(hours=hours)))
    found = archive.filed("dart_filing", run_id="replay", partition="2026-03-13", when=AT)
    assert [archive.body(line) for line in found] == [b"used"]
    assert archive.filed("dart_filing", run_id="replay", partition=None, when=AT) == []
