"""A supervised child: restarted with growing waits, stopped with everything it started."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stock_pipeline import logs
from stock_pipeline.clock import Clock
from stock_pipeline.instance.child import Child

FOREVER = "import time; time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
WITH_GRANDCHILD = (
    "import subprocess, sys, time;"
    " print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid,"
    " flush=True); time.sleep(600)"
)


Start = Callable[[str], Child]


@pytest.fixture
def children() -> Iterator[list[Child]]:
    """Collect the children of a test and end them by their own ids."""
    started: list[Child] = []
    yield started
    for child in started:
        child.stop(0)


@pytest.fixture
def run(tmp_path: Path, children: list[Child], clock: Clock) -> Start:
    """Return a function that starts a child with this Python code."""

    def start(code: str) -> Child:
        child = Child("x", [sys.executable, "-c", code], dict(os.environ), tmp_path / "logs/x.log")
        children.append(child)
        child.start(clock)
        return child

    return start


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_living_child_is_left_alone(run: Start, clock: Clock) -> None:
    child = run(FOREVER)
    clock.sleep(1000)
    assert child.keep_alive(clock) is False
    assert child.is_alive()


def test_a_dead_child_is_started_again_after_growing_waits(run: Start, clock: Clock) -> None:
    child = run("pass")
    waits = []
    for _ in range(8):
        wait_until(lambda: not child.is_alive())
        began = clock.monotonic()
        while not child.keep_alive(clock):
            clock.sleep(1)
        waits.append(clock.monotonic() - began)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_child_that_lived_for_a_minute_waits_only_a_second(run: Start, clock: Clock) -> None:
    child = run("pass")
    wait_until(lambda: not child.is_alive())
    child.keep_alive(clock)
    clock.sleep(1)
    assert child.keep_alive(clock)
    wait_until(lambda: not child.is_alive())
    clock.sleep(60)
    assert child.keep_alive(clock) is False
    clock.sleep(1)
    assert child.keep_alive(clock)


@pytest.mark.parametrize("code", [FOREVER, DEAF], ids=["obeys SIGTERM", "ignores it"])
def test_a_child_ends_within_its_grace(code: str, run: Start) -> None:
    child = run(code)
    time.sleep(0.2)
    began = time.monotonic()
    child.stop(0.5)
    assert time.monotonic() - began < 2
    assert not child.is_alive()


def test_what_a_child_started_ends_with_it(run: Start) -> None:
    child = run(WITH_GRANDCHILD)
    wait_until(lambda: child.log.read_text().strip().isdigit())
    grandchild = int(child.log.read_text())
    assert is_running(grandchild)
    child.stop(2)
    wait_until(lambda: not is_running(grandchild))


def hung_child(
    tmp_path: Path, children: list[Child], clock: Clock, well: list[bool | None]
) -> Child:
    """Start a child that runs, and whose work goes as the last of `well` says."""
    command = [sys.executable, "-c", FOREVER]
    log = tmp_path / "logs/x.log"
    child = Child("x", command, dict(os.environ), log, probe=lambda: well[-1])
    children.append(child)
    child.start(clock)
    return child


def seconds_until_ended(child: Child, clock: Clock, most: int = 600) -> int | None:
    for second in range(most):
        if child.end_hung(clock):
            return second
        clock.sleep(1)
    return None


def test_f44_a_child_that_runs_without_working_is_ended_after_three_minutes(
    tmp_path: Path, children: list[Child], clock: Clock
) -> None:
    child = hung_child(tmp_path, children, clock, [False])
    assert seconds_until_ended(child, clock) == 180
    wait_until(lambda: not child.is_alive())


@pytest.mark.parametrize("answer", [True, None], ids=["it works", "that cannot be told"])
def test_a_child_is_not_ended_without_proof(
    answer: bool | None, tmp_path: Path, children: list[Child], clock: Clock
) -> None:
    child = hung_child(tmp_path, children, clock, [answer])
    assert seconds_until_ended(child, clock) is None
    assert child.is_alive()


def test_a_child_that_works_again_in_between_is_given_its_time_again(
    tmp_path: Path, children: list[Child], clock: Clock
) -> None:
    well: list[bool | None] = [False]
    child = hung_child(tmp_path, children, clock, well)
    assert seconds_until_ended(child, clock, 170) is None
    well.append(True)
    assert seconds_until_ended(child, clock, 20) is None
    well.append(False)
    assert seconds_until_ended(child, clock, 160) is None


def test_recovery_is_told_once_and_only_after_a_restart(run: Start, clock: Clock) -> None:
    child = run(FOREVER)
    clock.sleep(1000)
    assert not child.has_recovered(clock)
    child.stop(0)
    child.keep_alive(clock)
    clock.sleep(1)
    assert child.keep_alive(clock)
    clock.sleep(59)
    assert not child.has_recovered(clock)
    clock.sleep(1)
    assert child.has_recovered(clock)
    assert not child.has_recovered(clock)


def test_the_log_of_a_child_goes_on_after_it_was_cut(run: Start) -> None:
    child = run("import time\nfor _ in range(600): print('line', flush=True); time.sleep(0.02)")
    wait_until(lambda: child.log.stat().st_size > 50)
    assert logs.rotate(child.log, limit=20)
    wait_until(lambda: child.log.stat().st_size > 20)
    assert child.log.read_text().startswith("line\n")
    assert child.log.with_name("x.log.1").read_text().startswith("line\n")
