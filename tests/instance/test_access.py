"""The token and its file, links that log in once, cookies of who did."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.errors import SettingInvalid, SettingMissing
from stock_pipeline.instance.access import (
    CODE_LIFE,
    SESSION_LIFE,
    Access,
    TokenExposed,
    is_loopback,
    login_link,
    require_token_beyond_loopback,
    token,
)
from stock_pipeline.settings import Settings

TOKEN = "t" * 43
MOMENT = timedelta(seconds=1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(stock_pipeline_home=tmp_path, _env_file=None)


@pytest.fixture
def access(tmp_path: Path, clock: Any) -> Access:
    return Access(TOKEN, tmp_path, clock)


# ---- the token


def test_f62_the_token_is_made_once_and_only_its_owner_reads_it(settings: Settings) -> None:
    made = token(settings)
    path = settings.home / "api_token"
    assert len(made) == 43  # 32 bytes, six bits a character
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert token(settings) == made == path.read_text()
    assert [one.name for one in settings.home.iterdir()] == ["api_token"]


def test_two_processes_that_start_first_agree_on_the_token(settings: Settings) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: token(settings), range(32)))) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_f62_a_token_that_others_can_read_is_not_used(settings: Settings, mode: int) -> None:
    token(settings)
    (settings.home / "api_token").chmod(mode)
    with pytest.raises(TokenExposed, match="delete it"):
        token(settings)


def test_a_token_of_the_settings_leaves_no_file(settings: Settings) -> None:
    chosen = settings.model_copy(update={"api_token": Settings(api_token=TOKEN).api_token})
    assert token(chosen) == TOKEN
    assert not settings.home.exists()


@pytest.mark.parametrize(("length", "is_enough"), [(31, False), (32, True)])
def test_f62_a_short_token_of_the_settings_is_refused(length: int, is_enough: bool) -> None:
    settings = Settings(api_token="k" * length, _env_file=None)
    if is_enough:
        assert token(settings) == "k" * length
        return
    with pytest.raises(SettingInvalid, match="API_TOKEN") as refused:
        token(settings)
    assert "kkk" not in str(refused.value)


# ---- where to listen

HOSTS = [
    ("127.0.0.1", True),
    ("127.8.8.8", True),
    ("::1", True),
    ("localhost", True),
    ("0.0.0.0", False),
    ("::", False),
    ("192.168.0.7", False),
    ("128.0.0.1", False),  # the neighbour of 127.0.0.0/8
    ("localhost.example", False),
    ("", False),
]


@pytest.mark.parametrize(("host", "is_ours"), HOSTS)
def test_f62_other_machines_are_let_in_only_with_a_chosen_token(host: str, is_ours: bool) -> None:
    assert is_loopback(host) is is_ours
    require_token_beyond_loopback(Settings(api_token=TOKEN, _env_file=None), host)
    without = Settings(_env_file=None)
    if is_ours:
        require_token_beyond_loopback(without, host)
        return
    with pytest.raises(SettingMissing, match="API_TOKEN"):
        require_token_beyond_loopback(without, host)


# ---- codes


def test_a_code_logs_in_once(access: Access) -> None:
    code = access.new_code()
    assert access.use_code(code)
    assert not access.use_code(code)


def test_of_many_who_use_a_code_at_once_one_is_let_in(access: Access) -> None:
    code = access.new_code()
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: access.use_code(code), range(32))) == 1


@pytest.mark.parametrize("code", ["", ".", "..", "../api_token", "x" * 43, "한글"])
def test_what_was_not_given_out_is_no_code(access: Access, tmp_path: Path, code: str) -> None:
    (tmp_path / "api_token").write_text("2099-01-01T00:00:00+00:00")
    access.new_code()
    assert not access.use_code(code)


@pytest.mark.parametrize(("age", "is_good"), [(CODE_LIFE - MOMENT, True), (CODE_LIFE, False)])
def test_a_code_expires(access: Access, clock: Any, age: timedelta, is_good: bool) -> None:
    code = access.new_code()
    clock.instant += age
    assert access.use_code(code) is is_good


def test_expired_codes_are_forgotten_and_their_files_tell_no_code(
    access: Access, clock: Any, tmp_path: Path
) -> None:
    access.new_code()
    clock.instant += CODE_LIFE
    code = access.new_code()
    (path,) = (tmp_path / "login").iterdir()
    assert code not in path.name + path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_carries_a_code_where_no_server_sees_it(settings: Settings, clock: Any) -> None:
    link = login_link(settings, clock, "http://127.0.0.1:3000")
    page, _, code = link.partition("#")
    assert page == "http://127.0.0.1:3000/login"
    assert token(settings) not in link
    assert Access(token(settings), settings.home, clock).use_code(code)


# ---- cookies


@pytest.mark.parametrize(
    ("age", "is_good"), [(SESSION_LIFE - MOMENT, True), (SESSION_LIFE + MOMENT, False)]
)
def test_a_login_expires(access: Access, clock: Any, age: timedelta, is_good: bool) -> None:
    cookie = access.new_session()
    clock.instant += age
    assert access.is_session(cookie) is is_good


def test_a_cookie_survives_a_restart_and_ends_with_the_token(
    access: Access, tmp_path: Path, clock: Any
) -> None:
    cookie = access.new_session()
    assert Access(TOKEN, tmp_path, clock).is_session(cookie)
    assert not Access("u" * 43, tmp_path, clock).is_session(cookie)


def test_f62_a_cookie_is_random_and_cannot_be_altered(access: Access) -> None:
    cookie = access.new_session()
    random, expires, signature = cookie.split(".")
    assert cookie != access.new_session()
    assert TOKEN not in cookie
    altered = [
        f"{random}.{int(expires) + 1}.{signature}",
        f"x{random}.{expires}.{signature}",
        f"{random}.{expires}.{signature[:-1]}",
        f"{random}.{expires}.",
        f"{random}.{expires}",
        "",
        "..",
        "한.글.!",
    ]
    assert [one for one in altered if access.is_session(one)] == []
