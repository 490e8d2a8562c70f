"""From the bytes of an answer to text, JSON or a checked zip, or a typed error.

Everything here treats the bytes as hostile: whatever they are, the result comes within limits of
time and memory, and text is never half right.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from datetime import datetime
from typing import Any

import orjson

from stock_pipeline.errors import AuthError, BadPayload, BadRequest, RateLimited, ServerError
from stock_pipeline.redaction import Scrubber
from stock_pipeline.sources.retry import parse_retry_after
from stock_pipeline.sources.transport_wire import MB, Answer

SAMPLE_CHARACTERS = 2000

# Values in one JSON document. An all-stock day has about 50,000 and 70,000 more commas inside its
# numbers; half a million of the smallest values already need 100 MB once they are Python objects.
MOST_VALUES = 500_000

# KRX and Naver say EUC-KR but mean the larger set of Windows. Other declarations are ignored:
# ISO-8859-1, for one, reads any bytes and turns Korean names into noise.
CHARSETS = {"utf-8": "utf-8", "utf8": "utf-8", "euc-kr": "cp949", "ks_c_5601-1987": "cp949"}
CHARSETS |= {"cp949": "cp949", "ms949": "cp949", "windows-949": "cp949"}


def sample(text: str, scrubber: Scrubber) -> str:
    """Return the beginning of an answer for people to look at, without secrets and controls."""
    shown = scrubber.scrub(text[: 2 * SAMPLE_CHARACTERS])[:SAMPLE_CHARACTERS]
    return "".join(c if c.isprintable() or c == "\n" else " " for c in shown)


def declared_type(answer: Answer) -> str:
    """Return the content type of an answer in a form that is safe to print."""
    return re.sub(r"[^\w/+.;= -]", "", answer.content_type)[:80] or "no content type"


def read_text(answer: Answer) -> str:
    """Decode an answer as declared, else as UTF-8, else as CP949, always strictly.

    Raises  BadPayload when no encoding reads every byte
    """
    declared = re.search(r"charset=[\"']?([\w-]+)", answer.content_type, re.IGNORECASE)
    first = CHARSETS.get(declared[1].lower(), "utf-8") if declared else "utf-8"
    for encoding in dict.fromkeys((first, "utf-8", "cp949")):
        try:
            return answer.body.decode(encoding).lstrip("\ufeff")
        except UnicodeDecodeError:
            continue
    raise BadPayload(answer.source, answer.operation, "text in no known encoding")


def read_json(answer: Answer, scrubber: Scrubber, most_values: int = MOST_VALUES) -> Any:
    """Decode a JSON answer.

    most_values  for an upstream whose honest answers are larger than others'
    Raises  BadPayload for a page instead of JSON, broken or unreasonably large JSON
    """
    text = read_text(answer)
    if text.lstrip()[:1] == "<":
        detail = f"expected JSON, got a page ({declared_type(answer)})"
        raise BadPayload(answer.source, answer.operation, detail, sample=sample(text, scrubber))
    if sum(map(text.count, ",[{")) > most_values:
        raise BadPayload(answer.source, answer.operation, f"JSON of over {most_values} values")
    try:
        return orjson.loads(text)
    except (ValueError, RecursionError):
        pass
    detail = f"broken JSON ({declared_type(answer)}, {len(answer.body)} bytes)"
    raise BadPayload(answer.source, answer.operation, detail, sample=sample(text, scrubber))


def require_ok(answer: Answer, setting: str, now: datetime) -> None:
    """Turn an HTTP status other than 200 into the error it stands for.

    Raises  RateLimited, ServerError, AuthError naming `setting`, BadPayload or BadRequest
    """
    status, where = answer.status, (answer.source, answer.operation)
    if status == 200:
        return
    detail = f"HTTP {status}"
    if status == 429:
        wait = parse_retry_after(answer.headers.get("Retry-After"), now)
        raise RateLimited(*where, detail, retry_after=wait)
    if status >= 500:
        raise ServerError(*where, detail)
    if status in {401, 403}:
        raise AuthError(*where, detail, setting=setting)
    if status < 400:
        raise BadPayload(*where, f"{detail}: only 200 carries data, redirects are not followed")
    raise BadRequest(*where, detail)


ZIP_SIGNATURE = b"PK\x03\x04"
MOST_MEMBERS = 4
MOST_UNPACKED = 100 * MB
HIGHEST_RATIO = 100

_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,  # encrypted, and NotImplementedError for exotic compression
    ValueError,
    IndexError,
)


def require_zip(answer: Answer, member: str) -> None:
    """Read an archive through once, within limits, and require `member` in it.

    Raises  BadPayload for anything but a sound, small, unencrypted archive with plain names
    """
    problem = _zip_problem(answer.body, member)
    if problem:
        raise BadPayload(answer.source, answer.operation, problem)


def _zip_problem(body: bytes, member: str) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            members = archive.infolist()
            names = [m.filename for m in members]
            if len(members) > MOST_MEMBERS:
                return f"zip of {len(members)} members"
            if any(re.search(r"^/|\\|\.\.|:", name) for name in names):
                return "zip with a path outside its folder"
            if [name.lower() for name in names].count(member.lower()) != 1:
                return f"zip without {member}"
            return _bomb(archive, members, len(body))
    except _ZIP_ERRORS as error:
        return f"damaged zip ({type(error).__name__})"


def _bomb(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], packed: int) -> str:
    """Unpack everything in pieces, trusting no declared size; zipfile checks the sums."""
    most = min(MOST_UNPACKED, HIGHEST_RATIO * packed)
    unpacked = 0
    for info in members:
        with archive.open(info) as stream:
            while piece := stream.read(MB):
                unpacked += len(piece)
                if unpacked > most:
                    return f"zip that unpacks to over {most} bytes"
    return ""
