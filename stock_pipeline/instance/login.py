"""Logging in: a page that takes the code of a link, or the token, and answers with a cookie."""

from __future__ import annotations

from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.requests import Request, cookie_parser
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from stock_pipeline.instance.access import SESSION_LIFE, Access

_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline';"
    " base-uri 'none'; form-action 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Log in: stock-pipeline</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 32rem; margin: 15vh auto; padding: 0 1rem }
input, button { font: inherit; padding: .4rem .6rem }
input { width: 100%; box-sizing: border-box; margin: .3rem 0 .8rem }
</style>
<h1>stock-pipeline</h1>
<form id="form">
<label for="token">API token</label>
<input id="token" type="password" autocomplete="off" required>
<button>Log in</button>
</form>
<p id="said" role="alert"></p>
<p>Or open the link that <code>stock-pipeline up</code> prints: it works once. The token is
<code>API_TOKEN</code>, or the file <code>api_token</code> in the state folder.</p>
<script src="/login.js"></script>
</html>
"""
_SCRIPT = """"use strict";
const said = document.getElementById("said");

async function login(credential) {
  const answer = await fetch("/login", {
    method: "POST",
    headers: {"Content-Type": "application/json"},
    body: JSON.stringify(credential),
  });
  if (answer.ok) {
    location.replace("/dashboard");
    return;
  }
  said.textContent = credential.code
    ? "This link was used before or is too old: start again for a new one, or give the token."
    : "This is not the token.";
}

document.getElementById("form").addEventListener("submit", (event) => {
  event.preventDefault();
  login({token: document.getElementById("token").value});
});

const code = location.hash.slice(1);
if (code) {
  history.replaceState(null, "", "/login");
  login({code});
}
"""


class Login:
    """The routes of the login, and the question whether a request comes from who logged in.

    port  of the server: browsers do not keep the cookies of two ports apart, so their names do
    """

    def __init__(self, access: Access, port: int) -> None:
        self._access = access
        self._cookie = f"stock_pipeline_{port}"

    def routes(self) -> list[Route]:
        """Return the page, its script, and what takes the code or token."""
        return [
            Route("/login", self._show, methods=["GET"]),
            Route("/login", self._log_in, methods=["POST"]),
            Route("/login.js", self._script, methods=["GET"]),
        ]

    def is_known(self, headers: Headers) -> bool:
        """Tell whether a request carries the token or the cookie of a login."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._access.is_token(given.strip())
        cookies = cookie_parser(headers.get("cookie", ""))
        return self._access.is_session(cookies.get(self._cookie, ""))

    async def _show(self, request: Request) -> Response:
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
        return HTMLResponse(_PAGE, headers=headers)

    async def _script(self, request: Request) -> Response:
        return Response(_SCRIPT, media_type="text/javascript")

    async def _log_in(self, request: Request) -> Response:
        given = await _credentials(request)
        code, token = given.get("code"), given.get("token")
        is_good = (isinstance(token, str) and self._access.is_token(token)) or (
            isinstance(code, str) and self._access.use_code(code)
        )
        if not is_good:
            message = {"errors": [{"message": "neither the token nor an unused code"}]}
            return JSONResponse(message, HTTPStatus.UNAUTHORIZED)
        answer = Response(status_code=HTTPStatus.NO_CONTENT)
        answer.set_cookie(
            self._cookie,
            self._access.new_session(),
            max_age=int(SESSION_LIFE.total_seconds()),
            httponly=True,
            samesite="strict",
            # The socket does not know of the TLS of a proxy; the browser does, and says so.
            secure=request.headers.get("origin", "").startswith("https://"),
        )
        return answer


async def _credentials(request: Request) -> dict[str, object]:
    """Return the object that was sent; what is none holds no credential."""
    try:
        given = await request.json()
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, dict) else {}
