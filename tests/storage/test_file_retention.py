"""Old files of a home go, young ones and strange ones stay."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stock_pipeline.storage.file_retention import Removed, forget, size_of

NOW = datetime(2026, 11, 21, 3, 30, tzinfo=UTC)
RUN = "dagster/storage/50789bcd-5ebb-49e8-aa1c-51d6a89a3068/compute_logs/step.err"


def write(path: Path, *, age: timedelta) -> None:
    """Write four bytes of an age."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"text")
    then = (NOW - age).timestamp()
    os.utime(path, (then, then))


@pytest.mark.parametrize(
    ("name", "days", "stays"),
    [
        (RUN, 29, True),
        (RUN, 31, False),
        ("dagster/storage/my-notes/step.err", 4000, True),  # not a run's
        ("dagster/dagster.yaml", 4000, True),
        ("logs/daemon.log.1", 89, True),
        ("logs/daemon.log.1", 91, False),
        ("logs/daemon.log", 4000, True),  # the one that is written to
        ("backups/a.part", 2, False),
        ("backups/a.dump", 4000, True),  # `backup` itself keeps seven
    ],
)
def test_a_file_stays_for_its_time(tmp_path: Path, name: str, days: int, stays: bool) -> None:
    write(tmp_path / name, age=timedelta(days=days))
    forget(tmp_path, NOW)
    assert (tmp_path / name).exists() is stays


def test_what_a_run_printed_stays_while_any_of_it_is_young(tmp_path: Path) -> None:
    write(tmp_path / RUN, age=timedelta(days=40))
    write((tmp_path / RUN).with_suffix(".out"), age=timedelta(days=1))
    assert forget(tmp_path, NOW)["compute logs"] == Removed()


def test_it_says_how_much_went(tmp_path: Path) -> None:
    write(tmp_path / RUN, age=timedelta(days=40))
    write((tmp_path / RUN).with_suffix(".out"), age=timedelta(days=40))
    assert forget(tmp_path, NOW)["compute logs"] == Removed(files=2, size=8)
    assert size_of(tmp_path) == 0


def test_a_home_without_a_folder_is_no_error(tmp_path: Path) -> None:
    assert set(forget(tmp_path / "nowhere", NOW).values()) == {Removed()}
