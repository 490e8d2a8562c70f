"""DART's dividend sections: the recorded ones field by field, labels, signs, kinds, increments."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.dart_dividends import beside, parse, with_shares
from stock_pipeline.assets.filings.dividend_history import TABLE
from stock_pipeline.errors import BadPayload, SchemaDrift

ROW = {
    "rcept_no": "20260515002181",
    "corp_code": "00126380",
    "se": "주당 현금배당금(원)",
    "stock_knd": "보통주",
    "thstrm": "372",
    "stlm_dt": "2026-03-31",
}
STOCK, PAR = "주당 주식배당(주)", "주당액면가액(원)"
NEVER = object()


def row(**changes: Any) -> dict[str, Any]:
    """Return a row of an answer; NEVER leaves a key out."""
    return {name: value for name, value in (ROW | changes).items() if value is not NEVER}


def rows_of(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what is parsed from rows."""
    return parse(rows)[0].to_dicts()


# ---- the recorded answers


def _number(text: str) -> float | None:
    return None if text == "-" else float(text.replace(",", ""))


@pytest.mark.parametrize("period", ["11013", "11012_partial"])
def test_every_recorded_amount_per_share_is_read(recorded: Path, period: str) -> None:
    body = (recorded / "dart" / f"alotMatter_00126380_2026_{period}.json").read_bytes()
    answer = json.loads(body)["list"]
    told = {(line["se"], line["stock_knd"]): line["thstrm"] for line in answer}
    par = told.get((PAR, "-"))
    expected = [
        {
            "corp_code": "00126380",
            "rcept_no": answer[0]["rcept_no"],
            "record_date": date.fromisoformat(answer[0]["stlm_dt"]),
            "stock_kind": kind,
            "dps": _number(told["주당 현금배당금(원)", kind]),
            "stock_rate_pct": None,  # "-" in the one, not in the other
            "par_value": None if par is None else _number(par),
            "dividend_kind": "cash",
        }
        for kind in ("보통주", "우선주")
    ]
    frame, unread = parse(answer)
    assert (frame.to_dicts(), unread) == (expected, 0)


# ---- values


@pytest.mark.parametrize(
    ("written", "dps", "kind"),
    [
        ("1,668", 1668.0, "cash"),
        ("-", None, "none"),  # none, not zero
        ("", None, "none"),
        ("0", None, "none"),
        ("0.5", 0.5, "cash"),
        ("-1,234", -1234.0, "cash"),  # a profit if every dash were stripped; a rule keeps it out
        ("(1,234)", -1234.0, "cash"),
        ("△1,234", -1234.0, "cash"),
    ],
)
def test_an_amount_keeps_its_sign_and_a_dash_is_none(
    written: str, dps: float | None, kind: str
) -> None:
    (found,) = rows_of(row(thstrm=written))
    assert (found["dps"], found["dividend_kind"]) == (dps, kind)


@pytest.mark.parametrize(
    ("cash", "stock", "kind", "rate"),
    [
        ("100", "-", "cash", None),
        ("-", "0.05", "stock", 5.0),
        ("100", "0.05", "both", 5.0),
        ("-", "-", "none", None),
    ],
)
def test_what_is_distributed_follows_from_the_amounts(
    cash: str, stock: str, kind: str, rate: float | None
) -> None:
    (found,) = rows_of(row(thstrm=cash), row(se=STOCK, thstrm=stock))
    assert (found["dividend_kind"], found["stock_rate_pct"]) == (kind, rate)


def test_a_yield_is_never_read_because_some_are_of_the_par_value() -> None:
    (found,) = rows_of(row(), row(se="현금배당수익률(%)", thstrm="74.40"))
    assert found["dps"] == 372
    assert 74.4 not in found.values()


def test_the_unit_is_part_of_the_label_and_blanks_are_not() -> None:
    (found,) = rows_of(row(se=" 주당  현금배당금 (원)"), row(se=PAR, stock_knd="-", thstrm="5,000"))
    assert (found["dps"], found["par_value"]) == (372, 5000)


@pytest.mark.parametrize("label", ["주당 현금배당금(천원)", "주당 배당금", ""])
def test_an_answer_without_the_known_label_is_drift(label: str) -> None:
    with pytest.raises(SchemaDrift, match="column se"):
        parse([row(se=label)])


@pytest.mark.parametrize("name", ["rcept_no", "corp_code", "se", "thstrm"])
def test_f16_a_field_that_no_row_has_is_drift(name: str) -> None:
    with pytest.raises(SchemaDrift, match=f"column {name}"):
        parse([row(**{name: NEVER})])


