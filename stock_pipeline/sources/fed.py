"""Federal Reserve Board (www.federalreserve.gov): its feeds of press releases and speeches.

A feed holds the 15 to 20 newest items, no more. It changes a few times a week, so it is asked
whether it has changed, and the answer that is known already serves when it has not.
"""

from __future__ import annotations

from typing import Literal

from stock_pipeline.sources.feed import FEED_LIMITS, WAITS, Item, fetch_items
from stock_pipeline.sources.transport import Call, Payload, Transport, Upstream

Name = Literal["press_all", "speeches"]

BASE = "https://www.federalreserve.gov/feeds/"

FED = Upstream("FED", pace=1.0, setting="", limits={BASE: FEED_LIMITS}, waits=WAITS)


class Fed:
    """Asks for the feeds of the Federal Reserve Board; it needs no key."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def feed(self, name: Name) -> Payload[list[Item]]:
        """Return the newest items of a feed, as the feed orders them.

        Caveats  the title of a speech is `Surname, topic`; no item names an author
        """
        call = Call(name, f"{BASE}{name}.xml", conditional=True)
        return fetch_items(self._transport, FED, call)
