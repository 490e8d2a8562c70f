"""The embedded PostgreSQL: one server a folder, found again, back after a kill."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from stock_pipeline.errors import DatabaseUnavailable
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


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return an empty folder; not pytest's own, which another test run may remove meanwhile."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        yield Path(name)


def test_f52_two_processes_that_start_at_once_share_one_server(folder: Path) -> None:
    both = [start(folder, "wait"), start(folder, "wait")]
    began = [process.stdout.readline() for process in both if process.stdout]
    for process in both:
        process.communicate("\n", timeout=60)
    assert began[0] == began[1]
    assert [process.returncode for process in both] == [0, 0]


def test_f52_a_killed_server_recovers_with_what_was_committed(home: Path) -> None:
    out, _ = start(home).communicate(timeout=60)
    assert out.splitlines()[-1] == "2"


def test_the_server_keeps_checksums_of_its_pages(server_url: str) -> None:
    if os.environ.get("TEST_DATABASE_URL"):
        return
    with psycopg.connect(server_url) as connection:
        row = connection.execute("SHOW data_checksums").fetchone()
    assert row == ("on",)


def test_the_url_reaches_the_server_of_the_folder(folder: Path) -> None:
    url = embedded.start(folder)
    with psycopg.connect(url) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    assert Path(row[0]) == folder / "postgres"
    quit_server(folder)


@pytest.fixture
def home(folder: Path) -> Path:
    """Return a folder with one committed row and a server that was killed."""
    first = start(folder, "wait")
    assert first.stdout is not None
    first.stdout.readline()
    assert first.stdout.readline() == "1\n"
    os.kill(postmaster(folder), signal.SIGKILL)
    first.communicate("\n", timeout=60)
    return folder


def postmaster(home: Path) -> int:
    return int((home / "postgres" / "postmaster.pid").read_text().split()[0])


def quit_server(home: Path) -> None:
    """End a server of this process before its folder is removed."""
    server = psutil.Process(postmaster(home))
    server.send_signal(signal.SIGQUIT)
    server.wait(30)


@pytest.mark.parametrize(
    "remains",
    [
        "number of another program",
        # Each costs a new server; they differ only in what is read from the file.
        pytest.param("cut short", marks=pytest.mark.crash),
        pytest.param("empty", marks=pytest.mark.crash),
    ],
)
def test_f52_what_a_killed_server_left_is_no_server(home: Path, remains: str) -> None:
    pid_file = home / "postgres" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        left = {
            # The machine was started again, and the number is somebody else's now.
            "number of another program": [str(stranger.pid), *lines[1:]],
            "cut short": lines[:3],
            "empty": [],
        }
        pid_file.write_text("\n".join(left[remains]))
        assert not embedded.is_running(home)
        second = start(home)
        out, _ = second.communicate(timeout=60)
        assert (second.returncode, out.splitlines()[-1]) == (0, "2")
        assert stranger.poll() is None
        stranger.kill()


def test_f52_a_server_killed_under_its_user_is_started_again_by_him(home: Path) -> None:
    url = embedded.start(home)
    os.kill(postmaster(home), signal.SIGKILL)
    deadline = time.monotonic() + 30
    while embedded.is_running(home):
        assert time.monotonic() < deadline
    assert embedded.start(home) == url
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM seen").fetchone() == (1,)
    quit_server(home)


def test_f52_users_that_were_killed_keep_no_server_alive(home: Path) -> None:
    users = home / "postgres" / ".handle_pids.json"
    users.write_text(json.dumps([2**22 + 1]))
    start(home).communicate(timeout=60)
    assert not embedded.is_running(home)


def test_a_server_that_cannot_start_is_named_with_its_log(folder: Path) -> None:
    data = folder / "postgres"
    data.mkdir()
    (data / "PG_VERSION").write_text("9\n")
    with pytest.raises(DatabaseUnavailable, match=re.escape(str(data / "log"))):
        embedded.start(folder)


@pytest.mark.parametrize("name", ["pg_dump", "pg_restore"])
def test_the_programs_of_the_server_are_there(name: str) -> None:
    assert embedded.program(name).is_file()
