"""Tone of the Federal Reserve's press releases: which of them count on which day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from stock_pipeline.assets.liquidity.fed_tone import NEWEST, RULES, TABLE, fed_tone, parse
from stock_pipeline.quality import rules as quality
from stock_pipeline.sources.feed import Item

DAY = date(2026, 3, 13)
CUTOFF = datetime(2026, 3, 12, 21, 0, tzinfo=UTC)


def item(title: str | None, summary: str | None = None, at: datetime | None = CUTOFF) -> Item:
    """Return a press release."""
    return Item(None, title, None, at, summary)


def row(items: list[Item]) -> tuple[float, float, float, int] | None:
    """Return the scores and the number of items of the day; None without a row."""
    frame = parse(items, DAY)
    assert frame.schema == TABLE.frame_schema
    return frame.drop("date").row(0) if frame.height else None  # type: ignore[return-value]


def test_title_and_summary_are_read_together() -> None:
    found = parse([item("Board extends repo facility", "Loan losses are a systemic risk")], DAY)
    # Ten words: repo; loan; systemic risk.
    assert found.rows() == [(DAY, 0.1, 0.1, 0.1, 1)]
    assert quality.apply(found, RULES, keys=TABLE.keys).kept.height == 1


def test_a_phrase_does_not_run_from_an_item_into_the_next() -> None:
    assert row([item("About money"), item("market rules")]) == (0.0, 0.0, 0.0, 2)


def test_what_an_item_does_not_have_is_no_word() -> None:
    assert row([item(None, "loan"), item("loan", None)]) == (0.0, 1.0, 0.0, 2)
    assert row([item(None, None)]) == (0.0, 0.0, 0.0, 1)


@pytest.mark.parametrize(
    ("at", "counts"),
    [
        (CUTOFF, True),
        (CUTOFF + timedelta(seconds=1), False),  # published after the cut-off
        (CUTOFF - timedelta(days=200), True),  # the newest ones, however old
        (None, False),  # nobody knows when
    ],
)
def test_only_what_was_published_by_the_cutoff_counts(at: datetime | None, counts: bool) -> None:
    assert (row([item("loan", at=at)]) is not None) is counts


@pytest.mark.parametrize(("older", "count"), [(18, 19), (19, 20), (20, 20)])
def test_the_newest_20_count(older: int, count: int) -> None:
    found = row(
        [item("x", at=CUTOFF - timedelta(days=n)) for n in range(older, 0, -1)] + [item("loan")]
    )
    assert found == (0.0, round(1 / count, 4), 0.0, count)
    assert NEWEST == 20


def test_the_feed_need_not_be_in_order() -> None:
    old = item("repo", at=CUTOFF - timedelta(days=40))
    news = [item("loan", at=CUTOFF - timedelta(days=n)) for n in range(20)]
    assert row([old, *news]) == row([*news, old]) == (0.0, 1.0, 0.0, 20)


def test_nothing_known_is_no_row() -> None:
    assert row([]) is None


@pytest.mark.parametrize(("share", "kept"), [(0.0, 1), (1.0, 1), (1.0001, 0)])
def test_f60_more_hits_than_words_are_no_prose(share: float, kept: int) -> None:
    frame = pl.DataFrame([(DAY, share, 0.0, 0.0, 1)], schema=TABLE.frame_schema, orient="row")
    assert quality.apply(frame, RULES, keys=TABLE.keys).kept.height == kept


def test_it_is_collected_at_dawn_for_the_present_only() -> None:
    work = fed_tone.work
    assert fed_tone.cadence == "liquidity_dawn"
    assert (work.partitions, work.write, work.snapshot, work.optional) == (
        "day",
        "merge",
        True,
        True,
    )
    assert work.not_before is not None
    assert work.not_before.hour == 6
