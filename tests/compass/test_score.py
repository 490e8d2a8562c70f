"""The score of a whole market: one hand-worked day, every reason, and what comes out as a row."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from stock_pipeline.compass.compiled import Kernels, plain
from stock_pipeline.compass.items import ITEMS
from stock_pipeline.compass.score import RESULT_SCHEMA, score

PEERS = ("000010", "000020", "000030", "000040", "000050")
FLAT = [100] * 34
MakeMarket = Callable[..., Any]
ScoreOf = Callable[..., dict[str, Any]]


@pytest.fixture
def peers(make_market: MakeMarket) -> Any:
    """Five equal stocks of one industry, whose price stands still with some volume."""
    market = make_market(34)
    for ticker in PEERS:
        market.trade(ticker, FLAT)
        market.file(ticker)
    market.list(dict.fromkeys(PEERS, "chips"))
    return market


@pytest.fixture
def score_of() -> ScoreOf:
    """Return a function that scores one stock of a market on its last session."""

    def one(market: Any, ticker: str = "000010") -> dict[str, Any]:
        rows = score(market.inputs(), market.sessions[-1:], plain())
        return rows.row(by_predicate=pl.col("ticker") == ticker, named=True)

    return one


def missing(row: dict[str, Any]) -> dict[str, str]:
    return json.loads(row["missing"]) if row["missing"] else {}


def points(row: dict[str, Any]) -> dict[str, int | None]:
    return dict(zip((item.name for item in ITEMS), row["points"], strict=True))


def test_hand_worked_day(peers: Any, score_of: ScoreOf) -> None:
    row = score_of(peers)
    assert points(row) == {
        "roe": 24,  # 80 / 800 = 10 %
        "operating_margin": 20,  # 100 / 1,000 = 10 %
        "debt_ratio": 20,  # 600 / 800 = 75 %
        "net_margin": 10,  # 80 / 1,000 = 8 %
        "per": 30,  # 10,000,000 / 80,000,000 = 0.12 (0.125 to even), as all peers
        "pbr": 30,
        "ma_alignment": None,
        "adx": 5,
        "rsi": 15,
        "stochastic": 10,
        "macd": None,
        "week52_position": 10,
        "obv": 5,
        "volatility": 35,
        "max_drawdown": 35,
        "sharpe": None,
    }
    assert (row["financial_score"], row["valuation_score"]) == (74.0, 60.0)
    assert (row["technical_score"], row["risk_score"]) == (69.2, 100.0)  # 45 of 65, 70 of 70
    assert (row["score"], row["grade"]) == (75.0, "A")  # 22.2 + 12 + 20.76 + 20 = 74.96
    assert (row["coverage"], row["provisional"], row["halted"]) == (1.0, False, False)
    assert (row["per_benchmark"], row["pbr_benchmark"]) == (0.12, 0.01)
    assert (row["benchmark_group"], row["name"]) == ("chips", "stock 000010")
    assert missing(row) == dict.fromkeys(("ma_alignment", "macd", "sharpe"), "short_history")


def test_values_stand_in_the_order_of_the_items(peers: Any, score_of: ScoreOf) -> None:
    values = score_of(peers)["item_values"]
    assert values[:6] == [10.0, 10.0, 75.0, 8.0, 0.0, 0.0]
    assert values[6:13] == [None, 0.0, 50.0, 50.0, None, 50.0, 0.0]
    assert values[13:] == [0.0, 0.0, None]


def test_rows_have_the_columns_and_types_of_the_table(peers: Any, kernels: Kernels) -> None:
    rows = score(peers.inputs(), peers.sessions[-2:], kernels)
    assert rows.schema == pl.Schema(RESULT_SCHEMA)
    assert rows.select("as_of", "ticker").rows() == [
        (day, ticker) for day in peers.sessions[-2:] for ticker in PEERS
    ]


def test_a_day_without_prices_has_no_rows(peers: Any, make_market: MakeMarket) -> None:
    later = make_market(40).sessions[-1]
    rows = score(peers.inputs(), [later], plain())
    assert rows.is_empty()
    assert rows.schema == pl.Schema(RESULT_SCHEMA)


# ---- reasons


def test_no_statement(peers: Any, score_of: ScoreOf) -> None:
    peers.trade("000060", FLAT)
    row = score_of(peers, "000060")
    assert missing(row)["financial"] == missing(row)["valuation"] == "no_statement"
    assert row["financial_score"] is None
    assert (row["coverage"], row["provisional"]) == (0.5, True)
    assert row["score"] == 81.5  # (0.3 × 69.2 + 0.2 × 100) / 0.5 = 81.52


def test_no_revenue(peers: Any, score_of: ScoreOf) -> None:
    peers.statements[0]["revenue"] = None
    row = score_of(peers)
    assert missing(row)["operating_margin"] == missing(row)["net_margin"] == "no_revenue"
    assert row["financial_score"] == 80.0  # 44 of 55


def test_no_benchmark(peers: Any, score_of: ScoreOf) -> None:
    # One share of 100 KRW: PER and PBR are 0.00, and nobody else is listed on KONEX.
    peers.trade("000060", FLAT, market="KONEX", shares=1)
    peers.file("000060")
    row = score_of(peers, "000060")
    assert missing(row)["valuation"] == "no_benchmark"
    assert (row["per_benchmark"], row["benchmark_group"]) == (None, None)


def test_preferred_share_has_its_companys_financial_axis(peers: Any, score_of: ScoreOf) -> None:
    peers.trade("000015", FLAT)
    row = score_of(peers, "000015")
    assert missing(row)["valuation"] == "preferred_share"
    assert (row["financial_score"], row["valuation_score"]) == (74.0, None)
    assert (row["coverage"], row["benchmark_group"]) == (0.8, None)


def test_preferred_shares_do_not_count_in_benchmarks(peers: Any, score_of: ScoreOf) -> None:
    for ticker in ("000015", "000017", "00001K"):
        peers.trade(ticker, FLAT, shares=10**9)
        peers.list({ticker: "chips"})
    assert score_of(peers)["per_benchmark"] == 0.12


def test_foreign_currency(peers: Any, score_of: ScoreOf) -> None:
    peers.trade("000060", FLAT, shares=10**9)
    peers.file("000060", currency="USD")
    row = score_of(peers, "000060")
    assert missing(row)["valuation"] == "foreign_currency"
    assert row["financial_score"] == 74.0
    peers.list({"000060": "chips"})
    assert score_of(peers)["per_benchmark"] == 0.12  # it is not counted either


def test_no_prices(peers: Any, score_of: ScoreOf) -> None:
    peers.trade("000060", [None] * 5)
    peers.file("000060")
    row = score_of(peers, "000060")
    assert missing(row) == dict.fromkeys(("valuation", "technical", "risk"), "no_prices")


@pytest.mark.parametrize(("rows", "is_missing"), [(19, True), (20, False)])
def test_short_history_of_technical(
    peers: Any, score_of: ScoreOf, rows: int, is_missing: bool
) -> None:
    peers.trade("000060", FLAT[:rows])
    row = score_of(peers, "000060")
    assert (missing(row).get("technical") == "short_history") == is_missing
    assert missing(row)["risk"] == "short_history"
    assert (points(row)["rsi"] is None) == is_missing


@pytest.mark.parametrize(("rows_without_trade", "is_halted"), [(10, True), (9, False)])
def test_halted(peers: Any, score_of: ScoreOf, rows_without_trade: int, is_halted: bool) -> None:
    volumes = [5] * (34 - rows_without_trade) + [0] * rows_without_trade
    peers.trade("000060", FLAT, volume=volumes)
    row = score_of(peers, "000060")
    assert row["halted"] == is_halted
    assert (missing(row).get("technical") == "halted") == is_halted
    assert (missing(row).get("risk") == "halted") == is_halted


@pytest.mark.parametrize(
    ("first_row", "break_at", "is_missing"),
    [
        (0, 20, True),  # inside the window
        (0, 0, True),  # at its first row
        (10, 9, False),  # before its first row
        (0, 33, True),  # on the day itself
    ],
)
def test_adjustment_break(
    peers: Any, score_of: ScoreOf, first_row: int, break_at: int, is_missing: bool
) -> None:
    peers.trade("000060", FLAT[first_row:])
    peers.broken = [peers.sessions[break_at]]
    row = score_of(peers, "000060")
    assert (missing(row).get("technical") == "adjustment_break") == is_missing
    assert (missing(row).get("risk") == "adjustment_break") == is_missing


@pytest.mark.parametrize(("rows_without_close", "is_stale"), [(6, True), (5, False)])
def test_stale_prices(
    peers: Any, score_of: ScoreOf, rows_without_close: int, is_stale: bool
) -> None:
    closes = FLAT[: 34 - rows_without_close] + [None] * rows_without_close
    peers.trade("000060", closes)
    row = score_of(peers, "000060")
    assert (missing(row).get("technical") == "stale_prices") == is_stale
    assert (missing(row).get("risk") == "stale_prices") == is_stale


def test_industry_not_point_in_time(peers: Any, kernels: Kernels) -> None:
    peers.listing.clear()
    peers.list(dict.fromkeys(PEERS, "chips"), peers.sessions[-1])
    before, on = score(peers.inputs(), peers.sessions[-2:], kernels).partition_by("as_of")
    assert {json.loads(text)["industry"] for text in before["missing"]} == {
        "industry_not_point_in_time"
    }
    assert not any("industry" in json.loads(text) for text in on["missing"])
    assert before["valuation_score"].to_list() == [60.0] * 5


def test_capital_impairment_and_loss(peers: Any, score_of: ScoreOf) -> None:
    peers.statements[0] |= {"total_equity": -5, "net_income": -5}
    row = score_of(peers)
    earned = points(row)
    assert (earned["roe"], earned["debt_ratio"], earned["per"], earned["pbr"]) == (0, 0, 10, None)
    assert row["item_values"][0] is row["item_values"][2] is row["item_values"][4] is None
    assert row["valuation_score"] == 20.0
    assert missing(row)["pbr"] == "no_statement"


def test_without_any_axis_there_is_no_score(peers: Any, score_of: ScoreOf) -> None:
    peers.trade("000060", FLAT[:5])
    row = score_of(peers, "000060")
    assert (row["score"], row["grade"], row["coverage"]) == (None, None, 0.0)
    assert row["provisional"]
    assert row["points"] == row["item_values"] == [None] * 16
