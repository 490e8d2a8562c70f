"""Values of decoded JSON: what is read, what is missing, and what is no such value."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stock_pipeline.errors import BadPayload, SchemaDrift
from stock_pipeline.sources.json_values import instant, number, records, utc_day, word
from stock_pipeline.sources.transport_wire import Answer

ANSWER = Answer("COINGECKO", "global", 200, {}, b"")

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5.0),  # whole numbers come without a point
        (5.25, 5.25),
        (0, 0.0),  # a value, not a gap
        (-1.5, -1.5),
        (None, None),
    ],
)
def test_a_number_is_one_that_came_as_a_number(value: Any, expected: float | None) -> None:
    assert number(ANSWER, "usd", value) == expected


@pytest.mark.parametrize("value", ["5", "", True, False, [5], {}, float("nan"), float("inf")])
def test_f16_anything_else_is_no_number(value: Any) -> None:
    with pytest.raises(SchemaDrift, match="column usd"):
        number(ANSWER, "usd", value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("btc", "btc"), (" a b ", "a b"), ("", None), ("  ", None), ("a\0b", "ab"), (None, None)],
)
def test_a_word_without_content_is_missing(value: Any, expected: str | None) -> None:
    assert word(ANSWER, "symbol", value) == expected


@pytest.mark.parametrize("value", [1, 1.0, True, ["a"], {}])
def test_f16_anything_else_is_no_word(value: Any) -> None:
    with pytest.raises(SchemaDrift, match="column symbol"):
        word(ANSWER, "symbol", value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (946684800, datetime(2000, 1, 1, tzinfo=UTC)),  # the first that is taken
        (4102444799, datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)),  # the last
        ("1639958400", datetime(2021, 12, 20, tzinfo=UTC)),  # quoted
        (1639958400.5, datetime(2021, 12, 20, 0, 0, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_seconds_since_1970_are_an_instant(value: Any, expected: datetime) -> None:
    assert instant(ANSWER, "date", value) == expected


@pytest.mark.parametrize(
    "value",
    [
        946684799,  # before 2000
        4102444800,  # 2100
        1639958400000,  # milliseconds
        10**400,
        -1,
        0,
        None,
        True,
        "",
        "2021-12-20",  # the date that `date_format` would give
        "１６３９９５８４００",  # digits, but not those of JSON
        "1" * 5000,
        "-1639958400",
        [1639958400],
    ],
)
def test_f16_anything_else_is_no_instant(value: Any) -> None:
    with pytest.raises(SchemaDrift, match="column date"):
        instant(ANSWER, "date", value)


@pytest.mark.parametrize(
    ("value", "day"),
    [
        (1639958399, date(2021, 12, 19)),
        (1639958400, date(2021, 12, 20)),
        (1551157200, date(2019, 2, 26)),  # 05:00 UTC, as alternative.me stamped it then
    ],
)
def test_a_utc_day_begins_at_midnight_in_utc(
    value: int, day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    assert utc_day(ANSWER, "date", value) == day


def test_a_field_may_be_left_out_of_some_rows_and_not_of_all() -> None:
    rows = [{"id": "a"}, {"id": "b", "tvl": 1}]
    assert records(ANSWER, rows, "id", "tvl") == rows
    with pytest.raises(SchemaDrift, match="column name"):
        records(ANSWER, rows, "name")


@pytest.mark.parametrize("document", [[], {}, None, "x", 1, [1], [{}, None], {"data": []}])
def test_f07_anything_but_a_list_of_objects_is_refused(document: Any) -> None:
    with pytest.raises(BadPayload):
        records(ANSWER, document)


@given(ANY_JSON)
def test_no_value_gets_past_these_readers_as_another_error(value: Any) -> None:
    for read in (number, word, instant, utc_day):
        try:
            read(ANSWER, "x", value)
        except SchemaDrift:
            continue
    try:
        records(ANSWER, value, "id")
    except (BadPayload, SchemaDrift):
        return
