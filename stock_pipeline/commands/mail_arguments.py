"""What the commands around the mails take: an address and a share code, each in one spelling."""

from __future__ import annotations

import re

import click

from stock_pipeline.emails.address import mailbox

_TICKER = re.compile(r"[0-9A-Z]{6}")


def email(text: str) -> str:
    """Return the address in small letters.

    Raises  click.BadParameter
    """
    found = mailbox(text)
    if found is None:
        raise click.BadParameter("give one plain address such as name@example.com")
    return found


def ticker(text: str) -> str:
    """Return the share code in capitals.

    Raises  click.BadParameter
    """
    found = text.strip().upper()
    if not _TICKER.fullmatch(found):
        raise click.BadParameter("a share code has six digits or letters, such as 005930")
    return found
