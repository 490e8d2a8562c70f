"""A child process of the supervisor: its own process group, its own log, restarted when it dies."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from stock_pipeline.clock import Clock

# A child that dies at once is started again after 1, 2, 4 … 60 s; one that lived is not to blame.
FIRST_WAIT, LONGEST_WAIT, HEALTHY_AFTER = 1.0, 60.0, 60.0
# A child that runs but does not do its work is asked so often, and for so long.
ASK_EVERY, HUNG_AFTER = 15.0, 180.0

# Does it do its work? None: that cannot be told now.
Probe = Callable[[], bool | None]


class Child:
    """One process that should be running.

    probe  asks whether it does its work; None: it is enough that it runs
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        *,
        probe: Probe | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self._probe = probe or self.is_alive
        self._command = list(command)
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._wait = FIRST_WAIT
        self._again_at: float | None = None
        self._is_suspect = False
        self._asked = self._well = 0.0

    @property
    def pid(self) -> int | None:
        """Return the process id; None before the first start."""
        return self._process.pid if self._process else None

    def start(self, clock: Clock) -> None:
        """Start the process in a group of its own, so that a terminal's Ctrl-C misses it.

        Its log is opened for appending: what others cut off it while it grows stays cut off.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._started = self._asked = self._well = clock.monotonic()
        self._again_at = None

    def is_ready(self) -> bool:
        """Tell whether it does its work."""
        return bool(self._probe())

    def is_alive(self) -> bool:
        """Tell whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def keep_alive(self, clock: Clock) -> bool:
        """Start a dead process again when its wait is over; tell whether that was done."""
        if self.is_alive():
            return False
        now = clock.monotonic()
        if self._again_at is None:
            self._end_group(signal.SIGKILL)
            if now - self._started >= HEALTHY_AFTER:
                self._wait = FIRST_WAIT
            self._again_at = now + self._wait
            self._wait = min(2 * self._wait, LONGEST_WAIT)
        if now < self._again_at:
            return False
        self.start(clock)
        self._is_suspect = True
        return True

    def end_hung(self, clock: Clock) -> bool:
        """Kill a process that has not done its work for three minutes; tell whether it was one."""
        now = clock.monotonic()
        if not self.is_alive() or now - self._asked < ASK_EVERY:
            return False
        self._asked = now
        if self._probe() is not False:
            self._well = now
        if now - self._well < HUNG_AFTER:
            return False
        self._end_group(signal.SIGKILL)
        return True

    def has_recovered(self, clock: Clock) -> bool:
        """Tell once that a process that was started again has lived for a minute."""
        lives = self.is_alive() and clock.monotonic() - self._started >= HEALTHY_AFTER
        if not (self._is_suspect and lives):
            return False
        self._is_suspect = False
        return True

    def stop(self, grace: float) -> None:
        """End the process and all it started: asked first, killed after `grace` seconds."""
        if self._process is None:
            return
        self._end_group(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace)
        self._end_group(signal.SIGKILL)
        self._process.wait()

    def _end_group(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        # The leader of a new session leads a group of the same id, which may outlive it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)
