"""The letters of a morning: to whom one is due, what it says, and sending it.

No Dagster in here. A letter belongs to a session and a day: what could not be sent on its day is
never sent on a later one, when it would be taken for that day's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial

from stock_pipeline.cadences import first_source
from stock_pipeline.clock import KST
from stock_pipeline.due import MARKET
from stock_pipeline.emails import mail_log
from stock_pipeline.emails.delivery import Delivered, Posting, deliver, post_office
from stock_pipeline.emails.mail_subscriber import Kind, recipients
from stock_pipeline.emails.market_letter import TABLES as MARKET_TABLES
from stock_pipeline.emails.market_letter import market_letter, market_news
from stock_pipeline.emails.occasion import Occasion
from stock_pipeline.emails.watchlist import note_told
from stock_pipeline.emails.watchlist_letter import TABLES as WATCHLIST_TABLES
from stock_pipeline.emails.watchlist_letter import (
    WatchlistNews,
    watchlist_letter,
    watchlist_news,
)
from stock_pipeline.errors import SettingMissing
from stock_pipeline.figures.watched import scored_session
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.settings import Settings
from stock_pipeline.staleness import staleness
from stock_pipeline.storage.database import Database

HOURS: Mapping[Kind, time] = {"market": time(7, 30), "watchlist": time(8)}
# A run that waits in the queue behind another one is not what anybody calls late.
LATE_AFTER = timedelta(minutes=20)
TABLES: Mapping[Kind, Sequence[str]] = {"market": MARKET_TABLES, "watchlist": WATCHLIST_TABLES}
_A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Desk:
    """What letters are written with."""

    db: Database
    calendar: MarketCalendar
    settings: Settings

    def occasion(self, kind: Kind, at: datetime) -> Occasion:
        """Return on what occasion a letter is written at an instant."""
        day = at.astimezone(KST).date()
        hour = datetime.combine(day, HOURS[kind], tzinfo=KST)
        # The database says whether it is invented: a command may have been led to the demo's.
        mode = self.db.read("SELECT mode FROM database_identity")["mode"].to_list()
        return Occasion(
            self.calendar.previous_session(MARKET, day),
            at,
            is_late=at > hour + LATE_AFTER,
            is_demo=mode == ["demo"],
        )

    def standing(self, kind: Kind, occasion: Occasion) -> Mapping[str, str]:
        """Return how the tables of a letter stand."""
        source = first_source(self.settings)
        only = TABLES[kind]
        states = staleness(self.db, self.calendar, occasion.at, source=source, only=only)
        return {state.asset: state.status for state in states}


def reason_to_skip(desk: Desk, kind: Kind, occasion: Occasion) -> str | None:
    """Say why no letter has to be sent; None: some may have to be."""
    try:
        post_office(desk.settings)
    except SettingMissing as error:
        return str(error)
    session = _subject_session(desk, kind, occasion)
    if session is None:
        return "nothing is stored that it could tell of"
    if kind == "market" and session != occasion.day - _A_DAY:
        return f"no session since that of {session}, of which it told on the day after"
    readers = recipients(desk.db, kind)
    if not readers:
        return "nobody has subscribed"
    if not set(readers) - mail_log.closed(desk.db, kind, session):
        return f"everybody has that of {session}, or it was given up"
    return None


def written(
    desk: Desk, kind: Kind, occasion: Occasion, readers: Sequence[str] | None = None
) -> list[Posting]:
    """Return every letter of a morning, whoever has got theirs already.

    readers  of the market letter; None: its subscribers
    """
    standing = desk.standing(kind, occasion)
    if kind == "market":
        news = market_news(desk.db, occasion, standing)
        told = recipients(desk.db, kind) if readers is None else readers
        letter = market_letter(news) if news is not None and told else None
        return [Posting(letter, one) for one in told] if letter is not None else []
    watched = watchlist_news(desk.db, occasion, standing)
    return [] if watched is None else _watchlist_postings(watched)


def send(desk: Desk, kind: Kind, occasion: Occasion) -> Delivered:
    """Send what is due and open; a letter that failed is noted, not raised.

    Raises  SettingMissing without a mail server, SettingInvalid, DatabaseError
    """
    office = post_office(desk.settings)
    if kind == "watchlist":
        _begin_to_watch(desk, occasion)
    if reason_to_skip(desk, kind, occasion) is not None:
        return Delivered()
    postings = written(desk, kind, occasion)
    session = _subject_session(desk, kind, occasion)
    tried = mail_log.attempts(desk.db, kind, session) if session is not None else {}
    # Whoever makes the server hang is not asked first again: nobody else would get a letter.
    in_turn = sorted(postings, key=lambda one: tried.get(one.recipient, 0))
    return deliver(desk.db, office, in_turn)


def _subject_session(desk: Desk, kind: Kind, occasion: Occasion) -> date | None:
    """Return the session that a letter is about: of the watchlist that of the newest scores."""
    return occasion.session if kind == "market" else scored_session(desk.db, occasion.session)


def _watchlist_postings(news: WatchlistNews) -> list[Posting]:
    return [
        Posting(watchlist_letter(news, email), email, partial(note_told, told=news.of(email)))
        for email in news.readers()
    ]


def _begin_to_watch(desk: Desk, occasion: Occasion) -> None:
    """Note the first score of every share: what comes later is measured from it."""
    news = watchlist_news(desk.db, occasion, {})
    if news is not None and news.firsts():
        desk.db.transaction(lambda connection: note_told(connection, news.firsts()))
