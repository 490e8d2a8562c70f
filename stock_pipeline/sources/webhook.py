"""A webhook: where it may lead, and one POST to it.

The address is a secret and comes from outside, so it is held against the list of allowed hosts
before anything is asked, and the name is resolved once: the connection goes to the very address
that was found to be a public one. No redirect is followed and no proxy of the environment is used.
"""

from __future__ import annotations

import ipaddress
import math
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from urllib3.connectionpool import HTTPConnectionPool

from stock_pipeline.clock import Clock
from stock_pipeline.errors import (
    AuthError,
    BadPayload,
    BadRequest,
    RateLimited,
    ServerError,
    SettingInvalid,
)
from stock_pipeline.sources.retry import parse_retry_after
from stock_pipeline.sources.transport_wire import Answer, GuardedAdapter, Limits, Wire

LIMITS = Limits(connect=5.0, read=10.0, total=10.0, decoded_bytes=64 * 1024)
HTTPS_PORT = 443
LONGEST_RETRY_AFTER = 24 * 3600.0
# The message is refused, not the sender: another one may be accepted.
REFUSED_MESSAGE = (400, 413, 415, 422)


@dataclass(frozen=True)
class Address:
    """Where a webhook leads.

    is_listed  the list names this host with its port: it may be local and without encryption
    """

    setting: str
    url: str = field(repr=False)
    is_listed: bool = False


def address(setting: str, url: str, allowed: Sequence[str]) -> Address:
    """Return the address of a webhook if it leads to an allowed host.

    Raises  SettingInvalid naming the setting, never its value
    """
    # Parsers disagree about these; whoever reads another host than we do leads elsewhere.
    if any(c <= " " or c == "\x7f" or c in "\\#@" for c in url):
        raise SettingInvalid(setting, "it holds a character that no webhook has")
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, (parts.hostname or ""), parts.port
    except ValueError:
        raise SettingInvalid(setting, "it is not an address") from None
    if f"{host}:{port}" in allowed and scheme in {"http", "https"}:
        return Address(setting, url, is_listed=True)
    if scheme != "https" or port not in {None, HTTPS_PORT}:
        raise SettingInvalid(setting, "it must begin with https:// and name no other port")
    if host not in allowed:
        raise SettingInvalid(setting, "its host is not in WEBHOOK_ALLOWED_HOSTS")
    return Address(setting, url)


def post(source: str, to: Address, body: Mapping[str, Any], clock: Clock) -> None:
    """Send one message.

    Raises  AuthError when the webhook is gone or refused, BadRequest when the message is,
            RateLimited, and the other UpstreamErrors when it may be tried again
    """

    def inspect(answer: Answer) -> bytes:
        _require_success(answer, to.setting, clock)
        return answer.body

    wire = Wire(source, clock, _admit, inspect, lambda _: "webhook")
    adapter = GuardedAdapter(wire, LIMITS) if to.is_listed else _PublicOnly(wire, LIMITS)
    with requests.Session() as session:
        session.trust_env = False
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        session.post(to.url, json=body, allow_redirects=False)


def _admit(_: str) -> None:
    """Let every request out: whoever sends alerts counts them."""


def _require_success(answer: Answer, setting: str, clock: Clock) -> None:
    source, operation, status = answer.source, answer.operation, answer.status
    if 200 <= status < 300:
        return
    detail = f"HTTP {status}"
    if status == 429:
        raise RateLimited(source, operation, detail, retry_after=_retry_after(answer, clock))
    if status >= 500 or status == 408:
        raise ServerError(source, operation, detail)
    if status in REFUSED_MESSAGE:
        raise BadRequest(source, operation, detail)
    if 300 <= status < 400:
        raise BadPayload(source, operation, f"{detail}: a redirect is not followed")
    raise AuthError(source, operation, detail, setting=setting)


def _retry_after(answer: Answer, clock: Clock) -> float | None:
    """Return the seconds after which the webhook may be asked again; None: it does not say.

    Discord says it in the body, with decimals; the header has the same, rounded.
    """
    told = answer.headers.get("Retry-After")
    try:
        seconds = float(told or "")
    except ValueError:
        return parse_retry_after(told, clock.now())
    return None if math.isnan(seconds) else min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


class AddressNotPublic(OSError):
    """The host's name leads into this network or this machine."""


class _PublicOnly(GuardedAdapter):
    """Connects only to public addresses, and to exactly the one that was looked at."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        pools = self.poolmanager.pool_classes_by_scheme
        guarded = {scheme: _guarded(cast(Any, pool)) for scheme, pool in pools.items()}
        self.poolmanager.pool_classes_by_scheme = guarded


def _guarded(pool: Any) -> type[HTTPConnectionPool]:
    """Return the pool with connections that look at the address before they use it."""
    connection = pool.ConnectionCls

    def connect(self: Any) -> socket.socket:
        name = self._dns_host
        self._dns_host = _public_address(name, self.port)
        try:
            return cast(socket.socket, connection._new_conn(self))
        finally:
            # The certificate is held against the name.
            self._dns_host = name

    guarded = type("_Guarded", (connection,), {"_new_conn": connect})
    return cast(type[HTTPConnectionPool], type("_GuardedPool", (pool,), {"ConnectionCls": guarded}))


def _public_address(name: str, port: int) -> str:
    found = [str(info[4][0]) for info in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)]
    if not found or not all(map(_is_public, found)):
        raise AddressNotPublic("the host does not lead to a public address")
    return found[0]


def _is_public(text: str) -> bool:
    ip = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ip.sixtofour or ip
    return ip.is_global and not ip.is_multicast
