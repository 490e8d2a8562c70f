"""FRED over the wire: recorded answers, every documented error, and what may be wrong with them."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stock_pipeline.errors import (
    AuthError,
    BadPayload,
    BadRequest,
    PipelineError,
    RateLimited,
    SchemaDrift,
    ServerError,
    SettingMissing,
)
from stock_pipeline.redaction import Scrubber
from stock_pipeline.sources.fred import FRED, Fred, Observation
from stock_pipeline.sources.transport import NotArchived, Transport

KEY = "0123456789abcdef0123456789abcdef"
START, END = date(2024, 6, 1), date(2024, 6, 6)
OPERATION = "observations"


@pytest.fixture
def fred(transport: Transport, upstream: Any) -> Fred:
    """Return a client with a key, in front of the script."""
    return Fred(transport, KEY)


def answer(*rows: tuple[Any, Any], **changes: Any) -> str:
    """Return an answer with these dates and values."""
    observations = [
        {"realtime_start": "2024-06-27", "realtime_end": "2024-06-27", "date": day, "value": value}
        for day, value in rows
    ]
    head = {"units": "lin", "output_type": 1, "count": len(observations), "offset": 0}
    return json.dumps({**head, "limit": 100000, "observations": observations, **changes})


def error(code: int, message: str) -> str:
    """Return an error as FRED writes it."""
    return json.dumps({"error_code": code, "error_message": message})


def ask(fred: Fred) -> list[Observation]:
    """Ask for some days of one series."""
    return fred.observations("SOFR", START, END).data


# ---- answers


@pytest.mark.parametrize(
    ("name", "count", "missing"),
    [
        ("fred_SOFR_20240603_20240606", 4, 0),
        ("fred_DFEDTARU_20260731T170357Z", 1826, 0),
        ("fred_WPU1017_20260730T021341Z", 60, 0),
        ("fred_BAMLEMCBPIOAS_missing_dot", 6, 1),
    ],
)
def test_a_recorded_answer_comes_through_value_by_value(
    fred: Fred, upstream: Any, recorded: Path, name: str, count: int, missing: int
) -> None:
    body = (recorded / "macro" / f"{name}.json").read_bytes()
    upstream.say(OPERATION, upstream.text(body))
    found = ask(fred)
    expected = [
        (row["date"], None if row["value"] == "." else float(row["value"]))
        for row in json.loads(body)["observations"]
    ]
    assert [(one.date.isoformat(), one.value) for one in found] == expected
    assert (len(found), sum(one.value is None for one in found)) == (count, missing)


def test_json_is_asked_for_because_the_default_is_xml(fred: Fred, upstream: Any) -> None:
    upstream.say(OPERATION, upstream.text(answer(("2024-06-03", "5.35"))))
    ask(fred)
    assert upstream.queries(OPERATION) == [
        {
            "series_id": "SOFR",
            "file_type": "json",
            "observation_start": "2024-06-01",
            "observation_end": "2024-06-06",
            "api_key": KEY,
        }
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5.35", 5.35),
        ("0", 0.0),  # zero is a value
        ("-0.12", -0.12),
        (".", None),  # a holiday of a daily series
    ],
)
def test_a_dot_is_a_missing_value_and_zero_is_not(
    fred: Fred, upstream: Any, text: str, value: float | None
) -> None:
    upstream.say(OPERATION, upstream.text(answer(("2024-06-03", text))))
    assert ask(fred) == [Observation(date(2024, 6, 3), value)]


def test_a_vanished_observation_is_just_not_there(fred: Fred, upstream: Any) -> None:
    rows = ("2024-06-03", "5.35"), ("2024-06-04", "5.33")
    upstream.say(OPERATION, upstream.text(answer(*rows)), upstream.text(answer(rows[0])))
    assert [len(ask(fred)), len(ask(fred))] == [2, 1]


def test_a_window_without_observations_is_empty(fred: Fred, upstream: Any) -> None:
    upstream.say(OPERATION, upstream.text(answer()))
    assert ask(fred) == []


def test_a_stored_answer_gives_the_same_without_a_key(
    fred: Fred, upstream: Any, replaying: Transport
) -> None:
    upstream.say(OPERATION, upstream.text(answer(("2024-06-03", "5.35"))))
    found = fred.observations("SOFR", START, END)
    assert Fred(replaying, None).observations("SOFR", START, END) == found


def test_a_replay_takes_the_newest_answer_that_covers_the_days(
    fred: Fred, upstream: Any, replaying: Transport, clock: Any
) -> None:
    upstream.say(OPERATION, upstream.text(answer(("2024-06-03", "5.35"), ("2024-06-06", "5.33"))))
    wide = fred.observations("SOFR", START, END)
    clock.instant += timedelta(hours=1)
    upstream.say(OPERATION, upstream.text(answer(("2024-06-06", "5.34"))))
    narrow = fred.observations("SOFR", END, END)
    again = Fred(replaying, None)
    inside = again.observations("SOFR", START, date(2024, 6, 5))
    assert (inside.data, inside.fetched_at) == (wide.data[:1], wide.fetched_at)
    with replaying.archive.scope(asset="a", partition="p", run_id="r") as receipt:  # type: ignore[attr-defined]  # of the file archive
        again.observations("SOFR", START, date(2024, 6, 5))
    assert (receipt.fetched_at, len(receipt.digests)) == (wide.fetched_at, 1)
    assert again.observations("SOFR", END, END) == narrow
    for series, end in (("SOFR", date(2024, 6, 7)), ("DGS10", END)):
        with pytest.raises(NotArchived):
            again.observations(series, START, end)


# ---- errors


def test_f37_without_a_key_nothing_is_asked(transport: Transport, upstream: Any) -> None:
    with pytest.raises(SettingMissing, match="FRED_API_KEY is not set: a free key"):
        Fred(transport, None).observations("SOFR", START, END)
    assert upstream.asked == []


def test_a_refused_key_is_http_400_and_names_the_setting(
    fred: Fred, upstream: Any, recorded: Path
) -> None:
    body = (recorded / "macro" / "fred_error_400.json").read_bytes()
    upstream.say(OPERATION, upstream.text(body, 400))
    for _ in range(2):
        with pytest.raises(AuthError, match="HTTP 400; renew FRED_API_KEY") as caught:
            ask(fred)
    assert len(upstream.asked) == 1
    assert KEY not in f"{caught.value!r} {vars(caught.value)}"


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "Bad Request.  The series does not exist.", BadRequest),
        (404, "Not Found", BadRequest),
        (423, "Locked", BadRequest),
        (403, "Forbidden", AuthError),
    ],
)
def test_other_refusals_are_not_repeated(
    fred: Fred, upstream: Any, status: int, message: str, kind: type[PipelineError]
) -> None:
    upstream.say(OPERATION, upstream.text(error(status, message), status))
    with pytest.raises(kind):
        ask(fred)
    assert len(upstream.asked) == 1


@pytest.mark.parametrize(
    ("status", "wait", "kind"), [(429, 2, RateLimited), (500, 30, ServerError)]
)
def test_f05_one_repetition_and_two_seconds_after_a_429(
    fred: Fred, upstream: Any, clock: Any, status: int, wait: float, kind: type[PipelineError]
) -> None:
    refusal = upstream.text(error(status, "Too Many Requests.  Exceeded Rate Limit"), status)
    upstream.say(OPERATION, refusal)
    with pytest.raises(kind):
        ask(fred)
    assert len(upstream.asked) == 2
    assert wait <= max(clock.sleeps) <= wait * 1.3


def test_one_refusal_for_the_pace_is_forgiven(fred: Fred, upstream: Any) -> None:
    refusal = upstream.text(error(429, "Too Many Requests.  Exceeded Rate Limit"), 429)
    upstream.say(OPERATION, refusal, upstream.text(answer(("2024-06-03", "5.35"))))
    assert len(ask(fred)) == 1


def test_requests_keep_their_distance(fred: Fred, upstream: Any, budget: Any) -> None:
    upstream.say(OPERATION, upstream.text(answer(("2024-06-03", "5.35"))))
    ask(fred), ask(fred)
    (_, first), (_, second) = budget.admitted
    assert second - first >= 0.6
    assert [limits.total for limits in FRED.limits.values()] == [30.0]


# ---- hostile answers


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<html>maintenance</html>", BadPayload),
        ("", BadPayload),
        ("{", BadPayload),
        ("[" * 100_000, BadPayload),
        ("[]", SchemaDrift),
        ("{}", SchemaDrift),
        ('{"observations": {}}', SchemaDrift),
        ('{"observations": [1], "count": 1}', SchemaDrift),
        (answer(("2024-06-03", "5.35"), count=2), BadPayload),  # there is more than came
        (answer(("2024-06-03", "5.35"), count="1"), BadPayload),
        (answer(("2024-06-03", "5.3"), ("2024-06-03", "5.4")), BadPayload),
        (answer(("2024-06-03", 5.35)), SchemaDrift),
        (answer(("2024-06-03", None)), SchemaDrift),
        (answer(("2024-06-03", "")), SchemaDrift),
        (answer(("2024-06-03", "NaN")), SchemaDrift),
        (answer(("2024-06-03", "Infinity")), SchemaDrift),
        (answer(("2024-06-03", "1e999")), SchemaDrift),
        (answer(("2024-06-03", "9" * 400)), SchemaDrift),
        (answer(("2024-06-03", "٣")), SchemaDrift),
        (answer(("2024-06-31", "5.35")), SchemaDrift),
        (answer(("20240603", "5.35")), SchemaDrift),
        (answer((20240603, "5.35")), SchemaDrift),
    ],
)
def test_f07_f16_f17_anything_else_is_a_typed_error(
    fred: Fred, upstream: Any, body: str, kind: type[PipelineError]
) -> None:
    upstream.say(OPERATION, upstream.text(body))
    with pytest.raises(kind):
        ask(fred)


WHOLE = answer(("2024-06-03", "5.35"), ("2024-06-04", "."), ("2024-06-05", "-5.33")).encode()


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, len(WHOLE)), st.binary(max_size=8))
def test_f08_cut_and_damaged_bytes_give_rows_or_a_typed_error(
    budget: Any, archive: Any, clock: Any, upstream: Any, cut: int, damage: bytes
) -> None:
    upstream.say(OPERATION, upstream.text(WHOLE[:cut] + damage + WHOLE[cut + len(damage) :]))
    # A new one each time: after ten failures in a row a transport does not ask any more.
    transport = Transport(budget, archive, clock, Scrubber())
    try:
        found = ask(Fred(transport, KEY))
    except PipelineError:
        return
    assert all(isinstance(one.value, float | None) for one in found)
