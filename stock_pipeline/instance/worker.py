"""The process of one run: started by the launcher, gone when the run is over.

SIGTERM interrupts the collector at once; it closes its log rows, and the run ends.
"""

from __future__ import annotations

import sys

from stock_pipeline.instance.entry import begin
from stock_pipeline.instance.process import this_process


def main() -> None:
    """Execute the run whose id is the argument of the command line."""
    begin("run")
    # Imported here: Dagster's loggers take the streams that they find.
    import dagster as dg
    from dagster._cli.api import _execute_run_command_body
    from dagster._utils.interrupts import capture_interrupts

    run_id = sys.argv[1]
    with capture_interrupts(), dg.DagsterInstance.get() as instance:
        # The launcher writes the same; of two processes that change a run at once, one may undo
        # what the other wrote, and from here on only this one changes it.
        instance.add_run_tags(run_id, this_process().tag(run_id))
        _execute_run_command_body(run_id, instance, lambda _: None, set_exit_code_on_failure=False)


if __name__ == "__main__":
    main()
