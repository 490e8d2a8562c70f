"""How texts of upstreams become values, on both sides of what is one."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.upstream_text import day, decimal, signed, text, text_frame, whole
from stock_pipeline.errors import BadPayload, SchemaDrift

ASKED = ("KRX", "MDCSTAT01501")


def read(expression: pl.Expr, written: str | None) -> Any:
    """Return what an expression makes of one text in column x."""
    return pl.DataFrame({"x": [written]}, schema={"x": pl.String}).select(expression).item()


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("삼성전자", "삼성전자"),
        (" a b  ", "a b"),  # DART pads titles with blanks
        ("-", None),  # KRX: no value
        ("", None),
        (" ", None),  # DART: an unlisted company's stock code
        (None, None),
        ("--", "--"),  # only a lone dash is none
        ("a\0b", "ab"),  # PostgreSQL cannot hold NUL
        ("a\nb", "a\nb"),
    ],
)
def test_text(written: str | None, value: str | None) -> None:
    assert read(text("x"), written) == value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1,234", 1234),
        ("-1,100", -1100),
        ("0", 0),
        ("3,000,000,000", 3_000_000_000),  # above 2^31
        ("9223372036854775807", 9_223_372_036_854_775_807),
        ("9223372036854775808", None),  # above 2^63 − 1
        ("188200.0", 188200),  # pandas, in a column with gaps
        ("188200.5", None),
        ("-", None),
        ("1e5", None),
        ("천원", None),
    ],
)
def test_whole_number(written: str, value: int | None) -> None:
    assert read(whole("x"), written) == value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("0.93", 0.93),
        ("-2.08", -2.08),
        (".11", 0.11),  # data.go.kr leaves the zero out
        ("1,234.5", 1234.5),
        ("1e999", None),  # infinite
        ("NaN", None),
        ("inf", None),
        ("-", None),
    ],
)
def test_decimal_number(written: str, value: float | None) -> None:
    assert read(decimal("x"), written) == value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1,234", 1234.0),
        ("-1,234", -1234.0),  # stripping every dash would make a profit of it
        ("(1,234)", -1234.0),  # the accountant's brackets
        ("△1,234", -1234.0),
        ("▲ 1,234", -1234.0),
        ("−1,234", -1234.0),  # the typographer's minus
        ("( 0.5 )", -0.5),
        (".05", 0.05),
        ("0", 0.0),
        ("-", None),  # none, not zero
        ("", None),
        ("1-2", None),
        ("--5", None),
        ("(-5)", None),  # nobody knows
        ("(5", None),
        ("5원", None),
        ("1.2.3", None),
    ],
)
def test_number_with_a_sign_as_reports_write_it(written: str, value: float | None) -> None:
    assert read(signed("x"), written) == value


@pytest.mark.parametrize(
    ("written", "form", "value"),
    [
        ("2026-03-13", "%Y-%m-%d", date(2026, 3, 13)),
        ("2026-03-13 00:00:00", "%Y-%m-%d", date(2026, 3, 13)),
        ("20260313", "%Y%m%d", date(2026, 3, 13)),
        ("20260230", "%Y%m%d", None),  # no such day
        ("", "%Y%m%d", None),
        ("0", "%Y%m%d", None),
    ],
)
def test_date(written: str, form: str, value: date | None) -> None:
    assert read(day("x", form), written) == value


def test_a_column_that_no_row_has_is_drift() -> None:
    with pytest.raises(SchemaDrift, match="column close"):
        text_frame([{"code": "005930"}], ["code", "close"], asked=ASKED)


def test_a_column_that_one_row_lacks_is_missing_there() -> None:
    frame = text_frame([{"a": "1", "b": "2"}, {"a": "3"}], ["a", "b"], asked=ASKED)
    assert frame.rows() == [("1", "2"), ("3", None)]


def test_a_new_column_is_ignored_and_an_optional_one_may_be_absent() -> None:
    frame = text_frame([{"a": "1", "new": "2"}], ["a"], optional=["b"], asked=ASKED)
    assert frame.rows(named=True) == [{"a": "1", "b": None}]


def test_no_rows_are_no_drift() -> None:
    assert text_frame([], ["a"], asked=ASKED).height == 0


@pytest.mark.parametrize(
    "rows",
    [
        [{"a": 1}],  # numbers come as text
        [{"a": {"b": "c"}}],
        [{"a": "1"}, "no row"],
        [{"a": "1"}, None],
        [{"a": "\ud800"}],  # half a character
    ],
)
def test_i13_rows_of_another_kind_are_a_typed_error(rows: list[Any]) -> None:
    with pytest.raises(BadPayload):
        text_frame(rows, ["a"], asked=ASKED)
