"""`collect`, `backfill`, `reparse`: Dagster runs in this process, on the configured instance.

Each table has runs of its own, in the order of dependencies: a partition that one table lacks keeps
no other partition of the next table from being computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click
import polars as pl

from stock_pipeline.commands.pieces import pieces
from stock_pipeline.commands.progress import progress_of
from stock_pipeline.settings import Settings

if TYPE_CHECKING:
    from stock_pipeline.table_asset import TableAsset

_TRIGGER = {"stock_pipeline/trigger": "cli"}
_DAY = click.DateTime(["%Y-%m-%d"])

_RESULTS = """
SELECT asset, partition, status, outcome, inserted, updated, unchanged, deleted, rejected, requests,
       reason, detail ->> 'failed' AS failed
FROM data_collection_log WHERE run_id = ANY(:runs) ORDER BY asset, partition
"""


def _options(command: Any) -> Any:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="print the result as JSON"),
        click.option("--end", type=_DAY, help="last day; default: the first one"),
        click.option("--start", type=_DAY, help="first day; default: today in Seoul"),
        click.option("--assets", required=True, help="tables, separated by commas"),
    ):
        command = option(command)
    return command


@click.command()
@_options
def collect(assets: str, start: datetime | None, end: datetime | None, as_json: bool) -> int:
    """Collect tables for a range of days, in one run per table."""
    return _run(assets, start, end, as_json=as_json)


@click.command()
@_options
def backfill(assets: str, start: datetime | None, end: datetime | None, as_json: bool) -> int:
    """Collect a long range in pieces, mostly of 25 partitions; what is stored is skipped."""
    return _run(assets, start, end, as_json=as_json, in_pieces=True, resume=True)


@click.command()
@_options
def reparse(assets: str, start: datetime | None, end: datetime | None, as_json: bool) -> int:
    """Rebuild partitions from the raw archive; nothing is asked of any upstream."""
    replay = {"resources": {"archive": {"config": {"replay": True}}}}
    return _run(assets, start, end, as_json=as_json, in_pieces=True, config=replay)


@dataclass(frozen=True)
class _Job:
    """What a command is to do.

    in_pieces  as many partitions in one run as the table says; else all of them
    resume     leave out what is stored
    config     Dagster run config
    """

    names: list[str]
    first: date
    last: date
    in_pieces: bool
    resume: bool
    config: dict[str, Any] | None


def _run(
    assets: str,
    start: datetime | None,
    end: datetime | None,
    *,
    as_json: bool,
    in_pieces: bool = False,
    resume: bool = False,
    config: dict[str, Any] | None = None,
) -> int:
    from stock_pipeline.clock import SystemClock, today_kst
    from stock_pipeline.instance.home import open_instance
    from stock_pipeline.storage.database import Database

    first = start.date() if start else today_kst(SystemClock())
    last = end.date() if end else first
    if last < first:
        raise click.BadParameter(f"{last} is before {first}", param_hint="--end")
    job = _Job(_known(assets), first, last, in_pieces, resume, config)
    asked = {name: _keys(name, job) for name in job.names}
    with open_instance(Settings.load()) as opened:
        database = Database(opened.database_url)
        try:
            runs = [
                run for name in asked for run in _runs(opened, database, job, name, asked[name])
            ]
            results = database.read(_RESULTS, {"runs": [run.run_id for run in runs]}, exact=True)
            stored = {name: _stored(database, name, keys) for name, keys in asked.items()}
        finally:
            database.close()
    missing = _never_begun(asked, stored, results) if not all(run.success for run in runs) else []
    return _report(results, missing, as_json=as_json)


def _runs(
    opened: Any, database: Any, job: _Job, name: str, keys: list[str] | None
) -> Iterator[Any]:
    """Execute the runs of one table."""
    from stock_pipeline.instance.execute import run_partitions

    if keys is None:
        yield run_partitions(opened.instance, [name], None, config=job.config, tags=_TRIGGER)
        return
    done = _stored(database, name, keys) if job.resume else set()
    most = _found(name).work.per_run if job.in_pieces else None
    with progress_of(name, len(set(keys) - done)) as advance:
        for piece in pieces(keys, done, most=most):
            yield run_partitions(
                opened.instance,
                [name],
                piece,
                config=job.config,
                tags=_TRIGGER,
                on_partition=advance,
            )


def _known(assets: str) -> list[str]:
    """Return the tables that were asked for, each after those it reads."""
    from stock_pipeline import discovery

    known = {found.table.name: found for found in discovery.table_assets()}
    names = {name.strip() for name in assets.split(",") if name.strip()}
    unknown = sorted(names - known.keys())
    if unknown or not names:
        raise click.BadParameter(
            f"unknown: {', '.join(unknown) or 'none given'}; known: {', '.join(known)}",
            param_hint="--assets",
        )
    return [name for name in discovery.in_order(known.values()) if name in names]


def _keys(name: str, job: _Job) -> list[str] | None:
    """Return the partition keys of the range; None for an undivided table."""
    from stock_pipeline.partitions import keys_between

    kind = _found(name).work.partitions
    if kind is None:
        return None
    keys = keys_between(kind, job.first, job.last)
    if not keys:
        raise click.BadParameter(
            f"{name} has no {kind} between {job.first} and {job.last}", param_hint="--start"
        )
    return keys


def _stored(database: Any, name: str, keys: Sequence[str] | None) -> set[str]:
    from stock_pipeline.commands.plan import settled

    return set() if keys is None else settled(database, _found(name), keys)


def _found(name: str) -> TableAsset:
    from stock_pipeline import discovery

    return next(found for found in discovery.table_assets() if found.table.name == name)


def _never_begun(
    asked: Mapping[str, list[str] | None], stored: Mapping[str, set[str]], results: pl.DataFrame
) -> list[tuple[str, str]]:
    """Return what is neither stored nor logged: its run ended before it came to it."""
    logged = set(results.select("asset", "partition").iter_rows())
    return [
        (name, key)
        for name, keys in asked.items()
        for key in keys or ["all"]
        if (name, key) not in logged and key not in stored[name]
    ]


def _report(results: pl.DataFrame, missing: Sequence[tuple[str, str]], *, as_json: bool) -> int:
    """Print what was done, or what was not; the status is 1 when anything is missing."""
    from stock_pipeline.commands.sql import show

    absent = pl.DataFrame(
        missing, schema={"asset": pl.String, "partition": pl.String}, orient="row"
    )
    results = pl.concat(
        [results, absent.with_columns(status=pl.lit("failed"), reason=pl.lit("not begun"))],
        how="diagonal",
    )
    waits = pl.col("reason").is_in(["waiting_for_history"]).fill_null(value=False)
    bad = results.filter(
        (pl.col("status") != "completed")
        | pl.col("failed").is_not_null()
        | ((pl.col("outcome") == "skipped") & ~waits)
    )
    if as_json:
        show(results, "json")
    elif bad.height:
        show(bad.select("asset", "partition", "outcome", "reason", "failed"), "table")
    else:
        numbers = pl.col("inserted", "updated", "unchanged", "deleted", "rejected", "requests")
        totals = results.group_by("asset", "outcome", maintain_order=True)
        show(totals.agg(pl.len().alias("partitions"), numbers.sum()), "table")
    return 1 if bad.height else 0
