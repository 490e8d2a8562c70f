"""The pages before the first collection: each is shown, without a number and without a fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import lxml.html
import pytest
from starlette.testclient import TestClient

from stock_pipeline import discovery
from stock_pipeline.dashboard.context import Context
from stock_pipeline.dashboard.pages.products import KINDS
from stock_pipeline.dashboard.site import site
from stock_pipeline.storage.database import Database


@pytest.fixture
def empty(seeded_copy: Database, context_of: Callable[..., Context]) -> Iterator[TestClient]:
    """Return a client of the site over tables without a row, but for one share of the listing."""
    names = ", ".join(f'market."{table.name}"' for table in discovery.tables())
    seeded_copy.execute(f"TRUNCATE {names}")
    seeded_copy.execute(
        "INSERT INTO stocks (ticker, is_active, run_id, computed_at)"
        " VALUES ('999990', true, 'a', now())"
    )
    with TestClient(site(context_of(seeded_copy)), follow_redirects=False) as client:
        yield client


def test_every_page_is_shown_before_anything_was_collected(empty: TestClient) -> None:
    paths = (
        *("/dashboard", "/dashboard?as_of=2001-01-01", "/screener", "/stocks/999990"),
        *("/liquidity_stress", "/crypto_trends", "/collection"),
        *(f"/products?kind={kind}" for kind in KINDS),
    )
    for path in paths:
        answer = empty.get(path)
        assert answer.status_code == 200, path
        document = lxml.html.fromstring(answer.text)
        assert document.xpath("//*[@class='broken'][@role='alert']") == [], path
        badges = document.xpath("//dl[@class='basis']//span/@class")
        assert badges == ["badge partial"], path


def test_a_screener_without_scores_does_not_blame_the_conditions(empty: TestClient) -> None:
    assert "계산된 점수가 아직 없습니다" in empty.get("/screener").text
