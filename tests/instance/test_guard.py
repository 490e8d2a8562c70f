"""The guard over the wire, in front of Dagster's own web application and of a page of ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from stock_pipeline.instance.guard import Guard, Rules
from stock_pipeline.instance.refusals import BODY_LIMIT

TOKEN = "t" * 43  # of the fixture's server
BEARER = f"Authorization: Bearer {TOKEN}"
JSON = "Content-Type: application/json"
FORM = "Content-Type: application/x-www-form-urlencoded"
MUTATION = 'mutation { setConcurrencyLimit(concurrencyKey: "key", limit: 7) }'
CHANGE = json.dumps({"query": MUTATION})
READ = json.dumps({"query": "{ version }"})
IN_ADDRESS = "query=mutation%7BsetConcurrencyLimit(concurrencyKey:%22key%22,limit:7)%7D"


# ---- what another site can make a browser send, with the login of who sits before it

FOREIGN = [
    ("a form", [FORM], 415),
    ("a form with a file", ["Content-Type: multipart/form-data; boundary=b"], 415),
    ("a form of plain text, which JSON is", ["Content-Type: text/plain"], 415),
    ("no type", [], 415),
    ("GraphQL of a type that Dagster takes", ["Content-Type: application/graphql"], 415),
    ("a type that only begins like ours", [f"{JSON}-patch+json"], 415),
    ("two types, of which Dagster reads one", [JSON, "Content-Type: application/graphql"], 415),
    ("the page of another site", [JSON, "Origin: https://evil.example"], 403),
    ("a page without an origin", [JSON, "Origin: null"], 403),
    ("another server of this machine", [JSON, "Origin: http://127.0.0.1:1"], 403),
    ("our name without the port", [JSON, "Origin: http://127.0.0.1"], 403),
    ("another site, by the browser's word", [JSON, "Sec-Fetch-Site: cross-site"], 403),
    ("a neighbour, by the browser's word", [JSON, "Sec-Fetch-Site: same-site"], 403),
    (
        "a form that opens a page",
        [
            JSON,
            "Sec-Fetch-Site: cross-site",
            "Sec-Fetch-Mode: navigate",
            "Sec-Fetch-Dest: document",
        ],
        403,
    ),
]
TARGETS = [("/graphql", CHANGE), ("/api/collect", "{}"), ("/report_asset_check/a", "{}")]


@pytest.mark.parametrize(("path", "body"), TARGETS)
@pytest.mark.parametrize(("who", "headers", "status"), FOREIGN, ids=[who for who, *_ in FOREIGN])
def test_f63_nothing_of_another_site_reaches_us(
    site: Any, path: str, body: str, who: str, headers: list[str], status: int
) -> None:
    assert site.ask(f"POST {path}", BEARER, *headers, body=body).status == status
    assert site.reached == []


IN_THE_ADDRESS = [
    ("an image or a script", "GET", f"/graphql?{IN_ADDRESS}", []),
    ("a link", "GET", f"/graphql?{IN_ADDRESS}", ["Accept: text/html"]),
    ("a query is no exception", "GET", "/graphql?query=%7Bversion%7D", []),
    ("without a document", "GET", "/graphql", []),
    ("an encoded path", "GET", f"/%67raphql?{IN_ADDRESS}", []),
    ("a whole address", "GET", f"http://127.0.0.1/graphql?{IN_ADDRESS}", []),
    ("asked for its head", "HEAD", f"/graphql?{IN_ADDRESS}", []),
    ("asked before a request", "OPTIONS", f"/graphql?{IN_ADDRESS}", []),
]


@pytest.mark.parametrize(
    ("who", "method", "path", "headers"), IN_THE_ADDRESS, ids=[who for who, *_ in IN_THE_ADDRESS]
)
def test_f63_an_address_executes_no_graphql(
    site: Any, who: str, method: str, path: str, headers: list[str]
) -> None:
    assert site.ask(f"{method} {path}", BEARER, *headers).status == 405
    assert site.reached == []


def test_f63_a_document_in_the_address_of_a_post_is_not_executed(site: Any) -> None:
    answer = site.ask(f"POST /graphql?{IN_ADDRESS}", JSON, BEARER, body="{}")
    assert answer.status == 400
    assert site.reached == []


@pytest.mark.parametrize("path", ["/", "/graphql", "/login", "/nowhere"])
def test_f63_no_page_may_be_framed(site: Any, path: str) -> None:
    headers = site.ask(f"GET {path}", "Accept: text/html").headers
    assert headers["x-frame-options"] == "DENY"
    assert headers["content-security-policy"].endswith("frame-ancestors 'none'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


# ---- names that somebody else made point here

NAMES = [
    ("another name", ("evil.example:{port}",)),
    ("our address, another port", ("127.0.0.1:1",)),
    ("our address without a port", ("127.0.0.1",)),
    ("our address and something more", ("127.0.0.1:{port}.evil.example",)),
    ("a name with a dot at its end", ("localhost.:{port}",)),
    ("two, of which one is ours", ("127.0.0.1:{port}", "evil.example")),
    ("ours twice", ("127.0.0.1:{port}", "127.0.0.1:{port}")),
    ("none", ()),
]


@pytest.mark.parametrize("line", ["GET /", "GET /login", "POST /graphql", "POST /api/collect"])
@pytest.mark.parametrize(("who", "hosts"), NAMES, ids=[who for who, _ in NAMES])
def test_f64_another_name_is_not_served(
    site: Any, line: str, who: str, hosts: tuple[str, ...]
) -> None:
    named = tuple(host.format(port=site.port) for host in hosts)
    body = CHANGE if line.startswith("POST") else ""
    assert site.ask(line, JSON, BEARER, hosts=named, body=body).status == 421
    assert site.reached == []


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_f64_the_names_of_this_machine_are_served(site: Any, name: str) -> None:
    assert site.ask("POST /graphql", JSON, hosts=(f"{name}:{site.port}",), body=READ).status == 200


# ---- who is not known

UNKNOWN = [
    ("nobody", []),
    ("a wrong token", [f"Authorization: Bearer {TOKEN[:-1]}"]),
    ("no token behind the word", ["Authorization: Bearer"]),
    ("the token as a password", [f"Authorization: Basic {TOKEN}"]),
    ("the token in a cookie", ["Cookie: stock_pipeline_{port}={token}"]),
    ("an invented login", ["Cookie: stock_pipeline_{port}=a.9999999999.b"]),
]


@pytest.mark.parametrize(("path", "body"), TARGETS)
@pytest.mark.parametrize(("who", "headers"), UNKNOWN, ids=[who for who, _ in UNKNOWN])
def test_f62_nobody_unknown_changes_anything(
    site: Any, path: str, body: str, who: str, headers: list[str]
) -> None:
    given = [header.format(port=site.port, token=TOKEN) for header in headers]
    answer = site.ask(f"POST {path}", JSON, *given, body=body)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert "log in at /login" in answer.body
    assert site.reached == []


def test_f62_the_token_changes_what_it_asks_for(site: Any) -> None:
    assert site.ask("POST /graphql", JSON, BEARER, body=CHANGE).body == (
        '{"data":{"setConcurrencyLimit":true}}'
    )
    assert site.ask("POST /api/collect", JSON, BEARER, body='{"a": 1}').body == '{"a": 1}'


READS = [
    ("the first page", "GET /", []),
    ("what pages are made of", "GET /favicon.svg", []),
    ("our own page", "POST /graphql", ["Origin: http://{host}", "Sec-Fetch-Site: same-origin"]),
    ("typed in", "GET /", ["Sec-Fetch-Site: none"]),
    ("the playground", "GET /graphql", ["Accept: text/html"]),
    (
        "a link in a mail",
        "GET /runs",
        ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"],
    ),
]


@pytest.mark.parametrize(("what", "line", "headers"), READS, ids=[what for what, *_ in READS])
def test_reading_is_open_on_this_machine(
    site: Any, what: str, line: str, headers: list[str]
) -> None:
    body = READ if line.startswith("POST") else ""
    given = [header.format(host=site.host) for header in headers]
    assert site.ask(line, JSON, *given, body=body).status == 200


BEYOND = {
    "every address": {"bound_to": "0.0.0.0"},
    # It listens on this machine only, and whoever reaches the proxy reaches it.
    "a name of a proxy": {"names": ("data.example",)},
}


@pytest.mark.parametrize("how", BEYOND.values(), ids=BEYOND)
def test_f62_beyond_this_machine_nobody_unknown_even_reads(
    tmp_path: Path, serving: Callable[..., Any], how: dict[str, Any]
) -> None:
    with serving(tmp_path, **how) as site:
        assert site.ask("POST /graphql", JSON, body=READ).status == 401
        assert site.ask("GET /favicon.svg").status == 401
        page = site.ask("GET /runs", "Accept: text/html")
        assert (page.status, page.headers["location"]) == (303, "/login")
        assert site.reached == []
        with pytest.raises(InvalidStatus, match="403"):
            site.watch(f"http://{site.host}").__enter__()
        assert site.ask("GET /login").status == 200
        assert site.ask("POST /graphql", JSON, BEARER, body=READ).status == 200


# ---- too much


def chunked(site: Any, size: int) -> bytes:
    """Return a request that does not say how long it is, without its end if it is too long."""
    lines = ["POST /api/collect HTTP/1.1", f"Host: {site.host}", JSON, BEARER]
    head = "\r\n".join([*lines, "Transfer-Encoding: chunked", "Connection: close", "", ""])
    end = b"\r\n0\r\n\r\n" if size <= BODY_LIMIT else b""
    return head.encode() + f"{size:x}\r\n".encode() + b"x" * size + end


@pytest.mark.parametrize(("size", "status"), [(BODY_LIMIT, 200), (BODY_LIMIT + 1, 413)])
def test_f70_a_body_of_more_than_a_megabyte_is_refused(site: Any, size: int, status: int) -> None:
    assert site.send(chunked(site, size)).status == status


def test_f70_a_body_that_says_it_is_too_long_is_not_read(site: Any) -> None:
    length = f"Content-Length: {BODY_LIMIT + 1}"
    assert site.ask("POST /api/collect", JSON, BEARER, length).status == 413
    assert site.reached == []


@pytest.mark.parametrize("body", ["[]", "7", "{", '{"query": 7}', '{"query": null}', "[" * 100_000])
def test_what_holds_no_document_is_refused(site: Any, body: str) -> None:
    assert site.ask("POST /graphql", JSON, BEARER, body=body).status == 400
    assert site.reached == []


def test_f70_a_body_that_does_not_come_is_not_waited_for() -> None:
    said: list[Any] = []

    async def nothing() -> Any:
        await asyncio.sleep(60)

    async def send(message: Any) -> None:
        said.append(message)

    rules = Rules(hosts=frozenset({"us:1"}), reads_are_open=True, body_seconds=0.01)
    headers = [(b"host", b"us:1"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/any", "query_string": b""}
    guard = Guard(nothing, rules, lambda headers: True)
    asyncio.run(guard({**scope, "headers": headers}, nothing, send))
    assert said[0]["status"] == 408
