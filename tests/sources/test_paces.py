"""How fast and how often each upstream is asked, by the numbers of the specification."""

from __future__ import annotations

import pytest

from stock_pipeline.sources.dart import DART
from stock_pipeline.sources.fsc import FSC
from stock_pipeline.sources.fss import FSS
from stock_pipeline.sources.krx import KRX
from stock_pipeline.sources.krx_openapi import KRX_OPENAPI
from stock_pipeline.sources.transport import Transport, Upstream

# Seconds between requests, requests a day.
RULES = [
    (KRX, 1.0, None),  # it tells no limit and blocks who seems to be a machine
    (KRX_OPENAPI, 0.5, 10_000),
    (DART, 0.25, None),  # 10,000 by DART_DAILY_LIMIT, which an operator may set
    (FSC, 0.2, 10_000),  # each service by itself
    (FSS, 0.5, None),
]


@pytest.mark.parametrize(("upstream", "pace", "limit"), RULES, ids=[one.name for one, *_ in RULES])
def test_an_upstream_is_asked_at_its_pace_and_within_its_limit(
    transport: Transport, upstream: Upstream, pace: float, limit: int | None
) -> None:
    assert transport.pace(upstream) == pace
    assert upstream.daily_limit == limit
