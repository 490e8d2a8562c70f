"""What a letter is, and the mail that one recipient gets of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import quote

from stock_pipeline.alerts.alert import one_line
from stock_pipeline.alerts.channel import fingerprint
from stock_pipeline.alerts.mail import is_mailbox
from stock_pipeline.emails.mail_log import Slip
from stock_pipeline.emails.mail_subscriber import Kind
from stock_pipeline.errors import SettingInvalid

LONGEST_SUBJECT = 150
DEMO_MARK = "[데모]"


@dataclass(frozen=True)
class Letter:
    """One letter, the same for everybody who gets it.

    session  the session that it is about; of it there is one letter of this kind
    """

    kind: Kind
    session: date
    subject: str
    html: str
    text: str


def mail(letter: Letter, recipient: str, *, sender: str, at: datetime) -> EmailMessage:
    """Return the letter as a mail to one recipient; nothing of it is made up by chance.

    Raises  SettingInvalid when the sender is no plain mailbox
    """
    if not is_mailbox(sender):
        raise SettingInvalid("SMTP_FROM", "it must hold one plain address: name@example.com")
    slip = Slip(letter.kind, letter.session, recipient)
    found = EmailMessage()
    found["Subject"] = one_line(letter.subject, LONGEST_SUBJECT)
    found["From"], found["To"] = sender, recipient
    found["Date"] = format_datetime(at)
    found["Message-ID"] = slip.message_id
    found["Auto-Submitted"] = "auto-generated"
    # By mail alone: there is no address of ours that a stranger's mail program could reach.
    subject = quote(f"unsubscribe {letter.kind}")
    found["List-Unsubscribe"] = f"<mailto:{sender}?subject={subject}>"
    # Korean in plain letters: servers that know only seven bits pass it on as well.
    found.set_content(letter.text, cte="base64")
    found.add_alternative(letter.html, subtype="html", cte="base64")
    # No line of base64 holds an underscore.
    found.set_boundary(f"_{fingerprint(slip.message_id)}_")
    return found
