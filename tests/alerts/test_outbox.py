"""One opening for an incident, repeats of critical ones, one recovery, however often it is said."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stock_pipeline.alerts.alert import Alert
from stock_pipeline.alerts.outbox import Outbox
from stock_pipeline.storage.database import Database

KEY = "KRX/Timeout"
Make = Callable[..., Alert]


@pytest.fixture
def outbox(database: Database) -> Outbox:
    """Return the outbox of an empty database."""
    return Outbox(database)


def rows(database: Database, key: str = KEY) -> list[dict[str, Any]]:
    """Return the rows of an incident as they were written."""
    return database.read(
        "SELECT *, alert_detail ->> 'incident_id' AS incident FROM ops_alert"
        " WHERE incident_key = :key ORDER BY created_at, alert_type",
        {"key": key},
    ).to_dicts()


def types(database: Database, key: str = KEY) -> list[str]:
    """Return what was written of an incident."""
    return [row["alert_type"] for row in rows(database, key)]


def test_f58_an_incident_is_opened_once_however_often_it_is_noticed(
    outbox: Outbox, database: Database, alert: Make
) -> None:
    assert outbox.open(alert(), {"run_id": "r1"})
    assert not any(outbox.open(alert(cause="another text")) for _ in range(20))
    [row] = rows(database)
    assert (row["alert_type"], row["alert_level"], row["incident"]) == (
        "opening",
        "WARN",
        row["alert_id"],
    )
    assert row["alert_message"].endswith(row["alert_id"])
    assert outbox.is_open(KEY)


def test_f58_of_two_at_once_one_opens(outbox: Outbox, database: Database, alert: Make) -> None:
    opened: list[bool] = []
    threads = [
        threading.Thread(target=lambda: opened.append(outbox.open(alert()))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(opened) == [False] * 7 + [True]
    assert types(database) == ["opening"]


def test_f58_a_recovery_is_told_once_and_only_after_an_opening(
    outbox: Outbox, database: Database, alert: Make
) -> None:
    assert not outbox.resolve(KEY)
    outbox.open(alert())
    assert outbox.resolve(KEY, "다시 응답합니다")
    assert not outbox.resolve(KEY)
    opening, recovery = rows(database)
    assert recovery["alert_type"] == "recovery"
    assert recovery["incident"] == opening["alert_id"]
    assert opening["resolved_at"] is not None
    assert not outbox.is_open(KEY)


def test_a_more_severe_level_is_told_and_a_less_severe_one_is_not(
    outbox: Outbox, database: Database, alert: Make
) -> None:
    outbox.open(alert())
    assert outbox.open(alert(level="CRITICAL"))
    assert not outbox.open(alert(level="WARN"))
    assert not outbox.open(alert(level="CRITICAL"))
    assert [row["alert_level"] for row in rows(database)] == ["WARN", "CRITICAL"]


@pytest.mark.parametrize(
    ("level", "minutes", "repeated"),
    [
        ("CRITICAL", 239, False),
        ("CRITICAL", 240, True),  # each four hours
        ("WARN", 24 * 60, False),  # only critical ones
    ],
)
def test_f58_a_critical_incident_is_repeated_each_four_hours(
    outbox: Outbox,
    database: Database,
    alert: Make,
    clock: Any,
    level: str,
    minutes: int,
    repeated: bool,
) -> None:
    outbox.open(alert(level=level))
    clock.instant += timedelta(minutes=minutes)
    assert outbox.remind() == int(repeated)
    assert outbox.remind() == 0
    assert types(database) == ["opening"] + ["repeat"] * repeated
    assert {row["incident"] for row in rows(database)} == {rows(database)[0]["alert_id"]}


def test_f58_an_incident_that_ends_just_before_it_is_repeated_stays_over(
    outbox: Outbox, database: Database, alert: Make, clock: Any
) -> None:
    outbox.open(alert(level="CRITICAL"))
    clock.instant += timedelta(hours=4)
    with pytest.MonkeyPatch.context() as patch:

        def read_and_resolved(values: Any) -> Alert:
            patch.undo()
            outbox.resolve(KEY)
            return Alert.restored(values)

        patch.setattr(Alert, "restored", read_and_resolved)
        assert outbox.remind() == 0
    assert types(database) == ["opening", "recovery"]


def test_an_incident_that_somebody_took_note_of_is_not_repeated(
    outbox: Outbox, database: Database, alert: Make, clock: Any
) -> None:
    outbox.open(alert(level="CRITICAL"))
    database.execute("UPDATE ops_alert SET acknowledged_at = now(), acknowledged_by = 'kim'")
    clock.instant += timedelta(hours=9)
    assert outbox.remind() == 0


def test_f58_children_are_silent_while_the_parent_is_open(
    outbox: Outbox, database: Database, alert: Make
) -> None:
    child = alert("stock_price_daily", "stale", parents=("KRX",))
    cousin = alert("coin", "stale", parents=("COINGECKO", "KRX/Blocked"))
    outbox.open(alert())
    assert not outbox.open(child)
    assert outbox.open(cousin)
    outbox.resolve(KEY)
    assert outbox.open(child)


def test_an_incident_is_not_its_own_parent(outbox: Outbox, alert: Make, clock: Any) -> None:
    same = alert(level="CRITICAL", parents=("KRX",))
    assert outbox.open(same)
    clock.instant += timedelta(hours=4)
    assert outbox.open(same)


def test_f58_flapping_is_damped(
    outbox: Outbox, database: Database, alert: Make, clock: Any
) -> None:
    for _ in range(60):
        outbox.open(alert())
        clock.instant += timedelta(minutes=1)
        outbox.resolve(KEY)
        clock.instant += timedelta(minutes=1)
    # The first recovery was told at once; the second one waits until the incident stays away.
    assert types(database) == ["opening", "recovery", "opening", "recovery"]
    assert [row["alert_type"] for row in outbox.undelivered()] == ["opening", "recovery", "opening"]
    clock.instant += timedelta(minutes=15)
    assert len(outbox.undelivered()) == 4


def test_after_a_day_a_recovery_is_told_at_once_again(
    outbox: Outbox, alert: Make, clock: Any
) -> None:
    for _ in range(2):
        outbox.open(alert())
        outbox.resolve(KEY)
        clock.instant += timedelta(hours=24)
    outbox.open(alert())
    outbox.resolve(KEY)
    assert len(outbox.undelivered()) == 6


def test_an_alert_stands_or_falls_with_the_transaction_of_the_caller(
    outbox: Outbox, database: Database, alert: Make
) -> None:
    def work(connection: Any) -> None:
        assert outbox.open_within(connection, alert())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.transaction(work)
    assert rows(database) == []


def test_since_is_kept_from_the_opening(outbox: Outbox, database: Database, alert: Make) -> None:
    outbox.open(alert(since=datetime(2026, 3, 12, 22, 0, tzinfo=UTC)))
    outbox.open(alert(level="CRITICAL"))
    assert all("03-13 07:00부터" in row["alert_message"] for row in rows(database))
