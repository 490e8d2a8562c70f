"""Headlines of the market, stocks, ETFs, crypto and the Federal Reserve.

Source   Google News, Korean edition, four searches over a day; Federal Reserve Board, feeds
         press_all and speeches
Grain    one row per article of a source; the same story under another id is another article
Cadence  news_dawn (06:30 KST)
Caveats  Texts are those of strangers, as plain text. `url` of Google News leads through a page of
         Google's. The category is that of the first search that found the article and stays.
         A speech's title is `Surname, topic`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date

import polars as pl

from stock_pipeline.assets.parts import ask_each, told
from stock_pipeline.quality.rules import Matches, NotNull, OneOf, Rule
from stock_pipeline.sources.fed import Fed, Name
from stock_pipeline.sources.feed import Item
from stock_pipeline.sources.google_news import GoogleNews
from stock_pipeline.sources.plain_text import shortened
from stock_pipeline.sources.transport import Payload
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Instant, Text, column, key, table
from stock_pipeline.table_asset import Collected, table_asset

# Category → what is searched for; an article that several find belongs to the first.
SEARCHES = {
    "market": "코스피 OR 코스닥 OR 증시",
    "stock": "상장사 OR 공시 OR 특징주",
    "etf": "ETF OR 상장지수펀드",
    "crypto": "비트코인 OR 가상자산 OR 이더리움",
}
WINDOW = "when:1d"
FEEDS: tuple[Name, ...] = ("press_all", "speeches")
FED_CATEGORY, FED_PUBLISHER = "fed", "Federal Reserve Board"
LONGEST_TITLE, LONGEST_SUMMARY, LONGEST_PUBLISHER = 300, 1_000, 200
# In bytes. Google's ids have 228 to 352 characters in the recorded feed, all of ASCII; an index of
# PostgreSQL ends at 2,704 bytes, and one longer id would cost all articles of the run.
LONGEST_ID = 1_000

TABLE = table(
    "news_article",
    key("source", Text, "whose feed it was in: GOOGLE_NEWS or FED; DEMO in a demo database"),
    key("article_id", Text, "the feed's own id, else the SHA-256 of the address"),
    column("url", Text, "address, http or https; NULL where the feed has no such"),
    column("title", Text, "headline, plain text of at most 300 characters"),
    column("category", Text, "market, stock, etf, crypto or fed: what found it first"),
    column("publisher", Text, "name of the paper"),
    column("published_at", Instant, "publication as the feed says; NULL if it says none"),
    column("first_seen_at", Instant, "when it was first in an answer"),
    column("summary", Text, "what the feed says of it, at most 1,000 characters"),
    indexes=(("published_at",),),
)
RULES = [
    OneOf("category", (*SEARCHES, FED_CATEGORY), why="nothing else is asked for"),
    NotNull("title", why="an article without a headline cannot be shown"),
    Matches("url", "(?i)https?://.+", why="a page makes a link of it"),
    Rule(
        "published_before_seen",
        "no article is of a day after it was seen: it would be the newest one for long",
        "reject",
        pl.col("published_at") <= pl.col("first_seen_at").dt.offset_by("1d"),
    ),
]


def parse(answers: Mapping[str, Payload[list[Item]]]) -> pl.DataFrame:
    """Return the articles of the feeds, each once.

    answers  by category, or by name of a feed of the Federal Reserve
    """
    rows: dict[tuple[str, str | None], tuple[object, ...]] = {}
    for name, payload in answers.items():
        source = "FED" if name in FEEDS else "GOOGLE_NEWS"
        for item in payload.data:
            number = article_id(item)
            row = (source, number, *_values(name, item, payload))
            # Items without any identity stay apart: each is told as a rejected row.
            rows.setdefault((source, number or f"{len(rows)}"), row)
    return pl.DataFrame(list(rows.values()), schema=TABLE.frame_schema, orient="row")


def _values(name: str, item: Item, payload: Payload[list[Item]]) -> Iterator[object]:
    yield item.link
    yield shortened(item.title, LONGEST_TITLE)
    yield FED_CATEGORY if name in FEEDS else name
    yield FED_PUBLISHER if name in FEEDS else shortened(item.publisher, LONGEST_PUBLISHER)
    yield item.published_at
    yield payload.fetched_at
    yield shortened(item.summary, LONGEST_SUMMARY)


def article_id(item: Item) -> str | None:
    """Return what tells an article from all others of its source; None when nothing does."""
    if item.guid is not None and len(item.guid.encode()) <= LONGEST_ID:
        return item.guid
    identity = item.guid or item.link
    return hashlib.sha256(identity.encode()).hexdigest() if identity else None


def with_first_sight(frame: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Return the articles with the category and the first sight of those that are stored.

    Shapes  stored: article_id, category, first_seen_at
    """
    known = stored.unique("article_id", keep="first", maintain_order=True)
    joined = frame.join(
        known, on="article_id", how="left", suffix="_known", maintain_order="left"
    ).with_columns(
        pl.coalesce(f"{name}_known", name).alias(name) for name in ("category", "first_seen_at")
    )
    return joined.select(TABLE.frame_schema.keys())


@table_asset(
    TABLE,
    RULES,
    cadence="news_dawn",
    partitions="day",
    write="merge",
    snapshot=True,
    rejected_share=1.0,
    pool="google_news",
)
def news_article(google_news: GoogleNews, fed: Fed, db: Database, day: date) -> Collected:
    """Collect what the searches and feeds have now; what is stored already keeps its origin."""

    def ask(name: str) -> Payload[list[Item]]:
        if name in FEEDS:
            return fed.feed(name)
        return google_news.search(f"{SEARCHES[name]} {WINDOW}", language="ko")

    answers, failed = ask_each((*SEARCHES, *FEEDS), ask)
    frame = parse(answers)
    stored = db.read(
        "SELECT article_id, category, first_seen_at FROM news_article"
        " WHERE article_id = ANY(:ids) ORDER BY first_seen_at",
        {"ids": frame["article_id"].drop_nulls().to_list()},
    )
    articles = with_first_sight(frame, stored)
    return Collected(articles, reason=told(failed), failed=tuple(failed))
