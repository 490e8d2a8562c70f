"""Asking for dividends: how far a sweep goes, what it keeps, and which answers still hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest

from stock_pipeline.assets.dividend_answers import (
    MOST_FAILED,
    Answers,
    Earlier,
    ask_dart,
    ask_fsc,
    has_failed,
    known_answers,
    require_answer,
)
from stock_pipeline.assets.filings import dart_filing
from stock_pipeline.errors import (
    AuthError,
    BadPayload,
    BadRequest,
    Blocked,
    Maintenance,
    NetworkError,
    PipelineError,
    QuotaExhausted,
    RateLimited,
    SchemaDrift,
    ServerError,
    SettingMissing,
    Timeout,
)
from stock_pipeline.sources.transport import NotArchived, Payload
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.database import Database

REPORT = (2025, "11011")
YEAR_END = date(2025, 10, 1)
MISSING = SettingMissing("DART_API_KEY", "apply")
BROKEN, REFUSED = BadPayload("FSC", "getDiviInfo"), AuthError("FSC", "x", setting="FSC_API_KEY")
NOWHERE = NotArchived("FSC", "getDiviInfo")


def codes(count: int) -> list[str]:
    """Return company codes in their order."""
    return [f"{number:08d}" for number in range(1, count + 1)]


class Told:
    """A DART that answers with one row per company, or raises what it is told to."""

    def __init__(self, **errors: PipelineError) -> None:
        self.errors = {name.removeprefix("c"): error for name, error in errors.items()}
        self.asked: list[str] = []
        self.answered: dict[str, Payload[Any]] = {}

    def dividends(self, code: str, year: int, report_code: str) -> Payload[Any]:
        """Answer or raise."""
        assert (year, report_code) == REPORT
        self.asked.append(code)
        if code in self.errors:
            raise self.errors[code]
        return Payload([{"corp_code": code}], datetime(2026, 3, 13, tzinfo=UTC))

    def dividends_answered(self, year: int, report_code: str) -> Mapping[str, Payload[Any]]:
        """Return the answers of earlier sweeps."""
        return self.answered


def ask(dart: Any, count: int) -> Any:
    """Sweep over so many companies."""
    return ask_dart(dart, codes(count), REPORT)


def test_companies_are_asked_in_the_order_of_their_codes() -> None:
    dart = Told()
    answers = ask(dart, 3)
    assert dart.asked == codes(3)
    assert [row["corp_code"] for row in answers.rows] == codes(3)
    assert (answers.answered, answers.failed, answers.error) == (3, (), None)


@pytest.mark.parametrize(
    "error",
    [
        QuotaExhausted("DART", "alotMatter"),
        RateLimited("DART", "alotMatter"),
        Blocked("DART", "alotMatter"),
        AuthError("DART", "alotMatter", setting="DART_API_KEY"),
        Maintenance("DART", "alotMatter"),
        MISSING,
    ],
    ids=lambda error: type(error).__name__,
)
def test_f28_what_nobody_gets_past_ends_the_sweep_and_keeps_what_came(
    error: PipelineError,
) -> None:
    dart = Told(c00000003=error)
    answers = ask(dart, 5)
    assert dart.asked == codes(3)
    assert len(answers.rows) == answers.answered == 2
    left = "3 of 5 companies from 00000003 on"
    assert answers.failed == (f"{left}: {type(error).__name__}: {error}",)
    assert answers.error is error


def test_the_part_that_a_refused_key_cost_names_its_setting() -> None:
    refused = AuthError("DART", "alotMatter", "status 012", setting="DART_API_KEY")
    (part,) = ask(Told(c00000001=refused), 3).failed
    assert part == (
        "3 of 3 companies from 00000001 on: AuthError: DART alotMatter:"
        " The key or account was refused: status 012; renew DART_API_KEY"
    )
    secret = AuthError("FSC", "getDiviInfo", setting="FSC_API_KEY")
    (part,) = ask_fsc(Register(secret)).failed  # type: ignore[arg-type]
    assert part.startswith("the FSC's register: AuthError: ")
    assert part.endswith("renew FSC_API_KEY")


PERMANENT = [BadRequest("DART", "x"), SchemaDrift("DART", "x", "se")]


@pytest.mark.parametrize("error", PERMANENT, ids=lambda error: type(error).__name__)
def test_f16_our_mistake_and_another_shape_are_no_partial_success(error: PipelineError) -> None:
    with pytest.raises(type(error)):
        ask(Told(c00000002=error), 3)
    with pytest.raises(type(error)):
        ask_fsc(Register(error))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [Timeout, ServerError, NetworkError, BadPayload])
def test_one_company_of_many_costs_only_itself(kind: Any) -> None:
    dart = Told(c00000002=kind("DART", "alotMatter"))
    answers = ask(dart, 3)
    assert dart.asked == codes(3)
    error = dart.errors["00000002"]
    assert answers.failed == (f"company 00000002: {kind.__name__}: {error}",)
    assert answers.answered == 2


@pytest.mark.parametrize(("failing", "asked"), [(MOST_FAILED, 20), (MOST_FAILED + 1, 11)])
def test_many_failed_companies_are_no_accident(failing: int, asked: int) -> None:
    broken = {f"c{code}": BadPayload("DART", "alotMatter") for code in codes(failing)}
    dart = Told(**broken)
    answers = ask(dart, 20)
    assert (len(dart.asked), len(answers.failed)) == (asked, failing)
    assert answers.answered == asked - failing


def test_a_replay_ends_where_nothing_was_answered_and_nothing_has_failed() -> None:
    answers = ask(Told(c00000002=NotArchived("DART", "alotMatter")), 3)
    assert (answers.answered, answers.failed) == (1, ())


class Register:
    """An FSC that answers or raises."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def dividends(self) -> Payload[Any]:
        """Answer or raise."""
        if isinstance(self.answer, PipelineError):
            raise self.answer
        return Payload(self.answer, datetime(2026, 3, 13, tzinfo=UTC))


