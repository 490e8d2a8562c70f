"""The first thing a child process does: no secret leaves it, and it does not outlive its parent."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.fault

CANARY = "canary-0123456789-canary-0123456789-0000"

LEAK = """
import logging, sys
from stock_pipeline.instance.entry import begin
settings = begin("daemon")
key = settings.dart_api_key.get_secret_value()
print("printed", key)
print("in two", key[:20], sep="", end="")
print(key[20:])
logging.getLogger("anybody").warning("logged %s", key)
stream = logging.getLogger("dagster")
stream.addHandler(logging.StreamHandler(sys.stdout))
stream.error("by its own handler %s", key)
raise ValueError(key)
"""
# A parent that starts a child which begins as one of `up`, and then is killed.
PARENT = """
import os, subprocess, sys, time
os.environ["STOCK_PIPELINE_SUPERVISOR"] = str(os.getpid()) if sys.argv[1] == "up" else "1"
code = "import time; from stock_pipeline.instance.entry import begin; begin('x');" \\
    " print('ready', flush=True); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""


SECRETS = {
    "DATABASE_URL": ("postgresql://me:{}@127.0.0.1/db", "database-password"),
    "CELERY_BROKER_URL": ("redis://:{}@127.0.0.1:6379/0", "broker-password"),
    "ALERT_WEBHOOK_URL": ("https://discord.com/api/webhooks/112233/{}", "discord-token-0123"),
    "SLACK_WEBHOOK_URL": ("https://hooks.slack.com/services/T0/B0/{}", "slack-token-01234"),
    "NOTIFY_URLS": ("json://h/ mailto://me:{}@example.com", "mail-password"),
    "SMTP_PASSWORD": ("{}", "smtp-password"),
    "FRED_API_KEY": ("{}", "fred-key-0123456789"),
}
TELL = """
import logging, sys
from stock_pipeline.instance.entry import begin
begin("daemon")
for word in sys.stdin.read().split():
    print("told:", word)
    logging.getLogger("anybody").warning("logged: %s", word)
"""


def test_f59_a_child_knows_the_secrets_inside_addresses_and_the_token_of_the_home(
    tmp_path: Path,
) -> None:
    home = tmp_path / "live"
    home.mkdir()
    (home / "api_token").write_text("token-kept-in-the-home")
    words = [word for _, word in SECRETS.values()] + ["token-kept-in-the-home"]
    own = {name: form.format(word) for name, (form, word) in SECRETS.items()}
    done = subprocess.run(
        [sys.executable, "-c", TELL],
        input=" ".join(words),
        env={**os.environ, **own, "STOCK_PIPELINE_HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.splitlines() == ["told: [redacted]"] * len(words)
    assert done.stderr.count("logged: [redacted]") == len(words)


@pytest.mark.parametrize("form", ["text", "json"])
def test_f59_nothing_a_child_writes_holds_a_secret(form: str, tmp_path: Path) -> None:
    environment = {**os.environ, "DART_API_KEY": CANARY, "LOG_FORMAT": form}
    done = subprocess.run(
        [sys.executable, "-c", LEAK],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    written = done.stdout + done.stderr
    for words in ("printed", "in two", "logged", "by its own handler", "ValueError"):
        assert words in written
    assert written.count("by its own handler") == 1
    assert CANARY not in written
    assert CANARY[20:] not in written


@pytest.mark.parametrize(("parent", "is_left"), [("up", False), ("somebody", True)])
def test_f42_only_a_child_of_up_ends_with_its_parent(
    parent: str, is_left: bool, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, parent], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        child = psutil.Process(int(process.stdout.readline()))
        process.kill()
    deadline = time.monotonic() + (2.5 if is_left else 15)
    while child.is_running() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert child.is_running() is is_left
    if is_left:
        child.kill()


def test_f42_a_child_whose_parent_died_before_it_began_does_not_stay(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as parent:
        parent.wait(30)
    ended = subprocess.run(
        [sys.executable, "-c", "from stock_pipeline.instance.entry import begin; begin('daemon')"],
        env={"PATH": os.environ["PATH"], "STOCK_PIPELINE_SUPERVISOR": str(parent.pid)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert f"process {parent.pid}, for which this one works, is gone" in ended.stderr
