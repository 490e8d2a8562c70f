"""What follows from what was collected: reports after filings, scores after their inputs.

Every sensor reads the collection log and the rows, never Dagster's own state, so that it makes no
difference whether a run was lost, cancelled or started by hand; where nothing is due it only asks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import dagster as dg

from stock_pipeline import discovery
from stock_pipeline.assets.dividend_answers import has_failed
from stock_pipeline.assets.filings.financial_statement import FULL
from stock_pipeline.clock import Clock, today_kst
from stock_pipeline.derived import Batch, Derived, Inspector, Walk
from stock_pipeline.due import MARKET, reported_quarter
from stock_pipeline.run_queue import Rank, is_in_flight
from stock_pipeline.storage.collection_log import done_partitions
from stock_pipeline.storage.database import Database
from stock_pipeline.table_asset import TableAsset

STATEMENTS, FILINGS, SCORES = "financial_statement", "dart_filing", "compass_score"
DIVIDENDS = "dividend_history"
# What a periodic report brings.
REPORTED = (STATEMENTS, DIVIDENDS)
SWEEP = "weekly_financials"
FOLLOWUP, RECOMPUTE = "filings_followup", "recompute_derived"
# A sensor that has never run follows up what was collected since then.
FIRST_LOOK_BACK = timedelta(days=1)
# A follow-up that was lost is asked for again with the next filings of so many days.
UNANSWERED = timedelta(days=7)

JOBS = {
    FOLLOWUP: Rank(priority=1, max_runtime=7200),
    RECOMPUTE: Rank(priority=-10, max_runtime=3600),
}

_COMPLETED = """
SELECT run_id, partition, job_label, completed_at FROM data_collection_log
WHERE asset = :asset AND status = 'completed' AND inserted + updated > 0 AND completed_at > :since
ORDER BY completed_at
"""
_REPORTS = f"""
SELECT f.corp_code, f.report_name, f.ingested_at AS stored_at,
    s.rcept_no IS NOT NULL AS has_statements, d.rcept_no IS NOT NULL AS has_dividends
FROM dart_filing f
LEFT JOIN (SELECT DISTINCT rcept_no FROM financial_statement WHERE operation = '{FULL}') s
    USING (rcept_no)
LEFT JOIN (SELECT DISTINCT rcept_no FROM dividend_history) d USING (rcept_no)
WHERE f.received_date >= CAST(:first AS date) AND f.filing_type = 'A' AND f.ticker IS NOT NULL
    AND (s.rcept_no IS NULL OR d.rcept_no IS NULL)
ORDER BY f.corp_code
"""
# Follow-ups that asked for the dividends of every report that lacked them.
_ASKED = f"""
SELECT partition, started_at, coalesce(detail ->> 'failed', '[]') AS failed
FROM data_collection_log
WHERE asset = '{DIVIDENDS}' AND job_label = '{FOLLOWUP}' AND started_at >= :first
    AND status = 'completed' AND outcome IN ('rows', 'no_data')
"""


def sensors() -> list[dg.SensorDefinition]:
    """Return every sensor, running from the start; Dagster takes their jobs from them."""
    derived = derived_tables()
    recompute = _job(RECOMPUTE, [table.name for table in derived])
    return [
        _filings_followup(_job(FOLLOWUP, REPORTED)),
        _score_after_sweep(recompute),
        _outdated_derived(recompute, derived),
    ]


def _job(name: str, tables: Sequence[str]) -> dg.UnresolvedAssetJobDefinition:
    selection = dg.AssetSelection.assets(*tables)
    return dg.define_asset_job(name, selection=selection, tags=JOBS[name].tags())


def derived_tables() -> list[Derived]:
    """Return the tables that are computed day by day and remember the version of their inputs."""
    found = {asset.table.name: asset for asset in discovery.table_assets()}
    return [
        Derived(asset.work, tuple(found[name].work for name in _inputs(asset)))
        for asset in found.values()
        if asset.work.input_version is not None and asset.work.partitions == "day"
    ]


def _inputs(asset: TableAsset) -> list[str]:
    keys = asset.asset.asset_deps[dg.AssetKey(asset.table.name)]
    return sorted(key.to_user_string() for key in keys)


# ---- statements and dividends of the companies that filed


def _filings_followup(job: dg.UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    @dg.sensor(
        name=FOLLOWUP,
        job=job,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={"db", "clock"},
        description="requests statements and dividends of the companies that filed a report",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        db, clock = context.resources.db, context.resources.clock
        since = _since(context.cursor, clock)
        completed = db.read(_COMPLETED, {"asset": FILINGS, "since": since})
        if completed.is_empty():
            return dg.SkipReason(f"no new filings since {since:%Y-%m-%d %H:%M} UTC")
        newest = completed["completed_at"].max()
        earliest = date.fromisoformat(min(completed["partition"]))
        lacking = _lacking(db, clock, earliest - UNANSWERED, since)
        requests = [
            _follow_up(quarter, tables, f"{quarter}@{newest.isoformat()}")
            for quarter, tables in sorted(lacking.items())
        ]
        return dg.SensorResult(requests, cursor=_cursor(newest))

    return sensor


def _follow_up(quarter: str, tables: Mapping[str, Sequence[str]], run_key: str) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=run_key,
        partition_key=quarter,
        asset_selection=[dg.AssetKey(name) for name in tables],
        run_config={
            "ops": {
                name: {"config": {"companies": list(companies)}}
                for name, companies in tables.items()
            }
        },
    )


def _lacking(
    db: Database, clock: Clock, first: date, since: datetime
) -> dict[str, dict[str, list[str]]]:
    """Return quarter → table → companies whose periodic report that table does not have.

    since  what was stored later has not been asked for yet
    """
    asked = db.read(_ASKED, {"first": first}).to_dicts()
    lacking: dict[str, dict[str, list[str]]] = {}
    for report in db.read(_REPORTS, {"first": first}).iter_rows(named=True):
        quarter = reported_quarter(report["report_name"], today_kst(clock))
        if quarter is None:
            continue
        runs = [run for run in asked if run["partition"] == quarter.isoformat()]
        has = {
            STATEMENTS: report["has_statements"],
            DIVIDENDS: report["has_dividends"] or _is_answered(report, runs, since),
        }
        for table in (name for name in REPORTED if not has[name]):
            companies = lacking.setdefault(quarter.isoformat(), {}).setdefault(table, [])
            # A report and its correction are one question.
            if report["corp_code"] not in companies[-1:]:
                companies.append(report["corp_code"])
    return lacking


def _is_answered(
    report: Mapping[str, Any], runs: Sequence[Mapping[str, Any]], since: datetime
) -> bool:
    """Tell whether DART was asked about a report's dividends; many reports have none."""
    stored_at = report["stored_at"]
    return stored_at <= since and any(
        run["started_at"] > stored_at
        and not has_failed(report["corp_code"], json.loads(run["failed"]))
        for run in runs
    )


