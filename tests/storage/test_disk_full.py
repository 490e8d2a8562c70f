"""A disk that is full under PostgreSQL: nothing half-written, readers go on, space is enough."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from stock_pipeline.errors import DiskFull
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.postgres_programs import plain_url

pytestmark = pytest.mark.fault

FILL = """
INSERT INTO upstream_budget (source, day, requests)
SELECT 'KRX' || n, '2026-03-13', 1 FROM generate_series(1, :rows) AS n
"""


def mounted(folder: Path, *options: str) -> bool:
    """Mount a small disk in memory; tell whether this user may."""
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "none", str(folder)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.fixture
def small_disk(database: Database) -> Iterator[Callable[[], object]]:
    """Put a table on a disk of 8 MB, and return a function that makes the disk larger."""
    if os.environ.get("TEST_DATABASE_URL"):
        pytest.skip("the server's disks are not ours to mount")
    server = plain_url(database.url)
    # Outside of pytest's folder: the server's own user has to reach it.
    folder = Path(tempfile.mkdtemp(prefix="stock-pipeline-disk-"))
    if not mounted(folder, "size=8m"):
        folder.rmdir()
        pytest.skip("mounting a small disk takes rights that this user does not have")
    name = sql.Identifier(folder.name)
    try:
        with psycopg.connect(server, autocommit=True) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
            os.chown(folder, os.stat(row[0] if row else "/").st_uid, -1)
            place = sql.SQL("CREATE TABLESPACE {} LOCATION {}")
            connection.execute(place.format(name, sql.Literal(str(folder))))
            move = sql.SQL("ALTER TABLE market.upstream_budget SET TABLESPACE {}")
            connection.execute(move.format(name))
            yield lambda: mounted(folder, "remount", "size=64m")
            connection.execute("DROP TABLE market.upstream_budget")
            connection.execute(sql.SQL("DROP TABLESPACE {}").format(name))
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


def test_f51_a_full_disk_undoes_the_write_and_more_space_is_enough(
    database: Database, small_disk: Callable[[], object]
) -> None:
    count = "SELECT count(*) AS n FROM upstream_budget"
    assert database.execute(FILL, {"rows": 100}) == 100
    with pytest.raises(DiskFull):
        database.execute(FILL.replace("'KRX'", "'DART'"), {"rows": 500_000})
    assert database.read(count).item() == 100
    assert small_disk()
    assert database.execute(FILL.replace("'KRX'", "'DART'"), {"rows": 10_000}) == 10_000
    assert database.read(count).item() == 10_100
