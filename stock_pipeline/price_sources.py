"""Which official source answers for the prices of a day: the first of PRICE_SOURCES that can.

KRX's own pages are complete 45 minutes after the close, but they block and lock out; its Open API
follows at 08:00 of the next session, the Financial Services Commission (FSC) at 13:00. A day is
always that of one source: frames are never mixed, and a day stored from one source is replaced
whole, and only by the same source or one that stands before it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import polars as pl

from stock_pipeline.clock import KST, Clock
from stock_pipeline.errors import (
    AuthError,
    Blocked,
    EmptyOnBusinessDay,
    Maintenance,
    NetworkError,
    PipelineError,
    QuotaExhausted,
    RateLimited,
    ServerError,
    SettingMissing,
    Timeout,
)
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.sources.fsc import Fsc
from stock_pipeline.sources.krx import Krx
from stock_pipeline.sources.krx_openapi import KrxOpenApi
from stock_pipeline.sources.transport import STOPS
from stock_pipeline.sources.transport_terms import NotArchived
from stock_pipeline.storage.database import Database
from stock_pipeline.work import NO_HISTORY, Collected

MARKET = "XKRX"
NEXT_SESSION_AT = {"krx_openapi": time(8, 0), "fsc": time(13, 0)}
FIRST_DAYS = {"krx_openapi": date(2010, 1, 4), "fsc": date(2020, 1, 2)}
# The exchange has never been closed for longer than 11 days (Chuseok 2017).
LONGEST_CLOSING = timedelta(days=30)

# After one of these the next source is asked. Drifted columns, broken answers and rows that break
# rules are not among them: they want a person, and another source must not cover them up.
PASSED_ON = (
    AuthError,
    Blocked,
    EmptyOnBusinessDay,
    Maintenance,
    NetworkError,
    QuotaExhausted,
    RateLimited,
    ServerError,
    SettingMissing,
    Timeout,
    NotArchived,
)
# Without its key, or while the archive is replayed without an answer of it, a source was not asked.
NEVER_ASKED = (SettingMissing, NotArchived)

# After one of these no further request of a source can succeed in this run; what is left is healed
# later.
STOPS_SOURCE = (*STOPS, SettingMissing)
# Somebody must do something before a source that refused so answers again.
REFUSALS = (AuthError, Blocked)
SEVERITIES = ("INFO", "WARN", "CRITICAL")

# The rule that does not hold for a day that is of another source because of a refusal; the warning
# counts the sources that refused.
PREFERRED_SOURCE_ANSWERS = "preferred_source_answers"

Answers = Mapping[str, Callable[[], pl.DataFrame]]

_log = logging.getLogger(__name__)


class SourcesLeft(PipelineError):
    """A day failed for good at a source, but another one may still have the days after it.

    error  what happened to the day
    """

    def __init__(self, error: PipelineError) -> None:
        self.error = error
        super().__init__(str(error))
        self.outcome = error.outcome
        self.severity = error.severity


@dataclass(frozen=True)
class PriceSources:
    """The sources of daily prices in the order in which they are preferred.

    order  names of PRICE_SOURCES, best first: krx, krx_openapi, fsc
    """

    krx: Krx
    krx_openapi: KrxOpenApi
    fsc: Fsc
    order: Sequence[str]
    db: Database
    calendar: MarketCalendar
    clock: Clock

    def first(self, table: str, day: date, answers: Answers) -> Collected:
        """Return the day from the first source that has published it and answers.

        answers  name of a source → what asks it and returns the day's rows of `table`
        Missing  without rows: nobody that can be asked has published the day yet, or nobody goes
                 back so far
        Raises   the gravest error when all that were asked failed, of equal ones the first; within
                 SourcesLeft when it stops its source and not all sources are stopped
        """
        return self._ask(self._allowed(table, day), f"{table} {day}", day, answers)

    def another(self, stored: str, day: date, answers: Answers) -> Collected:
        """Return the day from the first source but the stored one, to be held against it.

        stored   name of the source that is left out
        Missing  and Raises as of `first`
        """
        others = [name for name in self.order if name != stored]
        return self._ask(others, f"a second {day}", day, answers)

    def _ask(self, names: Sequence[str], what: str, day: date, answers: Answers) -> Collected:
        asked = [name for name in names if name in answers]
        failures: dict[str, PipelineError] = {}
        for name in asked:
            if not self.has_published(name, day):
                continue
            try:
                frame = answers[name]()
            except PASSED_ON as error:
                _log.warning("%s: %s was passed over: %s", what, name, error)
                failures[name] = error
            else:
                return _answered(frame, failures)
        late = [name for name in asked if self._is_awaited(name, day)]
        if late and all(isinstance(error, NEVER_ASKED) for error in failures.values()):
            return _not_out(day, late, failures)
        if not failures:
            return Collected(pl.DataFrame(), outcome="no_data", reason=NO_HISTORY)
        raise self._failure(failures, answers)

    def _failure(self, failures: Mapping[str, PipelineError], answers: Answers) -> PipelineError:
        """Return the error that says most about a day, and whether a later day can be asked for."""
        errors = list(failures.values())
        asked = [error for error in errors if not isinstance(error, NEVER_ASKED)]
        gravest = max(asked or errors, key=lambda error: SEVERITIES.index(error.severity))
        left = [
            name
            for name in self.order
            if name in answers and not isinstance(failures.get(name), STOPS_SOURCE)
        ]
        return SourcesLeft(gravest) if left and isinstance(gravest, STOPS_SOURCE) else gravest

    def has_published(self, name: str, day: date) -> bool:
        """Tell whether a source has all of a session by now; never, before its first day."""
        published = self.published_at(name, day)
        return published is not None and published <= self.clock.now()

    def published_at(self, name: str, day: date) -> datetime | None:
        """Return the instant from which a source has all of a session; None: it never will."""
        return published_at(self.calendar, name, day)

    def _is_awaited(self, name: str, day: date) -> bool:
        published = self.published_at(name, day)
        return published is not None and published > self.clock.now()

    def stored_source(self, table: str, day: date) -> str | None:
        """Return the name of the source from which a day is stored, None when it is not."""
        found = self.db.read(
            "SELECT source FROM data_collection_log WHERE asset = :table AND partition = :day"
            " AND outcome = 'rows' ORDER BY source IS NULL, completed_at DESC LIMIT 1",
            {"table": table, "day": day.isoformat()},
        )
        if found.is_empty():
            return None
        source = found.item()
        return self._source_of_rows(table, day) if source is None else str(source).lower()

    def _source_of_rows(self, table: str, day: date) -> str | None:
        """Return the source of a day whose log row is older than the log's column `source`.

        Caveats  the rows of a demo say only DEMO; it asks the preferred source
        """
        found = self.db.read(
            f"SELECT source FROM {table} WHERE trade_date = :day AND source IS NOT NULL LIMIT 1",
            {"day": day},
        )
        source = str(found.item()).lower() if found.height else None
        return self.order[0] if source == "demo" else source

    def _allowed(self, table: str, day: date) -> Sequence[str]:
        """Return the sources that may write the day: none that is worse than the stored one."""
        stored = self.stored_source(table, day)
        if stored not in self.order:
            return self.order
        return self.order[: self.order.index(stored) + 1]


def published_at(calendar: MarketCalendar, name: str, day: date) -> datetime | None:
    """Return the instant from which a source of prices has all of a session.

    Missing  None for a day before the first that the source knows
    Caveats  a working day without a session (31 December) counts as closed
    """
    if name not in NEXT_SESSION_AT:
        return calendar.published_at(MARKET, day)
    if day < FIRST_DAYS[name]:
        return None
    following = calendar.sessions(MARKET, day + timedelta(days=1), day + LONGEST_CLOSING)
    return datetime.combine(following[0], NEXT_SESSION_AT[name], KST)


def _answered(frame: pl.DataFrame, failures: Mapping[str, PipelineError]) -> Collected:
    refused = sum(isinstance(error, REFUSALS) for error in failures.values())
    warnings = {PREFERRED_SOURCE_ANSWERS: refused} if refused else {}
    return Collected(frame, reason=", ".join(_classes(failures)), warnings=warnings)


def _not_out(day: date, late: Sequence[str], failures: Mapping[str, PipelineError]) -> Collected:
    reason = ", ".join([f"{day} is not out at {', '.join(late)}", *_classes(failures)])
    return Collected(pl.DataFrame(), outcome="not_yet_published", reason=reason)


def _classes(failures: Mapping[str, PipelineError]) -> list[str]:
    return [f"{name}: {type(error).__name__}" for name, error in failures.items()]
