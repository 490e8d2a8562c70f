"""Discord webhooks: one text message, nobody is pinged, no link is unfolded."""

from __future__ import annotations

from typing import Any

from stock_pipeline.clock import Clock
from stock_pipeline.sources.webhook import Address, post

SOURCE = "DISCORD"
LONGEST = 2000
SUPPRESS_EMBEDS = 4


def send(text: str, to: Address, clock: Clock) -> None:
    """Send one message.

    Raises  as `webhook.post`
    """
    post(SOURCE, to, body(text), clock)


def body(text: str) -> dict[str, Any]:
    """Return a message as Discord takes it; more characters would be refused.

    Source  https://discord.com/developers/docs/resources/webhook#execute-webhook
    """
    return {
        "content": text[:LONGEST],
        "allowed_mentions": {"parse": []},
        "flags": SUPPRESS_EMBEDS,
    }
