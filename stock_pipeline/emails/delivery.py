"""Letters on their way: claimed, sent and noted, one recipient after the other.

A refused recipient keeps nobody else waiting. When the mail server cannot be reached, or refuses
the account, the others would only wait for the same answer: they stay open for the next attempt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from stock_pipeline.alerts.alert import one_line
from stock_pipeline.emails.letter import Letter, mail
from stock_pipeline.emails.mail_log import Slip, claim, note_failed, note_sent
from stock_pipeline.errors import (
    AuthError,
    BadRequest,
    NetworkError,
    SettingInvalid,
    SettingMissing,
    Timeout,
    UpstreamError,
)
from stock_pipeline.settings import Settings
from stock_pipeline.sources.mail_server import MailServer, RecipientRefused
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.writer import Connection


def _nothing_else(_: Connection) -> None:
    """Note that it was sent and no more."""


@dataclass(frozen=True)
class Posting:
    """A letter to one recipient.

    also  what else is true once the mail server took it; written in the same transaction
    """

    letter: Letter
    recipient: str
    also: Callable[[Connection], object] = _nothing_else

    @property
    def slip(self) -> Slip:
        """Return the key of its row in the log."""
        return Slip(self.letter.kind, self.letter.session, self.recipient)


@dataclass(frozen=True)
class Delivered:
    """What became of some letters.

    closed  not to be sent now: already sent, given up, or at work elsewhere
    left    not tried any more, because the mail server cannot be used
    why     why the first of those that failed did
    """

    sent: int = 0
    failed: int = 0
    closed: int = 0
    left: int = 0
    why: str = ""


@dataclass(frozen=True)
class PostOffice:
    """How letters leave: the mail server and the address they come from."""

    server: MailServer
    sender: str = field(repr=False)


def post_office(settings: Settings) -> PostOffice:
    """Return how letters leave.

    Raises  SettingMissing when no mail server or no sender is set
    """
    if settings.smtp_host is None:
        raise SettingMissing("SMTP_HOST", "set it to the mail server that sends the letters")
    sender = settings.smtp_from or settings.smtp_user
    if sender is None:
        raise SettingMissing("SMTP_FROM", "set it to the address the letters come from")
    password = settings.smtp_password.get_secret_value() if settings.smtp_password else None
    server = MailServer(
        settings.smtp_host, settings.smtp_port, user=settings.smtp_user, password=password
    )
    return PostOffice(server, sender)


def deliver(database: Database, office: PostOffice, postings: Sequence[Posting]) -> Delivered:
    """Send every letter that is still open; a letter that failed is noted, not raised.

    Raises  DatabaseError; SettingInvalid when no letter can be sent from that address
    """
    sent, closed, reasons = 0, 0, list[str]()
    for place, posting in enumerate(postings):
        if not claim(database, posting.slip):
            closed += 1
            continue
        error = _send(database, office, posting)
        if error is None:
            sent += 1
            continue
        reasons.append(_told(error))
        if _concerns_all(error):
            left = len(postings) - place - 1
            return Delivered(sent, len(reasons), closed, left, reasons[0])
    return Delivered(sent, len(reasons), closed, why=reasons[0] if reasons else "")


def _send(database: Database, office: PostOffice, posting: Posting) -> UpstreamError | None:
    """Send one letter and note how it went; return why it did not go."""
    now = database.clock.now()
    try:
        message = mail(posting.letter, posting.recipient, sender=office.sender, at=now)
        office.server.send(message, posting.recipient)
    except SettingInvalid as error:
        note_failed(database, posting.slip, str(error), for_good=False)
        raise
    except UpstreamError as error:
        for_good = isinstance(error, RecipientRefused | BadRequest)
        note_failed(database, posting.slip, _told(error), for_good=for_good)
        return error

    def note(connection: Connection) -> None:
        note_sent(connection, posting.slip, database.clock.now())
        posting.also(connection)

    database.transaction(note)
    return None


def _told(error: UpstreamError) -> str:
    """Return the text for the log; of a refused recipient not the setting of the alerts."""
    if isinstance(error, RecipientRefused):
        return "RecipientRefused: the mail server refuses this address for good"
    return one_line(f"{type(error).__name__}: {error}")


def _concerns_all(error: UpstreamError) -> bool:
    if isinstance(error, RecipientRefused):
        return False
    return isinstance(error, NetworkError | Timeout | AuthError)
