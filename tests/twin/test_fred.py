"""FRED as the twin plays it: held to the recorded answers, its errors, its file for graphs."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from datetime import UTC, date, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from stock_pipeline.twin.environment import ACCEPTED_KEYS
from stock_pipeline.twin.fault_kinds import KINDS
from stock_pipeline.twin.fred import Fred
from stock_pipeline.twin.wire import Answer, Request
from stock_pipeline.twin.world import World

KST = timezone(timedelta(hours=9))
EVENING = datetime(2026, 3, 13, 18, 0, tzinfo=KST)
KEY = ACCEPTED_KEYS["FRED_API_KEY"]
PATH = "/fred/series/observations"
RECORDED = (
    "fred_WPU1017_20260730T021341Z",
    "fred_DFEDTARU_20260731T170357Z",
    "fred_SOFR_20240603_20240606",
    "fred_BAMLEMCBPIOAS_missing_dot",
)


def ask(world: World, now: datetime = EVENING, **query: str) -> Answer:
    asked = {"api_key": KEY, "file_type": "json", "series_id": "DGS10"} | query
    request = Request("GET", "api.stlouisfed.org", PATH, asked)
    answer = Fred(world, lambda: now).answer(request)
    assert answer is not None
    return answer


def tell(world: World, now: datetime = EVENING, **query: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(ask(world, now, **query).body)
    return told


def graph(world: World, **query: str) -> Answer:
    request = Request("GET", "fred.stlouisfed.org", "/graph/fredgraph.csv", query)
    answer = Fred(world, lambda: EVENING).answer(request)
    assert answer is not None
    return answer


@pytest.mark.parametrize("name", RECORDED)
def test_answers_are_written_as_recorded(small_world: World, recorded: Path, name: str) -> None:
    expected = json.loads((recorded / "macro" / f"{name}.json").read_bytes())
    told = tell(small_world)
    assert list(told) == list(expected)
    for field, value in expected.items():
        assert type(told[field]) is type(value), field
        if field in ("units", "output_type", "file_type", "order_by", "sort_order", "limit"):
            assert told[field] == value
    assert {tuple(row) for row in told["observations"]} == {tuple(expected["observations"][0])}
    assert all(type(cell) is str for row in told["observations"] for cell in row.values())


def test_headers_are_those_of_the_recording(small_world: World, recorded: Path) -> None:
    request = json.loads((recorded / "macro" / f"{RECORDED[2]}.request.json").read_bytes())
    answer = ask(small_world)
    assert answer.content_type == request["content_type"]
    assert set(request["headers"]) == set(answer.headers)
    assert answer.headers["Cache-Control"] == request["headers"]["Cache-Control"]
    # Friday 18:00 in Seoul: the newest values came on Thursday at 22:00.
    changed = parsedate_to_datetime(answer.headers["Last-Modified"])
    assert changed == datetime(2026, 3, 12, 22, 0, tzinfo=KST)


def test_number_formats_are_the_recorded_ones(small_world: World, recorded: Path) -> None:
    def forms(rows: list[dict[str, str]]) -> set[str]:
        return {re.sub(r"\d", "0", row["value"]) for row in rows if row["value"] != "."}

    recording = json.loads((recorded / "macro" / f"{RECORDED[1]}.json").read_bytes())
    told = tell(small_world, series_id="DFEDTARU")["observations"]
    assert forms(told) == forms(recording["observations"]) == {"0.00", "0.0", "0.0000000000"}
    assert forms(tell(small_world, series_id="SOFR")["observations"]) == {"0.00"}
    balances = forms(tell(small_world, series_id="RRPONTSYD")["observations"])
    assert balances <= {"0.000", "00.000", "000.000", "0000.000"}


def test_upper_target_is_the_recorded_one_of_every_day(small_world: World, recorded: Path) -> None:
    recording = json.loads((recorded / "macro" / f"{RECORDED[1]}.json").read_bytes())
    told = tell(small_world, series_id="DFEDTARU", observation_start="2021-08-01")["observations"]
    expected = {row["date"]: float(row["value"]) for row in recording["observations"]}
    assert len(told) > 1600
    assert all(float(row["value"]) == expected[row["date"]] for row in told)


def test_fred_trap_values_are_text_and_a_holiday_is_a_dot(small_world: World) -> None:
    told = tell(small_world, observation_start="2026-02-13", observation_end="2026-02-17")
    assert [row["date"] for row in told["observations"]] == [
        "2026-02-13",
        "2026-02-16",
        "2026-02-17",
    ]
    assert [row["value"] == "." for row in told["observations"]] == [False, True, False]


def test_fred_trap_without_a_file_type_the_answer_is_xml(small_world: World) -> None:
    answer = ask(small_world, file_type="xml", observation_start="2026-03-09")
    root = ElementTree.fromstring(answer.body)
    assert answer.content_type.startswith("text/xml")
    assert (root.tag, root.get("count"), root.get("file_type")) == ("observations", "3", "xml")
    assert [row.get("date") for row in root] == ["2026-03-09", "2026-03-10", "2026-03-11"]
    refused = ask(small_world, file_type="xml", api_key="")
    assert ElementTree.fromstring(refused.body).get("code") == "400"


def test_fred_trap_the_realtime_period_is_today_in_the_central_us(
    small_world: World, recorded: Path
) -> None:
    # Recorded at 02:13 UTC on the 30th: in Saint Louis it was still the 29th.
    recording = json.loads((recorded / "macro" / f"{RECORDED[0]}.json").read_bytes())
    assert recording["realtime_start"] == "2026-07-29"
    told = tell(small_world, datetime(2026, 3, 13, 2, 13, tzinfo=UTC))
    assert told["realtime_start"] == told["realtime_end"] == "2026-03-12"
    assert {row["realtime_start"] for row in told["observations"]} == {"2026-03-12"}


def test_fred_trap_a_row_can_be_gone_the_day_after(small_world: World) -> None:
    def days(series: str, evening: int) -> set[str]:
        now = datetime(2025, 11, 3, 23, 0, tzinfo=KST) + timedelta(days=evening)
        told = tell(small_world, now, series_id=series, observation_start="2025-10-01")
        return {row["date"] for row in told["observations"]}

    for series in ("DGS2", "DGS10", "DGS30", "SOFR", "RRPONTSYD"):
        seen = [days(series, evening) for evening in range(60)]
        gone = {day for before, after in itertools.pairwise(seen) for day in before - after}
        if gone:
            break
    assert gone
    assert gone <= days(series, 75)  # and it is there again some days later


def test_an_older_vintage_is_told_as_it_was_then(small_world: World) -> None:
    asked = {"series_id": "SOFR", "observation_start": "2026-02-02"}
    then = tell(small_world, datetime(2026, 2, 20, 23, 30, tzinfo=KST), **asked)
    vintage = tell(small_world, realtime_start="2026-02-20", realtime_end="2026-02-20", **asked)
    assert vintage["observations"] == then["observations"]


def test_rows_can_be_turned_round_and_paged(small_world: World) -> None:
    every = tell(small_world, observation_start="2026-03-01")
    shown = tell(
        small_world, observation_start="2026-03-01", sort_order="desc", limit="2", offset="1"
    )
    assert shown["observations"] == every["observations"][::-1][1:3]
    assert (shown["count"], shown["limit"], shown["offset"]) == (every["count"], 2, 1)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"api_key": ""}, "Variable api_key is not set."),
        ({"api_key": "K" * 32}, "is not a 32 character alpha-numeric lower-case string."),
        ({"api_key": "k" * 31}, "is not a 32 character alpha-numeric lower-case string."),
        ({"series_id": "NOSUCH"}, "The series does not exist."),
        ({"series_id": ""}, "The series does not exist."),
        ({"observation_start": "2026-03-01"}, None),
        ({"observation_end": "20260301"}, "Variable observation_end is not in YYYY-MM-DD format."),
        ({"observation_start": "March"}, "Variable observation_start is not in YYYY-MM-DD format."),
        ({"limit": "0"}, "Variable limit is not between 1 and 100000."),
        ({"limit": "100000"}, None),
        ({"limit": "100001"}, "Variable limit is not between 1 and 100000."),
        ({"offset": "-1"}, "Variable offset is not a non-negative integer."),
    ],
)
def test_a_bad_request_is_told_in_freds_words(
    small_world: World, query: dict[str, str], message: str | None
) -> None:
    answer = ask(small_world, **query)
    told = json.loads(answer.body)
    assert answer.status == (400 if message else 200)
    if message:
        assert list(told) == ["error_code", "error_message"]
        assert told["error_code"] == 400
        assert told["error_message"].startswith("Bad Request.  ")
        assert message in told["error_message"]


def test_error_has_the_recorded_shape(small_world: World, recorded: Path) -> None:
    expected = json.loads((recorded / "macro" / "fred_error_400.json").read_bytes())
    told = tell(small_world, series_id="NOSUCH")
    assert list(told) == list(expected)
    assert [type(value) for value in told.values()] == [type(value) for value in expected.values()]


@pytest.mark.parametrize(
    "query", [{"units": "pch"}, {"output_type": "4"}, {"frequency": "m"}, {"vintage_dates": "x"}]
)
def test_other_forms_of_a_series_are_not_played(small_world: World, query: dict[str, str]) -> None:
    asked = {"api_key": KEY, "file_type": "json", "series_id": "SOFR"} | query
    fred = Fred(small_world, lambda: EVENING)
    assert fred.answer(Request("GET", "api.stlouisfed.org", PATH, asked)) is None
    assert fred.answer(Request("GET", "api.stlouisfed.org", "/fred/releases", asked)) is None


def test_the_file_for_graphs_is_named_as_finance_data_reader_needs_it(small_world: World) -> None:
    answer = graph(small_world, id="DGS10", cosd="2026-02-12", coed="2026-02-17")
    named = re.findall(r'filename="(.+)"', answer.headers["Content-Disposition"])
    rows = list(csv.reader(io.StringIO(answer.body.decode())))
    told = tell(small_world, observation_start="2026-02-12", observation_end="2026-02-17")
    assert named[0].endswith(".csv")
    assert rows[0] == ["observation_date", "DGS10"]
    assert rows[1:] == [
        [row["date"], row["value"].replace(".", "", row["value"] == ".")]
        for row in told["observations"]
    ]
    assert ["2026-02-16", ""] in rows


def test_several_series_stand_side_by_side_and_an_unknown_one_is_no_file(
    small_world: World,
) -> None:
    answer = graph(small_world, id="SOFR, DFEDTARU", cosd="2026-03-07,2026-03-07", coed="")
    rows = list(csv.reader(io.StringIO(answer.body.decode())))
    assert rows[0] == ["observation_date", "SOFR", "DFEDTARU"]
    assert rows[1] == ["2026-03-07", "", "3.75"]  # a Saturday: only the range has one
    missing = graph(small_world, id="NOSUCH")
    assert (missing.status, "Content-Disposition" in missing.headers) == (404, False)


def test_a_day_is_the_same_whatever_the_last_day_of_the_world(
    small_world: World, shorter_world: World
) -> None:
    now = datetime(2024, 8, 14, 23, 0, tzinfo=KST)
    for series in ("SOFR", "BAMLH0A0HYM2", "DFEDTARL"):
        assert ask(small_world, now, series_id=series) == ask(shorter_world, now, series_id=series)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("set-cell", "value:NaN", ["NaN"]),
        ("drop-column", "value", [None]),
        ("empty", "", []),
    ],
)
def test_faults_reach_the_observations(
    small_world: World, kind: str, value: str, expected: list[str | None]
) -> None:
    edit = KINDS[kind].edit
    assert edit is not None
    told = json.loads(edit(value, ask(small_world)).body)["observations"]
    assert [row.get("value") for row in told[:1]] == expected


def test_history_begins_with_the_world(small_world: World) -> None:
    told = tell(small_world)
    assert (told["observation_start"], told["observation_end"]) == ("1600-01-01", "9999-12-31")
    assert told["observations"][0]["date"] == date(2020, 1, 2).isoformat()
