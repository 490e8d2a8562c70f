"""Every configured channel; a new kind of channel is a file of its own and a line here."""

from __future__ import annotations

from dataclasses import replace

from stock_pipeline.alerts import discord, mail, services, slack
from stock_pipeline.alerts.channel import Channel, Message
from stock_pipeline.clock import Clock
from stock_pipeline.settings import Settings

__all__ = ["Channel", "Message", "channels"]

KINDS = (discord.channels, slack.channels, mail.channels, services.channels)
# Nobody is to take invented data for a real trouble.
DEMO_MARK = "[데모] "


def channels(settings: Settings, clock: Clock) -> list[Channel]:
    """Return every configured channel; what is not configured is left out.

    A channel whose address may not be used is there all the same and refuses every message: it is
    then reported like one that the service refuses, and the others are not touched by it.
    """
    found = [channel for kind in KINDS for channel in kind(settings, clock)]
    if settings.stock_pipeline_mode != "demo":
        return found
    return [_marked(channel) for channel in found]


def _marked(channel: Channel) -> Channel:
    def send(message: Message) -> None:
        title, text = DEMO_MARK + message.title, DEMO_MARK + message.text
        channel.send(replace(message, title=title, text=text))

    return replace(channel, send=send)
