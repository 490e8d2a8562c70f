"""`stock-pipeline service`: files that start `up` and the watchdog with the machine."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from stock_pipeline.instance.service import (
    PLATFORMS,
    Deployment,
    Service,
    ServiceFile,
    this_platform,
)
from stock_pipeline.instance.service import service as service_of
from stock_pipeline.settings import Settings

COMMAND_SECONDS = 180


@click.command()
@click.option(
    "--platform", type=click.Choice(PLATFORMS), default=this_platform, help="default: this one"
)
@click.option("--port", default=3000, show_default=True, help="port of the Dagster UI")
@click.option("--write", is_flag=True, help="put the files where the system looks for them")
@click.option("--remove", is_flag=True, help="stop the services and remove their files")
@click.option("--json", "as_json", is_flag=True, help="print an object")
def service(*, platform: str, port: int, write: bool, remove: bool, as_json: bool) -> int:
    """Print the service files of `up` and of the watchdog, and the commands that start them.

    They read keys from the .env of the folder in which this command is given.
    """
    if write and remove:
        raise click.UsageError("--write and --remove exclude each other")
    found = service_of(
        next(known for known in PLATFORMS if known == platform),
        Deployment(
            python=Path(sys.executable),
            folder=Path.cwd(),
            home=Settings.load().stock_pipeline_home.expanduser().resolve(),
            user=Path.home(),
            port=port,
        ),
        user_id=os.getuid() if hasattr(os, "getuid") else 0,
    )
    if remove:
        return _remove(found, as_json=as_json)
    if write:
        for file in found.files:
            file.path.parent.mkdir(parents=True, exist_ok=True)
            file.path.write_bytes(file.content)
    _print(found, with_content=not write, as_json=as_json)
    return 0


def _print(found: Service, *, with_content: bool, as_json: bool) -> None:
    commands = [shlex.join(command) for command in found.install]
    if as_json:
        files = {str(file.path): _text(file) for file in found.files}
        click.echo(json.dumps({"files": files, "commands": commands}, indent=1))
        return
    for file in found.files:
        click.echo(f"# {file.path}" + (f"\n{_text(file)}" if with_content else ""))
    click.echo("# commands that start them, once the files are there")
    click.echo("\n".join(commands))


def _remove(found: Service, *, as_json: bool) -> int:
    """Stop the services and delete their files; 1 when a service could not be stopped."""
    there = [file for file in found.files if file.path.exists()]
    failed = [] if not there else [c for c in found.remove if not _succeeds(c)]
    for file in there:
        file.path.unlink()
    removed = [str(file.path) for file in there]
    if as_json:
        result = {"removed": removed, "failed": [shlex.join(command) for command in failed]}
        click.echo(json.dumps(result, indent=1))
        return 1 if failed else 0
    _say_each("removed", removed or ["nothing: no such file is there"])
    _say_each("failed, end it by hand:", [shlex.join(command) for command in failed])
    return 1 if failed else 0


def _succeeds(command: tuple[str, ...]) -> bool:
    try:
        done = subprocess.run(
            command, timeout=COMMAND_SECONDS, stdout=subprocess.DEVNULL, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _say_each(word: str, things: Iterable[str]) -> None:
    for thing in things:
        click.echo(f"{word} {thing}")


def _text(file: ServiceFile) -> str:
    return file.content.decode("utf-16" if file.path.suffix == ".xml" else "utf-8")
