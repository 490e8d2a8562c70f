"""`backup` and `restore`: a dump that was restored once, and putting one back."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stock_pipeline.errors import DatabaseError
from stock_pipeline.settings import Settings

if TYPE_CHECKING:
    from stock_pipeline.storage.backup import Backup
    from stock_pipeline.storage.database import Database


@click.command()
@click.option("--json", "as_json", is_flag=True, help="print an object")
@click.option("--list", "only_list", is_flag=True, help="make none, show those there are")
@click.option("--demo", is_flag=True, help="the demo database")
def backup(*, as_json: bool, only_list: bool, demo: bool) -> int:
    """Dump the database, restore the dump once beside it and keep the newest seven.

    Status 1 when the dump could not be restored for a test; it is kept all the same.
    """
    from stock_pipeline.alerts.outbox import Outbox
    from stock_pipeline.housekeeping import BACKUP_INCIDENT
    from stock_pipeline.storage.backup import FOLDER, backups, make

    settings = _settings(demo=demo)
    folder = settings.home / FOLDER
    if only_list:
        return _show(backups(folder), as_json=as_json)
    with _opened(settings) as database:
        made = make(database, folder)
        Outbox(database).resolve(BACKUP_INCIDENT, "직접 실행한 백업이 성공했습니다")
    _show([made], as_json=as_json)
    return 1 if made.untested else 0


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--yes", is_flag=True, help="do not ask")
@click.option("--json", "as_json", is_flag=True, help="print an object")
@click.option("--demo", is_flag=True, help="the demo database")
def restore(file: Path | None, *, yes: bool, as_json: bool, demo: bool) -> int:
    """Put a backup, without FILE the newest one, in place of everything that is stored.

    All or nothing: when it fails, everything is as it was. End `up` first.
    """
    from stock_pipeline.instance.home import prepare
    from stock_pipeline.storage.restore import restore as put_back

    settings = _settings(demo=demo)
    chosen = _chosen(settings, file)
    if not yes:
        _ask(chosen)
    with _opened(settings) as database:
        put_back(database, chosen, mode=settings.stock_pipeline_mode)
    # What this version declares beyond the backup's, and runs that were at work in it.
    prepare(settings)
    return _show([chosen], as_json=as_json)


def _settings(*, demo: bool) -> Settings:
    if demo:
        os.environ["STOCK_PIPELINE_MODE"] = "demo"
    return Settings.load()


@contextmanager
def _opened(settings: Settings) -> Iterator[Database]:
    from stock_pipeline.resources.machinery import database_url
    from stock_pipeline.storage.database import Database

    database = Database(database_url(settings))
    try:
        yield database
    finally:
        database.close()


def _chosen(settings: Settings, file: Path | None) -> Backup:
    from stock_pipeline.storage.backup import FOLDER, backups, read

    if file is not None:
        found = read(file)
        if found is None:
            raise DatabaseError(
                f"{file} has no record {file.with_suffix('.json').name} beside it: a backup is"
                " both files"
            )
        return found
    known = backups(settings.home / FOLDER)
    if not known:
        raise DatabaseError(f"no backup in {settings.home / FOLDER}: name the file of one")
    return known[0]


def _ask(chosen: Backup) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError("everything stored would be replaced: say --yes")
    click.confirm(
        f"Replace everything stored by {chosen.file.name}, {chosen.rows:,} rows of"
        f" {chosen.made_at:%Y-%m-%d %H:%M} UTC?",
        abort=True,
    )


def _show(found: list[Backup], *, as_json: bool) -> int:
    import polars as pl

    from stock_pipeline.commands.sql import show

    rows = [
        {
            "file": str(one.file),
            "made_at": f"{one.made_at:%Y-%m-%d %H:%M:%S%z}",
            "mode": one.mode,
            "rows": one.rows,
            "size_mb": round(one.size / 2**20, 1),
            "restored_once": "yes" if not one.untested else f"no: {one.untested}",
        }
        for one in found
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        show(pl.DataFrame(rows), "table")
    return 0
