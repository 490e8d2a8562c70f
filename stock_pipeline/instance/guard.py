"""The guard in front of everything that is served over HTTP: Dagster's own pages and ours.

Dagster's web server has no login, executes mutations out of an address and takes them from the page
of any site. Everything passes here first: who is asked (`Host`), who asks (`Origin`), how (JSON, by
POST, up to 1 MB), and, before something changes, whether the one who asks is known. Reading is open
where only this machine can reach us, and nowhere else.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stock_pipeline.instance import refusals
from stock_pipeline.instance.graphql_kind import changes_state
from stock_pipeline.instance.refusals import Refused

POLICY_VIOLATION = 1008
# Nobody may frame our pages, sniff their types, learn their addresses or hold their windows.
_HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_NO_FRAMES = "frame-ancestors 'none'"

IsKnown = Callable[[Headers], bool]


@dataclass(frozen=True)
class Rules:
    """What the guard goes by.

    hosts            every `host:port` under which this server may be asked, small letters
    reads_are_open   whether who is not known may look
    graphql          the path of Dagster's GraphQL
    login            paths that must work for who is not known yet
    body_seconds     how long a body may take to come
    """

    hosts: frozenset[str]
    reads_are_open: bool
    graphql: str = "/graphql"
    login: frozenset[str] = frozenset({"/login", "/login.js"})
    body_seconds: float = 30.0


class Guard:
    """An ASGI application that lets through to another one what the rules allow."""

    def __init__(self, app: ASGIApp, rules: Rules, is_known: IsKnown) -> None:
        self._app = app
        self._rules = rules
        self._is_known = is_known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, converse over a websocket, or pass on what is neither."""
        if scope["type"] == "http":
            await self._answer(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await self._converse(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        try:
            self._require_admissible(scope, headers)
            if scope["method"] not in refusals.READING:
                body = await _body(receive, self._rules.body_seconds)
                self._require_known_for(body, scope, headers)
                receive = _replay(body, receive)
        except Refused as refused:
            await self._refusal(refused, scope, headers)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _require_admissible(self, scope: Scope, headers: Headers) -> None:
        """Refuse what can be judged before the body is read."""
        method, path = scope["method"], scope["path"]
        host = refusals.require_host(headers, self._rules.hosts)
        refusals.require_own_origin(method, headers, host)
        if path == self._rules.graphql:
            refusals.require_readable_method(method, headers, scope["query_string"])
        if method not in refusals.READING:
            refusals.require_json(headers)
        refusals.require_small(headers)
        if path not in self._rules.login:
            is_change = method not in refusals.READING and path != self._rules.graphql
            if is_change or not self._rules.reads_are_open:
                self._require_known(headers)

    def _require_known_for(self, body: bytes, scope: Scope, headers: Headers) -> None:
        """Refuse a mutation of who is not known; queries come by the same way."""
        if scope["path"] == self._rules.graphql and changes_state(_query(body)):
            self._require_known(headers)

    def _require_known(self, headers: Headers) -> None:
        if not self._is_known(headers):
            raise Refused(HTTPStatus.UNAUTHORIZED, refusals.LOG_IN)

    def _refusal(self, refused: Refused, scope: Scope, headers: Headers) -> Response:
        """Return an answer that says why, in the form that GraphQL clients show."""
        is_page = scope["method"] == "GET" and "text/html" in headers.get("accept", "")
        is_login_needed = refused.status == HTTPStatus.UNAUTHORIZED
        if is_login_needed and is_page:
            return RedirectResponse("/login", HTTPStatus.SEE_OTHER)
        return JSONResponse(
            {"errors": [{"message": str(refused)}]},
            refused.status,
            # What follows of a body that was not read is not the next request.
            {"Connection": "close"} | ({"WWW-Authenticate": "Bearer"} if is_login_needed else {}),
        )

    async def _converse(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        try:
            host = refusals.require_host(headers, self._rules.hosts)
            refusals.require_own_origin("GET", headers, host)
            # Every browser names the origin of a websocket; who does not must be known.
            if "origin" not in headers or not self._rules.reads_are_open:
                self._require_known(headers)
            if scope["path"] != self._rules.graphql:
                self._require_known(headers)
        except Refused:
            # Closed before it is accepted, it is refused with 403 whatever the reason.
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        await self._app(scope, _without_mutations(receive, send), send)


async def _body(receive: Receive, seconds: float) -> bytes:
    """Return the whole body; it is neither long nor slow.

    Raises  Refused
    """
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Refused(HTTPStatus.BAD_REQUEST, "the connection ended in the body")
                body += message.get("body", b"")
                if len(body) > refusals.BODY_LIMIT:
                    raise refusals.too_long()
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, "the body did not come") from None


def _query(body: bytes) -> str:
    """Return the GraphQL document of a body, read as Dagster reads it.

    Raises  Refused
    """
    try:
        query = json.loads(body)["query"]
    except (ValueError, RecursionError, TypeError, KeyError):
        raise Refused(HTTPStatus.BAD_REQUEST, 'send {"query": "..."} as JSON') from None
    if not isinstance(query, str):
        raise Refused(HTTPStatus.BAD_REQUEST, "a GraphQL document is text")
    return query


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a receive that gives a body that was read once more."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def _without_mutations(receive: Receive, send: Send) -> Receive:
    """Return a receive that ends a conversation as soon as it would change something.

    The page sends its mutations by POST; a websocket is for what it watches.
    """

    async def checked() -> Message:
        message = await receive()
        if message["type"] != "websocket.receive" or _is_watching(message.get("text")):
            return message
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        return {"type": "websocket.disconnect", "code": POLICY_VIOLATION}

    return checked


def _is_watching(text: str | None) -> bool:
    """Tell whether a message of the GraphQL websocket asks for nothing but to watch."""
    try:
        message = json.loads(text or "")
        payload = message.get("payload") or {}
        return not changes_state(payload.get("query", ""))
    except (ValueError, RecursionError, AttributeError, TypeError):
        return False


def _with_headers(send: Send) -> Send:
    """Return a send whose answers tell the browser to keep other sites out."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            policy = headers.get("content-security-policy")
            kept = f"{policy.rstrip('; ')}; " if policy else ""
            headers["Content-Security-Policy"] = f"{kept}{_NO_FRAMES}"
        await send(message)

    return guarded
