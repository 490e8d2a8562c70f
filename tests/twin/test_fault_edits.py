"""What an edited answer looks like: JSON, nested JSON, CSV, and what has no rows."""

from __future__ import annotations

import json

import pytest

from stock_pipeline.twin import fault_edits as edits
from stock_pipeline.twin.wire import Answer

ROWS = [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}, {"a": "3", "b": "z"}]
CSV = "\ufeff,Code,Name\n0,005930,삼성\n1,000660,하이\n"


def as_json(content: object) -> Answer:
    """Return a JSON answer."""
    return Answer(200, json.dumps(content).encode(), "application/json", "list")


def as_csv(text: str) -> Answer:
    """Return a CSV answer as the listing cache sends it."""
    return Answer(200, text.encode(), "text/plain; charset=utf-8", "listing")


def rows(answer: Answer) -> object:
    """Return the rows of an edited JSON answer."""
    return json.loads(answer.body)["list"]


def test_renamed_column_stays_in_its_place() -> None:
    edited = rows(edits.rename_column("a:A", as_json({"list": ROWS})))
    assert edited == [{"A": "1", "b": "x"}, {"A": "2", "b": "y"}, {"A": "3", "b": "z"}]
    assert list(edited[0]) == ["A", "b"]


def test_dropped_column_is_gone_from_every_row() -> None:
    edited = rows(edits.drop_column("a", as_json({"list": ROWS})))
    assert edited == [{"b": "x"}, {"b": "y"}, {"b": "z"}]


def test_added_column_comes_last() -> None:
    edited = rows(edits.add_column("new", as_json({"list": ROWS})))
    assert [list(row) for row in edited] == [["a", "b", "new"]] * 3


def test_set_column_changes_every_row_that_has_it() -> None:
    edited = rows(edits.set_column("a:1e999", as_json({"list": [*ROWS, {"b": "w"}]})))
    assert edited == [
        {"a": "1e999", "b": "x"},
        {"a": "1e999", "b": "y"},
        {"a": "1e999", "b": "z"},
        {"b": "w"},
    ]


def test_set_cell_changes_the_first_row_alone() -> None:
    edited = rows(edits.set_cell("a:-5", as_json({"list": ROWS})))
    assert edited == [{"a": "-5", "b": "x"}, *ROWS[1:]]


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        ("", [*ROWS, *ROWS]),  # all
        ("2", [*ROWS, *ROWS[:2]]),  # the first two
    ],
)
def test_duplicated_rows_are_appended(count: str, expected: list[dict[str, str]]) -> None:
    assert rows(edits.duplicate(count, as_json({"list": ROWS}))) == expected


def test_conflicting_row_differs_in_one_column() -> None:
    edited = rows(edits.conflict("b:other", as_json({"list": ROWS})))
    assert edited == [*ROWS, {"a": "1", "b": "other"}]


def test_shuffled_answer_has_the_same_rows_in_another_order() -> None:
    many = [{"a": str(number), "b": "x", "c": "y"} for number in range(20)]
    edited = rows(edits.shuffle("", as_json({"list": many})))
    assert edited != many
    assert sorted(edited, key=lambda row: int(row["a"])) == many
    assert edits.shuffle("", as_json({"list": many})) == edits.shuffle("", as_json({"list": many}))


def test_empty_answer_keeps_its_envelope_and_counts_nothing() -> None:
    envelope = {"response": {"body": {"totalCount": 3, "items": {"item": ROWS}}}}
    edited = json.loads(edits.empty("", as_json(envelope)).body)
    assert edited == {"response": {"body": {"totalCount": 0, "items": {"item": []}}}}


@pytest.mark.parametrize(
    ("place", "size"),
    [("0", 0), ("5", 5), ("50%", 5), ("100%", 10), ("99", 10)],
)
def test_shortened_body_has_the_length_asked_for(place: str, size: int) -> None:
    answer = Answer(200, b"0123456789", "text/plain", "x")
    assert edits.shorten(place, answer).body == b"0123456789"[:size]


def test_dashes_keep_who_the_stock_is_and_its_share_count() -> None:
    row = {
        "ISU_SRT_CD": "060310",
        "MKT_ID": "KSQ",
        "LIST_SHRS": "44,802,511",
        "TDD_CLSPRC": "2,000",
        "FLUC_TP_CD": "1",
        "MKTCAP": "1",
    }
    assert rows(edits.dashes("", as_json({"list": [row]}))) == [
        {
            "ISU_SRT_CD": "060310",
            "MKT_ID": "KSQ",
            "LIST_SHRS": "44,802,511",
            "TDD_CLSPRC": "-",
            "FLUC_TP_CD": "3",
            "MKTCAP": "-",
        }
    ]


@pytest.mark.parametrize(
    ("edited", "expected"),
    [
        (edits.drop_column("Name", as_csv(CSV)), "\ufeff,Code\n0,005930\n1,000660\n"),
        (edits.rename_column("Code:Symbol", as_csv(CSV)), CSV.replace("Code", "Symbol")),
        (edits.duplicate("1", as_csv(CSV)), CSV + "0,005930,삼성\n"),
        (edits.empty("", as_csv(CSV)), "\ufeff,Code,Name\n"),  # the header stays
        (edits.set_cell("Name:x", as_csv(CSV)), CSV.replace("삼성", "x")),
    ],
)
def test_csv_is_edited_like_json(edited: Answer, expected: str) -> None:
    assert edited.body.decode() == expected


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"PK\x03\x04\x00", "application/x-msdownload", "corpCode"),  # a zip
        as_json({"status": "013", "message": "none"}),  # no list
        as_json({"list": []}),  # no rows
        as_json({"list": ["a", "b"]}),  # a list, but not of rows
    ],
)
def test_answer_without_rows_stays_as_it_is(answer: Answer) -> None:
    edited = edits.drop_column("a", answer)
    if answer.content_type == "application/json":
        assert json.loads(edited.body) == json.loads(answer.body)
    else:
        assert edited == answer
