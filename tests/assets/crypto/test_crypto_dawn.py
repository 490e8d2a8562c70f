"""The crypto tables over the wire: the twin's upstreams, our sources, a real database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stock_pipeline.assets.crypto import crypto_metric, crypto_price, defi_protocol_tvl
from stock_pipeline.assets.crypto_parts import Upstreams
from stock_pipeline.quality import rules as quality
from stock_pipeline.redaction import Scrubber
from stock_pipeline.sources.alternative_me import AlternativeMe
from stock_pipeline.sources.coingecko import CoinGecko
from stock_pipeline.sources.defillama import DefiLlama
from stock_pipeline.sources.transport import Transport
from stock_pipeline.storage.archive import FileArchive
from stock_pipeline.twin import alternative_me, coingecko, defillama
from stock_pipeline.twin.environment import REMOVED
from stock_pipeline.twin.server import Twin
from stock_pipeline.twin.world_coins import Coins

TODAY = date(2026, 3, 12)
NOW = datetime(2026, 3, 12, 21, 1, tzinfo=UTC)
DAYS = [TODAY - timedelta(days=back) for back in reversed(range(30))]
SEED = 7
PLAYED = (coingecko, defillama, alternative_me)


class Unlimited:
    """A budget without an end that counts."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def admit(self, source: str, *, pace: float, limit: int | None) -> float:
        """Count a request and let it go at once."""
        self.asked.append(source)
        return 0.0

    def block(self, source: str, until: datetime) -> None:
        """Take no notice."""

    def exhaust(self, source: str) -> None:
        """Take no notice."""


@pytest.fixture(scope="module")
def coins() -> Coins:
    """Return the coins of a world; its shares would only cost time."""
    return Coins(SEED)


@pytest.fixture(scope="module")
def proxy(coins: Coins, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Return the environment that leads to the twin, in which it is 06:01 in Seoul."""
    world: Any = SimpleNamespace(seed=SEED, coins=coins)
    upstreams = [module.UPSTREAM(world, lambda: NOW) for module in PLAYED]
    with Twin(upstreams, state=tmp_path_factory.mktemp("authority")) as twin:
        yield twin.environment({})


@pytest.fixture
def budget() -> Unlimited:
    """Return a budget that counts."""
    return Unlimited()


@pytest.fixture
def wired(
    dawn: Any,
    proxy: dict[str, str],
    budget: Unlimited,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """Return the tables of the dawn with our sources in front of the twin."""
    for name in REMOVED:
        monkeypatch.delenv(name, raising=False)
    for name, value in proxy.items():
        monkeypatch.setenv(name, value)
    dawn.clock.instant = NOW
    dawn.archive = FileArchive(tmp_path / "wire", clock=dawn.clock)
    transport = Transport(budget, dawn.archive, dawn.clock, Scrubber())
    dawn.upstreams = CoinGecko(transport, None)
    dawn.others = Upstreams(dawn.upstreams, DefiLlama(transport), AlternativeMe(transport))
    return dawn


def test_thirty_days_of_coins_come_in_twenty_two_requests(
    wired: Any, budget: Unlimited, coins: Coins
) -> None:
    results = wired.prices(*DAYS)
    assert {result.outcome for result in results} == {"rows"}
    assert not [result for result in results if result.failed]
    # The list for the charts, the charts, and the list of the day itself.
    assert budget.asked == ["COINGECKO"] * 22
    rows, days, ranked = wired.rows(
        "SELECT count(*), count(DISTINCT date), count(rank) FROM crypto_price"
    )[0]
    assert (days, ranked) == (30, 20)
    assert rows > 29 * 15  # some of today's largest began within these days
    first = wired.rows(
        "SELECT date, price_usd FROM crypto_price WHERE coin_id = 'bitcoin' ORDER BY date LIMIT 1"
    )[0]
    midnight = datetime(DAYS[0].year, DAYS[0].month, DAYS[0].day, tzinfo=UTC)
    assert first == (DAYS[0], pytest.approx(coins.price("bitcoin", midnight), rel=1e-4))


def test_thirty_days_of_the_market_come_in_six_requests(wired: Any, budget: Unlimited) -> None:
    results = wired.metrics(*DAYS, upstreams=wired.others)
    assert not [result for result in results if result.failed or result.outcome != "rows"]
    assert sorted(budget.asked) == ["ALTERNATIVE_ME", *["COINGECKO"] * 3, *["DEFILLAMA"] * 2]
    (counts,) = wired.rows(
        "SELECT count(*), count(total_tvl_usd), count(fear_greed_index),"
        " count(stablecoin_market_cap_usd), count(eth_btc_ratio), count(btc_dominance_pct)"
        " FROM crypto_metric"
    )
    assert counts == (30, 30, 30, 30, 30, 1)


def test_the_largest_protocols_hold_the_rules(wired: Any) -> None:
    frame = defi_protocol_tvl.parse(wired.others.defillama.protocols().data, TODAY)
    verdict = quality.apply(frame, defi_protocol_tvl.RULES, keys=defi_protocol_tvl.TABLE.keys)
    assert (verdict.rejected, verdict.warnings, verdict.kept.height) == ((), {}, 20)
    assert "CEX" not in frame["category"].to_list()


def test_the_day_itself_breaks_no_rule(wired: Any) -> None:
    seen, whole = wired.prices(TODAY)[0], wired.metrics(TODAY, upstreams=wired.others)[0]
    for result, module in ((seen, crypto_price), (whole, crypto_metric)):
        assert (result.rejected, dict(result.warnings)) == (0, {}), module.__name__


def test_the_archive_rebuilds_the_same_rows(wired: Any, tmp_path: Path) -> None:
    days = DAYS[-3:]
    wired.prices(*days)
    wired.metrics(*days, upstreams=wired.others)
    tables = ("crypto_price", "crypto_metric")
    before = [wired.rows(f"SELECT * FROM {name} ORDER BY 1, 2") for name in tables]
    wired.archive = FileArchive(tmp_path / "wire", replaying=True, clock=wired.clock)
    wired.clock.instant += timedelta(days=40)
    transport = Transport(Unlimited(), wired.archive, wired.clock, Scrubber())
    wired.upstreams = CoinGecko(transport, None)
    again = Upstreams(wired.upstreams, DefiLlama(transport), AlternativeMe(transport))
    wired.database.execute("TRUNCATE crypto_price, crypto_metric, data_collection_log")
    results = [*wired.prices(*days), *wired.metrics(*days, upstreams=again)]
    assert not [result for result in results if result.failed or result.outcome != "rows"]
    after = [wired.rows(f"SELECT * FROM {name} ORDER BY 1, 2") for name in tables]
    # All but the run and the times of writing.
    assert [[row[:-3] for row in rows] for rows in after] == [
        [row[:-3] for row in rows] for rows in before
    ]
