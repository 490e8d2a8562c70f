"""Addresses: what may be written to, spelt in one way."""

from __future__ import annotations

from stock_pipeline.alerts.mail import MAILBOX, is_mailbox

# RFC 5321, 4.5.3.1: the path of 256 characters has two brackets.
LONGEST = 254
# The same for a schema.
PATTERN = f"^{MAILBOX.pattern}$"


def mailbox(text: str) -> str | None:
    """Return one plain mailbox in small letters; None when the text is anything else.

    No server in use tells capitals apart, and one person is to get one letter.
    """
    found = text.strip().lower()
    return found if len(found) <= LONGEST and is_mailbox(found) else None
