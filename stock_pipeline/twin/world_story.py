"""What a newsroom has to report, and who reports it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from numpy.random import Generator

from stock_pipeline.twin.world_calendar import KST

_MINUTES = 24 * 60


class Publisher(NamedTuple):
    """A newspaper or an agency, and its address."""

    name: str
    url: str


# Some names hold what a reader might take for the end of a headline.
PUBLISHERS = {
    "ko": (
        Publisher("한빛경제", "https://www.hanbit-economy.example"),
        Publisher("누리일보", "https://www.nuri-daily.example"),
        Publisher("가온뉴스", "https://news.gaon.example"),
        Publisher("새벽신문", "https://www.saebyeok.example"),
        Publisher("다솜비즈", "https://biz.dasom.example"),
        Publisher("마루통신", "https://www.maru-wire.example"),
        Publisher("이코노 - 마켓", "https://www.econo-market.example"),
        Publisher("미르&투데이", "https://www.mir-today.example"),
    ),
    "en": (
        Publisher("Continental Wire", "https://www.continental-wire.example"),
        Publisher("The Harbor Ledger", "https://www.harbor-ledger.example"),
        Publisher("Meridian Times", "https://www.meridian-times.example"),
        Publisher("Basis Point - Markets", "https://www.basispoint.example"),
        Publisher("| The Tally", "https://www.thetally.example"),
        Publisher("Credit & Capital", "https://www.creditandcapital.example"),
        Publisher("Northern Post", "https://www.northernpost.example"),
        Publisher("Yardstick.com and The Plainsman", "https://www.yardstick.example"),
    ),
}


@dataclass(frozen=True, slots=True)
class Story:
    """Something to report.

    at     when the first article can be out
    words  what its articles say besides the headline
    """

    at: datetime
    headline: str
    words: str


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """Return a time of a day in Seoul."""
    return datetime.combine(day, time(hour, minute), KST)


def any_time(rng: Generator, day: date) -> datetime:
    """Draw a minute of a day in Seoul."""
    return at(day, 0) + timedelta(minutes=int(rng.integers(_MINUTES)))
