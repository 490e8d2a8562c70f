"""Alerts to any other service: `NOTIFY_URLS` in apprise's notation, a channel for each."""

from __future__ import annotations

import logging
from collections.abc import Callable

from stock_pipeline.alerts.channel import Channel, Message, fingerprint
from stock_pipeline.clock import Clock
from stock_pipeline.errors import ServerError, SettingInvalid
from stock_pipeline.settings import Settings

SETTING = "NOTIFY_URLS"


def channels(settings: Settings, _: Clock) -> list[Channel]:
    """Return one channel for each address."""
    if settings.notify_urls is None:
        return []
    addresses = settings.notify_urls.get_secret_value().split()
    return [
        Channel(f"notify:{number}", fingerprint(address), _sender(address, number))
        for number, address in enumerate(addresses, start=1)
    ]


def _sender(address: str, number: int) -> Callable[[Message], None]:
    def send(message: Message) -> None:
        # Hundreds of modules: only a process that really sends has them.
        import apprise

        # Its log repeats addresses, and addresses hold keys; what failed is told by its answer.
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        service = apprise.Apprise()
        if not service.add(address):
            raise SettingInvalid(SETTING, f"entry {number} is no address that apprise knows")
        if not service.notify(body=message.text, body_format=apprise.NotifyFormat.TEXT):
            raise ServerError(f"notify:{number}", "send", "the service did not take the message")

    return send
