"""What is read out of free text, and what is left alone because it could mean two things."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest

from stock_pipeline.assets.report_text import day, days, number, ratio

DAYS = [
    ("2022년 06월 14일", [date(2022, 6, 14)], "as reports have it"),
    ("2024년 5월 2일", [date(2024, 5, 2)], "without zeros"),
    ("2024 년 05 월 31 일", [date(2024, 5, 31)], "blanks"),
    ("2024년 05월 22일 ~ 2024년 06월 10일", [date(2024, 5, 22), date(2024, 6, 10)], "a range"),
    ("2024년 05월 22일 ~ 변경상장일 전일", [date(2024, 5, 22)], "an end in words"),
    ("2024.05.31", [date(2024, 5, 31)], "dots"),
    ("2024-05-31", [date(2024, 5, 31)], "hyphens"),
    ("20240531", [date(2024, 5, 31)], "digits alone, as the days of short selling"),
    ("20240531000831", [], "digits of something else"),
    ("120240531", [], "the end of a longer number"),
    ("2024년 02월 29일", [date(2024, 2, 29)], "a leap day"),
    ("2023년 02월 29일", [], "no day of the calendar"),
    ("2023년 13월 01일", [], "no month"),
    ("2023년 03월", [], "a month alone"),
    ("2049년 12월 31일", [date(2049, 12, 31)], "the last year"),
    ("2050년 01월 01일", [], "a slip of the finger"),
    ("1999년 12월 31일", [], "before the service"),
    ("해당사항없음", [], "words"),
    ("-", [], "a dash"),
    ("", [], "nothing"),
    (None, [], "no field"),
]


@pytest.mark.parametrize(("text", "found", "reason"), DAYS, ids=[reason for *_, reason in DAYS])
def test_days_of(text: str | None, found: list[date], reason: str) -> None:
    assert days(text) == found, reason
    assert day(text) == (found[0] if found else None)


NUMBERS = [
    ("5,600,000", 5_600_000.0, "commas"),
    ("281338637", 281_338_637.0, "none"),
    ("0.3", 0.3, "a decimal"),
    (".5", 0.5, "without its zero"),
    ("5.00 %", 5.0, "a unit"),
    ("0.3주", 0.3, "shares"),
    ("0", 0.0, "zero is a number"),
    ("1,0", None, "a comma in the wrong place"),
    ("1.2.3", None, "two points"),
    ("1주당 0.3주", None, "a sentence"),
    ("-5", None, "nothing here is negative"),
    ("%", None, "a unit alone"),
    ("-", None, "a dash"),
    ("해당사항없음", None, "words"),
    ("inf", None, "no digits"),
    (None, None, "no field"),
]


@pytest.mark.parametrize(("text", "found", "reason"), NUMBERS, ids=[r for *_, r in NUMBERS])
def test_number_of(text: str | None, found: float | None, reason: str) -> None:
    assert number(text) == found, reason


RATIOS = [
    ("가온 : 나래 = 1 : 0.1234", 0.1234, "as reports have it"),
    ("1:0.5", 0.5, "the numbers alone"),
    ("1.0000000 : 0.0000000", 0.0, "nothing is issued for what one owns already"),
    ("제3호스팩 : 비상장 = 1 : 12.34", 12.34, "a number in a name"),
    ("제3호 : 5번가 = 1 : 0.25", 0.25, "numbers in both names"),
    ("1주 : 0.25주", 0.25, "shares"),
    ("1,000 : 500", 0.5, "not for one"),
    ("1 : 0.25 (보통주식)", 0.25, "a remark"),
    ("A : B : C = 1 : 0.5 : 0.3", None, "three companies"),
    ("A : B = 1 : 0.5, A : C = 1 : 0.3", None, "two ratios"),
    ("A : B = 1 : 0.5 (보통주 1 : 0.5)", 0.5, "the same twice"),
    ("0 : 1", None, "nothing for something"),
    ("0.1234", None, "one number"),
    ("해당사항없음", None, "words"),
    (None, None, "no field"),
]


@pytest.mark.parametrize(("text", "found", "reason"), RATIOS, ids=[reason for *_, reason in RATIOS])
def test_ratio_of(text: str | None, found: float | None, reason: str) -> None:
    assert ratio(text) == found, reason


# When the price is paid, out of some sentences of each recorded decision to buy land.
PAID = [
    ("00317210", [date(2026, 2, 20), date(2026, 4, 6), date(2025, 7, 28)], "`2025. 7. 28.자`"),
    ("00475976", [date(2026, 5, 6), date(2026, 7, 1), date(2026, 12, 30)], "beside amounts"),
    ("00659976", [date(2026, 3, 20), date(2026, 5, 20)], "dots, in brackets"),
    ("01307593", [date(2026, 3, 27), date(2026, 4, 27)], "dots, after a blank"),
    ("01428948", [date(2026, 3, 13), date(2026, 5, 29)], "no zeros"),
    ("01546101", [date(2026, 4, 9), date(2026, 5, 15)], "a dash behind"),
    ("01547933", [date(2026, 5, 6), date(2026, 7, 31)], "no zeros, in brackets"),
]


@pytest.fixture
def bought(recorded: Path, corp_code: str) -> dict[str, str]:
    """Return the recorded decision of a company to buy land and buildings."""
    text = (recorded / "dart" / f"tgastInhDecsn_{corp_code}.json").read_text(encoding="utf-8")
    (row,) = json.loads(text)["list"]
    return dict(row)


@pytest.mark.parametrize(("corp_code", "paid", "reason"), PAID)
def test_recorded_days_are_found_and_nothing_else_is_taken_for_one(
    bought: dict[str, str], paid: list[date], reason: str
) -> None:
    assert days(bought.pop("dl_pym")) == paid, reason
    written = {}
    for name, text in bought.items():
        parts = re.findall("([0-9]{4})년 ([0-9]{2})월 ([0-9]{2})일", text)
        written[name] = [date(*map(int, part)) for part in parts]
        assert days(text) == written[name], name
        assert day(text) == min(written[name], default=None), name  # a range begins before its end
    planned = {f"inh_prd_{name}" for name in ("ctr_cnsd", "inh_std", "rgs_prd")}
    assert {name for name in written if written[name]} == {"bddd", "exevl_pd"} | planned
    assert len(written["exevl_pd"]) == 2


@pytest.mark.parametrize("corp_code", [code for code, *_ in PAID])
def test_recorded_amounts_are_read_and_no_words(bought: dict[str, str]) -> None:
    amounts = {"inhdtl_inhprc", "inhdtl_tast", "inhdtl_tast_vs", "od_a_at_t", "od_a_at_b"}
    amounts |= {"dlptn_cpt", "rcept_no", "corp_code"}
    for name, text in bought.items():
        digits = text.replace(",", "")
        is_amount = re.fullmatch("[0-9]+([.][0-9]+)?", digits) is not None
        assert is_amount == (name in amounts and text != "-"), name
        assert number(text) == (float(digits) if is_amount else None), name
