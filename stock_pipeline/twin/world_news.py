"""The articles of the world: who printed which headline when, under which id.

A story is printed by several papers, by some of them twice: the same headline then stands under
another id. What a day brings depends on the seed and the day alone.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from stock_pipeline.twin import world_news_crisis, world_news_korean
from stock_pipeline.twin.world_calendar import EPOCH, KST
from stock_pipeline.twin.world_mood import Mood
from stock_pipeline.twin.world_story import PUBLISHERS, Publisher, Story

if TYPE_CHECKING:
    from stock_pipeline.twin.world import World

_STREAM = 91
_LANGUAGES = ("ko", "en")
# A search over a week in two languages finds its days ready.
_DAYS_KEPT = 32
# Papers that print a story: how many, and how likely.
_SPREAD = (0.62, 0.24, 0.10, 0.04)
_TWICE_SHARE = 0.08
# Minutes until a paper prints a story, or prints it again.
_DELAY = 180
# The ids of the feed are base64 of a small message: a kind, a length, and a token.
_ID_HEAD, _TOKEN_HEAD, _TOKEN_SIZES = b"\x08\x13\x22", "AU_yqL", (166, 259)


@dataclass(frozen=True, slots=True)
class Article:
    """One article under one id. Articles of one `story` report the same.

    text  headline and everything else it says, to be searched
    """

    article_id: str
    language: str
    published_at: datetime
    headline: str
    publisher: Publisher
    story: str
    text: str


class News:
    """The articles of every day from the epoch on."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._mood = Mood(world.seed)
        self._of_day = lru_cache(maxsize=_DAYS_KEPT)(self._written_on)

    def between(self, language: str, since: datetime, until: datetime) -> list[Article]:
        """Return the articles of a language (ko, en) published after one moment and by another."""
        # What happens late in the evening is printed the day after.
        day = max(since.astimezone(KST).date() - timedelta(days=1), EPOCH)
        found: list[Article] = []
        while day <= until.astimezone(KST).date():
            found += self._of_day(language, day)
            day += timedelta(days=1)
        return [one for one in found if since < one.published_at <= until]

    def _written_on(self, language: str, day: date) -> list[Article]:
        number = _LANGUAGES.index(language)
        rng = np.random.default_rng([self._world.seed, _STREAM, number, day.toordinal()])
        if language == "ko":
            told = world_news_korean.stories(self._world, rng, day)
        else:
            told = world_news_crisis.stories(rng, day, self._mood.at(day))
        stories = list(told)
        # Drawn apart, so that what is told of a day never moves how it is printed.
        rng = np.random.default_rng([self._world.seed, _STREAM, 2 + number, day.toordinal()])
        return [
            article
            for place, story in enumerate(stories)
            for article in self._articles(rng, language, f"{day}-{place}", story)
        ]

    def _articles(
        self, rng: np.random.Generator, language: str, key: str, story: Story
    ) -> Iterator[Article]:
        papers = PUBLISHERS[language]
        count = 1 + int(rng.choice(len(_SPREAD), p=_SPREAD))
        chosen = rng.permutation(len(papers))[:count].tolist()
        if rng.random() < _TWICE_SHARE:
            chosen.append(chosen[0])
        moment = story.at.astimezone(UTC)
        for number, place in enumerate(chosen):
            seconds = int(rng.integers(60)) + (60 * int(rng.integers(_DELAY)) if number else 0)
            yield Article(
                _article_id(f"{self._world.seed}/{language}/{key}/{number}"),
                language,
                moment + timedelta(seconds=seconds),
                story.headline,
                papers[place],
                f"{language}/{key}",
                f"{story.headline} {story.words}",
            )


def _article_id(name: str) -> str:
    """Make the id of an article as the feed writes it."""
    shortest, longest = _TOKEN_SIZES
    drawn = hashlib.shake_256(name.encode()).digest(longest)
    size = shortest + drawn[0] % (longest - shortest)
    token = (_TOKEN_HEAD + base64.urlsafe_b64encode(drawn).decode())[:size].encode()
    length = bytes([size]) if size < 128 else bytes([size % 128 + 128, size // 128])
    message = _ID_HEAD + length + token
    return base64.urlsafe_b64encode(message).decode().rstrip("=")
