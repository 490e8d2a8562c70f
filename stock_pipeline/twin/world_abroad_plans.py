"""What trades abroad: where each instrument began in 2020 and how it lives with fear.

First levels are those of 2020-01-02. The sizes of moves are chosen so that calm years look like
calm years and the spring of 2020 like itself; no instrument moves by 27 % or more in a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Plan:
    """One instrument whose prices are a walk.

    exchange     a key of `world_exchanges`
    growth       of a year, as the logarithm
    fear         how much of the logarithm a full crisis takes away; negative for what it lifts
    daily        standard deviation of a calm day's return
    together     how much of a day's return is that of all markets, -1 to 1
    spread       usual distance of a calm day's low from its high, as a part of the price
    volume       of a calm day; 0 where none is told
    yearly_yield dividends of a year as a part of the price
    monthly      whether dividends come each month, not each quarter
    decimals     with which the price is told
    """

    symbol: str
    exchange: str
    first: float
    growth: float
    fear: float
    daily: float
    together: float
    spread: float
    volume: int = 0
    yearly_yield: float = 0.0
    monthly: bool = False
    decimals: int = 2


VIX = "^VIX"
PLANS = (
    # The level is the mood's; `daily` is what the day adds.
    Plan(VIX, "CBOE", 12.47, 0.0, 0.0, 0.045, -0.5, 0.065),
    Plan("^GSPC", "NYSE", 3257.85, 0.10, 0.38, 0.0075, 0.95, 0.009, 3_900_000_000),
    Plan("^IXIC", "NYSE", 9092.19, 0.13, 0.42, 0.0095, 0.92, 0.012, 4_800_000_000),
    Plan("SOXL", "NYSE", 18.61, 0.15, 1.05, 0.032, 0.9, 0.045, 68_000_000, 0.006),
    Plan("HYG", "NYSE", 88.13, -0.015, 0.20, 0.0028, 0.7, 0.0035, 38_000_000, 0.056, True),
    Plan("LQD", "NYSE", 128.29, -0.025, 0.12, 0.0035, 0.2, 0.0045, 22_000_000, 0.040, True),
    Plan("TLT", "NYSE", 137.01, -0.06, -0.12, 0.0065, -0.3, 0.0080, 31_000_000, 0.035, True),
    Plan("IEF", "NYSE", 110.71, -0.025, -0.05, 0.0032, -0.3, 0.0040, 7_500_000, 0.030, True),
    Plan("SHV", "NYSE", 110.47, 0.0, 0.0, 0.0001, 0.0, 0.0002, 2_600_000, 0.040, True),
    Plan("KRE", "NYSE", 58.19, 0.01, 0.55, 0.013, 0.75, 0.018, 14_000_000, 0.028),
    Plan("VNQ", "NYSE", 91.79, 0.005, 0.40, 0.0085, 0.8, 0.012, 4_800_000, 0.040),
    Plan("GC=F", "COMEX", 1524.5, 0.14, -0.05, 0.0085, 0.1, 0.011, 160_000),
    Plan("SI=F", "COMEX", 17.966, 0.15, 0.20, 0.015, 0.3, 0.022, 60_000, decimals=3),
    Plan("KRW=X", "FX", 1156.1, 0.035, -0.13, 0.0042, -0.4, 0.006),
)
BITCOIN = {"BTC-USD": "USD", "BTC-KRW": "KRW"}
EXCHANGES = {plan.symbol: plan.exchange for plan in PLANS} | dict.fromkeys(BITCOIN, "CRYPTO")

# Fifteen new shares for each on this day: its prices before it are told divided by fifteen.
SPLITS = {"SOXL": ((date(2021, 3, 2), 15, 1),)}
