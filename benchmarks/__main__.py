"""Run every benchmark, each in a process of its own: `python -m benchmarks`."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import benchmarks


def main() -> int:
    """Run the modules of this folder in the order of their names; 1 when one fails."""
    status = 0
    for module in sorted(m.name for m in pkgutil.iter_modules(benchmarks.__path__)):
        if module.startswith("_"):
            continue
        print(f"\n== {module}", flush=True)
        call = f"from benchmarks.{module} import main; main()"
        status |= subprocess.run([sys.executable, "-c", call], check=False).returncode
    return 1 if status else 0


sys.exit(main())
