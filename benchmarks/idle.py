"""`up` on an empty demo database: how soon it is ready, and what it takes while idle.

Memory is proportional: what processes share is counted once. Of PostgreSQL its shared buffers are
left out: they belong to the data, and their size is a setting.

Claims: ready within 30 s of the first start, also of the second; at most 800 MB when idle; stopped
within 20 s.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from stock_pipeline.instance.preflight import HOST, free_port
from stock_pipeline.instance.readiness import beats

READY_LIMIT, STOP_LIMIT = 30.0, 20.0
MEMORY_LIMIT = 800.0
# After this time every daemon has looked at everything once.
SETTLED_SECONDS = 60.0
TRIES_SECONDS = 180.0


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        first, _, _ = measure(Path(folder), settle=0)
        second, memory, stopped = measure(Path(folder), settle=SETTLED_SECONDS)
    for name, megabytes in memory.items():
        print(f"{name:<24} {megabytes:6.0f} MB")
    together = sum(memory.values())
    print(f"ready, first start       {first:6.1f} s   limit {READY_LIMIT:.0f}")
    print(f"ready, second start      {second:6.1f} s   limit {READY_LIMIT:.0f}")
    print(f"stopped                  {stopped:6.1f} s   limit {STOP_LIMIT:.0f}")
    print(f"idle                     {together:6.0f} MB  limit {MEMORY_LIMIT:.0f}")
    if max(first, second) > READY_LIMIT or together > MEMORY_LIMIT or stopped > STOP_LIMIT:
        raise SystemExit("`up` is too slow or too large")


def measure(folder: Path, *, settle: float) -> tuple[float, dict[str, float], float]:
    """Start `up` and stop it; return seconds to ready, megabytes by process, seconds to stop."""
    port = free_port()
    environment = {
        **os.environ,
        "STOCK_PIPELINE_HOME": str(folder),
        "STOCK_PIPELINE_MODE": "demo",
        "DATABASE_URL": "",
    }
    command = [sys.executable, "-m", "stock_pipeline.cli", "up", "--port", str(port)]
    began, started_at = time.perf_counter(), time.time()
    up = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        while not beats(HOST, port, since=started_at):
            if up.poll() is not None or time.perf_counter() - began > TRIES_SECONDS:
                raise SystemExit("`up` did not become ready")
            time.sleep(0.2)
        ready = time.perf_counter() - began
        time.sleep(settle)
        memory = megabytes(up.pid, folder / "demo" / "postgres")
    finally:
        began = time.perf_counter()
        up.send_signal(signal.SIGTERM)
        up.wait()
    return ready, memory, time.perf_counter() - began


def megabytes(pid: int, data: Path) -> dict[str, float]:
    """Return what each process of `up` takes, and those of PostgreSQL together."""
    up = psutil.Process(pid)
    found = {name_of(process): _megabytes(process) for process in [up, *up.children()]}
    server = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
    family = [server, *server.children(recursive=True)]
    found["postgres, unshared"] = sum(_megabytes(process) for process in family)
    return found


def name_of(process: psutil.Process) -> str:
    """Return the name of the module that a process of ours runs."""
    module = next((part for part in process.cmdline() if part.startswith("stock_pipeline.")), "")
    return module.rpartition(".")[2].replace("cli", "up")


def _megabytes(process: psutil.Process) -> float:
    """Return the proportional memory of a process without what the kernel calls shared memory."""
    try:
        rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0  # the end of a connection, just now
    kilobytes = {line.split(":")[0]: line.split()[1] for line in rollup.splitlines()[1:]}
    return (int(kilobytes["Pss"]) - int(kilobytes["Pss_Shmem"])) / 1024


if __name__ == "__main__":
    main()
