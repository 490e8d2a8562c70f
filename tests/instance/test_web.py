"""The web server's own command: under which names it answers, and what it refuses to start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stock_pipeline.instance.web import hosts

LOCAL = {"127.0.0.1", "localhost", "[::1]"}


@pytest.mark.parametrize(
    ("host", "port", "names", "expected"),
    [
        ("127.0.0.1", 3000, [], {f"{name}:3000" for name in LOCAL}),
        ("::1", 3000, [], {f"{name}:3000" for name in LOCAL}),
        ("192.168.0.7", 3000, [], {f"{name}:3000" for name in {*LOCAL, "192.168.0.7"}}),
        # browsers leave out the port of http
        ("127.0.0.1", 80, [], LOCAL | {f"{name}:80" for name in LOCAL}),
        # behind a proxy, under its name
        ("127.0.0.1", 3000, ["Data.Example"], {"data.example", *(f"{n}:3000" for n in LOCAL)}),
    ],
)
def test_f64_the_names_of_a_server_are_listed_with_their_port(
    host: str, port: int, names: list[str], expected: set[str]
) -> None:
    assert hosts(host, port, names) == expected


def test_f62_the_web_server_does_not_listen_beyond_this_machine_without_a_token(
    tmp_path: Path,
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "stock_pipeline.instance.web", "--host=0.0.0.0", "-w", "any.yaml"],
        env={"PATH": os.environ["PATH"], "STOCK_PIPELINE_HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "API_TOKEN is not set: other machines reach 0.0.0.0" in ended.stderr
