"""The environment in which a command meets the twin instead of the internet.

Lower-case proxy variables win over upper-case ones in `requests` and `urllib` and are the only ones
gRPC reads, which Dagster uses on loopback: they are removed, upper-case ones are set. `requests`
reads `REQUESTS_CA_BUNDLE`, `urllib` reads `SSL_CERT_FILE` and `SSL_CERT_DIR`: all three point at
the twin alone, so no other TLS host is trusted.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Protocol

REMOVED = frozenset({"CURL_CA_BUNDLE", "ALL_PROXY", "all_proxy", "ftp_proxy"}) | {
    "https_proxy",
    "http_proxy",
    "no_proxy",
}
# An account or key of each upstream, in its real length, that the twin accepts.
ACCEPTED_KEYS = {
    "KRX_ID": "twin",
    "KRX_PW": "twin",
    "KRX_OPENAPI_KEY": "TWIN" * 10,
    "DART_API_KEY": "twin" * 10,
    "FSC_API_KEY": "twin" * 16,
    "FSS_API_KEY": "twin" * 8,
    "FRED_API_KEY": "twin" * 8,
    "COINGECKO_API_KEY": "CG-twin",
}
NOT_FOUND = 127
NOT_EXECUTABLE = 126
FORWARDED = (signal.SIGINT, signal.SIGTERM)


class Surroundings(Protocol):
    """Whatever knows the variables a command needs: the twin."""

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the variables to set over those of the base."""


def twin_variables(port: int, authority: Path, no_certificates: Path) -> dict[str, str]:
    """Return the variables that lead every client of this pipeline to the twin."""
    proxy = f"http://127.0.0.1:{port}"
    return {
        "HTTPS_PROXY": proxy,
        "HTTP_PROXY": proxy,
        "NO_PROXY": "localhost,127.0.0.1,::1",
        "REQUESTS_CA_BUNDLE": str(authority),
        "SSL_CERT_FILE": str(authority),
        "SSL_CERT_DIR": str(no_certificates),
    }


def missing_keys(base: Mapping[str, str]) -> dict[str, str]:
    """Return an accepted value for every account and key that is not set, or set to nothing."""
    return {name: value for name, value in ACCEPTED_KEYS.items() if not base.get(name)}


def child_environment(twin: Surroundings, base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the whole environment of a child: the base without what would lead past the twin."""
    inherited = os.environ if base is None else base
    kept = {name: value for name, value in inherited.items() if name not in REMOVED}
    return kept | twin.environment(kept)


def run(
    command: Sequence[str], twin: Surroundings, defaults: Mapping[str, str] | None = None
) -> int:
    """Run a command in the twin's environment and return its exit status.

    defaults  further variables for the command, where they are not set
    Returns   128 + n when signal n ended it, 127 when there is no such command (as a shell does)
    """
    variables = dict(defaults or {}) | child_environment(twin)
    with _caught_signals() as caught:
        try:
            child = subprocess.Popen(list(command), env=variables)
        except FileNotFoundError:
            sys.stderr.write(f"{command[0]}: command not found\n")
            return NOT_FOUND
        except PermissionError:
            sys.stderr.write(f"{command[0]}: not executable\n")
            return NOT_EXECUTABLE
        caught.forward_to(child)
        status = child.wait()
    return status if status >= 0 else 128 - status


class _Signals:
    """Signals on their way to a child, kept until there is one."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._waiting: list[int] = []
        # A terminal sends Ctrl-C to its whole foreground group: the child has it already.
        self._terminal = _in_foreground()

    def catch(self, number: int, frame: FrameType | None) -> None:
        """Pass a signal on, now or when the child has started."""
        if number == signal.SIGINT and self._terminal:
            return
        if self._child is None:
            self._waiting.append(number)
        else:
            self._child.send_signal(number)

    def forward_to(self, child: subprocess.Popen[bytes]) -> None:
        """Name the child; what was caught before goes to it now."""
        self._child = child
        while self._waiting:
            child.send_signal(self._waiting.pop(0))


@contextlib.contextmanager
def _caught_signals() -> Iterator[_Signals]:
    """Catch what would end this process, for as long as the context lasts."""
    signals = _Signals()
    if threading.current_thread() is not threading.main_thread():
        # Only the main thread may set handlers; elsewhere the caller answers for signals.
        yield signals
        return
    previous = {number: signal.signal(number, signals.catch) for number in FORWARDED}
    try:
        yield signals
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _in_foreground() -> bool:
    """Tell whether a terminal's Ctrl-C reaches this process and its children by itself."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
