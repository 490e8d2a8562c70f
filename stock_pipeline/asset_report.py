"""What Dagster is told about a run of one table: checks, stored partitions, numbers, failures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import product
from typing import Any

import dagster as dg

from stock_pipeline.work import Result, Work

COMPLETE = "complete"
RULES_HOLD = "rules_hold"


def check_specs(name: str) -> list[dg.AssetCheckSpec]:
    """Return the checks that every table has."""
    return [
        dg.AssetCheckSpec(COMPLETE, asset=name, description="every part came"),
        dg.AssetCheckSpec(RULES_HOLD, asset=name, description="no row was kept out"),
    ]


def report(
    context: dg.AssetExecutionContext,
    work: Work,
    keys: Sequence[date | None],
    results: Sequence[Result],
) -> Iterator[Any]:
    """Yield checks, mark what is stored and fail when something that had to come did not."""
    for table in work.tables:
        yield from _checks(table.name, [result.of(table.name) for result in results])
    done = [result for result in results if result.is_done]
    # Closed for maintenance, or without its key, a table is skipped: nobody has to do anything.
    errors = [r.error for r in results if r.error is not None and r.outcome != "skipped"]
    if len(done) == len(keys) or work.optional:
        for table in work.tables:
            yield _materialized(context, table.name, results)
        return
    for table, result in product(work.tables, done):
        numbers = _numbers(result.of(table.name))
        context.log_event(
            dg.AssetMaterialization(table.name, partition=result.partition, metadata=numbers)
        )
    if errors:
        missing = len(keys) - len(done)
        raise dg.Failure(
            f"{work.table.name}: {missing} of {len(keys)} partitions are not stored; first: "
            f"{type(errors[0]).__name__}: {errors[0]}",
            allow_retries=False,
        ) from None


def _materialized(
    context: dg.AssetExecutionContext, name: str, results: Sequence[Result]
) -> dg.MaterializeResult[None]:
    """Return what Dagster stores of a table; the numbers of a range stand at its partitions."""
    if len(results) == 1:
        return dg.MaterializeResult(asset_key=name, metadata=_numbers(results[0].of(name)))
    done = [result for result in results if result.is_done]
    for result in done:
        context.add_asset_metadata(_numbers(result.of(name)), name, result.partition)
    return dg.MaterializeResult(asset_key=name, metadata={"partitions": len(done)})


def _checks(name: str, results: Sequence[Result]) -> Iterator[dg.AssetCheckResult]:
    failed = {r.partition: list(r.failed) or [r.reason] for r in results if r.failed or r.error}
    yield dg.AssetCheckResult(
        check_name=COMPLETE,
        asset_key=name,
        passed=not failed,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"failed": dg.MetadataValue.text(json.dumps(failed, ensure_ascii=False))},
    )
    rejected = sum(result.rejected for result in results)
    warnings: dict[str, int] = {}
    for result in results:
        for rule, rows in result.warnings.items():
            warnings[rule] = warnings.get(rule, 0) + rows
    yield dg.AssetCheckResult(
        check_name=RULES_HOLD,
        asset_key=name,
        passed=not rejected and not warnings,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"rejected": rejected, "warnings": dg.MetadataValue.text(json.dumps(warnings))},
    )


def _numbers(result: Result) -> dict[str, Any]:
    """Return the metadata of one partition; numbers are plotted in the Dagster page."""
    numbers: dict[str, Any] = {
        "dagster/row_count": result.rows,
        "inserted": result.changes.inserted,
        "updated": result.changes.updated,
        "unchanged": result.changes.unchanged,
        "deleted": result.changes.deleted,
        "rejected": result.rejected,
        "requests": result.requests,
        "seconds": result.seconds,
        "outcome": dg.MetadataValue.text(result.outcome),
    }
    return numbers | ({"reason": dg.MetadataValue.text(result.reason)} if result.reason else {})


def sentence(work: Work, result: Result) -> str:
    """Return what happened to a partition in one line, for the run's log."""
    changes = result.changes
    return (
        f"{work.table.name} {result.partition}: {result.outcome}"
        f" (+{changes.inserted} ~{changes.updated} ={changes.unchanged} -{changes.deleted},"
        f" rejected {result.rejected}, requests {result.requests}) {result.reason}"
    ).rstrip()
