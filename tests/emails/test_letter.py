"""A letter becomes a mail: its headers, its id, and nothing that a text could add to them."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from datetime import date

import pytest
from emails.golden import NEWS, SATURDAY
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from stock_pipeline.emails.letter import Letter, mail
from stock_pipeline.emails.market_letter import market_letter
from stock_pipeline.errors import SettingInvalid

LETTER = Letter("market", date(2026, 3, 13), "시황", "<p>시황</p>", "시황\n")
SENDER, READER = "letters@example.com", "kim@example.com"
HEADERS = [
    "Subject",
    "From",
    "To",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "List-Unsubscribe",
    "MIME-Version",
    "Content-Type",
]


def test_both_parts_arrive_as_they_were_written() -> None:
    made = email.message_from_bytes(
        bytes(mail(LETTER, READER, sender=SENDER, at=SATURDAY)), policy=email.policy.default
    )
    kinds = [part.get_content_type() for part in made.iter_parts()]  # type: ignore[attr-defined]  # of this policy
    assert kinds == ["text/plain", "text/html"]  # the last is what is shown
    assert [part.get_content() for part in made.iter_parts()] == ["시황\n", "<p>시황</p>\n"]  # type: ignore[attr-defined]
    assert made["List-Unsubscribe"] == f"<mailto:{SENDER}?subject=unsubscribe%20market>"
    assert made["Date"] == "Fri, 13 Mar 2026 22:30:00 +0000"


def test_the_id_is_of_letter_session_and_recipient_and_of_nothing_else() -> None:
    def identity(letter: Letter = LETTER, reader: str = READER) -> str:
        return str(mail(letter, reader, sender=SENDER, at=SATURDAY)["Message-ID"])

    assert identity() == identity(replace(LETTER, subject="x", text="y"))
    others = [
        identity(replace(LETTER, kind="watchlist")),
        identity(replace(LETTER, session=date(2026, 3, 12))),
        identity(reader="lee@example.com"),
    ]
    assert len({identity(), *others}) == 4
    assert "kim" not in identity()


@pytest.mark.parametrize("sender", ["", "Kim <a@b.kr>", "a@b.kr\r\nBcc: all@example.com"])
def test_f67_a_sender_that_is_no_plain_address_is_refused(sender: str) -> None:
    with pytest.raises(SettingInvalid, match="SMTP_FROM"):
        mail(LETTER, READER, sender=sender, at=SATURDAY)


@examples(deadline=None, max_examples=60)
@given(st.text(max_size=200), st.text(max_size=100))
def test_f67_no_text_adds_a_header(subject: str, text: str) -> None:
    letter = replace(LETTER, subject=f"{subject}\r\nBcc: all@example.com", text=text, html=text)
    made = email.message_from_bytes(bytes(mail(letter, READER, sender=SENDER, at=SATURDAY)))
    assert sorted(made.keys()) == sorted(HEADERS)


def test_f67_a_name_from_the_market_adds_no_header() -> None:
    level = replace(NEWS.levels[0], name="코스피\r\nBcc: all@example.com")
    letter = market_letter(replace(NEWS, levels=(level,)))
    made = email.message_from_bytes(bytes(mail(letter, READER, sender=SENDER, at=SATURDAY)))
    assert "Bcc" not in made
