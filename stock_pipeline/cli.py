"""The command line: finds the command, sets up logging, turns errors into one line and a status.

Exit status: 0 ok, 1 data wrong or partial, 2 usage, 130 interrupted.
"""

from __future__ import annotations

import importlib
import sys

import click

from stock_pipeline import logs
from stock_pipeline.errors import PipelineError
from stock_pipeline.redaction import Scrubber
from stock_pipeline.settings import Settings

# command → module of `stock_pipeline.commands`; imported only when asked for, so that help is quick
_COMMANDS = {
    "alert": "alert",
    "backfill": "collect",
    "backfill-report": "backfill_report",
    "backup": "backup",
    "collect": "collect",
    "demo": "demo",
    "doctor": "doctor",
    "export": "export",
    "gaps": "gaps",
    "healthcheck": "healthcheck",
    "init": "init",
    "mail": "mail",
    "reparse": "collect",
    "restore": "backup",
    "serve": "serve",
    "service": "service",
    "sql": "sql",
    "subscriber": "subscriber",
    "twin": "twin",
    "up": "up",
    "watchdog": "watchdog",
    "watchlist": "watchlist",
}


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"stock_pipeline.commands.{_COMMANDS[cmd_name]}")
        command = getattr(module, cmd_name.replace("-", "_"))
        return command if isinstance(command, click.Command) else None


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="stock-pipeline")
@click.pass_obj
def cli(scrubber: Scrubber | None) -> None:
    """Korean market data and the world around it, as one Dagster asset graph on PostgreSQL."""
    settings = Settings.load()
    logs.configure(settings)
    if scrubber is not None:
        scrubber.register(*settings.secrets)


def main() -> None:
    """Run the command line and leave with its status."""
    scrubber = Scrubber()
    logs.scrub_tracebacks(scrubber)
    try:
        status = cli.main(standalone_mode=False, obj=scrubber)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except PipelineError as error:
        click.echo(f"{type(error).__name__}: {error}", err=True)
        sys.exit(1)
    sys.exit(status if isinstance(status, int) else 0)


if __name__ == "__main__":
    main()
