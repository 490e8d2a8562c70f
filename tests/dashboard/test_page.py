"""Every page says what it stands on; a part that fails costs no other."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

import pytest
from starlette.requests import Request

from stock_pipeline.dashboard.context import Context
from stock_pipeline.dashboard.page import environment, panel, render
from stock_pipeline.storage.database import Database

REQUEST = Request({"type": "http", "method": "GET", "path": "/screener", "headers": []})
BAND = "지어낸 시험용 데이터"


class Stands:
    """Standing as told."""

    def __init__(self, status: str) -> None:
        self._status = status

    def of(self, tables: list[str]) -> dict[str, str]:
        return dict.fromkeys(tables, self._status)


def shown(context: Context, **values: object) -> str:
    answer = render(context, REQUEST, "error.html", title="제목", detail="내용", **values)
    return bytes(answer.body).decode()


@pytest.fixture
def context(seeded: Database, context_of: Callable[..., Context]) -> Context:
    return context_of(seeded)


@pytest.mark.parametrize(
    ("status", "badge"), [("fresh", "신선"), ("stale", "지연"), ("skipped", "부분")]
)
def test_the_badge_says_how_far_to_trust_a_page(context: Context, status: str, badge: str) -> None:
    page = shown(replace(context, standing=Stands(status)), tables=["stock_price_daily"])
    assert f">{badge}</span>" in page
    assert ("이유 1건" in page) == (status != "fresh")


def test_only_invented_data_wear_a_band(context: Context) -> None:
    assert BAND in shown(replace(context, mode="demo"))
    assert BAND not in shown(replace(context, mode="live"))


def test_the_page_that_is_open_is_marked_for_who_hears_it(context: Context) -> None:
    page = shown(context)
    assert page.count('aria-current="page"') == 1
    assert '<a href="/screener" aria-current="page">' in page


def test_a_part_that_fails_is_logged_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> int:
        raise KeyError("a secret")

    with caplog.at_level(logging.ERROR):
        part = panel("prices", fail)
    assert part.value is None
    assert part.error == "지금 보여 드릴 수 없습니다 (KeyError)."
    assert "the panel prices failed" in caplog.text
    assert panel("prices", lambda: 0).value == 0


def test_a_basis_that_cannot_be_told_is_said_and_costs_no_page(context: Context) -> None:
    class Broken:
        def of(self, tables: list[str]) -> dict[str, str]:
            raise KeyError("calendar")

    page = shown(replace(context, standing=Broken()), tables=["stock_price_daily"])
    assert "기준 정보를 지금 보여 드릴 수 없습니다" in page
    assert "내용" in page


def test_f60_every_text_is_escaped() -> None:
    text = environment().from_string("{{ name }}").render(name="<b onclick='x'>")
    assert text == "&lt;b onclick=&#39;x&#39;&gt;"
