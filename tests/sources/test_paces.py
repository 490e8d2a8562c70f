"""How fast and how often each upstream is asked, by the numbers of the specification."""

from __future__ import annotations

import importlib
import pkgutil
from itertools import pairwise
from typing import Any

import pytest

from stock_pipeline import sources
from stock_pipeline.sources.alternative_me import ALTERNATIVE_ME
from stock_pipeline.sources.coingecko import COINGECKO
from stock_pipeline.sources.dart import DART
from stock_pipeline.sources.defillama import DEFILLAMA
from stock_pipeline.sources.fdr import FDR
from stock_pipeline.sources.fed import FED
from stock_pipeline.sources.fred import FRED
from stock_pipeline.sources.fsc import FSC
from stock_pipeline.sources.fss import FSS
from stock_pipeline.sources.google_news import GOOGLE_NEWS
from stock_pipeline.sources.krx import KRX
from stock_pipeline.sources.krx_openapi import KRX_OPENAPI
from stock_pipeline.sources.transport import Transport, Upstream
from stock_pipeline.sources.yahoo import YAHOO

# Seconds between requests, requests a day.
RULES = [
    (KRX, 1.0, None),  # it tells no limit and blocks who seems to be a machine
    (KRX_OPENAPI, 0.5, 10_000),
    (DART, 0.25, None),  # 10,000 by DART_DAILY_LIMIT, which an operator may set
    (FSC, 0.2, 10_000),  # each service by itself
    (FSS, 0.5, None),
    (FDR, 1.0, None),  # each of the sites that the library asks by itself
    (YAHOO, 1.0, None),  # it tells no limit and refuses who seems to be a machine
    (FRED, 0.6, None),  # 120 a minute are allowed
    (COINGECKO, 2.0, None),  # 30 a minute: what a demo key was once allowed; less is certain
    (DEFILLAMA, 0.5, None),  # both of its hosts together
    (ALTERNATIVE_ME, 1.0, None),
    (GOOGLE_NEWS, 1.0, None),
    (FED, 1.0, None),
]


@pytest.mark.parametrize(("upstream", "pace", "limit"), RULES, ids=[one.name for one, *_ in RULES])
def test_an_upstream_is_asked_at_its_pace_and_within_its_limit(
    transport: Transport,
    budget: Any,
    upstream: Upstream,
    pace: float,
    limit: int | None,
) -> None:
    assert transport.pace(upstream) == pace
    assert upstream.daily_limit == limit
    for _ in range(3):
        transport.admit(upstream, "anything")
    slots = [slot for _, slot in budget.admitted]
    assert [later - slot for slot, later in pairwise(slots)] == [pytest.approx(pace)] * 2


def test_upstreams_do_not_wait_for_each_other(transport: Transport, clock: Any) -> None:
    for upstream in (FRED, YAHOO, GOOGLE_NEWS, FED, COINGECKO, DEFILLAMA, ALTERNATIVE_ME):
        transport.admit(upstream, "anything")
    assert clock.sleeps == []


def test_every_upstream_has_its_numbers_here() -> None:
    modules = [
        importlib.import_module(f"{sources.__name__}.{found.name}")
        for found in pkgutil.iter_modules(sources.__path__)
    ]
    declared = {
        one.name for module in modules for one in vars(module).values() if isinstance(one, Upstream)
    }
    assert declared == {upstream.name for upstream, *_ in RULES}
