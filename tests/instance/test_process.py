"""One process is told from all others, also from a later one with the same number."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from stock_pipeline.instance.process import (
    WORKER_TAG,
    Process,
    process_of,
    this_process,
    worker_of,
)

RUN = "3c1d7f0e-run"


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """Return a process that lives until the test is over."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as child:
        yield child
        child.kill()


def named(child: subprocess.Popen[bytes]) -> Process:
    found = process_of(child.pid)
    assert found is not None
    return found


def test_the_tag_of_a_run_names_its_process() -> None:
    here = this_process()
    assert worker_of(RUN, here.tag(RUN)[WORKER_TAG]) == here


@pytest.mark.parametrize(
    "tag",
    [
        None,
        "",
        "host/12",  # too few parts
        "host/twelve/1/" + RUN,  # no number
        "host/12/1/another-run",  # inherited: this run repeats that one
    ],
)
def test_any_other_tag_names_nobody(tag: str | None) -> None:
    assert worker_of(RUN, tag) is None


def test_a_living_process_is_running(child: subprocess.Popen[bytes]) -> None:
    assert named(child).is_running


def test_a_process_that_nobody_waited_for_is_not_running(child: subprocess.Popen[bytes]) -> None:
    worker = named(child)
    child.kill()
    # It stays in the table of processes until its parent asks; here nobody has asked yet.
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not worker.is_running


def test_a_number_that_is_used_again_is_another_process(child: subprocess.Popen[bytes]) -> None:
    assert not replace(named(child), start="of an earlier boot").is_running


def test_another_process_with_the_number_is_not_killed(child: subprocess.Popen[bytes]) -> None:
    replace(named(child), start="of an earlier boot").kill()
    replace(named(child), host="elsewhere").kill()
    assert child.poll() is None


def test_a_process_can_be_asked_to_end(child: subprocess.Popen[bytes]) -> None:
    named(child).ask_to_end()
    assert child.wait(10) == -signal.SIGTERM


def test_a_process_can_be_killed(child: subprocess.Popen[bytes]) -> None:
    named(child).kill()
    assert child.wait(10) == -signal.SIGKILL


def test_there_is_no_process_without_a_number() -> None:
    assert process_of(2**22 + 1) is None
