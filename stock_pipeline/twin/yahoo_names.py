"""What Yahoo calls the instruments: the words of a chart's `meta` that never change."""

from __future__ import annotations

from typing import NamedTuple

from stock_pipeline.twin.world_abroad_plans import BITCOIN


class Names(NamedTuple):
    """How Yahoo describes one instrument.

    extended  whether it trades before the opening and after the close
    decimals  Yahoo's `priceHint`
    """

    kind: str
    code: str
    place: str
    long: str
    short: str
    currency: str = "USD"
    extended: bool = False
    decimals: int = 2


def _fund(code: str, place: str, long: str, short: str) -> Names:
    return Names("ETF", code, place, long, short, extended=True)


_ARCA, _NASDAQ = ("PCX", "NYSEArca"), ("NGM", "NasdaqGM")
NAMES = {
    "^VIX": Names("INDEX", "CXI", "Cboe Indices", "CBOE Volatility Index", "CBOE Volatility Index"),
    "^GSPC": Names("INDEX", "SNP", "SNP", "S&P 500", "S&P 500"),
    "^IXIC": Names("INDEX", "NIM", "Nasdaq GIDS", "NASDAQ Composite", "NASDAQ Composite"),
    "SOXL": _fund(*_ARCA, "Direxion Daily Semiconductor Bull 3X Shares", "Direxion Semicond Bull"),
    "HYG": _fund(*_ARCA, "iShares iBoxx $ High Yield Corporate Bond ETF", "iShares High Yield"),
    "LQD": _fund(*_ARCA, "iShares iBoxx $ Inv Grade Corporate Bond ETF", "iShares Inv Grade"),
    "TLT": _fund(*_NASDAQ, "iShares 20+ Year Treasury Bond ETF", "iShares 20+ Year Treasury"),
    "IEF": _fund(*_NASDAQ, "iShares 7-10 Year Treasury Bond ETF", "iShares 7-10 Year Treasury"),
    "SHV": _fund(*_NASDAQ, "iShares Short Treasury Bond ETF", "iShares Short Treasury Bond"),
    "KRE": _fund(*_ARCA, "SPDR S&P Regional Banking ETF", "SPDR S&P Regional Banking ETF"),
    "VNQ": _fund(*_ARCA, "Vanguard Real Estate Index Fund", "Vanguard Real Estate ETF"),
    "GC=F": Names("FUTURE", "CMX", "COMEX", "Gold Futures", "Gold"),
    "SI=F": Names("FUTURE", "CMX", "COMEX", "Silver Futures", "Silver", decimals=3),
    "KRW=X": Names("CURRENCY", "CCY", "CCY", "USD/KRW", "USD/KRW", "KRW", decimals=4),
} | {
    symbol: Names("CRYPTOCURRENCY", "CCC", "CCC", f"Bitcoin {money}", f"Bitcoin {money}", money)
    for symbol, money in BITCOIN.items()
}
