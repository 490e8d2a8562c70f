"""The index of fear and greed over the wire: all of it is text, the newest first."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.errors import (
    BadPayload,
    Blocked,
    RateLimited,
    SchemaDrift,
    ServerError,
    UpstreamError,
)
from stock_pipeline.sources.alternative_me import AlternativeMe, Mood
from stock_pipeline.sources.transport import NotArchived, Transport

MIDNIGHT = 1639958400  # 2021-12-20, 00:00 UTC


@pytest.fixture
def alternative_me(transport: Transport, upstream: Any) -> AlternativeMe:
    """Return a client in front of the script."""
    return AlternativeMe(transport)


def value(number: Any = "25", label: Any = "Extreme Fear", at: Any = str(MIDNIGHT)) -> Any:
    """Return one entry."""
    return {"value": number, "value_classification": label, "timestamp": at}


def index(*values: Any, **changes: Any) -> str:
    """Return an answer with these entries."""
    envelope = {"name": "Fear and Greed Index", "data": values, "metadata": {"error": None}}
    return json.dumps({**envelope, **changes})


def test_the_recorded_value_is_read_field_by_field(
    alternative_me: AlternativeMe, upstream: Any, recorded: Path
) -> None:
    body = (recorded / "crypto" / "alternative_me_fng_20211220.json").read_bytes()
    upstream.say("fng", upstream.text(body))
    (mood,) = alternative_me.fear_greed(1).data
    (row,) = json.loads(body)["data"]
    assert (
        mood.day == datetime.fromtimestamp(int(row["timestamp"]), UTC).date() == date(2021, 12, 20)
    )
    assert (mood.value, mood.label) == (int(row["value"]), row["value_classification"])
    assert (mood.value, mood.label) == (25, "Extreme Fear")


def test_so_many_values_are_asked_for_and_never_a_date_format(
    alternative_me: AlternativeMe, upstream: Any
) -> None:
    upstream.say("fng", upstream.text(index(value())))
    alternative_me.fear_greed(30)
    (asked,) = upstream.asked
    assert (asked.host, asked.path) == ("api.alternative.me", "/fng/")
    assert asked.query == {"limit": "30", "format": "json"}


def test_fng_trap_the_newest_comes_first_and_days_can_be_missing(
    alternative_me: AlternativeMe, upstream: Any
) -> None:
    newest = {**value("40", "Fear"), "time_until_update": "68499"}
    older = value("77", "Extreme Greed", str(MIDNIGHT - 3 * 86_400))
    upstream.say("fng", upstream.text(index(newest, older)))
    assert alternative_me.fear_greed(2).data == [
        Mood(date(2021, 12, 20), 40, "Fear"),
        Mood(date(2021, 12, 17), 77, "Extreme Greed"),
    ]


@pytest.mark.parametrize(("written", "read"), [("0", 0), ("100", 100), ("007", 7), (40, 40)])
def test_fng_trap_the_index_is_a_text_of_digits(
    alternative_me: AlternativeMe, upstream: Any, written: Any, read: int
) -> None:
    upstream.say("fng", upstream.text(index(value(written))))
    assert alternative_me.fear_greed(1).data[0].value == read


@pytest.mark.parametrize("written", ["101", "-1", "", None, "4O", 40.5, True, "٤٠", "1" * 5000, {}])
def test_f16_another_index_is_drift(
    alternative_me: AlternativeMe, upstream: Any, written: Any
) -> None:
    upstream.say("fng", upstream.text(index(value(written))))
    with pytest.raises(SchemaDrift, match="column value"):
        alternative_me.fear_greed(1)


@pytest.mark.parametrize("written", ["20-12-2021", "2021년 12월 20일", None, "", "1639958400000"])
def test_fng_trap_a_date_as_text_is_drift(
    alternative_me: AlternativeMe, upstream: Any, written: Any
) -> None:
    upstream.say("fng", upstream.text(index(value(at=written))))
    with pytest.raises(SchemaDrift, match="column timestamp"):
        alternative_me.fear_greed(1)


@pytest.mark.parametrize(
    "body",
    [
        index(), index(value(), metadata={"error": "down"}), index(data=None), index(data={}),
        index(1), "[]", "null", "{}", "", "<html>", '{"data":[{"value":"1"}', "{" * 5000,
        '{"data":[' + "1e999" + "]}",
    ],
)  # fmt: skip
def test_f07_anything_but_values_is_refused(
    alternative_me: AlternativeMe, upstream: Any, body: str
) -> None:
    upstream.say("fng", upstream.text(body))
    with pytest.raises((BadPayload, SchemaDrift)):
        alternative_me.fear_greed(1)


@pytest.mark.parametrize("gone", ["value", "value_classification", "timestamp"])
def test_f16_a_field_that_is_gone_is_drift(
    alternative_me: AlternativeMe, upstream: Any, gone: str
) -> None:
    row = {name: text for name, text in value().items() if name != gone}
    upstream.say("fng", upstream.text(index(row)))
    with pytest.raises(SchemaDrift, match=f"column {gone}"):
        alternative_me.fear_greed(1)


@pytest.mark.parametrize(
    ("status", "error", "requests"),
    [(429, RateLimited, 2), (500, ServerError, 2), (403, Blocked, 1), (404, UpstreamError, 1)],
)
def test_a_refusal_is_repeated_once_at_most(
    alternative_me: AlternativeMe, upstream: Any, status: int, error: Any, requests: int
) -> None:
    upstream.say("fng", upstream.text("no", status))
    with pytest.raises(error):
        alternative_me.fear_greed(1)
    assert len(upstream.asked) == requests


def test_a_replay_takes_the_longest_archived_answer_whatever_is_asked_for_now(
    alternative_me: AlternativeMe, replaying: Transport, upstream: Any
) -> None:
    longer = index(value(), value(at=str(MIDNIGHT - 86_400)))
    upstream.say("fng", upstream.text(index(value())), upstream.text(longer))
    alternative_me.fear_greed(1)
    alternative_me.fear_greed(2)
    assert len(AlternativeMe(replaying).fear_greed(3).data) == 2


def test_a_replay_without_an_archived_answer_asks_nobody(replaying: Transport) -> None:
    with pytest.raises(NotArchived):
        AlternativeMe(replaying).fear_greed(3)
