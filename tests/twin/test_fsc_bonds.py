"""The bond service of the twin, held to the recorded rows: fields, pairs, formats."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from stock_pipeline.twin import fsc_bonds
from stock_pipeline.twin.world import World

DAY = date(2026, 3, 12)
RECORDED = ("getBondBasiInfo_KR6010141911_20200715", "getBondBasiInfo_20260201_a")
# Fields without a recorded value, from the description of the service.
DESCRIBED = (
    "sicNm bondIssuCurCd intPayCyclCtt nxtmCopnDt rbfCopnDt grnDcd grnDcdNm bondRnknDcd"
    " bondRnknDcdNm kbpScrsItmsKcd kbpScrsItmsKcdNm niceScrsItmsKcd niceScrsItmsKcdNm"
    " fnScrsItmsKcd fnScrsItmsKcdNm kisScrsItmsKcdNm optnTcd optnTcdNm pclrBondKcd pclrBondKcdNm"
    " bondOffrMcd bondOffrMcdNm txtnDcd txtnDcdNm pamtRdptMcd pamtRdptMcdNm stripsPsblYn stripsNm"
    " prisLnkgBondYn crfndYn prmncBondYn qibTrgtScrtYn elpsIntPayYn piamPayInstNm piamPayBrofNm"
    " bondRegInstDcd bondRegInstDcdNm issuDptyNm bondUndtInstNm bondGrnInstNm cpbdMngCmpyNm"
    " cptUsgeDcd cptUsgeDcdNm bnkHldyIntPydyDcd bnkHldyIntPydyDcdNm sttrHldyIntPydyDcd"
    " sttrHldyIntPydyDcdNm intPayMmntDcd intPayMmntDcdNm rgtExertMnbdDcd rgtExertMnbdDcdNm"
    " intCmpuMcd intCmpuMcdNm prmncBondTmnDt qibTmnDt"
)
FORMS = {
    r"\d{8}": ("basDt", "bondIssuDt", "bondExprDt", "lstgDt", "nxtmCopnDt", "rbfCopnDt"),
    r"\d{13}": ("crno",),
    r"KR[0-9A-Z]{10}": ("isinCd",),
    r"11\d\d": ("scrsItmsKcd",),
    r"0|[1-9]\d*": ("bondIssuAmt", "bondPymtAmt", "bondBal"),
    r"\d+(\.\d+)?|\.\d+": ("bondSrfcInrt",),
    r"[A-Z]{3}": ("bondIssuCurCd", "bondIssuCurCdNm"),
    r"\d{3}": ("kisScrsItmsKcd", "kbpScrsItmsKcd", "niceScrsItmsKcd", "fnScrsItmsKcd"),
    r"\d": ("irtChngDcd", "bondIntTcd", "grnDcd", "bondRnknDcd"),
    r"\d+개월": ("intPayCyclCtt",),
    r"[YN]": ("prmncBondYn", "stripsPsblYn", "qibTrgtScrtYn"),
}
# What is never unset on the recorded rows.
ALWAYS = ("basDt", "isinCd", "isinCdNm", "bondIsurNm", "scrsItmsKcd", "bondSrfcInrt",
          "bondIssuAmt", "bondBal", "bondIssuDt", "bondExprDt", "bondIssuCurCd")  # fmt: skip

Row = dict[str, str]


@pytest.fixture(scope="module")
def world() -> World:
    return World(companies=200, end=date(2026, 3, 20))


@pytest.fixture(scope="module")
def rows(world: World) -> list[Row]:
    return fsc_bonds.rows(world, DAY)


@pytest.fixture(scope="module")
def recorded_rows(recorded: Path) -> list[Row]:
    bodies = [json.loads((recorded / "fsc" / f"{name}.json").read_bytes()) for name in RECORDED]
    return [row for body in bodies for row in body["response"]["body"]["items"]["item"]]


def test_a_row_has_the_recorded_and_the_described_fields(
    rows: list[Row], recorded_rows: list[Row]
) -> None:
    expected = {name for row in recorded_rows for name in row} | set(DESCRIBED.split())
    assert {frozenset(row) for row in rows} == {frozenset(expected)}
    assert len(expected) == 76


def test_values_are_written_as_recorded(rows: list[Row], recorded_rows: list[Row]) -> None:
    assert {type(value) for row in rows for value in row.values()} == {str}
    for form, fields in FORMS.items():
        for field in fields:
            values = {row[field] for row in (*rows, *recorded_rows) if field in row}
            odd = {value for value in values if not re.fullmatch(form, value)}
            assert odd <= ({" "} if field not in ALWAYS else set()), field
    assert not any(value == "" for row in rows for value in row.values())


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("scrsItmsKcd", "scrsItmsKcdNm"),
        ("irtChngDcd", "irtChngDcdNm"),
        ("bondIntTcd", "bondIntTcdNm"),
        ("bondIssuCurCd", "bondIssuCurCdNm"),
    ],
)
def test_a_code_has_one_name_and_the_recorded_one(
    rows: list[Row], recorded_rows: list[Row], code: str, name: str
) -> None:
    named = [row for row in recorded_rows if name in row]
    pairs = {(row[code], row[name]) for row in rows}
    assert {(row[code], row[name]) for row in named} <= pairs
    assert len({one for one, _ in pairs}) == len(pairs)


def test_a_grade_has_a_code_and_an_unrated_bond_has_neither(rows: list[Row]) -> None:
    pairs = {
        (row[f"{agency}ScrsItmsKcd"], row[f"{agency}ScrsItmsKcdNm"])
        for row in rows
        for agency in ("kis", "kbp", "nice", "fn")
    }
    assert {(" ", " "), ("110", "AAA"), ("121", "A0")} <= pairs
    assert len({code for code, _ in pairs}) == len({name for _, name in pairs}) == len(pairs)


def test_perpetual_bonds_expire_in_9999_or_far_away(rows: list[Row]) -> None:
    perpetual = [row["bondExprDt"] for row in rows if row["prmncBondYn"] == "Y"]
    assert "99991231" in perpetual
    assert all(expiry == "99991231" or expiry > "20460101" for expiry in perpetual)
    ordinary = [row["bondExprDt"] for row in rows if row["prmncBondYn"] == "N"]
    assert f"{DAY:%Y%m%d}" < min(ordinary) <= max(ordinary) < "20770101"


def test_coupons_lie_around_the_day(rows: list[Row]) -> None:
    today = f"{DAY:%Y%m%d}"
    paying = [row for row in rows if row["bondIntTcdNm"] == "이표채"]
    assert all(today < row["nxtmCopnDt"] <= row["bondExprDt"] for row in paying)
    assert all(row["bondIssuDt"] < row["rbfCopnDt"] <= today for row in paying
               if row["rbfCopnDt"] != " ")  # fmt: skip
    others = [row for row in rows if row["bondIntTcdNm"] != "이표채"]
    assert {(row["nxtmCopnDt"], row["rbfCopnDt"]) for row in others} == {(" ", " ")}


def test_issuers_are_those_of_the_market(world: World, rows: list[Row]) -> None:
    companies = {company.crno: company for company in world.companies}
    listed = {one.share.company: one.name for one in world.listings(DAY) if not one.share.preferred}
    joined = [row for row in rows if row["crno"] in companies]
    assert len(joined) > 300
    for row in joined:
        company = companies[row["crno"]]
        assert row["bondIsurNm"] == listed.get(company.index, company.name)
    assert {row["bondIsurNm"] for row in rows if row["crno"] == " "} == {"기획재정부", "국토교통부"}


def test_every_recorded_kind_is_there(rows: list[Row]) -> None:
    kinds = Counter(row["scrsItmsKcdNm"] for row in rows)
    assert {"국채", "지방채", "특수채", "금융채", "유동화SPC채", "일반회사채"} <= set(kinds)
    assert {row["bondIsurNm"] for row in rows} >= {"한국은행", "한국산업은행"}


def test_a_past_day_does_not_depend_on_the_last_one(rows: list[Row]) -> None:
    assert fsc_bonds.rows(World(companies=200, end=date(2026, 6, 30)), DAY) == rows
