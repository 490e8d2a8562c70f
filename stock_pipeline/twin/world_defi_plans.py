"""What decentralised finance is made of: its chains, its protocols, and the pegs of stable coins.

The names at the top are the well-known ones with about the shares they have; the thousands behind
them are invented.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

FIRST = date(2017, 9, 27)
# Until then nothing was locked that anybody counted.
COUNTED_FROM = date(2017, 12, 18)
STABLE_FROM = date(2017, 11, 29)

_STREAM = 64
_PROTOCOLS = 4_500
# No invented protocol is among the largest: the first of them holds so much of all that is locked.
_LARGEST_INVENTED = 0.012
_STEEPNESS = 1.1
_ENDED_SHARE = 0.25
_WORDS = (
    *("Amber", "Birch", "Coral", "Delta", "Eagle", "Flint", "Grove", "Harbor", "Iris", "Jade"),
    *("Karst", "Lotus", "Maple", "North", "Ocean", "Prism", "Quill", "Raven", "Solar", "Tidal"),
    *("Umbra", "Velvet", "Willow", "Xenon", "Yonder", "Zephyr", "Arrow", "Beacon", "Cobalt"),
    "Dune",
)
_FORMS = (
    *("Swap", "Lend", "Vault", "Farm", "Bridge", "Stake", "Index", "Perps", "Yield", "Pay"),
    *("Market", "Options", "Bonds", "Mint", "Launch"),
)
_CATEGORIES = ("Dexs", "Lending", "Yield", "Farm", "Bridge", "Derivatives", "RWA", "Launchpad")


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain; share of all that is locked, by the day it has grown up."""

    name: str
    gecko_id: str | None
    symbol: str | None
    cmc_id: str | None
    number: int | None
    share: float
    began: date


@dataclass(frozen=True, slots=True)
class Protocol:
    """One protocol; share is what it holds, as a part of all that is locked.

    ended     from this day nothing is locked in it any more
    is_known  False when its value was never measured
    """

    number: int
    name: str
    symbol: str
    category: str | None
    chains: tuple[str, ...]
    share: float
    began: date
    ended: date | None = None
    is_known: bool = True

    @property
    def slug(self) -> str:
        """Return the name as addresses write it."""
        return self.name.lower().replace(" ", "-")


@dataclass(frozen=True, slots=True)
class Peg:
    """One currency stable coins are pegged to: its value in USD and its part of all of them."""

    name: str
    dollars: float
    share: float
    began: date


CHAINS = (
    Chain("Ethereum", "ethereum", "ETH", "1027", 1, 0.56, FIRST),
    Chain("BSC", "binancecoin", "BNB", "1839", 56, 0.07, date(2020, 9, 1)),
    Chain("Solana", "solana", "SOL", "5426", None, 0.08, date(2021, 1, 20)),
    Chain("Bitcoin", "bitcoin", "BTC", "1", None, 0.06, date(2023, 4, 2)),
    Chain("Tron", "tron", "TRON", "1958", None, 0.05, date(2020, 10, 22)),
    Chain("Base", None, None, None, 8453, 0.04, date(2023, 7, 31)),
    Chain("Arbitrum", "arbitrum", "ARB", "11841", 42161, 0.03, date(2021, 8, 30)),
    Chain("Avalanche", "avalanche-2", "AVAX", "5805", 43114, 0.016, date(2021, 2, 10)),
    Chain("Polygon", "polygon-ecosystem-token", "POL", "28321", 137, 0.012, date(2020, 10, 12)),
    Chain("Sui", "sui", "SUI", "20947", None, 0.01, date(2023, 5, 3)),
    Chain("Optimism", "optimism", "OP", "11840", 10, 0.006, date(2021, 8, 16)),
    Chain("Fantom", "fantom", "FTM", "3513", 250, 0.002, date(2020, 11, 20)),
    Chain("Cronos", "crypto-com-chain", "CRO", "3635", 25, 0.004, date(2021, 11, 9)),
    Chain("Gnosis", "gnosis", "GNO", "1659", 100, 0.003, date(2020, 3, 10)),
    Chain("Ember", None, None, None, None, 0.001, date(2024, 6, 1)),
)

_MANY = ("Ethereum", "Arbitrum", "Base", "Polygon", "Avalanche", "Optimism")


def _exchange(number: int, name: str, share: float, began: date) -> Protocol:
    chains = ("Bitcoin", "Ethereum", "BSC", "Tron", "Solana")
    return Protocol(number, name, "-", "CEX", chains, share, began)


