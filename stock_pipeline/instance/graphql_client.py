"""Questions to Dagster's GraphQL inside this process, without a socket and without the guard.

Dagster's web application is called as the server calls it. Every question has an event loop of its
own, so that whoever asks blocks one thread and no request of others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stock_pipeline.dashboard.collector import CannotStart

if TYPE_CHECKING:
    from starlette.types import ASGIApp

# Dagster's own statements end after 15 s.
_SECONDS = 20.0
_log = logging.getLogger(__name__)


class GraphQL:
    """Asks one Dagster application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Return what a document answers.

        Raises  CannotStart
        """
        try:
            answer = asyncio.run(self._post({"query": query, "variables": variables}))
        except TimeoutError:
            raise CannotStart("dagster_away", f"no answer in {_SECONDS:.0f} s") from None
        data = answer.get("data")
        if answer.get("errors") or not isinstance(data, dict):
            # The text may repeat what was asked; it stays in the log, which is scrubbed.
            _log.warning("Dagster's GraphQL failed: %s", answer.get("errors"))
            raise CannotStart("dagster_away", "its GraphQL failed")
        return data

    async def _post(self, question: Mapping[str, Any]) -> dict[str, Any]:
        # Imported here: with the command line this module is only named, not used.
        import httpx2

        wire = httpx2.ASGITransport(self._app, raise_app_exceptions=False)
        # A proxy of the environment is for upstreams.
        async with (
            asyncio.timeout(_SECONDS),
            httpx2.AsyncClient(
                transport=wire, base_url="http://dagster", trust_env=False
            ) as client,
        ):
            answer = await client.post("/graphql", json=question, timeout=None)
        try:
            found = answer.json()
        except ValueError:
            found = None
        return found if isinstance(found, dict) else {"errors": f"HTTP {answer.status_code}"}
