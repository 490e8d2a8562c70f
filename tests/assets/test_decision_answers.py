"""Which questions to DART are one request, and how many of them may fail."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from stock_pipeline.assets.decision_answers import Question, about_reductions, ask
from stock_pipeline.errors import BadPayload, NetworkError, PipelineError, QuotaExhausted, Timeout
from stock_pipeline.sources.transport import NotArchived

DAY = date(2026, 3, 13)
LOST = Timeout("DART", "crDecsn", "")


class Filer:
    """DART: it fails for some companies, and answers the others with their own code."""

    def __init__(self, errors: dict[str, PipelineError]) -> None:
        self.errors = errors
        self.asked: list[str] = []

    def decisions(self, operation: str, corp_code: str, begin: date, end: date) -> Any:
        """Answer or fail as told."""
        self.asked.append(corp_code)
        if corp_code in self.errors:
            raise self.errors[corp_code]
        return SimpleNamespace(data=[{"corp_code": corp_code}])


def questions(count: int) -> list[Question]:
    return [Question("crDecsn", f"{number:08d}", DAY, DAY) for number in range(count)]


def test_equal_questions_are_one_request() -> None:
    filer = Filer({})
    answers, failed = ask(filer, [*questions(2), *questions(1)])
    assert filer.asked == ["00000000", "00000001"]
    assert (len(answers), failed) == (2, ())


@pytest.mark.parametrize(
    ("asked", "errors", "stored"),
    [
        (1, [LOST], True),  # a single one may always fail
        (2, [LOST, LOST], False),
        (19, [LOST, LOST], False),  # more than a tenth
        (20, [LOST, LOST], True),
        (20, [LOST, BadPayload("DART", "crDecsn"), NetworkError("DART", "crDecsn")], False),
        (2, [NotArchived("DART", "crDecsn")] * 2, True),  # a replay asks nobody
        (20, [QuotaExhausted("DART", "crDecsn")], False),  # no further request can succeed
    ],
)
def test_a_day_survives_if_at_most_a_tenth_of_its_questions_fail(
    asked: int, errors: list[PipelineError], stored: bool
) -> None:
    filer = Filer({f"{number:08d}": error for number, error in enumerate(errors)})
    if not stored:
        with pytest.raises(type(errors[-1])):
            ask(filer, questions(asked))
        return
    answers, failed = ask(filer, questions(asked))
    assert (len(answers), len(failed)) == (asked - len(errors), len(errors))
    assert failed[0].startswith("crDecsn of 00000000")


@pytest.mark.parametrize(
    ("kind", "corp_code", "wanted"),
    [
        ("reverse_or_reduction", "00126380", True),
        ("reverse_or_reduction", None, False),  # DART does not know the share
        ("split", "00126380", False),  # no report tells of it
    ],
)
def test_only_a_count_that_fell_is_asked_about(
    kind: str, corp_code: str | None, wanted: bool
) -> None:
    found = about_reductions({"kind": kind, "corp_code": corp_code, "ex_date": DAY})
    assert found == (Question("crDecsn", "00126380", date(2025, 3, 13), DAY) if wanted else None)
