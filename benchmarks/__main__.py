"""Run every benchmark: `python -m benchmarks`."""

from __future__ import annotations

import importlib
import pkgutil

import benchmarks


def main() -> None:
    """Run the modules of this folder that have a `main`, in the order of their names."""
    for module in sorted(m.name for m in pkgutil.iter_modules(benchmarks.__path__)):
        if module.startswith("_"):
            continue
        run = getattr(importlib.import_module(f"benchmarks.{module}"), "main", None)
        if run is not None:
            print(f"\n== {module}")
            run()


main()
