"""The adapter against a server that misbehaves below the level of HTTP."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable
from typing import Any

import pytest
import requests

from stock_pipeline.clock import SystemClock
from stock_pipeline.errors import BadPayload, NetworkError, Timeout, UpstreamError
from stock_pipeline.sources.transport_wire import Answer, GuardedAdapter, Limits, Wire

KEY = "canary-4f1d9c"
Get = Callable[..., requests.Response]


def _nothing(operation: str) -> None:
    return None


@pytest.fixture
def get(monkeypatch: pytest.MonkeyPatch) -> Get:
    """Return a function that asks over the adapter, with a key in the address."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)

    def get(url: str, limits: Limits | None = None, **options: Any) -> requests.Response:
        wire = Wire("TEST", SystemClock(), _nothing)
        with requests.Session() as session:
            session.mount("http://", GuardedAdapter(wire, limits or Limits()))
            return session.get(f"{url}/list.json?crtfc_key={KEY}", **options)

    return get


def _require_no_trace_of_the_key(error: BaseException) -> None:
    assert KEY not in f"{error} {error!r} {vars(error)}"
    assert error.__cause__ is None
    assert error.__context__ is None


def test_an_answer_comes_whole_and_the_callers_time_limit_is_ignored(server: Any, get: Get) -> None:
    server.replies = [server.http("삼성".encode() * 100_000)]
    assert get(server.url, timeout=0.000001).content == "삼성".encode() * 100_000


def test_one_connection_serves_many_requests(server: Any) -> None:
    accepted = []

    def keep_alive(connection: socket.socket) -> None:
        accepted.append(connection)
        for _ in range(3):
            connection.sendall(server.http(b"{}", Connection=""))
            if not connection.recv(65536):
                return

    server.replies = [keep_alive]
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", GuardedAdapter(Wire("TEST", SystemClock(), _nothing), Limits()))
        for _ in range(3):
            assert session.get(server.url).content == b"{}"
    assert len(accepted) == 1


def test_f01_a_silent_server_is_a_timeout(server: Any, get: Get) -> None:
    server.replies = [lambda connection: time.sleep(3)]
    started = time.monotonic()
    with pytest.raises(Timeout, match=r"read 0\.3 s") as caught:
        get(server.url, Limits(read=0.3))
    assert time.monotonic() - started < 1.3
    _require_no_trace_of_the_key(caught.value)


DRIPS = [
    (b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 9999, "in the head"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + b"a" * 9999, "in the body"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"a" * 9999, "in a chunk's head"),
]


@pytest.mark.fault
@pytest.mark.parametrize(("sent", "where"), DRIPS, ids=[where for _, where in DRIPS])
def test_f02_a_dripping_server_ends_with_the_deadline(
    server: Any, get: Get, sent: bytes, where: str
) -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(sent[:64])
        for n in range(64, len(sent)):
            connection.sendall(sent[n : n + 1])
            time.sleep(0.02)

    server.replies = [drip]
    started = time.monotonic()
    with pytest.raises(Timeout) as caught:
        get(server.url, Limits(read=5, total=1.0))
    assert time.monotonic() - started < 2
    _require_no_trace_of_the_key(caught.value)


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def test_f03_a_reset_is_a_network_error(server: Any, get: Get) -> None:
    server.replies = [_reset]
    with pytest.raises(NetworkError) as caught:
        get(server.url)
    _require_no_trace_of_the_key(caught.value)


def test_f03_a_refused_connection_is_a_network_error(get: Get) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(NetworkError, match="ConnectionRefusedError"):
        get(url)


def test_f03_an_unknown_host_is_a_network_error(get: Get) -> None:
    with pytest.raises(NetworkError) as caught:
        get("http://no-such-host.invalid")
    _require_no_trace_of_the_key(caught.value)


