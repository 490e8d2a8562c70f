"""The code server of `up`: one process that has loaded the definitions, for daemon and web server.

`dagster code-server start` would put a second process in front of it, which only reloads code:
about 100 MB for what restarting `up` does as well.
"""

from __future__ import annotations

import sys

from stock_pipeline.instance.entry import LOG_FORMATS, begin


def main() -> None:
    """Serve the definitions over gRPC until told to end.

    The arguments of the command line are those of `dagster api grpc`.
    """
    settings = begin("code-server")
    # Imported here: Dagster's loggers take the streams that they find.
    from dagster._cli.api import grpc_command

    form = f"--log-format={LOG_FORMATS[settings.log_format]}"
    arguments = ["--module-name", "stock_pipeline.definitions", form, "--log-level=warning"]
    grpc_command([*arguments, *sys.argv[1:]])


if __name__ == "__main__":
    main()
