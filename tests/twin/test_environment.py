"""The environment of a command, its exit status, and the signals that reach it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from stock_pipeline.twin.environment import ACCEPTED_KEYS, child_environment, missing_keys, run
from stock_pipeline.twin.server import Twin

Start = Callable[..., Twin]
PROXIES = ("https_proxy", "http_proxy", "no_proxy", "all_proxy", "ALL_PROXY", "CURL_CA_BUNDLE")


class Elsewhere:
    """Surroundings without a twin."""

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return one variable."""
        return {"HTTPS_PROXY": "http://127.0.0.1:9"}


def test_upper_case_proxies_are_set_and_lower_case_ones_removed(start: Start) -> None:
    twin = start()
    base = dict.fromkeys(PROXIES, "http://elsewhere.example") | {"HOME": "/home/a"}
    variables = child_environment(twin, base)
    assert variables["HTTPS_PROXY"] == variables["HTTP_PROXY"] == f"http://127.0.0.1:{twin.port}"
    assert variables["NO_PROXY"] == "localhost,127.0.0.1,::1"
    assert variables["HOME"] == "/home/a"
    assert not set(PROXIES) & set(variables)


def test_nothing_but_the_twins_authority_is_trusted(start: Start) -> None:
    variables = start().environment({})
    assert variables["REQUESTS_CA_BUNDLE"] == variables["SSL_CERT_FILE"]
    assert Path(variables["SSL_CERT_FILE"]).read_text().count("BEGIN CERTIFICATE") == 1
    assert list(Path(variables["SSL_CERT_DIR"]).iterdir()) == []


@pytest.mark.parametrize(
    ("base", "kept"),
    [
        ({}, False),  # absent
        ({"DART_API_KEY": ""}, False),  # as copied from the example file
        ({"DART_API_KEY": "mine"}, True),  # the user's own
    ],
)
def test_key_is_only_given_where_none_is_set(base: dict[str, str], kept: bool) -> None:
    assert ("DART_API_KEY" not in missing_keys(base)) is kept


@pytest.mark.parametrize(
    ("name", "length"), [("DART_API_KEY", 40), ("FSS_API_KEY", 32), ("FRED_API_KEY", 32)]
)
def test_given_keys_have_their_real_length(name: str, length: int) -> None:
    assert len(ACCEPTED_KEYS[name]) == length


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ([sys.executable, "-c", "pass"], 0),
        ([sys.executable, "-c", "raise SystemExit(7)"], 7),
        ([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], 137),  # 128 + 9
        (["no-such-command-anywhere"], 127),
        ([os.devnull], 126),  # not executable
    ],
)
def test_exit_status_is_the_commands(command: list[str], status: int) -> None:
    assert run(command, Elsewhere()) == status


def test_command_sees_the_environment_and_the_defaults(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRESENT", "mine")
    monkeypatch.setenv("https_proxy", "http://elsewhere.example")
    code = (
        "import os; names = ('HTTPS_PROXY', 'https_proxy', 'PRESENT', 'ABSENT');"
        "print(*(os.environ.get(name) for name in names))"
    )
    run([sys.executable, "-c", code], Elsewhere(), {"PRESENT": "default", "ABSENT": "default"})
    assert capfd.readouterr().out == "http://127.0.0.1:9 None mine default\n"


# Waits for a signal in the child and says which one came.
CHILD = (
    "import signal, sys;"
    "signals = {signal.SIGINT, signal.SIGTERM};"
    "signal.pthread_sigmask(signal.SIG_BLOCK, signals);"
    "print('ready', flush=True);"
    "sys.exit(100 + signal.sigwait(signals))"
)
PARENT = (
    "import sys; from stock_pipeline.twin.environment import run;"
    "from types import SimpleNamespace;"
    "twin = SimpleNamespace(environment=lambda base: {});"
    f"sys.exit(run([sys.executable, '-c', {CHILD!r}], twin))"
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_reaches_the_command_and_its_status_comes_back(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdout=subprocess.PIPE,
        start_new_session=True,  # without a terminal, which would signal the child itself
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        parent.send_signal(number)
        assert parent.wait(timeout=10) == 100 + number


def test_handlers_are_given_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    run([sys.executable, "-c", "pass"], Elsewhere())
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_command_runs_in_any_thread() -> None:
    statuses: list[int] = []
    command = [sys.executable, "-c", "raise SystemExit(3)"]
    thread = threading.Thread(target=lambda: statuses.append(run(command, Elsewhere())))
    thread.start()
    thread.join(timeout=10)
    assert statuses == [3]
