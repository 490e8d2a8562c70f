"""F24, F31, F32: pages that do not add up, and archives made to harm."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from stock_pipeline.errors import BadPayload
from stock_pipeline.twin.wire import Answer, Request

pytestmark = pytest.mark.fault

JSON = "application/json;charset=UTF-8"


# ---- F24: DART's list


def _receipts(*numbers: int) -> list[dict[str, str]]:
    names = ("corp_name", "report_nm", "flr_nm", "rm")
    return [
        {
            "rcept_no": f"20260312{number:06d}",
            "rcept_dt": "20260312",
            "corp_code": "00126380",
            "stock_code": "005930",
            **dict.fromkeys(names, "보고서"),
        }
        for number in numbers
    ]


def _book(*pages: tuple[int, int, list[int]]) -> Callable[[Request, Answer], Answer]:
    """Return an upstream's pages: announced pages, announced total, and receipts of each."""

    def page(request: Request, answer: Answer) -> Answer:
        if request.query["pblntf_ty"] != "A":
            return Answer(200, b'{"status":"013","message":"x"}', JSON, "list")
        number = int(request.query["page_no"])
        total_page, total_count, numbers = pages[min(number, len(pages)) - 1]
        counts = {"page_no": number, "total_page": total_page, "total_count": total_count}
        document = {"status": "000", **counts, "page_count": 100, "list": _receipts(*numbers)}
        return Answer(200, json.dumps(document).encode(), JSON, "list")

    return page


BOOKS = [
    ([(1, 3, [1, 2])], 1, "one receipt fewer than announced"),
    ([(1, 1, [1, 2])], 1, "one more"),
    ([(99, 9900, [1, 2])], 2, "the same page for ever"),
    ([(2, 4, [1, 2]), (2, 4, [2, 3])], 2, "a page that repeats one receipt and lacks another"),
    ([(2, 4, [1, 2]), (2, 4, [])], 2, "an empty last page"),
]


@pytest.mark.parametrize(("pages", "asked", "why"), BOOKS, ids=[book[2] for book in BOOKS])
def test_f24_receipts_that_do_not_add_up_are_never_complete(
    stage: Any, pages: list[tuple[int, int, list[int]]], asked: int, why: str
) -> None:
    stage.edits["list"] = _book(*pages)
    run = stage.run("dart_filing")
    assert run.error("dart_filing") is BadPayload
    assert run.ended("dart_filing") == ("failed", "error")
    assert (run.asked("list"), run.kept) == (asked, True)


def test_f24_a_receipt_that_arrives_during_the_walk_moves_no_page(stage: Any) -> None:
    stage.edits["list"] = _book((2, 3, [1, 2]), (2, 4, [3, 4]))
    run = stage.run("dart_filing")
    assert run.ended("dart_filing") == ("completed", "rows")
    assert run.log("dart_filing")["received"] == 4


# ---- F24: the portal's list


def _total(total: int, *, same_page: bool) -> Callable[[Request, Answer], Answer]:
    """Return a change of the announced total; optionally every page is the first one."""
    first: list[Answer] = []

    def edit(request: Request, answer: Answer) -> Answer:
        first.append(answer)
        document = json.loads((first[0] if same_page else answer).body)
        document["response"]["body"]["totalCount"] = total
        return Answer(200, json.dumps(document).encode(), JSON, answer.operation)

    return edit


@pytest.mark.parametrize(
    ("total", "same_page", "asked", "why"),
    [
        (9999, False, 2, "the second page is empty"),
        (9999, True, 2, "every page is the first"),
        (10, False, 1, "more rows than announced"),
    ],
)
def test_f24_shares_that_do_not_add_up_are_never_complete(
    stage: Any, total: int, same_page: bool, asked: int, why: str
) -> None:
    stage.edits["getItemInfo"] = _total(total, same_page=same_page)
    run = stage.run("fsc_listed_item")
    assert run.error("fsc_listed_item") is BadPayload, why
    assert (run.asked("getItemInfo"), run.kept) == (asked, True)


# ---- F31, F32: the zip of companies

ENTRY = (
    "<list><corp_code>00126380</corp_code><corp_name>x</corp_name><corp_eng_name>x"
    "</corp_eng_name><stock_code>005930</stock_code><modify_date>20260101</modify_date></list>"
)
LAUGHS = "".join(
    f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' if n else '<!ENTITY a0 "ha">' for n in range(9)
)


def _zip(*, packed: bool = True, **members: str) -> bytes:
    """Return a zip; a member's name is written with `__` for a slash and `_` for a point."""
    stream = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), text)
    return stream.getvalue()


def _xml(inner: str, doctype: str = "", *, packed: bool = True) -> bytes:
    text = f'<?xml version="1.0"?>{doctype}<result>{inner}</result>'
    return _zip(packed=packed, CORPCODE_xml=text)


def _encrypted() -> bytes:
    body = bytearray(_xml(ENTRY))
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(signature) + place] |= 1
    return bytes(body)


def _lying() -> bytes:
    """Return a zip whose directory says that its member unpacks to ten bytes."""
    body = bytearray(_xml(ENTRY * 100))
    struct.pack_into("<I", body, body.index(b"PK\x01\x02") + 24, 10)
    return bytes(body)


FILE = '<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
LONG = f'<list x="{"0123456789" * 1_200_000}"/>'
# What is sent, what the log says of it, and what it is.
HARMFUL: list[tuple[Callable[[], bytes], str, str]] = [
    (lambda: _xml(" " * 40_000_000), "zip that unpacks to over", "a bomb"),
    (lambda: _zip(____CORPCODE_xml=ENTRY), "a path outside its folder", "a path upwards"),
    (lambda: _zip(CORPCODE_xml=ENTRY, a="", b="", c="", d=""), "zip of 5 members", "many members"),
    (lambda: _zip(other_xml=ENTRY), "zip without CORPCODE.xml", "another member"),
    (_encrypted, "damaged zip (RuntimeError)", "encrypted"),
    (_lying, "damaged zip (BadZipFile)", "sizes that lie"),
    (lambda: _xml(ENTRY)[:-30], "damaged zip (BadZipFile)", "no end"),
    (lambda: _xml(""), "the list is empty", "no company"),
    (lambda: _xml(ENTRY[:-3]), "no well-formed XML", "XML that does not close"),
    (lambda: _xml("&a8;", f"<!DOCTYPE r [{LAUGHS}]>"), "has a DOCTYPE", "an entity bomb"),
    (lambda: _xml("&e;", FILE), "has a DOCTYPE", "an external entity"),
    (lambda: _xml("<a>" * 100_000, packed=False), "no well-formed XML", "deep nesting"),
    (lambda: _xml(LONG, packed=False), "no well-formed XML", "an attribute of 12 MB"),
]


@pytest.mark.parametrize(("make", "said", "what"), HARMFUL, ids=[case[2] for case in HARMFUL])
def test_f32_an_archive_made_to_harm_is_refused_and_the_old_companies_stay(
    stage: Any, make: Callable[[], bytes], said: str, what: str
) -> None:
    body = make()
    stage.edits["corpCode"] = lambda request, answer: Answer(200, body, "application/zip", "corp")
    run = stage.run("dart_corp_code")
    assert run.error("dart_corp_code") is BadPayload
    assert said in run.log("dart_corp_code")["reason"], what
    assert run.ended("dart_corp_code") == ("failed", "error")
    assert run.kept
