"""Which coins there are: how many of each, what one costs and how it moves, from when to when.

Prices and supplies are those of a day in 2026; the world works out all other days from them. The
well-known coins are the ones that crowd the top of the list; those behind them are invented.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

# Prices and supplies below are about those of this day.
REFERENCE = date(2026, 1, 1)
FIRST = date(2019, 1, 1)

_STREAM = 62
_INVENTED = 60
_STEMS = (
    *("Aster", "Borealis", "Cinder", "Drift", "Ember", "Fjord", "Garnet", "Halcyon", "Indigo"),
    *("Juniper", "Kestrel", "Lumen", "Meridian", "Nimbus", "Onyx", "Parallax", "Quartz"),
    *("Rill", "Sable", "Tundra"),
)
_ENDINGS = ("Protocol", "Network", "Cash")
_SHORTEST_LIFE = 500


@dataclass(frozen=True, slots=True)
class Coin:
    """One coin; price in USD and supply in coins on the day of reference.

    number      its place among the pictures of coins
    growth      part by which the supply grows in a year
    cap         coins there can ever be, None without a limit
    beta        how much of the movement of bitcoin it shares
    swing       how far it wanders off by itself, as a logarithm
    turnover    part of its market value that changes hands in a day
    ended       from this day it has no price any more
    is_counted  False when nobody has confirmed its supply: it has no rank
    """

    coin_id: str
    symbol: str
    name: str
    number: int
    price: float
    supply: float
    growth: float = 0.02
    cap: float | None = None
    beta: float = 1.0
    swing: float = 0.35
    turnover: float = 0.04
    began: date = FIRST
    ended: date | None = None
    is_counted: bool = True

    @property
    def is_stable(self) -> bool:
        """Tell whether it is kept at one dollar."""
        return self.beta == 0

    def lives(self, day: date) -> bool:
        """Tell whether it has a price on a day."""
        return self.began <= day and (self.ended is None or day < self.ended)


def _dollar(coin_id: str, symbol: str, name: str, number: int, supply: float) -> Coin:
    return Coin(coin_id, symbol, name, number, 1.0, supply, 0.45, None, 0.0, 0.0, 0.4)


# The first two follow the courses below; of the others the price comes from that of bitcoin.
_KNOWN = (
    Coin("bitcoin", "btc", "Bitcoin", 1, 88_000, 19.97e6, 0.008, 21e6, swing=0),
    Coin("ethereum", "eth", "Ethereum", 279, 3_000, 120.7e6, 0.003, swing=0, turnover=0.07),
    _dollar("tether", "usdt", "Tether", 325, 187e9),
    Coin("binancecoin", "bnb", "BNB", 825, 860, 137.7e6, -0.02, 200e6, 0.9, 0.25, 0.02),
    Coin("ripple", "xrp", "XRP", 44, 1.9, 60.6e9, 0.05, 100e9),
    _dollar("usd-coin", "usdc", "USDC", 6319, 75e9),
    Coin("solana", "sol", "Solana", 4128, 126, 563e6, 0.05, began=date(2020, 4, 10)),
    Coin("tron", "trx", "TRON", 1094, 0.284, 94.7e9, 0.0, beta=0.8),
    Coin("dogecoin", "doge", "Dogecoin", 5, 0.12, 168e9, 0.03, swing=0.5),
    Coin("cardano", "ada", "Cardano", 975, 0.36, 36e9, 0.02, 45e9),
    Coin("bitcoin-cash", "bch", "Bitcoin Cash", 780, 595, 19.98e6, 0.02, 21e6, 0.8),
    Coin("chainlink", "link", "Chainlink", 877, 12.4, 708e6, 0.08, 1e9),
    Coin("leo-token", "leo", "LEO Token", 8418, 8.1, 921e6, -0.01, beta=0.6, turnover=0.001),
    # Shares its symbol with the coin below it: both are large enough to be listed side by side.
    Coin("hyperliquid", "hype", "Hyperliquid", 50882, 25.1, 333.9e6, 0.02, 1e9, swing=0.12,
         began=date(2024, 11, 29)),
    Coin("hyperion-chain", "hype", "Hyperion Chain", 50931, 3.05, 3.3e9, 0.01, swing=0.1,
         began=date(2021, 6, 14)),
    Coin("stellar", "xlm", "Stellar", 100, 0.21, 32.4e9, 0.05, 50.0018e9),
    Coin("monero", "xmr", "Monero", 69, 431, 18.45e6, 0.01, beta=0.7),
    Coin("zcash", "zec", "Zcash", 486, 505, 16.5e6, 0.04, 21e6, swing=0.6),
    Coin("litecoin", "ltc", "Litecoin", 2, 77.5, 76.7e6, 0.02, 84e6),
    Coin("sui", "sui", "Sui", 26375, 1.43, 3.74e9, 0.1, 10e9, began=date(2023, 5, 3)),
    Coin("avalanche-2", "avax", "Avalanche", 12559, 12.6, 429e6, 0.04, 715.7e6,
         began=date(2020, 9, 22)),
    _dollar("dai", "dai", "Dai", 9956, 4.6e9),
    Coin("shiba-inu", "shib", "Shiba Inu", 11939, 7.15e-6, 589.2e12, 0.0, swing=0.5,
         began=date(2020, 8, 1)),
    Coin("hedera-hashgraph", "hbar", "Hedera", 3688, 0.11, 42.8e9, 0.05, 50e9,
         began=date(2019, 9, 17)),
    Coin("the-open-network", "ton", "Toncoin", 17980, 1.62, 2.45e9, 0.01,
         began=date(2021, 8, 26)),
    Coin("polkadot", "dot", "Polkadot", 12171, 1.85, 1.65e9, 0.08, began=date(2020, 8, 19)),
    Coin("uniswap", "uni", "Uniswap", 12504, 5.75, 630e6, 0.02, 1e9, began=date(2020, 9, 17)),
    Coin("near", "near", "NEAR Protocol", 10365, 1.53, 1.28e9, 0.05, began=date(2020, 10, 14)),
    Coin("aave", "aave", "Aave", 12645, 149, 15.3e6, 0.01, 16e6, began=date(2020, 10, 3)),
    Coin("pepe", "pepe", "Pepe", 29850, 4.1e-6, 420.69e12, 0.0, 420.69e12, swing=0.7,
         began=date(2023, 4, 17)),
    Coin("ethereum-classic", "etc", "Ethereum Classic", 453, 11.7, 154.8e6, 0.03, 210.7e6),
    Coin("eos", "eos", "EOS", 738, 0.42, 1.6e9, 0.03, 2.1e9),
    Coin("tezos", "xtz", "Tezos", 976, 0.49, 1.07e9, 0.03),
    Coin("cosmos", "atom", "Cosmos Hub", 1481, 2.0, 480e6, 0.08),
    # Two that were among the twenty largest until they fell, and one that never had a price here.
    Coin("terra-luna", "luna", "Terra Luna Classic", 8284, 110, 350e6, 0.0,
         began=date(2019, 5, 8), ended=date(2022, 5, 14), swing=0.2),
    Coin("ftx-token", "ftt", "FTX Token", 9026, 95, 134e6, 0.0, began=date(2019, 8, 1),
         ended=date(2022, 11, 14), swing=0.2),
    Coin("bitconnect", "bcc", "Bitconnect", 752, 0.4, 9e6, ended=FIRST),
    Coin("galactic-dust", "dust", "Galactic Dust", 40111, 0.031, 0.0, is_counted=False),
)  # fmt: skip

# Day, bitcoin and ether in USD: about what they were; from 2026-07 on, what they may become.
_COURSES = (
    ("2019-01-01", 3_750, 135),
    ("2019-07-01", 10_800, 290),
    ("2020-01-01", 7_200, 130),
    ("2020-07-01", 9_200, 230),
    ("2020-12-01", 19_000, 590),
    ("2021-04-15", 60_000, 2_400),
    ("2021-07-15", 32_500, 1_950),
    ("2021-11-08", 65_000, 4_700),
    ("2022-03-01", 42_000, 2_850),
    ("2022-07-01", 20_000, 1_080),
    ("2023-01-01", 16_700, 1_200),
    ("2023-07-01", 30_400, 1_900),
    ("2024-01-01", 43_500, 2_320),
    ("2024-03-14", 71_000, 3_850),
    ("2024-10-01", 62_000, 2_480),
    ("2025-01-01", 96_000, 3_400),
    ("2025-04-15", 85_000, 1_650),
    ("2025-08-15", 118_000, 4_400),
    ("2026-01-01", 88_000, 3_000),
    ("2026-07-01", 92_000, 3_100),
    ("2028-01-01", 120_000, 4_200),
    ("2030-01-01", 105_000, 3_800),
    ("2033-01-01", 170_000, 6_200),
    ("2036-01-02", 210_000, 8_000),
)
COURSES = tuple((date.fromisoformat(day), float(btc), float(eth)) for day, btc, eth in _COURSES)


def planned(seed: int) -> list[Coin]:
    """Return every coin, the known ones first."""
    return [*_KNOWN, *_invented(seed)]


def _invented(seed: int) -> Iterator[Coin]:
    rng = np.random.default_rng([seed, _STREAM])
    for place in range(_INVENTED):
        name = f"{_STEMS[place % len(_STEMS)]} {_ENDINGS[place // len(_STEMS)]}"
        price = float(np.exp(rng.normal(-1.5, 2.5)))
        value = 1e6 * float(np.exp(rng.normal(4.8, 1.2)))
        began = FIRST + timedelta(days=int(rng.integers(-900, 5_400)))
        life = timedelta(days=_SHORTEST_LIFE + int(rng.exponential(1_800)))
        # The long-lived ones outlast the world; `Coin.ended` of the others is a day of it.
        ended = began + life if rng.random() < 1 / 3 else None
        supply = _round(value / price)
        yield Coin(
            name.lower().replace(" ", "-"),
            name[:4].lower(),
            name,
            30_000 + 7 * place,
            price,
            supply,
            growth=float(rng.uniform(0, 0.1)),
            cap=_round(supply * 2) if rng.random() < 1 / 2 else None,
            beta=float(rng.uniform(0.7, 1.3)),
            swing=0.5,
            began=max(began, FIRST),
            ended=ended,
        )


def _round(count: float) -> float:
    """Return a count of coins with three digits that count."""
    return float(round(count, 2 - math.floor(math.log10(count))))
