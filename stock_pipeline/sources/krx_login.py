"""pykrx under guard: imported without an account, logged in once, every answer inspected.

pykrx logs in while it is imported when it finds KRX_ID and KRX_PW, prints the login id, keeps its
session in a module and never notices that it ended. Here it is imported without the two variables
and given a session of ours whose adapter raises for a log-out, the block page, an outage page and
everything else that is not JSON. None of our errors is of a kind that pykrx swallows.
"""

from __future__ import annotations

import io
import os
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import requests

from stock_pipeline.errors import (
    AuthError,
    BadPayload,
    NetworkError,
    ServerError,
    SettingMissing,
    UpstreamError,
)
from stock_pipeline.sources.transport import Transport, Upstream
from stock_pipeline.sources.transport_decode import declared_type, read_json, read_text, require_ok
from stock_pipeline.sources.transport_decode import sample as sample_of
from stock_pipeline.sources.transport_wire import Answer, last_path_part

LOGIN = "MDCCOMS001D1"
STATISTICS = "MDCSTAT"
OUTAGE = re.compile(r"service unavailable|temporar|일시적", re.IGNORECASE)
REFUSED = {"CD010": "the password must be changed, which KRX demands every 3 months"}

_ENVIRONMENT = threading.Lock()


@dataclass(frozen=True)
class Account:
    """An account at data.krx.co.kr."""

    user: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True)
class Answered:
    """What pykrx made of an answer, and the answer itself."""

    frame: Any
    answer: Answer
    fetched_at: datetime


class LoggedOut(AuthError):
    """The login at KRX has ended."""


