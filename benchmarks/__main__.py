"""Run every benchmark, each in a process of its own: `python -m benchmarks`."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import benchmarks


def main() -> int:
    """Run the modules of this folder in the order of their names; 1 when one fails.

    The soak, which is a package, takes as long as all of them: it is run by itself.
    """
    status = 0
    found = pkgutil.iter_modules(benchmarks.__path__)
    for module in sorted(m.name for m in found if not m.ispkg):
        if module.startswith("_"):
            continue
        print(f"\n== {module}", flush=True)
        call = f"from benchmarks.{module} import main; main()"
        status |= subprocess.run([sys.executable, "-c", call], check=False).returncode
    return 1 if status else 0


sys.exit(main())
