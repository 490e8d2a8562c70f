"""Logging in over the wire: by the code of a link or the token, to a cookie of this server."""

from __future__ import annotations

import json
from typing import Any

import pytest

JSON = "Content-Type: application/json"
CHANGE = json.dumps({"query": "mutation { setNuxSeen }"})


def log_in(site: Any, **credential: object) -> Any:
    return site.ask("POST /login", JSON, body=json.dumps(credential))


def test_f62_a_login_lets_a_browser_change_something(site: Any) -> None:
    answer = log_in(site, code=site.access.new_code())
    cookie, *attributes = answer.headers["set-cookie"].split("; ")
    assert answer.status == 204
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(attributes)
    assert cookie.startswith(f"stock_pipeline_{site.port}=")
    assert site.token not in cookie
    changed = site.ask("POST /graphql", JSON, f"Cookie: theme=dark; {cookie}", body=CHANGE)
    assert changed.body == '{"data":{"setNuxSeen":true}}'


@pytest.mark.parametrize(("scheme", "is_secure"), [("http", False), ("https", True)])
def test_f62_a_cookie_given_through_tls_comes_back_only_so(
    site: Any, scheme: str, is_secure: bool
) -> None:
    body = json.dumps({"token": site.token})
    answer = site.ask("POST /login", JSON, f"Origin: {scheme}://{site.host}", body=body)
    assert ("Secure" in answer.headers["set-cookie"].split("; ")) == is_secure


def test_f63_a_login_is_of_no_use_to_another_site(site: Any) -> None:
    cookie = log_in(site, token=site.token).headers["set-cookie"].partition(";")[0]
    headers = [JSON, f"Cookie: {cookie}", "Origin: http://127.0.0.1:1"]
    assert site.ask("POST /graphql", *headers, body=CHANGE).status == 403
    assert site.reached == []


WRONG = [
    {},
    {"token": "t" * 42},
    {"token": None},
    {"token": 7},
    {"code": ""},
    {"code": ["x"]},
    {"code": "never given out"},
    {"code": "../api_token"},
    {"code": "\ud800"},  # half a character
]


@pytest.mark.parametrize("credential", WRONG, ids=json.dumps)
def test_f62_a_wrong_credential_gives_no_cookie(site: Any, credential: dict[str, object]) -> None:
    answer = log_in(site, **credential)
    assert answer.status == 401
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("body", ["[]", "7", "{", "null"])
def test_what_is_no_credential_gives_no_cookie(site: Any, body: str) -> None:
    assert site.ask("POST /login", JSON, body=body).status == 401


def test_f62_a_code_is_good_for_one_login(site: Any) -> None:
    code = site.access.new_code()
    assert [log_in(site, code=code).status for _ in range(2)] == [204, 401]


@pytest.mark.parametrize("header", ["Origin: https://evil.example", "Sec-Fetch-Site: same-site"])
def test_f63_another_site_cannot_log_anybody_in(site: Any, header: str) -> None:
    code = site.access.new_code()
    assert site.ask("POST /login", JSON, header, body=json.dumps({"code": code})).status == 403
    assert site.access.use_code(code)


def test_the_page_runs_nothing_but_its_own_script(site: Any) -> None:
    page = site.ask("GET /login")
    assert "default-src 'none'; script-src 'self'" in page.headers["content-security-policy"]
    assert '<script src="/login.js"></script>' in page.body
    assert page.body.count("<script") == 1
    assert site.ask("GET /login.js").headers["content-type"].startswith("text/javascript")
