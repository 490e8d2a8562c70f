"""Alerts by e-mail against a mail server on this machine."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from stock_pipeline.alerts import mail
from stock_pipeline.alerts.alert import Alert
from stock_pipeline.alerts.channel import Channel, Message
from stock_pipeline.alerts.dispatch import Delivered, Dispatcher
from stock_pipeline.alerts.outbox import Outbox
from stock_pipeline.clock import SystemClock
from stock_pipeline.errors import AuthError, NetworkError, ServerError, SettingInvalid
from stock_pipeline.storage.database import Database

MESSAGE = Message("ab12", "KRX 응답 없음", "[경고] krx_close · KRX · 응답 없음")
PASSWORD = "canary-mail-99d2"
HEADERS = [
    "Subject",
    "From",
    "To",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "Content-Type",
    "Content-Transfer-Encoding",
    "MIME-Version",
]


@pytest.fixture
def recipients(post: Any, settings: Callable[..., Any], clock: Any) -> Callable[..., list[Channel]]:
    """Return a function that makes the channels of some recipients."""

    def make(told: str = "kim@example.com", **values: Any) -> list[Channel]:
        configured = {"smtp_host": "127.0.0.1", "smtp_port": post.port, "smtp_from": "a@b.kr"}
        return mail.channels(settings(alert_email_to=told, **configured, **values), clock)

    return make


def test_a_mail_arrives_readable_with_its_own_id(recipients: Any, post: Any) -> None:
    [channel] = recipients()
    channel.send(MESSAGE)
    channel.send(MESSAGE)
    first, second = (email.message_from_string(m, policy=email.policy.default) for m in post.mails)
    assert first["Subject"] == "KRX 응답 없음"
    assert first.get_content().strip() == MESSAGE.text
    assert first["To"] == "kim@example.com"
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Message-ID"].startswith("<ab12.")


@pytest.mark.fault
def test_f57_a_refused_recipient_keeps_nobody_else_waiting(
    database: Database, recipients: Any, post: Any, clock: Any, alert: Callable[..., Alert]
) -> None:
    post.answers = {"RCPT TO:<GONE@EXAMPLE.COM>": "550 no such user"}
    everyone = recipients("gone@example.com, kim@example.com, lee@example.com")
    outbox = Outbox(database)
    outbox.open(alert())
    delivered = Dispatcher(database, everyone, clock).deliver()
    assert delivered == Delivered(sent=4, failed=1, off=("email:1",))
    subjects = [email.message_from_string(text)["To"] for text in post.mails]
    # To each of the others: the alert, and that the first recipient is refused.
    assert sorted(subjects) == ["kim@example.com"] * 2 + ["lee@example.com"] * 2
    assert outbox.undelivered() == []


@pytest.mark.fault
def test_f57_a_mail_server_that_is_down_gets_the_same_mail_later(
    database: Database, recipients: Any, post: Any, clock: Any, alert: Callable[..., Alert]
) -> None:
    post.answers = {"DATA": "451 try again later"}
    Outbox(database).open(alert())
    dispatcher = Dispatcher(database, recipients(), clock)
    for _ in range(30):
        dispatcher.deliver()
        clock.instant += timedelta(minutes=1)
    assert post.commands.count("DATA") == 5  # at 0, 1, 3, 7 and 15 minutes
    post.answers = {}
    clock.instant += timedelta(minutes=15)
    assert dispatcher.deliver().sent == 1
    assert len(post.mails) == 1
    text = database.read("SELECT channels_sent FROM ops_alert").item()
    assert set(json.loads(text)["email:1"]) == {"sent_at", "message"}


@pytest.mark.fault
def test_f57_nobody_listens(recipients: Any, post: Any) -> None:
    [channel] = recipients()
    post.close()
    with pytest.raises(NetworkError, match="ConnectionRefusedError"):
        channel.send(MESSAGE)


@pytest.mark.fault
@pytest.mark.parametrize(
    ("answers", "setting"),
    [
        ({"AUTH": "535 5.7.8 bad credentials of canary-mail-99d2"}, "SMTP_PASSWORD"),
        ({"MAIL": "553 sender refused"}, "SMTP_FROM"),
        ({"RCPT": "550 no such user kim@example.com"}, "ALERT_EMAIL_TO"),
    ],
)
def test_f57_a_refusal_names_the_setting_and_repeats_no_word_of_the_server(
    recipients: Any, post: Any, answers: dict[str, str], setting: str
) -> None:
    post.answers, post.offered = answers, ["250-AUTH PLAIN"]
    [channel] = recipients(smtp_user="kim", smtp_password=PASSWORD)
    with pytest.raises(AuthError) as caught:
        channel.send(MESSAGE)
    assert caught.value.setting == setting
    text = f"{caught.value} {caught.value!r} {vars(caught.value)}"
    assert PASSWORD not in text
    assert "kim@example.com" not in text
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize(
    ("host", "offered", "answers", "error"),
    [
        # a spelling of this machine that is not known to be this one, and no encryption offered
        ("127.1", ["250-AUTH PLAIN"], {}, AuthError),
        # encryption is offered and then fails: what would be sent next is not sent in the open
        ("127.0.0.1", ["250-AUTH PLAIN", "250-STARTTLS"], {"STARTTLS": "454 no"}, ServerError),
    ],
)
def test_a_password_is_not_sent_in_the_open(  # one line of the table above
    post: Any,
    settings: Callable[..., Any],
    clock: Any,
    host: str,
    offered: list[str],
    answers: dict[str, str],
    error: type[Exception],
) -> None:
    post.offered, post.answers = offered, answers
    configured = settings(
        smtp_host=host,
        smtp_port=post.port,
        smtp_user="kim",
        smtp_password=PASSWORD,
        smtp_from="a@b.kr",
        alert_email_to="kim@example.com",
    )
    [channel] = mail.channels(configured, clock)
    with pytest.raises(error):
        channel.send(MESSAGE)
    assert not any(command.startswith(("AUTH", "MAIL")) for command in post.commands)


@pytest.mark.parametrize(
    "told",
    [
        "kim@example.com\r\nBcc: all@example.com",  # a further header
        "kim@example.com\nSubject: x",
        "Kim <kim@example.com>",
        "kim",
        "kim@example.com lee@example.com",
        "kim@exa\u202emple.com",
    ],
)
def test_f67_what_is_no_plain_address_is_refused_and_not_sent(
    recipients: Any, post: Any, told: str
) -> None:
    [channel] = recipients(told)
    with pytest.raises(SettingInvalid, match="ALERT_EMAIL_TO"):
        channel.send(MESSAGE)
    assert post.commands == []


@examples(deadline=None, max_examples=60)
@given(st.text(max_size=200), st.text(max_size=200))
def test_f67_no_text_adds_a_header(title: str, text: str) -> None:
    told = Message("ab12", title + "\r\nBcc: all@example.com", text)
    made = mail.mail(told, sender="a@b.kr", recipient="kim@example.com", clock=SystemClock())
    read = email.message_from_bytes(bytes(made))
    assert sorted(read.keys()) == sorted(HEADERS)


def test_without_a_server_or_a_recipient_there_is_no_mail(
    settings: Callable[..., Any], clock: Any
) -> None:
    assert mail.channels(settings(alert_email_to="kim@example.com"), clock) == []
    assert mail.channels(settings(smtp_host="127.0.0.1"), clock) == []
    assert mail.channels(settings(smtp_host="127.0.0.1", alert_email_to=" , "), clock) == []


def test_without_a_sender_the_setting_is_named(settings: Callable[..., Any], clock: Any) -> None:
    [channel] = mail.channels(settings(smtp_host="x", alert_email_to="kim@example.com"), clock)
    with pytest.raises(SettingInvalid, match="SMTP_FROM"):
        channel.send(MESSAGE)
