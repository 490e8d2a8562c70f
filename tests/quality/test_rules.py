"""What a rule lets through, and what becomes of the rest."""

from __future__ import annotations

import json
import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stock_pipeline.quality.rules import (
    DUPLICATE,
    AtLeast,
    Between,
    Finite,
    Matches,
    NotNull,
    OneOf,
    Ordered,
    Positive,
    Present,
    Rule,
    apply,
)

NAN, INF = math.nan, math.inf


def frame_of(**columns: object) -> pl.DataFrame:
    """Return a frame of whatever columns a rule names."""
    return pl.DataFrame(columns, strict=False)


CASES = [
    (NotNull("x"), {"x": [1, None]}, [True, False]),
    (Positive("x"), {"x": [1, 0, -1, None]}, [True, False, False, True]),
    (Positive("x"), {"x": [0.1, NAN, INF, -INF]}, [True, False, False, False]),
    (AtLeast("x", 0), {"x": [0, 1, -1, None]}, [True, True, False, True]),
    (AtLeast("x", 0), {"x": [0.0, NAN, INF]}, [True, False, False]),
    (
        Between("x", 0, 100),
        {"x": [0.0, 100.0, -0.1, 100.1, NAN, None]},
        [True] * 2 + [False] * 3 + [True],
    ),
    (Finite("x"), {"x": [1.0, NAN, INF, -INF, None]}, [True, False, False, False, True]),
    (OneOf("x", {"a", "b"}), {"x": ["a", "c", "", None]}, [True, False, False, True]),
    (Matches("x", "[0-9A-Z]{6}"), {"x": ["00680K", "005930"]}, [True, True]),
    (
        Matches("x", "[0-9A-Z]{6}"),
        {"x": ["5930", "0059300", "005930\n", " 005930", "00593a", "００５９３０"]},
        [False] * 6,
    ),
    (Matches("x", "a|bb"), {"x": ["a", "bb", "ab", "b"]}, [True, True, False, False]),
    (
        Ordered("low", "close", "high"),
        {"low": [1, 1, 3, None], "close": [2, 1, 2, 5], "high": [3, 1, 4, 4]},
        [True, True, False, False],
    ),
]


@pytest.mark.parametrize(("rule", "columns", "good"), CASES)
def test_a_rule_keeps_good_rows_and_rejects_the_others(
    rule: Rule, columns: dict[str, list[object]], good: list[bool]
) -> None:
    frame = frame_of(**columns).with_row_index("row")
    verdict = apply(frame, [rule])
    assert verdict.kept["row"].to_list() == [i for i, is_good in enumerate(good) if is_good]
    assert {reason for reason, _ in verdict.rejected} <= {rule.name}


def test_a_warning_counts_and_keeps() -> None:
    verdict = apply(frame_of(x=[1, -1, -2]), [Positive("x", effect="warn")])
    assert verdict.kept.height == 3
    assert verdict.warnings == {"x_positive": 2}
    assert verdict.blocked == {}


def test_a_block_is_reported_and_nothing_is_hidden() -> None:
    verdict = apply(frame_of(x=[1, -1]), [Positive("x", effect="block")])
    assert verdict.blocked == {"x_positive": 1}
    assert verdict.kept.height == 2


def test_rejected_rows_neither_warn_nor_block() -> None:
    rules = [NotNull("x"), Positive("y", effect="warn"), Positive("y", effect="block")]
    verdict = apply(frame_of(x=[None, 1], y=[-1, 1]), rules)
    assert (verdict.warnings, verdict.blocked) == ({}, {})


def test_a_rejected_row_says_every_rule_it_breaks_and_what_it_held() -> None:
    verdict = apply(frame_of(x=[NAN], name=["a\0b"]), [Positive("x"), Finite("x")])
    ((reason, row),) = verdict.rejected
    assert reason == "x_positive; x_finite"
    assert json.loads(row) == {"x": None, "name": "ab"}


@pytest.mark.parametrize(
    ("tickers", "warnings"),
    [(["005930", "000660"], {}), (["000660"], {"005930_present": 1}), ([], {})],
)
def test_an_expected_row_is_looked_for_in_the_whole_set(
    tickers: list[str], warnings: dict[str, int]
) -> None:
    frame = pl.DataFrame({"ticker": tickers}, schema={"ticker": pl.String})
    assert apply(frame, [Present("ticker", "005930")]).warnings == warnings


def test_f14_equal_rows_count_once_and_conflicting_ones_are_all_rejected() -> None:
    frame = frame_of(k=["a", "a", "b", "b", "c"], x=[1, 1, 2, 3, 4])
    verdict = apply(frame, [], keys=["k"])
    assert verdict.kept.rows() == [("a", 1), ("c", 4)]
    assert verdict.duplicates == 1
    assert [reason for reason, _ in verdict.rejected] == [DUPLICATE] * 2


def test_a_row_without_its_key_is_rejected() -> None:
    verdict = apply(frame_of(k=[None, "b"], x=[1, 2]), [], keys=["k"])
    assert [reason for reason, _ in verdict.rejected] == ["k is missing"]


def test_a_table_may_have_a_column_named_reason() -> None:
    verdict = apply(frame_of(reason=["a"], x=[0]), [Positive("x")])
    assert json.loads(verdict.rejected[0][1]) == {"reason": "a", "x": 0}


rows = st.lists(
    st.fixed_dictionaries(
        {
            "k": st.sampled_from(["a", "b", "c", None]),
            "x": st.sampled_from([1.0, 0.0, -1.0, NAN, INF, None]),
        }
    ),
    max_size=12,
)


@settings(deadline=None)
@given(rows=rows)
def test_i10_every_row_is_kept_rejected_or_a_counted_duplicate(
    rows: list[dict[str, object]],
) -> None:
    frame = pl.DataFrame(rows, schema={"k": pl.String, "x": pl.Float64})
    verdict = apply(frame, [Positive("x")], keys=["k"])
    assert frame.height == verdict.kept.height + len(verdict.rejected) + verdict.duplicates
    assert verdict.kept["k"].is_unique().all()


@settings(deadline=None)
@given(rows=rows, order=st.randoms())
def test_f15_the_order_of_rows_changes_nothing(
    rows: list[dict[str, object]], order: object
) -> None:
    schema = {"k": pl.String, "x": pl.Float64}
    shuffled = list(rows)
    order.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    one, other = (
        apply(pl.DataFrame(r, schema=schema), [Positive("x")], keys=["k"]) for r in (rows, shuffled)
    )
    assert one.kept.sort("k").equals(other.kept.sort("k"))
    assert sorted(one.rejected) == sorted(other.rejected)
