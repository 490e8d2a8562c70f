"""What `up` refuses before it starts anything, and what it clears away."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stock_pipeline.clock import SystemClock
from stock_pipeline.errors import SettingInvalid
from stock_pipeline.instance.preflight import HOST, AlreadyRunning, claimed, free_port, require_free
from stock_pipeline.instance.process import process_of
from stock_pipeline.instance.supervisor import up
from stock_pipeline.settings import Settings

CLOCK = SystemClock()
# Claims the folder and says so; ends when its input does.
CLAIM = """
import sys
from pathlib import Path
from stock_pipeline.clock import SystemClock
from stock_pipeline.instance.preflight import claimed
with claimed(Path(sys.argv[1]), int(sys.argv[2]), SystemClock()):
    print("claimed", flush=True)
    sys.stdin.read()
"""


@contextmanager
def listener() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        yield taken.getsockname()[1]


@contextmanager
def child(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_port_on_which_somebody_listens_is_refused() -> None:
    with listener() as port, pytest.raises(SettingInvalid, match=f"--port: {port} is taken"):
        require_free(port)


def test_a_port_is_usable_again_at_once() -> None:
    require_free(free_port())


def test_up_starts_nothing_when_its_port_is_taken(tmp_path: Path) -> None:
    settings = Settings(stock_pipeline_home=tmp_path, _env_file=None)
    with listener() as port, pytest.raises(SettingInvalid, match="is taken"):
        up(settings, port=port)
    assert [path.name for path in settings.home.iterdir()] == ["up.lock"]


def test_f48_a_second_start_on_the_same_home_names_the_first(tmp_path: Path) -> None:
    port = free_port()
    with child(CLAIM, tmp_path, port) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "claimed\n"
        text = f"as process {first.pid}, port {port}"
        with pytest.raises(AlreadyRunning, match=text), claimed(tmp_path, free_port(), CLOCK):
            pass
        # The refused one takes nothing away from the other.
        assert json.loads((tmp_path / "up.json").read_text())["pid"] == first.pid


def test_a_killed_up_does_not_keep_its_home(tmp_path: Path) -> None:
    with child(CLAIM, tmp_path, free_port()) as first:
        assert first.stdout is not None
        first.stdout.readline()
        first.kill()
        first.wait()
    assert (tmp_path / "up.json").exists()
    with claimed(tmp_path, free_port(), CLOCK):
        assert json.loads((tmp_path / "up.json").read_text())["pid"] == os.getpid()
    assert not (tmp_path / "up.json").exists()


def test_f42_children_that_a_killed_up_left_are_ended(tmp_path: Path) -> None:
    with child("input()") as left:
        known = process_of(left.pid)
        assert known is not None
        (tmp_path / "up.json").write_text(json.dumps({"children": [vars(known)]}))
        with claimed(tmp_path, free_port(), CLOCK):
            assert left.wait(10) != 0


def test_a_process_that_only_has_the_same_number_is_left_alone(tmp_path: Path) -> None:
    with child("input()") as other:
        known = process_of(other.pid)
        assert known is not None
        stranger = {**vars(known), "start": "another boot:1"}
        (tmp_path / "up.json").write_text(json.dumps({"children": [stranger]}))
        with claimed(tmp_path, free_port(), CLOCK):
            assert other.poll() is None


@pytest.mark.parametrize("text", ["", "{", '{"pid": 5'], ids=["empty", "cut", "half"])
def test_a_note_cut_short_by_a_kill_is_no_obstacle(tmp_path: Path, text: str) -> None:
    (tmp_path / "up.json").write_text(text)
    with claimed(tmp_path, free_port(), CLOCK):
        pass
