"""Upstreams that need no key: whoever is refused there is not wanted, and has nothing to renew."""

from __future__ import annotations

from stock_pipeline.sources.transport import Transport, Upstream
from stock_pipeline.sources.transport_decode import require_ok
from stock_pipeline.sources.transport_wire import Answer

REFUSED = (401, 403)


def require_welcome(answer: Answer, upstream: Upstream, transport: Transport) -> None:
    """Turn an HTTP status other than 200 into the error it stands for.

    Raises  Blocked when this client is refused, else what `require_ok` raises
    """
    if answer.status in REFUSED:
        detail = f"HTTP {answer.status}, and there is no key to renew"
        raise transport.blocked(upstream, answer.operation, detail)
    require_ok(answer, upstream.setting, transport.clock.now())
