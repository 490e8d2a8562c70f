"""Assets of the evening collector over the wire: one answers, one dies, one falls back.

It is Friday 2026-03-13, 18:00 in Seoul: New York has not opened, and the coin's day goes on.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

pytestmark = pytest.mark.fault

THURSDAY, FRIDAY = "2026-03-12", "2026-03-13"
DEAD = ("chart/SOXL:status=503", "chart/BTC-KRW:status=503")
ROWS = """
SELECT asset_id, date::text, currency, symbol, source, is_final FROM price_daily ORDER BY 1, 2
"""


def test_what_dies_is_named_and_the_rest_is_stored(
    stage: Any, world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FDR_MAX_RETRIES", "0")
    assert stage.run("asset_master").success
    stage.database.execute(
        "UPDATE asset_master SET is_active = false WHERE asset_id NOT IN ('005930', 'SOXL', 'BTC')"
    )
    run = stage.run("price_daily", "price_flag", key=THURSDAY, last=FRIDAY, faults=DEAD)
    assert (run.success, run.job["status"]) == (True, "partial_failure")
    assert [run.log("price_daily", day)["reason"] for day in (THURSDAY, FRIDAY)] == [
        "SOXL: ServerError",
        None,
    ]
    assert stage.rows(ROWS) == [
        ("005930", THURSDAY, "KRW", "005930", "FDR", True),
        ("005930", FRIDAY, "KRW", "005930", "FDR", True),
        ("BTC", THURSDAY, "USD", "BTC/USD", "FDR", True),
        ("BTC", FRIDAY, "USD", "BTC/USD", "FDR", False),
    ]
    assert {run.ended("price_flag")} == {("completed", "rows")}
    stored = stage.rows("SELECT close FROM price_daily WHERE asset_id = 'BTC' AND is_final")
    (bar,) = world.abroad.bars("BTC-USD", date(2026, 3, 12), date(2026, 3, 12))
    assert stored == [(pytest.approx(bar.close, rel=1e-4),)]
