"""Slack incoming webhooks: one text message as it stands, without Slack's own marks."""

from __future__ import annotations

from typing import Any

from stock_pipeline.clock import Clock
from stock_pipeline.sources.webhook import Address, post

SOURCE = "SLACK"
LONGEST = 4000


def send(text: str, to: Address, clock: Clock) -> None:
    """Send one message.

    Raises  as `webhook.post`
    """
    post(SOURCE, to, body(text), clock)


def body(text: str) -> dict[str, Any]:
    """Return a message in which nothing is read as one of Slack's marks.

    Source  https://docs.slack.dev/messaging/formatting-message-text (escape `&`, `<`, `>` only)
    """
    escaped = text[:LONGEST].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": escaped, "unfurl_links": False, "unfurl_media": False}
