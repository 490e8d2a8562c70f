"""Addresses of the stock page: shareable, short, and the same after a round trip."""

from __future__ import annotations

from datetime import date
from urllib.parse import parse_qsl, urlsplit

import pytest
from pydantic import ValidationError

from stock_pipeline.dashboard.stock_asked import Asked, address

DAY = date(2026, 3, 13)


@pytest.mark.parametrize(
    ("asked", "query"),
    [
        (Asked(), ""),
        (Asked(years=1), "years=1"),
        (Asked(adjusted=False), "adjusted=0"),
        (Asked(as_of=DAY, compare=date(2026, 1, 2)), "as_of=2026-03-13&compare=2026-01-02"),
    ],
)
def test_an_address_tells_what_differs_from_the_usual(asked: Asked, query: str) -> None:
    told = urlsplit(address("005930", asked))
    assert (told.path, told.query) == ("/stocks/005930", query)
    assert Asked.model_validate(dict(parse_qsl(told.query))) == asked


@pytest.mark.parametrize("years", [0, 11])
def test_f70_no_more_than_ten_years_are_asked_for(years: int) -> None:
    with pytest.raises(ValidationError):
        Asked(years=years)


def test_the_charts_end_with_the_last_session_and_are_on_the_basis_of_the_day() -> None:
    span = Asked(years=1).span(date(2026, 3, 13), date(2026, 3, 15))
    assert (span.first, span.last, span.basis) == (date(2025, 3, 13), DAY, date(2026, 3, 15))
