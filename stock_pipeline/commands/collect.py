"""`collect`, `backfill`, `reparse`: Dagster runs in this process, on the configured instance."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

import click
import polars as pl

from stock_pipeline.commands.pieces import PARTITIONS_PER_RUN, pieces
from stock_pipeline.settings import Settings

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
    """Collect tables for a range of days, in one run per kind of partition."""
    return _run(assets, start, end, chunk=None, resume=False, as_json=as_json, config=None)


@click.command()
@_options
def backfill(assets: str, start: datetime | None, end: datetime | None, as_json: bool) -> int:
    """Collect a long range in pieces of 25 partitions; what is stored is skipped."""
    return _run(
        assets, start, end, chunk=PARTITIONS_PER_RUN, resume=True, as_json=as_json, config=None
    )


@click.command()
@_options
def reparse(assets: str, start: datetime | None, end: datetime | None, as_json: bool) -> int:
    """Rebuild partitions from the raw archive; nothing is asked of any upstream."""
    replay = {"resources": {"archive": {"config": {"replay": True}}}}
    return _run(
        assets, start, end, chunk=PARTITIONS_PER_RUN, resume=False, as_json=as_json, config=replay
    )


def _run(
    assets: str,
    start: datetime | None,
    end: datetime | None,
    *,
    chunk: int | None,
    resume: bool,
    as_json: bool,
    config: dict[str, Any] | None,
) -> int:
    from stock_pipeline.clock import SystemClock, today_kst
    from stock_pipeline.instance.execute import run_partitions
    from stock_pipeline.instance.home import open_instance
    from stock_pipeline.storage.database import Database

    names = _known(assets)
    first = start.date() if start else today_kst(SystemClock())
    last = end.date() if end else first
    if last < first:
        raise click.BadParameter(f"{last} is before {first}", param_hint="--end")
    runs: list[str] = []
    with open_instance(Settings.load()) as opened:
        database = Database(opened.database_url)
        try:
            for group, keys in _groups(names, first, last):
                done = _done(database, group, keys) if resume else set()
                for piece in pieces(keys, done, most=chunk) if keys else (None,):
                    outcome = run_partitions(
                        opened.instance, group, piece, config=config, tags=_TRIGGER
                    )
                    runs.append(outcome.run_id)
            results = database.read(_RESULTS, {"runs": runs})
        finally:
            database.close()
    return _report(results, as_json=as_json)


def _known(assets: str) -> list[str]:
    from stock_pipeline import discovery

    known = [asset.table.name for asset in discovery.table_assets()]
    names = [name.strip() for name in assets.split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise click.BadParameter(
            f"unknown: {', '.join(unknown) or 'none given'}; known: {', '.join(known)}",
            param_hint="--assets",
        )
    return names


def _groups(
    names: Sequence[str], first: date, last: date
) -> Iterator[tuple[list[str], list[str] | None]]:
    """Return tables of one kind of partition together, with the keys of the range."""
    from stock_pipeline import discovery
    from stock_pipeline.partitions import keys_between

    kinds = {asset.table.name: asset.work.partitions for asset in discovery.table_assets()}
    for kind in dict.fromkeys(kinds[name] for name in names):
        group = [name for name in names if kinds[name] == kind]
        yield group, keys_between(kind, first, last) if kind else None


def _done(database: Any, group: Sequence[str], keys: Sequence[str] | None) -> set[str]:
    from stock_pipeline.storage.collection_log import done_partitions

    if keys is None:
        return set()
    return set.intersection(*(done_partitions(database, name, keys) for name in group))


def _report(results: pl.DataFrame, *, as_json: bool) -> int:
    """Print what was done, or what was not; the status is 1 when anything is missing."""
    from stock_pipeline.commands.sql import show

    bad = results.filter((pl.col("status") != "completed") | pl.col("failed").is_not_null())
    if as_json:
        click.echo(json.dumps(results.to_dicts(), ensure_ascii=False, indent=1))
    elif bad.height:
        show(bad.select("asset", "partition", "outcome", "reason", "failed"), "table")
    else:
        totals = results.group_by("asset", "outcome", maintain_order=True).agg(
            pl.len().alias("partitions"),
            pl.col("inserted", "updated", "unchanged", "deleted", "rejected", "requests").sum(),
        )
        show(totals, "table")
    return 1 if bad.height else 0
