"""Alerts by e-mail: `SMTP_*` and `ALERT_EMAIL_TO`; each recipient is a channel of its own.

So a refused recipient keeps nobody else waiting, and each mail is known to be delivered or not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import format_datetime

from stock_pipeline.alerts.alert import one_line
from stock_pipeline.alerts.channel import Channel, Message, fingerprint
from stock_pipeline.clock import Clock
from stock_pipeline.errors import SettingInvalid
from stock_pipeline.settings import Settings

LONGEST_SUBJECT = 150
# One mailbox and nothing else: no name, no second address, nothing that could begin a header.
MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


def channels(settings: Settings, clock: Clock) -> list[Channel]:
    """Return one channel for each recipient, if a mail server is set."""
    recipients = [part.strip() for part in (settings.alert_email_to or "").split(",")]
    if settings.smtp_host is None:
        return []
    account = (settings.smtp_host, settings.smtp_port, settings.smtp_user, _password(settings))
    return [
        Channel(
            f"email:{number}",
            fingerprint(recipient, settings.smtp_from, *account),
            _sender(settings, clock, recipient),
        )
        for number, recipient in enumerate(filter(None, recipients), start=1)
    ]


def is_mailbox(text: str) -> bool:
    """Tell whether text is one plain mailbox and nothing else."""
    return MAILBOX.fullmatch(text) is not None


def mail(message: Message, *, sender: str, recipient: str, clock: Clock) -> EmailMessage:
    """Return the message as a mail; its id is the same at every attempt.

    Raises  SettingInvalid when sender or recipient is no plain mailbox
    """
    for setting, mailbox in (("SMTP_FROM", sender), ("ALERT_EMAIL_TO", recipient)):
        if not is_mailbox(mailbox):
            raise SettingInvalid(setting, "it must hold plain addresses such as name@example.com")
    found = EmailMessage()
    found["Subject"] = one_line(message.title, LONGEST_SUBJECT)
    found["From"], found["To"] = sender, recipient
    found["Date"] = format_datetime(clock.now())
    found["Message-ID"] = f"<{message.identity}.{fingerprint(recipient)}@stock-pipeline.invalid>"
    found["Auto-Submitted"] = "auto-generated"
    # Korean in plain letters: servers that know only seven bits pass it on as well.
    found.set_content(message.text, cte="base64")
    return found


def _sender(settings: Settings, clock: Clock, recipient: str) -> Callable[[Message], None]:
    def send(message: Message) -> None:
        # Not needed by a process that only writes alerts.
        from stock_pipeline.sources.mail_server import MailServer

        sender = settings.smtp_from or settings.smtp_user or ""
        server = MailServer(
            settings.smtp_host or "",
            settings.smtp_port,
            user=settings.smtp_user,
            password=_password(settings),
        )
        server.send(mail(message, sender=sender, recipient=recipient, clock=clock), recipient)

    return send


def _password(settings: Settings) -> str | None:
    return settings.smtp_password.get_secret_value() if settings.smtp_password else None
