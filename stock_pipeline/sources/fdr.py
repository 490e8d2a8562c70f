"""FinanceDataReader: KRX listings from the files its authors collect once a day.

The library runs unmodified in a child process with a time limit (`fdr_worker.py`). It asks KRX for
the latest trading day, then reads the file of that name: the file's name is the day of collection,
a weekend file repeats Friday, and during a session the file is rewritten. What is handed out are
the texts of the file itself; the library's own frame must agree with it, row by row.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

import polars as pl

from stock_pipeline.errors import (
    BadPayload,
    NetworkError,
    RateLimited,
    SchemaDrift,
    ServerError,
    Timeout,
    UpstreamError,
)
from stock_pipeline.sources.krx import KRX
from stock_pipeline.sources.retry import WAITS
from stock_pipeline.sources.transport import (
    Archived,
    Exchange,
    NotArchived,
    Payload,
    Transport,
    Upstream,
)

Kind = Literal["KRX", "KRX-DESC", "KRX-DELISTING"]

FDR = Upstream("FDR", pace=1.0, setting="")

_LISTING = (
    "Code ISU_CD Name Market Dept Close ChangeCode Changes ChagesRatio Open High Low Volume "
    "Amount Marcap Stocks MarketId"
)
_DESCRIPTION = (
    "Code Name Market Sector Industry Products ListingDate SettleMonth Representative HomePage "
    "Region"
)
_DELISTING = (
    "Symbol Name Market SecuGroup Kind ListingDate DelistingDate Reason ArrantEnforceDate "
    "ArrantEndDate Industry ParValue ListingShares ToSymbol ToName"
)
COLUMNS: dict[Kind, tuple[str, ...]] = {
    "KRX": tuple(_LISTING.split()),
    "KRX-DESC": tuple(_DESCRIPTION.split()),
    "KRX-DELISTING": tuple(_DELISTING.split()),
}

# How often the library asks KRX for the latest trading day before it reads the file.
KRX_REQUESTS: dict[Kind, int] = {"KRX": 2, "KRX-DESC": 1, "KRX-DELISTING": 1}


@dataclass(frozen=True)
class Listing:
    """A listing as its file has it.

    work_date  the day KRX called the latest, which names the file
    rows       all columns text, empty fields null, upstream's column names and order
    """

    work_date: date
    rows: pl.DataFrame


class Fdr:
    """Runs FinanceDataReader; `timeout` ends the child, the waits are the operator's settings."""

    def __init__(
        self,
        transport: Transport,
        timeout: float = 30.0,
        max_retries: int = 3,
        base_delay: float = 1.0,
    ) -> None:
        delays = tuple(base_delay * 2**n for n in range(max_retries))
        own = {Timeout: delays, ServerError: delays, NetworkError: delays, BadPayload: delays[:1]}
        self._transport = transport
        self._timeout = timeout
        self._upstream = replace(FDR, waits={**WAITS, **own})

    def listing(self, kind: Kind) -> Payload[Listing]:
        """Return the listing of the latest trading day.

        kind    KRX prices and size · KRX-DESC industry and products · KRX-DELISTING all delistings
        Raises  SchemaDrift for a missing column, BadPayload when file and library disagree
        """
        if self._transport.archive.replaying:
            return self._replayed(kind)
        operation = f"listing {kind}"
        return self._transport.attempt(self._upstream, operation, lambda: self._asked(kind))

    def _asked(self, kind: Kind) -> Payload[Listing]:
        for _ in range(KRX_REQUESTS[kind]):
            self._transport.admit(KRX, f"bundle for {kind}")
        self._transport.admit(self._upstream, f"listing {kind}")
        report, body = self._run(kind)
        fetched_at = self._transport.clock.now()
        self._refuse_failed_requests(kind, report)
        listing = _listing(kind, report["work_date"], body)
        _require_agreement(kind, report, listing.rows)
        params = {"work_date": report["work_date"]}
        self._transport.archive.store(
            Exchange("FDR", f"listing {kind}", params, fetched_at, "text/csv; charset=utf-8", body)
        )
        return Payload(listing, fetched_at)

    def _run(self, kind: Kind) -> tuple[dict[str, Any], bytes]:
        """Run the child; it inherits the environment, proxy and certificates among it."""
        pace = str(self._transport.pace(KRX))
        command = [sys.executable, "-m", "stock_pipeline.sources.fdr_worker", kind, pace]
        try:
            child = subprocess.run(
                command,
                # The library turns dates into seconds with the zone of its process.
                env={**os.environ, "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self._timeout,
            )
        except subprocess.TimeoutExpired:
            child = None
        if child is None:
            raise Timeout("FDR", f"listing {kind}", f"ended after {self._timeout:g} s")
        line, _, body = child.stdout.partition(b"\n")
        try:
            report = json.loads(line)
        except ValueError:
            report = None
        if not isinstance(report, dict):
            detail = f"the child left no report, exit code {child.returncode}"
            raise BadPayload("FDR", f"listing {kind}", detail, sample=self._said(child.stderr))
        if child.returncode and not any(map(_failed, report["requests"])):
            detail = "the library failed on what it got"
            raise BadPayload("FDR", f"listing {kind}", detail, sample=self._said(child.stderr))
        return report, body

    def _said(self, stderr: bytes) -> str:
        return self._transport.scrubber.scrub(stderr.decode("utf-8", "replace"))[-2000:]

    def _refuse_failed_requests(self, kind: Kind, report: dict[str, Any]) -> None:
        if any(request.get("blocked") for request in report["requests"]):
            raise self._transport.blocked(KRX, f"bundle for {kind}", "block page")
        failed = [request for request in report["requests"] if _failed(request)]
        if failed:
            raise _failure(f"listing {kind}", failed[0])

    def _replayed(self, kind: Kind) -> Payload[Listing]:
        found = self._transport.archive.find("FDR", f"listing {kind}", {})
        if not found:
            raise NotArchived("FDR", f"listing {kind}")
        newest: Archived = max(found, key=lambda exchange: exchange.fetched_at)
        listing = _listing(kind, newest.params["work_date"], newest.body)
        return Payload(listing, newest.fetched_at)


def _failed(request: dict[str, Any]) -> bool:
    refused = request.get("status") != 200 or request.get("blocked", False)
    return "failure" in request or refused


def _failure(operation: str, request: dict[str, Any]) -> UpstreamError:
    """Return the error for a request that the library sent and may have kept quiet about."""
    what, status = request["what"], request.get("status", 0)
    if request.get("failure") == "timeout":
        return Timeout("FDR", operation, what)
    if request.get("failure") == "network":
        return NetworkError("FDR", operation, what)
    if request.get("failure") == "large":
        return BadPayload("FDR", operation, "the file is larger than 16 MB")
    if status == 429:
        return RateLimited("FDR", operation, f"{what}, HTTP 429")
    # The cache answers 404 on days on which its collector failed: a failure on their side.
    return ServerError("FDR", operation, f"{what}, HTTP {status}")


def _listing(kind: Kind, work_date: str, body: bytes) -> Listing:
    """Read the file as texts; its first column is a running number without a name."""
    operation = f"listing {kind}"
    try:
        text = body.decode("utf-8-sig")
        rows = pl.read_csv(text.encode(), infer_schema=False)
        day = date.fromisoformat(work_date)
    except (ValueError, pl.exceptions.PolarsError) as error:
        problem = f"not a listing file ({type(error).__name__}, {len(body)} bytes)"
    else:
        problem = "" if rows.height else "a listing file without rows"
    if problem:
        raise BadPayload("FDR", operation, problem)
    missing = [name for name in COLUMNS[kind] if name not in rows.columns]
    if missing:
        raise SchemaDrift("FDR", operation, missing[0], "missing in the file")
    return Listing(day, rows.select(COLUMNS[kind]))


def _require_agreement(kind: Kind, report: dict[str, Any], rows: pl.DataFrame) -> None:
    """Hold the library's frame against the file: same codes in the same order.

    Of delistings the library leaves out those without a date or with one to come.
    """
    codes = rows.to_series(0).fill_null("").to_list()
    made = report["codes"]
    fewer = kind == "KRX-DELISTING" and made and set(made) <= set(codes)
    if made != codes and not fewer:
        detail = f"the library has {report['rows']} rows, the file {rows.height}"
        raise BadPayload("FDR", f"listing {kind}", detail)
