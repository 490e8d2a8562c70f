"""Who may change something over HTTP: the token, links that log in once, cookies of who did.

The token is `API_TOKEN`, or a file that only its owner can read, made at the first start. A browser
never holds the token: a link carries a code that is good for one use, and the login answers with a
cookie signed under the token. Another token ends every login.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from stock_pipeline.clock import Clock
from stock_pipeline.errors import PipelineError, SettingInvalid, SettingMissing
from stock_pipeline.settings import Settings

TOKEN_FILE, CODE_FOLDER, CODE_SUFFIX = "api_token", "login", ".code"
RANDOM_BYTES = 32
# Ours has 43; this many hexadecimal digits hold 16 bytes, below which a token can be guessed.
SHORTEST_TOKEN = 32
# Long enough to start a demo, have lunch and come back; the link stays in the terminal's history.
CODE_LIFE = timedelta(hours=12)
SESSION_LIFE = timedelta(days=30)


class TokenExposed(PipelineError):
    """Others on this machine can read the token."""

    severity = "CRITICAL"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} can be read by others: delete it and start again, a new one is made"
        )


class Access:
    """Tells who is known, by token, code or cookie.

    folder  the home of the mode: codes that nobody used yet lie under it
    """

    def __init__(self, token: str, folder: Path, clock: Clock) -> None:
        self._token = token
        self._codes = folder / CODE_FOLDER
        self._clock = clock

    def is_token(self, given: str) -> bool:
        """Tell whether this is the token, in a time that says nothing about how close it is."""
        return hmac.compare_digest(_digest(given), _digest(self._token))

    def new_code(self) -> str:
        """Return a code that logs in once; codes that have expired are forgotten."""
        self._codes.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self._codes.glob(f"*{CODE_SUFFIX}"):
            if self._has_expired(_content(path)):
                path.unlink(missing_ok=True)
        code = secrets.token_urlsafe(RANDOM_BYTES)
        expires = self._clock.now() + CODE_LIFE
        _write_private(self._path_of(code), expires.isoformat())
        return code

    def use_code(self, code: str) -> bool:
        """Tell whether a code is good, which it is for the first who asks."""
        path = self._path_of(code)
        expires = _content(path)
        try:
            # Of several who ask at the same time one removes the file.
            path.unlink()
        except FileNotFoundError:
            return False
        return not self._has_expired(expires)

    def new_session(self) -> str:
        """Return the value of a cookie that says: this browser logged in."""
        expires = int((self._clock.now() + SESSION_LIFE).timestamp())
        what = f"{secrets.token_urlsafe(RANDOM_BYTES)}.{expires}"
        return f"{what}.{self._signature(what)}"

    def is_session(self, cookie: str) -> bool:
        """Tell whether a cookie was given out here and is still good."""
        what, _, signature = cookie.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(what).encode()):
            return False
        return self._clock.now().timestamp() < int(what.rpartition(".")[2])

    def _signature(self, what: str) -> str:
        key = hmac.digest(self._token.encode(), b"cookie of a login", "sha256")
        return hmac.new(key, what.encode(), "sha256").hexdigest()

    def _path_of(self, code: str) -> Path:
        # Named after its hash: who can list the folder learns no code.
        return self._codes / f"{_digest(code).hex()}{CODE_SUFFIX}"

    def _has_expired(self, expires: str) -> bool:
        return not expires or self._clock.now() >= datetime.fromisoformat(expires)


def access_to(settings: Settings, clock: Clock) -> Access:
    """Return what decides who is known in the home of these settings.

    Raises  SettingInvalid for a short API_TOKEN, TokenExposed
    """
    return Access(token(settings), settings.home, clock)


def login_link(settings: Settings, clock: Clock, origin: str) -> str:
    """Return a link that logs a browser in, once.

    origin  scheme, host and port of the web server, as the browser will name them
    """
    # What stands behind the # stays in the browser: no server, proxy or referrer sees it.
    return f"{origin}/login#{access_to(settings, clock).new_code()}"


def token(settings: Settings) -> str:
    """Return API_TOKEN, or the token kept in the home, which is made if there is none.

    Raises  SettingInvalid for a short API_TOKEN, TokenExposed
    """
    if settings.api_token is not None:
        given = settings.api_token.get_secret_value()
        if len(given) < SHORTEST_TOKEN:
            raise SettingInvalid("API_TOKEN", f"use at least {SHORTEST_TOKEN} random characters")
        return given
    path = settings.home / TOKEN_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        _write_private(path, secrets.token_urlsafe(RANDOM_BYTES))
    # Windows keeps access lists instead of these bits.
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise TokenExposed(path)
    return path.read_text(encoding="ascii")


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """Return every secret of a process: those of the settings and the token kept in the home."""
    kept = _content(settings.home / TOKEN_FILE)
    return (*settings.secrets, kept) if kept else settings.secrets


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a server that listens there."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def require_token_beyond_loopback(settings: Settings, host: str) -> None:
    """Refuse to listen where other machines can reach us unless a token was chosen for that.

    Raises  SettingMissing
    """
    if settings.api_token is None and not is_loopback(host):
        raise SettingMissing(
            "API_TOKEN", f"other machines reach {host}: set a token, or listen on 127.0.0.1"
        )


def _digest(text: str) -> bytes:
    # JSON can hold half a character.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        return ""


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole from its first moment, and never twice."""
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    # Another process may have made the same file meanwhile: then that one counts.
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(new)
    new.unlink()
