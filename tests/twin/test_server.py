"""The proxy on real sockets: TLS, plain http, keep-alive, unknown requests, closing."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from stock_pipeline.twin.server import Twin
from stock_pipeline.twin.wire import Answer, Request

Start = Callable[..., Twin]
Reach = Callable[[Twin], requests.Session]
LIST = "https://shop.example/list.json"


@pytest.mark.parametrize("scheme", ["https", "http"])  # pykrx asks Naver in plain http
def test_requests_gets_the_upstreams_answer(start: Start, reach: Reach, scheme: str) -> None:
    answer = reach(start()).get(f"{scheme}://shop.example/list.json")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert [row["ISU_SRT_CD"] for row in answer.json()["list"]] == ["005930", "000660", "0126Z0"]


def test_urllib_gets_the_upstreams_answer(start: Start) -> None:
    variables = start().environment({})
    trust = ssl.create_default_context(cafile=variables["SSL_CERT_FILE"])
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({"https": variables["HTTPS_PROXY"]}),
        urllib.request.HTTPSHandler(context=trust),
    )
    with opener.open(LIST, timeout=5) as answer:
        assert answer.status == 200
        assert answer.read().startswith(b'{"list"')


def test_upstream_sees_the_request_percent_decoded(start: Start, reach: Reach, shop: Any) -> None:
    client = reach(start())
    client.post(
        "https://shop.example/가 나/list.json",
        params={"q": "삼성 전자", "empty": ""},
        data={"bld": "dbms/MDCSTAT01501", "mktId": "ALL"},
    )
    asked: Request = shop.asked[0]
    assert (asked.method, asked.host, asked.path) == ("POST", "shop.example", "/가 나/list.json")
    assert asked.query == {"q": "삼성 전자", "empty": ""}
    assert asked.form == {"bld": "dbms/MDCSTAT01501", "mktId": "ALL"}
    assert asked.headers["accept-encoding"].startswith("gzip")


def test_chunked_body_arrives_whole(start: Start, reach: Reach, shop: Any) -> None:
    reach(start()).post(LIST, data=iter([b"first ", b"second"]))
    assert shop.asked[0].body == b"first second"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate", "gzip"),  # what requests sends
        ("identity", None),  # what urllib sends
    ],
)
def test_answer_is_packed_only_for_who_accepts_it(
    start: Start, reach: Reach, accepted: str, encoding: str | None
) -> None:
    answer = reach(start()).get(LIST, headers={"Accept-Encoding": accepted})
    assert answer.headers.get("Content-Encoding") == encoding
    assert len(answer.json()["list"]) == 3


def test_one_connection_serves_many_requests(start: Start, reach: Reach) -> None:
    client = reach(start())
    answers = [client.get(LIST, stream=True) for _ in range(3)]
    assert [answer.headers["Connection"] for answer in answers] == ["keep-alive"] * 3
    for answer in answers:
        answer.close()


def test_connection_is_closed_when_the_client_says_so(start: Start, reach: Reach) -> None:
    answer = reach(start()).get(LIST, headers={"Connection": "close"})
    assert answer.headers["Connection"] == "close"


def test_kept_alive_post_does_not_wait_for_a_delayed_acknowledgement(
    start: Start, reach: Reach
) -> None:
    client = reach(start())
    client.post(LIST, data={"a": "1"})
    started = time.perf_counter()
    for _ in range(20):
        client.post(LIST, data={"a": "1"})
    # 44 ms each without TCP_QUICKACK, about 1 ms with it
    assert (time.perf_counter() - started) / 20 < 0.02


@pytest.mark.parametrize(
    ("url", "upstream"),
    [
        ("https://elsewhere.example/a?b=c", ""),  # a host nobody plays
        ("https://shop.example/unknown/a", "shop"),  # a host that has no such thing
        ("http://elsewhere.example/a", ""),  # the same in plain http
    ],
)
def test_unknown_request_gets_502_and_a_log_line(
    start: Start, reach: Reach, caplog: pytest.LogCaptureFixture, url: str, upstream: str
) -> None:
    twin = start()
    with caplog.at_level(logging.WARNING):
        answer = reach(twin).get(url)
    assert answer.status_code == 502
    assert "does not play" in answer.text
    assert "the twin does not play GET" in caplog.text
    assert [(entry.upstream, entry.status) for entry in twin.requests] == [(upstream, 502)]


def test_client_without_the_authority_is_not_served(
    start: Start, reach: Reach, caplog: pytest.LogCaptureFixture
) -> None:
    client = reach(start())
    client.verify = True
    with caplog.at_level(logging.WARNING), pytest.raises(requests.exceptions.SSLError):
        client.get(LIST)


def test_what_is_not_http_gets_400(start: Start) -> None:
    with socket.create_connection(("127.0.0.1", start().port), timeout=5) as sock:
        sock.sendall(b"\x16\x03\x01\x00\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "head",
    [
        b"POST http://shop.example/ HTTP/1.1\r\nContent-Length: -1\r\n\r\n",  # below nothing
        b"POST http://shop.example/ HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",  # over 16 MB
        b"POST http://shop.example/ HTTP/1.1\r\nContent-Length: many\r\n\r\n",  # not a number
        b"GET http://shop.example/" + b"a" * 70_000,  # a head without end
    ],
)
def test_unreasonable_request_gets_400(start: Start, head: bytes) -> None:
    with socket.create_connection(("127.0.0.1", start().port), timeout=5) as sock:
        sock.sendall(head)
        assert sock.recv(100).startswith(b"HTTP/1.1 400 ")


def test_answer_may_set_two_cookies(twin_state: Path, reach: Reach) -> None:
    class Cookies:
        HOSTS = frozenset({"shop.example"})

        def answer(self, request: Request) -> Answer:
            headers = {"Set-Cookie": "JSESSIONID=a; Path=/\n__smVisitorID=b; Path=/"}
            return Answer(200, b"", "text/html", "login", headers)

    with Twin([Cookies()], state=twin_state) as twin:
        client = reach(twin)
        client.get("https://shop.example/")
        assert dict(client.cookies) == {"JSESSIONID": "a", "__smVisitorID": "b"}


def test_many_clients_at_once_are_all_answered(start: Start, reach: Reach) -> None:
    twin = start()

    def ask(number: int) -> int:
        return reach(twin).get(LIST, params={"n": str(number)}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(40))) == [200] * 40
    assert sorted(int(entry.params["n"]) for entry in twin.requests) == list(range(40))


def test_only_loopback_is_listened_on(start: Start) -> None:
    with socket.create_connection(("127.0.0.1", start().port), timeout=5) as sock:
        assert sock.getpeername()[0] == "127.0.0.1"


def test_port_can_be_chosen(shop: Any, twin_state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    twin = Twin([shop], state=twin_state)
    twin.open(port)
    try:
        assert twin.environment({})["HTTPS_PROXY"] == f"http://127.0.0.1:{port}"
    finally:
        twin.close()


def test_port_that_is_taken_is_refused_and_nothing_stays_open(shop: Any, twin_state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        twin = Twin([shop], state=twin_state)
        with pytest.raises(OSError, match="in use"):
            twin.open(taken.getsockname()[1])


def test_closing_ends_idle_connections_and_threads_at_once(
    shop: Any, twin_state: Path, reach: Reach
) -> None:
    before = threading.active_count()
    with Twin([shop], state=twin_state) as twin:
        client = reach(twin)
        client.get(LIST)
        client.get("http://shop.example/list.json")
        started = time.perf_counter()
    assert time.perf_counter() - started < 1.0
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", twin.port), timeout=5)


def test_twin_without_a_state_folder_leaves_nothing_behind(shop: Any) -> None:
    with Twin([shop]) as twin:
        authority = Path(twin.environment({})["SSL_CERT_FILE"])
        assert authority.exists()
    assert not authority.parent.exists()


def test_fault_can_be_played_for_a_while(start: Start, reach: Reach) -> None:
    twin = start()
    client = reach(twin)
    with twin.inject("shop:status=503"):
        assert client.get(LIST).status_code == 503
    assert client.get(LIST).status_code == 200
    assert [entry.faults for entry in twin.requests] == [("shop:status=503",), ()]
