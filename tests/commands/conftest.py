"""What the tests of commands share: an environment that leads to a home of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from stock_pipeline.settings import Settings
from stock_pipeline.storage.database import Database


@pytest.fixture
def home(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the environment that of a home of its own, and return its folder."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database.url)
    monkeypatch.setenv("STOCK_PIPELINE_HOME", str(tmp_path))
    monkeypatch.setenv("STOCK_PIPELINE_MODE", "live")
    return tmp_path / "live"