@pytest.mark.parametrize("cut", range(0, 100, 2))
def test_f08_a_body_cut_short_is_never_an_answer(server: Any, get: Get, cut: int) -> None:
    body = b'{"list":[' + b"1," * 45 + b"1]}"
    whole = server.http(body)
    server.replies = [whole[: len(whole) - len(body) + len(body) * cut // 100]]
    with pytest.raises(NetworkError):
        get(server.url)


def test_f08_a_chunked_body_cut_short_is_never_an_answer(server: Any, get: Get) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.replies = [head + b'5\r\n{"a":\r\n']
    with pytest.raises(NetworkError):
        get(server.url)


@pytest.mark.parametrize("size", [1000, 1001])
def test_f10_the_unpacked_size_is_limited(server: Any, get: Get, size: int) -> None:
    packed = gzip.compress(b"a" * size)
    server.replies = [server.http(packed, Content_Encoding="gzip")]
    limits = Limits(decoded_bytes=1000)
    if size <= 1000:
        assert len(get(server.url, limits).content) == size
        return
    with pytest.raises(BadPayload, match="larger than"):
        get(server.url, limits)


@pytest.mark.fault
def test_f10_a_gzip_bomb_is_refused_before_it_unfolds(server: Any, get: Get) -> None:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(b"\0" * (1 << 20)) for _ in range(256)) + packer.flush()
    server.replies = [server.http(bomb, Content_Encoding="gzip")]
    started = time.monotonic()
    with pytest.raises(BadPayload, match="larger than 16 MB"):
        get(server.url)
    assert time.monotonic() - started < 2


def test_f10_a_damaged_content_encoding_is_a_bad_payload(server: Any, get: Get) -> None:
    server.replies = [server.http(b"no gzip at all", Content_Encoding="gzip")]
    with pytest.raises(BadPayload, match="content encoding"):
        get(server.url)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_f11_a_redirect_to_another_host_is_not_followed(server: Any, get: Get, status: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0.2)
        target = f"http://localhost:{other.getsockname()[1]}/"
        server.replies = [server.http(status=status, Location=target)]
        with pytest.raises(BadPayload, match="another host"):
            get(server.url)
        with pytest.raises(TimeoutError):
            other.accept()


def test_a_redirect_on_the_same_host_may_be_followed(server: Any, get: Get) -> None:
    server.replies = [server.http(status="302 Found", Location="/next"), server.http(b"there")]
    assert get(server.url).content == b"there"


def test_an_inspector_may_raise_and_may_replace_the_body(server: Any) -> None:
    def inspect(answer: Answer) -> bytes:
        if answer.status != 200:
            raise BadPayload(answer.source, answer.operation, "seen")
        return answer.body.decode("cp949").encode()

    server.replies = [server.http("한글".encode("cp949")), server.http(status="404 Not Found")]
    with requests.Session() as session:
        session.trust_env = False
        wire = Wire("TEST", SystemClock(), _nothing, inspect)
        session.mount("http://", GuardedAdapter(wire, Limits()))
        assert session.get(f"{server.url}/all.cmd").text == "한글"
        with pytest.raises(BadPayload, match="TEST all: "):
            session.get(f"{server.url}/all.cmd")


def test_cookies_of_an_answer_reach_the_cookie_jar(server: Any) -> None:
    server.replies = [server.http(b"{}", Set_Cookie="JSESSIONID=abc; Path=/")]
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", GuardedAdapter(Wire("TEST", SystemClock(), _nothing), Limits()))
        session.get(server.url)
        assert session.cookies["JSESSIONID"] == "abc"


def test_threads_have_deadlines_of_their_own(server: Any, get: Get) -> None:
    def late(connection: socket.socket) -> None:
        time.sleep(0.6)
        connection.sendall(server.http(b"{}"))

    server.replies = [late]
    failures: list[UpstreamError] = []
    wire = Wire("TEST", SystemClock(), _nothing)

    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", GuardedAdapter(wire, Limits(total=1.0)))

        def ask(delay: float) -> None:
            time.sleep(delay)
            try:
                session.get(server.url)
            except UpstreamError as error:
                failures.append(error)

        threads = [threading.Thread(target=ask, args=(n * 0.3,)) for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
