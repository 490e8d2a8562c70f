"""`stock-pipeline serve PART`: one part of `up` in the foreground, for containers and services."""

from __future__ import annotations

import os
import sys

import click

from stock_pipeline.settings import Settings

CODE_SERVER = "127.0.0.1:4266"
# part → module of `stock_pipeline.instance`
PARTS = {
    "code-server": "code_server",
    "daemon": "daemon",
    "web": "web",
    "worker": "celery_worker",
}


@click.command()
@click.argument("part", type=click.Choice(list(PARTS)))
@click.option("--host", default="127.0.0.1", show_default=True, help="address to listen on")
@click.option("--port", type=int, help="port to listen on; default: 4266 and, for web, 3000")
@click.option(
    "--code-server", "code", default=CODE_SERVER, show_default=True, help="where the code is served"
)
@click.option("--name", "names", multiple=True, help="web: further host:port that browsers use")
def serve(part: str, host: str, port: int | None, code: str, names: tuple[str, ...]) -> None:
    """Run one part: code-server, daemon, web, or a worker that takes runs from Redis."""
    from stock_pipeline.instance.home import prepare_part

    home = prepare_part(Settings.load(), code)
    arguments = {
        "code-server": ["--host", host, "--port", str(port or 4266)],
        "daemon": ["-w", str(home.workspace)],
        "web": ["--host", host, "--port", str(port or 3000), "-w", str(home.workspace)]
        + [f"--name={name}" for name in names],
        "worker": [],
    }[part]
    module = f"stock_pipeline.instance.{PARTS[part]}"
    # In the place of this process: signals of a container reach the part itself.
    os.execve(
        sys.executable,
        [sys.executable, "-m", module, *arguments],
        {**os.environ, **home.environment},
    )
