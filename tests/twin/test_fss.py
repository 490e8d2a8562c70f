"""Finlife as the twin plays it: held to the recorded answers, its pages, its codes, its months."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.twin.fault_kinds import KINDS
from stock_pipeline.twin.fss import Fss
from stock_pipeline.twin.wire import Answer, Request
from stock_pipeline.twin.world import World

KST = timezone(timedelta(hours=9))
EVENING = datetime(2026, 3, 13, 18, 0, tzinfo=KST)
KEY = "k" * 32
BANKS, INSURERS, SECURITIES = "020000", "050000", "060000"
GROUPS = (BANKS, "030200", "030300", INSURERS, SECURITIES)
# Service → products, requests for all groups: the totals and pages of February 2026.
SERVICES = {
    "depositProductsSearch": (137, 5),
    "savingProductsSearch": (328, 7),
    "annuitySavingProductsSearch": (343, 64),
    "mortgageLoanProductsSearch": (113, 5),
    "rentHouseLoanProductsSearch": (57, 5),
    "creditLoanProductsSearch": (112, 5),
}
RECORDED = {
    "depositProductsSearch": BANKS,
    "savingProductsSearch": BANKS,
    "mortgageLoanProductsSearch": INSURERS,
    "rentHouseLoanProductsSearch": INSURERS,
}


class Service:
    """The service at a held time."""

    def __init__(self, world: World, now: datetime = EVENING) -> None:
        self._fss = Fss(world, lambda: now)

    def answer(self, service: str, **query: str) -> Answer:
        asked = {"auth": KEY, "topFinGrpNo": BANKS, "pageNo": "1"} | query
        path = f"/finlifeapi/{service}.json"
        answer = self._fss.answer(Request("GET", "finlife.fss.or.kr", path, asked))
        assert answer is not None
        return answer

    def tell(self, service: str, **query: str) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(self.answer(service, **query).body)["result"]
        return result

    def pages(self, service: str, group: str) -> list[dict[str, Any]]:
        first = self.tell(service, topFinGrpNo=group)
        others = range(2, first["max_page_no"] + 1)
        return [first, *(self.tell(service, topFinGrpNo=group, pageNo=str(n)) for n in others)]

    def every(self, service: str, name: str) -> list[dict[str, Any]]:
        pages = (page for group in GROUPS for page in self.pages(service, group))
        return [row for page in pages for row in page[name]]


@pytest.fixture(scope="module")
def world() -> World:
    return World(companies=10, end=date(2026, 3, 20))


@pytest.fixture(scope="module")
def service(world: World) -> Service:
    return Service(world)


def kinds(rows: list[dict[str, Any]], field: str) -> set[str]:
    """Return the types of a field, a whole number counting as any other."""
    names = {type(row[field]).__name__ for row in rows}
    return {"number" if name in {"int", "float"} else name for name in names}


@pytest.mark.parametrize(("name", "group"), RECORDED.items())
def test_answers_are_written_as_recorded(
    service: Service, recorded: Path, name: str, group: str
) -> None:
    body = (recorded / "fss" / f"{name}_202405.json").read_bytes()
    expected, told = json.loads(body)["result"], service.tell(name, topFinGrpNo=group)
    assert list(told) == list(expected)
    for field in ("prdt_div", "err_cd", "err_msg"):
        assert told[field] == expected[field]
    for field in ("total_count", "max_page_no", "now_page_no"):
        assert type(told[field]) is int
    for part in ("baseList", "optionList"):
        rows, like = service.every(name, part), expected[part]
        assert {tuple(row) for row in rows} == {tuple(like[0])}
        for field in like[0]:
            assert kinds(like, field) <= kinds(rows, field), field
            if kinds(like, field) != {"NoneType"}:  # of no recorded value no type is known
                assert kinds(rows, field) <= kinds(like, field) | {"NoneType"}, field


def test_annuities_have_the_recorded_counts_and_fields(service: Service, recorded: Path) -> None:
    body = (recorded / "fss" / "annuitySavingProductsSearch_excerpt.json").read_bytes()
    expected = json.loads(body)["result"]
    told = service.tell("annuitySavingProductsSearch", topFinGrpNo=SECURITIES)
    for field in ("prdt_div", "total_count", "max_page_no", "now_page_no", "err_cd", "err_msg"):
        assert told[field] == expected[field]
    assert set(expected["baseList"][0]) <= set(told["baseList"][0])
    assert set(expected["optionList"][0]) <= set(told["optionList"][0])
    assert len(told["baseList"]) == 5


@pytest.mark.parametrize(("name", "expected"), SERVICES.items())
def test_totals_and_pages_are_those_of_february_2026(
    service: Service, name: str, expected: tuple[int, int]
) -> None:
    pages = [page for group in GROUPS for page in service.pages(name, group)]
    assert (sum(len(page["baseList"]) for page in pages), len(pages)) == expected
    assert all(len(page["baseList"]) <= 100 for page in pages)


@pytest.mark.parametrize(("name", "options"), [("savingProductsSearch", 1_537),
                                               ("annuitySavingProductsSearch", 17_888),
                                               ("mortgageLoanProductsSearch", 298),
                                               ("rentHouseLoanProductsSearch", 106),
                                               ("creditLoanProductsSearch", 276)])  # fmt: skip
def test_products_have_about_as_many_options(service: Service, name: str, options: int) -> None:
    assert len(service.every(name, "optionList")) == pytest.approx(options, rel=0.13)


@pytest.mark.parametrize("name", SERVICES)
def test_no_product_and_no_option_is_listed_twice_and_none_is_an_orphan(
    service: Service, name: str
) -> None:
    products, options = (service.every(name, part) for part in ("baseList", "optionList"))
    codes = ("dcls_month", "fin_co_no", "fin_prdt_cd", "crdt_prdt_type")
    listed = {tuple(row.get(code) for code in codes) for row in products}
    assert len(listed) == len(products)
    assert {tuple(row.get(code) for code in codes) for row in options} <= listed
    choices = {
        tuple(v for k, v in row.items() if k in codes or k.endswith(("_type", "_trm", "_age")))
        + tuple(row.get(k) for k in ("mon_paym_atm", "paym_prd"))
        for row in options
    }
    assert len(choices) == len(options)


def test_a_group_without_products_is_an_empty_success(service: Service) -> None:
    told = service.tell("depositProductsSearch", topFinGrpNo=INSURERS)
    assert (told["err_cd"], told["total_count"]) == ("000", 0)
    assert (told["baseList"], told["optionList"]) == ([], [])


# ---- what its rows are known for


def test_rates_can_be_null_and_are_never_zero(service: Service) -> None:
    options = service.every("savingProductsSearch", "optionList")
    for field in ("intr_rate", "intr_rate2"):
        assert {type(row[field]) for row in options} == {int, float, type(None)}
        assert 0 not in {row[field] for row in options}
    grades = [
        row["crdt_grad_13"] for row in service.every("creditLoanProductsSearch", "optionList")
    ]
    assert None in grades


def test_some_loans_have_no_option(service: Service) -> None:
    for name in ("mortgageLoanProductsSearch", "rentHouseLoanProductsSearch"):
        with_one = {(r["fin_co_no"], r["fin_prdt_cd"]) for r in service.every(name, "optionList")}
        assert len(with_one) < SERVICES[name][0]


def test_the_month_of_the_disclosure_differs_between_companies(service: Service) -> None:
    rows = service.every("depositProductsSearch", "baseList")
    assert {row["dcls_month"] for row in rows} == {"202602", "202601"}
    assert len({(row["fin_co_no"], row["dcls_month"]) for row in rows}) < len(rows)


def test_company_codes_are_seven_digits_and_names_hold_line_breaks(service: Service) -> None:
    rows = service.every("depositProductsSearch", "baseList")
    assert all(len(row["fin_co_no"]) == 7 and row["fin_co_no"][0] == "0" for row in rows)
    assert any("\n" in row["fin_prdt_nm"] for row in rows)


def test_one_code_stands_for_several_kinds_of_credit(service: Service) -> None:
    rows = service.every("creditLoanProductsSearch", "baseList")
    codes = {(row["fin_co_no"], row["fin_prdt_cd"]) for row in rows}
    assert len(codes) < len(rows)
    assert "개인신용대출" in {code for _, code in codes}


def test_the_parts_of_a_loan_rate_add_up(service: Service) -> None:
    options = service.every("creditLoanProductsSearch", "optionList")
    parts = {
        (row["fin_co_no"], row["fin_prdt_cd"], row["crdt_prdt_type"], row["crdt_lend_rate_type"]):
            row["crdt_grad_1"]
        for row in options
    }  # fmt: skip
    whole = [key[:3] for key, rate in parts.items() if key[3] == "D" and rate is not None]
    assert whole
    for key in whole:
        rate, base, spread, less = (parts[*key, part] for part in "ABCD")
        assert rate == pytest.approx(base + spread - less, abs=0.021)


# ---- months


def test_products_are_withdrawn_and_replaced(world: World) -> None:
    now = {
        (row["fin_co_no"], row["fin_prdt_cd"])
        for row in Service(world).every("savingProductsSearch", "baseList")
    }
    later = Service(world, datetime(2026, 4, 20, tzinfo=KST))
    then = {
        (row["fin_co_no"], row["fin_prdt_cd"])
        for row in later.every("savingProductsSearch", "baseList")
    }
    assert 1 <= len(now - then) == len(then - now) <= 30


@pytest.mark.parametrize(
    ("now", "month"),
    [("2026-03-19T23:59+09:00", "202602"), ("2026-03-20T00:00+09:00", "202603")],  # both sides
)
def test_a_new_month_is_out_on_the_twentieth_in_seoul(world: World, now: str, month: str) -> None:
    told = Service(world, datetime.fromisoformat(now)).tell("depositProductsSearch")
    assert told["baseList"][0]["dcls_month"] == month


def test_the_end_of_the_world_changes_nothing() -> None:
    one, other = (
        Service(World(companies=10, end=date(2026, 3, day))).answer("creditLoanProductsSearch").body
        for day in (13, 20)
    )
    assert one == other


# ---- codes


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"auth": ""}, "010"),
        ({"auth": "k" * 31}, "010"),  # a key has 32 characters
        ({"pageNo": ""}, "100"),
        ({"topFinGrpNo": ""}, "100"),
        ({"topFinGrpNo": "010000"}, "101"),
        ({"pageNo": "0"}, "101"),
        ({"pageNo": "x"}, "101"),
    ],
)
def test_a_wrong_request_is_refused_with_http_200(
    service: Service, query: dict[str, str], code: str
) -> None:
    answer = service.answer("depositProductsSearch", **query)
    told = json.loads(answer.body)["result"]
    assert (answer.status, told["err_cd"], set(told)) == (200, code, {"err_cd", "err_msg"})


def test_a_refused_key_is_answered_as_recorded(service: Service, recorded: Path) -> None:
    expected = json.loads((recorded / "fss" / "error_010.json").read_bytes())
    assert json.loads(service.answer("depositProductsSearch", auth="").body) == expected
    request = Request("GET", "finlife.fss.or.kr", "/finlifeapi/depositProductsSearch.json")
    played = KINDS["fss"].replace
    assert played is not None
    assert json.loads(played("010", request).body) == expected


@pytest.mark.parametrize("path", ["/finlifeapi/companySearch.json", "/finlifeapi/x", "/"])
def test_what_the_product_never_asks_for_is_not_played(world: World, path: str) -> None:
    asked = {"auth": KEY, "topFinGrpNo": BANKS, "pageNo": "1"}
    request = Request("GET", "finlife.fss.or.kr", path, asked)
    assert Fss(world, lambda: EVENING).answer(request) is None
