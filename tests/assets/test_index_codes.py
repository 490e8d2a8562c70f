"""Codes of indices: by family and name, never by name alone, and never invented."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from stock_pipeline.assets.index_codes import (
    MAIN,
    codes_of,
    parse_list,
    stored_codes,
    with_codes,
)
from stock_pipeline.assets.prices.index_price_daily import TABLE
from stock_pipeline.errors import SchemaDrift
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.writer import Batch, Stamps

DAY = date(2026, 3, 13)
NAMES = {"1021": "금융", "2031": "금융", "5042": "KRX 100", "1163": "코스피 고배당 50"}
THEMES = {"G004": "KRX/S&P 탄소효율 그린뉴딜지수", "5420": "KRX 블루칩 25"}


def code_of(codes: pl.DataFrame, family: str | None, name: str | None) -> str | None:
    """Return the code that a row of this family and name gets."""
    schema = {"family": pl.String, "name": pl.String}
    row = pl.DataFrame({"family": [family], "name": [name]}, schema=schema)
    found: str | None = with_codes(row, codes)["index_code"].item()
    return found


@pytest.mark.parametrize(
    ("family", "name", "code"),
    [
        ("KOSPI", "금융", "1021"),  # the same name in two families
        ("KOSDAQ", "금융", "2031"),
        ("THEME", "금융", None),  # it could be either
        ("KRX", "금융", None),
        ("KRX", "KRX 100", "5042"),
        ("THEME", "KRX 블루칩 25", "5420"),  # a theme can begin with any character
        ("THEME", "코스피 고배당 50", "1163"),
        ("THEME", "KRX/S&P 탄소효율 그린뉴딜지수", "G004"),
        ("KRX", "KRX/S&P 탄소효율 그린뉴딜지수", None),
        ("KOSPI", "코스피 200", "1028"),  # known without anything stored
        ("KOSPI", "코스피200", None),  # nearly the same name is another name
        (None, "금융", None),  # a family that nobody has heard of
        ("KOSPI", None, None),
    ],
)
def test_a_code_is_looked_up_by_family_and_name(
    family: str | None, name: str | None, code: str | None
) -> None:
    assert code_of(codes_of({**NAMES, **THEMES}), family, name) == code


def test_two_codes_of_one_name_in_one_family_are_no_code() -> None:
    assert code_of(codes_of({"1021": "금융", "1999": "금융"}), "KOSPI", "금융") is None


def test_what_stands_first_decides() -> None:
    listed = pl.DataFrame({"family": ["KRX"], "name": ["KRX 100"], "index_code": ["5900"]})
    assert code_of(pl.concat([listed, codes_of(NAMES)]), "KRX", "KRX 100") == "5900"


def test_the_rows_keep_their_order_and_number() -> None:
    rows = pl.DataFrame({"family": ["KOSDAQ", "KRX", "KOSPI"], "name": ["금융", "?", "금융"]})
    coded = with_codes(rows, codes_of(NAMES))
    assert coded["index_code"].to_list() == ["2031", None, "1021"]


# ---- the exchange's lists


GROUPS = [("01", "KRX", 34), ("02", "KOSPI", 50), ("03", "KOSDAQ", 39), ("04", "THEME", 42)]


def recorded_list(folder: Path, group: str) -> list[dict[str, str]]:
    """Return the recorded list of a group."""
    body = (folder / "krx" / f"MDCSTAT00401_{group}.response.json").read_bytes()
    rows: list[dict[str, str]] = json.loads(body)["output"]
    return rows


@pytest.mark.parametrize(("group", "family", "count"), GROUPS)
def test_a_recorded_list_is_read_as_it_stands(
    recorded: Path, group: str, family: str, count: int
) -> None:
    rows = recorded_list(recorded, group)
    found = parse_list(rows, family).rows()
    assert found == [(family, row["IDX_NM"], row["IND_TP_CD"] + row["IDX_IND_CD"]) for row in rows]
    assert len(found) == count


def test_the_codes_of_the_main_indices_are_those_of_the_recorded_lists(recorded: Path) -> None:
    listed = {
        row["IND_TP_CD"] + row["IDX_IND_CD"]: row["IDX_NM"]
        for group in ("02", "03")
        for row in recorded_list(recorded, group)
    }
    assert {code: listed[code] for code in MAIN} == MAIN


def test_every_recorded_index_is_found_again_by_what_the_table_keeps_of_it(recorded: Path) -> None:
    lists = [parse_list(recorded_list(recorded, group), family) for group, family, _ in GROUPS]
    listed = pl.concat(lists)
    stored = codes_of(dict(listed.select("index_code", "name").rows()))
    again = with_codes(listed.select("family", "name"), stored)
    assert again["index_code"].to_list() == listed["index_code"].to_list()
    assert listed["index_code"].n_unique() == 165


def test_f16_a_list_without_its_codes_is_drift() -> None:
    with pytest.raises(SchemaDrift, match="IDX_IND_CD"):
        parse_list([{"IDX_NM": "코스피", "IND_TP_CD": "1"}], "KOSPI")


# ---- the stored sessions


def test_the_newest_name_near_by_counts(database: Database) -> None:
    ddl.prepare(database, [*collection_log.TABLES, TABLE], [], mode="live", today=DAY)
    near, far = timedelta(days=30), timedelta(days=31)
    for day, code, name in [
        (DAY - timedelta(days=1), "5063", "KRX K콘텐츠"),
        (DAY - timedelta(days=2), "5063", "KRX 미디어&엔터테인먼트"),  # its name until then
        (DAY - near, "1034", "코스피 100"),
        (DAY - far, "1035", "코스피 50"),
        (DAY + near, "5042", "KRX 100"),  # a gap is filled from both sides
        (DAY + far, "5300", "KRX 300"),
    ]:
        row = {"trade_date": day, "index_code": code, "name": name}
        frame = pl.DataFrame([row], schema=TABLE.frame_schema)
        database.upsert(Batch(TABLE, frame, day.isoformat(), Stamps("run", "KRX")))
    codes = stored_codes(database, DAY)
    found = [
        code_of(codes, *pair)
        for pair in [
            ("KRX", "KRX K콘텐츠"),
            ("KRX", "KRX 미디어&엔터테인먼트"),
            ("KOSPI", "코스피 100"),
            ("KOSPI", "코스피 50"),
            ("KRX", "KRX 100"),
            ("KRX", "KRX 300"),
        ]
    ]
    assert found == ["5063", None, "1034", None, "5042", None]
