"""What the upstreams are asked, as the twin's request log has it: how often, and how fast."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from math import ceil
from typing import Any

import pytest

from stock_pipeline.clock import SystemClock
from stock_pipeline.due import newest_due_annual, newest_due_quarter
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.partitions import current_key
from stock_pipeline.sources.dart import DART
from stock_pipeline.sources.krx import KRX
from stock_pipeline.twin.request_log import LoggedRequest
from stock_pipeline.twin.server import Twin

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

ALL_STOCKS, LOGIN_PAGE = "MDCSTAT01501", "MDCCOMS001"


def _now() -> datetime:
    return SystemClock().now()


def _of(heard: list[LoggedRequest], upstream: str) -> list[LoggedRequest]:
    return [request for request in heard if request.upstream == upstream]


def _price_days(first: date, last: date) -> list[str]:
    return ["--assets", "stock_price_daily", "--start", f"{first}", "--end", f"{last}"]


@pytest.fixture(scope="module")
def listed(runs: Any, sessions: list[date]) -> Any:
    """Return runs on a database that knows the companies."""
    week = [current_key("week", _now())]
    for name in ("fdr_stock_listing", "dart_corp_code"):
        runs.collect(name, week)
    runs.collect("stock_price_daily", sessions[-1:])
    runs.collect("stocks", week)
    return runs


def test_all_stocks_are_one_request_per_session_and_one_login_per_run(
    runs: Any, sessions: list[date]
) -> None:
    with runs.pipeline.listening() as heard:
        runs.collect("stock_price_daily", sessions[-8:])
    krx = _of(heard, "krx")
    asked = [request.params["trdDd"] for request in krx if request.operation == ALL_STOCKS]
    # A range has weekends in it; nothing is asked for them.
    assert asked == [f"{day:%Y%m%d}" for day in sessions[-8:]]
    assert Counter(request.operation for request in krx)[LOGIN_PAGE] == 1
    assert len(krx) == len(heard)


def test_a_repeat_logs_in_once_more_and_no_oftener(runs: Any, sessions: list[date]) -> None:
    with runs.pipeline.listening() as heard:
        for _ in range(2):
            runs.collect("stock_price_daily", sessions[-2:])
    operations = Counter(request.operation for request in heard)
    assert (operations[ALL_STOCKS], operations[LOGIN_PAGE]) == (4, 2)


def test_statements_are_one_request_per_hundred_companies(listed: Any) -> None:
    quarter = newest_due_quarter(MarketCalendar(SystemClock()), _now())
    companies = listed.pipeline.rows(
        "SELECT DISTINCT corp_code FROM stocks WHERE corp_code IS NOT NULL"
        " AND (is_active OR delisting_date >= :quarter)",
        quarter=quarter[0],
    )
    with listed.pipeline.listening() as heard:
        log = listed.collect("financial_statement", quarter)
    assert [request.operation for request in heard] == ["fnlttMultiAcnt"] * len(heard)
    assert len(heard) == ceil(len(companies) / 100) == log[0]["requests"]
    asked = [code for request in heard for code in request.params["corp_code"].split(",")]
    assert sorted(asked) == sorted(company["corp_code"] for company in companies)


def test_a_company_that_filed_costs_two_requests_beside_its_batch(listed: Any) -> None:
    quarter = newest_due_annual(MarketCalendar(SystemClock()), _now())
    listed.collect("financial_statement", quarter)
    bases = {
        row["bases"]: row["corp_code"]
        for row in listed.pipeline.rows(
            "SELECT corp_code, string_agg(DISTINCT fs_div, ' ' ORDER BY fs_div) AS bases"
            " FROM financial_statement WHERE fiscal_year = :year AND report_code = '11011'"
            " GROUP BY corp_code ORDER BY corp_code",
            year=quarter[0].year,
        )
    }
    filed = [bases["CFS OFS"], bases["OFS"]]
    tables = ["financial_statement", "dividend_history"]
    config = {"ops": {name: {"config": {"companies": filed}} for name in tables}}
    with listed.pipeline.listening() as heard:
        log = listed.collect(tables, quarter, config)
    assert [row["status"] for row in log] == ["completed"] * 2
    asked = [(one.operation, one.params["corp_code"], one.params.get("fs_div")) for one in heard]
    assert sorted(asked, key=str) == sorted(
        [
            ("fnlttMultiAcnt", ",".join(filed), None),
            ("fnlttSinglAcntAll", filed[0], "CFS"),
            ("fnlttSinglAcntAll", filed[1], "OFS"),
            *(("alotMatter", company, None) for company in filed),
        ],
        key=str,
    )


def test_the_log_counts_the_requests_that_the_twin_had(runs: Any, sessions: list[date]) -> None:
    budget = "SELECT coalesce(sum(requests), 0)::int FROM upstream_budget"
    before = runs.pipeline.value(budget)
    with runs.pipeline.listening() as heard:
        log = runs.collect("dart_filing", sessions[-2:])
    assert sum(row["requests"] for row in log) == len(heard) > 0
    assert runs.pipeline.value(budget) - before == len(heard)


@pytest.fixture
def unblocked(runs: Any) -> Iterator[Any]:
    """Return runs whose block, if there comes one, ends with the test."""
    yield runs
    runs.pipeline.database.execute("DELETE FROM upstream_budget WHERE source = 'KRX'")


def test_nothing_is_sent_while_an_upstream_blocks(
    unblocked: Any, twin: Twin, sessions: list[date]
) -> None:
    pipeline = unblocked.pipeline
    with pipeline.listening() as heard, twin.inject("krx:block=403"):
        log = unblocked.collect("stock_price_daily", sessions[-2:])
    assert "blocked" in {row["outcome"] for row in log}
    assert len(_of(heard, "krx")) == 1, "the block is respected from its first sign on"
    with pipeline.listening() as heard:
        # KRX would answer again; nobody knows, because nobody may ask before a day has passed.
        # FinanceDataReader asks KRX too.
        again = unblocked.collect("stock_price_daily", sessions[-1:])
        listing = unblocked.collect("fdr_stock_listing", [current_key("week", _now())])
        done = pipeline.run("collect", *_price_days(sessions[-1], sessions[-1]), status=1)
    # The other sources of prices may be asked; the newest session is not out there.
    assert _of(heard, "krx") == []
    assert [(row["status"], row["outcome"]) for row in again + listing] == [
        ("failed", "blocked"),
        ("failed", "blocked"),
    ]
    assert "blocked" in done.stdout
    until = pipeline.value("SELECT max(blocked_until) FROM upstream_budget WHERE source = 'KRX'")
    assert until > _now() + timedelta(hours=23)


def _fastest(heard: list[LoggedRequest]) -> float:
    """Return the smallest mean seconds between requests, over every stretch of the log.

    A slot is taken before the request travels: one that was slow on its way may have the next one
    right behind it, so the first gap of a stretch is forgiven.
    """
    times = [request.at for request in heard]
    return min(
        (later - earlier).total_seconds() / (gaps - 1)
        for start, earlier in enumerate(times)
        for gaps, later in enumerate(times[start + 1 :], start=1)
        if gaps >= 2
    )


def test_requests_are_never_faster_than_the_configured_pace(
    runs: Any, sessions: list[date], monkeypatch: pytest.MonkeyPatch
) -> None:
    factor = 0.3
    monkeypatch.setenv("PACE_FACTOR", str(factor))
    with runs.pipeline.listening() as heard:
        runs.collect("stock_price_daily", sessions[-8:])
    assert len(heard) >= 11
    assert _fastest(heard) >= KRX.pace * factor * 0.98


def test_two_processes_together_are_not_faster_either(
    twin: Twin, another: Callable[..., Any], sessions: list[date]
) -> None:
    paced = another(twin, PACE_FACTOR="1")
    with paced.listening() as heard:
        children = [
            paced.start("collect", "--assets", "dart_filing", "--start", f"{day}")
            for day in sessions[-2:]
        ]
        for child in children:
            out, err = child.communicate(timeout=120)
            assert child.returncode == 0, out + err
    assert len(heard) >= 20
    assert _fastest(heard) >= DART.pace * 0.98
