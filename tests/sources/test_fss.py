"""Finlife over the wire: every documented code, pages, counts, and what may be wrong with them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.errors import (
    AuthError,
    BadPayload,
    BadRequest,
    QuotaExhausted,
    SchemaDrift,
    ServerError,
    SettingMissing,
)
from stock_pipeline.sources.fss import MOST_PAGES, Fss
from stock_pipeline.sources.transport import Transport

KEY = "0123456789abcdef0123456789abcdef"
DEPOSITS, BANKS = "depositProductsSearch", "020000"


@pytest.fixture
def fss(transport: Transport, upstream: Any) -> Fss:
    """Return a client with a key, in front of the script."""
    return Fss(transport, KEY)


def product(code: str, **fields: Any) -> dict[str, Any]:
    """Return an entry of baseList or optionList."""
    return {"dcls_month": "202602", "fin_co_no": "0010001", "fin_prdt_cd": code, **fields}


def page(*codes: str, number: Any = 1, pages: Any = 1, total: Any = None, **changes: Any) -> str:
    """Return an answer with these products and an option of each."""
    result = {
        "prdt_div": "D",
        "total_count": len(codes) if total is None else total,
        "max_page_no": pages,
        "now_page_no": number,
        "err_cd": "000",
        "err_msg": "정상",
        "baseList": [product(code) for code in codes],
        "optionList": [product(code, save_trm="12", intr_rate=2.5) for code in codes],
    }
    return json.dumps({"result": {**result, **changes}}, ensure_ascii=False)


def half(number: Any, *codes: str, total: Any = 2) -> str:
    """Return one of two pages."""
    return page(*codes, number=number, pages=2, total=total)


def refusal(code: str) -> str:
    """Return an error as the guide shows it: only two fields are sure to be there."""
    return json.dumps({"result": {"err_cd": code, "err_msg": "오류"}}, ensure_ascii=False)


# ---- codes, all of them with HTTP 200


@pytest.mark.parametrize("code", ["010", "011", "012", "013", "021"])
def test_fss_trap_1_f34_a_refused_key_costs_one_request_and_is_named(
    fss: Fss, upstream: Any, code: str
) -> None:
    upstream.say(DEPOSITS, upstream.text(refusal(code)))
    for _ in range(3):
        with pytest.raises(AuthError, match=f"err_cd {code}, .*renew FSS_API_KEY") as caught:
            fss.products(DEPOSITS, BANKS)
    assert len(upstream.asked) == 1
    assert KEY not in f"{caught.value!r} {vars(caught.value)}"


def test_fss_trap_1_the_recorded_refusal_is_read(fss: Fss, upstream: Any, recorded: Path) -> None:
    upstream.say(DEPOSITS, upstream.text((recorded / "fss" / "error_010.json").read_bytes()))
    with pytest.raises(AuthError, match="err_cd 010, the key is not registered"):
        fss.products(DEPOSITS, BANKS)


def test_f34_the_used_up_day_ends_at_midnight_in_seoul(
    fss: Fss, upstream: Any, budget: Any
) -> None:
    upstream.say(DEPOSITS, upstream.text(refusal("020")))
    for _ in range(2):
        with pytest.raises(QuotaExhausted) as caught:
            fss.products(DEPOSITS, BANKS)
    assert caught.value.until == datetime(2026, 3, 13, 15, 0, tzinfo=UTC)
    assert budget.exhausted == {"FSS"}
    assert len(upstream.asked) == 1


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("100", "err_cd 100, a parameter is missing; parameters topFinGrpNo, pageNo"),
        ("101", "err_cd 101, a parameter has a wrong value; parameters topFinGrpNo, pageNo"),
        ("777", "err_cd 777, which is not documented"),
        ("<b>가</b>", "err_cd of unknown form"),  # nothing of it belongs into a message
    ],
)
def test_f34_a_wrong_request_is_not_repeated(fss: Fss, upstream: Any, code: str, text: str) -> None:
    upstream.say(DEPOSITS, upstream.text(refusal(code)))
    with pytest.raises(BadRequest, match=text):
        fss.products(DEPOSITS, BANKS)
    assert len(upstream.asked) == 1


def test_f34_an_undefined_error_is_a_server_error(fss: Fss, upstream: Any, clock: Any) -> None:
    upstream.say(DEPOSITS, *map(upstream.text, (refusal("900"), refusal("900"), page("A"))))
    assert len(fss.products(DEPOSITS, BANKS).data.products) == 1
    assert [30 <= wait <= 78 for wait in clock.sleeps if wait > 1] == [True, True]
    upstream.say(DEPOSITS, upstream.text(refusal("900")))
    with pytest.raises(ServerError):
        fss.products(DEPOSITS, BANKS)


def test_f37_a_missing_key_is_said_before_any_request(transport: Transport, upstream: Any) -> None:
    with pytest.raises(SettingMissing, match="FSS_API_KEY is not set: apply at"):
        Fss(transport, None).products(DEPOSITS, BANKS)
    assert upstream.asked == []


# ---- pages


def test_fss_trap_2_page_and_group_are_always_sent(fss: Fss, upstream: Any) -> None:
    upstream.say(DEPOSITS, upstream.text(page("A")))
    fss.products(DEPOSITS, BANKS)
    asked = {"auth": KEY, "topFinGrpNo": BANKS, "pageNo": "1"}
    assert upstream.queries(DEPOSITS) == [asked]


def test_fss_trap_3_every_page_is_asked_for(fss: Fss, upstream: Any, archive: Any) -> None:
    pages = [page("A", "B", pages=3, total=5), page("C", "D", number=2, pages=3, total=5)]
    pages.append(page("E", number=3, pages=3, total=5))
    upstream.say(DEPOSITS, *map(upstream.text, pages))
    found = fss.products(DEPOSITS, BANKS).data
    assert [row["fin_prdt_cd"] for row in found.products] == list("ABCDE")
    assert [row["fin_prdt_cd"] for row in found.options] == list("ABCDE")
    assert [query["pageNo"] for query in upstream.queries(DEPOSITS)] == ["1", "2", "3"]
    assert [e.params["pageNo"] for e in archive.find("FSS", DEPOSITS, {})] == ["1", "2", "3"]


def test_stored_pages_give_the_same_products_without_a_key(
    fss: Fss, upstream: Any, replaying: Transport
) -> None:
    upstream.say(DEPOSITS, *map(upstream.text, (half(1, "A"), half(2, "B"))))
    found = fss.products(DEPOSITS, BANKS)
    assert Fss(replaying, None).products(DEPOSITS, BANKS) == found


def test_a_group_without_products_is_empty(fss: Fss, upstream: Any) -> None:
    for number in (1, 0):  # what such an answer says of its page was never recorded
        upstream.say(DEPOSITS, upstream.text(page(number=number, pages=number)))
        found = fss.products(DEPOSITS, BANKS).data
        assert (found.products, found.options) == ([], [])


def test_counts_may_be_quoted_as_in_2022(fss: Fss, upstream: Any) -> None:
    pages = [page("A", number="1", pages="2", total="2"), half("2", "B", total="2")]
    upstream.say(DEPOSITS, *map(upstream.text, pages))
    assert len(fss.products(DEPOSITS, BANKS).data.products) == 2


# A page that is another one is asked for once more; pages that do not fit together are not.
WRONG_PAGES = {
    "fewer products than announced": (1, [page("A", total=2)]),
    "more products than announced": (1, [page("A", "B", total=1)]),
    "products in a group that has none": (1, [page("A", total=0)]),
    "another page than asked for": (2, [page("A", number=2)]),
    "the first page again": (3, [half(1, "A"), half(1, "B")]),
    "the same products as page 2": (2, [half(1, "A"), half(2, "A")]),
    "a list that moved": (2, [half(1, "A", "B", total=3), half(2, "B", total=3)]),
    "an empty page at the end": (2, [half(1, "A"), half(2)]),
    "an empty page": (2, [page("A", pages=9, total=9), page(number=2, pages=9, total=9)]),
    "more pages than there can be": (1, [page("A", pages=MOST_PAGES + 1, total=1000)]),
}


@pytest.mark.parametrize(("requests", "pages"), WRONG_PAGES.values(), ids=WRONG_PAGES.keys())
def test_f24_pages_that_do_not_add_up_are_no_answer(
    fss: Fss, upstream: Any, requests: int, pages: list[str]
) -> None:
    upstream.say(DEPOSITS, *map(upstream.text, pages))
    with pytest.raises(BadPayload):
        fss.products(DEPOSITS, BANKS)
    assert len(upstream.asked) == requests


def test_one_page_may_list_a_code_for_several_kinds_of_credit(fss: Fss, upstream: Any) -> None:
    rows = [product("개인신용대출", crdt_prdt_type=kind) for kind in "12"]
    first = page(pages=2, total=2, baseList=rows[:1])
    second = page(number=2, pages=2, total=2, baseList=rows[1:])
    upstream.say(DEPOSITS, *map(upstream.text, (first, second)))
    assert len(fss.products(DEPOSITS, BANKS).data.products) == 2


# ---- what is in them


def test_values_are_texts_and_null_stays_null(fss: Fss, upstream: Any) -> None:
    option = product("A", whole=4, decimal=3.45, quoted="2.5", nothing=None, text="줄\r\n바꿈 ")
    upstream.say(DEPOSITS, upstream.text(page("A", optionList=[option])))
    (found,) = fss.products(DEPOSITS, BANKS).data.options
    values = {"whole": "4", "decimal": "3.45", "quoted": "2.5", "nothing": None}
    assert found == product("A", **values, text="줄\r\n바꿈 ")


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"baseList": None}, "baseList"),
        ({"baseList": [1]}, "baseList"),
        ({"optionList": {}}, "optionList"),
        ({"total_count": None}, "total_count"),
        ({"total_count": True}, "total_count"),
        ({"max_page_no": "many"}, "max_page_no"),
        ({"now_page_no": -1}, "now_page_no"),
        ({"baseList": [product("A", fin_co_no=10001)]}, "fin_co_no"),  # its zeros are lost
        ({"baseList": [product("A", fin_prdt_cd=None)]}, "fin_prdt_cd"),
        ({"optionList": [product("A", intr_rate=[2.5])]}, "intr_rate"),
        ({"optionList": [product("A", intr_rate=True)]}, "intr_rate"),
    ],
)
def test_f16_another_shape_is_drift(
    fss: Fss, upstream: Any, changes: dict[str, Any], column: str
) -> None:
    upstream.say(DEPOSITS, upstream.text(page("A", **changes)))
    with pytest.raises(SchemaDrift, match=f"column {column}"):
        fss.products(DEPOSITS, BANKS)


@pytest.mark.parametrize(
    "body", ["<html>점검</html>", "[]", "{}", '{"result":[]}', '{"result":{"err_cd":0}}', "{", ""]
)
def test_f07_anything_but_an_answer_of_finlife_is_refused(
    fss: Fss, upstream: Any, body: str
) -> None:
    upstream.say(DEPOSITS, upstream.text(body))
    with pytest.raises(BadPayload):
        fss.products(DEPOSITS, BANKS)


def test_requests_keep_their_distance(fss: Fss, upstream: Any, budget: Any) -> None:
    upstream.say(DEPOSITS, *map(upstream.text, (half(1, "A"), half(2, "B"))))
    fss.products(DEPOSITS, BANKS)
    (_, first), (_, second) = budget.admitted
    assert second - first >= 0.5


@pytest.mark.parametrize(
    ("name", "products", "options"),
    [
        ("depositProductsSearch", 19, 67),
        ("savingProductsSearch", 32, 112),
        ("mortgageLoanProductsSearch", 11, 19),
        ("rentHouseLoanProductsSearch", 5, 6),
    ],
)
def test_a_recorded_answer_comes_through_value_by_value(
    fss: Fss, upstream: Any, recorded: Path, name: str, products: int, options: int
) -> None:
    body = (recorded / "fss" / f"{name}_202405.json").read_bytes()
    upstream.say(name, upstream.text(body))
    found = fss.products(name, "020000").data
    expected = json.loads(body, parse_float=str, parse_int=str)["result"]
    assert (len(found.products), len(found.options)) == (products, options)
    assert found.products == expected["baseList"]
    assert found.options == expected["optionList"]
