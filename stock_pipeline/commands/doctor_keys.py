"""Keys and allowances: which are set, which were accepted last, what is left of today.

Nobody is asked: the collection log says whether a key was accepted when it was used last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stock_pipeline.clock import today_kst
from stock_pipeline.commands.finding import Finding, State
from stock_pipeline.settings import Settings
from stock_pipeline.storage.database import Database

_USED = """
SELECT max(completed_at) FILTER (WHERE status = 'completed' AND source = :source AND requests > 0)
           AS accepted,
       max(completed_at) FILTER (WHERE strpos(concat_ws(' ', reason, error_message), :renew) > 0)
           AS refused
FROM data_collection_log
"""
_TODAY = """
SELECT source, (sum(requests) FILTER (WHERE day = :today))::bigint AS requests,
       max(quota) FILTER (WHERE day = :today) AS quota, max(blocked_until) AS blocked_until
FROM upstream_budget GROUP BY source ORDER BY source
"""


@dataclass(frozen=True)
class Key:
    """One key.

    settings  the variables that make it up
    lost      what is not collected without it
    """

    source: str
    settings: tuple[str, ...]
    lost: str
    optional: bool = False

    def missing_in(self, settings: Settings) -> list[str]:
        """Return those of its variables that are not set."""
        return [name for name in self.settings if getattr(settings, name.lower()) is None]


KEYS = (
    Key("KRX", ("KRX_ID", "KRX_PW"), "prices come later, from the next of PRICE_SOURCES"),
    Key("DART", ("DART_API_KEY",), "no statements, dividends and filings"),
    Key("FSC", ("FSC_API_KEY",), "no bonds; no third source of prices"),
    Key("KRX_OPENAPI", ("KRX_OPENAPI_KEY",), "no second source of prices", optional=True),
    Key("FSS", ("FSS_API_KEY",), "no bank products", optional=True),
    Key("FRED", ("FRED_API_KEY",), "stress index from four of six modules", optional=True),
    Key("COINGECKO", ("COINGECKO_API_KEY",), "nothing; it answers without", optional=True),
)


def keys(settings: Settings, database: Database) -> Iterator[Finding]:
    """Say of every key whether it is set and was accepted when it was used last."""
    for key in KEYS:
        missing = key.missing_in(settings)
        if missing:
            state: State = "ok" if key.optional else "warn"
            yield Finding(f"key {key.source}", state, f"{missing[0]} is not set: {key.lost}")
            continue
        renew = f"renew {key.settings[-1]}"
        used = {"source": key.source, "renew": renew}
        accepted, refused = database.read(_USED, used).row(0)
        if refused is not None and (accepted is None or refused > accepted):
            yield Finding(
                f"key {key.source}", "fail", f"refused {refused:%m-%d %H:%M} UTC: {renew}"
            )
        elif accepted is None:
            yield Finding(f"key {key.source}", "unknown", "set, not used yet; `--ask` tries it")
        else:
            yield Finding(f"key {key.source}", "ok", f"accepted {accepted:%m-%d %H:%M} UTC")


def quotas(database: Database) -> Iterator[Finding]:
    """Say what is left of today's allowances, and who is not to be asked at all."""
    now = database.clock.now()
    for row in database.read(_TODAY, {"today": today_kst(database.clock)}).to_dicts():
        requests, quota, until = row["requests"] or 0, row["quota"], row["blocked_until"]
        name = f"quota {row['source']}"
        if until is not None and until > now:
            yield Finding(name, "fail", f"blocked; nothing is sent before {until:%m-%d %H:%M} UTC")
        elif quota == 0 or (quota is not None and requests >= quota):
            yield Finding(name, "warn", f"used up: {requests:,} requests today")
        elif quota is not None:
            yield Finding(name, "ok", f"{quota - requests:,} of {quota:,} requests left today")
        elif requests:
            yield Finding(name, "ok", f"{requests:,} requests today, no limit known")
