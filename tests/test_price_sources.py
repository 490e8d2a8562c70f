"""The chain of price sources: who is asked when, after whom, and over whose day nobody writes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from stock_pipeline.errors import (
    AuthError,
    BadPayload,
    Blocked,
    EmptyOnBusinessDay,
    Maintenance,
    NetworkError,
    PipelineError,
    QualityReject,
    QuotaExhausted,
    RateLimited,
    SchemaDrift,
    ServerError,
    SettingMissing,
    Timeout,
)
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.price_sources import PriceSources, SourcesLeft
from stock_pipeline.sources.transport import NotArchived
from stock_pipeline.storage.database import Database

FRIDAY = date(2026, 3, 13)
MONDAY_NOON = "2026-03-16T13:00"
ALL = ("krx", "krx_openapi", "fsc")
KRX = ("KRX", "MDCSTAT01501")
BLOCKED = Blocked(*KRX)
REFUSED = AuthError("KRX_OPENAPI", "x", setting="KRX_OPENAPI_KEY")
QUOTA = QuotaExhausted("FSC", "x")


class Desk:
    """Three sources that answer or fail as told, and a note of who was asked."""

    def __init__(self) -> None:
        self.failures: dict[str, PipelineError] = {}
        self.asked: list[str] = []

    def answers(self, *names: str) -> dict[str, Callable[[], pl.DataFrame]]:
        """Return what asks each source; its frame holds its name."""

        def ask(name: str) -> pl.DataFrame:
            self.asked.append(name)
            if name in self.failures:
                raise self.failures[name]
            return pl.DataFrame({"from": [name]})

        return {name: lambda name=name: ask(name) for name in names or ALL}  # type: ignore[misc]


class Log:
    """A database that knows one thing: the source of the stored day."""

    def __init__(self, stored: str | None = None) -> None:
        self._stored = stored

    def read(self, statement: str, params: Any) -> pl.DataFrame:
        """Return the source, as the collection log would."""
        return pl.DataFrame({"source": [self._stored] if self._stored else []})


@pytest.fixture(scope="module")
def calendar() -> MarketCalendar:
    """Return one calendar for all tests: it takes seconds to build."""
    return MarketCalendar()


@pytest.fixture
def desk() -> Desk:
    """Return three sources that all answer."""
    return Desk()


@pytest.fixture
def chain(calendar: MarketCalendar, clock: Any) -> Callable[..., PriceSources]:
    """Return a function that makes a chain at a time in Seoul."""

    def make(now: str = MONDAY_NOON, order: tuple[str, ...] = ALL, log: Any = None) -> PriceSources:
        clock.instant = datetime.fromisoformat(f"{now}+09:00").astimezone(UTC)
        nobody: Any = None
        return PriceSources(nobody, nobody, nobody, order, log or Log(), calendar, clock)

    return make


@pytest.mark.parametrize(
    ("source", "now", "is_out", "reason"),
    [
        ("krx", "2026-03-13T16:14", False, "45 minutes after the close"),
        ("krx", "2026-03-13T16:15", True, "45 minutes after the close"),
        ("krx_openapi", "2026-03-16T07:59", False, "Friday comes on Monday at 08:00"),
        ("krx_openapi", "2026-03-16T08:00", True, "Friday comes on Monday at 08:00"),
        ("krx_openapi", "2026-03-15T12:00", False, "not on Sunday"),
        ("fsc", "2026-03-16T12:59", False, "Friday comes on Monday at 13:00"),
        ("fsc", "2026-03-16T13:00", True, "Friday comes on Monday at 13:00"),
    ],
)
def test_a_source_has_a_day_from_its_hour_of_publication_on(
    chain: Any, source: str, now: str, is_out: bool, reason: str
) -> None:
    assert chain(now).has_published(source, FRIDAY) == is_out, reason


def test_after_a_long_holiday_the_next_session_counts(chain: Any) -> None:
    # Chuseok 2025: no session between 2 October and 10 October.
    before = date(2025, 10, 2)
    assert not chain("2025-10-10T07:59").has_published("krx_openapi", before)
    assert chain("2025-10-10T08:00").has_published("krx_openapi", before)


@pytest.mark.parametrize(
    ("source", "day", "known"),
    [
        ("krx_openapi", date(2009, 12, 30), False),
        ("krx_openapi", date(2010, 1, 4), True),
        ("fsc", date(2019, 12, 30), False),
        ("fsc", date(2020, 1, 2), True),
    ],
)
def test_no_source_is_asked_about_days_before_its_first(
    chain: Any, source: str, day: date, known: bool
) -> None:
    assert chain().has_published(source, day) == known


@pytest.mark.parametrize("order", [ALL, ("fsc", "krx", "krx_openapi"), ("krx_openapi",)])
def test_the_first_of_the_order_answers_and_nobody_else_is_asked(
    chain: Any, desk: Desk, order: tuple[str, ...]
) -> None:
    found = chain(order=order).first("t", FRIDAY, desk.answers())
    assert (found.frame["from"].to_list(), desk.asked) == ([order[0]], [order[0]])
    assert (found.outcome, found.reason) == ("rows", "")


PASSED_ON = [
    AuthError(*KRX, setting="KRX_PW"),
    Blocked(*KRX),
    EmptyOnBusinessDay(*KRX, "2026-03-13"),
    Maintenance(*KRX),
    NetworkError(*KRX),
    NotArchived(*KRX),
    QuotaExhausted(*KRX),
    RateLimited(*KRX),
    ServerError(*KRX),
    SettingMissing("KRX_ID", "where"),
    Timeout(*KRX),
]


@pytest.mark.parametrize("error", PASSED_ON, ids=lambda error: type(error).__name__)
def test_a_source_that_cannot_answer_is_passed_over_and_named(
    chain: Any, desk: Desk, error: PipelineError
) -> None:
    desk.failures = {"krx": error}
    found = chain().first("t", FRIDAY, desk.answers())
    assert found.frame["from"].to_list() == ["krx_openapi"]
    assert found.reason == f"krx: {type(error).__name__}"
    # Blocked and a refused account last until somebody does something: the day carries a warning.
    refused = isinstance(error, AuthError | Blocked)
    assert found.warnings == ({"preferred_source_answers": 1} if refused else {})


@pytest.mark.parametrize(
    "error",
    [BadPayload(*KRX), SchemaDrift(*KRX, "TDD_CLSPRC"), QualityReject("t", "unit_jump", 1)],
    ids=lambda error: type(error).__name__,
)
def test_a_strange_answer_is_not_covered_up_by_another_source(
    chain: Any, desk: Desk, error: PipelineError
) -> None:
    desk.failures = {"krx": error}
    with pytest.raises(type(error)):
        chain().first("t", FRIDAY, desk.answers())
    assert desk.asked == ["krx"]


@pytest.mark.parametrize(
    ("now", "asked"),
    [
        ("2026-03-13T16:30", ["krx"]),  # the others have nothing yet: the block is told
        ("2026-03-16T08:10", ["krx", "krx_openapi"]),
        ("2026-03-16T13:30", ["krx", "krx_openapi", "fsc"]),
    ],
)
def test_when_all_fail_the_error_of_the_first_is_told(
    chain: Any, desk: Desk, now: str, asked: list[str]
) -> None:
    desk.failures = {"krx": BLOCKED, "krx_openapi": REFUSED, "fsc": Timeout("FSC", "x")}
    with pytest.raises(SourcesLeft) as told:
        chain(now).first("t", FRIDAY, desk.answers())
    assert told.value.error is BLOCKED
    assert (told.value.outcome, told.value.severity) == ("blocked", "CRITICAL")
    assert desk.asked == asked


@pytest.mark.parametrize(
    ("errors", "told", "reason"),
    [
        ((Timeout(*KRX), REFUSED, QUOTA), REFUSED, "only it wants a person, and names the key"),
        ((Maintenance(*KRX), QUOTA, Timeout("FSC", "x")), QUOTA, "a closed source is no trouble"),
        ((BLOCKED, REFUSED, QUOTA), BLOCKED, "of equal ones the first"),
    ],
)
def test_when_all_fail_the_gravest_error_is_told(
    chain: Any, desk: Desk, errors: Any, told: PipelineError, reason: str
) -> None:
    desk.failures = dict(zip(ALL, errors, strict=True))
    with pytest.raises(PipelineError) as caught:
        chain().first("t", FRIDAY, desk.answers())
    assert getattr(caught.value, "error", caught.value) is told, reason


MISSING = SettingMissing("KRX_ID", "where")


@pytest.mark.parametrize(
    ("now", "order", "errors", "goes_on"),
    [
        (MONDAY_NOON, ALL, (BLOCKED, REFUSED, QUOTA), False),
        (MONDAY_NOON, ALL, (BLOCKED, REFUSED, MISSING), False),
        (MONDAY_NOON, ALL, (MISSING, MISSING, MISSING), False),
        (MONDAY_NOON, ("krx",), (BLOCKED,), False),
        (MONDAY_NOON, ALL, (BLOCKED, REFUSED, Timeout("FSC", "x")), True),
        ("2026-03-16T08:00", ALL, (BLOCKED, REFUSED), True),  # FSC may have the days before
    ],
)
def test_the_days_after_it_are_left_only_when_every_source_is_stopped(
    chain: Any, desk: Desk, now: str, order: tuple[str, ...], errors: Any, goes_on: bool
) -> None:
    desk.failures = dict(zip(order, errors, strict=False))
    with pytest.raises(PipelineError) as caught:
        chain(now, order).first("t", FRIDAY, desk.answers())
    assert isinstance(caught.value, SourcesLeft) == goes_on


def test_a_day_of_a_stopped_source_leaves_the_days_after_it_to_the_others(
    chain: Any, desk: Desk
) -> None:
    desk.failures = {"krx": BLOCKED}
    with pytest.raises(SourcesLeft):
        chain(log=Log("KRX")).first("t", FRIDAY, desk.answers())
    assert desk.asked == ["krx"]


def test_a_source_without_its_key_was_not_asked_and_hides_no_error(chain: Any, desk: Desk) -> None:
    missing = SettingMissing("KRX_ID", "where")
    desk.failures = {"krx": missing, "krx_openapi": missing, "fsc": Timeout("FSC", "x")}
    with pytest.raises(Timeout):
        chain().first("t", FRIDAY, desk.answers())
    desk.failures["fsc"] = SettingMissing("FSC_API_KEY", "where")
    with pytest.raises(SettingMissing, match="KRX_ID"):
        chain().first("t", FRIDAY, desk.answers())


@pytest.mark.parametrize("error", [MISSING, NotArchived(*KRX)])
def test_a_day_waits_for_the_first_source_that_can_be_asked(
    chain: Any, desk: Desk, error: PipelineError
) -> None:
    desk.failures = {"krx": error}
    found = chain("2026-03-13T16:30").first("t", FRIDAY, desk.answers())
    assert (found.outcome, desk.asked) == ("not_yet_published", ["krx"])
    told = f"krx: {type(error).__name__}"
    assert found.reason == f"2026-03-13 is not out at krx_openapi, fsc, {told}"


def test_a_day_that_nobody_has_published_yet_is_no_error(chain: Any, desk: Desk) -> None:
    late = chain("2026-03-13T18:00", order=("krx_openapi", "fsc"))
    found = late.first("t", FRIDAY, desk.answers())
    assert (found.outcome, found.frame.height, desk.asked) == ("not_yet_published", 0, [])
    assert found.reason == "2026-03-13 is not out at krx_openapi, fsc"


def test_a_day_from_before_all_sources_has_no_history(chain: Any, desk: Desk) -> None:
    found = chain(order=("fsc",)).first("t", date(2015, 3, 13), desk.answers())
    assert (found.outcome, found.reason, desk.asked) == ("no_data", "no_history", [])


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        (None, ["krx", "krx_openapi", "fsc"]),
        ("FSC", ["krx", "krx_openapi", "fsc"]),
        ("KRX_OPENAPI", ["krx", "krx_openapi"]),
        ("KRX", ["krx"]),
        ("SOMEBODY", ["krx", "krx_openapi", "fsc"]),  # no longer in the order: it has no rank
    ],
)
def test_no_worse_source_is_asked_about_a_day_that_is_stored(
    chain: Any, desk: Desk, stored: str | None, asked: list[str]
) -> None:
    desk.failures = dict.fromkeys(ALL, Timeout("X", "x"))
    with pytest.raises(Timeout):
        chain(log=Log(stored)).first("t", FRIDAY, desk.answers())
    assert desk.asked == asked


@pytest.mark.parametrize(
    ("stored", "other"), [("krx", "krx_openapi"), ("krx_openapi", "krx"), ("fsc", "krx")]
)
def test_another_source_than_the_stored_one_may_be_a_worse_one(
    chain: Any, desk: Desk, stored: str, other: str
) -> None:
    found = chain(log=Log(stored.upper())).another(stored, FRIDAY, desk.answers())
    assert (found.frame["from"].to_list(), desk.asked) == ([other], [other])


def test_the_newest_completed_row_of_the_log_says_where_a_day_is_from(
    chain: Any, database: Database
) -> None:
    sources = chain(log=database)
    assert sources.stored_source("stock_price_daily", FRIDAY) is None
    answers = [
        ("rows", "FSC", "2026-03-16T04:30Z"),
        ("rows", "KRX", "2026-03-16T07:30Z"),
        ("blocked", "KRX_OPENAPI", "2026-03-16T08:30Z"),
        ("no_data", "FSC", "2026-03-16T09:30Z"),
        ("rows", None, "2026-03-16T10:30Z"),  # a run that asked nobody
    ]
    for run, (outcome, source, at) in enumerate(answers):
        database.execute(
            "INSERT INTO data_collection_log (run_id, asset, partition, outcome, source,"
            " completed_at) VALUES (:run, 'stock_price_daily', '2026-03-13', :outcome, :source,"
            " :at)",
            {
                "run": f"run-{run}",
                "outcome": outcome,
                "source": source,
                "at": datetime.fromisoformat(at),
            },
        )
    assert sources.stored_source("stock_price_daily", FRIDAY) == "krx"
    assert sources.stored_source("stock_price_daily", date(2026, 3, 12)) is None
    assert sources.stored_source("etf_price_daily", FRIDAY) is None


@pytest.mark.parametrize(
    ("rows", "stored"),
    [
        (["KRX_OPENAPI"], "krx_openapi"),
        (["DEMO"], "krx"),  # does not say who answered: taken for the preferred one
        ([None], None),
        ([], None),
    ],
)
def test_a_day_from_before_the_log_named_sources_is_of_the_source_of_its_rows(
    chain: Any, database: Database, rows: list[str | None], stored: str | None
) -> None:
    database.execute("CREATE TABLE IF NOT EXISTS older_price (trade_date date, source text)")
    database.execute(
        "INSERT INTO older_price SELECT '2026-03-13', s FROM unnest(CAST(:rows AS text[])) AS r(s)",
        {"rows": rows},
    )
    assert chain(log=database).stored_source("older_price", FRIDAY) is None
    database.execute(
        "INSERT INTO data_collection_log (run_id, asset, partition, outcome)"
        " VALUES ('old', 'older_price', '2026-03-13', 'rows')"
    )
    assert chain(log=database).stored_source("older_price", FRIDAY) == stored
    assert chain(log=database).stored_source("older_price", date(2026, 3, 12)) is None
