"""The embedded PostgreSQL: one server a folder, found again, back after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from stock_pipeline.storage import embedded

pytestmark = pytest.mark.fault

SCRIPT = """
import sys
from pathlib import Path
import psycopg
from stock_pipeline.storage import embedded
url = embedded.start(Path(sys.argv[1]))
with psycopg.connect(url, autocommit=True) as connection:
    print(connection.execute("SELECT pg_postmaster_start_time()").fetchone()[0])
    connection.execute("CREATE TABLE IF NOT EXISTS seen (n int)")
    connection.execute("INSERT INTO seen VALUES (1)")
    print(connection.execute("SELECT count(*) FROM seen").fetchone()[0])
if len(sys.argv) > 2:
    sys.stdin.readline()
"""


def start(folder: Path, *more: str) -> subprocess.Popen[str]:
    """Start a process that uses the server of a folder."""
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder), *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_f52_two_processes_that_start_at_once_share_one_server(tmp_path: Path) -> None:
    both = [start(tmp_path, "wait"), start(tmp_path, "wait")]
    began = [process.stdout.readline() for process in both if process.stdout]
    for process in both:
        process.communicate("\n", timeout=60)
    assert began[0] == began[1]
    assert [process.returncode for process in both] == [0, 0]


def test_f52_a_killed_server_recovers_with_what_was_committed(tmp_path: Path) -> None:
    first = start(tmp_path, "wait")
    assert first.stdout is not None
    first.stdout.readline()
    assert first.stdout.readline() == "1\n"
    postmaster = int((tmp_path / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGKILL)
    first.communicate("\n", timeout=60)
    second = start(tmp_path)
    out, _ = second.communicate(timeout=60)
    assert out.splitlines()[-1] == "2"


def test_the_server_keeps_checksums_of_its_pages(server_url: str) -> None:
    if os.environ.get("TEST_DATABASE_URL"):
        return
    with psycopg.connect(server_url) as connection:
        row = connection.execute("SHOW data_checksums").fetchone()
    assert row == ("on",)


def test_the_url_reaches_the_server_of_the_folder(tmp_path: Path) -> None:
    url = embedded.start(tmp_path)
    with psycopg.connect(url) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    assert Path(row[0]) == tmp_path / "postgres"
