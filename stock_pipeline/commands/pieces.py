"""Cut a list of partitions into runs of neighbours, leaving out what is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet


def pieces(keys: Sequence[str], done: AbstractSet[str], *, most: int | None) -> Iterator[list[str]]:
    """Return runs of neighbouring keys that are not done, at most `most` each; None: no limit."""
    piece: list[str] = []
    for key in keys:
        if piece and (key in done or len(piece) == most):
            yield piece
            piece = []
        if key not in done:
            piece.append(key)
    if piece:
        yield piece