@pytest.mark.parametrize(
    ("answer", "answered", "failed"),
    [
        ([{"isinCd": "KR7005930003"}], 1, ()),
        ([], 1, ()),
        (MISSING, 0, (f"the FSC's register: SettingMissing: {MISSING}",)),
        (BROKEN, 0, (f"the FSC's register: BadPayload: {BROKEN}",)),
        (NOWHERE, 0, ()),
    ],
)
def test_the_register_comes_whole_or_not_at_all(
    answer: Any, answered: int, failed: tuple[str, ...]
) -> None:
    answers = ask_fsc(Register(answer))  # type: ignore[arg-type]
    assert (answers.answered, answers.failed) == (answered, failed)
    assert len(answers.rows) == (len(answer) if isinstance(answer, list) else 0)


# ---- what came, and whether that is enough


@pytest.mark.parametrize(
    ("failing", "parts", "failed"),
    [
        ({}, 0, []),
        ({2: BROKEN}, 1, [2]),
        ({2: BROKEN, 4: BROKEN}, 2, [2, 4]),
        ({3: REFUSED}, 1, [3, 4, 5]),
        ({2: BROKEN, 4: REFUSED}, 2, [2, 4, 5]),
        ({1: REFUSED}, 1, [1, 2, 3, 4, 5]),
    ],
)
def test_who_was_not_answered_can_be_told_from_the_failed_parts(
    failing: dict[int, PipelineError], parts: int, failed: list[int]
) -> None:
    told = ask(Told(**{f"c{number:08d}": error for number, error in failing.items()}), 5)
    assert len(told.failed) == parts
    found = [code for code in codes(5) if has_failed(code, told.failed)]
    assert found == [f"{number:08d}" for number in failed]


NOTHING = [
    ([], True, None, "every company is known"),
    ([None], False, None, "answered"),
    ([BROKEN, None], False, None, "one of both origins"),
    ([MISSING], True, None, "the register has no key"),
    ([NOWHERE], True, None, "a replay without the register"),
    ([NOWHERE, NOWHERE], True, None, "a replay of a sweep that did not end"),
    ([MISSING, NOWHERE], True, None, "a replay, no key"),
    ([MISSING, MISSING], False, MISSING, "no key and nothing known"),
    ([NOWHERE, NOWHERE], False, NOWHERE, "a replay of nothing"),
    ([BROKEN], True, BROKEN, "a failure is none the less"),
    ([MISSING, REFUSED], True, REFUSED, "a missing key does not hide a refused one"),
    ([NOWHERE, REFUSED], False, REFUSED, "nor does the archive"),
]


@pytest.mark.parametrize(("errors", "is_known", "raised", "reason"), NOTHING)
def test_nothing_is_an_error_unless_earlier_answers_can_stand_for_it(
    errors: list[Any], is_known: bool, raised: PipelineError | None, reason: str
) -> None:
    told = [Answers([], answered=error is None, error=error) for error in errors]
    if raised is None:
        require_answer(told, is_known=is_known)
        return
    with pytest.raises(type(raised)) as caught:
        require_answer(told, is_known=is_known)
    assert caught.value is raised, reason


# ---- answers that still hold


def test_those_with_most_to_tell_are_asked_first() -> None:
    earlier = Earlier({"00000002": []}, frozenset({"00000004"}), frozenset({"00000001"}))
    left = ["00000004", "00000003", "00000005", "00000001"]
    assert earlier.left(codes(5)) == left


@pytest.fixture
def filed(database: Database) -> Any:
    """Return a function that stores a periodic report of company 1."""
    tables = [*collection_log.TABLES, dart_filing.TABLE]
    ddl.prepare(database, tables, [], mode="live", today=date(2026, 3, 13))
    collect(database, "2026-03-12")

    def file(title: str, day: str, kind: str = "A") -> None:
        database.execute(
            "INSERT INTO dart_filing (rcept_no, corp_code, report_name, received_date,"
            " filing_type) VALUES (:no, '00000001', :title, CAST(:day AS date), :kind)",
            {"no": f"{day.replace('-', '')}000001", "title": title, "day": day, "kind": kind},
        )

    return file


