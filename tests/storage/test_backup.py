"""Backups: restored once before they count, seven kept, put back whole or not at all."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from stock_pipeline.errors import Busy, WrongDatabase
from stock_pipeline.storage import backup as backups
from stock_pipeline.storage import postgres_programs
from stock_pipeline.storage.backup import Backup, BackupBroken, NoRoomForBackup, make, read
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.fingerprint import difference, fingerprint
from stock_pipeline.storage.postgres_programs import ProgramFailed, ProgramMissing
from stock_pipeline.storage.restore import InUse, RestoreDiffers, restore

pytestmark = pytest.mark.fault


def note(database: Database, *days: str) -> None:
    """Store some rows to be found again."""
    for day in days:
        database.execute(
            "INSERT INTO upstream_budget (source, day, requests) VALUES ('KRX', :day, 1)",
            {"day": day},
        )


def days(database: Database) -> list[str]:
    """Return the days that are stored."""
    return [str(d) for d in database.read("SELECT day FROM upstream_budget ORDER BY 1")["day"]]


def held(database: Database) -> dict[str, str]:
    """Return the hashes of all tables."""
    return database.transaction(fingerprint)


def write_program(path: Path, script: str) -> None:
    """Write a program of our own in place of one of PostgreSQL's."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(0o755)


def test_f55_a_backup_restored_into_an_empty_database_has_equal_tables(
    database: Database, server_url: str, tmp_path: Path
) -> None:
    note(database, "2026-03-12", "2026-03-13")
    made = make(database, tmp_path)
    assert made.untested == ""
    assert made.tables["market.upstream_budget"].startswith("2:")
    with psycopg.connect(server_url, autocommit=True) as connection:
        name = sql.Identifier(f"{sa.make_url(database.url).database}_empty")
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        try:
            url = sa.make_url(server_url).set(database=name.as_string().strip('"'))
            empty = Database(url.render_as_string(hide_password=False))
            restore(empty, made, mode="live")
            assert difference(held(empty), held(database)) == []
            assert days(empty) == ["2026-03-12", "2026-03-13"]
            empty.close()
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def test_f55_a_restore_takes_back_what_came_after_the_backup(
    database: Database, tmp_path: Path
) -> None:
    note(database, "2026-03-12")
    made = make(database, tmp_path)
    note(database, "2026-03-13")
    restore(database, made, mode="live")
    assert days(database) == ["2026-03-12"]
    schemas = "SELECT 1 AS one FROM pg_namespace WHERE nspname LIKE '%before_restore'"
    assert database.read(schemas).is_empty()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda file: file.write_bytes(file.read_bytes()[:2000]), id="cut off"),
        pytest.param(lambda file: file.write_bytes(b"no dump at all"), id="something else"),
        pytest.param(lambda file: file.unlink(), id="gone"),
    ],
)
def test_f55_a_restore_that_fails_leaves_everything_as_it_was(
    database: Database, tmp_path: Path, damage: object
) -> None:
    made = make(database, tmp_path)
    note(database, "2026-03-13")
    before = held(database)
    assert callable(damage)
    damage(made.file)
    with pytest.raises(ProgramFailed):
        restore(database, made, mode="live")
    assert held(database) == before


def test_f55_a_restore_that_brings_other_rows_than_recorded_is_undone(
    database: Database, tmp_path: Path
) -> None:
    made = make(database, tmp_path)
    note(database, "2026-03-13")
    made.tables["market.upstream_budget"] = "9:9"
    with pytest.raises(RestoreDiffers, match=r"market\.upstream_budget"):
        restore(database, made, mode="live")
    assert days(database) == ["2026-03-13"]


def test_f55_the_next_restore_undoes_one_whose_process_was_killed(
    database: Database, tmp_path: Path
) -> None:
    made = make(database, tmp_path)
    note(database, "2026-03-13")
    database.execute("ALTER SCHEMA market RENAME TO market_before_restore")
    database.execute("CREATE SCHEMA market")
    made.file.write_bytes(b"no dump at all")
    with pytest.raises(ProgramFailed):
        restore(database, made, mode="live")
    assert days(database) == ["2026-03-13"]


def test_a_backup_of_the_other_mode_is_refused(database: Database, tmp_path: Path) -> None:
    with pytest.raises(WrongDatabase):
        restore(database, make(database, tmp_path), mode="demo")


def test_nothing_is_restored_while_somebody_works(database: Database, tmp_path: Path) -> None:
    made = make(database, tmp_path)
    with (
        psycopg.connect(postgres_programs.plain_url(database.url)),
        pytest.raises(InUse, match="stock-pipeline up"),
    ):
        restore(database, made, mode="live")


