"""The words in which sources and transport talk: upstreams, calls, answers, budget, archive.

Budget and archive are protocols: storage implements them, and sources never import storage.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from stock_pipeline.errors import AuthError, UpstreamError
from stock_pipeline.sources.retry import WAITS, Waits
from stock_pipeline.sources.transport_wire import Limits

T = TypeVar("T")


@dataclass(frozen=True)
class Exchange:
    """One good answer with the request that got it, as the raw archive keeps it.

    params         what was asked, without keys
    etag           with `last_modified`, how to ask later whether it is still the same
    """

    source: str
    operation: str
    params: Mapping[str, str]
    fetched_at: datetime
    content_type: str
    body: bytes
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True)
class Payload(Generic[T]):
    """What a source hands out: decoded data and when the upstream gave it."""

    data: T
    fetched_at: datetime


class Archived(Protocol):
    """An exchange read back from the archive."""

    @property
    def params(self) -> Mapping[str, str]: ...

    @property
    def fetched_at(self) -> datetime: ...

    @property
    def content_type(self) -> str: ...

    @property
    def body(self) -> bytes: ...

    @property
    def etag(self) -> str: ...

    @property
    def last_modified(self) -> str: ...


class Budget(Protocol):
    """The request counter shared by all processes."""

    def admit(self, source: str, *, pace: float, limit: int | None) -> float:
        """Count one request and return the seconds to wait before sending it.

        Raises  Blocked while the source is blocked, QuotaExhausted over the day's limit
        """

    def block(self, source: str, until: datetime) -> None:
        """Let no process ask the source before `until`."""

    def exhaust(self, source: str) -> None:
        """Let no process ask the source again today."""


class Archive(Protocol):
    """The store of raw answers; while `replaying`, it takes the place of the upstreams."""

    @property
    def replaying(self) -> bool: ...

    def attempted(self, source: str) -> None:
        """Note that one request is about to leave."""

    def store(self, exchange: Exchange) -> None:
        """Keep a good answer."""

    def find(self, source: str, operation: str, params: Mapping[str, str]) -> Sequence[Archived]:
        """Return the newest exchange of each distinct request that contains `params`."""

    def newest(self, source: str, operation: str, params: Mapping[str, str]) -> Archived | None:
        """Return the newest exchange of exactly this request, whoever asked; None without one."""

    def newest_of(
        self, source: str, operation: str, fits: Callable[[Mapping[str, str]], bool]
    ) -> Sequence[Archived]:
        """Return what came last of requests whose `params` fit, whoever asked."""


class NotArchived(UpstreamError):
    """The raw archive has no such answer, and nothing is sent while it is replayed."""

    severity = "INFO"


class NotEntitled(AuthError):
    """The key is good, but not for this service; the upstream's other services stay open."""


def always_open(now: datetime) -> datetime | None:
    """Say of an upstream without closing hours that it is open."""
    return None


@dataclass(frozen=True)
class Upstream:
    """What is special about an upstream, as data.

    pace          seconds between requests
    setting       the variable that holds the key or account
    limits        by beginning of the address, the longest that fits
    waits         before repetitions, by error class
    block_for     how long nobody asks after a block
    rate_is_quota True: still refused for its rate after the waits means the day's quota is gone
    closed_until  returns the end of closing hours, or None when open
    allowance     the one service these requests go to, where each has a key and a limit of its own
    """

    name: str
    pace: float
    setting: str
    daily_limit: int | None = None
    limits: Mapping[str, Limits] = field(default_factory=dict)
    waits: Waits = field(default_factory=lambda: WAITS)
    block_for: timedelta = timedelta(hours=1)
    rate_is_quota: bool = False
    closed_until: Callable[[datetime], datetime | None] = always_open
    allowance: str = ""

    @property
    def counter(self) -> str:
        """Return the name under which requests are counted, paced and stopped."""
        return f"{self.name} {self.allowance}".rstrip()


@dataclass(frozen=True)
class Call:
    """One GET request: `params` is archived, what is secret is only sent.

    secrets         further parameters of the address
    secret_headers  for upstreams that take their key in a header
    headers         what else the upstream wants to see
    conditional     an answer that is archived is only sent again if it has changed since
    """

    operation: str
    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    conditional: bool = False