# Exchanges keep more than any protocol does; they are listed with them.
_EXCHANGES = (
    _exchange(2269, "Binance CEX", 1.35, date(2022, 11, 10)),
    _exchange(2275, "OKX", 0.26, date(2022, 11, 11)),
    _exchange(2279, "Bitfinex", 0.22, date(2022, 11, 12)),
    _exchange(3088, "Robinhood", 0.2, date(2023, 6, 15)),
    _exchange(2270, "Bybit", 0.19, date(2022, 11, 16)),
    _exchange(2283, "Gate", 0.08, date(2022, 12, 7)),
    _exchange(2272, "HTX", 0.06, date(2022, 11, 15)),
    _exchange(2268, "Crypto com", 0.05, date(2022, 11, 13)),
)
_KNOWN = (
    Protocol(1599, "Aave V3", "AAVE", "Lending", _MANY, 0.3, date(2022, 3, 16)),
    Protocol(182, "Lido", "LDO", "Liquid Staking", ("Ethereum",), 0.26, date(2020, 12, 18)),
    Protocol(3107, "EigenCloud", "EIGEN", "Restaking", ("Ethereum",), 0.12, date(2023, 6, 14)),
    Protocol(5294, "Binance staked ETH", "WBETH", "Liquid Staking", ("Ethereum", "BSC"), 0.11,
             date(2023, 4, 27)),
    Protocol(118, "MakerDAO", "MKR", "CDP", ("Ethereum",), 0.06, FIRST),
    Protocol(111, "Aave V2", "AAVE", "Lending", ("Ethereum", "Polygon", "Avalanche"), 0.004,
             date(2020, 12, 3)),
    Protocol(4133, "Ethena USDe", "ENA", "Basis Trading", ("Ethereum",), 0.08, date(2024, 2, 19)),
    Protocol(2625, "Spark", "SPK", "Lending", ("Ethereum", "Base"), 0.055, date(2023, 5, 9)),
    Protocol(2198, "Uniswap V3", "UNI", "Dexs", _MANY, 0.03, date(2021, 5, 4)),
    Protocol(1, "Uniswap V2", "UNI", "Dexs", ("Ethereum", "Base"), 0.014, date(2020, 5, 18)),
    Protocol(3, "Curve DEX", "CRV", "Dexs", ("Ethereum", "Arbitrum"), 0.022, date(2020, 2, 10)),
    Protocol(4429, "Babylon", "BABY", "Restaking", ("Bitcoin",), 0.05, date(2024, 8, 22)),
    Protocol(382, "Pendle", "PENDLE", "Yield", ("Ethereum", "Arbitrum"), 0.04, date(2021, 6, 17)),
    Protocol(4025, "Morpho", "MORPHO", "Lending", ("Ethereum", "Base"), 0.06, date(2024, 1, 10)),
    Protocol(6012, "JustLend", "JST", "Lending", ("Tron",), 0.035, date(2020, 12, 7)),
    Protocol(4626, "Ether fi Stake", "ETHFI", "Liquid Restaking", ("Ethereum",), 0.07,
             date(2023, 5, 2)),
    Protocol(114, "Compound V2", "COMP", "Lending", ("Ethereum",), 0.003, date(2019, 5, 7)),
    Protocol(2088, "Compound V3", "COMP", "Lending", _MANY, 0.018, date(2022, 8, 26)),
    Protocol(2141, "Jito", "JTO", "Liquid Staking", ("Solana",), 0.02, date(2022, 11, 3)),
    Protocol(4077, "Jupiter Perpetual Exchange", "JUP", "Derivatives", ("Solana",), 0.016,
             date(2024, 1, 30)),
    Protocol(214, "Raydium", "RAY", "Dexs", ("Solana",), 0.017, date(2021, 3, 9)),
    Protocol(2770, "Kamino Lend", "KMNO", "Lending", ("Solana",), 0.024, date(2023, 10, 16)),
    Protocol(194, "PancakeSwap AMM", "CAKE", "Dexs", ("BSC",), 0.018, date(2020, 9, 22)),
    Protocol(2951, "BlackRock BUIDL", "BUIDL", "RWA", ("Ethereum", "Solana"), 0.024,
             date(2024, 3, 20)),
    Protocol(5761, "Tether Gold", "XAUT", "RWA", ("Ethereum",), 0.02, date(2022, 7, 21)),
    Protocol(119, "Rocket Pool", "RPL", "Liquid Staking", ("Ethereum",), 0.018,
             date(2021, 11, 9)),
    Protocol(249, "Anchor", "ANC", "Lending", ("Ethereum",), 0.09, date(2021, 3, 17),
             date(2022, 5, 14)),
    # Measured by nobody: it is listed without a value, and without a category.
    Protocol(7001, "Nameless Pool", "-", None, ("Ethereum",), 0.0, date(2021, 7, 1),
             is_known=False),
)  # fmt: skip
PEGS = (
    Peg("peggedUSD", 1.0, 0.995, STABLE_FROM),
    Peg("peggedVAR", 1.6, 0.0004, date(2021, 2, 18)),
    Peg("peggedEUR", 1.16, 0.0022, date(2018, 12, 7)),
    Peg("peggedJPY", 0.0064, 0.0003, date(2021, 1, 25)),
    Peg("peggedCNY", 0.141, 0.0002, date(2020, 6, 1)),
    Peg("peggedGBP", 1.33, 0.0002, date(2021, 4, 1)),
    Peg("peggedSGD", 0.775, 0.0003, date(2022, 1, 14)),
    Peg("peggedUAH", 0.0237, 0.0001, date(2022, 6, 20)),
    Peg("peggedKRW", 0.00069, 0.0003, date(2025, 9, 18)),
    Peg("peggedREAL", 0.185, 0.001, date(2021, 9, 10)),
)

