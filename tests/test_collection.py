"""One partition from question to closed log row: every outcome, and what stays stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from stock_pipeline.collection import collect
from stock_pipeline.errors import (
    AuthError,
    Blocked,
    EmptyOnBusinessDay,
    PipelineError,
    QuotaExhausted,
    SchemaDrift,
    Timeout,
)
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.price_sources import SourcesLeft
from stock_pipeline.quality.rules import NotNull, Positive
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.collection_log import Entry
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import BigInt, Date, Text, column, key, table
from stock_pipeline.work import Collected, Result, Tools, Work

THURSDAY, FRIDAY, SATURDAY = date(2026, 3, 12), date(2026, 3, 13), date(2026, 3, 14)
RUN = Entry("run-1", "", "")

TABLE = table(
    "example_price",
    key("trade_date", Date, "session"),
    key("ticker", Text, "code"),
    column("close", BigInt, "close", "KRW"),
    partition="trade_date",
)
WORK = Work(TABLE, rules=(NotNull("close"), Positive("close")), write="partition", sessions="XKRX")


class FakeArchive:
    """An archive whose receipts say what the test wants them to say."""

    def __init__(self) -> None:
        self.replaying = False
        self.fetched_at = datetime(2026, 3, 13, 8, 0, tzinfo=UTC)

    @contextmanager
    def scope(self, *, on_request: Callable[[], None], **_: str) -> Iterator[Any]:
        """Hand out a receipt of one request."""
        self.on_request = on_request
        yield SimpleNamespace(requests=1, fetched_at=self.fetched_at, source="KRX")


@dataclass
class Bench:
    """A database with the example table, and the tools to collect into it."""

    database: Database
    tools: Tools

    def run(
        self,
        answer: Callable[[date | None], Any],
        days: Sequence[date | None] = (THURSDAY,),
        work: Work = WORK,
        run: Entry = RUN,
    ) -> list[Result]:
        """Collect the days; `answer` gives the frame of a day or raises."""

        def fetch(partitions: Sequence[date | None]) -> Iterator[Any]:
            for partition in partitions:
                yield answer(partition)

        return list(collect(work, self.tools, fetch, days, run=run))

    def stored(self) -> list[tuple[Any, ...]]:
        """Return the stored rows."""
        return self.database.read(
            "SELECT trade_date, ticker, close FROM example_price ORDER BY 1, 2"
        ).rows()

    def log(self, partition: date = THURSDAY) -> dict[str, Any]:
        """Return the newest log row of a partition."""
        rows = self.database.read(
            "SELECT * FROM data_collection_log WHERE partition = :partition"
            " ORDER BY started_at DESC, run_id DESC LIMIT 1",
            {"partition": partition.isoformat()},
        )
        return rows.to_dicts()[0]


@pytest.fixture
def bench(database: Database, clock: Any) -> Bench:
    """Return the bench; it is Friday 2026-03-13, 18:00 in Seoul."""
    tables = [*collection_log.TABLES, TABLE]
    ddl.prepare(database, tables, [], mode="live", today=FRIDAY)
    return Bench(database, Tools(database, FakeArchive(), MarketCalendar(clock), clock))


def day_rows(day: date | None, **closes: int | None) -> pl.DataFrame:
    """Return the frame of a day."""
    return pl.DataFrame(
        {"trade_date": [day] * len(closes), "ticker": list(closes), "close": list(closes.values())},
        schema=TABLE.frame_schema,
    )


def many(day: date | None, count: int, *, broken: int = 0) -> pl.DataFrame:
    """Return `count` rows of which the first `broken` have no close."""
    closes = {f"T{n:05d}": None if n < broken else n + 1 for n in range(count)}
    return day_rows(day, **closes)


def raising(error: PipelineError) -> Callable[[date | None], Any]:
    """Return an answer that fails."""

    def answer(day: date | None) -> Any:
        raise error

    return answer


def test_rows_and_log_are_written_together(bench: Bench) -> None:
    (result,) = bench.run(lambda day: day_rows(day, A=1, B=2))
    assert (result.outcome, result.is_done, result.changes.inserted) == ("rows", True, 2)
    assert bench.stored() == [(THURSDAY, "A", 1), (THURSDAY, "B", 2)]
    log = bench.log()
    assert (log["status"], log["outcome"], log["inserted"], log["requests"]) == (
        "completed",
        "rows",
        2,
        1,
    )
    assert log["validation_status"] == "pass"


def test_a_repeat_is_logged_as_unchanged(bench: Bench) -> None:
    bench.run(lambda day: day_rows(day, A=1))
    (result,) = bench.run(lambda day: day_rows(day, A=1), run=replace(RUN, run_id="run-2"))
    assert (result.changes.unchanged, result.changes.inserted, result.changes.updated) == (1, 0, 0)
    assert bench.log()["unchanged"] == 1


def test_f13_a_closed_day_asks_nothing_and_succeeds(bench: Bench) -> None:
    (result,) = bench.run(raising(Timeout("KRX", "x")), days=[SATURDAY])
    assert (result.outcome, result.is_done, result.error) == ("non_session", True, None)
    assert bench.log(SATURDAY)["requests"] == 0


@pytest.mark.parametrize(
    ("utc", "outcome"),
    [
        (datetime(2026, 3, 13, 7, 14, tzinfo=UTC), "not_yet_published"),  # 16:14 KST
        (datetime(2026, 3, 13, 7, 15, tzinfo=UTC), "rows"),  # 16:15: close + 45 minutes
    ],
)
def test_a_session_is_asked_for_only_when_it_is_published(
    bench: Bench, clock: Any, utc: datetime, outcome: str
) -> None:
    clock.instant = utc
    (result,) = bench.run(lambda day: day_rows(day, A=1), days=[FRIDAY])
    assert (result.outcome, result.is_done) == (outcome, outcome == "rows")


def test_f12_an_empty_answer_on_a_session_is_a_failure_and_keeps_what_is_stored(
    bench: Bench,
) -> None:
    bench.run(lambda day: day_rows(day, A=1))
    error = EmptyOnBusinessDay("KRX", "MDCSTAT01501", "2026-03-12")
    (result,) = bench.run(raising(error), run=replace(RUN, run_id="run-2"))
    assert (result.outcome, result.is_done) == ("error", False)
    assert bench.log()["status"] == "failed"
    assert "EmptyOnBusinessDay" in bench.log()["error_message"]
    assert bench.stored() == [(THURSDAY, "A", 1)]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Timeout("KRX", "x"), "error"),
        (SchemaDrift("KRX", "x", "MKT_ID"), "error"),
        (Blocked("KRX", "x"), "blocked"),
        (QuotaExhausted("DART", "x"), "quota"),
        (AuthError("DART", "x", setting="DART_API_KEY"), "auth_expired"),
    ],
)
def test_each_class_of_error_has_its_outcome(
    bench: Bench, error: PipelineError, outcome: str
) -> None:
    (result,) = bench.run(raising(error))
    assert (result.outcome, bench.log()["outcome"]) == (outcome, outcome)


def test_one_failed_day_does_not_cost_the_others(bench: Bench) -> None:
    def answer(day: date | None) -> Any:
        if day == THURSDAY:
            raise Timeout("KRX", "x")
        return day_rows(day, A=1)

    first, second = bench.run(answer, days=[THURSDAY, FRIDAY])
    assert (first.outcome, second.outcome) == ("error", "rows")
    assert bench.stored() == [(FRIDAY, "A", 1)]


def test_after_a_block_nothing_further_is_asked(bench: Bench) -> None:
    asked = []

    def answer(day: date | None) -> Any:
        asked.append(day)
        raise Blocked("KRX", "x")

    results = bench.run(answer, days=[THURSDAY, FRIDAY])
    assert [result.outcome for result in results] == ["blocked", "skipped"]
    assert asked == [THURSDAY]
    assert bench.log(FRIDAY)["reason"] == "not attempted: Blocked"


def test_after_a_block_of_one_of_several_sources_the_other_days_are_asked_for(bench: Bench) -> None:
    def answer(day: date | None) -> Any:
        if day == THURSDAY:
            raise SourcesLeft(Blocked("KRX", "x"))
        return day_rows(day, A=1)

    first, second = bench.run(answer, days=[THURSDAY, FRIDAY])
    assert (first.outcome, type(first.error), second.outcome) == ("blocked", Blocked, "rows")
    assert bench.log()["error_message"].startswith("Blocked: KRX x")


@pytest.mark.parametrize(
    ("broken", "kept"),
    [(1, 199), (2, 198), (3, None)],  # 1 % of 200 rows is two: the third one condemns the answer
)
def test_f17_broken_rows_are_kept_out_and_too_many_condemn_the_answer(
    bench: Bench, broken: int, kept: int | None
) -> None:
    (result,) = bench.run(lambda day: many(day, 200, broken=broken))
    noted = bench.database.read("SELECT count(*) AS n FROM rejected_row").item()
    if kept is None:
        assert (result.outcome, len(bench.stored())) == ("error", 0)
    else:
        assert (len(bench.stored()), result.rejected, noted) == (kept, broken, broken)
        assert bench.log()["validation_status"] == "warn"


def test_f14_equal_rows_count_once(bench: Bench) -> None:
    (result,) = bench.run(lambda day: pl.concat([many(day, 100), many(day, 1)]))
    log = bench.log()
    assert (len(bench.stored()), result.is_done) == (100, True)
    assert log["received"] == log["inserted"] + log["rejected"] == 101


def test_f21_rows_of_another_day_are_refused(bench: Bench) -> None:
    (result,) = bench.run(lambda day: day_rows(FRIDAY, A=1))
    assert (result.outcome, bench.stored()) == ("error", [])


@pytest.mark.parametrize(
    ("rows", "accepted"),
    [(97, True), (96, False)],  # 97 % of the 100 rows of the day before
)
def test_a_day_with_too_few_rows_is_refused(bench: Bench, rows: int, accepted: bool) -> None:
    work = replace(WORK, floor=0.97)
    bench.run(lambda day: many(day, 100), work=work)
    (result,) = bench.run(lambda day: many(day, rows), days=[FRIDAY], work=work)
    assert result.is_done is accepted


def test_parts_that_failed_make_a_partial_result(bench: Bench) -> None:
    (result,) = bench.run(lambda day: Collected(day_rows(day, A=1), failed=("batch 3",)))
    assert (result.is_done, result.failed) == (True, ("batch 3",))
    assert "batch 3" in bench.log()["detail"]


def test_a_partition_with_a_part_missing_is_not_done(bench: Bench) -> None:
    bench.run(lambda day: Collected(day_rows(day, A=1), failed=("batch 3",)))
    wanted = [THURSDAY.isoformat()]
    assert collection_log.done_partitions(bench.database, TABLE.name, wanted) == set()


def test_no_data_never_deletes_what_is_stored(bench: Bench) -> None:
    bench.run(lambda day: day_rows(day, A=1))
    bench.run(lambda day: Collected(day_rows(day), outcome="no_data", reason="no_history"))
    assert bench.stored() == [(THURSDAY, "A", 1)]


def test_a_run_for_some_companies_does_not_make_the_whole_answer_stale(bench: Bench) -> None:
    whole = bench.tools
    newer = FakeArchive()
    newer.fetched_at += timedelta(hours=1)
    bench.tools = replace(whole, limited=True, archive=newer)
    bench.run(lambda day: day_rows(day, A=1))
    bench.tools = whole
    (result,) = bench.run(lambda day: day_rows(day, A=1), run=replace(RUN, run_id="run-2"))
    assert result.is_done


def test_a_derived_day_waits_until_the_session_before_is_stored(bench: Bench) -> None:
    derived = replace(WORK, history="collected_price")

    def mark(partition: date) -> None:
        bench.database.execute(
            "INSERT INTO data_collection_log (run_id, asset, partition, status, outcome)"
            " VALUES ('other', 'collected_price', :partition, 'completed', 'rows')",
            {"partition": partition.isoformat()},
        )

    mark(FRIDAY)
    (waiting,) = bench.run(lambda day: day_rows(day, A=1), days=[FRIDAY], work=derived)
    mark(THURSDAY)
    (ready,) = bench.run(lambda day: day_rows(day, A=1), days=[FRIDAY], work=derived)
    assert (waiting.outcome, waiting.reason, waiting.is_done) == (
        "skipped",
        "waiting_for_history",
        False,
    )
    assert ready.is_done


def test_a_snapshot_never_answers_for_the_past(bench: Bench) -> None:
    bench.tools = replace(bench.tools, current=FRIDAY)
    work = replace(WORK, snapshot=True, sessions=None)
    past, present = bench.run(lambda day: day_rows(day, A=1), days=[THURSDAY, FRIDAY], work=work)
    assert (past.outcome, past.reason, past.is_done) == ("no_data", "no_history", False)
    assert present.is_done
    bench.tools.archive.replaying = True  # type: ignore[misc]  # the archive knows the past
    (rebuilt,) = bench.run(lambda day: day_rows(day, A=1), work=work)
    assert rebuilt.is_done


def test_while_replaying_every_partition_is_asked_for_by_itself(bench: Bench) -> None:
    asked: list[Any] = []
    fetch = lambda days: asked.append(days) or (day_rows(day, A=1) for day in days)  # noqa: E731
    for replaying in (False, True):
        bench.tools.archive.replaying = replaying  # type: ignore[misc]
        assert len(list(collect(WORK, bench.tools, fetch, [THURSDAY, FRIDAY], run=RUN))) == 2
    assert asked == [(THURSDAY, FRIDAY), (THURSDAY,), (FRIDAY,)]


@pytest.mark.parametrize(
    ("silent_for", "outcome"),
    [(timedelta(minutes=9), "skipped"), (timedelta(minutes=11), "rows")],
)
def test_f53_a_partition_another_live_run_works_on_is_left_alone(
    bench: Bench, clock: Any, silent_for: timedelta, outcome: str
) -> None:
    collection_log.CollectionLog(bench.database).open(
        Entry("run-0", TABLE.name, THURSDAY.isoformat())
    )
    clock.instant += silent_for
    (result,) = bench.run(lambda day: day_rows(day, A=1))
    assert result.outcome == outcome


def test_f71_a_long_fetch_says_that_it_lives(bench: Bench, clock: Any) -> None:
    seen = []

    def answer(day: date | None) -> Any:
        for seconds in (29, 2):  # a sign of life every 30 s is enough
            clock.sleep(seconds)
            clock.instant += timedelta(seconds=seconds)
            bench.tools.archive.on_request()  # type: ignore[attr-defined]  # the fake's own
            seen.append(bench.log()["progress_at"] - bench.log()["started_at"])
        return day_rows(day, A=1)

    bench.run(answer)
    assert seen == [timedelta(0), timedelta(seconds=31)]


def test_a_defect_closes_the_log_row_on_its_way_up(bench: Bench) -> None:
    def answer(day: date | None) -> Any:
        raise ZeroDivisionError("canary text")

    with pytest.raises(ZeroDivisionError):
        bench.run(answer)
    log = bench.log()
    assert (log["status"], log["outcome"]) == ("failed", "error")
    assert "canary" not in log["error_message"]


def test_a_run_for_some_companies_never_completes_its_partition(bench: Bench) -> None:
    bench.tools = replace(bench.tools, limited=True)
    (result,) = bench.run(lambda day: day_rows(day, A=1))
    done = collection_log.done_partitions(bench.database, TABLE.name, [THURSDAY.isoformat()])
    assert (result.is_done, done) == (False, set())
    assert bench.stored() == [(THURSDAY, "A", 1)]


def test_in_a_demo_every_row_says_so(bench: Bench) -> None:
    bench.tools = replace(bench.tools, source="DEMO")
    bench.run(lambda day: day_rows(day, A=1))
    assert bench.database.read("SELECT DISTINCT source FROM example_price").item() == "DEMO"
