"""The doctor's findings, each on both sides of its limit, and the command as a whole."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from stock_pipeline.alerts.alert import Alert
from stock_pipeline.alerts.outbox import Outbox
from stock_pipeline.assets.listing.trading_calendar import trading_calendar
from stock_pipeline.commands import doctor_instance, doctor_sizes
from stock_pipeline.commands.doctor import doctor
from stock_pipeline.commands.doctor_answers import AtOnce, WouldWait
from stock_pipeline.commands.doctor_calendars import calendars
from stock_pipeline.commands.doctor_keys import keys, quotas
from stock_pipeline.settings import Settings
from stock_pipeline.storage import ddl
from stock_pipeline.storage.backup import Backup
from stock_pipeline.storage.collection_log import Closing, CollectionLog, Entry
from stock_pipeline.storage.database import Database

ALERT = Alert("WARN", "job", "KRX", "Timeout", "늦음", "Timeout", "기다림")


def log(database: Database, run_id: str, closing: Closing) -> None:
    """Write one row of the collection log."""
    entry = Entry(run_id, "dart_filing", "2026-03-12")
    CollectionLog(database).open(entry)
    CollectionLog(database).close(entry, closing)


ACCEPTED = Closing("completed", "rows", source="DART", requests=3)
REPLAYED = Closing("completed", "rows", source="DART", requests=0)
REFUSED = Closing("failed", "auth_expired", error_message="AuthError: DART: renew DART_API_KEY")


@pytest.mark.parametrize(
    ("closings", "state"),
    [
        ([], "unknown"),  # nobody has used it yet
        ([ACCEPTED], "ok"),
        ([REPLAYED], "unknown"),  # from the raw archive: no key was sent
        ([ACCEPTED, REFUSED], "fail"),
        ([REFUSED, ACCEPTED], "ok"),  # renewed since
    ],
)
def test_a_key_is_judged_by_its_last_use(
    home: Path,
    database: Database,
    clock,
    monkeypatch: pytest.MonkeyPatch,
    closings: list[Closing],
    state: str,
) -> None:
    monkeypatch.setenv("DART_API_KEY", "d" * 40)
    for number, closing in enumerate(closings):
        clock.instant += timedelta(minutes=1)
        log(database, f"run-{number}", closing)
    found = {one.matter: one for one in keys(Settings.load(), database)}
    assert found["key DART"].state == state
    assert "d" * 40 not in str(found)


def test_a_key_that_is_not_set_says_what_is_lost(home: Path, database: Database) -> None:
    found = {one.matter: one for one in keys(Settings.load(), database)}
    assert found["key FSC"].state == "warn"
    assert "FSC_API_KEY" in found["key FSC"].text
    assert found["key FRED"].state == "ok"  # optional
    assert "four of six modules" in found["key FRED"].text


@pytest.mark.parametrize(
    ("requests", "quota", "blocked_hours", "state", "text"),
    [
        (9_000, 10_000, None, "ok", "1,000 of 10,000"),
        (10_000, 10_000, None, "warn", "used up"),
        (5, 0, None, "warn", "used up"),  # the upstream itself has ended the day
        (5, None, None, "ok", "no limit known"),
        (5, None, 3, "fail", "blocked"),
        (5, None, -3, "ok", "no limit known"),
    ],
)
def test_what_is_left_of_an_allowance_is_told(
    database: Database, clock, requests: int, quota: int, blocked_hours: int, state: str, text: str
) -> None:
    until = clock.now() + timedelta(hours=blocked_hours) if blocked_hours else None
    database.execute(
        "INSERT INTO upstream_budget (source, day, requests, quota, blocked_until)"
        " VALUES ('DART', :day, :requests, :quota, :until)",
        {"day": date(2026, 3, 13), "requests": requests, "quota": quota, "until": until},
    )
    (finding,) = quotas(database)
    assert finding.state == state
    assert text in finding.text


# Closed within 60 days of the held one: Labour Day and Children's Day; in New York Good Friday.
CLOSED = {"XKRX": {date(2026, 5, 1), date(2026, 5, 5)}, "XNYS": {date(2026, 4, 3)}}


def sessions(market: str, *also_closed: date) -> list[date]:
    """Return the sessions of the 60 days after the held one."""
    span = (date(2026, 3, 13) + timedelta(days=ahead) for ahead in range(61))
    closed = CLOSED[market] | set(also_closed)
    return [day for day in span if day.weekday() < 5 and day not in closed]


@pytest.fixture
def stored(database: Database, clock) -> Database:
    """Return a database with the stored sessions of XKRX, one of them as closed."""
    ddl.prepare(database, [trading_calendar.table], [], mode="live", today=clock.now().date())
    for day in sessions("XKRX", date(2026, 5, 4)):
        database.execute(
            "INSERT INTO trading_calendar (market, date, is_session) VALUES ('XKRX', :day, true)",
            {"day": day},
        )
    return database


def test_a_calendar_that_was_stored_before_a_change_is_found(stored: Database) -> None:
    ours: Any = SimpleNamespace(sessions=lambda market, start, end: sessions(market))
    found = {one.matter: one for one in calendars(stored, ours)}
    assert found["calendar XKRX stored"].state == "fail"
    assert "2026-05-04" in found["calendar XKRX stored"].text
    assert found["calendar XNYS stored"].state == "unknown"
    # Both libraries know the holidays of that spring.
    assert found["calendar XKRX sources"].state == "ok"
    assert found["calendar XNYS sources"].state == "ok"


def test_a_closing_that_a_library_does_not_know_is_told(stored: Database) -> None:
    closed = date(2026, 5, 4)
    ours: Any = SimpleNamespace(sessions=lambda market, start, end: sessions(market, closed))
    found = {one.matter: one for one in calendars(stored, ours)}
    assert found["calendar XKRX stored"].state == "ok"
    assert found["calendar XKRX sources"].state == "warn"
    for library in ("exchange_calendars", "holidays"):
        assert f"{library} would trade on 2026-05-04" in found["calendar XKRX sources"].text


@pytest.mark.parametrize(
    ("hours", "untested", "state"),
    [(35, "", "ok"), (37, "", "warn"), (1, "no room", "warn"), (None, "", "warn")],
)
def test_a_backup_is_to_be_of_last_night_and_tested(
    home: Path, clock, hours: int | None, untested: str, state: str
) -> None:
    if hours is not None:
        (home / "backups").mkdir(parents=True)
        file = home / "backups" / "a.dump"
        file.write_bytes(b"dump")
        made: dict[str, Any] = vars(Backup(file, clock.now(), "live", 1, {"a": "1:1"}, untested))
        made |= {"made_at": (clock.now() - timedelta(hours=hours)).isoformat()}
        made.pop("file")
        file.with_suffix(".json").write_text(json.dumps(made))
    assert doctor_instance.backup(Settings.load(), clock).state == state


def test_a_clock_that_was_set_back_is_found(database: Database, clock) -> None:
    clock.instant = datetime.now(tz=clock.instant.tzinfo)
    assert doctor_instance.clock(database).state == "ok"
    clock.instant += timedelta(seconds=4)
    log(database, "run-1", ACCEPTED)
    clock.instant -= timedelta(seconds=8)
    assert "the log has an entry" in doctor_instance.clock(database).text
    clock.instant -= timedelta(minutes=1)
    assert "apart from the database's" in doctor_instance.clock(database).text


def test_what_is_not_told_yet_and_who_would_be_told(
    home: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    Outbox(database).open(ALERT)
    none, waiting = doctor_instance.alerts(Settings.load(), database, database.clock)
    assert (none.state, waiting.state) == ("warn", "ok")
    monkeypatch.setenv("ALERT_WEBHOOK_URL", "https://discord.com/api/webhooks/1/secret-token")
    some, waiting = doctor_instance.alerts(Settings.load(), database, database.clock)
    assert (some.state, waiting.state) == ("ok", "warn")
    assert "discord" in some.text
    assert "secret-token" not in some.text


def test_sizes_are_told_by_schema_and_source(home: Path, database: Database) -> None:
    (home / "raw" / "DART").mkdir(parents=True)
    (home / "raw" / "DART" / "index-2026-03.jsonl").write_bytes(b"x" * 2**20)
    raw, _ = doctor_sizes.files(home)
    assert raw.text == "DART 1.0 MB"
    assert "market" in doctor_sizes.stored(database).text


def test_a_question_does_not_wait_for_long(clock) -> None:
    patient = AtOnce(clock)
    patient.sleep(3.0)
    with pytest.raises(WouldWait, match="30 s"):
        patient.sleep(30.0)
    assert clock.sleeps == [3.0]


def test_the_command_is_content_with_warnings_and_what_is_unknown(
    home: Path, stored: Database
) -> None:
    stored.execute("TRUNCATE trading_calendar")
    found = CliRunner().invoke(doctor, ["--json"], standalone_mode=False)
    assert found.return_value == 0, found.output
    matters = {row["matter"]: row["state"] for row in json.loads(found.output)}
    expected = {"database", "schema", "clock", "daemon", "code server", "alerts", "backup", "disk"}
    assert expected <= matters.keys()
    assert matters["code server"] == "unknown"
    assert matters["backup"] == "warn"


def test_a_database_of_another_version_fails(database: Database) -> None:
    assert doctor_instance.schema(database).state == "ok"
    database.execute("UPDATE database_identity SET schema_version = 99")
    assert doctor_instance.schema(database).state == "fail"


def test_without_a_database_the_doctor_still_says_what_it_can(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    found = CliRunner().invoke(doctor, ["--json"], standalone_mode=False)
    assert found.return_value == 1
    matters = {row["matter"]: row["state"] for row in json.loads(found.output)}
    assert matters["database"] == "fail"
    assert matters["disk"] == "ok"
