"""The job of every night: a backup, and forgetting what nobody needs any more.

Two ops that do not wait for each other: a backup that fails keeps nothing from being forgotten, and
what fails is an alert, because nobody looks at a job of the night.
"""

# No `from __future__ import annotations`: Dagster reads the annotation of `context` as it stands.

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from stock_pipeline.alerts.alert import Alert
from stock_pipeline.alerts.outbox import Outbox
from stock_pipeline.alerts.wording import ABANDONED, DEFECT
from stock_pipeline.errors import PipelineError
from stock_pipeline.run_queue import Rank, is_in_flight
from stock_pipeline.storage import archive_retention, backup, file_retention, retention
from stock_pipeline.storage.database import Database

NAME, FAILED = "housekeeping", "failed"
BACKUP_INCIDENT = f"BACKUP/{FAILED}"
CRON, TIMEZONE = "30 3 * * *", "Asia/Seoul"
# After everything else in the queue; a test restore of the largest database takes minutes.
RANK = Rank(priority=-20, max_runtime=5400)


@dg.op(required_resource_keys={"db", "settings"})
def back_up(context: dg.OpExecutionContext) -> None:
    """Dump the database, restore the dump once, keep the newest seven."""
    db, home = context.resources.db, context.resources.settings.home
    with _told(db, "BACKUP", "백업 실패", "`stock-pipeline backup`을 직접 실행해 보십시오"):
        made = backup.make(db, home / backup.FOLDER)
    context.add_output_metadata(
        {
            "file": made.file.name,
            "size in MB": round(made.size / 2**20, 1),
            "rows": made.rows,
            "restored once": made.untested or "yes, every table equal",
        }
    )


@dg.op(required_resource_keys={"db", "settings", "clock"})
def forget(context: dg.OpExecutionContext) -> None:
    """Forget log lines of finished runs, rejected rows, superseded payloads and old files."""
    db, home = context.resources.db, context.resources.settings.home
    now = context.resources.clock.now()
    with _told(db, "RETENTION", "오래된 기록 정리 실패", "디스크 여유 공간을 확인하십시오"):
        events = retention.forget_events(db, now)
        rejected = retention.forget_rejected_rows(db, now)
        raw = archive_retention.forget(home / "raw", now)
        files = file_retention.forget(home, now)
    freed = [(one.files, one.size) for one in raw.values()]
    freed += [(one.files, one.size) for one in files.values()]
    context.add_output_metadata(
        {
            "log lines of finished runs": events,
            "rejected rows": rejected,
            "answers in the raw archive": sum(dropped.lines for dropped in raw.values()),
            "files": sum(count for count, _ in freed),
            "freed MB": round(sum(size for _, size in freed) / 2**20, 1),
        }
    )


@dg.job(name=NAME, tags=RANK.tags(), description="backup and retention")
def housekeeping() -> None:
    """Keep a backup and forget what is old."""
    back_up()
    forget()


@dg.schedule(
    job=housekeeping,
    cron_schedule=CRON,
    execution_timezone=TIMEZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="backup and retention of the night",
)
def housekeeping_nightly(
    context: dg.ScheduleEvaluationContext,
) -> dg.SkipReason | dg.RunRequest:
    """Ask for tonight's housekeeping."""
    if is_in_flight(context.instance, NAME):
        return dg.SkipReason(f"a run of {NAME} is queued or at work")
    return dg.RunRequest(run_key=f"{context.scheduled_execution_time:%Y-%m-%d}")


@contextmanager
def _told(db: Database, source: str, what: str, action: str) -> Iterator[None]:
    """Open an incident when the block fails, and close it when it succeeds.

    Raises  dagster.Failure without a chance of a retry: the next night is one
    """
    outbox = Outbox(db)
    try:
        yield
    except (PipelineError, OSError) as error:
        cause = str(error) if isinstance(error, PipelineError) else error.strerror or ""
        cause = f"{type(error).__name__}: {cause}"
        outbox.open(Alert("CRITICAL", NAME, source, FAILED, what, cause, action))
        raise dg.Failure(cause, allow_retries=False) from None
    outbox.resolve(f"{source}/{FAILED}")
    # Its runs have no row that would end what was told of one that was found dead.
    for found in (ABANDONED, DEFECT):
        outbox.resolve(f"{NAME}/{found}")
