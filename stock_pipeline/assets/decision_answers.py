"""Asking DART for decisions: one question per company and kind, and what if one is not answered.

DART has no list of decisions: each report that announces one, and each share whose count fell, is a
question of its own. Some of a day's dozens may fail; the others are stored and the day is asked
for once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from stock_pipeline.assets.decisions import REDUCTIONS, operation_of
from stock_pipeline.errors import ONE_AMONG_MANY
from stock_pipeline.sources.dart import Dart
from stock_pipeline.sources.transport import NotArchived

Row = Mapping[str, Any]

# DART asks for the day of the first receipt, which for a correction may be any day since 2015.
FIRST_RECEIPT = date(2015, 1, 1)
# One request among a day's dozens may fail; of more the day is collected again.
MAX_FAILED_SHARE = 0.1
# Reductions are decided at the most so long before: a meeting of the shareholders, then creditors.
REDUCED_WITHIN = timedelta(days=365)


class Question(NamedTuple):
    """Decisions of one kind that a company first reported from one day to another."""

    operation: str
    corp_code: str
    begin: date
    end: date


Answers = Mapping[Question, Sequence[Row]]


def about_receipts(receipts: Iterable[Row]) -> dict[Question, list[Row]]:
    """Return what to ask for a day's receipts, with the receipts that each answer is about.

    Shapes  receipt: corp_code, received_date, report_name, is_correction
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for receipt in receipts:
        operation = operation_of(receipt["report_name"])
        if operation is not None:
            groups.setdefault((operation, receipt["corp_code"]), []).append(receipt)
    return {_since_first(*kind, group): group for kind, group in groups.items()}


def _since_first(operation: str, corp_code: str, receipts: Sequence[Row]) -> Question:
    day = receipts[0]["received_date"]
    begin = FIRST_RECEIPT if any(receipt["is_correction"] for receipt in receipts) else day
    return Question(operation, corp_code, begin, day)


def about_reductions(step: Row) -> Question | None:
    """Return what to ask for an adjustment to tell a reduction from a reverse split, if anything.

    Shapes  step: kind, corp_code, ex_date
    """
    if step["kind"] == "split" or step["corp_code"] is None:
        return None
    day = step["ex_date"]
    return Question(REDUCTIONS, step["corp_code"], day - REDUCED_WITHIN, day)


def ask(dart: Dart, questions: Iterable[Question]) -> tuple[Answers, tuple[str, ...]]:
    """Return the rows of every answered question, and which questions were not answered.

    Equal questions, as for a common and a preferred share, are one request. A replay never fails
    for want of an answer: nobody is asked, so the next one may well be in the archive.

    Raises  the upstream's error when more than a tenth failed, and at once what no further request
            can get past: quota, block, key
    """
    asked = dict.fromkeys(questions)
    answers: dict[Question, Sequence[Row]] = {}
    failed: list[str] = []
    for question in asked:
        try:
            answers[question] = dart.decisions(*question).data
        except NotArchived:
            failed.append(f"{question.operation} of {question.corp_code}: never answered")
        except ONE_AMONG_MANY:
            failed.append(f"{question.operation} of {question.corp_code}")
            if len(failed) > max(1, MAX_FAILED_SHARE * len(asked)):
                raise
    return answers, tuple(failed)
