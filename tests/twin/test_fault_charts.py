"""A re-based chart: all prices divided, volumes multiplied, everything else as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from stock_pipeline.twin import fault_charts
from stock_pipeline.twin.faults import parse_faults
from stock_pipeline.twin.server import Twin
from stock_pipeline.twin.wire import Answer
from stock_pipeline.twin.world import World
from stock_pipeline.twin.yahoo import Yahoo

CHART = {
    "chart": {
        "result": [
            {
                "meta": {"symbol": "SOXL", "regularMarketPrice": 45.0, "priceHint": 2},
                "timestamp": [1773408600, 1773495000],
                "indicators": {
                    "quote": [
                        {
                            "open": [30.0, None],
                            "high": [60.0, None],
                            "low": [15.0, None],
                            "close": [45.0, None],
                            "volume": [100, None],
                        }
                    ],
                    "adjclose": [{"adjclose": [44.0, None]}],
                },
            }
        ],
        "error": None,
    }
}


def answer(body: bytes, content_type: str = "application/json;charset=utf-8") -> Answer:
    """Return a good answer."""
    return Answer(200, body, content_type, "chart/SOXL")


def as_json(content: object) -> Answer:
    """Return an answer as Yahoo writes it."""
    return answer(json.dumps(content, separators=(",", ":")).encode())


def test_prices_of_a_yahoo_chart_are_divided_and_volumes_multiplied() -> None:
    (chart,) = json.loads(fault_charts.rebase("15", as_json(CHART)).body)["chart"]["result"]
    assert chart["meta"] == {"symbol": "SOXL", "regularMarketPrice": 3.0, "priceHint": 2}
    assert chart["timestamp"] == [1773408600, 1773495000]
    assert chart["indicators"] == {
        "quote": [
            {
                "open": [2.0, None],
                "high": [4.0, None],
                "low": [1.0, None],
                "close": [3.0, None],
                "volume": [1500, None],
            }
        ],
        "adjclose": [{"adjclose": [pytest.approx(44 / 15), None]}],
    }


def test_prices_of_a_naver_chart_are_divided_and_volumes_multiplied() -> None:
    body = (
        '<chartdata name="삼성전자" count="2"><item data="20180427|2669000|2682000|2622000|2650000|'
        '606216" /><item data="20180430|0|0|0|2650000|0" /></chartdata>'
    ).encode("euc-kr")
    edited = fault_charts.rebase("50", answer(body, "text/xml;charset=EUC-KR"))
    assert edited.body.decode("euc-kr") == (
        '<chartdata name="삼성전자" count="2"><item data="20180427|53380|53640|52440|53000|'
        '30310800" /><item data="20180430|0|0|0|53000|0" /></chartdata>'
    )


@pytest.mark.parametrize(
    "body",
    [
        b'{"chart":{"result":null,"error":{"code":"Not Found"}}}',  # a refusal
        b'{"chart":{"result":[{"meta":{},"indicators":{"quote":[{}],"adjclose":[]}}]}}',  # no rows
        b"Date,Close\n2026-03-13,812.93\n",  # no chart
        b"",
    ],
)
def test_what_has_no_prices_stays_as_it_is(body: bytes) -> None:
    assert fault_charts.rebase("2", answer(body)).body == body


@pytest.mark.parametrize(
    ("value", "is_good"),
    [("15", True), ("0.5", True), ("2.5", True), ("0", False), ("0.0", False), ("", False)],
)
def test_divisor_is_a_number_above_zero(value: str, is_good: bool) -> None:
    text = f"SOXL:rebase={value}"
    if is_good:
        assert str(parse_faults([text])[0]) == text
    else:
        with pytest.raises(ValueError, match="cannot take"):
            parse_faults([text])


def test_one_symbol_can_be_rebased_on_the_wire(
    small_world: World, twin_state: Path, reach: Callable[[Twin], requests.Session]
) -> None:
    yahoo = Yahoo(small_world, lambda: datetime(2026, 3, 13, 23, 0, tzinfo=UTC))
    faults = ["SOXL:rebase=15@2", "chart/GC-F:rebase=10@2"]

    def price(client: requests.Session, symbol: str) -> float:
        url = f"https://query2.finance.yahoo.com/v8/finance/chart/{symbol}?range=1d"
        found: float = client.get(url, timeout=5).json()["chart"]["result"][0]["meta"][
            "regularMarketPrice"
        ]
        return found

    with Twin([yahoo], faults=faults, state=twin_state) as twin:
        client = reach(twin)
        # The sign of a future cannot stand in a fault: its operation has a dash there.
        for symbol, parts in (("SOXL", 15), ("GC=F", 10), ("%5EVIX", 1)):
            before, after = price(client, symbol), price(client, symbol)
            assert before / after == pytest.approx(parts)
    assert {entry.operation for entry in twin.requests} >= {"chart/SOXL", "chart/GC-F"}