# ---- the newest score after the weekly sweep of statements


def _score_after_sweep(job: dg.UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    @dg.sensor(
        name="score_after_sweep",
        job=job,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={"db", "clock", "calendar"},
        description="requests the scores of the last session when the sweep brought statements",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        db, clock = context.resources.db, context.resources.clock
        since = _since(context.cursor, clock)
        completed = db.read(_COMPLETED, {"asset": STATEMENTS, "since": since})
        sweeps = completed.filter(completed["job_label"] == SWEEP)
        if sweeps.is_empty():
            return dg.SkipReason(f"no sweep since {since:%Y-%m-%d %H:%M} UTC")
        cursor = _cursor(sweeps["completed_at"].max())
        session = context.resources.calendar.closed_sessions(MARKET, clock.now())[-1].isoformat()
        if not done_partitions(db, "stock_price_daily", [session]):
            reason = f"the prices of {session} are not stored; the scores come with them"
            return dg.SensorResult(skip_reason=reason, cursor=cursor)
        request = dg.RunRequest(
            run_key=f"{session}@{sweeps['run_id'].last()}",
            partition_key=session,
            asset_selection=[dg.AssetKey(SCORES)],
            tags={"dagster/priority": "0"},
        )
        return dg.SensorResult([request], cursor=cursor)

    return sensor


# ---- derived partitions that are missing or older than their inputs


def _outdated_derived(
    job: dg.UnresolvedAssetJobDefinition, derived: Sequence[Derived]
) -> dg.SensorDefinition:
    @dg.sensor(
        name="outdated_derived",
        job=job,
        minimum_interval_seconds=300,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={"db", "clock", "calendar"},
        description="requests what is missing or outdated among the computed tables",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        # Whatever runs now may be storing the inputs, or the very partitions that are missing.
        if is_in_flight(context.instance):
            return dg.SkipReason("a run is queued or at work")
        resources, clock = context.resources, context.resources.clock
        inspector = Inspector(derived, resources.db, resources.calendar, clock.now())
        batches, walk = inspector.inspect(Walk.parse(context.cursor))
        day = today_kst(clock).isoformat()
        requests = [_recompute(batch, day) for batch in batches]
        skip = None if requests else "every computed partition follows its inputs"
        return dg.SensorResult(requests, skip_reason=skip, cursor=walk.text())

    return sensor


def _recompute(batch: Batch, today: str) -> dg.RunRequest:
    return dg.RunRequest(
        # A run that died before it could write a log row is not asked for a second time today.
        run_key=f"{'+'.join(batch.tables)}/{batch.start}…{batch.end}/{today}/{batch.attempt}",
        asset_selection=[dg.AssetKey(name) for name in batch.tables],
        tags={
            "dagster/asset_partition_range_start": batch.start,
            "dagster/asset_partition_range_end": batch.end,
        },
    )


def _since(cursor: str | None, clock: Clock) -> datetime:
    if not cursor:
        return clock.now() - FIRST_LOOK_BACK
    return datetime.fromisoformat(json.loads(cursor)["since"])


def _cursor(newest: Any) -> str:
    return json.dumps({"since": newest.isoformat()})
