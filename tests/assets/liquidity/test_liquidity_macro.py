"""Series of FRED with every revision: dates, instants, failures, and what is never overwritten."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.liquidity.liquidity_macro import (
    RULES,
    SERIES,
    TABLE,
    collected,
    liquidity_macro,
    parse,
)
from stock_pipeline.errors import AuthError, SettingMissing, Timeout
from stock_pipeline.quality import rules as quality
from stock_pipeline.sources.fred import Observation
from stock_pipeline.sources.transport import Payload
from stock_pipeline.work import Result

DAY = "2026-03-13"


class FakeFred:
    """FRED as of now: series → date → value; a series can fail."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.values: dict[str, dict[str, float | None]] = {
            series: {"2026-03-10": 4.0, "2026-03-11": 4.1} for series in SERIES
        }
        self.fails: dict[str, Exception] = {}
        self.keeps_to_the_window = True
        self.asked: list[tuple[str, date, date]] = []

    def observations(self, series: str, start: date, end: date) -> Payload[list[Observation]]:
        """Return what there is of the window."""
        self.asked.append((series, start, end))
        if series in self.fails:
            raise self.fails[series]
        found = [
            Observation(date.fromisoformat(day), value)
            for day, value in self.values[series].items()
            if start <= date.fromisoformat(day) <= end or not self.keeps_to_the_window
        ]
        return Payload(found, self.clock.now())


@pytest.fixture
def fred(bench: Any) -> FakeFred:
    """Return FRED with two days of every series."""
    return FakeFred(bench.clock)


@pytest.fixture
def run(bench: Any, fred: FakeFred) -> Callable[..., list[Result]]:
    """Return a function that collects days at a moment."""

    def collect(moment: str, *days: str) -> list[Result]:
        bench.at(moment)
        answers = partial(collected, fred, bench.db, bench.calendar)
        return list(bench.collect(liquidity_macro, answers, *(days or (moment[:10],))))

    return collect


def seoul(moment: str) -> datetime:
    """Return an instant written in Seoul time."""
    return datetime.fromisoformat(f"{moment}+09:00")


def known(bench: Any, series: str = "SOFR") -> list[tuple[str, datetime, float | None]]:
    """Return the stored versions of a series."""
    rows: list[tuple[str, datetime, float | None]] = bench.rows(
        "SELECT date::text, first_known_at, value FROM liquidity_macro"
        f" WHERE series = '{series}' ORDER BY 1, 2"
    )
    return rows


# The 10th and the 11th are due at 22:00 of the day after.
FIRST = [
    ("2026-03-10", seoul("2026-03-11 22:00"), 4.0),
    ("2026-03-11", seoul("2026-03-12 22:00"), 4.1),
]


def test_observations_keep_their_own_dates_and_the_instant_of_their_rule(
    bench: Any, fred: FakeFred, run: Any
) -> None:
    # Hours late, and yet known in time: our own request says nothing.
    (result,) = run("2026-03-13T17:30:00", DAY)
    assert (result.is_done, result.changes.inserted) == (True, 18)
    assert known(bench) == FIRST
    assert [ask[0] for ask in fred.asked] == list(SERIES)
    assert {ask[1:] for ask in fred.asked} == {(date(2026, 3, 3), date(2026, 3, 13))}
    stamps = bench.rows("SELECT DISTINCT source, fetched_at FROM liquidity_macro")
    assert stamps == [("FRED", seoul("2026-03-13 17:30"))]


def test_a_range_of_days_is_one_request_per_series(bench: Any, fred: FakeFred, run: Any) -> None:
    fred.values["SOFR"] = {"2026-02-28": 3.9, "2026-03-01": 3.9, "2026-03-11": 4.1}
    results = run("2026-03-13T06:00:05", "2026-03-11", "2026-03-12", DAY)
    assert len(fred.asked) == 9
    assert fred.asked[0][1:] == (date(2026, 3, 1), date(2026, 3, 13))
    assert [result.changes.inserted for result in results] == [18, 0, 0]
    # Ten days before the first one; the 28th was not asked for.
    assert [row[0] for row in known(bench)] == ["2026-03-01", "2026-03-11"]