def test_a_value_that_is_no_text_is_a_bad_payload() -> None:
    with pytest.raises(BadPayload):
        parse([row(thstrm=372)])


def test_a_text_in_place_of_a_number_is_counted() -> None:
    frame, unread = parse([row(thstrm="미정"), row(se=STOCK, thstrm="-")])
    assert (frame["dps"].to_list(), unread) == ([None], 1)


def test_no_company_has_a_section() -> None:
    frame, unread = parse([])
    assert (frame.height, unread) == (0, 0)


# ---- older answers, kinds of share


def test_an_old_answer_lacks_the_date_and_the_kind_on_general_rows() -> None:
    old = {"stlm_dt": NEVER}
    (found,) = rows_of(row(**old), row(**old, se=PAR, stock_knd=NEVER, thstrm="500"))
    assert found["record_date"] is None
    assert (found["dps"], found["par_value"]) == (372, 500)


@pytest.mark.parametrize(
    ("kinds", "expected", "reason"),
    [
        (["보통주", "우선주"], ["보통주", "우선주"], "as named"),
        (["보통주", "2우선주B"], ["보통주", "2우선주B"], "free text"),
        (["-"], ["보통주"], "the only kind is the common share"),
        ([None], ["보통주"], "the same without the key"),
        (["보통주", "-"], ["보통주"], "an empty template beside a named kind"),
        (["보통주", "우선주", "우선주"], ["보통주", "우선주", "우선주 2"], "two of one name"),
    ],
)
def test_every_kind_of_share_has_a_name_of_its_own(
    kinds: list[str | None], expected: list[str], reason: str
) -> None:
    found = rows_of(*(row(stock_knd=kind) for kind in kinds))
    assert [one["stock_kind"] for one in found] == expected, reason


SHARES = [
    ("005930", "KR7005930003", "1301110006246", "00126380", "common", 12, True),
    ("005935", "KR7005931001", "1301110006246", "00126380", "preferred", 12, True),
    ("001500", "KR7001500008", None, "00000002", "common", 3, True),
    ("001505", "KR7001501006", None, "00000002", "preferred", 3, True),
    ("001507", "KR7001502004", None, "00000002", "preferred", 3, True),
    ("000030", None, None, "00000003", "common", None, False),
]


def shared(*rows: dict[str, Any], report: tuple[int, str] = (2026, "11013")) -> list[Any]:
    """Return rows with their shares."""
    columns = ("ticker", "isin", "crno", "corp_code", "share_kind", "settle_month", "is_active")
    shares = pl.DataFrame(SHARES, schema=list(columns), orient="row")
    return with_shares(parse(rows)[0], shares, report).to_dicts()


def test_a_single_preferred_share_is_known_by_its_code() -> None:
    found = shared(row(), row(stock_knd="우선주"))
    assert [(one["isin_or_ticker"], one["ticker"]) for one in found] == [
        ("005930", "005930"),
        ("005930", "005935"),
    ]
    assert [one["isin"] for one in found] == ["KR7005930003", "KR7005931001"]
    assert {one["crno"] for one in found} == {"1301110006246"}


@pytest.mark.parametrize(
    ("code", "kinds", "tickers", "reason"),
    [
        ("00000002", ["보통주", "우선주"], ["001500", None], "two listed preferred shares"),
        ("00126380", ["우선주", "2우선주B"], [None, None], "two kinds for one share"),
        ("00126380", ["보통주", "보통주"], [None, None], "two common kinds"),
        ("00000003", ["보통주"], ["000030"], "a delisted company's common share"),
        ("00999999", ["보통주"], [None], "a company nobody knows"),
    ],
)
def test_a_share_that_is_not_certain_has_no_code(
    code: str, kinds: list[str], tickers: list[str | None], reason: str
) -> None:
    found = shared(*(row(corp_code=code, stock_knd=kind) for kind in kinds))
    assert [one["ticker"] for one in found] == tickers, reason


@pytest.mark.parametrize(
    ("code", "report", "end", "reason"),
    [
        ("00126380", (2019, "11011"), date(2019, 12, 31), "December, the year"),
        ("00126380", (2020, "11013"), date(2020, 3, 31), "December, first quarter"),
        ("00126380", (2020, "11012"), date(2020, 6, 30), "December, half year"),
        ("00126380", (2020, "11014"), date(2020, 9, 30), "December, third quarter"),
        ("00000002", (2019, "11011"), date(2020, 3, 31), "March: the year ends in the next one"),
        ("00000002", (2019, "11014"), date(2019, 12, 31), "March, third quarter"),
        ("00000003", (2019, "11011"), None, "an unknown month"),
    ],
)
def test_the_period_of_an_old_answer_follows_from_its_report(
    code: str, report: tuple[int, str], end: date | None, reason: str
) -> None:
    (found,) = shared(row(corp_code=code, stlm_dt=NEVER), report=report)
    assert (found["record_date"], found["fiscal_year"]) == (end, report[0]), reason


