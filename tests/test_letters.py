"""The mails as Dagster has them: what a tick asks for, and what a run does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import dagster as dg
import pytest
from mail_post import MORNING, Post, read

from stock_pipeline import letters
from stock_pipeline.alerts.outbox import Outbox
from stock_pipeline.correspondence import Desk
from stock_pipeline.definitions import defs
from stock_pipeline.emails import mail_subscriber

[MARKET, _] = letters.assets()
REPOSITORY = defs.get_repository_def()
SATURDAY = "2026-03-14"


def resources(desk: Desk) -> dict[str, object]:
    return {"db": desk.db, "calendar": desk.calendar, "settings": desk.settings}


Tick = Callable[..., dg.RunRequest | str | None]


@pytest.fixture
def tick(desk: Desk, instance: dg.DagsterInstance) -> Tick:
    """Return a function that evaluates a schedule at the instant of the clock.

    It returns what is asked for, or why nothing is.
    """
    return partial(evaluated, desk, instance)


def evaluated(
    desk: Desk,
    instance: dg.DagsterInstance,
    name: str = "market_email",
    at: datetime = MORNING,
) -> dg.RunRequest | str | None:
    """Evaluate a schedule."""
    with (
        dg.build_schedule_context(
            instance=instance,
            scheduled_execution_time=at,
            resources=resources(desk),
            repository_def=REPOSITORY,
        ) as context,
        dg.partition_loading_context(effective_dt=at),
    ):
        found = REPOSITORY.get_schedule_def(name).evaluate_tick(context)
    return found.run_requests[0] if found.run_requests else found.skip_message


def run(desk: Desk, day: str = SATURDAY) -> dg.ExecuteInProcessResult:
    """Materialize the market mail of a day."""
    made = {
        name: dg.ResourceDefinition.hardcoded_resource(one) for name, one in resources(desk).items()
    }
    return dg.materialize([MARKET], partition_key=day, resources=made, raise_on_error=False)


def told(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    """Return what the run says of itself."""
    [event] = result.asset_materializations_for_node("market_mail")
    return {name: value.value for name, value in event.metadata.items()}


def test_a_tick_asks_for_the_mails_of_its_day(desk: Desk, tick: Tick, readers: list[str]) -> None:
    asked = tick()
    assert isinstance(asked, dg.RunRequest)
    assert (asked.partition_key, asked.run_key) == (SATURDAY, "2026-03-14T07:30")


def test_a_tick_without_anything_to_send_says_why(desk: Desk, tick: Tick) -> None:
    assert tick() == "nobody has subscribed"


def test_a_later_tick_asks_for_nothing_when_all_were_sent(
    desk: Desk, tick: Tick, readers: list[str]
) -> None:
    assert run(desk).success
    desk.db.clock.instant = MORNING + timedelta(minutes=30)  # type: ignore[attr-defined]
    skipped = tick("market_email_again", MORNING + timedelta(minutes=30))
    assert skipped == "everybody has that of 2026-03-13, or it was given up"


@pytest.mark.fault
@pytest.mark.parametrize(
    ("hours", "is_asked"),
    [
        (16, True),  # the daemon comes back at 23:30 in Seoul
        (17, False),  # and an hour later: Dagster makes up for the missed tick all the same
    ],
)
def test_f45_a_missed_tick_is_made_up_for_on_its_own_day_only(
    desk: Desk, tick: Tick, readers: list[str], hours: int, is_asked: bool
) -> None:
    friday = MORNING - timedelta(days=1)
    desk.db.clock.instant = friday + timedelta(hours=hours)  # type: ignore[attr-defined]
    assert isinstance(tick(at=friday), dg.RunRequest) == is_asked


def test_a_run_sends_and_says_how_many(desk: Desk, readers: list[str], post: Post) -> None:
    result = run(desk)
    assert result.success
    assert told(result) == {"sent": 2, "failed": 0, "closed": 0, "left": 0, "session": "2026-03-13"}
    assert len(post.mails) == 2


@pytest.mark.fault
@pytest.mark.parametrize("day", ["2026-03-13", "2026-03-12"])
def test_f45_a_run_of_another_day_sends_nothing(
    desk: Desk, readers: list[str], post: Post, day: str
) -> None:
    result = run(desk, day)
    assert result.success
    assert told(result)["sent"] == 0
    assert "sent on their day" in str(told(result)["why"])
    assert post.mails == []


@pytest.mark.fault
def test_f57_a_mail_server_that_is_down_fails_the_run_and_is_an_alert_until_it_is_up(
    desk: Desk, readers: list[str], post: Post
) -> None:
    post.answers = {"MAIL": "553 sender refused"}
    failed = run(desk)
    assert not failed.success
    assert not any(event.event_type_value == "STEP_UP_FOR_RETRY" for event in failed.all_events)
    [alert] = Outbox(desk.db).undelivered()[-1:]
    assert alert["incident_key"] == "market_email/failed"
    post.answers = {}
    assert run(desk).success
    assert not Outbox(desk.db).is_open("market_email/failed")
    assert len(post.mails) == 2


@pytest.mark.fault
def test_f57_a_refused_recipient_is_told_and_fails_no_run(
    desk: Desk, readers: list[str], post: Post
) -> None:
    post.answers = {"RCPT TO:<KIM@EXAMPLE.COM>": "550 no such user"}
    result = run(desk)
    assert result.success
    assert told(result)["failed"] == 1
    assert Outbox(desk.db).is_open("market_email/failed")
    assert [read(text)["To"] for text in post.mails] == ["lee@example.com"]


def test_the_watchlist_has_a_tick_of_its_own(desk: Desk, tick: Tick) -> None:
    mail_subscriber.add(desk.db, "kim@example.com", "watchlist")
    asked = tick("watchlist_alert", MORNING + timedelta(minutes=30))
    assert isinstance(asked, dg.RunRequest)
    assert asked.partition_key == SATURDAY
