"""`alert test|list|ack|deliver` as an operator types them, against a webhook on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from click.testing import CliRunner, Result
from listening import Listening

from stock_pipeline.alerts.alert import Alert
from stock_pipeline.alerts.dispatch import refusal_key
from stock_pipeline.alerts.outbox import Outbox
from stock_pipeline.commands.alert import alert
from stock_pipeline.settings import Settings
from stock_pipeline.storage.database import Database

ALERT = Alert("CRITICAL", "krx_close", "KRX", "Timeout", "응답 없음", "Timeout", "다시 요청합니다")
Call = Callable[..., Result]


class Hook:
    """A webhook that answers one status."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.status = 204
        hook = self

        class Requests(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                hook.bodies.append(json.loads(self.rfile.read(length)))
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._listening = Listening(Requests)
        self.place = self._listening.place

    def close(self) -> None:
        """Stop listening."""
        self._listening.close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    """Return a webhook on this machine."""
    hook = Hook()
    yield hook
    hook.close()


@pytest.fixture
def outbox(database: Database) -> Iterator[Outbox]:
    """Return the outbox on the machine's clock, by which the command goes."""
    today = Database(database.url)
    yield Outbox(today)
    today.close()


@pytest.fixture
def call(database: Database, hook: Hook, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Call:
    """Return a function that runs the command with the webhook and the database configured."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("DATABASE_URL", database.url)
    monkeypatch.setenv("ALERT_WEBHOOK_URL", f"http://{hook.place}/canary")
    monkeypatch.setenv("WEBHOOK_ALLOWED_HOSTS", hook.place)

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(alert, arguments, standalone_mode=False)

    return call


def test_a_test_message_reaches_the_channel_and_switches_it_on_again(
    call: Call, hook: Hook, outbox: Outbox
) -> None:
    key = refusal_key("discord")
    refused = Alert("WARN", "alerts", "alerts discord", "rejected", "껐습니다", "404", "고치십시오")
    outbox.open(refused)
    result = call("test", "--json")
    assert result.return_value == 0
    assert json.loads(result.stdout) == [{"channel": "discord", "result": "sent"}]
    assert "경보 통로 시험" in hook.bodies[0]["content"]
    assert not outbox.is_open(key)


def test_a_channel_that_refuses_is_told_with_its_setting(call: Call, hook: Hook) -> None:
    hook.status = 404
    result = call("test", "--json")
    assert result.return_value == 1
    assert "renew ALERT_WEBHOOK_URL" in json.loads(result.stdout)[0]["result"]
    assert "canary" not in result.output


def test_the_channels_can_be_tried_without_a_database(
    call: Call, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    result = call("test", "--json")
    assert result.return_value == 0
    assert len(hook.bodies) == 1
    assert "not noted in the database" in result.stderr


def test_without_a_channel_the_settings_are_named(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ALERT_WEBHOOK_URL")
    result = call("test")
    assert result.return_value == 1
    assert "ALERT_WEBHOOK_URL" in result.stderr


def test_an_incident_is_delivered_listed_and_taken_note_of(
    call: Call, hook: Hook, outbox: Outbox
) -> None:
    outbox.open(ALERT)
    delivered = call("deliver", "--json")
    assert delivered.return_value == 0
    assert json.loads(delivered.stdout) == [{"sent": 1, "failed": 0, "given_up": 0, "off": ""}]
    [row] = json.loads(call("list", "--json").stdout)
    assert (row["level"], row["type"]) == ("CRITICAL", "opening")
    assert row["message"] == hook.bodies[0]["content"]
    noted = call("ack", row["incident"], "--by", "kim")
    assert noted.return_value == 0
    assert call("ack", "no-such-incident").return_value == 1
    [row] = json.loads(call("list", "--json").stdout)
    assert row["acknowledged_by"] == "kim"
    outbox.resolve(ALERT.incident_key)
    assert json.loads(call("list", "--json").stdout) == []
    assert len(json.loads(call("list", "--all", "--json").stdout)) == 2


def test_a_delivery_that_fails_is_status_1(call: Call, hook: Hook, outbox: Outbox) -> None:
    hook.status = 503
    outbox.open(ALERT)
    assert call("deliver").return_value == 1
