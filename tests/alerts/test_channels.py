"""Which channels there are, and that none of them shows its address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stock_pipeline.alerts.channel import Message, send_now
from stock_pipeline.alerts.channels import channels

# apprise 2.2 looks for a module of Python's that 3.13 no longer has.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
MESSAGE = Message("ab12", "시험", "[정보] 시험 · ab12")


def test_only_configured_channels_exist(settings: Callable[..., Any], clock: Any) -> None:
    assert channels(settings(), clock) == []
    found = channels(
        settings(
            alert_webhook_url="https://discord.com/api/webhooks/1/x",
            slack_webhook_url="https://hooks.slack.com/services/x",
            smtp_host="127.0.0.1",
            alert_email_to="kim@example.com,lee@example.com",
            notify_urls="json://127.0.0.1:1/a json://127.0.0.1:1/b",
        ),
        clock,
    )
    names = [channel.name for channel in found]
    assert names == ["discord", "slack", "email:1", "email:2", "notify:1", "notify:2"]
    assert len({channel.fingerprint for channel in found}) == 6


def test_f59_a_channel_does_not_show_its_address(
    hook: Any, settings: Callable[..., Any], clock: Any
) -> None:
    hook.replies = [(404, {}, b"no such webhook canary-hook-7d1f3a")]
    found = channels(
        settings(
            alert_webhook_url=hook.url,
            webhook_allowed_hosts=hook.place,
            slack_webhook_url="https://example.com/canary-hook-7d1f3a",
            notify_urls="nosuch://canary-hook-7d1f3a json://127.0.0.1:9/canary-hook-7d1f3a",
        ),
        clock,
    )
    outcomes = send_now(found, MESSAGE)
    assert all(outcomes.values())
    assert "canary" not in f"{found} {outcomes}"


def test_a_wrong_address_keeps_no_other_channel_from_sending(
    hook: Any, settings: Callable[..., Any], clock: Any
) -> None:
    configured = settings(
        slack_webhook_url=hook.url,
        webhook_allowed_hosts=hook.place,
        alert_webhook_url="http://discord.com/x",
    )
    outcomes = send_now(channels(configured, clock), MESSAGE)
    assert outcomes["slack"] == ""
    assert outcomes["discord"].startswith("SettingInvalid: ALERT_WEBHOOK_URL")
    assert hook.texts == [MESSAGE.text]


def test_f59_nothing_of_an_address_is_logged(
    hook: Any, settings: Callable[..., Any], clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    configured = settings(
        notify_urls=f"json://{hook.place}/canary-hook-7d1f3a nosuch://canary-hook-7d1f3a",
        alert_webhook_url=hook.url,
        webhook_allowed_hosts=hook.place,
    )
    outcomes = send_now(channels(configured, clock), MESSAGE)
    assert [name for name, why in outcomes.items() if not why] == ["discord", "notify:1"]
    ours = [r for r in caplog.records if not r.name.startswith(("urllib3", "requests"))]
    assert "canary" not in " ".join(record.getMessage() for record in ours)


def test_another_service_gets_the_same_text(
    hook: Any, settings: Callable[..., Any], clock: Any
) -> None:
    configured = settings(notify_urls=f"json://{hook.place}/x")
    assert send_now(channels(configured, clock), MESSAGE) == {"notify:1": ""}
    assert hook.bodies[0]["message"] == MESSAGE.text


def test_a_service_that_does_not_take_it_is_a_failure(
    hook: Any, settings: Callable[..., Any], clock: Any
) -> None:
    hook.replies = [(500, {}, b"")] * 3
    configured = settings(notify_urls=f"json://{hook.place}/x")
    assert send_now(channels(configured, clock), MESSAGE)["notify:1"].startswith("ServerError")


def test_what_a_demo_sends_is_marked(hook: Any, settings: Callable[..., Any], clock: Any) -> None:
    configured = settings(
        stock_pipeline_mode="demo", alert_webhook_url=hook.url, webhook_allowed_hosts=hook.place
    )
    send_now(channels(configured, clock), MESSAGE)
    assert hook.texts == ["[데모] [정보] 시험 · ab12"]
