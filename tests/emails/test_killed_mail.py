"""A process that sends is killed with the mail already taken by the server."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from mail_post import MORNING, Post, read

from stock_pipeline.correspondence import Desk, send
from stock_pipeline.emails.delivery import Delivered

# It sends for real and then kills itself, before anything can be noted.
SENDING = """
import os, signal, sys
from datetime import datetime
from stock_pipeline.clock import SystemClock
from stock_pipeline.correspondence import Desk, send
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.settings import Settings
from stock_pipeline.sources.mail_server import MailServer
from stock_pipeline.storage.database import Database

class Held(SystemClock):
    def now(self):
        return datetime.fromisoformat(sys.argv[3])

def send_and_die(server, message, recipient, *, really=MailServer.send):
    really(server, message, recipient)
    os.kill(os.getpid(), signal.SIGKILL)

MailServer.send = send_and_die
settings = Settings(
    _env_file=None, smtp_host="127.0.0.1", smtp_port=int(sys.argv[2]), smtp_from="a@b.kr"
)
desk = Desk(Database(sys.argv[1], clock=Held()), MarketCalendar(Held()), settings)
send(desk, "market", desk.occasion("market", Held().now()))
"""


@pytest.mark.crash
def test_f58_a_kill_between_sending_and_noting_repeats_one_mail_once_with_its_id(
    desk: Desk, readers: list[str], post: Post
) -> None:
    arguments = [desk.db.url, str(post.port), MORNING.isoformat()]
    killed = subprocess.run([sys.executable, "-c", SENDING, *arguments], check=False, timeout=120)
    assert killed.returncode == -signal.SIGKILL
    assert [read(text)["To"] for text in post.mails] == ["kim@example.com"]
    status = desk.db.read("SELECT recipient, status FROM mail_log").rows()
    assert status == [("kim@example.com", "pending")]
    ends = []
    for _ in range(4):  # the ticks of the morning
        desk.db.clock.instant += timedelta(minutes=30)  # type: ignore[attr-defined]
        ends.append(send(desk, "market", desk.occasion("market", desk.db.clock.now())))
    assert ends == [Delivered(sent=2), *[Delivered()] * 3]
    mails = [read(text) for text in post.mails]
    assert sorted(str(mail["To"]) for mail in mails) == ["kim@example.com"] * 2 + [
        "lee@example.com"
    ]
    assert len({mail["Message-ID"] for mail in mails}) == 2
