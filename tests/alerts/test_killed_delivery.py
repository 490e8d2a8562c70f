"""A process that delivers is killed with the message already sent."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from stock_pipeline.alerts.alert import Alert
from stock_pipeline.alerts.channels import channels
from stock_pipeline.alerts.dispatch import Dispatcher
from stock_pipeline.alerts.outbox import Outbox
from stock_pipeline.storage.database import Database

# It sends for real and then kills itself, before anything can be noted.
DELIVERY = """
import os, signal, sys
from dataclasses import replace
from datetime import datetime
from stock_pipeline.alerts.channels import channels
from stock_pipeline.alerts.dispatch import Dispatcher
from stock_pipeline.clock import SystemClock
from stock_pipeline.settings import Settings
from stock_pipeline.storage.database import Database

class Held(SystemClock):
    def now(self):
        return datetime.fromisoformat(sys.argv[4])

url, hook, place = sys.argv[1:4]
settings = Settings(_env_file=None, alert_webhook_url=hook, webhook_allowed_hosts=place)
[channel] = channels(settings, Held())

def send_and_die(message):
    channel.send(message)
    os.kill(os.getpid(), signal.SIGKILL)

Dispatcher(Database(url, clock=Held()), [replace(channel, send=send_and_die)], Held()).deliver()
"""


@pytest.mark.crash
def test_f58_a_kill_between_sending_and_noting_repeats_the_message_once_at_most(
    database: Database,
    hook: Any,
    settings: Callable[..., Any],
    alert: Callable[..., Alert],
    clock: Any,
) -> None:
    Outbox(database).open(alert(level="CRITICAL"))
    arguments = [database.url, hook.url, hook.place, clock.now().isoformat()]
    killed = subprocess.run([sys.executable, "-c", DELIVERY, *arguments], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert len(hook.bodies) == 1
    configured = settings(alert_webhook_url=hook.url, webhook_allowed_hosts=hook.place)
    dispatcher = Dispatcher(database, channels(configured, clock), clock)
    for _ in range(120):  # half an hour
        dispatcher.deliver()
        clock.instant += timedelta(seconds=15)
    assert len(hook.bodies) == 2
    assert hook.texts[0] == hook.texts[1]  # the same incident id
    assert Outbox(database).undelivered() == []
