"""What the Federal Reserve Board publishes: press releases and speeches.

In bad times more of it is about liquidity, credit and stability. What is decided about the target
range is told at 14:00 in Washington on the day of the meeting, its minutes three weeks later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from string import ascii_lowercase
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.random import Generator

from stock_pipeline.twin.world_calendar import EPOCH
from stock_pipeline.twin.world_mood import Mood
from stock_pipeline.twin.world_policy import has_met, target_range

WASHINGTON = ZoneInfo("America/New_York")
MONETARY = "Monetary Policy"

_STREAM = 92
# Twenty of the rarest kind reach back some nine months.
_DAYS_KEPT = 400
_MINUTES_AFTER = timedelta(days=21)
_HOURS = (time(9), time(10), time(11), time(14), time(15), time(16, 30))
# Releases on a working day: none, one, two; and how many more in the worst mood.
_RELEASES, _WORST = (0.35, 0.45, 0.20), 1.6
_SPEECH_SHARE = 0.42
_BANKS = (
    *("Larkfield Bancshares, Inc.", "Alder Creek Financial & Trust", "Grayhaven Bank"),
    *("Pale Harbor Holding Company", "Copperline National Corporation", "Redgate State Bank"),
)
# Category, letters of the address, title, summary; the summary is HTML.
_USUAL = (
    (
        "Enforcement Actions",
        "enforcement",
        "Federal Reserve Board issues enforcement action with {bank}",
        "Federal Reserve Board issues enforcement action with {bank}",
    ),
    (
        "Enforcement Actions",
        "enforcement",
        "Federal Reserve Board announces termination of enforcement action with {bank}",
        "Federal Reserve Board announces termination of enforcement action with {bank}",
    ),
    (
        "Orders on Banking Applications",
        "orders",
        "Federal Reserve Board announces approval of application by {bank}",
        "Federal Reserve Board announces approval of application by {bank}",
    ),
    (
        "Banking and Consumer Regulatory Policy",
        "bcreg",
        "Agencies issue guidance on small-dollar lending",
        "Federal bank regulatory agencies issue guidance on <em>small-dollar</em> loans",
    ),
    (
        "Other Announcements",
        "other",
        "Federal Reserve Board report on the nation's payments is released",
        "The Board&rsquo;s report on the nation&rsquo;s payments is released",
    ),
)
_UNEASY = (
    (
        MONETARY,
        "monetary",
        "Federal Reserve announces measures to support money market liquidity",
        "New facility provides liquidity and funding to money markets; reserves remain ample",
    ),
    (
        MONETARY,
        "monetary",
        "Federal Reserve expands overnight repo and reverse repo operations",
        "Operations in the repo market are meant to keep funding conditions smooth",
    ),
    (
        "Banking and Consumer Regulatory Policy",
        "bcreg",
        "Federal Reserve Board releases results of stress test",
        "Large banks can absorb loan losses and go on lending; credit&nbsp;scenarios vary",
    ),
    (
        "Other Announcements",
        "other",
        "Agencies issue joint statement on financial stability and systemic risk",
        "Agencies &ldquo;monitor contagion, charge-offs and delinquency&rdquo; closely",
    ),
)
_SPEAKERS = ("Waller", "Cook", "Jefferson", "Barr", "Bowman", "Miran")
_TOPICS = (
    "The Economic Outlook",
    "Navigating Economic Shocks: A Monetary Policymaker's Perspective",
    "Supervision, Regulation, and the Payments System",
    "Financial Stability & the Balance Sheet",
    "Outlook for the U.S. and Alaskan Economies",
)
_PLACES = (
    "Speech",
    "Speech At the Economic Club of Larkfield, Larkfield, Ohio",
    "Speech At the Alder Creek Conference: &ldquo;Credit &amp; Growth&rdquo;, Washington, D.C.",
)


@dataclass(frozen=True, slots=True)
class Release:
    """One press release or speech.

    title    plain text
    summary  HTML
    """

    published_at: datetime
    title: str
    link: str
    summary: str
    category: str


class _Draft(NamedTuple):
    """A press release before it has a place among those of its day."""

    hour: time
    category: str
    letters: str
    title: str
    summary: str


class Releases:
    """Everything the Board published, newest first."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._mood = Mood(seed)
        self._press = lru_cache(maxsize=_DAYS_KEPT)(self._press_of)
        self._speeches = lru_cache(maxsize=_DAYS_KEPT)(self._speeches_of)

    def press(self, count: int, moment: datetime) -> list[Release]:
        """Return the newest press releases by a moment."""
        return _newest(self._press, count, moment)

    def monetary(self, count: int, moment: datetime) -> list[Release]:
        """Return the newest press releases about monetary policy by a moment."""

        def of_day(day: date) -> list[Release]:
            return [one for one in self._press(day) if one.category == MONETARY]

        return _newest(of_day, count, moment)

    def speeches(self, count: int, moment: datetime) -> list[Release]:
        """Return the newest speeches by a moment."""
        return _newest(self._speeches, count, moment)

    def _press_of(self, day: date) -> list[Release]:
        """Return the press releases of a day in Washington, the newest first."""
        rng = np.random.default_rng([self._seed, _STREAM, 0, day.toordinal()])
        told = [*_decided(day)]
        if day.weekday() < 5:
            told += self._drawn(rng, day)
        ordered = sorted(told, key=lambda one: one.hour)
        numbered: Counter[str] = Counter()
        found = []
        for one in ordered:
            found.append(_release(day, numbered[one.letters], one))
            numbered[one.letters] += 1
        return found[::-1]

    def _drawn(self, rng: Generator, day: date) -> Iterator[_Draft]:
        usual = int(rng.choice(len(_RELEASES), p=_RELEASES))
        uneasy = int(rng.poisson(_WORST * self._mood.at(day) ** 2))
        for kinds, count in ((_USUAL, usual), (_UNEASY, uneasy)):
            for _ in range(count):
                category, letters, title, summary = kinds[int(rng.integers(len(kinds)))]
                bank = _BANKS[int(rng.integers(len(_BANKS)))]
                hour = _HOURS[int(rng.integers(len(_HOURS)))]
                told = summary.format(bank=bank.replace("&", "&amp;"))
                yield _Draft(hour, category, letters, title.format(bank=bank), told)

    def _speeches_of(self, day: date) -> list[Release]:
        """Return the speeches of a day: none or one."""
        rng = np.random.default_rng([self._seed, _STREAM, 1, day.toordinal()])
        if day.weekday() > 4 or rng.random() >= _SPEECH_SHARE:
            return []
        speaker, topic, place = (
            each[int(rng.integers(len(each)))] for each in (_SPEAKERS, _TOPICS, _PLACES)
        )
        hour = time(int(rng.integers(8, 20)), 5 * int(rng.integers(12)))
        link = (
            f"https://www.federalreserve.gov/newsevents/speech/{speaker.lower()}{day:%Y%m%d}a.htm"
        )
        return [Release(_instant(day, hour), f"{speaker}, {topic}", link, place, "Speech")]


