"""The twin's dividend sections: like the recorded ones, and of one mind with statements."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest

from stock_pipeline.twin.dart_dividends import rows
from stock_pipeline.twin.dart_statements import main_accounts
from stock_pipeline.twin.world import World

TODAY = date(2026, 3, 20)
SAMSUNG = 0
DPS = "주당 현금배당금(원)"
NUMBER = re.compile(r"-|\d{1,3}(,\d{3})*(\.\d\d)?|-\d.*|\(\d.*\)|△\d.*")


def told(found: list[dict[str, str]], label: str, kind: str = "보통주") -> str:
    """Return the value of this term."""
    return next(r["thstrm"] for r in found if (r["se"], r.get("stock_knd", "-")) == (label, kind))


def whole(text: str) -> int:
    """Return a number, 0 for none."""
    return 0 if text == "-" else int(text.replace(",", ""))


def test_rows_keys_and_kinds_are_those_of_the_recorded_answer(
    small_world: World, recorded: Path
) -> None:
    body = (recorded / "dart" / "alotMatter_00126380_2026_11013.json").read_bytes()
    real, ours = json.loads(body)["list"], rows(small_world, SAMSUNG, 2025, 2, TODAY)
    assert [list(row) for row in ours] == [list(row) for row in real]
    assert [(row["se"], row["stock_knd"]) for row in ours] == [
        (row["se"], row["stock_knd"]) for row in real
    ]
    for mine, recorded_row in zip(ours, real, strict=True):
        for name in ("thstrm", "frmtrm", "lwfr"):
            assert ("." in mine[name]) == ("." in recorded_row[name])
            assert NUMBER.fullmatch(mine[name])
    assert ours[0]["stlm_dt"] == "2025-09-30"


def test_amounts_of_a_year_are_cumulative(small_world: World) -> None:
    paid = [
        one.cash
        for one in small_world.dividends.of(SAMSUNG)
        if one.year == 2024 and not one.share.preferred
    ]
    assert len(paid) >= 2
    cumulative = [whole(told(rows(small_world, SAMSUNG, 2024, q, TODAY), DPS)) for q in range(4)]
    assert cumulative == sorted(cumulative)
    assert cumulative[-1] == sum(paid)


def test_an_annual_report_repeats_the_two_years_before(small_world: World) -> None:
    years = {
        year: next(r for r in rows(small_world, SAMSUNG, year, 3, TODAY) if r["se"] == DPS)
        for year in (2022, 2023, 2024)
    }
    assert years[2024]["frmtrm"] == years[2023]["thstrm"]
    assert years[2024]["lwfr"] == years[2022]["thstrm"]


@pytest.mark.parametrize("quarter", [0, 3])
def test_net_income_is_that_of_the_statements(small_world: World, quarter: int) -> None:
    for company in small_world.companies[:60]:
        report = small_world.filings.newest(company.index, 2024, quarter, TODAY)
        found = rows(small_world, company.index, 2024, quarter, TODAY)
        if report is None or not found or company.role == "usd":
            continue
        statements = {
            (row["fs_div"], row["account_nm"]): row.get("thstrm_add_amount", row["thstrm_amount"])
            for row in main_accounts(small_world.filings, report)
        }
        amount = int(statements["OFS", "당기순이익(손실)"].replace(",", ""))
        written = told(found, "(별도)당기순이익(백만원)", "-")
        sign = -1 if written[0] in "-(△" else 1
        assert sign * int(re.sub(r"\D", "", written)) == round(amount / 1_000_000)


def test_losses_are_written_in_three_ways(small_world: World) -> None:
    signs = {
        told(found, "(별도)당기순이익(백만원)", "-")[0]
        for company in small_world.companies
        if (found := rows(small_world, company.index, 2024, 3, TODAY))
    }
    assert {"-", "(", "△"} <= signs


def test_old_answers_lack_the_date_and_the_kind_of_general_rows(small_world: World) -> None:
    old, new = (rows(small_world, SAMSUNG, year, 3, TODAY) for year in (2020, 2021))
    assert all("stlm_dt" not in row for row in old)
    assert [("stock_knd" in row) for row in old] == [row["stock_knd"] != "-" for row in new]


def test_some_companies_write_their_yield_against_the_par_value(small_world: World) -> None:
    found = {
        company.index: float(told(section, "현금배당수익률(%)").replace(",", ""))
        for company in small_world.companies
        if (section := rows(small_world, company.index, 2024, 3, TODAY))
        and told(section, "현금배당수익률(%)") != "-"
    }
    honest = {index: value for index, value in found.items() if index % 29 != 3}
    assert max(honest.values()) <= 6
    assert max(found.values()) > 6


def test_there_is_no_section_without_a_report(small_world: World) -> None:
    never, spac = (small_world.cast(role)[0] for role in ("never", "spac"))
    assert rows(small_world, never.index, 2024, 3, TODAY) == []
    assert rows(small_world, spac.index, 2024, 3, TODAY) == []
    received = small_world.filings.newest(SAMSUNG, 2024, 0, TODAY)
    assert received is not None
    assert rows(small_world, SAMSUNG, 2024, 0, date(2024, 4, 1)) == []
