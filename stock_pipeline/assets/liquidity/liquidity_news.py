"""How many articles of a day speak of a crisis, by keyword.

Source   Google News, US edition in English, one phrase search per keyword over two days
Grain    one row per day and keyword
Units    count in articles published in the 24 hours up to 06:00 KST of the day
Cadence  liquidity_dawn (06:00 KST, in New York's winter again at 06:20)
Caveats  An article counts once, for the first keyword that found it; articles are the same when
         their headlines are. A count of 0 is a count; a keyword without a row did not come. A feed
         has at most 100 items: a full one is told by the check, its count may be too low. The
         counts of a day are of one collection: one that lacks a keyword takes the place of another
         only if it has more of them.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, time, timedelta

import polars as pl

from stock_pipeline.assets.parts import ask_each, told
from stock_pipeline.quality.rules import AtLeast, NotNull, OneOf
from stock_pipeline.sources.feed import Item
from stock_pipeline.sources.google_news import GoogleNews
from stock_pipeline.sources.plain_text import shortened
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Date, Integer, Json, Text, column, key, table
from stock_pipeline.stress.cutoff import cutoff
from stock_pipeline.stress.news import KEYWORDS
from stock_pipeline.table_asset import Collected, table_asset

WINDOW = timedelta(hours=24)
SAMPLES = 5
LONGEST_TITLE = 300
MOST_ITEMS_OF_A_SEARCH = 100
# The warning of searches with as many items as a feed can hold.
FULL_FEED = "full_feed"

TABLE = table(
    "liquidity_news",
    key("date", Date, "day whose 06:00 in Seoul ends the 24 hours"),
    key("keyword", Text, "phrase that was searched for"),
    column("count", Integer, "different articles that no earlier keyword found", "articles"),
    column("sample_titles", Json, "up to 5 of their headlines, newest first"),
    partition="date",
)
RULES = [
    OneOf("keyword", KEYWORDS, why="the index adds up these"),
    NotNull("count", why="a keyword that did not come has no row"),
    AtLeast("count", 0),
]


def parse(found: Mapping[str, Sequence[Item]], day: date) -> pl.DataFrame:
    """Return the counts of the keywords that came.

    found  items by keyword; the others get no row
    """
    counted: set[str] = set()
    rows = []
    for keyword in KEYWORDS:
        if keyword not in found:
            continue
        articles: dict[str, str] = {}
        for item in _of_the_day(found[keyword], day):
            articles.setdefault(normalised(item.title or ""), item.title or "")
        new = [title for same, title in articles.items() if same not in counted]
        counted |= articles.keys()
        samples = [shortened(title, LONGEST_TITLE) for title in new[:SAMPLES]]
        rows.append((day, keyword, len(new), json.dumps(samples, ensure_ascii=False)))
    return pl.DataFrame(rows, schema=TABLE.frame_schema, orient="row")


def _of_the_day(items: Sequence[Item], day: date) -> list[Item]:
    """Return the items with a headline of the 24 hours up to the cut-off, newest first."""
    until = cutoff(day)
    dated = [(item.published_at, item) for item in items if item.published_at and item.title]
    within = [(at, item) for at, item in dated if until - WINDOW < at <= until]
    return [item for _, item in sorted(within, key=lambda one: one[0], reverse=True)]


def normalised(title: str) -> str:
    """Return what two spellings of one headline share: neither case, blanks nor punctuation."""
    folded = unicodedata.normalize("NFKC", title).casefold()
    return re.sub(r"[\W_]+", " ", folded).strip() or folded


@table_asset(
    TABLE,
    RULES,
    cadence="liquidity_dawn",
    partitions="day",
    write="partition",
    snapshot=True,
    not_before=time(6),
    optional=True,
    pool="google_news",
)
def liquidity_news(google_news: GoogleNews, db: Database, day: date) -> Collected:
    """Search for each keyword; the two days asked for hold the 24 hours up to the cut-off."""
    answers, failed = ask_each(
        KEYWORDS, lambda keyword: google_news.search(f'"{keyword}" when:2d', language="en")
    )
    found = {keyword: payload.data for keyword, payload in answers.items()}
    stored = db.read("SELECT keyword FROM liquidity_news WHERE date = :day", {"day": day})
    # Counts of two collections do not add up: an article of a keyword that fails goes to the next.
    stays = bool(failed) and stored.height >= len(found)
    full = sum(len(items) >= MOST_ITEMS_OF_A_SEARCH for items in found.values())
    return Collected(
        parse({} if stays else found, day),
        reason=told(failed),
        failed=tuple(failed),
        warnings={FULL_FEED: full} if full else {},
        spares=("keyword", KEYWORDS) if stays else None,
    )
