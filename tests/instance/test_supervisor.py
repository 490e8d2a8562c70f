"""`up` before it starts anything: the token is good, and there for every child to know."""

from __future__ import annotations

from pathlib import Path

import pytest

from stock_pipeline.errors import SettingInvalid
from stock_pipeline.instance import supervisor
from stock_pipeline.instance.access import TOKEN_FILE
from stock_pipeline.instance.preflight import free_port
from stock_pipeline.settings import Settings


class Prepared(Exception):
    """It went on to the database."""


@pytest.fixture(autouse=True)
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare(_: Settings) -> None:
        raise Prepared

    monkeypatch.setattr(supervisor, "prepare", prepare)


def test_f59_the_token_is_made_before_any_child_begins(tmp_path: Path) -> None:
    settings = Settings(stock_pipeline_home=tmp_path, _env_file=None)
    with pytest.raises(Prepared):
        supervisor.up(settings, port=free_port())
    assert (settings.home / TOKEN_FILE).is_file()


def test_f62_a_token_that_can_be_guessed_starts_nothing(tmp_path: Path) -> None:
    settings = Settings(stock_pipeline_home=tmp_path, api_token="short", _env_file=None)
    with pytest.raises(SettingInvalid, match="API_TOKEN"):
        supervisor.up(settings, port=free_port())
