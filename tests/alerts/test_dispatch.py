"""Delivery against a real server on this machine that is down, slow, strict or gone."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stock_pipeline.alerts.alert import Alert
from stock_pipeline.alerts.channel import Channel, Message
from stock_pipeline.alerts.channels import channels
from stock_pipeline.alerts.dispatch import Delivered, Dispatcher, refusal_key
from stock_pipeline.alerts.outbox import Outbox
from stock_pipeline.errors import AuthError, BadRequest, NetworkError
from stock_pipeline.storage.collection_log import Closing, CollectionLog, Entry
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.job_run import JobRun

pytestmark = pytest.mark.fault
Make = Callable[..., Alert]
DOWN = (503, {}, b"")


@pytest.fixture
def outbox(database: Database) -> Outbox:
    """Return the outbox of an empty database."""
    return Outbox(database)


@pytest.fixture
def dispatcher(database: Database, hook: Any, settings: Callable[..., Any]) -> Dispatcher:
    """Return what delivers to the webhook."""
    configured = settings(alert_webhook_url=hook.url, webhook_allowed_hosts=hook.place)
    return Dispatcher(database, channels(configured, database.clock), database.clock)


class Memory:
    """A channel that keeps its messages, or fails as it is told."""

    def __init__(self, name: str, *, fails: BaseException | None = None) -> None:
        self.messages: list[Message] = []
        self.fails = fails
        self.channel = Channel(name, "address", self._send)

    def _send(self, message: Message) -> None:
        if self.fails is not None:
            raise self.fails
        self.messages.append(message)


def states(database: Database) -> list[dict[str, Any]]:
    """Return how the delivery of each message stands, oldest message first."""
    found = database.read("SELECT channels_sent FROM ops_alert ORDER BY created_at, alert_type")
    return [json.loads(text) for text in found["channels_sent"]]


def test_an_alert_is_sent_once_and_pings_nobody(
    outbox: Outbox, dispatcher: Dispatcher, hook: Any, alert: Make
) -> None:
    outbox.open(alert(what="@everyone 응답 없음"))
    assert dispatcher.deliver() == Delivered(sent=1)
    assert dispatcher.deliver() == Delivered()
    [body] = hook.bodies
    assert body["allowed_mentions"] == {"parse": []}
    assert "@everyone" in body["content"]
    assert outbox.undelivered() == []


def test_f56_a_webhook_that_is_down_for_an_hour_gets_the_alert_later_once(
    outbox: Outbox, dispatcher: Dispatcher, hook: Any, alert: Make, clock: Any
) -> None:
    hook.replies = [DOWN] * 1000
    outbox.open(alert())
    for _ in range(60):  # an hour of passes
        dispatcher.deliver()
        clock.instant += timedelta(minutes=1)
    # At once and after 1, 2, 4, 8, 15 and 15 minutes: 0, 1, 3, 7, 15, 30 and 45.
    assert len(hook.bodies) == 7
    hook.replies.clear()
    hook.bodies.clear()
    for _ in range(20):
        dispatcher.deliver()
        clock.instant += timedelta(minutes=1)
    assert len(hook.bodies) == 1
    assert outbox.undelivered() == []


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry-After": "7"}, b'{"retry_after": 7.0}', 7),
        ({"Retry-After": "600"}, b"", 600),  # longer than our own first wait
        ({"Retry-After": "-5"}, b"", 1),
        ({"Retry-After": "nan"}, b"<html>", 60),  # it does not say: our own wait
        ({}, b"", 60),
    ],
)
def test_f56_a_webhook_that_asks_for_patience_is_not_asked_earlier(  # one line of the table above
    outbox: Outbox,
    dispatcher: Dispatcher,
    hook: Any,
    alert: Make,
    clock: Any,
    headers: dict[str, str],
    body: bytes,
    seconds: int,
) -> None:
    hook.replies = [(429, headers, body)]
    outbox.open(alert())
    assert dispatcher.deliver().failed == 1
    clock.instant += timedelta(seconds=seconds - 1)
    assert dispatcher.deliver() == Delivered()
    clock.instant += timedelta(seconds=1)
    assert dispatcher.deliver().sent == 1


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_f56_a_webhook_that_is_gone_is_off_and_the_other_channel_says_so(
    database: Database,
    outbox: Outbox,
    hook: Any,
    settings: Any,
    alert: Make,
    clock: Any,
    status: int,
) -> None:
    hook.replies = [(status, {}, b"")] * 100
    webhook = settings(alert_webhook_url=hook.url, webhook_allowed_hosts=hook.place)
    other = Memory("other")
    both = [*channels(webhook, clock), other.channel]
    outbox.open(alert())
    for _ in range(10):
        Dispatcher(database, both, clock).deliver()
        clock.instant += timedelta(hours=1)
    assert len(hook.bodies) == 1
    assert len(other.messages) == 2
    assert sum("ALERT_WEBHOOK_URL" in message.text for message in other.messages) == 1
    assert outbox.undelivered() == []


def test_f56_a_channel_with_a_new_address_is_on_again(
    database: Database, outbox: Outbox, alert: Make, clock: Any
) -> None:
    refused = AuthError("X", "send", setting="X_URL")
    memory = Memory("hook", fails=refused)
    outbox.open(alert())
    assert Dispatcher(database, [memory.channel], clock).deliver().off == ("hook",)
    memory.fails = None
    assert Dispatcher(database, [memory.channel], clock).deliver() == Delivered(off=("hook",))
    clock.instant += timedelta(minutes=1)
    renewed = replace(memory.channel, fingerprint="another address")
    assert Dispatcher(database, [renewed], clock).deliver().sent == 3
    assert not outbox.is_open(refusal_key("hook"))


def test_f56_a_message_that_is_refused_is_said_in_plain_words_and_blocks_no_other(
    outbox: Outbox, dispatcher: Dispatcher, hook: Any, alert: Make, database: Database
) -> None:
    hook.replies = [(400, {}, b""), (400, {}, b"")]
    outbox.open(alert())
    outbox.open(alert("DART"))
    assert dispatcher.deliver() == Delivered(sent=1, given_up=1)
    assert hook.texts[1].startswith(("KRX 응답 없음 (", "DART 응답 없음 ("))
    assert sum("given_up" in state["discord"] for state in states(database)) == 1


@pytest.mark.parametrize(("hours", "attempted"), [(23.9, 1), (24.1, 0)])
def test_f56_what_could_not_be_delivered_for_a_day_is_given_up(
    outbox: Outbox, database: Database, alert: Make, clock: Any, hours: float, attempted: int
) -> None:
    outbox.open(alert())
    clock.instant += timedelta(hours=hours)
    memory = Memory("hook")
    Dispatcher(database, [memory.channel], clock).deliver()
    assert len(memory.messages) == attempted
    assert outbox.undelivered() == []  # sent, or nobody waits for it any more


def test_f56_one_dead_channel_keeps_no_other_waiting(
    database: Database, outbox: Outbox, alert: Make, clock: Any
) -> None:
    dead = Memory("dead", fails=NetworkError("X", "send"))
    broken = Memory("broken", fails=RuntimeError("a defect"))
    alive = Memory("alive")
    outbox.open(alert())
    all_three = [dead.channel, broken.channel, alive.channel]
    assert Dispatcher(database, all_three, clock).deliver() == Delivered(sent=1, failed=2)
    assert len(alive.messages) == 1
    assert set(states(database)[0]) == {"dead", "broken", "alive"}


def test_f56_a_slow_webhook_delays_no_run(
    database: Database, outbox: Outbox, dispatcher: Dispatcher, hook: Any, alert: Make
) -> None:
    from stock_pipeline.alerts.incidents import report_run

    hook.gate.clear()
    outbox.open(alert("DART"))
    delivering = threading.Thread(target=dispatcher.deliver)
    delivering.start()
    while not hook.bodies:
        time.sleep(0.01)
    run, log = JobRun(database, "run-1"), CollectionLog(database)
    began = time.monotonic()
    run.open(job_name="krx_close", trigger="schedule")
    entry = Entry("run-1", "stock_price_daily", "2026-03-13", "krx_close")
    log.open(entry)
    log.close(entry, Closing("failed", "error", error_message="Timeout: KRX prices: no answer"))
    run.close(also=lambda connection: report_run(connection, "run-1"))
    assert time.monotonic() - began < 1
    assert outbox.is_open("KRX/Timeout")
    hook.gate.set()
    delivering.join()


def test_f58_a_storm_is_three_messages(
    outbox: Outbox, dispatcher: Dispatcher, hook: Any, alert: Make, clock: Any, database: Database
) -> None:
    database.transaction(
        lambda c: [outbox.open_within(c, alert(f"thing{n}", "Timeout")) for n in range(300)]
    )
    outbox.open(alert("DART", "AuthError", level="CRITICAL"))
    for _ in range(19):  # somewhat less than five minutes
        dispatcher.deliver()
        clock.instant += timedelta(seconds=15)
    assert len(hook.bodies) == 3
    assert "DART" in hook.texts[0]  # the critical one comes first
    assert hook.texts[2].startswith("경보 299건 (경고 299)")
    assert all(len(text) <= 2000 for text in hook.texts)
    assert outbox.undelivered() == []
    assert clock.sleeps.count(1.0) == 3  # a second between two messages


class _Killed(BaseException):
    """What ends a process is no error that anybody catches."""


def test_f58_a_crash_between_sending_and_noting_repeats_the_message_once_at_most(
    database: Database, outbox: Outbox, alert: Make, clock: Any
) -> None:
    memory = Memory("hook")

    def send_and_die(message: Message) -> None:
        memory.messages.append(message)
        raise _Killed

    outbox.open(alert())
    with pytest.raises(_Killed):
        Dispatcher(database, [replace(memory.channel, send=send_and_die)], clock).deliver()
    for _ in range(100):
        Dispatcher(database, [memory.channel], clock).deliver()
        clock.instant += timedelta(seconds=15)
    assert len(memory.messages) == 2
    assert memory.messages[0] == memory.messages[1]  # the same incident id, the same mail id


def test_f58_two_processes_that_deliver_send_nothing_twice(
    database: Database, outbox: Outbox, alert: Make, clock: Any
) -> None:
    memory = Memory("hook")

    def slowly(message: Message) -> None:
        time.sleep(0.05)
        memory.messages.append(message)

    for source in ("KRX", "DART", "FRED"):
        outbox.open(alert(source))
    slow = replace(memory.channel, send=slowly)
    threads = [
        threading.Thread(target=Dispatcher(database, [slow], clock).deliver) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    Dispatcher(database, [slow], clock).deliver()
    texts = [message.text for message in memory.messages]
    assert len(texts) == len(set(texts)) == 3


def test_f58_critical_incidents_are_repeated_by_the_delivery_itself(
    outbox: Outbox, dispatcher: Dispatcher, hook: Any, alert: Make, clock: Any
) -> None:
    outbox.open(alert(level="CRITICAL"))
    for _ in range(9):  # nine hours
        dispatcher.deliver()
        clock.instant += timedelta(hours=1)
    assert len(hook.bodies) == 3


def test_a_message_whose_form_is_refused_is_not_sent_again(
    database: Database, outbox: Outbox, alert: Make, clock: Any
) -> None:
    memory = Memory("hook", fails=BadRequest("X", "send"))
    outbox.open(alert())
    assert Dispatcher(database, [memory.channel], clock).deliver().given_up == 1
    memory.fails = None
    clock.instant += timedelta(hours=1)
    assert Dispatcher(database, [memory.channel], clock).deliver() == Delivered()
