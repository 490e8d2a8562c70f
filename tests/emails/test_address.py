"""Addresses: one plain mailbox in small letters, or none."""

from __future__ import annotations

import pytest

from stock_pipeline.emails.address import mailbox


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Kim@Example.com", "kim@example.com"),  # one person, one spelling
        (" kim@example.com ", "kim@example.com"),
        ("kim+stocks@example.co.kr", "kim+stocks@example.co.kr"),
        ("k" * 242 + "@example.com", "k" * 242 + "@example.com"),  # 254 characters
        ("k" * 243 + "@example.com", None),  # one more
        ("kim", None),
        ("Kim <kim@example.com>", None),
        ("kim@example.com, lee@example.com", None),
        ("kim@example.com\r\nBcc: all@example.com", None),  # a further header
        ("kim@exa\u202emple.com", None),  # turns the direction of writing
        ("김@example.com", None),
    ],
)
def test_f67_an_address_is_one_plain_mailbox(text: str, found: str | None) -> None:
    assert mailbox(text) == found
