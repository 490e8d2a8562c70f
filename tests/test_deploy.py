"""The files of a deployment name commands, options and variables that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from stock_pipeline.cli import cli
from stock_pipeline.settings import Settings

DEPLOY = Path(__file__).parents[1] / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text(encoding="utf-8"))
OURS = {name: one for name, one in COMPOSE["services"].items() if "build" in one}


def _parse(command: click.Command, arguments: list[str]) -> None:
    """Let click read the arguments; nothing is executed."""
    context = command.make_context(command.name, arguments)
    if isinstance(command, click.Group):
        name, found, rest = command.resolve_command(context, context._protected_args + context.args)
        assert found is not None, name
        _parse(found, rest)


@pytest.mark.parametrize("service", OURS.values(), ids=OURS.keys())
def test_a_container_runs_a_command_that_there_is(service: dict[str, Any]) -> None:
    _parse(cli, shlex.split(service["command"]))


def test_a_command_with_an_unknown_option_would_be_seen() -> None:
    with pytest.raises(click.UsageError):
        _parse(cli, ["serve", "daemon", "--nowhere"])


@pytest.mark.parametrize("service", OURS.values(), ids=OURS.keys())
def test_a_container_is_given_variables_that_are_read(service: dict[str, Any]) -> None:
    assert {name.lower() for name in service["environment"]} <= Settings.model_fields.keys()


def test_f42_a_new_container_of_the_daemon_knows_the_runs_of_the_old_one() -> None:
    named = {name: one["hostname"] for name, one in OURS.items() if "hostname" in one}
    # Of two containers with one name each would call the runs of the other dead.
    assert named == {"daemon": "daemon"}


def test_only_the_guarded_web_server_is_reachable_and_only_from_this_machine() -> None:
    ports = {name: one["ports"] for name, one in COMPOSE["services"].items() if "ports" in one}
    assert ports == {"web": ["127.0.0.1:3000:3000"]}


def test_no_password_stands_in_the_file() -> None:
    text = (DEPLOY / "docker-compose.yml").read_text(encoding="utf-8")
    text = re.sub(r"#.*", "", text)
    secrets = re.findall(r"(?:PASSWORD: |TOKEN: |requirepass )(\S+)", text)
    assert secrets
    assert all(secret.lstrip('"{').startswith(("${", "%s")) for secret in secrets)
