"""The calendar of one table's partitions: how each stands, and which are not stored and why."""

from __future__ import annotations

from datetime import date

import pytest

from stock_pipeline.dashboard.partition_calendar import KINDS, Partition, partitions, year_of
from stock_pipeline.storage.partition_states import State

STORED = State(is_done=True, has_rows=True, rows=29, status="completed", outcome="rows")
# Thursday to Tuesday; the weekend is no session.
SESSIONS = [date(2026, 3, 12), date(2026, 3, 13), date(2026, 3, 16), date(2026, 3, 17)]


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (STORED, "stored"),
        (State(is_done=True, status="completed", outcome="non_session"), "empty"),
        # a repeat that failed takes nothing away
        (State(is_done=True, has_rows=True, status="failed", outcome="error"), "stored"),
        (State(status="failed", outcome="error", error="ServerError: 503"), "failed"),
        # some parts did not come
        (State(has_rows=True, status="completed", outcome="rows"), "partial"),
        (State(status="completed", outcome="skipped", reason="SettingMissing"), "skipped"),
        (State(status="completed", outcome="not_yet_published"), "skipped"),
        (State(is_running=True, status="running"), "running"),
        # nobody works on it any more
        (State(status="running"), "failed"),
    ],
)
def test_a_partition_is_what_its_collections_say(state: State, kind: str) -> None:
    [found] = partitions({"2026-03-13": state}, [], 2026)
    assert found.kind == kind


def test_a_session_without_a_collection_is_missing_since_the_first_one_stored() -> None:
    found = partitions({"2026-03-13": STORED}, SESSIONS, 2026)
    assert [(one.day.day, one.kind) for one in found] == [
        (13, "stored"),
        (16, "missing"),
        (17, "missing"),
    ]


def test_of_another_year_and_of_what_has_no_partitions_nothing_is_shown() -> None:
    assert partitions({"2025-12-30": STORED, "all": STORED}, SESSIONS[:1], 2026) == [
        Partition(date(2026, 3, 12), "missing", 0, "수집을 시도한 기록이 없습니다")
    ]


def test_a_day_stands_in_its_week_and_on_its_weekday() -> None:
    failed = State(status="failed", error="ServerError: 503")
    found = partitions({"2026-01-01": STORED, "2026-03-13": failed}, [], 2026)
    trace = year_of("stock_price_daily", found, 2026).chart.figure["data"][0]
    # 1 January 2026 was a Thursday, 13 March the Friday of the tenth week after it
    assert (trace["x"][0], len(trace["x"])) == (date(2025, 12, 29), 53)
    assert trace["z"][3][0] == KINDS.index("stored")
    assert trace["z"][4][10] == KINDS.index("failed")
    assert sum(code is not None for row in trace["z"] for code in row) == 2
    assert (trace["text"][4][10], trace["customdata"][4][10]) == ("✕", "2026-03-13 (금) 실패")


def test_every_kind_has_a_colour_of_its_own() -> None:
    trace = year_of("etfs", [], 2026).chart.figure["data"][0]
    assert [place for place, _ in trace["colorscale"]][::2] == [n / 7 for n in range(7)]
    assert len({colour for _, colour in trace["colorscale"]}) == len(KINDS)
    assert (trace["zmin"], trace["zmax"]) == (-0.5, 6.5)


def test_the_table_counts_months_and_tells_why_something_is_not_stored() -> None:
    failed = State(status="failed", error="ServerError: KRX 503")
    states = {"2026-02-27": STORED, "2026-03-12": STORED, "2026-03-13": failed}
    year = year_of("stock_price_daily", partitions(states, [], 2026), 2026)
    assert year.chart.rows.rows == [
        ["2026-02", "1", "0", "0", "0", "0", "0", "0"],
        ["2026-03", "1", "0", "0", "0", "0", "1", "0"],
    ]
    assert year.notes.rows == [["2026-03-13", "실패", "ServerError: KRX 503"]]


@pytest.mark.parametrize(("count", "note"), [(60, ""), (61, "그 밖에 1개가 더 있습니다.")])
def test_no_more_than_sixty_reasons_are_told(count: int, note: str) -> None:
    days = [date.fromordinal(date(2026, 1, 1).toordinal() + n) for n in range(count)]
    found = [Partition(day, "missing", 0, "") for day in days]
    notes = year_of("etfs", found, 2026).notes
    assert (len(notes.rows), notes.note) == (60, note)
    # the newest ones
    assert notes.rows[0][0] == days[-1].isoformat()
