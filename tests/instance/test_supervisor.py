"""What `up` refuses before it starts anything, and how it finds its ports."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from stock_pipeline.errors import SettingInvalid
from stock_pipeline.instance.readiness import is_healthy, serves_code
from stock_pipeline.instance.supervisor import HOST, free_port, require_free, up
from stock_pipeline.settings import Settings


def test_a_port_on_which_somebody_listens_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SettingInvalid, match=f"--port: {port} is taken"):
            require_free(port)


def test_a_port_is_usable_again_at_once() -> None:
    require_free(free_port())


def test_up_starts_nothing_when_its_port_is_taken(tmp_path: Path) -> None:
    settings = Settings(stock_pipeline_home=tmp_path, _env_file=None)
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        with pytest.raises(SettingInvalid):
            up(settings, port=taken.getsockname()[1])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("question", [serves_code, is_healthy])
def test_nobody_listening_is_not_ready(question: Callable[[str, int], bool]) -> None:
    assert question(HOST, free_port()) is False
