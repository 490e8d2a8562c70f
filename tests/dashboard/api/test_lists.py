"""Every list of the API: its pages, its files, its days, and what it refuses."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from threading import BoundedSemaphore

import polars as pl
import pytest
from fastapi import HTTPException
from starlette.responses import StreamingResponse
from starlette.testclient import TestClient

from stock_pipeline import discovery
from stock_pipeline.assets.listing.stocks import TABLE as STOCKS
from stock_pipeline.dashboard.api.answers import Answers
from stock_pipeline.dashboard.api.asked import RowsAsked
from stock_pipeline.dashboard.context import Context
from stock_pipeline.errors import DatabaseError
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.export import write
from stock_pipeline.storage.extract import Extract

DAY = "2026-03-13"
PRICES = f"/api/v1/prices?start={DAY}&end={DAY}"


def refused(client: TestClient, path: str, status: int = 422) -> str:
    """Return what a refusal says it is about."""
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    detail: str = answer.json()["detail"]
    return detail


async def read(answer: StreamingResponse) -> bytes:
    """Return the body of an answer that comes in blocks."""
    return b"".join([bytes(block) async for block in answer.body_iterator])  # type: ignore[arg-type]  # ours are bytes


def test_pages_follow_each_other_without_a_gap_or_a_repetition(client: TestClient) -> None:
    tickers, cursor, pages = [], "", 0
    while cursor is not None:
        page = client.get(f"{PRICES}&limit=10" + (f"&cursor={cursor}" if cursor else "")).json()
        tickers += [row["ticker"] for row in page["items"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert (pages, len(tickers)) == (3, 29)
    assert tickers == sorted(set(tickers))


def test_a_page_that_just_fits_is_the_last_one(client: TestClient) -> None:
    assert client.get(f"{PRICES}&limit=29").json()["next_cursor"] is None
    assert client.get(f"{PRICES}&limit=28").json()["next_cursor"] is not None


@pytest.mark.parametrize(
    "key",
    [
        "nothing",  # no base64 of JSON
        ["2026-03-13"],  # half a key
        ["2026-03-13", "005930", "more"],
        ["yesterday", "005930"],
        [20260313, "005930"],  # a number is no date
        ["2026-03-13", None],
        ["2026-03-13", "00\x005930"],  # PostgreSQL has no such character
        {"trade_date": "2026-03-13"},
        "",
    ],
    ids=repr,
)
def test_f65_a_cursor_that_is_not_of_this_list_is_refused(client: TestClient, key: object) -> None:
    mark = base64.urlsafe_b64encode(json.dumps(key).encode()).decode()
    given = mark if not isinstance(key, str) else key or "%00"
    assert refused(client, f"{PRICES}&cursor={given}").startswith("cursor")


HOSTILE = [
    "' OR 1=1 --",
    "005930'; DROP TABLE stocks; --",
    "../../etc/passwd",
    "%2e%2e%2f",
    "00593０",  # a full-width digit is no digit
    "005930\n",
    "00\x005930",
    "stocks",
    "",
]


@pytest.mark.parametrize("text", HOSTILE, ids=repr)
@pytest.mark.parametrize("name", ["ticker", "start", "end", "as_of", "format", "cursor", "limit"])
def test_f65_a_value_of_another_form_never_reaches_the_database(
    client: TestClient, name: str, text: str
) -> None:
    answer = client.get("/api/v1/prices", params={name: text})
    assert answer.status_code == 422
    assert name in answer.json()["detail"]


@pytest.mark.parametrize("text", [*HOSTILE[:4], HOSTILE[6], "%", "_", "\\"], ids=repr)
def test_f65_a_search_takes_every_character_as_it_is(client: TestClient, text: str) -> None:
    answer = client.get("/api/v1/stocks", params={"q": text})
    if "\x00" in text:
        assert answer.status_code == 422
    else:
        assert answer.json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/tables/pg_authid",
        "/api/v1/tables/market.stocks",
        "/api/v1/tables/..%2f..%2fetc%2fpasswd",
        "/api/v1/tables/stocks;select",
        "/api/v1/tables/STOCKS",
    ],
)
def test_f65_only_declared_tables_have_a_list(client: TestClient, path: str) -> None:
    refused(client, path, 404)


def test_a_name_that_is_not_known_is_refused(client: TestClient) -> None:
    assert "tickers" in refused(client, "/api/v1/prices?tickers=005930")


@pytest.mark.parametrize(
    ("query", "accepted"),
    [
        ("start=2016-03-05&end=2026-03-13", True),  # 3,660 days: ten years and their leap days
        ("start=2016-03-04&end=2026-03-13", False),
        ("start=2026-03-13&end=2026-03-13", True),
        ("start=2026-03-14&end=2026-03-13", False),  # the wrong way round
        ("start=1990-01-01&end=1990-02-01", True),
        ("start=1989-12-31&end=1990-02-01", False),
        ("end=2099-12-31", True),
        ("end=2100-01-01", False),
        ("end=9999-12-31", False),
        ("end=2026-W11-5", False),  # a date, but not in this form
        ("end=1773360000", False),  # seconds since 1970
        ("limit=1000", True),
        ("limit=1001", False),
        ("limit=0", False),
    ],
)
def test_f70_an_absurd_range_is_refused(client: TestClient, query: str, accepted: bool) -> None:
    assert (client.get(f"/api/v1/prices?{query}").status_code == 200) == accepted


def test_f70_no_more_files_are_written_at_once_than_may_be(
    seeded: Database, context_of: Callable[..., Context]
) -> None:
    context = context_of(seeded, files=BoundedSemaphore(1))
    # Another subject of the same site is writing one.
    context.files.acquire()
    answers = Answers(context)
    with pytest.raises(HTTPException) as refusal:
        answers.rows(Extract(STOCKS), RowsAsked(format="csv"))
    assert refusal.value.status_code == 429
    assert refusal.value.headers == {"Retry-After": "10"}


def test_f70_the_next_file_is_written_when_one_is_done_or_failed(
    seeded: Database, context_of: Callable[..., Context]
) -> None:
    answers = Answers(context_of(seeded, files=BoundedSemaphore(1)))
    for _ in range(2):
        with pytest.raises(DatabaseError):
            answers.rows(Extract(STOCKS, where=["no_such_column"]), RowsAsked(format="csv"))
        assert asyncio.run(read(answers.rows(Extract(STOCKS), RowsAsked(format="csv"))))


def test_nothing_of_a_later_day_is_told(client: TestClient) -> None:
    query = "/api/v1/stress?start=2026-03-01&end=2026-03-13&as_of=2026-03-05&limit=50"
    days = [row["date"] for row in client.get(query).json()["items"]]
    assert days == [f"2026-03-{day:02d}" for day in range(1, 6)]


def test_without_days_the_last_thirty_are_told(client: TestClient) -> None:
    rows = client.get("/api/v1/stress").json()["items"]  # today is 13 March 2026
    assert (rows[0]["date"], rows[-1]["date"], len(rows)) == ("2026-02-11", "2026-03-13", 31)


@pytest.mark.parametrize(
    ("form", "media_type"),
    [("csv", "text/csv; charset=utf-8"), ("parquet", "application/vnd.apache.parquet")],
)
def test_a_file_holds_all_rows_whatever_the_page_holds(
    client: TestClient, form: str, media_type: str
) -> None:
    answer = client.get(f"{PRICES}&format={form}&limit=5")
    read = pl.read_csv if form == "csv" else pl.read_parquet
    assert read(io.BytesIO(answer.content)).height == 29
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-disposition"] == (
        f'attachment; filename="stock_price_daily.{form}"'
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_a_list_and_its_table_give_the_same_file(
    client: TestClient, seeded: Database, tmp_path: Path
) -> None:
    table = next(t for t in discovery.tables() if t.name == "stock_price_daily")
    day = date(2026, 3, 13)
    write(seeded, Extract(table, day, day), "csv", tmp_path / "csv")
    days = f"start={DAY}&end={DAY}&format=csv"
    for path in ("/api/v1/prices", "/api/v1/tables/stock_price_daily"):
        assert client.get(f"{path}?{days}").content == (tmp_path / "csv").read_bytes()


def test_a_file_of_one_share_has_its_rows_only(client: TestClient) -> None:
    content = client.get("/api/v1/prices?ticker=005930&start=2026-03-12&format=parquet").content
    rows = pl.read_parquet(io.BytesIO(content))
    assert rows.select("ticker", "close").rows() == [("005930", 9400), ("005930", 9700)]


def test_a_missing_value_is_null_and_never_zero(client: TestClient) -> None:
    (row,) = client.get(f"{PRICES}&ticker=101490").json()["items"]
    assert (row["open"], row["high"], row["low"]) == (None, None, None)
    assert (row["volume"], row["is_halted"]) == (0, True)
