"""Retention of the raw archive: what a rebuilding reads is never dropped."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stock_pipeline.storage.archive import ArchivedExchange, FileArchive
from stock_pipeline.storage.archive_retention import Dropped, forget

NOW = datetime(2026, 11, 21, 3, 30, tzinfo=UTC)
# The last day of the newest month that was over 90 days before, and the first of the next.
OVER, RUNNING = datetime(2026, 7, 31, 9, tzinfo=UTC), datetime(2026, 8, 1, 9, tzinfo=UTC)


def keep(
    root: Path, clock, at: datetime, body: str, *, source: str = "FSS", day: str = "2026-07-31"
) -> None:
    """Store an answer as if it had come at an instant."""
    clock.instant = at
    archive = FileArchive(root, clock=clock)
    with archive.scope(asset="example", partition=day, run_id="run-1") as receipt:
        archive.store(
            ArchivedExchange(source, "list", {"page": "1"}, at, "text/plain", body.encode())
        )
    for digest in receipt.digests:
        path = root / source / "objects" / digest[:2] / f"{digest}.zst"
        os.utime(path, (at.timestamp(), at.timestamp()))


def stored(root: Path, clock, *, source: str = "FSS", day: str = "2026-07-31") -> list[str]:
    """Return the bodies that a rebuilding of a partition would read."""
    archive = FileArchive(root, replaying=True, clock=clock)
    with archive.scope(asset="example", partition=day, run_id="run-2"):
        return [found.body.decode() for found in archive.find(source, "list", {"page": "1"})]


def test_an_answer_that_a_newer_one_superseded_is_dropped(tmp_path: Path, clock) -> None:
    keep(tmp_path, clock, OVER - timedelta(hours=1), "first")
    keep(tmp_path, clock, OVER, "second")
    dropped = forget(tmp_path, NOW)["FSS"]
    assert (dropped.lines, dropped.files) == (1, 1)
    assert dropped.size > 0
    assert stored(tmp_path, clock) == ["second"]


@pytest.mark.parametrize(
    "again",
    [
        pytest.param({"day": "2026-07-30"}, id="for another partition"),
        pytest.param({"at": RUNNING}, id="in a month that was not over 90 days ago"),
    ],
)
def test_what_a_rebuilding_reads_stays(tmp_path: Path, clock, again: dict) -> None:
    keep(tmp_path, clock, again.get("at", OVER) - timedelta(hours=1), "first")
    keep(tmp_path, clock, again.get("at", OVER), "second", day=again.get("day", "2026-07-31"))
    assert forget(tmp_path, NOW) == {"FSS": Dropped()}
    assert stored(tmp_path, clock, day=again.get("day", "2026-07-31")) == ["second"]


@pytest.mark.parametrize(
    ("source", "days", "left"),
    [
        ("KRX", 1099, ["old"]),
        ("KRX", 1101, []),  # KRX tells any past day again
        ("FSS", 4000, ["old"]),  # a bank's offer of that month can never be asked for again
        ("GOOGLE_NEWS", 4000, ["old"]),  # nor can that day's headlines
    ],
)
def test_only_what_can_be_asked_for_again_grows_too_old(
    tmp_path: Path, clock, source: str, days: int, left: list[str]
) -> None:
    keep(tmp_path, clock, NOW - timedelta(days=days), "old", source=source)
    forget(tmp_path, NOW)
    assert stored(tmp_path, clock, source=source) == left
    assert len(list(tmp_path.glob("*/objects/*/*.zst"))) == len(left)


def test_a_body_that_a_younger_line_names_too_stays(tmp_path: Path, clock) -> None:
    keep(tmp_path, clock, OVER - timedelta(hours=2), "same")
    keep(tmp_path, clock, OVER - timedelta(hours=1), "other")
    keep(tmp_path, clock, OVER, "same")
    assert forget(tmp_path, NOW)["FSS"].lines == 2
    assert stored(tmp_path, clock) == ["same"]


def test_a_body_that_awaits_its_line_stays(tmp_path: Path, clock) -> None:
    keep(tmp_path, clock, OVER, "same")
    (tmp_path / "FSS" / "index-2026-07.jsonl").unlink()
    keep(tmp_path, clock, NOW, "same")
    (tmp_path / "FSS" / "index-2026-11.jsonl").unlink()
    forget(tmp_path, NOW)
    assert len(list(tmp_path.glob("*/objects/*/*.zst"))) == 1


def test_a_body_whose_deletion_was_interrupted_is_deleted_the_next_time(
    tmp_path: Path, clock
) -> None:
    keep(tmp_path, clock, OVER, "first")
    (tmp_path / "FSS" / "index-2026-07.jsonl").unlink()
    assert forget(tmp_path, NOW)["FSS"].files == 1


def test_a_torn_line_is_dropped_with_the_superseded_ones(tmp_path: Path, clock) -> None:
    keep(tmp_path, clock, OVER, "first")
    with (tmp_path / "FSS" / "index-2026-07.jsonl").open("ab") as index:
        index.write(b'{"operation": "li')
    assert forget(tmp_path, NOW)["FSS"].lines == 1
    assert stored(tmp_path, clock) == ["first"]


def test_nothing_is_forgotten_twice(tmp_path: Path, clock) -> None:
    keep(tmp_path, clock, OVER - timedelta(hours=1), "first")
    keep(tmp_path, clock, OVER, "second")
    forget(tmp_path, NOW)
    assert forget(tmp_path, NOW) == {"FSS": Dropped()}


def test_an_archive_that_was_never_used_is_no_error(tmp_path: Path) -> None:
    assert forget(tmp_path / "raw", NOW) == {}


def test_an_answer_that_comes_again_makes_its_body_young(tmp_path: Path, clock) -> None:
    keep(tmp_path, clock, OVER, "same")
    exchange = ArchivedExchange("FSS", "list", {"page": "2"}, NOW, "text/plain", b"same")
    FileArchive(tmp_path, clock=clock).store(exchange)
    (body,) = tmp_path.glob("*/objects/*/*.zst")
    assert body.stat().st_mtime > OVER.timestamp()
