"""Alerts to Slack: `SLACK_WEBHOOK_URL`."""

from __future__ import annotations

from stock_pipeline.alerts.channel import Channel, Message, fingerprint
from stock_pipeline.clock import Clock
from stock_pipeline.settings import Settings
from stock_pipeline.sources import slack, webhook


def channels(settings: Settings, clock: Clock) -> list[Channel]:
    """Return the channel, if its address is set."""
    if settings.slack_webhook_url is None:
        return []
    url, allowed = settings.slack_webhook_url.get_secret_value(), settings.webhook_allowed_hosts

    def send(message: Message) -> None:
        slack.send(message.text, webhook.address("SLACK_WEBHOOK_URL", url, allowed), clock)

    return [Channel("slack", fingerprint(url, allowed), send)]
