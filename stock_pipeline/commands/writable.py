"""Opening the configured database for a command that writes a few rows into it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from stock_pipeline.errors import DatabaseUnavailable
from stock_pipeline.settings import Settings
from stock_pipeline.storage import embedded
from stock_pipeline.storage.database import Database


def settings_of(*, demo: bool) -> Settings:
    """Return the settings of a command that can be told to work in the demo."""
    if demo:
        os.environ["STOCK_PIPELINE_MODE"] = "demo"
    return Settings.load()


@contextmanager
def open_for_writing(settings: Settings) -> Iterator[Database]:
    """Open the database of the settings.

    Raises  DatabaseUnavailable when there is none yet
    """
    database = Database(existing_url(settings))
    try:
        yield database
    finally:
        database.close()


def existing_url(settings: Settings) -> str:
    """Return where the database is; none is made here.

    Raises  DatabaseUnavailable when there is none yet
    """
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    if not (settings.home / "postgres").is_dir():
        raise DatabaseUnavailable(
            f"no database in {settings.home}: run `stock-pipeline demo` or `init` first"
        )
    return embedded.start(settings.home)
