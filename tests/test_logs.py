"""Log lines in both forms, and no secret in either."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from stock_pipeline import logs
from stock_pipeline.settings import Settings

CANARY = "canary-0123456789-canary-0123456789-0000"


@pytest.fixture(autouse=True)
def root_logger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Put the root logger back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DART_API_KEY", CANARY)
    yield
    root.handlers, root.level = handlers, level


@pytest.mark.parametrize("form", ["text", "json"])
def test_f59_a_secret_never_reaches_a_log_line(
    form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_FORMAT", form)
    logs.configure(Settings.load())
    log = logging.getLogger("stock_pipeline.example")
    log.warning("asked with %s", CANARY)
    try:
        raise ValueError(CANARY)
    except ValueError:
        log.exception("failed")
    written = capsys.readouterr().err
    assert "asked with" in written
    assert "ValueError" in written
    assert CANARY not in written


def test_json_lines_can_be_read_by_machines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_FORMAT", "json")
    logs.configure(Settings.load())
    logging.getLogger("stock_pipeline.example").warning("삼성전자 %d", 5)
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"], line["logger"]) == (
        "삼성전자 5",
        "warning",
        "stock_pipeline.example",
    )


def test_lines_below_the_level_are_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "error")
    logs.configure(Settings.load())
    logging.getLogger("stock_pipeline.example").warning("quiet")
    assert capsys.readouterr().err == ""
