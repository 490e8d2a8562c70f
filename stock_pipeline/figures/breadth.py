"""How many shares rose and fell on a session: the breadth of the market."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from stock_pipeline.storage.database import Database

_COUNTS = """
SELECT trade_date AS session, market,
    count(*) FILTER (WHERE change > 0) AS up,
    count(*) FILTER (WHERE change < 0) AS down,
    count(*) FILTER (WHERE change = 0 AND NOT is_halted) AS same,
    count(*) FILTER (WHERE is_halted) AS halted,
    CAST(sum(value) AS bigint) AS value_krw
FROM stock_price_daily WHERE trade_date BETWEEN :first AND :last
GROUP BY trade_date, market ORDER BY trade_date, market
"""

_NEWEST = "SELECT max(trade_date) AS session FROM stock_price_daily WHERE trade_date <= :until"
# A collection of any of these sessions moves it, in the transaction that writes the rows.
_COLLECTED = """
SELECT count(*) AS collections, max(completed_at) AS newest FROM data_collection_log
WHERE asset = 'stock_price_daily' AND status = 'completed'
    AND partition BETWEEN CAST(CAST(:first AS date) AS text) AND CAST(CAST(:last AS date) AS text)
"""


@dataclass(frozen=True)
class Breadth:
    """One session.

    up, down   shares whose close is above or below the base price
    same       shares that traded or could have, without a change
    halted     shares without a trade that the exchange marks as halted; in none of the others
    value_krw  money traded
    market     KOSPI, KOSDAQ or KONEX; None: all of them
    """

    session: date
    up: int
    down: int
    same: int
    halted: int
    value_krw: int
    market: str | None = None

    @property
    def shares(self) -> int:
        """Return how many shares there are."""
        return self.up + self.down + self.same + self.halted


def newest_session(db: Database, until: date) -> date | None:
    """Return the newest session up to a date whose prices are stored; None without one."""
    found: date | None = db.read(_NEWEST, {"until": until})["session"][0]
    return found


def breadth(db: Database, session: date) -> Breadth | None:
    """Return the breadth of all markets together; None when the session is not stored."""
    days = together(breadth_history(db, session, session))
    return days[0] if days else None


def breadth_history(db: Database, first: date, last: date) -> list[Breadth]:
    """Return the breadth of each market on each stored session, oldest first."""
    return [Breadth(**row) for row in db.read(_COUNTS, {"first": first, "last": last}).to_dicts()]


def together(markets: list[Breadth]) -> list[Breadth]:
    """Return the breadth of all markets together on each session, in the order given."""
    sessions: dict[date, list[Breadth]] = {}
    for one in markets:
        sessions.setdefault(one.session, []).append(one)
    return [
        Breadth(
            session,
            up=sum(one.up for one in parts),
            down=sum(one.down for one in parts),
            same=sum(one.same for one in parts),
            halted=sum(one.halted for one in parts),
            value_krw=sum(one.value_krw for one in parts),
        )
        for session, parts in sessions.items()
    ]


class BreadthMemory:
    """The breadth of many sessions, counted again only after one of them was collected.

    Counting the 60 sessions of 2,900 shares takes 40 ms, asking whether they changed 2 ms.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: tuple[tuple[Any, ...], list[Breadth]] | None = None

    def history(self, first: date, last: date) -> list[Breadth]:
        """Return the breadth of each market on each stored session, oldest first."""
        # Asked before the rows: what is collected in between is counted again next time.
        collected = self._db.read(_COLLECTED, {"first": first, "last": last}).row(0)
        version = (first, last, *collected)
        known = self._known
        if known is None or known[0] != version:
            known = version, breadth_history(self._db, first, last)
            self._known = known
        return known[1]