def test_f55_a_dump_that_lacks_a_row_is_thrown_away(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make(database, tmp_path / "backups")
    note(database, "2026-03-13")
    server = "SELECT current_setting('server_version_num')::int / 10000 AS version"
    version = database.read(server).item()
    real = postgres_programs.programs(database.url, server=version).folder
    write_program(
        tmp_path / "bin" / "pg_dump",
        f'[ "$1" = --version ] && echo "pg_dump (PostgreSQL) {version}.0" && exit\n'
        f'for one; do case "$one" in --file=*) cp {first.file} "${{one#--file=}}";; esac; done\n',
    )
    write_program(tmp_path / "bin" / "pg_restore", f'exec {real}/pg_restore "$@"\n')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    with pytest.raises(BackupBroken, match=r"market\.upstream_budget"):
        make(database, tmp_path / "backups")
    kept = sorted(path.name for path in first.file.parent.iterdir())
    assert kept == [first.file.name, first.file.with_suffix(".json").name]


def test_the_newest_seven_are_kept(database: Database, clock, tmp_path: Path) -> None:
    first = make(database, tmp_path)
    for number in range(1, 8):
        older = first.file.with_stem(f"stock-pipeline-live-older-{number}")
        shutil.copy(first.file, older)
        record = json.loads(first.file.with_suffix(".json").read_text())
        record["made_at"] = (first.made_at - timedelta(days=number)).isoformat()
        older.with_suffix(".json").write_text(json.dumps(record))
    clock.instant += timedelta(days=1)
    newest = make(database, tmp_path)
    kept = backups.backups(tmp_path)
    assert len(kept) == 7
    assert kept[0].file == newest.file
    assert kept[-1].made_at == first.made_at - timedelta(days=5)
    assert len(list(tmp_path.iterdir())) == 14


def test_only_its_owner_can_read_a_backup(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    made = make(database, folder)
    assert made.file.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_two_backups_are_not_made_at_once(database: Database, tmp_path: Path) -> None:
    lock = "SELECT pg_advisory_lock(hashtextextended('stock-pipeline backup', 0))"
    with psycopg.connect(postgres_programs.plain_url(database.url), autocommit=True) as other:
        other.execute(lock.encode())
        with pytest.raises(Busy):
            make(database, tmp_path)


def test_f55_without_the_right_to_create_a_database_the_backup_says_it_is_untested(
    database: Database, tmp_path: Path
) -> None:
    role = f"reader_{sa.make_url(database.url).database}"
    with psycopg.connect(postgres_programs.plain_url(database.url), autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        try:
            owner.execute(sql.SQL("GRANT pg_read_all_data TO {}").format(sql.Identifier(role)))
            url = sa.make_url(database.url).set(username=role)
            modest = Database(url.render_as_string(hide_password=False), clock=database.clock)
            made = make(modest, tmp_path)
            modest.close()
        finally:
            owner.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
            owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
    assert "may not create a database" in made.untested
    assert read(made.file) == made


def test_f51_no_backup_begins_on_a_disk_that_is_nearly_full(
    database: Database, tmp_path: Path
) -> None:
    with pytest.raises(NoRoomForBackup, match="GB free"):
        make(database, tmp_path, reserve=2**60)
    assert list(tmp_path.iterdir()) == []


def test_a_dump_without_its_record_is_no_backup(tmp_path: Path) -> None:
    (tmp_path / "a.dump").write_bytes(b"")
    (tmp_path / "b.dump").write_bytes(b"")
    (tmp_path / "b.json").write_text("{}")
    assert backups.backups(tmp_path) == []


def test_a_missing_program_is_named_with_the_remedy() -> None:
    with pytest.raises(ProgramMissing, match="install the client programs of PostgreSQL 99"):
        postgres_programs.programs("postgresql://127.0.0.1/postgres", server=99)


def test_a_password_reaches_the_programs_by_the_environment_only() -> None:
    url = "postgresql+psycopg://me:se%40cret@127.0.0.1:5433/data?sslmode=require"
    tools = postgres_programs.programs(url, server=16)
    wanted = {"PGUSER": "me", "PGPASSWORD": "se@cret", "PGHOST": "127.0.0.1", "PGPORT": "5433"}
    assert wanted.items() <= tools.environment.items()
    assert tools.environment["PGSSLMODE"] == "require"


def test_a_complaint_of_a_program_quotes_no_row(tmp_path: Path) -> None:
    write_program(
        tmp_path / "bin" / "pg_restore",
        'echo "pg_restore: error: ERROR:  duplicate key" >&2\n'
        'echo "DETAIL:  Key (user_email)=(someone@example.com) already exists." >&2\nexit 1\n',
    )
    with pytest.raises(ProgramFailed) as failed:
        postgres_programs.Programs(tmp_path / "bin", {}).run("pg_restore")
    assert str(failed.value) == "pg_restore failed: ERROR:  duplicate key"


def test_a_record_names_no_address(database: Database, tmp_path: Path) -> None:
    made: Backup = make(database, tmp_path)
    assert database.url not in made.file.with_suffix(".json").read_text()
