"""Which upstreams the twin can play: every module of this package that names one.

A module plays an upstream when it has `HOSTS` and `UPSTREAM`, the class that answers for them. A
new upstream is a new file here and needs no other edit.
"""

from __future__ import annotations

import importlib
import pkgutil
import threading
from collections.abc import Callable
from types import ModuleType

import stock_pipeline.twin as package
from stock_pipeline.twin.routing import Upstream
from stock_pipeline.twin.wire import Answer, Request

Build = Callable[[type], Upstream]


def upstream_modules() -> list[ModuleType]:
    """Import this package's modules and return those that play an upstream, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    modules = [importlib.import_module(f"{package.__name__}.{name}") for name in names]
    return [module for module in modules if hasattr(module, "UPSTREAM")]


class LazyUpstream:
    """An upstream that is built when it is first asked, because its world takes seconds to make."""

    def __init__(self, module: ModuleType, build: Build) -> None:
        upstream: type = module.UPSTREAM
        self.HOSTS: frozenset[str] = module.HOSTS
        self.STARTUP: frozenset[str] = getattr(
            upstream, "STARTUP", getattr(module, "STARTUP", frozenset())
        )
        self.name = upstream.__name__
        self._upstream = upstream
        self._build = build
        self._built: Upstream | None = None
        self._lock = threading.Lock()

    def answer(self, request: Request) -> Answer | None:
        """Build the upstream if that has not happened yet, and let it answer."""
        with self._lock:
            if self._built is None:
                self._built = self._build(self._upstream)
        return self._built.answer(request)
