"""The raw archive: every good answer of an upstream, with its request, kept for ever.

A body is stored once, under the SHA-256 of its bytes, compressed with zstd; an index of one JSON
line per exchange says what was asked, when, and for which partition. From these two a partition
can be rebuilt without a request. Several processes may write at the same time: an object appears
by renaming a finished file, a line by one append, and a line never precedes its object.

    <root>/DART/objects/3f/3f9a….zst
    <root>/DART/index-2026-03.jsonl
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import orjson
import zstandard

from stock_pipeline.clock import Clock
from stock_pipeline.errors import BadPayload
from stock_pipeline.storage.archive_files import (
    Line,
    append,
    lines_about,
    object_path,
    read_lines,
    write_object,
)


class Answered(Protocol):
    """An answer to keep; sources have their own type of this shape."""

    @property
    def source(self) -> str: ...

    @property
    def operation(self) -> str: ...

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


@dataclass(frozen=True)
class ArchivedExchange:
    """An exchange as it was stored."""

    source: str
    operation: str
    params: Mapping[str, str]
    fetched_at: datetime
    content_type: str
    body: bytes
    etag: str = ""
    last_modified: str = ""


@dataclass
class Receipt:
    """What a partition has asked and got while its scope was open.

    requests    requests that left, also those that failed
    fetched_at  the newest good answer; when replaying, of the archived ones that were used
    """

    requests: int = 0
    fetched_at: datetime | None = None
    source: str | None = None
    digests: list[str] = field(default_factory=list)

    def note(self, source: str, fetched_at: datetime, digest: str) -> None:
        """Count one good answer in."""
        self.source = source
        self.fetched_at = max(fetched_at, self.fetched_at or fetched_at)
        self.digests.append(digest)


@dataclass(frozen=True)
class _Scope:
    asset: str
    partition: str | None
    run_id: str
    receipt: Receipt
    on_request: Callable[[], None] | None


class FileArchive:
    """The archive under one folder.

    replaying  True: sources answer from `find` and send nothing
    """

    def __init__(self, root: Path, *, replaying: bool = False, clock: Clock) -> None:
        self.replaying = replaying
        self._root = root
        self._clock = clock
        self._scopes: list[_Scope] = []
        self._lines: dict[str, list[Line]] = {}

    @contextmanager
    def scope(
        self,
        *,
        asset: str,
        partition: str | None,
        run_id: str,
        on_request: Callable[[], None] | None = None,
    ) -> Iterator[Receipt]:
        """File what is stored inside under a partition, and report it in the receipt.

        on_request  called before every request: a sign of life
        """
        scope = _Scope(asset, partition, run_id, Receipt(), on_request)
        self._scopes.append(scope)
        try:
            yield scope.receipt
        finally:
            self._scopes.remove(scope)

    def attempted(self, source: str) -> None:
        """Count one request that is about to leave."""
        if self._scopes:
            scope = self._scopes[-1]
            scope.receipt.requests += 1
            if scope.on_request is not None:
                scope.on_request()

    def store(self, exchange: Answered) -> None:
        """Keep an answer: its body once, its line always."""
        folder = self._folder(exchange.source)
        digest = hashlib.sha256(exchange.body).hexdigest()
        write_object(object_path(folder, digest), exchange.body)
        scope = self._scopes[-1] if self._scopes else None
        line = {
            "source": exchange.source,
            "operation": exchange.operation,
            "params": dict(exchange.params),
            "fetched_at": exchange.fetched_at.astimezone(UTC).isoformat(),
            "content_type": exchange.content_type,
            "digest": digest,
            "size": len(exchange.body),
            "asset": scope.asset if scope else None,
            "partition": scope.partition if scope else None,
            "run_id": scope.run_id if scope else None,
        }
        validators = {"etag": exchange.etag, "last_modified": exchange.last_modified}
        line |= {name: value for name, value in validators.items() if value}
        month = self._clock.now().astimezone(UTC)
        append(folder / f"index-{month:%Y-%m}.jsonl", orjson.dumps(line) + b"\n")
        if scope:
            scope.receipt.note(exchange.source, exchange.fetched_at, digest)

    def find(
        self, source: str, operation: str, params: Mapping[str, str]
    ) -> list[ArchivedExchange]:
        """Return the newest exchange of each distinct request that contains `params`.

        Inside a scope, answers once filed under the same asset and partition come first: a request
        without a date in it (a list of all companies) must not bring another week's answer. Others
        are taken only for requests that say what they ask.
        """
        asked = params.items()
        lines = [
            line
            for line in self._index(source)
            if line.operation == operation and asked <= line.params.items()
        ]
        if self._scopes:
            here = (self._scopes[-1].asset, self._scopes[-1].partition)
            own = [line for line in lines if (line.asset, line.partition) == here]
            lines = own or (lines if params else [])
        newest: dict[tuple[tuple[str, str], ...], Line] = {}
        for line in sorted(lines, key=lambda line: line.fetched_at):
            newest[tuple(sorted(line.params.items()))] = line
        return [self._read(source, line) for line in newest.values()]

    def newest(
        self, source: str, operation: str, params: Mapping[str, str]
    ) -> ArchivedExchange | None:
        """Return the newest exchange of exactly this request, whatever partition it was for.

        Missing  None without one, and when its body is lost: then it is asked for anew
        """
        asked = dict(params)
        lines = [
            line
            for line in self._index(source)
            if line.operation == operation and dict(line.params) == asked
        ]
        if not lines:
            return None
        try:
            return self._unpacked(source, sorted(lines, key=lambda line: line.fetched_at)[-1])
        except BadPayload:
            return None

    def newest_of(
        self, source: str, operation: str, fits: Callable[[Mapping[str, str]], bool]
    ) -> list[ArchivedExchange]:
        """Return what came last of requests whose `params` fit, whatever partition it was for.

        An answer about many days is filed under the first of them only. One that came in several
        files has as many exchanges of one instant; no other is read or counted as used.
        """
        lines = [
            line
            for line in self._index(source)
            if line.operation == operation and fits(line.params)
        ]
        newest = max((line.fetched_at for line in lines), default=None)
        return [self._read(source, line) for line in lines if line.fetched_at == newest]

    def filed(
        self, asset: str, *, run_id: str, partition: str | None, when: datetime
    ) -> list[Line]:
        """Return what a run was answered for a table around an instant, in the order of asking.

        Rows of a replay were made by a run that asked nothing: then the answers that are filed
        under their partition, up to that instant.
        """
        lines = [line for line in lines_about(self._root, run_id, when) if line.run_id == run_id]
        if not lines and partition is not None:
            known = lines_about(self._root, partition, when)
            lines = [
                line for line in known if line.partition == partition and line.fetched_at <= when
            ]
        own = (line for line in lines if line.asset == asset)
        return sorted(own, key=lambda line: line.fetched_at)

    def body(self, line: Line) -> bytes:
        """Return the answer that a line tells of.

        Raises  BadPayload when it is lost or was altered
        """
        return self._unpacked(line.source, line).body

    def _read(self, source: str, line: Line) -> ArchivedExchange:
        found = self._unpacked(source, line)
        if self._scopes:
            self._scopes[-1].receipt.note(source, line.fetched_at, line.digest)
        return found

    def _unpacked(self, source: str, line: Line) -> ArchivedExchange:
        path = object_path(self._folder(source), line.digest)
        try:
            body = zstandard.ZstdDecompressor().decompress(path.read_bytes())
        except (OSError, zstandard.ZstdError) as error:
            detail = f"archived answer {line.digest[:12]} is lost ({type(error).__name__})"
            raise BadPayload(source, line.operation, detail) from None
        if hashlib.sha256(body).hexdigest() != line.digest:
            detail = f"archived answer {line.digest[:12]} was altered"
            raise BadPayload(source, line.operation, detail)
        return ArchivedExchange(
            source,
            line.operation,
            line.params,
            line.fetched_at,
            line.content_type,
            body,
            line.etag,
            line.last_modified,
        )

    def _index(self, source: str) -> list[Line]:
        """Return all lines of a source; while replaying nothing is added, so they are kept."""
        if source not in self._lines or not self.replaying:
            files = sorted(self._folder(source).glob("index-*.jsonl"))
            self._lines[source] = [line for file in files for line in read_lines(file)]
        return self._lines[source]

    def _folder(self, source: str) -> Path:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", source):
            raise ValueError("a source's name is a plain word: it becomes a folder")
        return self._root / source
