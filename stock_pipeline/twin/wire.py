"""What the twin's proxy hands to an upstream and what it gets back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePosixPath


@dataclass(frozen=True)
class Request:
    """One request as it came over the wire, percent-decoded.

    query and form hold the last value of each name; headers have lower-case names
    """

    method: str
    host: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """One answer to put on the wire.

    body       without content encoding
    operation  the short name of this exchange in the request log, for example `MDCSTAT01501`
    headers    a value of several lines is sent as several headers of that name (two cookies)
    compress   whether the proxy compresses it for a client that accepts gzip
    """

    status: int
    body: bytes
    content_type: str
    operation: str
    headers: dict[str, str] = field(default_factory=dict)
    compress: bool = False


@dataclass(frozen=True)
class Delivery:
    """How the bytes of an answer reach the client; the default is at once and whole.

    delay      seconds before the first byte
    silent     nothing is ever sent; the connection stays open until the other side ends it
    cut        the place in the body (see `cut_at`) where the connection ends; "" for nowhere
    reset      the connection ends by a TCP reset: at the cut, or before the first byte
    rate       bytes of the body per second; 0 for all at once
    drip_head  the head comes as slowly as the body
    """

    delay: float = 0.0
    silent: bool = False
    cut: str = ""
    reset: bool = False
    rate: float = 0.0
    drip_head: bool = False


def cut_at(place: str, size: int) -> int:
    """Turn a place such as `1000` or `50%` into a number of bytes of a body of this size."""
    if place.endswith("%"):
        return int(size * float(place[:-1]) / 100)
    return min(int(place), size)


def operation_of(request: Request) -> str:
    """Name a request by what it asks for, before anybody has answered it."""
    if statistic := request.form.get("bld") or request.query.get("bld"):
        return statistic.rsplit("/", 1)[-1]
    if bundle := request.query.get("key", ""):
        return bundle.removesuffix(".bld")
    path = PurePosixPath(request.path)
    if path.suffix == ".jsp":
        return path.name
    if any(letter.isalpha() for letter in path.stem):
        return path.stem
    # Files of a cache are named by day or year: their folders say what they are.
    return "/".join(path.parent.parts[-2:])


def day_of(text: str) -> date | None:
    """Return the day that eight digits of a request name, None when they name none."""
    if not re.fullmatch(r"\d{8}", text):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None
