"""Service files say what the systems ask for, whatever the paths look like."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from stock_pipeline.instance.service import PLATFORMS, Deployment, service

DEPLOYMENT = Deployment(
    python=Path("/opt/pipe/bin/python"),
    folder=Path("/srv/pipe"),
    home=Path("/srv/pipe/state"),
    user=Path("/home/kim"),
    port=3100,
)
TASK = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def texts(platform: str, deployment: Deployment = DEPLOYMENT) -> dict[str, bytes]:
    found = service(next(p for p in PLATFORMS if p == platform), deployment, user_id=501)
    return {file.path.as_posix(): file.content for file in found.files}


def test_systemd_restarts_up_and_gives_it_time_to_stop() -> None:
    unit = texts("systemd")["/home/kim/.config/systemd/user/stock-pipeline.service"].decode()
    assert "ExecStart=/opt/pipe/bin/python -m stock_pipeline.cli up --port 3100\n" in unit
    assert "WorkingDirectory=/srv/pipe\n" in unit
    assert "Environment=STOCK_PIPELINE_HOME=/srv/pipe/state PYTHONUTF8=1\n" in unit
    assert {"Restart=on-failure", "KillMode=mixed", "TimeoutStopSec=120"} <= set(unit.split("\n"))


def test_systemd_runs_the_watchdog_every_minute() -> None:
    files = texts("systemd")
    folder = "/home/kim/.config/systemd/user/stock-pipeline-watchdog"
    assert "-m stock_pipeline.cli watchdog\n" in files[f"{folder}.service"].decode()
    assert "OnUnitActiveSec=60\n" in files[f"{folder}.timer"].decode()


@pytest.mark.parametrize(
    ("folder", "written"),
    [
        ("/srv/my pipe", '"STOCK_PIPELINE_HOME=/srv/my pipe"'),  # a blank ends a word
        ("/srv/100%", '"STOCK_PIPELINE_HOME=/srv/100%%"'),  # % begins a specifier
        ('/srv/"x"', '"STOCK_PIPELINE_HOME=/srv/\\"x\\""'),
        ("/srv/$x", "STOCK_PIPELINE_HOME=/srv/$x"),  # no variables in Environment=
    ],
)
def test_systemd_words_are_quoted(folder: str, written: str) -> None:
    unit = texts("systemd", replace(DEPLOYMENT, home=Path(folder)))
    assert f"Environment={written} PYTHONUTF8=1\n".encode() in next(iter(unit.values()))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd on this machine")
def test_systemd_itself_finds_nothing_wrong(tmp_path: Path) -> None:
    home = tmp_path / 'a "b" 100% $c'
    deployment = replace(DEPLOYMENT, python=Path(sys.executable), folder=tmp_path, home=home)
    paths = []
    for name, content in texts("systemd", deployment).items():
        paths.append(tmp_path / Path(name).name)
        paths[-1].write_bytes(content)
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", *paths],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_launchd_keeps_up_alive_and_runs_the_watchdog_every_minute() -> None:
    up, watchdog = (plistlib.loads(content) for content in texts("launchd").values())
    assert up["ProgramArguments"][-4:] == ["stock_pipeline.cli", "up", "--port", "3100"]
    assert (up["KeepAlive"], up["RunAtLoad"], up["ExitTimeOut"]) == (True, True, 120)
    assert watchdog["ProgramArguments"][-1] == "watchdog"
    assert watchdog["StartInterval"] == 60


def test_f59_what_launchd_writes_is_for_its_user_only() -> None:
    plists = [plistlib.loads(text) for text in texts("launchd").values()]
    assert {plist["Umask"] for plist in plists} == {0o077}


def test_launchd_is_told_whose_services_they_are() -> None:
    found = service("launchd", DEPLOYMENT, user_id=501)
    path = "/home/kim/Library/LaunchAgents/io.github.stock-pipeline.up.plist"
    assert found.install[0] == ("launchctl", "bootstrap", "gui/501", path)
    assert found.remove[0] == ("launchctl", "bootout", "gui/501", path)


def test_windows_starts_up_at_logon_without_a_time_limit() -> None:
    content = texts("windows")["/srv/pipe/state/service/stock-pipeline.xml"]
    task = ET.fromstring(content.decode("utf-16"))
    assert task.find(f"{TASK}Triggers/{TASK}LogonTrigger") is not None
    assert task.findtext(f"{TASK}Settings/{TASK}ExecutionTimeLimit") == "PT0S"
    action = f"{TASK}Actions/{TASK}Exec/{TASK}"
    assert task.findtext(f"{action}Arguments") == "-m stock_pipeline.cli up --port 3100"
    assert task.findtext(f"{action}WorkingDirectory") == "/srv/pipe"


def test_windows_repeats_the_watchdog_every_minute() -> None:
    content = texts("windows")["/srv/pipe/state/service/stock-pipeline-watchdog.xml"]
    task = ET.fromstring(content.decode("utf-16"))
    trigger = f"{TASK}Triggers/{TASK}LogonTrigger/{TASK}Repetition/{TASK}Interval"
    assert task.findtext(trigger) == "PT1M"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_no_key_is_in_any_file(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DART_API_KEY", "canary-0123456789")
    assert not any(b"canary" in content for content in texts(platform).values())