def _decided(day: date) -> Iterator[_Draft]:
    """Tell what a meeting decided, on its day, and its minutes when they are due."""
    if has_met(day):
        (_, before), (lower, upper) = target_range(day), target_range(day + timedelta(days=1))
        verb = "maintain" if upper == before else "raise" if upper > before else "lower"
        told = (
            f"The Committee decided to {verb} the target range for the federal funds rate to "
            f"{lower:.2f} to {upper:.2f} percent and will continue reducing its balance sheet"
        )
        yield _Draft(time(14), MONETARY, "monetary", "Federal Reserve issues FOMC statement", told)
    meeting = day - _MINUTES_AFTER
    if has_met(meeting):
        held = f"{meeting - timedelta(days=1):%B %-d}&ndash;{meeting.day}, {meeting.year}"
        title = f"Minutes of the Federal Open Market Committee, {meeting:%B %-d, %Y}"
        told = f"Minutes of the Federal Open Market Committee, {held}"
        yield _Draft(time(14), MONETARY, "monetary", title, told)


def _release(day: date, number: int, draft: _Draft) -> Release:
    page = f"{draft.letters}{day:%Y%m%d}{ascii_lowercase[number]}.htm"
    link = f"https://www.federalreserve.gov/newsevents/pressreleases/{page}"
    return Release(_instant(day, draft.hour), draft.title, link, draft.summary, draft.category)


def _instant(day: date, hour: time) -> datetime:
    return datetime.combine(day, hour, WASHINGTON).astimezone(UTC)


def _newest(of_day: Callable[[date], list[Release]], count: int, moment: datetime) -> list[Release]:
    """Return the newest releases by a moment, going back day by day until there are enough."""
    day, found = moment.astimezone(WASHINGTON).date(), list[Release]()
    while len(found) < count and day >= EPOCH:
        found += [one for one in of_day(day) if one.published_at <= moment]
        day -= timedelta(days=1)
    return found[:count]
