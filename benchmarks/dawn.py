"""The dawn once: liquidity, crypto and news after each other, each run in a process of its own.

Crypto has two runs, the running UTC day and the one before it; of that the database knows nothing
here, so that each coin costs a chart, as after a missed dawn.

The upstreams are the twin, which is asked without any pace; the time it takes to answer is not
ours. What polite pacing adds follows from its request log: each request is put off until the pace
of its upstream allows it, and everything behind it with it.

Claims: the runs take at most 60 s of our own time, and at most 300 s with polite pacing.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import time as hour_of_day
from datetime import timedelta
from pathlib import Path

from stock_pipeline import discovery
from stock_pipeline.clock import SystemClock
from stock_pipeline.instance.execute import run_partitions
from stock_pipeline.instance.home import open_instance
from stock_pipeline.partitions import current_key
from stock_pipeline.settings import Settings
from stock_pipeline.sources.alternative_me import ALTERNATIVE_ME
from stock_pipeline.sources.coingecko import COINGECKO
from stock_pipeline.sources.defillama import DEFILLAMA
from stock_pipeline.sources.fed import FED
from stock_pipeline.sources.fred import FRED
from stock_pipeline.sources.google_news import GOOGLE_NEWS
from stock_pipeline.sources.yahoo import YAHOO
from stock_pipeline.storage import embedded
from stock_pipeline.twin.command import Setup, build_twin
from stock_pipeline.twin.environment import child_environment
from stock_pipeline.twin.request_log import LoggedRequest

# Job, and how many days before the newest that can be asked for.
RUNS = (("liquidity_dawn", 0), ("crypto_dawn", 1), ("crypto_dawn", 0), ("news_dawn", 0))
ASKED = (FRED, YAHOO, GOOGLE_NEWS, FED, COINGECKO, DEFILLAMA, ALTERNATIVE_ME)
# The twin calls an upstream by the name of its module.
PACES = {upstream.name.lower(): upstream.pace for upstream in ASKED}
OWN_LIMIT, POLITE_LIMIT = 60.0, 300.0
COMPANIES = 300  # only the news know them here


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        database_url = embedded.start(Path(folder) / "database")
        with build_twin(Setup(Path(folder) / "twin", companies=COMPANIES)) as twin:
            environment = child_environment(twin) | {
                "DATABASE_URL": database_url,
                "STOCK_PIPELINE_HOME": folder,
                "STOCK_PIPELINE_MODE": "demo",
                "PACE_FACTOR": "0",
            }
            call("prepare()", environment)
            seconds = [call(f"collect({job!r}, {back})", environment) for job, back in RUNS]
            heard = twin.requests
    print_figures(seconds, heard)


def call(statement: str, environment: Mapping[str, str]) -> float:
    """Execute a function of this module in a process of its own; return the seconds it took."""
    program = f"from benchmarks import dawn; dawn.{statement}"
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], env=dict(environment), check=True)
    return time.perf_counter() - start


def prepare() -> None:
    """Create the tables, which are there long before a dawn."""
    with open_instance(Settings.load()):
        pass


def collect(job: str, back: int) -> None:
    """Collect all tables of a job for the newest day that can be asked for, or days before it."""
    works = [found.work for found in discovery.table_assets() if found.cadence == job]
    opening = max((work.not_before for work in works if work.not_before), default=hour_of_day())
    now = SystemClock().now() - timedelta(hours=opening.hour)
    day = current_key(works[0].partitions or "", now) - timedelta(days=back)
    with open_instance(Settings.load()) as opened:
        names = [work.table.name for work in works]
        run = run_partitions(opened.instance, names, [day.isoformat()])
    if not run.success:
        raise SystemExit(f"the run of {job} failed")


def print_figures(seconds: Sequence[float], heard: Sequence[LoggedRequest]) -> None:
    """Print the time of each run, and both sums as ratios to their limits."""
    for (job, _), taken in zip(RUNS, seconds, strict=True):
        print(f"{job:<20} {taken:6.1f} s, process and all")
    answers = sum(request.seconds for request in heard)
    own = sum(seconds) - answers
    polite = own + put_off(heard)
    print(f"{len(heard)} requests, answered by the twin in {answers:.1f} s")
    print(f"our own time         {own:6.1f} s, ratio {own / OWN_LIMIT:.2f} (claim: at most 1)")
    print(f"with polite pacing   {polite:6.1f} s, ratio {polite / POLITE_LIMIT:.2f} (at most 1)")


def put_off(heard: Sequence[LoggedRequest]) -> float:
    """Return the seconds by which the last request would be later if all paces were kept."""
    late, free_at = 0.0, dict.fromkeys(PACES, 0.0)
    for request in sorted(heard, key=lambda request: request.at):
        ready = request.at.timestamp() + late
        slot = max(ready, free_at[request.upstream])
        free_at[request.upstream] = slot + PACES[request.upstream]
        late += slot - ready
    return late


if __name__ == "__main__":
    main()
