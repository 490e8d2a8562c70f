"""`stock-pipeline service`: prints, writes and takes away what starts it with the machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stock_pipeline.commands.service import service

UNITS = ["stock-pipeline.service", "stock-pipeline-watchdog.service"]
UNITS += ["stock-pipeline-watchdog.timer"]


@pytest.fixture
def control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a `systemctl` first that notes its arguments and fails when told to."""
    program = tmp_path / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/called\ntest ! -e {tmp_path}/refuse\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("STOCK_PIPELINE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(service, ["--platform", "systemd", *arguments], standalone_mode=False)


def units(home: Path) -> list[str]:
    return sorted(path.name for path in (home / ".config/systemd/user").glob("*"))


def test_files_and_commands_are_printed_and_nothing_is_done(control: Path) -> None:
    printed = run().output
    assert f"# {control}/.config/systemd/user/stock-pipeline.service\n[Unit]" in printed
    assert f"STOCK_PIPELINE_HOME={control}/state" in printed
    assert "systemctl --user enable --now stock-pipeline.service" in printed
    assert units(control) == []
    assert not (control / "called").exists()


def test_what_is_written_is_removed_again(control: Path) -> None:
    run("--write")
    assert units(control) == sorted(UNITS)
    done = run("--remove")
    assert (done.return_value, units(control)) == (0, [])
    called = (control / "called").read_text()
    assert called == f"--user disable --now {UNITS[0]} {UNITS[2]}\n"


def test_a_service_that_cannot_be_stopped_is_told(control: Path) -> None:
    run("--write")
    (control / "refuse").touch()
    done = run("--remove")
    assert done.return_value == 1
    assert "failed, end it by hand: systemctl --user disable" in done.output


def test_nothing_to_remove_is_no_failure(control: Path) -> None:
    done = run("--remove", "--json")
    assert (done.return_value, json.loads(done.output)) == (0, {"removed": [], "failed": []})
    assert not (control / "called").exists()


@pytest.mark.parametrize("platform", ["systemd", "launchd", "windows"])
def test_machines_get_the_files_as_an_object(platform: str, control: Path) -> None:
    done = CliRunner().invoke(service, ["--platform", platform, "--json"], standalone_mode=False)
    found = json.loads(done.output)
    assert any("stock_pipeline.cli" in text for text in found["files"].values())
    assert found["commands"]


def test_writing_and_removing_at_once_is_a_mistake(control: Path) -> None:
    done = CliRunner().invoke(service, ["--write", "--remove"])
    assert done.exit_code == 2
