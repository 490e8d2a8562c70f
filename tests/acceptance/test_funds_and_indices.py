"""Funds and indices in the twin's request log: one request, four requests, no list twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from stock_pipeline.clock import SystemClock
from stock_pipeline.partitions import current_key
from stock_pipeline.twin.request_log import LoggedRequest
from stock_pipeline.twin.server import Twin

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

ETFS, ETF_LIST, INDICES, INDEX_LIST = (
    "MDCSTAT04301",
    "MDCSTAT04601",
    "MDCSTAT00101",
    "MDCSTAT00401",
)
MAIN = ["1001", "1028", "2001", "2203"]


def _statistics(heard: list[LoggedRequest]) -> Counter[str]:
    return Counter(one.operation for one in heard if one.operation.startswith("MDCSTAT"))


@pytest.fixture(scope="module")
def collected(runs: Any, sessions: list[date]) -> Any:
    """Return runs on a database that has funds and indices of two sessions."""
    for name in ("etf_price_daily", "index_price_daily"):
        runs.collect(name, sessions[-3:-1])
    return runs


def test_a_session_is_one_request_for_funds_and_four_for_indices(
    collected: Any, sessions: list[date]
) -> None:
    with collected.pipeline.listening() as heard:
        collected.collect(["etf_price_daily", "index_price_daily"], sessions[-1:])
    assert _statistics(heard) == {ETFS: 1, INDICES: 4}
    asked = [one.params for one in heard if one.operation == INDICES]
    assert [params["idxIndMidclssCd"] for params in asked] == ["01", "02", "03", "04"]
    assert {params["trdDd"] for params in asked} == {f"{sessions[-1]:%Y%m%d}"}


@pytest.fixture
def renamed(collected: Any) -> Iterator[Any]:
    """Return runs on a database that knows one index by a name of the past only."""
    rename = "UPDATE index_price_daily SET name = :name WHERE index_code = '1034'"
    collected.pipeline.database.execute(rename, {"name": "옛 이름"})
    yield collected
    collected.pipeline.database.execute(rename, {"name": "코스피 100"})


def test_a_list_of_codes_is_asked_for_only_where_a_name_is_not_known(
    renamed: Any, sessions: list[date]
) -> None:
    others = "index_code <> '1034'"
    before = renamed.pipeline.digest("index_price_daily", others)
    with renamed.pipeline.listening() as heard:
        (log,) = renamed.collect("index_price_daily", sessions[-2:-1])
    assert _statistics(heard) == {INDICES: 4, INDEX_LIST: 1}
    assert {one.params["idxIndMidclssCd"] for one in heard if one.operation == INDEX_LIST} == {"02"}
    assert (log["updated"], log["inserted"], log["deleted"]) == (1, 0, 0)
    assert renamed.pipeline.digest("index_price_daily", others) == before


def test_every_index_has_a_level_and_a_fund_follows_its_own(
    collected: Any, sessions: list[date]
) -> None:
    pipeline, day = collected.pipeline, sessions[-2]
    codes = pipeline.rows(
        "SELECT index_code FROM index_price_daily WHERE trade_date = :day"
        " AND index_code = ANY(:main) ORDER BY 1",
        day=day,
        main=MAIN,
    )
    assert [row["index_code"] for row in codes] == MAIN
    missing = "SELECT count(*) FROM index_price_daily WHERE trade_date = :day AND close IS NULL"
    assert pipeline.value(missing, day=day) == 0
    apart = pipeline.value(
        "SELECT max(abs(close / nav - 1)) FROM etf_price_daily"
        " WHERE trade_date = :day AND volume > 0",
        day=day,
    )
    assert apart < 0.2
    level = pipeline.value(
        "SELECT count(*) FROM etf_price_daily e JOIN index_price_daily i USING (trade_date)"
        " WHERE e.trade_date = :day AND e.ticker = '069500' AND i.index_code = '1028'"
        " AND e.index_close = i.close",
        day=day,
    )
    assert level == 1


def test_the_list_of_funds_is_one_request_and_agrees_with_the_prices(collected: Any) -> None:
    with collected.pipeline.listening() as heard:
        (log,) = collected.collect("etfs", [current_key("week", SystemClock().now())])
    assert _statistics(heard) == {ETF_LIST: 1}
    assert (log["outcome"], log["rejected"], log["validation_status"]) == ("rows", 0, "pass")
    apart = collected.pipeline.rows(
        "SELECT e.ticker FROM etfs e JOIN (SELECT DISTINCT ON (ticker) * FROM etf_price_daily"
        " ORDER BY ticker, trade_date DESC) p USING (ticker)"
        " WHERE (e.nav, e.shares, e.is_active) IS DISTINCT FROM (p.nav, p.shares, true)"
    )
    assert apart == []


def test_before_the_first_fund_there_is_nothing_to_ask_for(collected: Any) -> None:
    with collected.pipeline.listening() as heard:
        (log,) = collected.collect("etf_price_daily", [date(2002, 10, 11)])
    assert heard == []
    assert (log["outcome"], log["reason"]) == ("no_data", "the first fund was listed on 2002-10-14")


def test_a_blocked_day_comes_from_the_open_api_and_is_completed_later(
    collected: Any, twin: Twin, sessions: list[date]
) -> None:
    names, days = ["etf_price_daily", "index_price_daily"], sessions[-6:-5]
    with collected.pipeline.listening() as heard, twin.inject("krx:block=403"):
        first = collected.collect(names, days)
    collected.pipeline.database.execute("DELETE FROM upstream_budget WHERE source = 'KRX'")
    assert Counter(one.upstream for one in heard)["krx"] == 1
    assert [(row["source"], row["rejected"]) for row in first] == [("KRX_OPENAPI", 0)] * 2
    # Nothing but the refusal: the name of every index is known.
    assert {row["validation_detail"] for row in first} == {'{"preferred_source_answers": 1}'}
    funds, indices = collected.collect(names, days)
    assert (funds["source"], indices["source"]) == ("KRX", "KRX")
    assert (funds["unchanged"], funds["received"]) == (first[0]["received"],) * 2
    assert (indices["unchanged"], indices["deleted"]) == (first[1]["received"], 0)
    assert indices["inserted"] > 0, "the themes, which the Open API does not have"


@pytest.mark.parametrize(
    ("name", "operations"),
    [
        ("KRX_OPENAPI", ["etf_bydd_trd", "krx_dd_trd", "kospi_dd_trd", "kosdaq_dd_trd"]),
        ("FSC", ["getETFPriceInfo", "getStockMarketIndex"]),
    ],
)
def test_without_the_exchange_s_lists_only_the_main_indices_have_codes(
    another: Callable[..., Any],
    running: Callable[..., Any],
    twin: Twin,
    sessions: list[date],
    name: str,
    operations: list[str],
) -> None:
    pipeline = another(twin, PRICE_SOURCES=name.lower())
    with running(pipeline) as runs, pipeline.listening() as heard:
        funds, indices = runs.collect(["etf_price_daily", "index_price_daily"], sessions[-3:-2])
    assert [one.operation for one in heard] == operations
    assert (funds["source"], funds["rejected"], funds["validation_status"]) == (name, 0, "pass")
    stored = pipeline.rows("SELECT index_code FROM index_price_daily ORDER BY 1")
    assert [row["index_code"] for row in stored] == MAIN
    assert (indices["source"], indices["validation_status"]) == (name, "warn")
    assert "index_code_known" in str(indices["validation_detail"])
