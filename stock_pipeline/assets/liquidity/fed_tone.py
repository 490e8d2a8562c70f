"""How much the newest press releases of the Federal Reserve speak of stress.

Source   Federal Reserve Board, feed press_all
Grain    one row per day
Units    scores are hits per word of the texts, 4 decimals
Cadence  liquidity_dawn (06:00 KST, in New York's winter again at 06:20)
Caveats  The newest 20 releases up to 06:00 KST of the day, however old; title and summary only.
         Phrases are counted as whole words, whatever is said of them. A day without a row has no
         release or did not come.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time

import polars as pl

from stock_pipeline.quality.rules import AtLeast, Between
from stock_pipeline.sources.fed import Fed
from stock_pipeline.sources.feed import Item
from stock_pipeline.storage.schema import Date, Integer, column, key, numeric, table
from stock_pipeline.stress.cutoff import cutoff
from stock_pipeline.stress.tone import tone
from stock_pipeline.table_asset import Collected, table_asset

NEWEST = 20
SHARE = numeric(6, 4)
SCORES = ("liquidity_score", "credit_score", "stability_score")

TABLE = table(
    "fed_tone",
    key("date", Date, "day whose 06:00 in Seoul is the cut-off"),
    column("liquidity_score", SHARE, "hits of the phrases of liquidity", "share of words"),
    column("credit_score", SHARE, "hits of the phrases of credit", "share of words"),
    column("stability_score", SHARE, "hits of the phrases of stability", "share of words"),
    column("item_count", Integer, "releases that were read", "items"),
)
RULES = [
    *(Between(name, 0, 1, why="more hits than words is no prose") for name in SCORES),
    AtLeast("item_count", 1),
]


def parse(items: Sequence[Item], day: date) -> pl.DataFrame:
    """Return the tone of the newest releases known at the cut-off; empty without any."""
    dated = [(item.published_at, item) for item in items if item.published_at]
    known = [(at, item) for at, item in dated if at <= cutoff(day)]
    newest = sorted(known, key=lambda one: one[0], reverse=True)[:NEWEST]
    found = tone([f"{item.title or ''} {item.summary or ''}" for _, item in newest])
    if found is None:
        return pl.DataFrame(schema=TABLE.frame_schema)
    row = (day, found.liquidity, found.credit, found.stability, found.item_count)
    return pl.DataFrame([row], schema=TABLE.frame_schema, orient="row")


@table_asset(
    TABLE,
    RULES,
    cadence="liquidity_dawn",
    partitions="day",
    write="merge",
    snapshot=True,
    not_before=time(6),
    optional=True,
    pool="fed",
)
def fed_tone(fed: Fed, day: date) -> Collected:
    """Count the phrases in the newest press releases."""
    items = fed.feed("press_all").data
    frame = parse(items, day)
    if frame.is_empty():
        reason = f"no press release is dated before 06:00 of {day}"
        return Collected(frame, outcome="no_data", reason=reason)
    return Collected(frame)