Points = tuple[tuple[date, float], ...]


def _points(*pairs: tuple[str, float]) -> Points:
    return tuple((date.fromisoformat(day), value) for day, value in pairs)


# All that is locked and all stable coins in USD: about what they were, then what may become.
LOCKED = _points(
    ("2017-12-18", 1.2e5),
    ("2018-11-01", 2e8),
    ("2019-07-01", 5e8),
    ("2020-01-02", 6.5e8),
    ("2020-06-15", 1.1e9),
    ("2020-09-01", 9e9),
    ("2021-01-01", 2.1e10),
    ("2021-05-12", 1.1e11),
    ("2021-07-15", 7e10),
    ("2021-11-09", 1.75e11),
    ("2022-04-01", 1.6e11),
    ("2022-06-20", 7.3e10),
    ("2022-12-28", 5.75e10),
    ("2023-10-15", 4.2e10),
    ("2024-03-14", 9.8e10),
    ("2024-08-05", 8.5e10),
    ("2024-12-16", 1.25e11),
    ("2025-04-08", 9.2e10),
    ("2025-10-06", 1.65e11),
    ("2026-01-01", 1.2e11),
    ("2028-01-01", 1.7e11),
    ("2036-01-02", 3.2e11),
)
STABLE = _points(
    ("2017-11-29", 6.9e8),
    ("2019-01-01", 2.6e9),
    ("2020-01-02", 5e9),
    ("2020-07-01", 1.15e10),
    ("2021-01-01", 2.9e10),
    ("2021-05-15", 1e11),
    ("2022-05-01", 1.85e11),
    ("2022-12-28", 1.38e11),
    ("2023-10-15", 1.24e11),
    ("2024-06-01", 1.61e11),
    ("2025-01-01", 2.05e11),
    ("2025-10-06", 3e11),
    ("2026-05-01", 3.2e11),
    ("2028-01-01", 4.2e11),
    ("2036-01-02", 9e11),
)


def planned(seed: int) -> list[Protocol]:
    """Return every protocol, exchanges and known ones first."""
    return [*_EXCHANGES, *_KNOWN, *_invented(seed)]


def _invented(seed: int) -> Iterator[Protocol]:
    rng = np.random.default_rng([seed, _STREAM])
    names = [chain.name for chain in CHAINS]
    forms = len(_WORDS) * len(_FORMS)
    for place in range(_PROTOCOLS):
        version = place // forms
        name = f"{_WORDS[place % len(_WORDS)]} {_FORMS[place // len(_WORDS) % len(_FORMS)]}"
        began = date(2019, 1, 1) + timedelta(days=int(6_000 * rng.random() ** 2))
        life = timedelta(days=300 + int(rng.exponential(1_500)))
        home = names[int(rng.integers(len(names)) * rng.random())]
        yield Protocol(
            10_000 + place,
            f"{name} V{version + 1}" if version else name,
            name[:4].upper() if rng.random() < 0.6 else "-",
            _CATEGORIES[int(rng.integers(len(_CATEGORIES)))] if rng.random() < 0.99 else None,
            tuple(dict.fromkeys((home, names[int(rng.integers(6))]))),
            _LARGEST_INVENTED * float(rng.uniform(0.3, 1)) / (1 + place / 20) ** _STEEPNESS,
            began,
            began + life if rng.random() < _ENDED_SHARE else None,
            is_known=bool(rng.random() < 0.995),
        )
