"""The worked example of CONTRIBUTING.md, carried out in a copy of the tree."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
FILES = re.compile(r"^`([\w/]+\.py)`:\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)

FOUND = """
from stock_pipeline import catalog, definitions, discovery, schedules

asset = next(found for found in discovery.table_assets() if found.table.name == "index_listing")
graph = definitions.defs.get_repository_def()
job = graph.get_job("weekly_listing")
assert asset.keys[0] in job.asset_layer.executable_asset_keys, "not in the job"
node = graph.asset_graph.get(asset.keys[0])
assert node.group_name == "listing" and "Grain" in node.description
assert "### `index_listing`" in catalog.render()
"""


def run(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the copy, which comes before the installed package."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        env={"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_new_table_is_the_two_files_that_the_page_shows(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(
        REPOSITORY / "stock_pipeline",
        tree / "stock_pipeline",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shown = dict(FILES.findall((REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    assert len(shown) == 2
    for name, text in shown.items():
        file = tree / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    own_test = next(name for name in shown if name.startswith("tests/"))
    ran = run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", own_test)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "5 passed" in ran.stdout
    found = run(tree, "-c", FOUND)
    assert found.returncode == 0, found.stderr
    checked = run(tree, "-m", "ruff", "check", "--isolated", "--line-length=100", *shown)
    assert checked.returncode == 0, checked.stdout
