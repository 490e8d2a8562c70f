"""`backup` and `restore` as an operator has them."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from stock_pipeline.alerts.alert import Alert
from stock_pipeline.alerts.outbox import Outbox
from stock_pipeline.commands.backup import backup, restore
from stock_pipeline.errors import DatabaseError
from stock_pipeline.storage.database import Database

pytestmark = pytest.mark.fault


def invoke(command: click.Command, *arguments: str) -> tuple[object, str]:
    """Run a command and return its status and what it printed."""
    done = CliRunner().invoke(command, arguments, standalone_mode=False, catch_exceptions=False)
    return done.return_value, done.stdout


def test_f55_the_newest_backup_comes_back_by_one_command(home: Path, database: Database) -> None:
    status, printed = invoke(backup, "--json")
    assert status == 0
    (made,) = json.loads(printed)
    assert made["restored_once"] == "yes"
    assert Path(made["file"]).parent == home / "backups"
    database.execute("INSERT INTO upstream_budget (source, day) VALUES ('KRX', '2026-03-13')")
    database.close()
    assert invoke(restore, "--yes", "--json") == (0, printed)
    assert database.read("SELECT * FROM upstream_budget").is_empty()
    listed = invoke(backup, "--list", "--json")
    assert listed == (0, printed)


def test_a_backup_made_by_hand_ends_the_incident_of_the_night(
    home: Path, database: Database
) -> None:
    outbox = Outbox(database)
    outbox.open(Alert("CRITICAL", "housekeeping", "BACKUP", "failed", "백업 실패", "x", "y"))
    invoke(backup)
    assert not outbox.is_open("BACKUP/failed")


def test_nothing_is_replaced_without_a_yes(home: Path) -> None:
    invoke(backup)
    with pytest.raises(click.UsageError, match="--yes"):
        invoke(restore)


def test_a_dump_without_its_record_is_refused(home: Path, tmp_path: Path) -> None:
    (tmp_path / "a.dump").write_bytes(b"")
    with pytest.raises(DatabaseError, match=r"a\.json"):
        invoke(restore, str(tmp_path / "a.dump"), "--yes")


def test_a_home_without_a_backup_says_so(home: Path) -> None:
    with pytest.raises(DatabaseError, match="no backup in"):
        invoke(restore, "--yes")
