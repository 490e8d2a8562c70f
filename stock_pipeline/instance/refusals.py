"""What a web page of somebody else can send, and why each of it is refused.

A browser lets any site send requests to this machine, with our cookies where the site is the same.
It says truly where they come from: in `Host`, `Origin` and `Sec-Fetch-Site`. These rules read that,
and allow nothing that a form, an image or a link could send by itself.
"""

from __future__ import annotations

from http import HTTPStatus

from starlette.datastructures import Headers

from stock_pipeline.errors import PipelineError

BODY_LIMIT = 1_000_000
READING = frozenset({"GET", "HEAD", "OPTIONS"})
LOG_IN = "log in at /login, or send the API token as a bearer token"


class Refused(PipelineError):
    """A request that is not let through."""

    severity = "INFO"

    def __init__(self, status: HTTPStatus, why: str) -> None:
        self.status = status
        self.why = why
        super().__init__(f"{status.value} {status.phrase}: {why}")


def require_host(headers: Headers, hosts: frozenset[str]) -> str:
    """Return the host that the request names, with its port.

    A name that somebody else made point here (DNS rebinding) is not in the list.

    Raises  Refused
    """
    named = headers.getlist("host")
    if len(named) != 1 or named[0].lower() not in hosts:
        raise Refused(HTTPStatus.MISDIRECTED_REQUEST, "this server does not go by that name")
    return named[0].lower()


def require_own_origin(method: str, headers: Headers, host: str) -> None:
    """Refuse what the page of another site sent; following a link to a page is no such thing.

    Raises  Refused
    """
    if any(
        origin.lower() not in {f"http://{host}", f"https://{host}"}
        for origin in headers.getlist("origin")
    ):
        raise Refused(HTTPStatus.FORBIDDEN, "the page that sent this belongs to another site")
    is_foreign = set(headers.getlist("sec-fetch-site")) - {"same-origin", "none"}
    if is_foreign and not _is_followed_link(method, headers):
        raise Refused(HTTPStatus.FORBIDDEN, "the browser says that another site sent this")


def require_readable_method(method: str, headers: Headers, query: str) -> None:
    """Refuse GraphQL in an address: any site can make a browser open one.

    Raises  Refused
    """
    # The playground is a page; it is asked for with these words and no document.
    is_page = method == "GET" and "text/html" in headers.get("accept", "") and not query
    if method in READING and not is_page:
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "GraphQL takes POST only")


def require_json(headers: Headers) -> None:
    """Refuse every type of content that a form can send.

    Raises  Refused
    """
    types = [value.partition(";")[0].strip().lower() for value in headers.getlist("content-type")]
    if types != ["application/json"]:
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json")


def require_small(headers: Headers) -> None:
    """Refuse a body that says of itself that it is too long.

    Raises  Refused
    """
    for value in headers.getlist("content-length"):
        if not value.isdecimal() or int(value) > BODY_LIMIT:
            raise too_long()


def too_long() -> Refused:
    """Return the refusal of a body over the limit."""
    return Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {BODY_LIMIT} bytes")


def _is_followed_link(method: str, headers: Headers) -> bool:
    """Tell whether the browser opens a page in a window of its own, as after a click in a mail."""
    how = (method, headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest"))
    return how == ("GET", "navigate", "document")
