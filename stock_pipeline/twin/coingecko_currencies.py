"""The currencies CoinGecko counts in: coins at what they cost, all others at a fixed rate.

The list is that of a recorded `/global`, in its order. The fixed rates are round numbers of 2026
and follow no market: what is asked for here is counted in dollars or in bitcoins.
"""

from __future__ import annotations

import numpy as np

from stock_pipeline.twin.world_coins import Coins
from stock_pipeline.twin.world_ticks import Floats, Ints

# Code → coin, and how many of the currency one coin is.
_COINS = {
    "btc": ("bitcoin", 1.0),
    "eth": ("ethereum", 1.0),
    "ltc": ("litecoin", 1.0),
    "bch": ("bitcoin-cash", 1.0),
    "bnb": ("binancecoin", 1.0),
    "eos": ("eos", 1.0),
    "xrp": ("ripple", 1.0),
    "xlm": ("stellar", 1.0),
    "link": ("chainlink", 1.0),
    "dot": ("polkadot", 1.0),
    "bits": ("bitcoin", 1e6),
    "sats": ("bitcoin", 1e8),
}
# Code → what one dollar is.
_RATES = {
    "yfi": 0.00025,
    "usd": 1.0,
    "aed": 3.6725,
    "ars": 1_450.0,
    "aud": 1.5,
    "bdt": 122.0,
    "bhd": 0.377,
    "bmd": 1.0,
    "brl": 5.4,
    "cad": 1.38,
    "chf": 0.8,
    "clp": 930.0,
    "cny": 7.05,
    "czk": 20.8,
    "dkk": 6.4,
    "eur": 0.86,
    "gbp": 0.75,
    "hkd": 7.8,
    "huf": 330.0,
    "idr": 16_700.0,
    "ils": 3.2,
    "inr": 90.0,
    "jpy": 155.0,
    "krw": 1_450.0,
    "kwd": 0.307,
    "lkr": 308.0,
    "mmk": 2_100.0,
    "mxn": 18.0,
    "myr": 4.1,
    "ngn": 1_450.0,
    "nok": 10.1,
    "nzd": 1.73,
    "php": 59.0,
    "pkr": 281.0,
    "pln": 3.6,
    "rub": 79.0,
    "sar": 3.75,
    "sek": 9.3,
    "sgd": 1.29,
    "thb": 31.8,
    "try": 42.5,
    "twd": 31.3,
    "uah": 42.2,
    "vef": 0.1,
    "vnd": 26_300.0,
    "zar": 17.0,
    "xdr": 0.73,
    "xag": 0.017,
    "xau": 0.00024,
}
_FIRST = ("btc", "eth", "ltc", "bch", "bnb", "eos", "xrp", "xlm", "link", "dot")
CODES = (*_FIRST, *_RATES, "bits", "sats")


def per_dollar(coins: Coins, code: str, ticks: Ints) -> Floats:
    """Return how many of a currency one dollar is at some ticks; NaN before a coin began.

    Raises   KeyError when it is none of `CODES`
    """
    if code not in _COINS:
        return np.full(len(ticks), _RATES[code])
    coin_id, units = _COINS[code]
    found: Floats = units / coins.prices(ticks, [coin_id])[:, 0]
    return found
