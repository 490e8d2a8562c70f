"""What every child process does first: read the settings, write its log in one form, no secrets.

A child of `up` also ends when `up` is gone, however that came about: a code server or daemon left
behind would go on serving old code and starting runs beside the next one.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable

import psutil

from stock_pipeline import logs
from stock_pipeline.instance.access import secrets_of
from stock_pipeline.redaction import Scrubber
from stock_pipeline.settings import Settings

# `up` names itself here; a grandchild (a run) inherits the name, but not the parent.
SUPERVISOR = "STOCK_PIPELINE_SUPERVISOR"
# What Dagster calls our forms of log lines.
LOG_FORMATS = {"text": "rich", "json": "json"}

_ASK_SECONDS = 1.0
# Dagster's servers may take their time over SIGTERM; nobody is left who would insist.
_INSIST_SECONDS = 10.0


def begin(name: str) -> Settings:
    """Make this process ready to work on its own and return the settings.

    name    what the process is, as its log lines say: "daemon", "web", "run"
    Raises  SettingInvalid
    """
    settings = Settings.load()
    scrubber = Scrubber(secrets_of(settings))
    logs.configure(settings, process=name)
    logs.scrub_records(scrubber)
    logs.scrub_output(scrubber)
    supervisor = os.environ.get(SUPERVISOR, "")
    if supervisor == str(os.getppid()):
        _end_with_parent(os.getppid())
    elif supervisor.isdecimal() and not psutil.pid_exists(int(supervisor)):
        # It was killed while this process loaded its libraries: nobody is left to watch.
        sys.exit(f"{name}: process {supervisor}, for which this one works, is gone")
    return settings


def _end_with_parent(parent: int) -> None:
    watch = threading.Thread(
        target=watch_parent, args=(lambda: os.getppid() == parent,), name="parent", daemon=True
    )
    watch.start()


def watch_parent(is_there: Callable[[], bool], *, ask: float = _ASK_SECONDS) -> None:
    """Ask this process to end as soon as its parent is gone, and end it if it does not."""
    waiting = threading.Event()
    while is_there():
        waiting.wait(ask)
    os.kill(os.getpid(), signal.SIGTERM)
    waiting.wait(_INSIST_SECONDS)
    os._exit(1)
