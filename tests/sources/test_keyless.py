"""A refusal where there is no key: this client is not wanted, for an hour and for all processes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from stock_pipeline.errors import Blocked, RateLimited, ServerError
from stock_pipeline.sources.keyless import require_welcome
from stock_pipeline.sources.transport import Transport, Upstream
from stock_pipeline.sources.transport_wire import Answer

OPEN = Upstream("OPEN", pace=1.0, setting="")


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_blocks_for_an_hour(
    transport: Transport, budget: Any, clock: Any, status: int
) -> None:
    with pytest.raises(Blocked, match=f"HTTP {status}, and there is no key to renew"):
        require_welcome(Answer("OPEN", "list", status, {}, b""), OPEN, transport)
    assert budget.blocked == {"OPEN": clock.now() + timedelta(hours=1)}


@pytest.mark.parametrize(("status", "kind"), [(429, RateLimited), (503, ServerError)])
def test_other_failures_are_what_they_are_elsewhere(
    transport: Transport, budget: Any, status: int, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        require_welcome(Answer("OPEN", "list", status, {}, b""), OPEN, transport)
    assert budget.blocked == {}


def test_an_answer_is_welcome(transport: Transport) -> None:
    require_welcome(Answer("OPEN", "list", 200, {}, b"{}"), OPEN, transport)
