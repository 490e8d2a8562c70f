"""Letters against a mail server on this machine: each once, whatever the server does."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from mail_post import MORNING, Post, read

from stock_pipeline.correspondence import Desk, send
from stock_pipeline.emails import mail_log
from stock_pipeline.emails.delivery import Delivered
from stock_pipeline.errors import SettingInvalid

MONDAY = date(2026, 3, 16)
ONE_KIM = "RCPT TO:<KIM@EXAMPLE.COM>"


def deliver(desk: Desk) -> Delivered:
    """Send the market letter of this morning to whoever lacks it."""
    return send(desk, "market", desk.occasion("market", desk.db.clock.now()))


def later(desk: Desk, **time: int) -> None:
    """Let time pass."""
    desk.db.clock.instant += timedelta(**time)  # type: ignore[attr-defined]  # a held one


def rows(desk: Desk) -> list[tuple[Any, ...]]:
    """Return the log: recipient, status, attempts, given up, error."""
    return desk.db.read(
        "SELECT recipient, status, attempts, is_given_up, error_message FROM mail_log"
        " ORDER BY recipient"
    ).rows()


def test_every_subscriber_gets_one_mail_however_often_it_is_asked_for(
    desk: Desk, readers: list[str], post: Post
) -> None:
    assert deliver(desk) == Delivered(sent=2)
    later(desk, minutes=30)
    assert deliver(desk) == Delivered()
    assert [read(text)["To"] for text in post.mails] == readers
    assert [row[1:] for row in rows(desk)] == [("sent", 1, False, None)] * 2


def test_who_subscribes_later_gets_theirs_and_nobody_a_second_one(
    desk: Desk, readers: list[str], post: Post
) -> None:
    from stock_pipeline.emails import mail_subscriber

    deliver(desk)
    mail_subscriber.add(desk.db, "park@example.com", "market")
    mail_subscriber.remove(desk.db, "lee@example.com", "market")
    assert deliver(desk).sent == 1
    assert [read(text)["To"] for text in post.mails] == [*readers, "park@example.com"]


@pytest.mark.fault
def test_f57_a_refused_recipient_keeps_nobody_else_waiting_and_is_not_asked_again(
    desk: Desk, readers: list[str], post: Post
) -> None:
    post.answers = {ONE_KIM: "550 no such user kim@example.com"}
    done = deliver(desk)
    assert (done.sent, done.failed, done.left) == (1, 1, 0)
    assert [read(text)["To"] for text in post.mails] == ["lee@example.com"]
    kim = rows(desk)[0]
    assert kim[1:4] == ("failed", 1, True)
    assert kim[4] == "RecipientRefused: the mail server refuses this address for good"
    later(desk, minutes=30)
    assert deliver(desk) == Delivered()


@pytest.mark.fault
def test_f57_a_recipient_refused_for_now_is_asked_again_with_the_same_id(
    desk: Desk, readers: list[str], post: Post
) -> None:
    post.answers = {ONE_KIM: "451 greylisted"}
    assert deliver(desk).failed == 1
    later(desk, minutes=30)
    post.answers = {}
    assert deliver(desk) == Delivered(sent=1, closed=1)
    stored = desk.db.read("SELECT recipient, message_id FROM mail_log").rows()
    assert {(m["To"], m["Message-ID"]) for m in map(read, post.mails)} == set(stored)


@pytest.mark.fault
def test_f57_a_mail_server_that_is_down_is_asked_once_a_pass_in_turn(
    desk: Desk, readers: list[str], post: Post
) -> None:
    post.close()
    for _ in range(9):
        done = deliver(desk)
        later(desk, minutes=30)
    assert done == Delivered()
    assert [(row[2], row[3]) for row in rows(desk)] == [(4, True), (4, True)]
    assert "NetworkError" in rows(desk)[0][4]


@pytest.mark.fault
def test_f57_whoever_was_not_tried_comes_first_at_the_next_attempt(
    desk: Desk, readers: list[str], post: Post
) -> None:
    post.answers = {"MAIL": "553 sender refused"}  # which ends the pass
    assert deliver(desk).left == 1
    post.answers = {}
    later(desk, minutes=30)
    assert deliver(desk).sent == 2
    assert [read(text)["To"] for text in post.mails] == ["lee@example.com", "kim@example.com"]


@pytest.mark.fault
def test_f45_what_failed_is_sent_on_its_day_or_never(
    desk: Desk, readers: list[str], post: Post
) -> None:
    post.answers = {"DATA": "451 try again later"}
    deliver(desk)
    post.answers = {}
    later(desk, hours=16, minutes=29)  # 23:59 in Seoul
    occasion = desk.occasion("market", desk.db.clock.now())
    assert occasion.is_late
    assert deliver(desk).sent == 2
    assert "늦게 보내 드립니다" in read(post.mails[0]).get_body(("plain",)).get_content()  # type: ignore[union-attr]


@pytest.mark.fault
def test_f45_the_next_day_is_too_late(desk: Desk, readers: list[str], post: Post) -> None:
    post.answers = {"DATA": "451 try again later"}
    deliver(desk)
    post.answers = {}
    later(desk, hours=16, minutes=30)  # midnight in Seoul
    assert deliver(desk) == Delivered()
    slip = mail_log.Slip("market", desk.calendar.previous_session("XKRX", MONDAY), readers[0])
    assert not mail_log.claim(desk.db, slip)
    assert post.mails == []


@pytest.mark.fault
def test_f58_a_claim_whose_process_died_is_sent_once_more_with_the_same_id(
    desk: Desk, readers: list[str], post: Post
) -> None:
    occasion = desk.occasion("market", desk.db.clock.now())
    slip = mail_log.Slip("market", occasion.session, readers[0])
    assert mail_log.claim(desk.db, slip)  # and then it dies
    assert deliver(desk) == Delivered(sent=1, closed=1)
    later(desk, minutes=6)
    assert deliver(desk) == Delivered(sent=1, closed=1)
    assert read(post.mails[-1])["Message-ID"] == slip.message_id
    assert deliver(desk) == Delivered()


def test_two_processes_never_send_the_same_letter(desk: Desk, readers: list[str]) -> None:
    slip = mail_log.Slip("market", MONDAY, readers[0])
    assert [mail_log.claim(desk.db, slip) for _ in range(3)] == [True, False, False]


def test_what_was_sent_is_never_claimed_again(desk: Desk, readers: list[str]) -> None:
    slip = mail_log.Slip("market", MONDAY, readers[0])
    mail_log.claim(desk.db, slip)
    desk.db.transaction(lambda connection: mail_log.note_sent(connection, slip, MORNING))
    later(desk, hours=2)
    assert not mail_log.claim(desk.db, slip)
    # Nor does a slower process, which thought that it had failed, take it back.
    mail_log.note_failed(desk.db, slip, "Timeout", for_good=False)
    assert rows(desk)[0][1] == "sent"


def test_an_unusable_sender_is_named_and_nothing_is_sent(
    desk: Desk, readers: list[str], post: Post
) -> None:
    broken = Desk(desk.db, desk.calendar, desk.settings.model_copy(update={"smtp_from": "kim"}))
    with pytest.raises(SettingInvalid, match="SMTP_FROM"):
        deliver(broken)
    assert post.mails == []
    assert rows(desk)[0][1] == "failed"
