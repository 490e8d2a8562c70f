"""What a channel is, what it is given, and asking several of them without an outbox."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from stock_pipeline.alerts.alert import one_line
from stock_pipeline.errors import PipelineError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Message:
    """What is sent: the same text everywhere.

    identity  the same at every attempt, so that a repeated mail is seen to be the same one
    """

    identity: str
    title: str
    text: str


@dataclass(frozen=True)
class Channel:
    """One way to somebody.

    fingerprint  changes with the address and does not tell it
    send         raises AuthError or SettingInvalid when no message will be accepted, BadRequest
                 when this one is not, and another PipelineError when it may be tried again
    """

    name: str
    fingerprint: str
    send: Callable[[Message], None] = field(repr=False)


def fingerprint(*parts: object) -> str:
    """Return a short text that is the same for the same address and does not tell it."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def send_now(to: Iterable[Channel], message: Message) -> dict[str, str]:
    """Send to every channel at once, without outbox; return name → error, empty when it went."""
    outcomes = {}
    for channel in to:
        try:
            channel.send(message)
        except Exception as error:  # one alert channel: the others are asked all the same
            outcomes[channel.name] = failure_of(error, channel)
        else:
            outcomes[channel.name] = ""
    return outcomes


def failure_of(error: Exception, channel: Channel) -> str:
    """Return why a channel failed; what is no error of ours is logged and only named here."""
    if isinstance(error, PipelineError):
        return one_line(f"{type(error).__name__}: {error}")
    logger.error("alert channel %s failed", channel.name, exc_info=error)
    return type(error).__name__
