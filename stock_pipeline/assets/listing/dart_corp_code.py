"""Every company that DART knows, with the share code of those that are or were listed.

Source   DART corpCode.xml (one request, a zip)
Grain    one row per company
Cadence  weekly_listing (Saturday 10:00 KST)
Caveats  Delisted companies keep their share code, so there are more codes than listed companies.
         Only common shares are in it: a preferred share belongs to the company of its common share.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date
from typing import IO

import polars as pl
from lxml import etree

from stock_pipeline.assets.upstream_text import day, text
from stock_pipeline.errors import BadPayload
from stock_pipeline.quality.checks import steady
from stock_pipeline.quality.rules import Matches, NotNull
from stock_pipeline.sources.dart import Dart
from stock_pipeline.storage.schema import Date, Text, column, key, table
from stock_pipeline.table_asset import table_asset

OPERATION = ("DART", "corpCode")
FIELDS = ("corp_code", "corp_name", "corp_eng_name", "stock_code", "modify_date")

# The recorded answer: 3.5 MB zipped, 29.7 MB of XML, one member, ratio 8. More is an attack.
MAX_ZIPPED = 32_000_000
MAX_MEMBERS = 4
MAX_XML = 100_000_000
MAX_RATIO = 100
ENCRYPTED = 0x1
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What zipfile raises for a damaged, cut or lying file: offsets before the start are ValueErrors.
ZIP_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)

TABLE = table(
    "dart_corp_code",
    key("corp_code", Text, "DART's number of the company, 8 digits"),
    column("corp_name", Text, "name in Korean"),
    column("corp_name_eng", Text, "name in English"),
    column("ticker", Text, "code of the common share; NULL if the company was never listed"),
    column("modified_date", Date, "when DART last changed the entry"),
)

RULES = [
    Matches("corp_code", "[0-9]{8}", why="it is the parameter of every other DART request"),
    Matches("ticker", "[0-9A-Z]{6}", why="it joins with prices"),
    *(NotNull(name, why="always sent") for name in ("corp_name", "modified_date")),
]


def parse(body: bytes) -> pl.DataFrame:
    """Return the companies of a zip, read as a stream.

    Raises  BadPayload when it is no zip, over one of the limits, or no such list; never more than
            100 MB of it is unpacked, and nothing it refers to is fetched
    """
    if len(body) > MAX_ZIPPED:
        raise BadPayload(*OPERATION, f"{len(body)} bytes, more than {MAX_ZIPPED}")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive, archive.open(_member(archive)) as member:
            rows = list(_companies(_Capped(member)))
    except ZIP_FAULTS as error:
        raise BadPayload(*OPERATION, f"no readable zip: {type(error).__name__}") from None
    except etree.XMLSyntaxError as error:
        raise BadPayload(*OPERATION, f"no well-formed XML: {error.msg}"[:200]) from None
    if not rows:
        raise BadPayload(*OPERATION, "the list is empty")
    return (
        pl.DataFrame(rows, schema=dict.fromkeys(FIELDS, pl.String), orient="row")
        .select(
            corp_code=text("corp_code"),
            corp_name=text("corp_name"),
            corp_name_eng=text("corp_eng_name"),
            ticker=text("stock_code"),
            modified_date=day("modify_date", "%Y%m%d"),
        )
        .select(TABLE.frame_schema.keys())
    )


def _member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """Return the one XML member, after a look at what the directory of the zip claims."""
    members = archive.infolist()
    xml = [member for member in members if member.filename.upper() == "CORPCODE.XML"]
    if len(members) > MAX_MEMBERS or len(xml) != 1:
        raise BadPayload(*OPERATION, f"{len(members)} members, {len(xml)} of them CORPCODE.xml")
    is_bomb = xml[0].file_size > min(MAX_XML, MAX_RATIO * max(xml[0].compress_size, 1))
    if is_bomb or xml[0].flag_bits & ENCRYPTED or xml[0].compress_type not in METHODS:
        raise BadPayload(*OPERATION, "the zip is too large, too dense, or of another kind")
    return xml[0]


class _Capped:
    """A stream that refuses to go on behind the limit, whatever the zip's directory claims."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._left = MAX_XML

    def read(self, size: int = 65536) -> bytes:
        """Return the next bytes."""
        block = self._stream.read(size)
        self._left -= len(block)
        if self._left < 0:
            raise BadPayload(*OPERATION, f"more than {MAX_XML} bytes of XML")
        return block


def _companies(stream: _Capped) -> Iterator[tuple[str | None, ...]]:
    events = etree.iterparse(
        stream,
        events=("start", "end"),
        tag=("result", "list"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    for event, element in events:
        if event == "start":
            # DART sends no DOCTYPE; whoever does wants entities resolved.
            if element.getroottree().docinfo.internalDTD is not None:
                raise BadPayload(*OPERATION, "the XML has a DOCTYPE")
        elif element.tag == "list":
            yield tuple(element.findtext(name) for name in FIELDS)
            _forget(element)


def _forget(element: etree._Element) -> None:
    """Free an element that was read and everything before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


@table_asset(
    TABLE,
    RULES,
    cadence="weekly_listing",
    partitions="week",
    write="merge",
    snapshot=True,
    optional=True,
    pool="dart",
    checks=[steady(0.03)],
)
def dart_corp_code(dart: Dart, week: date) -> pl.DataFrame:
    """Collect the whole list; it is the same whatever the week."""
    return parse(dart.corp_codes().data)
