"""Waits, pace, the circuit breaker, blocks and the archive, as one transport applies them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stock_pipeline.errors import (
    AuthError,
    BadPayload,
    BadRequest,
    Blocked,
    Maintenance,
    NetworkError,
    QuotaExhausted,
    RateLimited,
    ServerError,
    Timeout,
    UpstreamError,
)
from stock_pipeline.sources.transport import Call, NotArchived, Transport, Upstream
from stock_pipeline.sources.transport_decode import read_json, require_ok
from stock_pipeline.sources.transport_wire import Answer, Limits

TEST = Upstream("TEST", pace=0.5, setting="TEST_KEY", limits={"http://": Limits(read=0.2)})
OTHER = Upstream("OTHER", pace=0.5, setting="OTHER_KEY")
CANARY = "canary-4f1d9c"
Ask = Callable[..., Any]


@pytest.fixture
def ask(transport: Transport, server: Any, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Return a function that fetches JSON with a key from the raw server."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def decode(answer: Answer) -> Any:
        require_ok(answer, "TEST_KEY", transport.clock.now())
        return read_json(answer, transport.scrubber)

    def ask(upstream: Upstream = TEST, page: str = "1") -> Any:
        url = f"{server.url}/list.json"
        return transport.fetch(
            upstream, Call("list", url, {"page": page}, {"crtfc_key": CANARY}), decode
        ).data

    return ask


def _near(waits: list[float]) -> list[Any]:
    """Return what stretched waits of this length look like."""
    return [pytest.approx(wait * 1.15, abs=wait * 0.15 + 1e-9) for wait in waits]


def _without_pacing(clock: Any) -> list[float]:
    return [wait for wait in clock.sleeps if wait > 0.5]


FAILURES: list[tuple[Callable[[Any], list[Any]], type[UpstreamError], list[float]]] = [
    (lambda s: [s.http(status="503 Busy")], ServerError, [30, 60, 120]),
    (lambda s: [lambda connection: None], NetworkError, [10, 10, 10]),
    (lambda s: [s.http(b"<html>")], BadPayload, [60]),
    (lambda s: [s.http(status="429 Slow")], RateLimited, [60, 60]),
    (lambda s: [s.http(status="429 Slow", Retry_After="7")], RateLimited, [7, 7]),
    (lambda s: [s.http(status="429 Slow", Retry_After="-7")], RateLimited, []),
    (lambda s: [s.http(status="404 Not Found")], BadRequest, []),
    (lambda s: [s.http(status="401 Unauthorized")], AuthError, []),
]


@pytest.mark.parametrize(
    ("replies", "kind", "waits"), FAILURES, ids=[f"{k.__name__}{w}" for _, k, w in FAILURES]
)
def test_f03_f04_f05_f06_f07_an_endless_failure_ends_after_its_waits(
    server: Any, ask: Ask, clock: Any, replies: Any, kind: type[UpstreamError], waits: list[float]
) -> None:
    server.replies = replies(server)
    with pytest.raises(kind) as caught:
        ask()
    assert _without_pacing(clock) == _near(waits)
    assert CANARY not in f"{caught.value!r} {vars(caught.value)}"
    assert caught.value.__context__ is None


@pytest.mark.fault
def test_f01_an_endless_timeout_ends_after_its_waits(server: Any, ask: Ask, clock: Any) -> None:
    import time

    server.replies = [lambda connection: time.sleep(1)]
    with pytest.raises(Timeout):
        ask()
    assert _without_pacing(clock) == _near([30, 60, 120])
    assert len(server.requests) == 4


def test_f06_two_failures_then_an_answer_is_an_answer(server: Any, ask: Ask, clock: Any) -> None:
    busy = server.http(status="503 Busy")
    server.replies = [busy, busy, server.http(b'{"n": 1}')]
    assert ask() == {"n": 1}
    assert _without_pacing(clock) == _near([30, 60])


def test_f05_after_its_waits_a_rate_limit_stops_the_source(server: Any, ask: Ask) -> None:
    server.replies = [server.http(status="429 Slow"), *[server.http(status="429 Slow")] * 9]
    for _ in range(5):
        with pytest.raises(RateLimited):
            ask()
    assert len(server.requests) == 3


def test_a_refused_key_is_never_tried_again_in_the_run(server: Any, ask: Ask) -> None:
    server.replies = [server.http(status="401 Unauthorized"), server.http(b"{}")]
    for _ in range(3):
        with pytest.raises(AuthError, match="renew TEST_KEY"):
            ask()
    assert len(server.requests) == 1


def test_f03_other_sources_go_on(server: Any, ask: Ask) -> None:
    server.replies = [server.http(status="401 Unauthorized"), server.http(b'{"n": 1}')]
    with pytest.raises(AuthError):
        ask()
    assert ask(OTHER) == {"n": 1}


def test_ten_failures_in_a_row_stop_the_source(server: Any, ask: Ask) -> None:
    server.replies = [server.http(status="404 Not Found")]
    for _ in range(10):
        with pytest.raises(BadRequest):
            ask()
    with pytest.raises(ServerError, match="not asked again in this run: 10 failures in a row"):
        ask()
    assert len(server.requests) == 10


def test_requests_leave_at_the_pace_of_the_source(ask: Ask, clock: Any, budget: Any) -> None:
    for _ in range(4):
        ask()
    assert [at for _, at in budget.admitted] == [0, 0.5, 1.0, 1.5]
    assert clock.sleeps == [0.5, 0.5, 0.5]


def test_a_pace_factor_of_zero_waits_for_nothing(
    budget: Any, archive: Any, clock: Any, server: Any
) -> None:
    from stock_pipeline.redaction import Scrubber

    fast = Transport(budget, archive, clock, Scrubber(), pace_factor=0)
    for _ in range(3):
        fast.fetch(TEST, Call("list", f"{server.url}/list.json"), lambda answer: answer.body)
    assert clock.sleeps == []


def test_every_attempt_is_counted_in_the_receipt(server: Any, ask: Ask, archive: Any) -> None:
    server.replies = [server.http(status="503 Busy"), server.http(b"{}")]
    with archive.scope(asset="a", partition="2026-03-13", run_id="r") as receipt:
        ask()
    assert receipt.requests == 2
    assert (receipt.source, len(receipt.digests)) == ("TEST", 1)


def test_a_block_holds_for_every_transport_until_its_end(
    transport: Transport, budget: Any, archive: Any, clock: Any, server: Any
) -> None:
    from stock_pipeline.redaction import Scrubber

    def blocking(answer: Answer) -> None:
        raise transport.blocked(TEST, "list", "block page")

    call = Call("list", f"{server.url}/list.json")
    with pytest.raises(Blocked, match="not asked again before 2026-03-13 10:00 UTC"):
        transport.fetch(TEST, call, blocking)
    second = Transport(budget, archive, clock, Scrubber())
    for other in (transport, second):
        with pytest.raises(Blocked):
            other.fetch(TEST, call, lambda answer: answer.body)
    assert len(server.requests) == 1
    clock.instant += timedelta(hours=1)
    for other in (transport, second):
        assert other.fetch(TEST, call, lambda answer: answer.body).data == b"{}"


def test_closing_hours_are_kept_without_a_request(transport: Transport, server: Any) -> None:
    until = datetime(2026, 3, 13, 17, 10, tzinfo=UTC)
    closed = Upstream("TEST", 0.5, "TEST_KEY", closed_until=lambda now: until)
    with pytest.raises(Maintenance):
        transport.fetch(closed, Call("list", server.url), lambda answer: answer.body)
    assert server.requests == []


def test_the_days_limit_is_given_to_the_budget(server: Any, ask: Ask) -> None:
    limited = Upstream("TEST", 0.5, "TEST_KEY", daily_limit=2)
    ask(limited)
    ask(limited)
    with pytest.raises(QuotaExhausted):
        ask(limited)
    assert len(server.requests) == 2


def test_only_good_answers_are_archived_and_no_key_with_them(
    server: Any, ask: Ask, archive: Any, tmp_path: Any
) -> None:
    server.replies = [server.http(b"<html>"), server.http(b'{"n": 1}')]
    ask()
    (stored,) = archive.find("TEST", "list", {})
    assert json.loads(stored.body) == {"n": 1}
    assert stored.params == {"page": "1"}
    assert f"crtfc_key={CANARY}".encode() in server.requests[0]
    for file in tmp_path.rglob("*.jsonl"):
        assert CANARY not in file.read_text()


def test_a_replay_answers_from_the_archive_and_sends_nothing(
    server: Any, ask: Ask, replaying: Transport, clock: Any
) -> None:
    server.replies = [server.http(b"[1]"), server.http(b"[2]")]
    ask(page="1")
    ask(page="2")
    clock.instant += timedelta(days=3)
    call = Call("list", server.url, {"page": "2"})
    again = replaying.fetch(TEST, call, lambda answer: answer.body)
    assert (again.data, again.fetched_at) == (b"[2]", datetime(2026, 3, 13, 9, 0, tzinfo=UTC))
    with pytest.raises(NotArchived):
        replaying.fetch(TEST, Call("list", server.url, {"page": "3"}), lambda answer: answer.body)
    with pytest.raises(NotArchived):
        replaying.session(TEST).get(server.url)
    assert len(server.requests) == 2


# ---- asked only if it has changed


@pytest.fixture
def ask_again(transport: Transport, server: Any, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Return a function that asks for the same feed each time, if it has changed."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def decode(answer: Answer) -> tuple[bytes, str]:
        require_ok(answer, "TEST_KEY", transport.clock.now())
        return answer.body, answer.content_type

    call = Call("feed", f"{server.url}/feed.xml", headers={"X-Reader": "1"}, conditional=True)
    return lambda: transport.fetch(TEST, call, decode)


def test_an_unchanged_answer_is_read_from_the_archive_and_counts_as_new(
    server: Any, ask_again: Ask, transport: Transport, clock: Any
) -> None:
    stamps = {"ETag": 'W/"7"', "Last_Modified": "Thu, 12 Mar 2026 09:00:00 GMT"}
    server.replies = [
        server.http(b"<rss/>", Content_Type="text/xml", **stamps),
        server.http(status="304 Not Modified"),
    ]
    first = ask_again()
    clock.instant += timedelta(hours=1)
    second, third = ask_again(), ask_again()
    assert first.data == second.data == third.data == (b"<rss/>", "text/xml")
    assert second.fetched_at == clock.now()
    asked = [request.decode().lower() for request in server.requests]
    assert "if-none-match" not in asked[0]
    for request in asked[1:]:  # also what the answer 304 did not repeat is still known
        assert 'if-none-match: w/"7"' in request
        assert "if-modified-since: thu, 12 mar 2026 09:00:00 gmt" in request
        assert "x-reader: 1" in request


def test_a_changed_answer_takes_the_place_of_the_known_one(server: Any, ask_again: Ask) -> None:
    server.replies = [
        server.http(b"<one/>", ETag='"1"'),
        server.http(b"<two/>", ETag='"2"'),
        server.http(status="304 Not Modified"),
    ]
    assert [ask_again().data[0] for _ in range(3)] == [b"<one/>", b"<two/>", b"<two/>"]
    assert b'if-none-match: "2"' in server.requests[2].lower()


def test_not_modified_without_anything_known_is_a_refusal(server: Any, ask_again: Ask) -> None:
    server.replies = [server.http(status="304 Not Modified")]
    with pytest.raises(UpstreamError):
        ask_again()
