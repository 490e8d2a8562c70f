"""Who answers a request: a fault, a recording, or the upstream that plays its host.

With recordings an upstream only answers what a client needs to get started (its `STARTUP`
operations, such as the login); whatever else was not recorded is unknown.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from stock_pipeline.twin.fault_kinds import KINDS
from stock_pipeline.twin.faults import ArmedFaults, Fault
from stock_pipeline.twin.replay import Replay
from stock_pipeline.twin.wire import Answer, Delivery, Request, operation_of

UNKNOWN_STATUS = 502
UNREACHABLE_STATUS = 503

logger = logging.getLogger(__name__)


class Upstream(Protocol):
    """Whatever plays the hosts of one service: `HOSTS` stands in its class or in its module."""

    def answer(self, request: Request) -> Answer | None:
        """Answer one request, or return None when the service has no such thing."""


@dataclass(frozen=True)
class Outcome:
    """What to put on the wire and what to write into the log.

    upstream  "" when nobody plays the host
    """

    upstream: str
    answer: Answer
    delivery: Delivery
    faults: tuple[Fault, ...]


class Router:
    """The upstreams, recordings and faults of one twin."""

    def __init__(
        self, upstreams: Sequence[Upstream], replay: Replay | None, faults: ArmedFaults
    ) -> None:
        self._upstreams = {
            host: upstream for upstream in upstreams for host in declared(upstream, "HOSTS")
        }
        self._names = {name_of(upstream) for upstream in upstreams}
        self._replay = replay
        self._faults = faults

    def refusal(self, connect: Request) -> Outcome | None:
        """Refuse a CONNECT if a fault keeps its host from being reached; None lets it pass."""
        upstream = self._name(connect.host)
        faults = self._faults.take({connect.host, upstream}, connect)
        if not faults:
            return None
        answer = Answer(UNREACHABLE_STATUS, b"", "text/plain", connect.method)
        return Outcome(upstream, answer, Delivery(), tuple(faults))

    def route(self, request: Request) -> Outcome:
        """Find the answer to a request and play the faults that wait for it."""
        upstream = self._name(request.host)
        names = {upstream, request.host, operation_of(request)}
        faults = self._faults.take(names, request)
        answer = _replacement(faults, request) or self._answer(request)
        if answer.operation not in names | self._names:
            # Only the answer tells the operation: a fault may wait for that name. One that is
            # also an upstream's name means the upstream.
            late = self._faults.take({answer.operation}, request)
            answer = _replacement(late, request) or answer
            faults += late
        delivery = Delivery()
        for fault in faults:
            kind = KINDS[fault.kind]
            if kind.edit is not None:
                answer = kind.edit(fault.value, answer)
            if kind.deliver is not None:
                delivery = kind.deliver(fault.value, delivery)
        return Outcome(upstream, answer, delivery, tuple(faults))

    def _name(self, host: str) -> str:
        upstream = self._upstreams.get(host)
        return name_of(upstream) if upstream is not None else ""

    def _answer(self, request: Request) -> Answer:
        upstream = self._upstreams.get(request.host)
        if self._replay is None:
            answer = upstream.answer(request) if upstream is not None else None
        else:
            answer = self._replay.answer(request) or _start_up(upstream, request)
        return answer or _unknown(request)


def declared(upstream: Upstream, constant: str) -> frozenset[str]:
    """Return a constant of an upstream's class, or of its module; empty without either."""
    module = sys.modules[type(upstream).__module__]
    names: frozenset[str] = getattr(upstream, constant, getattr(module, constant, frozenset()))
    return names


def name_of(upstream: Upstream) -> str:
    """Return the name faults and the log call an upstream by: `FdrCache` is `fdr_cache`."""
    own: str = getattr(upstream, "name", type(upstream).__name__)
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", own).lower()


def _start_up(upstream: Upstream | None, request: Request) -> Answer | None:
    """Let an upstream answer one of its start-up operations beside recordings."""
    if upstream is None or not (allowed := declared(upstream, "STARTUP")):
        return None
    answer = upstream.answer(request)
    return answer if answer is not None and answer.operation in allowed else None


def _replacement(faults: Sequence[Fault], request: Request) -> Answer | None:
    for fault in faults:
        make = KINDS[fault.kind].replace
        if make is not None:
            return make(fault.value, request)
    return None


def _unknown(request: Request) -> Answer:
    asked = f"{request.method} {request.host}{request.path} ({operation_of(request)})"
    logger.warning("the twin does not play %s", asked)
    body = f"the twin does not play {asked}\n"
    return Answer(UNKNOWN_STATUS, body.encode(), "text/plain; charset=utf-8", operation_of(request))
