"""What is watched, as it stands after a session: whose, which, and which scores are left out."""

from __future__ import annotations

from datetime import date

from stock_pipeline.emails import mail_subscriber, watchlist
from stock_pipeline.figures.watched import scored_session, watched
from stock_pipeline.storage.database import Database

LAST, BEFORE = date(2026, 3, 13), date(2026, 3, 12)
# The score of the first on the last session is 71.2; the second left the market a year before.
SDI, GONE = "006400", "900110"


def test_only_scored_shares_of_those_who_want_the_letter_are_watched(
    seeded_copy: Database,
) -> None:
    watchlist.add(seeded_copy, "kim@example.com", SDI)
    watchlist.add(seeded_copy, "kim@example.com", GONE)
    watchlist.add(seeded_copy, "lee@example.com", SDI)
    mail_subscriber.remove(seeded_copy, "lee@example.com", "watchlist")
    [found] = watched(seeded_copy, LAST)
    assert (found.user_email, found.ticker, found.score, found.grade) == (
        "kim@example.com",
        SDI,
        71.2,
        "A",
    )
    assert found.change is None
    assert found.is_first
    assert not found.is_news
    # Switched off by hand, the letter stays off when another share is added.
    watchlist.add(seeded_copy, "lee@example.com", "005930")
    assert {one.user_email for one in watched(seeded_copy, LAST)} == {"kim@example.com"}


def test_the_newest_scored_session_is_one_up_to_the_day(seeded_copy: Database) -> None:
    assert scored_session(seeded_copy, date(2026, 3, 15)) == LAST
    assert scored_session(seeded_copy, BEFORE) == BEFORE
    assert scored_session(seeded_copy, date(1990, 1, 1)) is None
