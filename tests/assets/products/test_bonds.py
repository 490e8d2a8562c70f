"""Bonds: the recorded ones field by field, then kind, ratings, dates and amounts one by one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.assets.products.bonds import FIELDS, RULES, TABLE, newest, parse
from stock_pipeline.errors import EmptyOnBusinessDay, SchemaDrift
from stock_pipeline.quality import rules as quality
from stock_pipeline.sources.transport import NotArchived, Payload

BLANK = dict.fromkeys(FIELDS, " ")
NOTE = BLANK | {
    "basDt": "20260312",
    "isinCd": "KR6000011G19",
    "isinCdNm": "가나전자 12",
    "bondIsurNm": "가나전자",
    "crno": "1101110000018",
    "scrsItmsKcdNm": "일반회사채",
    "bondSrfcInrt": "3.5",
    "bondIssuDt": "20260105",
    "bondExprDt": "20290105",
    "prmncBondYn": "N",
    "bondIssuAmt": "50000000000",
    "bondBal": "50000000000",
    "bondIssuCurCd": "KRW",
}
RATINGS = ("kisScrsItmsKcdNm", "kbpScrsItmsKcdNm", "niceScrsItmsKcdNm", "fnScrsItmsKcdNm")


def row_of(**changes: str) -> dict[str, Any]:
    """Return the parsed bond with some upstream fields changed."""
    return parse([NOTE | changes]).row(0, named=True)


def rated(*texts: str, **changes: str) -> dict[str, Any]:
    """Return the parsed bond with the ratings of KIS, KBP, NICE and FN."""
    return row_of(**dict(zip(RATINGS, texts, strict=False)), **changes)


def warned(**changes: str) -> set[str]:
    """Return the warning rules that the bond breaks with some upstream fields changed."""
    verdict = quality.apply(parse([NOTE | changes]), RULES, keys=TABLE.keys)
    assert verdict.kept.height == 1
    return set(verdict.warnings)


def read(recorded: Path, name: str) -> tuple[list[dict[str, str]], int]:
    """Return the recorded rows, their missing fields unset as on the wire, and their count."""
    body = json.loads((recorded / "fsc" / name).read_text("utf-8"))["response"]["body"]
    return [BLANK | row for row in body["items"]["item"]], body["totalCount"]


# ---- the recorded answers; of about 80 fields they keep 19 and 10


def test_the_recorded_bond_is_read_field_by_field(recorded: Path) -> None:
    rows, count = read(recorded, "getBondBasiInfo_KR6010141911_20200715.json")
    frame = parse(rows)
    assert (frame.height, frame.schema) == (count, TABLE.frame_schema)
    unset = ["balance", "interest_period", "guarantee", "seniority", "credit_rating", "risk_level"]
    unset += ["rating_kis", "rating_kbp", "rating_nice", "rating_fn"]
    assert frame.row(0, named=True) == dict.fromkeys(unset) | {
        "isin": "KR6010141911",
        "name": "삼성중공업 101(사모)",
        "issuer": "삼성중공업",
        "crno": "1101110168595",
        "kind": "일반회사채",
        "bond_type": "corporate",
        "coupon_rate_pct": 4.2,
        "issue_date": date(2019, 1, 16),
        "maturity_date": date(2020, 7, 16),
        "maturity_years": 0.0,
        "issue_amount": 10_000_000_000,
        "currency": "KRW",
        "rate_change_kind": "고정",
        "interest_kind": "이표채",
        "is_perpetual": False,
        "base_date": date(2020, 7, 15),
        "is_active": True,
    }


def test_the_recorded_page_is_read_row_by_row(recorded: Path) -> None:
    rows, count = read(recorded, "getBondBasiInfo_20260201_a.json")
    frame = parse(rows)
    # What is not recorded, the names of kind and ratings among it, is null or says no more.
    unknown: dict[str, Any] = dict.fromkeys(TABLE.frame_schema)
    unknown |= {"bond_type": "corporate", "is_perpetual": False, "is_active": True}
    assert frame.rows(named=True) == [
        unknown
        | {
            "isin": row["isinCd"],
            "name": row["isinCdNm"],
            "issuer": row["bondIsurNm"],
            "coupon_rate_pct": float(row["bondSrfcInrt"]),
            "issue_amount": int(row["bondIssuAmt"]),
            "balance": int(row["bondBal"]),
            "base_date": date(2026, 2, 1),
        }
        for row in rows
    ]
    assert frame.height == count == 5


# ---- values


@pytest.mark.parametrize("unset", ["", " "])
def test_fsc_section_3_an_unset_field_is_null(unset: str) -> None:
    row = parse([dict.fromkeys(FIELDS, unset)]).row(0, named=True)
    derived = {"bond_type": "corporate", "is_perpetual": False, "is_active": True}
    assert {name: value for name, value in row.items() if value is not None} == derived


@pytest.mark.parametrize(
    ("written", "coupon"),
    [
        (".75", 0.75),  # fsc.md section 3: below 1 without the leading zero
        ("0", 0.0),  # a convertible bond may pay nothing: that is known, not missing
        ("7", 7.0),
        ("7.0", 7.0),
        ("4.12346", 4.1235),  # stored with four decimals
    ],
)
def test_fsc_section_3_coupons_are_percent(written: str, coupon: float) -> None:
    assert row_of(bondSrfcInrt=written)["coupon_rate_pct"] == coupon


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("110000000000", 110_000_000_000),
        ("0", 0),  # all of it is paid back
        ("1500000.75", 1_500_001),  # dollars have cents
        ("무제한", None),
    ],
)
def test_amounts_are_whole_units_of_their_currency(written: str, amount: int | None) -> None:
    row = row_of(bondBal=written, bondIssuCurCd="USD")
    assert (row["balance"], row["currency"]) == (amount, "USD")


@pytest.mark.parametrize("written", ["0000000000000", " "])
def test_an_issuer_without_a_number_joins_no_company(written: str) -> None:
    assert row_of(crno=written)["crno"] is None


# ---- what kind of bond it is


@pytest.mark.parametrize(
    ("kind", "issuer", "expected", "reason"),
    [
        ("국채", "기획재정부", "government", "treasury"),
        ("국고채권", "기획재정부", "government", "treasury by its own name"),
        ("국민주택1종", "국토교통부", "government", "national housing"),
        ("지방채", "경기도", "government", "a province owes it"),
        ("모집지방채", "경기도", "government", "a province owes it"),
        ("도시철도공채", "서울특별시", "government", "a city owes it"),
        ("통안증권", "한국은행", "government", "monetary stabilisation"),
        ("통화안정증권", "한국은행", "government", "monetary stabilisation in full"),
        ("특수채", "한국은행", "government", "what the depository calls 통안채"),
        ("특수채", "한국전력공사", "corporate", "a state company is rated like others"),
        ("지방공사채", "경기주택도시공사", "corporate", "a municipal company is no municipality"),
        ("금융채", "한국산업은행", "corporate", "a state bank"),
        ("외국채", "국제부흥개발은행", "corporate", "foreign: 국채 is in it, not before it"),
        ("일반회사채", "국채판매", "corporate", "the words stand in the issuer's name"),
        (" ", "가나전자", "corporate", "no kind"),
    ],
)
def test_the_government_is_known_by_the_kind_and_its_bank_by_name(
    kind: str, issuer: str, expected: str, reason: str
) -> None:
    row = row_of(scrsItmsKcdNm=kind, bondIsurNm=issuer)
    level = 1 if expected == "government" else None
    assert (row["bond_type"], row["risk_level"]) == (expected, level), reason


@pytest.mark.parametrize(
    ("ratings", "expected", "reason"),
    [
        (("BBB-",), "corporate", "the lowest grade of investment"),
        (("BB+",), "high_yield", "the first below"),
        (("BB+", "BBB-"), "corporate", "the best rating counts, not the first"),
        (("BB+", " ", "B0", "CCC"), "high_yield", "all below"),
        (("D",), "high_yield", "in default"),
        ((" ",), "corporate", "nobody rates it"),
        (("NR", "BB+"), "high_yield", "an unknown text is no rating"),
        (("NR",), "corporate", "an unknown text is not the lowest rating"),
    ],
)
def test_high_yield_is_below_investment_grade_for_every_agency(
    ratings: tuple[str, ...], expected: str, reason: str
) -> None:
    assert rated(*ratings)["bond_type"] == expected, reason


# ---- ratings and risk

LEVELS = {
    1: ["AAA"],
    2: ["AA+", "AA0", "AA", "AA-"],
    3: ["A+", "A0", "A", "A-"],
    4: ["BBB+", "BBB0", "BBB", "BBB-"],
    5: ["BB+", "BB0", "BB", "BB-", "B+", "B0", "B-", "CCC+", "CCC", "CC", "C", "D"],
}


@pytest.mark.parametrize("level", LEVELS)
def test_a_rating_stands_for_a_risk_level(level: int) -> None:
    frame = parse([NOTE | {"kisScrsItmsKcdNm": text} for text in LEVELS[level]])
    assert frame["credit_rating"].to_list() == LEVELS[level]
    assert set(frame["risk_level"]) == {level}


@pytest.mark.parametrize(
    "text", ["A1", "NR", "aaa", "AAA+", "D-", "취소", "AA*", "E", "0", "BBB--", "AA0\n국채"]
)
def test_an_unknown_rating_is_kept_and_has_no_level(text: str) -> None:
    row = rated(text)
    assert (row["rating_kis"], row["credit_rating"], row["risk_level"]) == (text, text, None)


@pytest.mark.parametrize("agency", ["kis", "kbp", "nice", "fn"])
def test_an_unknown_rating_of_any_agency_is_warned_of(agency: str) -> None:
    assert warned(**{f"{agency}ScrsItmsKcdNm": "A1"}) == {f"rating_{agency}_shape"}
    assert warned(**{f"{agency}ScrsItmsKcdNm": "A0"}) == set()


@pytest.mark.parametrize(
    ("ratings", "expected", "level"),
    [
        (("A0", "AA-", "AAA", "BBB+"), "A0", 3),
        ((" ", "AA-", "AAA", "BBB+"), "AA-", 2),
        (("", " ", "AAA", "BBB+"), "AAA", 1),
        ((" ", " ", " ", "BBB+"), "BBB+", 4),
        ((" ", " ", " ", " "), None, None),
        (("NR", "AA-"), "NR", None),  # KIS said something: nothing is put in its place
    ],
)
def test_the_rating_is_that_of_kis_then_kbp_then_nice_then_fn(
    ratings: tuple[str, ...], expected: str | None, level: int | None
) -> None:
    row = rated(*ratings)
    assert (row["credit_rating"], row["risk_level"]) == (expected, level)


@pytest.mark.parametrize("rating", [" ", "AA-", "BB+"])
def test_what_the_state_owes_has_the_lowest_risk_whatever_its_rating(rating: str) -> None:
    row = rated(rating, scrsItmsKcdNm="국채")
    assert (row["bond_type"], row["risk_level"]) == ("government", 1)


# ---- dates


@pytest.mark.parametrize(
    ("expiry", "flag", "maturity", "perpetual", "reason"),
    [
        ("20290105", "N", date(2029, 1, 5), False, "an ordinary bond"),
        ("20290105", " ", date(2029, 1, 5), False, "not said to be perpetual"),
        ("99991231", "Y", None, True, "never, and said so"),
        ("99991231", "N", None, True, "never"),
        ("99991231", " ", None, True, "never"),
        ("20560105", "Y", None, True, "perpetual with a date far away"),
        ("20760105", "N", date(2076, 1, 5), False, "the treasury borrows for 50 years"),
        ("21261231", "N", date(2126, 12, 31), False, "100 years"),
        ("21270101", "N", None, True, "more than 100 years"),
        (" ", "N", None, False, "no date"),
        ("20290230", "N", None, False, "no day of any month"),
    ],
)
def test_a_perpetual_bond_has_no_maturity(
    expiry: str, flag: str, maturity: date | None, perpetual: bool, reason: str
) -> None:
    row = row_of(bondExprDt=expiry, prmncBondYn=flag)
    assert (row["maturity_date"], row["is_perpetual"]) == (maturity, perpetual), reason
    assert (row["maturity_years"] is None) == (maturity is None), reason
    unknown = maturity is None and not perpetual
    assert warned(bondExprDt=expiry, prmncBondYn=flag) == ({"maturity_known"} if unknown else set())


@pytest.mark.parametrize(
    ("expiry", "years", "is_active"),
    [
        ("20360312", 10.0, True),  # 3,653 days
        ("20270312", 1.0, True),  # 365 days
        ("20260911", 0.5, True),  # 183 days
        ("20260313", 0.0, True),  # tomorrow
        ("20260312", 0.0, True),  # on its last day
        ("20260311", 0.0, False),  # it is over
        ("20250312", 0.0, False),  # for a year
    ],
)
def test_what_is_left_counts_from_the_base_date(expiry: str, years: float, is_active: bool) -> None:
    row = row_of(bondExprDt=expiry)
    assert (row["maturity_years"], row["is_active"]) == (years, is_active)


# ---- rules


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("isinCd", " "),
        ("isinCd", "KR600001"),
        ("isinCdNm", " "),
        ("basDt", "20260230"),
        ("bondSrfcInrt", "100.1"),
        ("bondSrfcInrt", "-.1"),
        ("bondIssuAmt", "-1"),
        ("bondBal", "-1"),
    ],
)
def test_a_broken_bond_is_kept_out(field: str, written: str) -> None:
    verdict = quality.apply(parse([NOTE | {field: written}]), RULES, keys=TABLE.keys)
    assert verdict.kept.is_empty()


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({}, set()),
        ({"scrsItmsKcdNm": "지방채"}, set()),
        ({"scrsItmsKcdNm": "유동화SPC채"}, set()),
        ({"scrsItmsKcdNm": "우주채"}, {"kind_shape"}),
        ({"scrsItmsKcdNm": " "}, {"kind_not_null"}),
        ({"crno": "12345"}, {"crno_shape"}),
        ({"bondIssuCurCd": "원"}, {"currency_shape"}),
        ({"bondIssuDt": "20290106"}, {"issue_date_maturity_date_ordered"}),
    ],
)
def test_a_doubtful_bond_is_warned_of(changes: dict[str, str], rules: set[str]) -> None:
    assert warned(**changes) == rules


@pytest.mark.parametrize("name", FIELDS)
def test_f16_a_missing_field_is_drift(name: str) -> None:
    with pytest.raises(SchemaDrift, match=name):
        parse([{field: text for field, text in NOTE.items() if field != name}])


def test_no_bonds_are_an_empty_frame() -> None:
    assert parse([]).schema == TABLE.frame_schema


# ---- the newest day

DAYS = [date(2026, 3, day) for day in (12, 11, 10, 9, 6, 5)]


class Published:
    """An FSC that has bonds of some days only, and notes which it was asked for."""

    def __init__(self, has: Mapping[date, int], *, archived: bool = True) -> None:
        self.has = has
        self.archived = archived
        self.asked: list[date] = []

    def bonds(self, day: date) -> Payload[list[dict[str, str]]]:
        """Return the bonds of a day; a replay knows only the days that it has."""
        self.asked.append(day)
        if not self.archived and day not in self.has:
            raise NotArchived("FSC", "getBondBasiInfo")
        rows = [NOTE | {"basDt": f"{day:%Y%m%d}"}] * self.has.get(day, 0)
        return Payload(rows, datetime(2026, 3, 13, tzinfo=UTC))


@pytest.mark.parametrize("place", [0, 1, 3])
def test_fsc_section_5_days_without_rows_are_stepped_over(place: int) -> None:
    fsc = Published({DAYS[place]: 1})
    frame = newest(fsc, DAYS)  # type: ignore[arg-type]
    assert frame["base_date"].to_list() == [DAYS[place]]
    assert fsc.asked == DAYS[: place + 1]


def test_four_days_without_rows_are_no_known_absence_and_nobody_asks_on() -> None:
    fsc = Published({DAYS[4]: 1})
    with pytest.raises(EmptyOnBusinessDay, match="2026-03-09 to 2026-03-12"):
        newest(fsc, DAYS)  # type: ignore[arg-type]
    assert fsc.asked == DAYS[:4]


def test_a_replay_steps_over_days_that_were_never_asked() -> None:
    fsc = Published({DAYS[5]: 1}, archived=False)
    frame = newest(fsc, DAYS)  # type: ignore[arg-type]
    assert frame["base_date"].to_list() == [DAYS[5]]


def test_a_replay_without_any_of_the_days_says_so() -> None:
    with pytest.raises(NotArchived):
        newest(Published({}, archived=False), DAYS)  # type: ignore[arg-type]
