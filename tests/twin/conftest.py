"""A tiny upstream behind a real twin, and clients that reach it as a command's libraries would."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
import requests

from stock_pipeline.twin.replay import Replay
from stock_pipeline.twin.server import Twin
from stock_pipeline.twin.wire import Answer, Request, operation_of
from stock_pipeline.twin.world import World

ROWS = [
    {"ISU_SRT_CD": "005930", "ISU_ABBRV": "삼성전자", "TDD_CLSPRC": "53,000", "FLUC_TP_CD": "2"},
    {"ISU_SRT_CD": "000660", "ISU_ABBRV": "SK하이닉스", "TDD_CLSPRC": "1,000", "FLUC_TP_CD": "1"},
    {"ISU_SRT_CD": "0126Z0", "ISU_ABBRV": "한빛", "TDD_CLSPRC": "700", "FLUC_TP_CD": "0"},
]


class Shop:
    """An upstream with one list in JSON, one in CSV, and nothing else."""

    HOSTS = frozenset(
        {"shop.example", "data.krx.co.kr", "opendart.fss.or.kr", "apis.data.go.kr", "csv.example"}
    )
    STARTUP = frozenset({"MDCCOMS001D1"})

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def answer(self, request: Request) -> Answer | None:
        """Answer everything but paths below `/unknown`."""
        self.asked.append(request)
        operation = operation_of(request)
        if request.path.startswith("/unknown"):
            return None
        if request.path.endswith(".csv"):
            text = "\ufeff,Code,Name\n0,005930,삼성전자\n1,000660,SK하이닉스\n"
            return Answer(200, text.encode(), "text/plain; charset=utf-8", "listing")
        body = json.dumps({"list": ROWS, "total_count": len(ROWS)}, ensure_ascii=False).encode()
        content_type = "application/json; charset=utf-8"
        return Answer(200, body, content_type, operation, compress=True)


@pytest.fixture(scope="session")
def small_world() -> World:
    """Return a world of 150 shares that ends on 2026-03-20, for all that only read it."""
    return World(companies=150, end=date(2026, 3, 20))


@pytest.fixture(scope="session")
def shorter_world() -> World:
    """Return the same world as it is on 2024-08-14."""
    return World(companies=150, end=date(2024, 8, 14))


@pytest.fixture(scope="session")
def twin_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one state folder for all twins of the test run, so that their authority is one."""
    return tmp_path_factory.mktemp("twin-state")


@pytest.fixture
def shop() -> Shop:
    """Return a fresh tiny upstream."""
    return Shop()


Start = Callable[..., Twin]


@pytest.fixture
def start(shop: Shop, twin_state: Path) -> Iterator[Start]:
    """Return a function that opens a twin with these faults, closed after the test."""
    with contextlib.ExitStack() as twins:

        def opened(
            *faults: str, replay: Replay | None = None, log_path: Path | None = None
        ) -> Twin:
            twin = Twin([shop], faults=faults, replay=replay, log_path=log_path, state=twin_state)
            return twins.enter_context(twin)

        yield opened


@pytest.fixture
def reach() -> Iterator[Callable[[Twin], requests.Session]]:
    """Return a function that makes a client of a twin, closed after the test."""
    with contextlib.ExitStack() as clients:

        def reached(twin: Twin) -> requests.Session:
            variables = twin.environment({})
            client = clients.enter_context(requests.Session())
            client.trust_env = False
            client.proxies = {"https": variables["HTTPS_PROXY"], "http": variables["HTTP_PROXY"]}
            client.verify = variables["REQUESTS_CA_BUNDLE"]
            return client

        yield reached
