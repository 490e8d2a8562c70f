"""The upstreams as a run gets them: put together without a key, asking for it when it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from stock_pipeline.errors import SettingMissing
from stock_pipeline.resources import resources
from stock_pipeline.settings import Settings
from stock_pipeline.storage.archive import FileArchive
from stock_pipeline.storage.database import Database

NAMES = (
    *("transport", "krx", "fdr", "dart", "fsc", "fss", "krx_openapi", "price_sources"),
    *("yahoo", "coingecko", "defillama", "alternative_me", "fred", "google_news", "fed"),
    "calendar",
)
UPSTREAMS = {name: resources()[name] for name in NAMES}
DAY = date(2026, 3, 12)
KEYS = (
    *("krx_id", "krx_pw", "dart_api_key", "fsc_api_key", "fss_api_key", "krx_openapi_key"),
    *("fred_api_key", "coingecko_api_key"),
)
NO_KEYS = dict.fromkeys(KEYS)


@pytest.fixture
def run(tmp_path: Path, database: Database) -> Iterator[Any]:
    """Return the resources of a run without any key."""
    given = {
        "settings": Settings(stock_pipeline_home=tmp_path, _env_file=None, **NO_KEYS),
        "clock": database.clock,
        "db": database,
        "archive": FileArchive(tmp_path / "raw", clock=database.clock),
    }
    with dg.build_resources({**UPSTREAMS, **given}) as built:
        yield built


@pytest.mark.parametrize(
    ("ask", "setting"),
    [
        (lambda run: run.dart.corp_codes(), "DART_API_KEY"),
        (lambda run: run.fsc.listed_items(date(2026, 3, 12)), "FSC_API_KEY"),
        (lambda run: run.krx.all_stocks(date(2026, 3, 13)), "KRX_ID"),
        (lambda run: run.krx_openapi.stocks(date(2026, 3, 12)), "KRX_OPENAPI_KEY"),
        (lambda run: run.fred.observations("SOFR", DAY, DAY), "FRED_API_KEY"),
        (lambda run: run.fss.products("depositProductsSearch", "020000"), "FSS_API_KEY"),
    ],
)
def test_a_missing_key_is_named_when_something_is_asked(run: Any, ask: Any, setting: str) -> None:
    with pytest.raises(SettingMissing, match=setting):
        ask(run)


def test_the_chain_of_price_sources_is_made_of_the_sources_of_the_run(run: Any) -> None:
    chain = run.price_sources
    assert (chain.krx, chain.krx_openapi, chain.fsc) == (run.krx, run.krx_openapi, run.fsc)
    assert chain.order == ("krx", "krx_openapi", "fsc")


def test_every_resource_that_an_asset_may_ask_for_is_there() -> None:
    assert set(resources()) == {
        "settings",
        "clock",
        "db",
        "archive",
        "job_run",
        *UPSTREAMS,
    }