class PykrxClient:
    """Runs pykrx's requests over one guarded session; at most two logins in its life."""

    def __init__(self, transport: Transport, upstream: Upstream, account: Account | None) -> None:
        self._transport = transport
        self._upstream = upstream
        self._account = account
        self._lock = threading.Lock()
        self._session: requests.Session | None = None
        self._was_logged_out = False
        self._login_code = ""
        self._last: tuple[Answer, datetime] | None = None
        if account is not None:
            transport.scrubber.register(account.user, account.password)

    def ask(self, action: Callable[[], Any]) -> Answered:
        """Run one of pykrx's requests; log in before the first, and once again when logged out.

        Raises  AuthError when the account is refused or loses its session a second time
        """
        try:
            with self._lock:
                return self._ask(action)
        except LoggedOut as error:
            detail = "logged out again after a new login"
            failure: UpstreamError = AuthError("KRX", error.operation, detail, setting="KRX_PW")
        except requests.RequestException as error:
            failure = NetworkError(self._upstream.name, "pykrx", type(error).__name__)
        raise failure

    def _ask(self, action: Callable[[], Any]) -> Answered:
        if self._session is None:
            self._log_in()
        try:
            return self._answered(action)
        except LoggedOut:
            if self._was_logged_out:
                raise
        # One account has one session: a login elsewhere ended ours. Taking it back a second time
        # would only make two programs throw each other out.
        self._was_logged_out = True
        self._log_in()
        return self._answered(action)

    def _answered(self, action: Callable[[], Any]) -> Answered:
        self._last = None
        frame = action()
        if self._last is None:
            raise BadPayload(self._upstream.name, "pykrx", "no answer was asked for")
        answer, fetched_at = self._last
        return Answered(frame, answer, fetched_at)

    def _log_in(self) -> None:
        if self._account is None:
            where = "register at https://data.krx.co.kr, then set KRX_ID and KRX_PW"
            raise SettingMissing("KRX_ID", where)
        with _account_hidden():
            from pykrx.website.comm.auth import login_krx, set_auth_session
        session = self._transport.session(self._upstream, self._inspect, _operation)
        # It prints the server's message when a new password is due.
        with redirect_stdout(io.StringIO()):
            accepted = login_krx(self._account.user, self._account.password, session)
        if not accepted:
            raise self._refused_account()
        set_auth_session(_as_pykrx_session(session))
        self._session = session

    def _refused_account(self) -> AuthError:
        """Return the error of a refused login, after which no process tries again for a day.

        The account stays refused until its owner has renewed it: every further try at each tick
        would only look like somebody guessing a password.
        """
        until = self._transport.block(self._upstream)
        why = REFUSED.get(self._login_code, "the account was refused")
        detail = f"{self._login_code}, {why}; not asked again before {until:%Y-%m-%d %H:%M %Z}"
        return AuthError(self._upstream.name, "login", detail, setting="KRX_PW")

    def _inspect(self, answer: Answer) -> bytes:
        """Raise for every answer that pykrx would misunderstand; return the body as UTF-8."""
        text = read_text(answer)
        self._refuse_page(answer, text)
        if text.strip() == "LOGOUT":
            raise LoggedOut("KRX", answer.operation, "logged out", setting="KRX_PW")
        if answer.operation == LOGIN:
            self._note_login(answer)
        elif answer.operation.startswith(STATISTICS):
            self._require_json(answer, text)
            self._last = (answer, self._transport.clock.now())
        elif answer.status >= 400:
            require_ok(answer, self._upstream.setting, self._transport.clock.now())
        return text.encode()

    def _refuse_page(self, answer: Answer, text: str) -> None:
        """Recognise the block page by what it says: it comes with status 403 and with 200."""
        if "에러페이지" in text and "한국거래소" in text:
            detail = "block page: too many requests from this address"
            raise self._transport.blocked(self._upstream, answer.operation, detail)
        if answer.status == 403 and OUTAGE.search(text):
            raise ServerError("KRX", answer.operation, "HTTP 403, a page about an outage")

    def _note_login(self, answer: Answer) -> None:
        require_ok(answer, self._upstream.setting, self._transport.clock.now())
        document = read_json(answer, self._transport.scrubber)
        code = document.get("_error_code") if isinstance(document, dict) else None
        if not isinstance(code, str):
            raise BadPayload("KRX", "login", "JSON without a result code")
        self._login_code = re.sub(r"\W", "", code)[:10]

    def _require_json(self, answer: Answer, text: str) -> None:
        require_ok(answer, self._upstream.setting, self._transport.clock.now())
        if text.startswith("{"):
            read_json(answer, self._transport.scrubber)
            return
        detail = f"expected JSON, got {declared_type(answer)}"
        shown = sample_of(text, self._transport.scrubber)
        raise BadPayload("KRX", answer.operation, detail, sample=shown)


def _operation(request: requests.PreparedRequest) -> str:
    """Name a request after its statistic, which stands in the form, else after its path."""
    body = request.body if isinstance(request.body, str) else ""
    statistic = parse_qs(body).get("bld", [""])[0].rpartition("/")[2]
    return re.sub(r"\W", "", statistic)[:40] or last_path_part(request)


def _as_pykrx_session(session: requests.Session) -> Any:
    """Dress a session as pykrx's own: never expired, and its cookies only in the cookie jar."""
    from pykrx.website.comm.auth import KRXSession

    class GuardedKRXSession(KRXSession):  # type: ignore[misc]  # pykrx has no types
        def is_valid(self, buffer_seconds: int = 300) -> bool:
            return True

        def get_headers(self) -> dict[str, str]:
            return {}

    return GuardedKRXSession(session=session)


@contextmanager
def _account_hidden() -> Iterator[None]:
    """Keep pykrx's import from logging in and from printing that it did not."""
    with _ENVIRONMENT, redirect_stdout(io.StringIO()), warnings.catch_warnings():
        # Its import alone raises deprecation warnings of matplotlib and importlib.
        warnings.simplefilter("ignore")
        hidden = {name: os.environ.pop(name, None) for name in ("KRX_ID", "KRX_PW")}
        try:
            yield
        finally:
            os.environ.update({name: v for name, v in hidden.items() if v is not None})
