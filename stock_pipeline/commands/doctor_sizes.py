"""How much room everything takes, and how much is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from stock_pipeline.commands.finding import Finding
from stock_pipeline.commands.vital_signs import disk_of
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.file_retention import size_of

# The largest tables by name; a yearly part counts to its table.
SHOWN = 3
_FOLDERS = {"compute logs": "dagster/storage", "logs": "logs", "backups": "backups"}

_SCHEMAS = """
SELECT n.nspname AS name, sum(pg_total_relation_size(c.oid))::bigint AS size
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname IN ('market', 'dagster') GROUP BY 1 ORDER BY 1
"""
_TABLES = """
SELECT coalesce(p.relname, c.relname) AS name, sum(pg_total_relation_size(c.oid))::bigint AS size
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = i.inhparent
WHERE c.relkind = 'r' AND n.nspname IN ('market', 'dagster') GROUP BY 1 ORDER BY 2 DESC, 1
LIMIT :shown
"""


def disk(home: Path) -> Finding:
    """Say how much room is left where everything is kept."""
    sign = disk_of(home)
    return Finding("disk", "fail" if sign.trouble else "ok", sign.found)


def stored(database: Database) -> Finding:
    """Say how large the database is, and what in it."""
    schemas = dict(database.read(_SCHEMAS).iter_rows())
    largest = dict(database.read(_TABLES, {"shown": SHOWN}).iter_rows())
    total = _sized({"all": sum(schemas.values())}).removeprefix("all ")
    return Finding("size database", "ok", f"{total}: {_sized(schemas)}; largest {_sized(largest)}")


def files(home: Path) -> Iterator[Finding]:
    """Say how large the raw archive of each source is, and the other folders."""
    raw = {folder.name: size_of(folder) for folder in sorted((home / "raw").glob("*"))}
    if raw:
        yield Finding("size raw archive", "ok", _sized(raw))
    others = {name: size_of(home / folder) for name, folder in _FOLDERS.items()}
    yield Finding("size files", "ok", _sized(others))


def _sized(sizes: dict[str, int]) -> str:
    return ", ".join(f"{name} {size / 2**20:,.1f} MB" for name, size in sizes.items())
