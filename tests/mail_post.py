"""A mail server on this machine that keeps what it was sent, and the morning of a letter."""

from __future__ import annotations

import email
import email.policy
import socketserver
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import pytest
from listening import Listening

if TYPE_CHECKING:
    from stock_pipeline.correspondence import Desk
    from stock_pipeline.market_calendar import MarketCalendar
    from stock_pipeline.settings import Settings
    from stock_pipeline.storage.database import Database

# The session of Friday 13 March 2026; its letters go out on Saturday at 07:30 in Seoul.
MORNING = datetime(2026, 3, 13, 22, 30, tzinfo=UTC)


class Post:
    """A mail server: `answers` say what it replies to a command or, by its first word, to a kind.

    offered  what it says it can do after EHLO
    """

    def __init__(self) -> None:
        self.mails: list[str] = []
        self.commands: list[str] = []
        self.answers: dict[str, str] = {}
        self.offered: list[str] = []
        post = self

        class Lines(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self._say("220 ready")
                while line := self.rfile.readline().decode().strip().upper():
                    post.commands.append(line)
                    word = line.split()[0]
                    if word == "EHLO":
                        self._say("\r\n".join(["250-here", *post.offered, "250 8BITMIME"]))
                    elif line in post.answers or word in post.answers:
                        self._say(post.answers.get(line) or post.answers[word])
                    elif word == "DATA":
                        self._say("354 go on")
                        post.mails.append(self._mail())
                        self._say("250 taken")
                    else:
                        self._say({"QUIT": "221 bye", "AUTH": "235 ok"}.get(word, "250 ok"))

            def _say(self, text: str) -> None:
                self.wfile.write(f"{text}\r\n".encode())

            def _mail(self) -> str:
                lines: list[bytes] = []
                while (line := self.rfile.readline()) != b".\r\n":
                    lines.append(line)
                return b"".join(lines).decode()

        self._listening = Listening(Lines, socketserver.ThreadingTCPServer)
        self.port = self._listening.port

    def close(self) -> None:
        """Stop listening."""
        self._listening.close()


@pytest.fixture
def post() -> Iterator[Post]:
    """Return a mail server on this machine."""
    post = Post()
    yield post
    post.close()


@pytest.fixture
def bare_settings(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """Return a function that makes settings of nothing but its arguments."""
    from stock_pipeline.settings import Settings

    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)

    def make(**values: Any) -> Settings:
        return Settings(_env_file=None, **values)

    return make


@pytest.fixture
def desk(
    seeded_copy: Database,
    calendar: MarketCalendar,
    post: Post,
    bare_settings: Callable[..., Settings],
) -> Desk:
    """Return what letters are written with, on the morning after the seeded market's last day."""
    from stock_pipeline.correspondence import Desk

    seeded_copy.clock.instant = MORNING  # type: ignore[attr-defined]  # a held one
    settings = bare_settings(smtp_host="127.0.0.1", smtp_port=post.port, smtp_from="a@b.kr")
    return Desk(seeded_copy, calendar, settings)


@pytest.fixture
def readers(desk: Desk) -> list[str]:
    """Return two subscribers of the market letter."""
    from stock_pipeline.emails import mail_subscriber

    found = ["kim@example.com", "lee@example.com"]
    for one in found:
        mail_subscriber.add(desk.db, one, "market")
    return found


def read(text: str) -> EmailMessage:
    """Return a mail that the server took."""
    found = email.message_from_string(text, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def plain_of(text: str) -> str:
    """Return the plain part of a mail that the server took."""
    return _part(text, "plain")


def html_of(text: str) -> str:
    """Return the HTML of a mail that the server took."""
    return _part(text, "html")


def _part(text: str, kind: str) -> str:
    part = read(text).get_body((kind,))
    assert part is not None
    return str(part.get_content())
