"""What Discord is sent: text, nobody pinged, never more than it takes."""

from __future__ import annotations

import pytest

from stock_pipeline.sources import discord


@pytest.mark.parametrize(("told", "sent"), [(2000, 2000), (2001, 2000)])
def test_a_message_is_cut_to_what_discord_takes(told: int, sent: int) -> None:
    assert discord.body("가" * told)["content"] == "가" * sent


def test_f60_a_message_pings_nobody_and_unfolds_no_link() -> None:
    body = discord.body("@everyone <@1>")
    assert body["allowed_mentions"] == {"parse": []}
    assert body["flags"] == 4
