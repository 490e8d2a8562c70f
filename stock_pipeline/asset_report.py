"""What Dagster is told about a run of one table: checks, stored partitions, numbers, failures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import date
from itertools import islice, product
from typing import Any

import dagster as dg

from stock_pipeline.errors import QualityReject
from stock_pipeline.quality.checks import Check
from stock_pipeline.work import PARTITIONS_PER_RUN, Result, Work

COMPLETE = "complete"
RULES_HOLD = "rules_hold"


def check_specs(work: Work) -> list[dg.AssetCheckSpec]:
    """Return the checks of all tables of a work: those of every table, then its own.

    What follows from the declaration of a table counts as a rule: three events are stored for each
    check of each run, and the daily chain is to end within seconds.
    """
    return [
        spec
        for table, checks in zip(work.tables, work.declared_checks, strict=True)
        for spec in (
            dg.AssetCheckSpec(COMPLETE, asset=table.name, description="every part came"),
            dg.AssetCheckSpec(
                RULES_HOLD, asset=table.name, description="no row, and no partition, was kept out"
            ),
            *(_spec(work, table.name, check) for check in checks),
        )
    ]


def _spec(work: Work, name: str, check: Check) -> dg.AssetCheckSpec:
    limits = {"warns unless": check.warn, "refused unless": check.error}
    told = "; ".join(f"{word} {limit}" for word, limit in limits.items() if limit is not None)
    return dg.AssetCheckSpec(
        check.name,
        asset=name,
        description=f"{check.meaning} ({told})",
        blocking=check.error is not None and not work.optional,
    )


def _severity(work: Work, *, is_error: bool) -> dg.AssetCheckSeverity:
    """Return how bad it is; what reads an optional table can do without it."""
    if is_error and not work.optional:
        return dg.AssetCheckSeverity.ERROR
    return dg.AssetCheckSeverity.WARN


def report(
    context: dg.AssetExecutionContext,
    work: Work,
    keys: Sequence[date | None],
    results: Sequence[Result],
) -> Iterator[Any]:
    """Yield checks, mark what is stored and fail when something that had to come did not."""
    for table, checks in zip(work.tables, work.declared_checks, strict=True):
        own = [result.of(table.name) for result in results]
        yield from _checks(work, table.name, own, {check.name for check in checks})
        yield from (_judged(work, table.name, check, own) for check in checks)
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


def _judged(work: Work, name: str, check: Check, results: Sequence[Result]) -> dg.AssetCheckResult:
    """Return what a check found in the partitions of the run; without a value it had no say."""
    found = {r.partition: one for r in results for one in r.findings if one.check == check.name}
    values = {key: one.value for key, one in found.items() if one.value is not None}
    doubtful = {key: one.value for key, one in found.items() if one.severity is not None}
    refused = {r.partition: r.reason for r in results if _refusing(r, name) == check.name}
    metadata: dict[str, Any] = {
        "judged": len(values) + len(refused),
        "outside": dg.MetadataValue.text(_short({**doubtful, **refused})),
    }
    if len(values) == 1:
        metadata["value"] = next(iter(values.values()))
    return dg.AssetCheckResult(
        check_name=check.name,
        asset_key=name,
        passed=not doubtful and not refused,
        severity=_severity(work, is_error=bool(refused)),
        metadata=metadata,
    )


def _refusing(result: Result, name: str) -> str | None:
    """Return the rule or check for which a table's partition was refused; None: it was not."""
    error = result.error
    return error.rule if isinstance(error, QualityReject) and error.table == name else None


def _short(told: Mapping[str, object]) -> str:
    """Return the first of the partitions as JSON: a run can have a thousand of them."""
    return json.dumps(dict(islice(told.items(), PARTITIONS_PER_RUN)), ensure_ascii=False)


def _checks(
    work: Work, name: str, results: Sequence[Result], own: Set[str]
) -> Iterator[dg.AssetCheckResult]:
    """Yield the two checks of every table; what has a check of its own is told there."""
    failed = {r.partition: list(r.failed) or [r.reason] for r in results if r.failed or r.error}
    yield dg.AssetCheckResult(
        check_name=COMPLETE,
        asset_key=name,
        passed=not failed,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"failed": dg.MetadataValue.text(json.dumps(failed, ensure_ascii=False))},
    )
    rejected = sum(result.rejected for result in results)
    refused = {r.partition: r.reason for r in results if _refusing(r, name) not in {None, *own}}
    warnings: dict[str, float] = {}
    for result in results:
        for rule in result.warnings.keys() - own:
            warnings[rule] = warnings.get(rule, 0) + result.warnings[rule]
    yield dg.AssetCheckResult(
        check_name=RULES_HOLD,
        asset_key=name,
        passed=not rejected and not warnings and not refused,
        severity=_severity(work, is_error=bool(refused)),
        metadata={
            "rejected": rejected,
            "warnings": dg.MetadataValue.text(json.dumps(warnings)),
            "refused": dg.MetadataValue.text(_short(refused)),
        },
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
