"""The operator's handbook knows every error and names only commands that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import click
import pytest

from stock_pipeline.cli import cli

REPOSITORY = Path(__file__).parents[1]
TEXT = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
# Never raised themselves: they stand above the others.
ABOVE = {"PipelineError", "UpstreamError", "DatabaseError"}


def errors() -> list[str]:
    """Return every class of error that the package declares."""
    known, found = {"PipelineError"}, -1
    trees = [ast.parse(p.read_text("utf-8")) for p in (REPOSITORY / "stock_pipeline").rglob("*.py")]
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    while found != len(known):
        found = len(known)
        known |= {c.name for c in classes if {ast.unparse(base) for base in c.bases} & known}
    return sorted(name for name in known - ABOVE if not name.startswith("_"))


@pytest.mark.parametrize("name", errors())
def test_every_error_has_an_entry(name: str) -> None:
    assert f"`{name}`" in TEXT


def test_every_command_of_the_handbook_exists() -> None:
    named = set(re.findall(r"stock-pipeline ([a-z-]+)", TEXT))
    context = click.Context(cli)
    assert {name for name in named if cli.get_command(context, name) is None} == set()
    assert {"backup", "restore", "doctor", "watchdog", "gaps", "healthcheck", "alert"} <= named
