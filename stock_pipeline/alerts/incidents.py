"""What a run that has ended means: alerts are opened, incidents that it shows to be over closed.

Called in the transaction that closes the run's row, so that a run that is closed has been told of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stock_pipeline.alerts.opening import open_incident, resolve_incident
from stock_pipeline.alerts.troubles import LogRow, answering, troubles
from stock_pipeline.storage.collection_log import DONE_OUTCOMES
from stock_pipeline.storage.partition_states import HEALING
from stock_pipeline.storage.schema import SCHEMA
from stock_pipeline.storage.writer import Connection

ORIGIN = "run"
WORKS_AGAIN = "다시 수집되었습니다"
ANSWERS_AGAIN = "다시 응답합니다"


def report_run(connection: Connection, run_id: str) -> None:
    """Write what a run says whose row is closed; a second call for it changes nothing.

    The hour is that of the run's end, as its row has it.
    """
    found = connection.execute(
        f"SELECT coalesce(ended_at, now()), job_name, error_message FROM {SCHEMA}.job_run"
        " WHERE job_id = %s",
        [run_id],
    ).fetchone()
    if found is None:
        return
    now, job, errors = found
    rows = _rows(connection, run_id) or _without_partitions(job, errors)
    unreadable = {row.asset for row in rows if row.error_class == "BadPayload"}
    before = {asset: _bad_answers(connection, asset, run_id) for asset in sorted(unreadable)}
    told = troubles(rows, now=now, bad_answers=before)
    for trouble in told:
        detail = {"origin": ORIGIN, "run_id": run_id, "assets": dict(trouble.assets)}
        open_incident(
            connection, trouble.alert, now=now, detail=detail | {"partitions": trouble.partitions}
        )
    broken = {trouble.alert.incident_key for trouble in told}
    answered = answering(rows) - {trouble.alert.source for trouble in told}
    for key, opened in _open_incidents(connection):
        if key in broken:
            continue
        if opened["alert"]["source"] in answered:
            resolve_incident(connection, key, now=now, note=ANSWERS_AGAIN)
        elif _works_again(connection, opened, job if rows and not told else ""):
            resolve_incident(connection, key, now=now, note=WORKS_AGAIN)


def _without_partitions(job: str, errors: Sequence[Mapping[str, Any]] | None) -> list[LogRow]:
    """Return rows for a run that ended before it began any partition."""
    return [
        LogRow(job=job, asset="", partition="", status="failed", error=error["error"] or "")
        for error in errors or ()
    ]


def _rows(connection: Connection, run_id: str) -> list[LogRow]:
    found = connection.execute(
        "SELECT job_label, asset, partition, status, outcome, source, error_message,"
        f" detail -> 'failed', started_at FROM {SCHEMA}.data_collection_log"
        " WHERE run_id = %s AND status <> 'running' ORDER BY asset, partition",
        [run_id],
    ).fetchall()
    return [
        LogRow(
            job=job or "",
            asset=asset,
            partition=partition,
            status=status,
            outcome=outcome or "",
            source=source or "",
            error=error or "",
            failed=tuple(map(str, failed or ())),
            started_at=started_at,
        )
        for job, asset, partition, status, outcome, source, error, failed, started_at in found
    ]


def _bad_answers(connection: Connection, asset: str, run_id: str) -> int:
    """Return how many runs of the table before this one, in a row, had an unreadable answer."""
    found = connection.execute(
        f"SELECT bool_or(error_message LIKE 'BadPayload:%%') FROM {SCHEMA}.data_collection_log"
        " WHERE asset = %s AND run_id <> %s AND status <> 'running'"
        " GROUP BY run_id ORDER BY max(completed_at) DESC LIMIT 2",
        [asset, run_id],
    ).fetchall()
    in_a_row = 0
    for (is_bad,) in found:
        if not is_bad:
            break
        in_a_row += 1
    return in_a_row


def _open_incidents(connection: Connection) -> Sequence[tuple[str, Mapping[str, Any]]]:
    """Return key and facts of every open incident that a run has told of."""
    return connection.execute(
        f"SELECT incident_key, alert_detail FROM {SCHEMA}.ops_alert WHERE resolved_at IS NULL"
        " AND alert_type = 'opening' AND alert_detail ->> 'origin' = %s ORDER BY incident_key",
        [ORIGIN],
    ).fetchall()


def _works_again(connection: Connection, opened: Mapping[str, Any], good_job: str) -> bool:
    """Tell whether every table has, since then, stored a newer partition than the last failed one.

    An older one that is still missing is the healer's: it says so itself when it gives up. A run
    that ended before any partition began is made good by the next one of its cadence: the healer's
    job may have nothing more to do.
    """
    assets = [asset for asset in opened["assets"] if asset]
    if not assets:
        return bool(_cadence_of(opened["alert"]["job"]) == _cadence_of(good_job))
    found = connection.execute(
        "WITH last AS (SELECT DISTINCT ON (asset, partition) asset, partition, outcome,"
        " status = 'failed' OR detail -> 'failed' IS NOT NULL AS is_broken"
        f" FROM {SCHEMA}.data_collection_log WHERE asset = ANY(%s) AND started_at >= %s"
        " AND status <> 'running' ORDER BY asset, partition, completed_at DESC)"
        " SELECT asset, max(partition) FILTER (WHERE is_broken),"
        " max(partition) FILTER (WHERE NOT is_broken AND outcome = ANY(%s))"
        " FROM last GROUP BY asset",
        [assets, opened["alert"]["since"], list(DONE_OUTCOMES)],
    ).fetchall()
    working = {
        asset
        for asset, broken, done in found
        if done is not None and (broken is None or done > broken)
    }
    return working >= set(assets)


def _cadence_of(job: str) -> str:
    """Return the job that asks first for what a job collects."""
    return job.removeprefix(HEALING)
