"""Changes to a good answer: columns, rows, encoding, length.

Each function takes the value of the fault and the answer. Rows are the objects of every list of a
JSON body, or the lines of a CSV body; an answer without rows stays as it is.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections.abc import Callable
from dataclasses import replace

from stock_pipeline.twin.wire import Answer, cut_at

Row = dict[str, object]
RowEdit = Callable[[list[Row]], list[Row]]

# What KRX still fills in for a day without trading, and the sign it then gives.
IDENTITY_COLUMNS = frozenset(
    {"ISU_SRT_CD", "ISU_CD", "ISU_ABBRV", "MKT_NM", "SECT_TP_NM", "LIST_SHRS", "MKT_ID"}
)
DIRECTION_COLUMN = "FLUC_TP_CD"
UNCHANGED = "3"
COUNTS = re.compile(rb'("(?:totalCount|total_count)"\s*:\s*)\d+')
SHUFFLE_SEED = 7


def dashes(value: str, answer: Answer) -> Answer:
    """Leave only dashes of prices and volumes, as KRX does before 09:20 and on holidays."""

    def cell(name: str, text: object) -> object:
        if name in IDENTITY_COLUMNS:
            return text
        return UNCHANGED if name == DIRECTION_COLUMN else "-"

    return _edited(
        answer,
        lambda rows: [{name: cell(name, text) for name, text in row.items()} for row in rows],
    )


def empty(value: str, answer: Answer) -> Answer:
    """Take all rows away and say that there are none."""
    without_rows = _edited(answer, lambda rows: [])
    return replace(without_rows, body=COUNTS.sub(rb"\g<1>0", without_rows.body))


def shorten(value: str, answer: Answer) -> Answer:
    """Cut the body at a place; the length that is declared is the cut one."""
    return replace(answer, body=answer.body[: cut_at(value, len(answer.body))])


def korean_encoding(value: str, answer: Answer) -> Answer:
    """Encode the text in CP949, declared as EUC-KR; or undeclared, with the value `undeclared`."""
    content_type = answer.content_type
    if value != "undeclared":
        content_type = content_type.split(";")[0] + "; charset=EUC-KR"
    body = answer.body.decode("utf-8").encode("cp949", errors="replace")
    return replace(answer, body=body, content_type=content_type)


def rename_column(value: str, answer: Answer) -> Answer:
    """Give the column `OLD:NEW` another name, in its old place."""
    old, new = value.split(":")
    return _edited(
        answer,
        lambda rows: [
            {new if name == old else name: cell for name, cell in row.items()} for row in rows
        ],
    )


def drop_column(value: str, answer: Answer) -> Answer:
    """Leave a column out."""
    return _edited(
        answer,
        lambda rows: [{name: cell for name, cell in row.items() if name != value} for row in rows],
    )


def add_column(value: str, answer: Answer) -> Answer:
    """Append a column that nobody has heard of."""
    return _edited(answer, lambda rows: [{**row, value: "new"} for row in rows])


def set_column(value: str, answer: Answer) -> Answer:
    """Put the same text into a column of every row: `COLUMN:TEXT`."""
    column, text = value.split(":", 1)
    return _edited(
        answer, lambda rows: [{**row, column: text} if column in row else row for row in rows]
    )


def set_cell(value: str, answer: Answer) -> Answer:
    """Put a text into a column of the first row: `COLUMN:TEXT`."""
    column, text = value.split(":", 1)
    return _edited(answer, lambda rows: [{**rows[0], column: text}, *rows[1:]])


def duplicate(value: str, answer: Answer) -> Answer:
    """Append the first so many rows once more; all of them without a value."""
    count = int(value) if value else None
    return _edited(answer, lambda rows: rows + rows[:count])


def conflict(value: str, answer: Answer) -> Answer:
    """Append the first row once more with another text in a column: `COLUMN:TEXT`."""
    column, text = value.split(":", 1)
    return _edited(answer, lambda rows: [*rows, {**rows[0], column: text}])


def shuffle(value: str, answer: Answer) -> Answer:
    """Mix the order of the rows and of their columns, the same way every time."""

    def mixed(rows: list[Row]) -> list[Row]:
        order = random.Random(SHUFFLE_SEED)
        columns = order.sample(list(rows[0]), len(rows[0]))
        return [
            {name: row[name] for name in [*columns, *row] if name in row}
            for row in order.sample(rows, len(rows))
        ]

    return _edited(answer, mixed)


def _edited(answer: Answer, edit: RowEdit) -> Answer:
    """Apply an edit to every list of rows of a JSON body or to the lines of a CSV body."""
    text = answer.body.decode("utf-8-sig", errors="replace")
    if text.lstrip()[:1] in ("{", "["):
        content = _edit_lists(json.loads(text), edit)
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    elif re.match(r"text/(csv|plain)", answer.content_type) and "," in text.partition("\n")[0]:
        mark = answer.body[:3] if answer.body.startswith(b"\xef\xbb\xbf") else b""
        body = mark + _edit_csv(text, edit).encode()
    else:
        return answer
    return replace(answer, body=body)


def _edit_lists(content: object, edit: RowEdit) -> object:
    if isinstance(content, dict):
        return {name: _edit_lists(part, edit) for name, part in content.items()}
    if isinstance(content, list) and content and all(isinstance(row, dict) for row in content):
        return edit(content)
    return content


def _edit_csv(text: str, edit: RowEdit) -> str:
    lines = csv.DictReader(io.StringIO(text, newline=""))
    rows: list[Row] = [dict(row) for row in lines]
    edited = edit(rows) if rows else rows
    names = list(edited[0]) if edited else list(lines.fieldnames or [])
    output = io.StringIO(newline="")
    writer = csv.DictWriter(output, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(edited)
    return output.getvalue()
