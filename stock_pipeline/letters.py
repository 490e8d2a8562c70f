"""The mails of the morning as assets: the market letter at 07:30, the watchlist at 08:00.

A tick asks for the mails of its own day, and later ones for what could not be sent by then. A tick
that was missed is made up for on the same day in Seoul, the mail then says that it is late, and
never on another day.
"""

# No `from __future__ import annotations`: Dagster reads the annotation of `context` as it stands.

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import dagster as dg

from stock_pipeline import discovery
from stock_pipeline.alerts.alert import Alert
from stock_pipeline.alerts.outbox import Outbox
from stock_pipeline.alerts.wording import ABANDONED, DEFECT
from stock_pipeline.clock import KST, today_kst
from stock_pipeline.correspondence import TABLES, Desk, reason_to_skip, send
from stock_pipeline.emails.delivery import Delivered
from stock_pipeline.emails.mail_subscriber import Kind
from stock_pipeline.partitions import DAY, TIMEZONE
from stock_pipeline.run_queue import Rank, is_in_flight
from stock_pipeline.table_asset import OWNER

GROUP, FAILED = "mails", "failed"
# Before everything else in the queue: it takes seconds, and people wait for it.
RANK = Rank(priority=12, max_runtime=900)
_NEEDS = {"db", "calendar", "settings"}
_OVER = "the day of these mails is over: they are sent on their day or not at all"


@dataclass(frozen=True)
class Line:
    """One mail: its asset, its job, which may not have the same name, and its ticks in Seoul.

    again  ticks for what could not be sent at the first; as many as there are attempts left
    """

    name: str
    job: str
    kind: Kind
    meaning: str
    cron: str
    again: tuple[str, ...]


LINES = (
    Line(
        "market_mail",
        "market_email",
        "market",
        "Market letter to every subscriber, one of each session.",
        "30 7 * * *",
        ("0 8 * * *", "0 9 * * *", "0 11 * * *"),
    ),
    Line(
        "watchlist_mail",
        "watchlist_alert",
        "watchlist",
        "Letter to everybody who watches a share whose score has moved.",
        "0 8 * * *",
        ("30 8 * * *", "30 9 * * *", "30 11 * * *"),
    ),
)


def assets() -> list[dg.AssetsDefinition]:
    """Return the asset of each mail; its rows are those of `mail_log`."""
    return [_asset(line) for line in LINES]


def jobs() -> "list[dg.UnresolvedAssetJobDefinition]":
    """Return the job of each mail."""
    return [
        dg.define_asset_job(
            line.job, selection=[line.name], description=line.meaning, tags=RANK.tags()
        )
        for line in LINES
    ]


def schedules() -> list[dg.ScheduleDefinition]:
    """Return the schedules of the mails, running from the start."""
    return [one for line in LINES for one in _schedules(line)]


def _asset(line: Line) -> dg.AssetsDefinition:
    @dg.asset(
        name=line.name,
        group_name=GROUP,
        partitions_def=DAY,
        deps=_inputs(line.kind),
        required_resource_keys=_NEEDS,
        description=f"{line.meaning}\n\nGrain  one mail per session and recipient in `mail_log`",
        kinds={"email"},
        owners=[OWNER],
    )
    def mail(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        desk = _desk(context.resources)
        today = today_kst(desk.db.clock).isoformat()
        if today not in context.partition_keys:
            return dg.MaterializeResult(metadata={"sent": 0, "why": _OVER})
        occasion = desk.occasion(line.kind, desk.db.clock.now())
        reason = reason_to_skip(desk, line.kind, occasion)
        delivered = send(desk, line.kind, occasion)
        _tell(line, desk, delivered)
        return dg.MaterializeResult(metadata=_metadata(delivered, reason, occasion.session))

    return mail


def _inputs(kind: Kind) -> list[str]:
    """Return the tables of a letter that are cut into days of Seoul, as the mails are."""
    days = {
        table.name
        for found in discovery.table_assets()
        if found.work.partitions == "day"
        for table in found.work.tables
    }
    return [name for name in TABLES[kind] if name in days]


def _schedules(line: Line) -> Iterator[dg.ScheduleDefinition]:
    for name, crons in ((line.job, (line.cron,)), (f"{line.job}_again", line.again)):
        yield _schedule(line, name, crons)


def _schedule(line: Line, name: str, crons: Sequence[str]) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=name,
        job_name=line.job,
        cron_schedule=list(crons),
        execution_timezone=TIMEZONE,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        required_resource_keys=_NEEDS,
        description=f"asks for what is open of {line.name}",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.SkipReason | dg.RunRequest:
        if is_in_flight(context.instance, line.job):
            return dg.SkipReason(f"a run of {line.job} is queued or at work")
        desk = _desk(context.resources)
        now = desk.db.clock.now()
        tick = context.scheduled_execution_time.astimezone(KST)
        if tick.date() != now.astimezone(KST).date():
            return dg.SkipReason(_OVER)
        reason = reason_to_skip(desk, line.kind, desk.occasion(line.kind, now))
        if reason is not None:
            return dg.SkipReason(reason)
        return dg.RunRequest(
            # A tick that is repeated after a crash requests nothing twice; the next tick may.
            run_key=f"{tick:%Y-%m-%dT%H:%M}",
            partition_key=tick.date().isoformat(),
        )

    return schedule


def _tell(line: Line, desk: Desk, delivered: Delivered) -> None:
    """Open an incident when a mail could not be sent, and close it when all could.

    Raises  dagster.Failure when none could, without a chance of a retry: the next tick is one
    """
    outbox = Outbox(desk.db)
    if not delivered.failed:
        for kind in (FAILED, ABANDONED, DEFECT):
            outbox.resolve(f"{line.job}/{kind}")
        return
    count = delivered.failed + delivered.left
    what, action = f"메일 {count}통 발송 실패", "같은 날 다시 보냅니다: SMTP 설정과 mail_log 확인"
    outbox.open(Alert("WARN", line.job, line.job, FAILED, what, delivered.why, action))
    if not delivered.sent:
        raise dg.Failure(delivered.why, allow_retries=False)


def _metadata(delivered: Delivered, reason: str | None, session: date) -> dict[str, str | int]:
    counts = {name: getattr(delivered, name) for name in ("sent", "failed", "closed", "left")}
    why = reason or delivered.why
    return {**counts, "session": session.isoformat(), **({"why": why} if why else {})}


def _desk(resources: object) -> Desk:
    return Desk(*(getattr(resources, name) for name in ("db", "calendar", "settings")))
