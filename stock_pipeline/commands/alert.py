"""`stock-pipeline alert`: try the channels, see what was told, take note of it, deliver it."""

from __future__ import annotations

import signal
import threading
import uuid
from typing import TYPE_CHECKING

import click
import polars as pl

from stock_pipeline.commands.sql import open_for_reading, show
from stock_pipeline.commands.writable import existing_url, open_for_writing, settings_of
from stock_pipeline.errors import PipelineError
from stock_pipeline.settings import Settings

if TYPE_CHECKING:
    from stock_pipeline.alerts.channel import Channel
    from stock_pipeline.storage.database import Database

_OPEN = "resolved_at IS NULL AND alert_type IN ('opening', 'repeat')"
_LIST = """
SELECT alert_detail ->> 'incident_id' AS incident, alert_level AS level, alert_type AS type,
    created_at, alert_message AS message, sent_at, acknowledged_by, channels_sent
FROM ops_alert WHERE {condition} ORDER BY created_at DESC, alert_id LIMIT 200
"""


@click.group()
def alert() -> None:
    """Alerts: try the channels, list what was told, take note of it, deliver it."""


@alert.command()
@click.option("--json", "as_json", is_flag=True, help="print a list of objects")
@click.option("--demo", is_flag=True, help="as the demo would send it")
def test(*, as_json: bool, demo: bool) -> int:
    """Send a message to every configured channel; status 1 unless all of them took it.

    A channel that was off because it refused is on again when it takes this message.
    """
    from stock_pipeline.alerts.channel import Message, send_now
    from stock_pipeline.alerts.channels import channels
    from stock_pipeline.clock import SystemClock

    settings, clock = settings_of(demo=demo), SystemClock()
    found, identity = channels(settings, clock), uuid.uuid4().hex[:12]
    if not found:
        click.echo("no channel is configured: set ALERT_WEBHOOK_URL, SLACK_WEBHOOK_URL,", err=True)
        click.echo("SMTP_HOST with ALERT_EMAIL_TO, or NOTIFY_URLS", err=True)
        return 1
    text = f"[정보] alert test · 경보 통로 시험: 이 글이 보이면 정상입니다 · {identity}"
    outcomes = send_now(found, Message(identity, "경보 통로 시험", text))
    _switch_on(settings, [one for one in found if not outcomes[one.name]])
    rows = [{"channel": name, "result": why or "sent"} for name, why in outcomes.items()]
    show(pl.DataFrame(rows), "json" if as_json else "table")
    return 1 if any(outcomes.values()) else 0


@alert.command("list")
@click.option("--all", "everything", is_flag=True, help="also what is over")
@click.option("--json", "as_json", is_flag=True, help="print a list of objects")
@click.option("--demo", is_flag=True, help="read the demo database")
def list_(*, everything: bool, as_json: bool, demo: bool) -> None:
    """List the messages of open incidents, the newest first."""
    database = open_for_reading(demo=demo)
    try:
        frame = database.read(_LIST.format(condition="true" if everything else _OPEN))
    finally:
        database.close()
    show(frame if as_json else frame.drop("channels_sent"), "json" if as_json else "table")


@alert.command()
@click.argument("incident")
@click.option("--by", "name", default="operator", show_default=True, help="who takes note")
@click.option("--json", "as_json", is_flag=True, help="print a list of objects")
@click.option("--demo", is_flag=True, help="in the demo database")
def ack(*, incident: str, name: str, as_json: bool, demo: bool) -> int:
    """Take note of an incident by the id at the end of its message: it is not repeated any more."""
    values = {"incident": incident, "name": name}

    def work(database: Database) -> int:
        return database.execute(
            "UPDATE ops_alert SET acknowledged_by = :name, acknowledged_at = :now"
            " WHERE alert_detail ->> 'incident_id' = :incident AND acknowledged_at IS NULL",
            {**values, "now": database.clock.now()},
        )

    with open_for_writing(settings_of(demo=demo)) as database:
        messages = work(database)
    show(pl.DataFrame([{**values, "messages": messages}]), "json" if as_json else "table")
    return 0 if messages else 1


@alert.command()
@click.option("--forever", is_flag=True, help="go on until interrupted, for use without `up`")
@click.option("--json", "as_json", is_flag=True, help="print a list of objects")
@click.option("--demo", is_flag=True, help="of the demo database")
def deliver(*, forever: bool, as_json: bool, demo: bool) -> int:
    """Deliver what is due now; status 1 when a channel failed or is off."""
    from stock_pipeline.alerts import loop

    settings = settings_of(demo=demo)
    if forever:
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        loop.run(lambda: loop.dispatcher(settings, existing_url(settings)), stop)
        return 0
    dispatcher = loop.dispatcher(settings, existing_url(settings))
    try:
        done = dispatcher.deliver()
    finally:
        dispatcher.close()
    row = {
        "sent": done.sent,
        "failed": done.failed,
        "given_up": done.given_up,
        "off": ", ".join(done.off),
    }
    show(pl.DataFrame([row]), "json" if as_json else "table")
    return 1 if done.failed or done.given_up or done.off else 0


def _switch_on(settings: Settings, found: list[Channel]) -> None:
    """Close the incident of every channel that took a message, if there is a database."""
    from stock_pipeline.alerts.dispatch import refusal_key
    from stock_pipeline.alerts.outbox import Outbox

    def work(database: Database) -> None:
        for channel in found:
            Outbox(database).resolve(refusal_key(channel.name), "시험 전송에 성공했습니다")

    try:
        with open_for_writing(settings) as database:
            work(database)
    except PipelineError as error:
        # The channels could be tried all the same.
        click.echo(f"not noted in the database: {error}", err=True)
