"""Statements and dividends of the companies that filed a periodic report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import dagster as dg

from stock_pipeline.assets.dividend_answers import has_failed
from stock_pipeline.assets.filings.financial_statement import FULL
from stock_pipeline.clock import Clock, today_kst
from stock_pipeline.due import reported_quarter
from stock_pipeline.sensors.cursors import COMPLETED, cursor_at, looked_until
from stock_pipeline.storage.database import Database

FOLLOWUP, FILINGS = "filings_followup", "dart_filing"
STATEMENTS, DIVIDENDS = "financial_statement", "dividend_history"
# What a periodic report brings.
REPORTED = (STATEMENTS, DIVIDENDS)
# A follow-up that was lost is asked for again with the next filings of so many days.
UNANSWERED = timedelta(days=7)

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


def filings_followup(job: dg.UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    """Return the sensor that asks about companies after their reports."""

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
        since = looked_until(context.cursor, clock)
        completed = db.read(COMPLETED, {"asset": FILINGS, "since": since})
        if completed.is_empty():
            return dg.SkipReason(f"no new filings since {since:%Y-%m-%d %H:%M} UTC")
        newest = completed["completed_at"].max()
        earliest = date.fromisoformat(min(completed["partition"]))
        lacking = _lacking(db, clock, earliest - UNANSWERED, since)
        requests = [
            _follow_up(quarter, tables, f"{quarter}@{newest.isoformat()}")
            for quarter, tables in sorted(lacking.items())
        ]
        return dg.SensorResult(requests, cursor=cursor_at(newest))

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
