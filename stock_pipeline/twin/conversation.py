"""One client's conversation with the twin: requests in, answers out, each logged first."""

from __future__ import annotations

import contextlib
import logging
import time
from dataclasses import dataclass
from datetime import timedelta

from stock_pipeline.twin.certificates import CertificateStore
from stock_pipeline.twin.clock import machine_now
from stock_pipeline.twin.connection import Connection, ConnectionEnded
from stock_pipeline.twin.message import MalformedRequest, read_head, read_request, render
from stock_pipeline.twin.request_log import LoggedRequest, RequestLog, without_secrets
from stock_pipeline.twin.routing import Outcome, Router
from stock_pipeline.twin.wire import Delivery, Request, cut_at

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
MALFORMED = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shared:
    """What all conversations of one twin share."""

    certificates: CertificateStore
    router: Router
    log: RequestLog


def converse(connection: Connection, shared: Shared) -> None:
    """Answer one client until either side ends the connection, then close it."""
    with contextlib.closing(connection), contextlib.suppress(ConnectionEnded):
        # ConnectionEnded is the ordinary end: the client left, or the twin is closing.
        try:
            _answer_all(connection, shared)
        except MalformedRequest as error:
            logger.warning("the twin cannot read a request: %s", error)
            connection.send(MALFORMED)


def _answer_all(connection: Connection, shared: Shared) -> None:
    head = read_head(connection)
    tunnel = ""
    if head.method == "CONNECT":
        tunnel = head.target.rpartition(":")[0].lower()
        _open_tunnel(connection, shared, tunnel)
        head = read_head(connection)
    while True:
        request = read_request(connection, head, tunnel)
        _answer_one(connection, shared, request, close=head.wants_close)
        if head.wants_close:
            return
        head = read_head(connection)


def _open_tunnel(connection: Connection, shared: Shared, name: str) -> None:
    """Accept a CONNECT and play the TLS server it leads to."""
    request = Request("CONNECT", name, "")
    if refusal := shared.router.refusal(request):
        _log(shared.log, request, refusal, seconds=0.0)
        connection.send(b"".join(render(refusal.answer, request, close=True)))
        raise ConnectionEnded
    connection.send(ESTABLISHED)
    try:
        connection.start_tls(shared.certificates.context(name))
    except ConnectionEnded as error:
        authority = shared.certificates.authority
        logger.warning("no TLS as %s: %s (the client must trust %s)", name, error, authority)
        raise


def _answer_one(connection: Connection, shared: Shared, request: Request, *, close: bool) -> None:
    started = time.perf_counter()
    outcome = shared.router.route(request)
    head, body = render(outcome.answer, request, close=close)
    _log(shared.log, request, outcome, seconds=time.perf_counter() - started)
    _deliver(connection, head, body, outcome.delivery)


def _log(log: RequestLog, request: Request, outcome: Outcome, *, seconds: float) -> None:
    unanswered = outcome.delivery.silent or (outcome.delivery.reset and not outcome.delivery.cut)
    log.add(
        LoggedRequest(
            at=machine_now() - timedelta(seconds=seconds),
            upstream=outcome.upstream,
            host=request.host,
            method=request.method,
            path=request.path,
            operation=outcome.answer.operation,
            status=0 if unanswered else outcome.answer.status,
            params=without_secrets(request.query, request.form),
            seconds=round(seconds, 6),
            faults=tuple(str(fault) for fault in outcome.faults),
        )
    )


def _deliver(connection: Connection, head: bytes, body: bytes, way: Delivery) -> None:
    """Put the bytes of an answer on the wire in the given way."""
    if way.delay:
        connection.pause(way.delay)
    if way.silent:
        connection.wait_for_end()
        raise ConnectionEnded
    if way.reset and not way.cut:
        connection.reset()
        raise ConnectionEnded
    sent = body[: cut_at(way.cut, len(body))] if way.cut else body
    if way.rate and way.drip_head:
        connection.drip(head + sent, way.rate)
    elif way.rate:
        connection.send(head)
        connection.drip(sent, way.rate)
    else:
        connection.send(head + sent)
    if way.reset:
        connection.reset()
    if way.cut:
        raise ConnectionEnded
