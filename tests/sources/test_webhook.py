"""Where a webhook may lead: to an allowed host, at a public address, and nowhere else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from listening import Listening

from stock_pipeline.errors import (
    AuthError,
    BadPayload,
    BadRequest,
    NetworkError,
    RateLimited,
    ServerError,
    SettingInvalid,
    UpstreamError,
)
from stock_pipeline.settings import WEBHOOK_HOSTS
from stock_pipeline.sources import discord, slack
from stock_pipeline.sources.webhook import Address, address

TOKEN = "canary-token-55e0"


class Listener:
    """Counts who connects."""

    def __init__(self) -> None:
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            connection.close()

    def close(self) -> None:
        """Stop listening."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    """Return a port of this machine that nobody is to reach."""
    listener = Listener()
    yield listener
    listener.close()


class Hook:
    """A webhook on this machine that answers one thing."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.status, self.headers = 204, dict[str, str]()
        hook = self

        class Requests(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(hook.status)
                for name, value in hook.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._listening = Listening(Requests)
        place = self._listening.place
        self.address = address("X", f"http://{place}/{TOKEN}", (place,))

    def close(self) -> None:
        """Stop listening."""
        self._listening.close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    """Return a webhook on this machine."""
    hook = Hook()
    yield hook
    hook.close()


@pytest.mark.fault
@pytest.mark.parametrize(
    "url",
    [
        "http://discord.com/api/webhooks/1/x",  # not encrypted
        "http://hooks.slack.com/services/x",
        "ftp://discord.com/x",
        "file:///etc/passwd",
        "gopher://discord.com/x",
        "//discord.com/x",
        "discord.com/api/webhooks/1/x",
        "",
        "https://",
        "https://example.com/api/webhooks/1/x",  # another host
        "https://discord.com.example.com/x",
        "https://notdiscord.com/x",
        "https://ptb.discord.com/x",
        "https://discord.com./x",
        "https://discord.com:8443/x",  # another port
        "https://discord.com:0/x",
        "https://discord.com:99999/x",
        "https://discord.com:{port}/x",
        "https://user@discord.com/x",  # what one parser calls a user is a host to another
        "https://discord.com@127.0.0.1:{port}/x",
        "https://127.0.0.1:{port}\\@discord.com/x",
        "https://127.0.0.1:{port}#@discord.com/",
        "https://discord.com\t.example.com/x",
        "https://discord.com\r\nHost: 127.0.0.1/x",
        "https://127.0.0.1:{port}/x",  # this machine, in every notation
        "https://2130706433:{port}/x",
        "https://0x7f000001:{port}/x",
        "https://0177.0.0.1:{port}/x",
        "https://127.1:{port}/x",
        "https://[::1]:{port}/x",
        "https://[::ffff:127.0.0.1]:{port}/x",
        "https://0.0.0.0:{port}/x",
        "https://169.254.169.254/latest/meta-data",  # the machine's cloud
        "https://[fd00:ec2::254]/x",
        "https://10.0.0.1/x",
        "https://localhost:{port}/x",
        "https://ⅾiscord.com/x",  # a letter that looks like one
    ],
)
def test_f61_an_address_that_leads_elsewhere_is_refused_before_anything_is_asked(
    listener: Listener, clock: Any, url: str
) -> None:
    told = url.format(port=listener.port) + TOKEN
    with pytest.raises(SettingInvalid) as caught:
        discord.send("text", address("ALERT_WEBHOOK_URL", told, WEBHOOK_HOSTS), clock)
    assert "ALERT_WEBHOOK_URL" in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert listener.connections == 0


@pytest.mark.fault
@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0.0.0.0"],
)
def test_f61_an_allowed_name_that_leads_into_this_machine_is_not_connected_to(
    listener: Listener, clock: Any, host: str
) -> None:
    # As after the name's owner has pointed it here: only the connection can know.
    there = Address("X", f"https://{host}:{listener.port}/{TOKEN}")
    with pytest.raises(NetworkError, match="AddressNotPublic") as caught:
        discord.send("text", there, clock)
    assert TOKEN not in str(caught.value)
    assert listener.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "https://discord.com/api/webhooks/1/x",
        "https://discord.com:443/api/webhooks/1/x",
        "https://DISCORD.com/api/webhooks/1/x",
        "https://hooks.slack.com/services/T/B/x",
    ],
)
def test_an_allowed_address_is_accepted(url: str) -> None:
    assert address("X", url, WEBHOOK_HOSTS) == Address("X", url)


@pytest.mark.parametrize(
    ("url", "accepted"),
    [
        ("http://127.0.0.1:8025/x", True),
        ("https://127.0.0.1:8025/x", True),
        ("http://127.0.0.1:8026/x", False),  # the entry names the port
        ("http://localhost:8025/x", False),
        ("ftp://127.0.0.1:8025/x", False),
    ],
)
def test_f61_only_an_entry_with_its_port_may_be_local_and_plain(url: str, accepted: bool) -> None:
    allowed = (*WEBHOOK_HOSTS, "127.0.0.1:8025")
    if accepted:
        assert address("X", url, allowed).is_listed
        return
    with pytest.raises(SettingInvalid):
        address("X", url, allowed)


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=60))
def test_f61_no_text_before_a_host_changes_where_it_leads(text: str) -> None:
    try:
        found = address("X", f"https://{text}.example.com/x", WEBHOOK_HOSTS)
    except SettingInvalid:
        return
    assert found.url.startswith(("https://discord.com/", "https://hooks.slack.com/"))


@pytest.mark.fault
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_f61_a_redirect_is_not_followed(
    hook: Hook, listener: Listener, clock: Any, status: int
) -> None:
    hook.status, hook.headers = status, {"Location": f"http://127.0.0.1:{listener.port}/x"}
    with pytest.raises(BadPayload, match="redirect"):
        discord.send("text", hook.address, clock)
    assert listener.connections == 0


@pytest.mark.fault
@pytest.mark.parametrize("send", [discord.send, slack.send])
def test_f61_no_proxy_of_the_environment_learns_the_address(
    hook: Hook,
    listener: Listener,
    clock: Any,
    monkeypatch: pytest.MonkeyPatch,
    send: Callable[..., None],
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{listener.port}")
    send("text", hook.address, clock)
    assert len(hook.bodies) == 1
    assert listener.connections == 0


@pytest.mark.fault
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, BadRequest),  # the message
        (413, BadRequest),
        (401, AuthError),  # the webhook
        (403, AuthError),
        (404, AuthError),
        (410, AuthError),
        (429, RateLimited),  # now
        (408, ServerError),
        (500, ServerError),
        (503, ServerError),
    ],
)
def test_f56_what_a_status_means(
    hook: Hook, clock: Any, status: int, error: type[UpstreamError]
) -> None:
    hook.status = status
    with pytest.raises(error) as caught:
        slack.send("text", hook.address, clock)
    assert TOKEN not in f"{caught.value} {caught.value!r} {vars(caught.value)}"
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_the_address_is_not_shown() -> None:
    assert TOKEN not in repr(Address("X", f"https://discord.com/{TOKEN}"))
