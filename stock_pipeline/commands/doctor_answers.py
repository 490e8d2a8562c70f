"""`doctor --ask`: is each key accepted now? One small question to every service, nothing kept."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from stock_pipeline.clock import Clock, today_kst
from stock_pipeline.commands.doctor_keys import KEYS
from stock_pipeline.commands.finding import Finding
from stock_pipeline.errors import AuthError, PipelineError
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.redaction import Scrubber
from stock_pipeline.settings import Settings
from stock_pipeline.sources.coingecko import CoinGecko
from stock_pipeline.sources.dart import Dart
from stock_pipeline.sources.fred import Fred
from stock_pipeline.sources.fsc import Fsc
from stock_pipeline.sources.fss import Fss
from stock_pipeline.sources.krx import Krx
from stock_pipeline.sources.krx_login import Account
from stock_pipeline.sources.krx_openapi import KrxOpenApi
from stock_pipeline.sources.transport import Transport
from stock_pipeline.storage.archive import FileArchive
from stock_pipeline.storage.budget import PostgresBudget
from stock_pipeline.storage.database import Database

# A longer wait is for a run; whoever asks at the screen wants to know now.
LONGEST_WAIT = 3.0


class WouldWait(PipelineError):
    """The service asks for a later try."""


def answers(settings: Settings, url: str, calendar: MarketCalendar) -> Iterator[Finding]:
    """Ask every service whose key is set for something small, and say what came of it.

    url  the database: what is asked here counts into the allowances of the day
    """
    database = Database(url)
    with closing(database), tempfile.TemporaryDirectory() as folder:
        clock = AtOnce(database.clock)
        transport = Transport(
            PostgresBudget(database),
            FileArchive(Path(folder), clock=clock),
            clock,
            Scrubber(settings.secrets),
            pace_factor=settings.pace_factor,
        )
        questions = _questions(settings, transport, calendar)
        for key in KEYS:
            if not key.missing_in(settings):
                yield _answer(key.source, questions[key.source])


class AtOnce:
    """A clock that refuses long waits."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.now = clock.now
        self.monotonic = clock.monotonic

    def sleep(self, seconds: float) -> None:
        """Wait for a moment.

        Raises  WouldWait instead of waiting longer
        """
        if seconds > LONGEST_WAIT:
            raise WouldWait(f"no good answer now; a run would ask again in {seconds:.0f} s")
        self._clock.sleep(seconds)


def _answer(source: str, question: Callable[[], object]) -> Finding:
    try:
        question()
    except AuthError as error:
        return Finding(f"answer {source}", "fail", str(error))
    except PipelineError as error:
        return Finding(f"answer {source}", "warn", f"{type(error).__name__}: {error}")
    return Finding(f"answer {source}", "ok", "answers")


def _questions(
    settings: Settings, transport: Transport, calendar: MarketCalendar
) -> Mapping[str, Callable[[], object]]:
    """Return of each service its smallest question that needs the key."""
    today = today_kst(transport.clock)
    # Also the slowest source has published it.
    day = calendar.closed_sessions("XKRX", transport.clock.now())[-4]

    def value(name: str) -> str:
        return str(getattr(settings, name).get_secret_value())

    return {
        "KRX": lambda: Krx(transport, Account(value("krx_id"), value("krx_pw"))).indices(day, "02"),
        "DART": lambda: Dart(transport, value("dart_api_key"), settings.dart_daily_limit).filings(
            day, day, kind="A"
        ),
        "FSC": lambda: Fsc(transport, value("fsc_api_key")).indices(day),
        "KRX_OPENAPI": lambda: KrxOpenApi(transport, value("krx_openapi_key")).indices(day),
        "FSS": lambda: Fss(transport, value("fss_api_key")).products(
            "rentHouseLoanProductsSearch", "050000"
        ),
        "FRED": lambda: Fred(transport, value("fred_api_key")).observations(
            "DGS10", today - timedelta(days=14), today
        ),
        "COINGECKO": lambda: CoinGecko(transport, value("coingecko_api_key")).price(
            ["bitcoin"], ["usd"]
        ),
    }
