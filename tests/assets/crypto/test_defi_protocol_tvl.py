"""The largest protocols: exchanges left out, places, nulls, and the recorded list."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from stock_pipeline.assets.crypto.defi_protocol_tvl import (
    RULES,
    TABLE,
    defi_protocol_tvl,
    parse,
    seen,
)
from stock_pipeline.quality import rules as quality
from stock_pipeline.sources.defillama import Protocol
from stock_pipeline.sources.transport import Payload

DAY = date(2026, 3, 12)


def protocol(
    slug: str | None,
    tvl: float | None,
    category: str | None = "Lending",
    change: float | None = 1.0,
) -> Protocol:
    """Return a protocol of the list."""
    return Protocol(slug, slug and slug.title(), category, tvl, change)


def places(*protocols: Protocol) -> list[tuple[int, str]]:
    """Return place and name of what is stored."""
    return parse(protocols, DAY).select("rank", "protocol").rows()


def judge(protocols: Sequence[Protocol]) -> quality.Verdict:
    """Return what the rules make of a list."""
    return quality.apply(parse(protocols, DAY), RULES, keys=TABLE.keys)


def test_the_recorded_protocol_is_stored_field_by_field(recorded: Path) -> None:
    body = (recorded / "crypto" / "defillama_protocols_sample.json").read_bytes()
    (row,) = json.loads(body)
    found = parse([Protocol("aave", row["name"], row["category"], row["tvl"], 2.1)], DAY)
    assert found.select(TABLE.frame_schema.keys()).to_dicts() == [
        {
            "date": DAY,
            "protocol": "aave",
            "name": "Aave",
            "category": "Lending",
            "tvl_usd": 5_200_000_000.0,
            "change_1d_pct": row["change_1d"],
            "rank": 1,
        }
    ]


def test_only_the_twenty_largest_are_kept_and_numbered() -> None:
    many = [protocol(f"p{size:02}", float(size)) for size in range(1, 31)]
    found = places(*many)
    assert found[0] == (1, "p30")
    assert found[-1] == (20, "p11")
    assert len(found) == 20


def test_llama_trap_an_exchange_holds_much_and_is_no_protocol() -> None:
    rows = [protocol("binance-cex", 9e10, "CEX"), protocol("lido", 3e10, "Liquid Staking")]
    # Without a category nobody says that it is an exchange.
    assert places(*rows, protocol("new", 1.0, None)) == [(1, "lido"), (2, "new")]


def test_llama_trap_what_cannot_be_counted_has_no_place() -> None:
    assert places(protocol("dead", None), protocol("lido", 1.0)) == [(1, "lido")]


def test_equal_ones_stand_in_the_order_of_their_names() -> None:
    assert places(protocol("b", 1.0), protocol("a", 1.0)) == [(1, "a"), (2, "b")]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (protocol("p", 0.0), "tvl_usd_positive"),
        (protocol("p", -1.0), "tvl_usd_positive"),
        (protocol("p", 1.0, change=-100.1), "change_1d_pct_at_least_-100"),
        (protocol(None, 1.0), "protocol is missing"),
    ],
)
def test_an_impossible_row_is_kept_out(changed: Protocol, reason: str) -> None:
    ((said, _),) = judge([changed]).rejected
    assert said == reason


@pytest.mark.parametrize("change", [None, -100.0, 5e6])
def test_a_possible_change_is_kept(change: float | None) -> None:
    assert judge([protocol("p", 1.0, change=change)]).rejected == ()


@pytest.mark.parametrize(("number", "warned"), [(19, True), (20, False)])
def test_a_short_list_is_counted(number: int, warned: bool) -> None:
    verdict = judge([protocol(f"p{n}", 1.0 + n) for n in range(number)])
    assert ("all_places_filled" in verdict.warnings) is warned


def test_a_past_day_is_never_filled_with_todays_list() -> None:
    # The machinery answers such a partition `no_history` without a request.
    assert defi_protocol_tvl.work.snapshot
    assert defi_protocol_tvl.work.write == "partition"


@pytest.mark.parametrize(
    ("answered_at", "outcome", "rows"),
    [
        (datetime(2026, 3, 12, 23, 59, 59, tzinfo=UTC), "rows", 1),
        (datetime(2026, 3, 13, tzinfo=UTC), "no_data", 0),  # midnight came in between
    ],
)
def test_an_answer_of_the_next_day_is_not_stored_under_this_one(
    answered_at: datetime, outcome: str, rows: int
) -> None:
    collected = seen(Payload([protocol("p", 1.0)], answered_at), DAY)
    assert (collected.outcome, collected.frame.height) == (outcome, rows)
