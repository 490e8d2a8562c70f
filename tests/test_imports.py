"""Loading the definitions: no network, no environment, none of the slow libraries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# Each takes a third of a second or more, and pykrx logs in over the network when imported.
HEAVY = ("pandas", "pykrx", "FinanceDataReader", "numba", "exchange_calendars", "holidays")

LOAD = f"""
import os, socket, sys

def refuse(*args, **kwargs):
    raise AssertionError("a socket was opened while importing")

socket.socket.connect = refuse
socket.socket.bind = refuse
socket.getaddrinfo = refuse

import importlib, pkgutil
import stock_pipeline
from stock_pipeline.definitions import defs

import dagster as dg
dg.Definitions.validate_loadable(defs)
for module in pkgutil.walk_packages(stock_pipeline.__path__, "stock_pipeline."):
    importlib.import_module(module.name)
print(sorted(set({HEAVY!r}) & set(sys.modules)))
"""


def test_definitions_load_without_network_environment_or_slow_libraries(tmp_path: Path) -> None:
    loaded = subprocess.run(
        [sys.executable, "-I", "-c", LOAD],
        env={},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.splitlines()[-1] == "[]"
    assert list(tmp_path.iterdir()) == []
