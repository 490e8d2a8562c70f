"""The watched shares of each person: their score on a session beside the one last told of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from stock_pipeline.storage.database import Database

# A score that moved by so many points is news; so is another grade.
NOTABLE_POINTS = 5.0

_WATCHED = """
SELECT w.user_email, w.ticker, coalesce(c.name, s.name, w.ticker) AS name, c.market, p.close,
    p.change_pct, c.score, c.grade, w.last_notified_score AS told_score,
    w.last_notified_grade AS told_grade
FROM watchlist w
JOIN mail_subscriber m ON m.email = w.user_email AND m.kind = 'watchlist' AND m.is_active
JOIN compass_score c ON c.as_of = :session AND c.ticker = w.ticker
LEFT JOIN stock_price_daily p ON p.trade_date = c.as_of AND p.ticker = c.ticker
LEFT JOIN stocks s ON s.ticker = w.ticker
WHERE NOT c.provisional AND c.score IS NOT NULL
ORDER BY w.user_email, w.ticker
"""


@dataclass(frozen=True)
class Watched:
    """One share on one person's list that has a score; provisional ones are left out.

    told_score  the score last told of; None: none yet
    Units       close in KRW; change_pct in percent; scores in points
    """

    user_email: str
    ticker: str
    name: str
    market: str | None
    close: float | None
    change_pct: float | None
    score: float
    grade: str
    told_score: float | None
    told_grade: str | None

    @property
    def change(self) -> float | None:
        """Return the points since what was told last; None for the first score."""
        # Both have one decimal, their difference in binary has not.
        return None if self.told_score is None else round(self.score - self.told_score, 1)

    @property
    def is_first(self) -> bool:
        """Tell whether no score was known before: it is where the next ones are measured from."""
        return self.told_score is None

    @property
    def is_news(self) -> bool:
        """Tell whether it is worth a letter: five points, or another grade."""
        if self.change is None:
            return False
        return abs(self.change) >= NOTABLE_POINTS or self.grade != self.told_grade


def watched(db: Database, session: date) -> list[Watched]:
    """Return what the subscribers of the letter watch, as it stood after a session."""
    rows = db.read(_WATCHED, {"session": session})
    return [Watched(**row) for row in rows.to_dicts()]


def scored_session(db: Database, until: date) -> date | None:
    """Return the newest session that has scores; None: there are none."""
    found = db.read(
        "SELECT max(as_of) AS day FROM compass_score WHERE as_of <= :until", {"until": until}
    )
    day: date | None = found["day"][0]
    return day
