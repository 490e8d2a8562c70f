"""Bytes become text, JSON or a checked zip, or a typed error; never anything in between."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import time
import zipfile
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stock_pipeline.errors import (
    AuthError,
    BadPayload,
    BadRequest,
    RateLimited,
    ServerError,
    UpstreamError,
)
from stock_pipeline.redaction import MASK, Scrubber
from stock_pipeline.sources.transport_decode import read_json, read_text, require_ok, require_zip
from stock_pipeline.sources.transport_wire import Answer

NOW = datetime(2026, 3, 13, 9, 0, tzinfo=UTC)


def _answer(body: bytes, content_type: str = "application/json", status: int = 200) -> Answer:
    return Answer("TEST", "list", status, {"Content-Type": content_type}, body)


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", "charset=utf-8"),
        ("utf-8-sig", "charset=utf-8"),
        ("utf-8", ""),
        ("utf-8", "charset=EUC-KR"),
        ("utf-8", "charset=ISO-8859-1"),
        ("cp949", 'charset="EUC-KR"'),
        ("cp949", "charset=MS949"),
        ("cp949", "charset=utf-8"),
        ("cp949", ""),
        ("cp949", "charset=no-such-thing"),
    ],
)
def test_f09_korean_names_survive_every_encoding(encoding: str, declared: str) -> None:
    name = "주식회사 삼성전자, 똠방각하"
    answer = _answer(
        json.dumps({"n": name}, ensure_ascii=False).encode(encoding), f"x/y;{declared}"
    )
    assert read_json(answer, Scrubber()) == {"n": name}


def test_f09_bytes_of_no_encoding_are_refused() -> None:
    with pytest.raises(BadPayload, match="no known encoding"):
        read_text(_answer(b'{"n": "\xff\xfe\xfa"}'))


def test_f07_a_page_is_named_and_kept_as_a_scrubbed_sample() -> None:
    page = "<html><body>점검 중 crtfc_key=abcd1234</body>" + "x" * 5000
    with pytest.raises(BadPayload, match=r"got a page \(text/html; charset=utf-8\)") as caught:
        read_json(_answer(page.encode(), "text/html; charset=utf-8"), Scrubber())
    assert "abcd1234" not in caught.value.sample
    assert f"crtfc_key={MASK}" in caught.value.sample
    assert len(caught.value.sample) <= 2048


@pytest.mark.parametrize(
    "body",
    [b"", b"null,", b'{"a": 1', b"[1, NaN]", b'{"a": "\\ud800"}', b"[" * 100_000, b'{"a":' * 5000],
    ids=["empty", "comma", "cut", "nan", "surrogate", "deep list", "deep record"],
)
def test_f10_broken_and_deep_json_is_a_bad_payload(body: bytes) -> None:
    with pytest.raises(BadPayload):
        read_json(_answer(body), Scrubber())


@pytest.mark.parametrize("limit_passed", [False, True])
def test_f10_the_number_of_values_is_limited(limit_passed: bool) -> None:
    body = b"[" + b"0," * (500_000 if limit_passed else 499_998) + b"0]"
    if not limit_passed:
        assert len(read_json(_answer(body), Scrubber())) == 499_999
        return
    with pytest.raises(BadPayload, match="over 500000 values"):
        read_json(_answer(body), Scrubber())


CHILD = """
import resource, sys
from stock_pipeline.redaction import Scrubber
from stock_pipeline.sources.transport_decode import read_json
from stock_pipeline.sources.transport_wire import Answer
from stock_pipeline.errors import BadPayload
base = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (base + (256 << 20),) * 2)
for piece in (b"[],", b'{"a":{}},', b"1" * 4000 + b",", b"[[[[", '"\U0001f600",'.encode()):
    body = b"[" + piece * ((16 << 20) // len(piece) - 1) + b"0]"
    try:
        read_json(Answer("T", "op", 200, {}, body), Scrubber())
    except BadPayload:
        pass
"""


@pytest.mark.fault
@pytest.mark.skipif(sys.platform != "linux", reason="reads its own size from /proc")
def test_f10_the_worst_16_megabytes_stay_within_256_more() -> None:
    child = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True)
    assert child.returncode == 0, child.stderr[-2000:]


@settings(max_examples=200, deadline=2000)
@given(st.binary(max_size=400), st.sampled_from(["", "charset=utf-8", "charset=euc-kr"]))
def test_i13_any_bytes_are_a_value_or_a_typed_error(body: bytes, declared: str) -> None:
    answer = _answer(body, f"text/html;{declared}")
    for read in (read_text, lambda a: read_json(a, Scrubber()), lambda a: require_zip(a, "A.xml")):
        with contextlib.suppress(BadPayload):
            read(answer)


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (429, RateLimited, "HTTP 429"),
        (500, ServerError, "HTTP 500"),
        (503, ServerError, "HTTP 503"),
        (401, AuthError, "renew TEST_KEY"),
        (403, AuthError, "renew TEST_KEY"),
        (302, BadPayload, "redirects are not followed"),
        (204, BadPayload, "only 200"),
        (404, BadRequest, "HTTP 404"),
    ],
)
def test_a_status_is_the_error_it_stands_for(
    status: int, kind: type[UpstreamError], said: str
) -> None:
    with pytest.raises(kind, match=said):
        require_ok(_answer(b"", status=status), "TEST_KEY", NOW)


# ---- zip


def _zip(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name.replace("_", "."), body)
    return out.getvalue()


SOUND = _zip(A_xml=b"<a/>" * 50)


def test_a_sound_zip_passes() -> None:
    require_zip(_answer(SOUND), "A.xml")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (SOUND[:-10], "damaged"),
        (SOUND[: len(SOUND) // 2], "damaged"),
        (SOUND.replace(SOUND[40:44], b"\xff\xff\xff\xff", 1), "damaged"),
        (b"PK\x03\x04", "damaged"),
        (_zip(B_xml=b"<a/>"), "without A.xml"),
        (_zip(**{f"M{n}_xml": b"" for n in range(5)}), "5 members"),
        (_zip(**{"../A_xml": b"<a/>"}), "path outside"),
        (_zip(**{"/A_xml": b"<a/>"}), "path outside"),
        (_zip(A_xml=b"\0" * 30_000_000), "unpacks to over"),
    ],
    ids=["tail", "half", "bytes", "signature", "name", "many", "up", "root", "bomb"],
)
def test_f31_f32_a_bad_zip_is_a_bad_payload(body: bytes, said: str) -> None:
    started = time.monotonic()
    with pytest.raises(BadPayload, match=said):
        require_zip(_answer(body), "A.xml")
    assert time.monotonic() - started < 2


def test_f32_an_encrypted_zip_is_a_bad_payload() -> None:
    flagged = bytearray(SOUND)
    flagged[6] |= 1
    flagged[SOUND.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(BadPayload, match="damaged"):
        require_zip(_answer(bytes(flagged)), "A.xml")


def test_f32_a_zip_that_lies_about_its_size_is_a_bad_payload() -> None:
    lying = bytearray(_zip(A_xml=b"\0" * 5_000_000))
    at = bytes(lying).index(b"PK\x01\x02") + 24
    lying[at : at + 4] = (10).to_bytes(4, "little")
    with pytest.raises(BadPayload):
        require_zip(_answer(bytes(lying)), "A.xml")
