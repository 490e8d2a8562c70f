"""The neighbours of a page of a list: they keep what was asked for."""

from __future__ import annotations

import pytest
from starlette.datastructures import QueryParams

from stock_pipeline.dashboard.pager import pager


@pytest.mark.parametrize(
    ("page", "total", "pages", "before", "after"),
    [
        (1, 0, 1, None, None),  # an empty list has one page
        (1, 50, 1, None, None),  # just full
        (1, 51, 2, None, "?page=2"),
        (2, 51, 2, "?page=1", None),
        (99, 51, 2, "?page=2", None),  # beyond the end: back to the last one
    ],
)
def test_a_page_knows_its_neighbours(
    page: int, total: int, pages: int, before: str | None, after: str | None
) -> None:
    found = pager(QueryParams(""), page, total, 50)
    assert (found.pages, found.before, found.after) == (pages, before, after)


def test_an_address_keeps_what_was_asked_and_escapes_it() -> None:
    asked = QueryParams([("kind", "bonds"), ("text", 'a"&<b'), ("order", ""), ("page", "1")])
    assert pager(asked, 1, 100, 50).after == "?kind=bonds&text=a%22%26%3Cb&page=2"
