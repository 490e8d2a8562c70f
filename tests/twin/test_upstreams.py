"""Upstreams are found by what their modules declare, and built when first asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import ModuleType

import pytest

from stock_pipeline.twin.faults import ArmedFaults, Fault
from stock_pipeline.twin.routing import Router, Upstream, declared, name_of
from stock_pipeline.twin.upstreams import LazyUpstream, upstream_modules
from stock_pipeline.twin.wire import Answer, Request

REQUEST = Request("GET", "shop.example", "/list.json")


class CornerShop:
    """An upstream whose hosts stand in its module."""

    def answer(self, request: Request) -> Answer:
        """Answer anything."""
        return Answer(200, b"x", "text/plain", "x")


@pytest.fixture
def module() -> ModuleType:
    """Return a module that plays an upstream."""
    made = ModuleType("corner_shop")
    made.__dict__.update(
        HOSTS=frozenset({"shop.example"}), UPSTREAM=CornerShop, STARTUP=frozenset({"x"})
    )
    return made


def build(upstream: type) -> Upstream:
    """Build an upstream without a world."""
    made: Upstream = upstream()
    return made


def test_every_module_with_an_upstream_has_hosts() -> None:
    found = upstream_modules()
    hosts = [host for module in found for host in module.HOSTS]
    assert all(hasattr(module.UPSTREAM, "answer") for module in found)
    assert len(hosts) == len(set(hosts)), "two upstreams play one host"


def test_lazy_upstream_tells_its_hosts_without_being_built(module: ModuleType) -> None:
    def never(upstream: type) -> Upstream:
        pytest.fail("built")

    lazy = LazyUpstream(module, never)
    assert declared(lazy, "HOSTS") == {"shop.example"}
    assert declared(lazy, "STARTUP") == {"x"}
    assert name_of(lazy) == "corner_shop"


def test_lazy_upstream_is_built_once_for_all_threads(module: ModuleType) -> None:
    built: list[type] = []

    def counted(upstream: type) -> Upstream:
        built.append(upstream)
        return build(upstream)

    lazy = LazyUpstream(module, counted)
    threads = [threading.Thread(target=lazy.answer, args=(REQUEST,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert built == [CornerShop]
    assert lazy.answer(REQUEST) == Answer(200, b"x", "text/plain", "x")


@pytest.mark.parametrize(
    ("name", "expected"), [("Krx", "krx"), ("FdrCache", "fdr_cache"), ("Dart", "dart")]
)
def test_upstream_is_called_by_its_class_in_snake_case(name: str, expected: str) -> None:
    assert name_of(type(name, (CornerShop,), {})()) == expected


def test_fault_of_an_upstream_leaves_an_operation_of_that_name_alone() -> None:
    class Krx(CornerShop):
        HOSTS = frozenset({"krx.example"})

    class Cache(CornerShop):
        HOSTS = frozenset({"cache.example"})

        def answer(self, request: Request) -> Answer:
            return Answer(200, b"", "text/plain", "krx")

    router = Router([Krx(), Cache()], None, ArmedFaults([Fault("krx", "html")]))
    assert router.route(Request("GET", "cache.example", "/a.csv")).faults == ()
    assert router.route(Request("GET", "krx.example", "/a")).faults == (Fault("krx", "html"),)


def test_hosts_may_stand_in_the_class_or_nowhere() -> None:
    class Own(CornerShop):
        HOSTS = frozenset({"own.example"})

    make: Callable[[], Upstream] = CornerShop
    assert declared(Own(), "HOSTS") == {"own.example"}
    assert declared(make(), "HOSTS") == frozenset()