def test_before_six_nothing_is_asked(fred: FakeFred, run: Any) -> None:
    (result,) = run("2026-03-13T05:59:59", DAY)
    assert (result.outcome, fred.asked) == ("not_yet_published", [])


def test_a_repeat_changes_nothing(bench: Any, run: Any) -> None:
    run("2026-03-13T06:00:05")
    (again,) = run("2026-03-13T06:20:00", DAY)
    assert (again.changes.inserted, again.changes.updated, again.changes.unchanged) == (0, 0, 18)


def test_a_revision_is_a_new_row_known_when_it_came(bench: Any, fred: FakeFred, run: Any) -> None:
    run("2026-03-13T06:00:05")
    fred.values["SOFR"]["2026-03-11"] = 4.2
    run("2026-03-14T06:00:05")
    run("2026-03-15T06:00:05")
    assert known(bench) == [*FIRST, ("2026-03-11", seoul("2026-03-14 06:00:05"), 4.2)]
    latest = "SELECT value FROM liquidity_macro_latest WHERE series = 'SOFR' ORDER BY date"
    assert bench.rows(latest) == [(4.0,), (4.2,)]


def test_a_value_that_was_late_is_known_when_it_came(bench: Any, fred: FakeFred, run: Any) -> None:
    late = fred.values["SOFR"].pop("2026-03-11")
    run("2026-03-13T06:00:05")
    fred.values["SOFR"]["2026-03-11"] = late
    run("2026-03-14T06:00:05")
    assert known(bench) == [FIRST[0], ("2026-03-11", seoul("2026-03-14 06:00:05"), 4.1)]


def test_a_series_that_had_nothing_at_all_was_looked_for_in_vain(
    bench: Any, fred: FakeFred, run: Any
) -> None:
    late, fred.values["SOFR"] = fred.values["SOFR"], {}
    fred.fails = {"DGS10": Timeout("FRED", "observations")}
    (first,) = run("2026-03-13T06:00:05")
    assert first.failed == ("DGS10", "SOFR")
    fred.fails, fred.values["SOFR"] = {}, late
    run("2026-03-14T06:00:05")
    assert {row[1] for row in known(bench)} == {seoul("2026-03-14 06:00:05")}
    assert known(bench, "DGS10") == FIRST


@pytest.mark.parametrize(
    ("moment", "why"),
    [
        ("2026-03-12T06:00:05", "it was not due yet when we asked"),
        ("2026-03-13T06:00:05", "the series failed then: nobody looked for it"),
    ],
)
def test_what_nobody_looked_for_is_known_by_the_rule(
    bench: Any, fred: FakeFred, run: Any, moment: str, why: str
) -> None:
    late = fred.values["SOFR"].pop("2026-03-11")
    if "failed" in why:
        fred.fails = {"SOFR": Timeout("FRED", "observations")}
    run(moment)
    fred.fails = {}
    fred.values["SOFR"]["2026-03-11"] = late
    run("2026-03-14T06:00:05")
    assert known(bench) == FIRST, why


def test_a_vanished_observation_stays(bench: Any, fred: FakeFred, run: Any) -> None:
    run("2026-03-13T06:00:05")
    del fred.values["SOFR"]["2026-03-11"]
    run("2026-03-14T06:00:05")
    assert known(bench) == FIRST


def test_a_date_without_a_value_is_null_and_nothing_is_filled_forward(
    bench: Any, fred: FakeFred, run: Any
) -> None:
    fred.values["DGS10"] = {"2026-03-10": 4.25, "2026-03-11": None}
    fred.values["SOFR"] = {"2026-03-10": 0.0}
    run("2026-03-13T06:00:05")
    assert [row[2] for row in known(bench, "DGS10")] == [4.25, None]
    assert [row[2] for row in known(bench)] == [0.0]
    wide = (
        "SELECT date::text, hy_oas, sofr, rrp_balance, dgs10 FROM liquidity_macro_wide ORDER BY 1"
    )
    assert bench.rows(wide) == [
        ("2026-03-10", 4.0, 0.0, 4.0, 4.25),
        ("2026-03-11", 4.1, 0.0, 4.1, 4.25),  # only the view holds the last known value
    ]


