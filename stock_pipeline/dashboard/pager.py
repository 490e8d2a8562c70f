"""The pages of a long list: where one is, and the addresses of the pages beside it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.datastructures import QueryParams


@dataclass(frozen=True)
class Pager:
    """One page of a list.

    pages          how many there are, at least one
    before, after  addresses of the neighbours; None: there is none
    """

    page: int
    pages: int
    total: int
    before: str | None
    after: str | None


def pager(asked: QueryParams, page: int, total: int, size: int) -> Pager:
    """Return where a page stands; the addresses keep everything else that was asked for."""
    pages = max(1, -(-total // size))
    return Pager(
        page,
        pages,
        total,
        before=_address(asked, min(page - 1, pages)) if page > 1 else None,
        after=_address(asked, page + 1) if page < pages else None,
    )


def _address(asked: QueryParams, page: int) -> str:
    kept = [(name, value) for name, value in asked.multi_items() if name != "page" and value]
    return f"?{urlencode([*kept, ('page', str(page))])}"
