"""Runs of neighbouring partitions: short enough to repeat, never over what is done."""

from __future__ import annotations

import pytest

from stock_pipeline.commands.pieces import pieces


@pytest.mark.parametrize(
    ("done", "most", "expected"),
    [
        (set(), None, [["a", "b", "c", "d", "e"]]),
        (set(), 2, [["a", "b"], ["c", "d"], ["e"]]),
        ({"c"}, None, [["a", "b"], ["d", "e"]]),  # a range over c would collect it again
        ({"a", "e"}, None, [["b", "c", "d"]]),
        ({"b"}, 2, [["a"], ["c", "d"], ["e"]]),
        ({"a", "b", "c", "d", "e"}, 2, []),
    ],
)
def test_pieces(done: set[str], most: int | None, expected: list[list[str]]) -> None:
    assert list(pieces(["a", "b", "c", "d", "e"], done, most=most)) == expected