# ---- what each report adds


ENDS = {"Q1": date(2025, 3, 31), "H1": date(2025, 6, 30), "Q3": date(2025, 9, 30)}
ENDS |= {"FY": date(2025, 12, 31)}


def table_rows(amounts: dict[str, float | None], **changes: Any) -> pl.DataFrame:
    """Return rows of the table: the cumulative amount of each report."""
    rows = [
        {
            "origin": "DART",
            "isin_or_ticker": "005930",
            "stock_kind": "보통주",
            "record_date": ENDS[name],
            "dividend_kind": "none" if dps is None else "cash",
            "dps": dps,
            "fiscal_year": 2025,
            "rcept_no": f"2026010100000{place}",
            **changes,
        }
        for place, (name, dps) in enumerate(amounts.items())
    ]
    return pl.DataFrame(rows, schema=TABLE.frame_schema)


def increments(frame: pl.DataFrame) -> dict[str, float | None]:
    """Return what each report adds."""
    names = {end: name for name, end in ENDS.items()}
    found = frame.sort("record_date").select("record_date", "dps_period_krw")
    return {names[end]: added for end, added in found.iter_rows()}


@pytest.mark.parametrize(
    ("cumulative", "added", "reason"),
    [
        (
            {"Q1": 372, "H1": 746, "Q3": 1116, "FY": 1668},
            {"Q1": 372, "H1": 374, "Q3": 370, "FY": 552},
            "every quarter",
        ),
        ({"FY": 1668}, {"FY": 1668}, "the year alone"),
        ({"H1": 500, "FY": 500}, {"H1": 500, "FY": 0}, "nothing more in the second half"),
        (
            {"Q1": None, "H1": 300, "Q3": None, "FY": 700},
            {"Q1": None, "H1": 300, "Q3": None, "FY": 400},
            "a dash in between takes nothing back",
        ),
        ({"H1": 500, "FY": 400}, {"H1": 500, "FY": -100}, "a smaller year corrects the sum"),
        ({"H1": -500, "FY": 400}, {"H1": None, "FY": 400}, "a misread amount reaches no other"),
        ({"Q1": 0.1, "H1": 0.3}, {"Q1": 0.1, "H1": 0.2}, "fractions without binary digits"),
    ],
)
def test_dart_trap_8_cumulative_quarters_are_never_counted_twice(
    cumulative: dict[str, float | None], added: dict[str, float | None], reason: str
) -> None:
    nothing = table_rows({})
    assert increments(beside(table_rows(cumulative), nothing)) == added, reason


def stored_of(frame: pl.DataFrame) -> pl.DataFrame:
    """Return rows as they are stored when they came alone."""
    return beside(frame, table_rows({}))


def test_the_increment_is_taken_against_stored_reports() -> None:
    found = beside(table_rows({"FY": 1668}), stored_of(table_rows({"Q1": 372, "H1": 746})))
    assert increments(found) == {"FY": 922}


def test_an_interim_report_that_comes_late_corrects_the_year_in_the_same_write() -> None:
    stored = stored_of(table_rows({"Q1": 372, "FY": 1668}))
    assert increments(beside(table_rows({"H1": 746}), stored)) == {"H1": 374, "FY": 922}


def test_shares_companies_and_years_have_sums_of_their_own() -> None:
    stored = pl.concat(
        stored_of(table_rows({"H1": 600}, **other))
        for other in (
            {"stock_kind": "우선주"},
            {"isin_or_ticker": "000660"},
            {"fiscal_year": 2024},
        )
    )
    assert increments(beside(table_rows({"FY": 1000}), stored)) == {"FY": 1000}


def test_stored_rows_that_stay_as_they_are_are_not_written_again() -> None:
    stored = stored_of(table_rows({"Q1": 372, "H1": 746}))
    again = beside(table_rows({"H1": 746}), stored)
    assert increments(again) == {"H1": 374}


def test_a_correction_takes_the_former_kind_back() -> None:
    stored = stored_of(table_rows({"Q1": 372, "FY": 1000}))
    corrected = table_rows({"FY": None}, rcept_no="20260501000009")
    found = beside(corrected, stored).sort("dividend_kind").to_dicts()
    assert [(one["dividend_kind"], one["dps"], one["dps_period_krw"]) for one in found] == [
        ("cash", None, None),
        ("none", None, None),
    ]
    assert {one["rcept_no"] for one in found} == {"20260501000009"}