# ---- failures


def test_what_was_not_asked_for_is_not_stored(bench: Any, fred: FakeFred, run: Any) -> None:
    # The first is older than any calendar, the last is of tomorrow.
    fred.keeps_to_the_window = False
    fred.values["DGS10"] |= {"1962-01-02": 4.06, "2026-03-02": 4.0, "2026-03-14": 4.3}
    run("2026-03-13T06:00:05")
    assert [row[0] for row in known(bench, "DGS10")] == ["2026-03-10", "2026-03-11"]


def test_a_series_in_another_unit_does_not_take_the_others_with_it(
    bench: Any, fred: FakeFred, run: Any
) -> None:
    fred.values["BAMLH0A0HYM2"] = {"2026-03-10": 287.0, "2026-03-11": 288.0}
    (result,) = run("2026-03-13T06:00:05")
    assert (result.rejected, result.changes.inserted) == (2, 16)


def test_a_series_that_fails_is_named_and_the_others_are_stored(
    bench: Any, fred: FakeFred, run: Any
) -> None:
    fred.fails = {"SOFR": Timeout("FRED", "observations")}
    fred.values["DGS30"] = {}
    (result,) = run("2026-03-13T06:00:05")
    assert (result.failed, result.changes.inserted) == (("SOFR", "DGS30"), 14)
    assert result.reason.startswith("SOFR: FRED observations: No complete answer")
    assert result.reason.endswith("; DGS30: it has nothing of these days")


def test_when_all_fail_the_first_error_is_told_and_stored_values_stay(
    bench: Any, fred: FakeFred, run: Any
) -> None:
    run("2026-03-12T06:00:05")
    fred.fails = dict.fromkeys(SERIES, AuthError("FRED", "observations", setting="FRED_API_KEY"))
    (result,) = run("2026-03-13T06:00:05")
    assert isinstance(result.error, AuthError)
    assert len(known(bench)) == 2


def test_f37_without_a_key_the_series_are_skipped(bench: Any, fred: FakeFred, run: Any) -> None:
    fred.fails = dict.fromkeys(SERIES, SettingMissing("FRED_API_KEY", "somewhere"))
    (result,) = run("2026-03-13T06:00:05")
    assert (result.outcome, known(bench)) == ("skipped", [])
    assert len(fred.asked) == 1
    # With a key again, the values count as known in time: nobody has looked for them.
    fred.fails = {}
    run("2026-03-14T06:00:05")
    assert known(bench) == FIRST


def test_a_run_without_fred_does_not_take_the_index_with_it() -> None:
    assert liquidity_macro.work.optional


# ---- rows


def test_a_recorded_answer_is_parsed_value_by_value(recorded: Path) -> None:
    body = json.loads((recorded / "macro" / "fred_SOFR_20240603_20240606.json").read_bytes())
    plain = [
        (date(*map(int, row["date"].split("-"))), "SOFR", float(row["value"]))
        for row in body["observations"]
    ]
    given = [Observation(day, value) for day, _, value in plain]
    assert parse({"SOFR": given}).rows() == plain
    assert plain[0] == (date(2024, 6, 3), "SOFR", 5.35)


@pytest.mark.parametrize(
    ("series", "value", "kept"),
    [
        ("SOFR", -5.0, True),
        ("SOFR", -5.01, False),
        ("BAMLH0A0HYM2", 50.0, True),
        ("BAMLH0A0HYM2", 287.0, False),  # basis points
        ("RRPONTSYD", 0.0, True),
        ("RRPONTSYD", 2553.7, True),  # the highest ever, 2022-12-30
        ("RRPONTSYD", 2_553_716.0, False),  # millions
        ("SOFR", None, True),
    ],
)
def test_a_value_in_another_unit_is_kept_out(series: str, value: float | None, kept: bool) -> None:
    row = (date(2026, 3, 11), series, datetime(2026, 3, 12, 13, tzinfo=UTC), value)
    frame = pl.DataFrame([row], TABLE.frame_schema, orient="row")
    assert quality.apply(frame, RULES, keys=TABLE.keys).kept.height == kept
