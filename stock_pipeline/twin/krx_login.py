"""Logins of the exchange's data site: one account has one session."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

_LIFE = timedelta(minutes=60)

CD001 = {"_error_code": "CD001", "_error_message": "정상"}
CD011 = {"_error_code": "CD011", "_error_message": "이미 로그인된 사용자입니다."}
WRONG = {"_error_code": "CD003", "_error_message": "아이디 또는 비밀번호를 확인하십시오."}


@dataclass
class Logins:
    """Who is logged in with which cookie, shared by the threads of the proxy.

    A session ends an hour after its last request, or when its account logs in elsewhere.
    """

    now: Callable[[], datetime]
    _accounts: dict[str, str] = field(default_factory=dict)
    _seen: dict[str, datetime] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def is_valid(self, cookie: str) -> bool:
        """Tell whether a cookie belongs to a live session, and keep it alive."""
        with self._lock:
            return self._touch(cookie)

    def log_in(self, form: dict[str, str], cookie: str) -> dict[str, str]:
        """Return the site's answer to a login form.

        `skipDup=Y` ends the account's other session; any name and password are accepted
        """
        account = form.get("mbrId", "")
        if not account or not form.get("pw"):
            return WRONG
        with self._lock:
            other = self._accounts.get(account, "")
            if other not in ("", cookie) and self._touch(other) and form.get("skipDup") != "Y":
                return CD011
            self._seen.pop(other, None)
            self._accounts[account] = cookie
            self._seen[cookie] = self.now()
        return CD001

    def _touch(self, cookie: str) -> bool:
        seen = self._seen.get(cookie)
        if seen is None or self.now() - seen > _LIFE:
            self._seen.pop(cookie, None)
            return False
        self._seen[cookie] = self.now()
        return True


def new_cookie() -> str:
    """Return a session cookie nobody has yet."""
    return secrets.token_hex(30).upper()
