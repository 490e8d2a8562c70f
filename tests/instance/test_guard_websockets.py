"""Websockets at the guard: only our own page opens one, and only to watch."""

from __future__ import annotations

import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from stock_pipeline.instance.refusals import BODY_LIMIT

MUTATION = 'mutation { setConcurrencyLimit(concurrencyKey: "key", limit: 7) }'
SECONDS = 10.0


def is_refused(site: Any, origin: str | None, **headers: str) -> bool:
    """Tell whether a websocket is refused before anything behind the guard hears of it."""
    with pytest.raises(InvalidStatus, match="403"), site.watch(origin, **headers):
        pass
    return site.reached == []


def test_f63_a_websocket_of_another_site_is_refused(site: Any) -> None:
    assert is_refused(site, "https://evil.example")
    assert is_refused(site, "null")
    assert is_refused(site, "http://127.0.0.1:1")
    assert is_refused(site, f"http://{site.host}", **{"Sec-Fetch-Site": "same-site"})


def test_f63_a_websocket_without_an_origin_needs_the_token(site: Any) -> None:
    assert is_refused(site, None)
    with site.watch(None, Authorization=f"Bearer {site.token}"):
        assert site.reached == ["/graphql"]


def test_f64_a_websocket_under_another_name_is_refused(site: Any) -> None:
    named = f"evil.example:{site.port}"
    assert is_refused(site, f"http://{named}", host=named)
    assert is_refused(site, f"http://{site.host}", host="127.0.0.1:1")


def started(query: Any) -> str:
    return json.dumps({"type": "start", "id": "1", "payload": {"query": query}})


def test_a_websocket_of_our_page_watches(site: Any) -> None:
    with site.watch(f"http://{site.host}") as watching:
        watching.send('{"type": "connection_init", "payload": {}}')
        assert json.loads(watching.recv(SECONDS)) == {"type": "connection_ack"}
        watching.send(started("subscription { nothing }"))
        assert json.loads(watching.recv(SECONDS))["type"] == "error"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (started(MUTATION), 1008),
        (started(MUTATION).replace("mutation", "\\u006dutation"), 1008),  # the same text as JSON
        (started(7), 1008),  # no document
        ("no JSON", 1008),
        (b"bytes", 1008),
        (started("x" * BODY_LIMIT), 1009),  # too long
    ],
)
def test_f63_a_websocket_takes_nothing_but_watching(
    site: Any, message: str | bytes, code: int
) -> None:
    with site.watch(f"http://{site.host}", Authorization=f"Bearer {site.token}") as watching:
        watching.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            watching.recv(SECONDS)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code
