"""The shape that the six services share: what is read, left out, counted, and never marked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.finlife_columns import GROUPS
from stock_pipeline.assets.products.deposit_products import (
    OPTION_RULES,
    OPTIONS,
    PAIR,
    RULES,
    TABLE,
)
from stock_pipeline.assets.products.finlife import parse, refresh
from stock_pipeline.errors import (
    AuthError,
    BadPayload,
    BadRequest,
    NetworkError,
    PipelineError,
    QualityReject,
    QuotaExhausted,
    RateLimited,
    SchemaDrift,
    ServerError,
    SettingMissing,
    Timeout,
)
from stock_pipeline.quality import rules as quality
from stock_pipeline.sources.fss import Products
from stock_pipeline.sources.transport import NotArchived, Payload
from stock_pipeline.table_asset import Collected

NOW = datetime(2026, 3, 13, 9, 0, tzinfo=UTC)
BANKS = "020000"
WHERE = ("FSS", "depositProductsSearch")

Row = dict[str, str | None]


def product(code: str, **fields: str | None) -> Row:
    """Return a deposit as the source hands it out."""
    names = ("join_way", "mtrt_int", "spcl_cnd", "join_deny", "join_member", "etc_note")
    return {
        "dcls_month": "202602",
        "fin_co_no": "0010001",
        "fin_prdt_cd": code,
        "kor_co_nm": "한빛은행",
        "fin_prdt_nm": "정기예금",
        **dict.fromkeys(names),
        "max_limit": None,
        "dcls_strt_day": "20260220",
        "dcls_end_day": None,
        "fin_co_subm_day": "202602201126",
        **fields,
    }


def option(code: str, **fields: str | None) -> Row:
    """Return an option of a deposit as the source hands it out."""
    return {
        "dcls_month": "202602",
        "fin_co_no": "0010001",
        "fin_prdt_cd": code,
        "intr_rate_type": "S",
        "intr_rate_type_nm": "단리",
        "save_trm": "12",
        "intr_rate": "2.5",
        "intr_rate2": "3",
        **fields,
    }


# ---- what is read


def test_groups_are_put_together(read: Any) -> None:
    offers = {"020000": "A", "030300": "B"}
    groups = {group: Products([product(c)], [option(c)]) for group, c in offers.items()}
    found = parse(PAIR, {**groups, "060000": Products([], [])})
    named = found.products.select("fin_prdt_cd", "top_fin_grp_no")
    assert named.rows() == [("A", "020000"), ("B", "030300")]
    assert found.options["fin_prdt_cd"].to_list() == ["A", "B"]


@pytest.mark.parametrize(
    "changes",
    [
        {"fin_prdt_cd": "B"},
        {"fin_co_no": "0010002"},
        {"dcls_month": "202601"},  # of another month's disclosure
    ],
)
def test_an_option_without_its_product_is_left_out_and_counted(changes: Row) -> None:
    found = parse(PAIR, {BANKS: Products([product("A")], [option("A"), option("A") | changes])})
    assert found.options["fin_prdt_cd"].to_list() == ["A"]
    assert found.warnings == {"option_has_its_product": 1}


def test_fss_trap_6_companies_may_disclose_in_different_months(spotless: Any) -> None:
    months = {"A": "202602", "B": "202601"}
    products = [product(c, dcls_month=m) for c, m in months.items()]
    options = [option(c, dcls_month=m) for c, m in months.items()]
    found = parse(PAIR, {BANKS: Products(products, options)})
    assert found.products["dcls_month"].to_list() == ["202602", "202601"]
    assert found.options["dcls_month"].to_list() == ["202602", "202601"]
    assert spotless(found.products, RULES, TABLE)


@pytest.mark.parametrize(
    ("code", "kept"),
    [
        ("0010001", 1),
        ("0000000", 1),
        ("10001", 0),  # its zeros are lost
        ("00100010", 0),
        ("001000A", 0),
    ],
)
def test_fss_trap_7_a_company_is_seven_digits_of_text(code: str, kept: int) -> None:
    rows = Products([product("A", fin_co_no=code)], [option("A", fin_co_no=code)])
    found = parse(PAIR, {BANKS: rows})
    assert found.products.schema["fin_co_no"] == pl.String
    assert quality.apply(found.products, RULES, keys=TABLE.keys).kept.height == kept
    assert quality.apply(found.options, OPTION_RULES, keys=OPTIONS.keys).kept.height == kept


@pytest.mark.parametrize(
    ("second", "kept", "duplicates"),
    [
        (product("A"), 1, 1),  # the same twice: one row, counted
        (product("A", fin_prdt_nm="다른 예금"), 0, 0),  # nobody knows which is right
    ],
)
def test_f14_a_product_listed_twice_counts_once_or_not_at_all(
    second: Row, kept: int, duplicates: int
) -> None:
    found = parse(PAIR, {BANKS: Products([product("A"), second], [])})
    verdict = quality.apply(found.products, RULES, keys=TABLE.keys)
    assert (verdict.kept.height, verdict.duplicates) == (kept, duplicates)


@pytest.mark.parametrize(
    ("field", "written"),
    [("max_limit", "1억원"), ("dcls_strt_day", "20260230"), ("fin_co_subm_day", "202602202526")],
)
def test_f17_a_value_that_cannot_be_read_is_null_and_counted(field: str, written: str) -> None:
    found = parse(PAIR, {BANKS: Products([product("A", **{field: written})], [option("A")])})
    assert found.products[field].item() is None
    assert found.warnings == {"value_is_readable": 1}


def test_f17_a_rate_beyond_any_percentage_is_kept_out() -> None:
    rows = [option("A", save_trm="6", intr_rate="1000", intr_rate2=None), option("A")]
    found = parse(PAIR, {BANKS: Products([product("A")], rows)})
    verdict = quality.apply(found.options, OPTION_RULES, keys=OPTIONS.keys)
    assert verdict.kept["save_trm"].to_list() == [12]


@pytest.mark.parametrize("name", product("A"))
def test_f16_a_missing_field_of_the_products_is_drift(name: str) -> None:
    row = {field: value for field, value in product("A").items() if field != name}
    with pytest.raises(SchemaDrift, match=f"column {name}: no row has it"):
        parse(PAIR, {BANKS: Products([row], [])})


@pytest.mark.parametrize("name", option("A"))
def test_f16_a_missing_field_of_the_options_is_drift(name: str) -> None:
    row = {field: value for field, value in option("A").items() if field != name}
    with pytest.raises(SchemaDrift, match=f"column {name}: no row has it"):
        parse(PAIR, {BANKS: Products([product("A")], [row])})


def test_f16_a_new_field_is_ignored() -> None:
    found = parse(PAIR, {BANKS: Products([product("A", news="x")], [option("A", news="x")])})
    assert found.products.schema == TABLE.frame_schema
    assert found.options.schema == OPTIONS.frame_schema


# ---- which groups came


class Groups:
    """Finlife with one product a group, except where a group raises or is empty."""

    def __init__(self, answer: Callable[[str], Products]) -> None:
        self.asked: list[tuple[str, str]] = []
        self._answer = answer

    def products(self, service: str, group: str) -> Payload[Products]:
        """Answer as the test wants it."""
        self.asked.append((service, group))
        return Payload(self._answer(group), NOW)


def failing(error: PipelineError, *groups: str) -> Groups:
    """Return a service of which these groups fail."""

    def answer(group: str) -> Products:
        if group in groups:
            raise error
        return Products([product(group)], [option(group)])

    return Groups(answer)


class Stored:
    """A database with what these groups answered before."""

    def __init__(self, answers: Mapping[str, Products]) -> None:
        self._found = parse(PAIR, answers)

    def read(self, statement: str) -> pl.DataFrame:
        """Return what is active in one of the two tables."""
        return self._found.options if OPTIONS.name in statement else self._found.products


def refreshed(service: Any, *stored: str) -> Collected:
    """Return the refresh of a database in which these groups have a product and its option."""
    db: Any = Stored({group: Products([product(group)], [option(group)]) for group in stored})
    return refresh(PAIR, service, db)


def active(frame: pl.DataFrame) -> list[str]:
    """Return which products are active, each named for its group."""
    return frame.filter("is_active")["fin_prdt_cd"].to_list()


@pytest.mark.parametrize(
    "error",
    [Timeout(*WHERE), ServerError(*WHERE), NetworkError(*WHERE), BadPayload(*WHERE),
     NotArchived(*WHERE)],
)  # fmt: skip
def test_fss_trap_5_a_failed_group_is_named_and_nobody_is_marked(error: PipelineError) -> None:
    service: Any = failing(error, "030300")
    found = refreshed(service, *GROUPS)
    (failed,) = found.failed
    assert failed == f"030300 savings banks: {error}"
    assert found.frame["fin_prdt_cd"].to_list() == ["020000", "030200", "050000", "060000"]
    assert found.frame["is_active"].all()
    assert found.beside["deposit_rate_options"].height == 4
    assert service.asked == [("depositProductsSearch", group) for group in GROUPS]


@pytest.mark.parametrize(
    "error",
    [
        AuthError(*WHERE, setting="FSS_API_KEY"),
        QuotaExhausted(*WHERE),
        RateLimited(*WHERE),
        BadRequest(*WHERE),
        SchemaDrift(*WHERE, "baseList"),
        SettingMissing("FSS_API_KEY", "apply"),
    ],
)
def test_what_no_further_group_can_get_past_ends_the_refresh(error: PipelineError) -> None:
    service: Any = failing(error, "030200")
    with pytest.raises(type(error)):
        refreshed(service)
    assert [group for _, group in service.asked] == ["020000", "030200"]


def test_without_any_group_the_first_error_is_the_result() -> None:
    service: Any = failing(ServerError(*WHERE), *GROUPS)
    with pytest.raises(ServerError):
        refreshed(service)


def test_a_service_without_a_single_product_is_no_answer() -> None:
    with pytest.raises(BadPayload, match="no product in any group"):
        refreshed(Groups(lambda group: Products([], [])))


# ---- what did not come although it came with code 000


def hollow(group: str, **left: list[Row]) -> Groups:
    """Return a service of which one group has only what is named."""
    full = failing(ServerError(*WHERE))
    part = Products(left.get("products", []), left.get("options", []))
    return Groups(lambda one: part if one == group else full.products("", one).data)


@pytest.mark.parametrize(
    ("left", "stored", "said", "reason"),
    [
        ({}, True, "no product of group 030200 came, and 1 are", "it offered one before"),
        ({}, False, "", "a group may offer nothing: securities firms have no deposits"),
        (
            {"products": [product("030200")]},
            True,
            "no option of group 030200 came, and 1 are",
            "it had an option before",
        ),
        ({"products": [product("030200")]}, False, "", "a product may have no option"),
        (
            {"products": [product("030200"), product("X")], "options": [option("030200")]},
            True,
            "",
            "one product of several may have no option",
        ),
    ],
)
def test_a_group_that_has_suddenly_nothing_did_not_come(
    left: dict[str, list[Row]], stored: bool, said: str, reason: str
) -> None:
    known = [group for group in GROUPS if stored or group != "030200"]
    found = refreshed(hollow("030200", **left), *known)
    assert [said in failed for failed in found.failed] == ([True] if said else []), reason
    assert found.frame["is_active"].all()
    assert found.beside[OPTIONS.name]["is_active"].all()


def test_a_product_whose_rates_did_not_come_keeps_the_stored_one() -> None:
    found = refreshed(hollow("030200", products=[product("030200")]), *GROUPS)
    assert "030200" not in found.frame["fin_prdt_cd"].to_list()


def test_a_service_of_which_every_group_is_suddenly_empty_is_no_answer() -> None:
    with pytest.raises(BadPayload, match="no product of group 020000 came"):
        refreshed(Groups(lambda group: Products([], [])), *GROUPS)


def banks(*offers: tuple[int, int]) -> Groups:
    """Return a service with banks only: so many options of each product."""
    products = [product(f"{number}") for number, _ in offers]
    options = [option(f"{n}", save_trm=f"{term}") for n, terms in offers for term in range(terms)]
    return Groups(lambda one: Products(products, options) if one == BANKS else Products([], []))


def stored_banks(*offers: tuple[int, int]) -> Any:
    """Return a database with the offers of `banks`."""
    return Stored({BANKS: banks(*offers).products("", BANKS).data})


@pytest.mark.parametrize(
    ("now", "before", "refused", "reason"),
    [
        ([(n, 1) for n in range(8)], [(n, 1) for n in range(10)], "", "four fifths came"),
        (
            [(n, 1) for n in range(7)],
            [(n, 1) for n in range(10)],
            "deposit_products: 3 rows",
            "a list cut short",
        ),
        ([(0, 8), (1, 1)], [(0, 10), (1, 1)], "", "of eleven options nine came"),
        (
            [(0, 6), (1, 1)],
            [(0, 9), (1, 1)],
            "deposit_rate_options: 3 rows",
            "options cut short",
        ),
        (
            [(n, 1) for n in range(9)],
            [*((n, 1) for n in range(9)), (9, 30)],
            "",
            "the thirty options of a withdrawn product go with it",
        ),
    ],
)
def test_a_refresh_that_lacks_too_much_is_refused(
    now: list[tuple[int, int]], before: list[tuple[int, int]], refused: str, reason: str
) -> None:
    service: Any = banks(*now)
    with pytest.raises(QualityReject, match=refused) if refused else nullcontext():
        refresh(PAIR, service, stored_banks(*before))


def test_what_is_gone_was_not_received() -> None:
    before = [(number, 2) for number in range(10)]
    service: Any = banks(*before[:9])
    found = refresh(PAIR, service, stored_banks(*before))
    assert (found.frame.height, active(found.frame)) == (10, [f"{n}" for n in range(9)])
    assert found.beside[OPTIONS.name].height == 20
    assert (found.received, found.received_beside) == (9, {OPTIONS.name: 18})
