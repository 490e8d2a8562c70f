"""The zip of all companies: the recorded one field by field, and the ways a zip can hurt."""

from __future__ import annotations

import contextlib
import io
import re
import resource
import struct
import time
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stock_pipeline.assets.listing.dart_corp_code import MAX_XML, RULES, TABLE, parse
from stock_pipeline.errors import BadPayload
from stock_pipeline.quality import rules as quality

HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
ENTRY = (
    "<list><corp_code>00126380</corp_code><corp_name>삼성전자</corp_name>"
    "<corp_eng_name>SAMSUNG ELECTRONICS CO,.LTD</corp_eng_name>"
    "<stock_code>{}</stock_code><modify_date>20240101</modify_date></list>"
)
SAMSUNG = ENTRY.format("005930")


def zipped(
    xml: str | bytes, name: str = "CORPCODE.xml", method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    """Return a zip with one member."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", method) as archive:
        archive.writestr(name, xml)
    return body.getvalue()


def row_of(entry: str) -> dict[str, Any]:
    """Return the parsed row of one entry."""
    return parse(zipped(f"{HEAD}<result>{entry}</result>")).row(0, named=True)


def test_recorded_list_is_stored_as_it_stands(recorded: Path) -> None:
    body = (recorded / "dart" / "corpCode.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        xml = archive.read("CORPCODE.xml").decode()
    pattern = "".join(
        rf"\s*<{name}>(.*?)</{name}>"
        for name in ("corp_code", "corp_name", "corp_eng_name", "stock_code", "modify_date")
    )
    # The ampersand last: DART escapes some names twice, and the XML says so.
    entities = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&"}

    def plain(text: str) -> str | None:
        for written, meant in entities.items():
            text = text.replace(written, meant)
        text = text.strip()
        return None if text in {"", "-"} else text

    expected = [
        (code, plain(name), plain(english), ticker.strip() or None, date.fromisoformat(changed))
        for code, name, english, ticker, changed in re.findall(
            f"<list>{pattern}\\s*</list>", xml, re.S
        )
    ]
    frame = parse(body)
    assert frame.schema == TABLE.frame_schema
    assert frame.height == len(expected) == 58_642
    assert frame.rows() == expected
    assert frame["ticker"].count() == 1_990
    verdict = quality.apply(frame, RULES, keys=TABLE.keys)
    assert verdict.kept.height == frame.height


@pytest.mark.parametrize(
    ("written", "ticker"),
    [("005930", "005930"), ("0068Y0", "0068Y0"), (" ", None), ("", None)],  # one blank: unlisted
)
def test_dart_traps_6_and_7_a_share_code_is_text_or_missing(
    written: str, ticker: str | None
) -> None:
    assert row_of(ENTRY.format(written))["ticker"] == ticker


def test_a_missing_element_is_null() -> None:
    row = row_of("<list><corp_code>00126380</corp_code></list>")
    assert row["corp_name"] is row["modified_date"] is None


def test_the_recorded_impossible_date_of_the_member_does_no_harm() -> None:
    body = bytearray(zipped(f"{HEAD}<result>{SAMSUNG}</result>"))
    for signature, offset in ((b"PK\x03\x04", 12), (b"PK\x01\x02", 14)):
        struct.pack_into("<H", body, body.index(signature) + offset, 0xFFFC)  # 2107-15-28
    assert parse(bytes(body)).height == 1


def two_members() -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("CORPCODE.xml", f"<result>{SAMSUNG}</result>")
        archive.writestr("corpcode.XML", f"<result>{SAMSUNG}</result>")
    return body.getvalue()


def five_members() -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name in ("CORPCODE.xml", "a", "b", "c", "d"):
            archive.writestr(name, f"<result>{SAMSUNG}</result>")
    return body.getvalue()


def encrypted() -> bytes:
    body = bytearray(zipped(f"<result>{SAMSUNG}</result>"))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        struct.pack_into("<H", body, body.index(signature) + offset, 1)
    return bytes(body)


def lying_about_its_size() -> bytes:
    """Return a bomb whose directory claims a small member."""
    body = bytearray(zipped(b"<result>" + b" " * (MAX_XML + 1) + b"</result>"))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", body, body.index(signature) + offset, 1000)
    return bytes(body)


def damaged() -> bytes:
    body = bytearray(zipped(f"<result>{SAMSUNG}</result>"))
    body[60:80] = b"\xff" * 20
    return bytes(body)


ENTITIES = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 10))
BOMB = f'<!DOCTYPE r [<!ENTITY e0 "lol">{ENTITIES}]>'
GOOD = zipped(f"<result>{SAMSUNG}</result>")
BAD_FILES = {
    "nothing": b"",
    "more bytes than allowed": b"PK" + b"\0" * 32_000_000,
    "an HTML page": b"<html><body>error</body></html>",
    "an error of DART": b"<result><status>010</status><message>x</message></result>",
    "half a zip": GOOD[: len(GOOD) // 2],
    "a zip without its first bytes": GOOD[20:],
    "a damaged stream": damaged(),
    "an encrypted member": encrypted(),
    "another member": zipped("<result/>", name="../../etc/passwd"),
    "two lists": two_members(),
    "too many members": five_members(),
    "an empty list": zipped("<result></result>"),
    "no XML": zipped("{}"),
    "unclosed XML": zipped(f"<result>{SAMSUNG}"),
    "another encoding than declared": zipped(f"{HEAD}<result>삼성</result>".encode("euc-kr")),
    "a dense bomb": zipped(b"<result>" + b" " * 50_000_000 + b"</result>"),
    "a bomb that lies about its size": lying_about_its_size(),
    "an entity bomb": zipped(f"{BOMB}<result>&e9;</result>"),
    "an external entity": zipped(
        f'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><result>{SAMSUNG}&x;</result>'
    ),
    "a harmless DOCTYPE": zipped(f"<!DOCTYPE result><result>{SAMSUNG}</result>"),
    "a DOCTYPE in UTF-16": zipped(f"<!DOCTYPE result><result>{SAMSUNG}</result>".encode("utf-16")),
    "deep nesting": zipped(
        "<result>" + "<a>" * 5_000 + "</a>" * 5_000 + "</result>", method=zipfile.ZIP_STORED
    ),
    "a huge attribute": zipped(
        f'<result><list a="{"x" * 30_000_000}"/></result>', method=zipfile.ZIP_STORED
    ),
}


@pytest.mark.parametrize("body", BAD_FILES.values(), ids=BAD_FILES.keys())
def test_f31_f32_a_bad_file_is_a_typed_error_within_two_seconds(body: bytes) -> None:
    started = time.monotonic()
    with pytest.raises(BadPayload):
        parse(body)
    assert time.monotonic() - started < 2.0


def test_f32_a_bomb_does_not_fill_the_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BadPayload):
        parse(BAD_FILES["a bomb that lies about its size"])
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) < 256 * 1024


@settings(deadline=None)
@given(body=st.one_of(st.binary(max_size=200), st.binary(max_size=60).map(zipped)))
def test_i13_any_bytes_are_rows_or_a_typed_error(body: bytes) -> None:
    with contextlib.suppress(BadPayload):
        assert parse(body).schema == TABLE.frame_schema


@settings(deadline=None)
@given(cut=st.integers(0, len(GOOD) - 1), flip=st.integers(0, 255))
def test_i13_a_zip_with_one_changed_byte_is_rows_or_a_typed_error(cut: int, flip: int) -> None:
    body = bytearray(GOOD)
    body[cut] = flip
    with contextlib.suppress(BadPayload):
        assert parse(bytes(body)).schema == TABLE.frame_schema
