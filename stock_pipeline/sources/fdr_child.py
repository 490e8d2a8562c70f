"""Runs FinanceDataReader in its child process and reads what the child reports.

What the library asked and got is judged here, not what it made of it: it swallows some errors and
prints others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stock_pipeline.errors import (
    BadPayload,
    BadRequest,
    NetworkError,
    RateLimited,
    ServerError,
    Timeout,
    UpstreamError,
)
from stock_pipeline.redaction import Scrubber
from stock_pipeline.sources.retry import parse_retry_after
from stock_pipeline.sources.transport_wire import Answer

WORKER = "stock_pipeline.sources.fdr_worker"


@dataclass(frozen=True)
class Question:
    """What FinanceDataReader is to be asked.

    operation  `listing KRX`, `prices KS200`: names it in errors
    arguments  of the child
    pace       seconds between two requests of a kind
    timeout    seconds until the child is ended
    """

    operation: str
    arguments: tuple[str, ...]
    pace: float
    timeout: float


@dataclass(frozen=True)
class Request:
    """One request of the library.

    what     bundle (KRX's latest day), chart (Naver, Yahoo) or file (the cache)
    name     end of the path: day or year of a file, symbol of a Yahoo chart
    failure  timeout, network or large; "" when an answer came
    """

    what: str
    name: str
    answer: Answer
    failure: str
    blocked: bool

    @property
    def failed(self) -> bool:
        """Tell whether there is no answer to work with."""
        return bool(self.failure) or self.blocked or self.answer.status != 200


@dataclass(frozen=True)
class Report:
    """What the child saw, and the library's frame as it described it; None when it raised."""

    requests: tuple[Request, ...]
    frame: dict[str, Any] | None
    stderr: str


def run(question: Question, scrubber: Scrubber) -> Report:
    """Ask in a child process, which inherits the environment, proxy and certificates among it.

    Raises  Timeout when it had to be ended, BadPayload when it ended without a report
    """
    command = [sys.executable, "-m", WORKER, str(question.pace), *question.arguments]
    try:
        child = subprocess.run(
            command,
            # The library turns dates into seconds with the zone of its process.
            env={**os.environ, "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=question.timeout,
        )
    except subprocess.TimeoutExpired:
        child = None
    if child is None:
        raise Timeout("FDR", question.operation, f"ended after {question.timeout:g} s")
    stderr = scrubber.scrub(child.stderr.decode("utf-8", "replace"))[-2000:]
    line, _, bodies = child.stdout.partition(b"\n")
    try:
        told = json.loads(line)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        detail = f"the child left no report, exit code {child.returncode}"
        raise BadPayload("FDR", question.operation, detail, sample=stderr)
    return Report(_requests(question.operation, told["requests"], bodies), told["frame"], stderr)


def _requests(operation: str, notes: list[dict[str, Any]], bodies: bytes) -> tuple[Request, ...]:
    requests, position = [], 0
    for note in notes:
        body = bodies[position : position + note["size"]]
        position += note["size"]
        told = {
            "Content-Type": note.get("content_type"),
            "Retry-After": note.get("retry_after"),
        }
        headers = {name: value for name, value in told.items() if value}
        answer = Answer("FDR", operation, note.get("status", 0), headers, body)
        failure, blocked = note.get("failure", ""), note.get("blocked", False)
        requests.append(Request(note["what"], note["name"], answer, failure, blocked))
    return tuple(requests)


def failure_of(request: Request, now: datetime) -> UpstreamError:
    """Return the error for a request that the library sent and may have kept quiet about."""
    where, status = ("FDR", request.answer.operation), request.answer.status
    if request.failure == "timeout":
        return Timeout(*where, request.what)
    if request.failure == "network":
        return NetworkError(*where, request.what)
    if request.failure == "large":
        return BadPayload(*where, f"the {request.what} is larger than 16 MB")
    detail = f"{request.what}, HTTP {status}"
    if status == 429:
        wait = parse_retry_after(request.answer.headers.get("Retry-After"), now)
        return RateLimited(*where, detail, retry_after=wait)
    if request.what == "chart" and 400 <= status < 500:
        return BadRequest(*where, detail)
    # The cache answers 404 on days on which its collector failed: a failure on their side.
    return ServerError(*where, detail)
