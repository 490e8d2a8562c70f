"""The one way to the upstreams: paced, bounded, retried by error class, archived.

A source describes its upstream as data (`Upstream`) and its requests as data (`Call`), and gives a
function that turns an answer into data or raises. Waiting and repeating happen here and nowhere
else; counting and pacing are shared with other processes through a `Budget`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import requests

from stock_pipeline.clock import Clock
from stock_pipeline.errors import (
    AuthError,
    Blocked,
    Maintenance,
    QuotaExhausted,
    RateLimited,
    ServerError,
    UpstreamError,
)
from stock_pipeline.redaction import Scrubber
from stock_pipeline.sources.retry import JITTER, Breaker, next_midnight_kst, next_wait
from stock_pipeline.sources.transport_terms import (
    Archive,
    Archived,
    Budget,
    Call,
    Exchange,
    NotArchived,
    NotEntitled,
    Payload,
    Upstream,
)
from stock_pipeline.sources.transport_wire import (
    Answer,
    GuardedAdapter,
    Limits,
    Wire,
    body_as_received,
    last_path_part,
)

__all__ = [
    "Archive",
    "Archived",
    "Budget",
    "Call",
    "Exchange",
    "NotArchived",
    "NotEntitled",
    "Payload",
    "Transport",
    "Upstream",
]

T = TypeVar("T")

NOT_MODIFIED = 304
# After one of these the source is not asked again in this run; after NotEntitled the operation.
STOPS = (RateLimited, QuotaExhausted, Blocked, AuthError, Maintenance)


class _Lane:
    """One source in this run: its connections, its failures, whether it is still asked."""

    def __init__(self, session: requests.Session) -> None:
        self.session = session
        self.breaker = Breaker()
        self.stopped: UpstreamError | None = None
        self.not_entitled: dict[str, NotEntitled] = {}

    def require_open(self, operation: str, now: datetime) -> None:
        until = getattr(self.stopped, "until", None)
        if until is not None and until <= now:
            self.stopped = None
        error = self.stopped or self.not_entitled.get(operation)
        if error is not None:
            raise error.with_traceback(None)

    def stop(self, operation: str, error: UpstreamError) -> None:
        if isinstance(error, NotEntitled):
            self.not_entitled[operation] = error
        elif isinstance(error, STOPS):
            self.stopped = error


class Transport:
    """Sends the requests of one run; all sources of the run share it."""

    def __init__(
        self,
        budget: Budget,
        archive: Archive,
        clock: Clock,
        scrubber: Scrubber,
        *,
        pace_factor: float = 1.0,
    ) -> None:
        self.archive = archive
        self.clock = clock
        self.scrubber = scrubber
        self._budget = budget
        self._pace_factor = pace_factor
        self._random = random.Random()
        self._lanes: dict[str, _Lane] = {}

    def fetch(self, upstream: Upstream, call: Call, decode: Callable[[Answer], T]) -> Payload[T]:
        """Get one answer, decode it, archive it.

        decode  returns the data or raises an UpstreamError, whose class decides what happens next
        """
        if self.archive.replaying:
            return self._replayed(upstream, call, decode)
        return self.attempt(upstream, call.operation, lambda: self._sent(upstream, call, decode))

    def attempt(self, upstream: Upstream, operation: str, action: Callable[[], T]) -> T:
        """Run `action`, which sends requests of this upstream, and repeat it as the table says."""
        lane = self._lane(upstream)
        repetition = 0
        while True:
            lane.require_open(operation, self.clock.now())
            try:
                result = action()
            except UpstreamError as error:
                failure = error
            else:
                lane.breaker.succeeded()
                return result
            lane.breaker.failed()
            wait = self._wait_after(failure, repetition, upstream, lane)
            if wait is None:
                break
            self.clock.sleep(wait)
            repetition += 1
        if isinstance(failure, RateLimited) and upstream.rate_is_quota:
            until = next_midnight_kst(self.clock.now())
            failure = QuotaExhausted(upstream.name, operation, failure.detail, until=until)
        if isinstance(failure, QuotaExhausted):
            ours = failure.source == upstream.name
            self._budget.exhaust(upstream.counter if ours else failure.source)
        lane.stop(operation, failure)
        raise failure.with_traceback(None)

    def require_open(self, upstream: Upstream, operation: str) -> None:
        """Raise what has stopped an upstream, or this operation of it, earlier in this run."""
        self._lane(upstream).require_open(operation, self.clock.now())

    def session(
        self,
        upstream: Upstream,
        inspect: Callable[[Answer], bytes] = body_as_received,
        operation: Callable[[requests.PreparedRequest], str] = last_path_part,
    ) -> requests.Session:
        """Return a new HTTP session for a client library; all its requests are guarded."""
        wire = Wire(
            upstream.name,
            self.clock,
            lambda name: self.admit(upstream, name),
            inspect,
            operation,
        )
        session = requests.Session()
        session.headers["Accept-Encoding"] = "gzip, deflate"
        everywhere = {"https://": Limits(), "http://": Limits()}
        for prefix, limits in {**everywhere, **upstream.limits}.items():
            session.mount(prefix, GuardedAdapter(wire, limits))
        return session

    def admit(self, upstream: Upstream, operation: str) -> None:
        """Wait for the next free slot of the upstream and count the request.

        Raises  Maintenance in closing hours; Blocked and QuotaExhausted as the budget says
        """
        if self.archive.replaying:
            raise NotArchived(upstream.name, operation)
        until = upstream.closed_until(self.clock.now())
        if until is not None:
            raise Maintenance(upstream.name, operation, until=until)
        pace = self.pace(upstream)
        wait = self._budget.admit(upstream.counter, pace=pace, limit=upstream.daily_limit)
        if wait > 0:
            self.clock.sleep(wait)
        self.archive.attempted(upstream.name)

    def pace(self, upstream: Upstream) -> float:
        """Return the seconds between requests of an upstream, as configured."""
        return upstream.pace * self._pace_factor

    def block(self, upstream: Upstream) -> datetime:
        """Stop all processes from asking the upstream for its blocking time; return its end."""
        until = self.clock.now() + upstream.block_for
        self._budget.block(upstream.counter, until)
        return until

    def blocked(self, upstream: Upstream, operation: str, detail: str) -> Blocked:
        """Block the upstream for all processes and return the error that says so."""
        return Blocked(upstream.name, operation, detail, until=self.block(upstream))

    def _wait_after(
        self, failure: UpstreamError, repetition: int, upstream: Upstream, lane: _Lane
    ) -> float | None:
        reason = lane.breaker.reason()
        if reason is not None:
            detail = f"not asked again in this run: {reason}, last {type(failure).__name__}"
            lane.stopped = ServerError(upstream.name, failure.operation, detail)
            return None
        stretch = self._random.uniform(*JITTER)
        return next_wait(failure, repetition, upstream.waits, stretch)

    def _lane(self, upstream: Upstream) -> _Lane:
        if upstream.counter not in self._lanes:
            self._lanes[upstream.counter] = _Lane(self.session(upstream))
        return self._lanes[upstream.counter]

    def _sent(self, upstream: Upstream, call: Call, decode: Callable[[Answer], T]) -> Payload[T]:
        known = self._known(upstream, call)
        response = self._lane(upstream).session.get(
            call.url,
            params={**call.params, **call.secrets},
            headers={**call.headers, **call.secret_headers, **_validators(known)},
            allow_redirects=False,
        )
        answer = Answer(
            upstream.name, call.operation, response.status_code, response.headers, response.content
        )
        if known is not None and answer.status == NOT_MODIFIED:
            answer = _answer_of(upstream, call.operation, known)
        fetched_at = self.clock.now()
        data = decode(answer)
        self.archive.store(_exchange(upstream, call, fetched_at, answer))
        return Payload(data, fetched_at)

    def _known(self, upstream: Upstream, call: Call) -> Archived | None:
        """Return the archived answer that may still be the same; None to ask for it in any case."""
        if not call.conditional:
            return None
        found = self.archive.newest(upstream.name, call.operation, call.params)
        return found if found is not None and _validators(found) else None

    def _replayed(
        self, upstream: Upstream, call: Call, decode: Callable[[Answer], T]
    ) -> Payload[T]:
        found = self.archive.find(upstream.name, call.operation, call.params)
        exact = [e for e in found if dict(e.params) == dict(call.params)]
        if not exact:
            raise NotArchived(upstream.name, call.operation)
        return self.replay(upstream, call.operation, exact[0], decode)

    def replay(
        self,
        upstream: Upstream,
        operation: str,
        archived: Archived,
        decode: Callable[[Answer], T],
    ) -> Payload[T]:
        """Decode an archived answer as if it had just come."""
        return Payload(decode(_answer_of(upstream, operation, archived)), archived.fetched_at)


def _validators(known: Archived | None) -> dict[str, str]:
    """Return the headers that ask for an answer only if it is no longer the known one."""
    if known is None:
        return {}
    asked = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    return {name: value for name, value in asked.items() if value}


def _answer_of(upstream: Upstream, operation: str, archived: Archived) -> Answer:
    """Return an archived answer as it came."""
    told = {
        "Content-Type": archived.content_type,
        "ETag": archived.etag,
        "Last-Modified": archived.last_modified,
    }
    headers = {name: value for name, value in told.items() if value}
    return Answer(upstream.name, operation, 200, headers, archived.body)


def _exchange(upstream: Upstream, call: Call, fetched_at: datetime, answer: Answer) -> Exchange:
    return Exchange(
        upstream.name,
        call.operation,
        dict(call.params),
        fetched_at,
        answer.content_type,
        answer.body,
        answer.headers.get("ETag", ""),
        answer.headers.get("Last-Modified", ""),
    )