def known(database: Database, rows: list[Any], at: datetime) -> Earlier:
    """Return what is made of an answer to company 1."""
    dart: Any = Told()
    dart.answered = {COMPANY: Payload(rows, at)}
    return known_answers(dart, database, YEAR_END, REPORT)


def collect(database: Database, *days: str, outcome: str = "rows", failed: bool = False) -> None:
    """Log the filings of these days as collected."""
    for day in days:
        database.execute(
            "INSERT INTO data_collection_log (run_id, asset, partition, status, outcome)"
            " VALUES ('test', 'dart_filing', :day, :status, :outcome)",
            {"day": day, "outcome": outcome, "status": "failed" if failed else "completed"},
        )


COMPANY = "00000001"
ANSWERED = datetime(2026, 3, 12, 3, 0, tzinfo=UTC)
ROWS = [{"corp_code": COMPANY}]


FILINGS = [
    ("사업보고서 (2025.12)", "2026-03-11", ROWS, True, "answered after the receipt"),
    ("사업보고서 (2025.12)", "2026-03-12", ROWS, True, "answered on its day"),
    ("사업보고서 (2025.12)", "2026-03-12", [], False, "no data in the hours before it"),
    ("사업보고서 (2025.12)", "2026-03-13", [], False, "filed after no data was answered"),
    ("[기재정정]사업보고서 (2025.12)", "2026-03-13", ROWS, False, "corrected afterwards"),
    ("사업보고서 (2026.03)", "2026-06-30", [], False, "a business year that began in April"),
    ("사업보고서 (2026.12)", "2027-03-13", ROWS, True, "the next business year"),
    ("사업보고서 (2024.12)", "2026-03-13", ROWS, True, "a correction of the year before"),
    ("분기보고서 (2026.03)", "2026-05-15", ROWS, True, "another report"),
    ("사업보고서", "2026-03-13", ROWS, True, "of no period"),
]


def test_an_answer_holds_until_that_report_is_filed_later(database: Database, filed: Any) -> None:
    # One database for all cases: making its tables takes longer than asking.
    for title, day, rows, holds, reason in FILINGS:
        filed(title, day)
        earlier = known(database, rows, ANSWERED)
        expected = Earlier({COMPANY: rows}) if holds else Earlier({}, frozenset({COMPANY}))
        assert earlier == expected, reason
        database.execute("TRUNCATE dart_filing")


def test_the_day_of_an_answer_is_the_one_in_seoul(database: Database, filed: Any) -> None:
    filed("사업보고서 (2025.12)", "2026-03-13")
    before, after = (datetime(2026, 3, 12, hour, tzinfo=UTC) for hour in (14, 15))
    assert known(database, ROWS, before).overtaken == {COMPANY}  # 23:00 on the 12th
    assert known(database, ROWS, after).rows == {COMPANY: ROWS}  # midnight


# The clock stands on Friday the 13th of March; answered on Friday the 6th.
FRIDAY = datetime(2026, 3, 6, 3, 0, tzinfo=UTC)
WEEK = ("2026-03-06", *(f"2026-03-{day:02d}" for day in range(9, 13)))
HOLES: list[tuple[Sequence[str], dict[str, Any], list[Any], datetime, bool, str]] = [
    (WEEK, {}, [], FRIDAY, True, "every weekday since; today's filings come tonight"),
    (WEEK, {"outcome": "no_data"}, [], FRIDAY, True, "nobody filed anything"),
    (WEEK, {"failed": True}, [], FRIDAY, False, "none of them came"),
    (WEEK[1:], {}, [], FRIDAY, False, "its own day: filed in the hours after it"),
    (WEEK[:-1], {}, [], FRIDAY, False, "the last day"),
    ((*WEEK[:2], *WEEK[3:]), {}, [], FRIDAY, False, "a day between"),
    ((*WEEK[:2], *WEEK[3:]), {}, ROWS, FRIDAY, True, "an amount stays one"),
    (WEEK[3:], {}, [], datetime(2026, 3, 11, 3, tzinfo=UTC), True, "answered after the hole"),
    ((), {}, [], datetime(2026, 3, 13, 3, tzinfo=UTC), True, "answered today"),
]


def test_no_data_is_believed_while_the_filings_since_are_known(
    database: Database, filed: Any
) -> None:
    for days, log, rows, at, holds, reason in HOLES:
        database.execute("TRUNCATE data_collection_log")
        collect(database, *days, **log)
        expected = Earlier({COMPANY: rows}) if holds else Earlier({}, doubted=frozenset({COMPANY}))
        assert known(database, rows, at) == expected, reason
