"""What gets installed: exact versions with hashes, from the registry, each with a reason."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
# One requirement and its continuation lines.
ENTRIES = re.split(r"\n(?=\S)", LOCK.strip())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return re.sub(r"[._-]+", "-", found[0]).lower()


@pytest.mark.parametrize("entry", ENTRIES, ids=_name)
def test_f69_every_library_is_pinned_with_hashes(entry: str) -> None:
    first, *hashes = (line.strip(" \\") for line in entry.splitlines())
    assert re.fullmatch(r"[a-z0-9._-]+(\[[a-z0-9,._-]+\])?==[\w.!+-]+( ; .+)?", first)
    assert hashes
    assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", line) for line in hashes)


def test_f69_nothing_comes_from_an_address_or_a_repository() -> None:
    assert not re.search(r"://|git\+|--index|--find-links|@ ", LOCK)


@pytest.mark.parametrize(
    "file", ["Makefile", "README.md", "deploy/Dockerfile"], ids=["make", "readme", "image"]
)
def test_f69_the_lock_is_installed_with_its_hashes_and_nothing_beside_it(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    installs = [line for line in text.splitlines() if "-r requirements.lock" in line]
    assert installs
    assert all("--require-hashes" in line and "--no-deps" in line for line in installs)


def test_every_direct_dependency_is_locked() -> None:
    groups = PROJECT["optional-dependencies"].values()
    direct = {_name(one) for group in [PROJECT["dependencies"], *groups] for one in group}
    assert direct <= {_name(entry) for entry in ENTRIES}
