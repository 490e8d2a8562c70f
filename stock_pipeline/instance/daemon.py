"""The daemon of `up`: Dagster's own, in a process whose log has our form and no secrets."""

from __future__ import annotations

import sys

from stock_pipeline.instance.entry import LOG_FORMATS, begin


def main() -> None:
    """Evaluate schedules and sensors and start queued runs until told to end.

    The arguments of the command line are those of `dagster-daemon run`.
    """
    settings = begin("daemon")
    # Imported here: Dagster's loggers take the streams that they find.
    from dagster._daemon.cli import cli

    form = f"--log-format={LOG_FORMATS[settings.log_format]}"
    cli(["run", form, f"--log-level={settings.log_level.lower()}", *sys.argv[1:]])


if __name__ == "__main__":
    main()
