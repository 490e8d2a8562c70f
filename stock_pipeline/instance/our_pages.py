"""The dashboard over the database of this process, with Dagster's pages behind it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from stock_pipeline.cadences import first_source
from stock_pipeline.clock import Clock
from stock_pipeline.dashboard.context import Context
from stock_pipeline.dashboard.site import site
from stock_pipeline.dashboard.standing import Standing
from stock_pipeline.due import MARKET
from stock_pipeline.instance.collector_runs import CollectorRuns
from stock_pipeline.instance.graphql_client import GraphQL
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.resources.machinery import database_url
from stock_pipeline.settings import Settings
from stock_pipeline.storage.archive import FileArchive
from stock_pipeline.storage.database import Database

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp


@contextmanager
def our_pages(settings: Settings, dagster: ASGIApp, clock: Clock) -> Iterator[FastAPI]:
    """Yield the dashboard; what it does not know is Dagster's.

    A database that is away at this moment is asked again with every page.
    """
    with ExitStack() as held:
        url = database_url(settings)
        # Each panel of a page would wait ten seconds for a database that is away.
        reader = Database(url, clock=clock, read_only=True, tries=1)
        held.callback(reader.close)
        writer = Database(url, clock=clock, tries=1)
        held.callback(writer.close)
        calendar = MarketCalendar(clock)
        _build_ahead(calendar, clock)
        app = site(
            Context(
                database=reader,
                writer=writer,
                clock=clock,
                calendar=calendar,
                mode=settings.stock_pipeline_mode,
                collector=CollectorRuns(GraphQL(dagster), calendar, clock),
                archive=FileArchive(settings.home / "raw", clock=clock),
                standing=Standing(reader, calendar, clock, first_source(settings)),
            )
        )
        app.mount("/", dagster)
        yield app


def _build_ahead(calendar: MarketCalendar, clock: Clock) -> None:
    """Build the calendar of the exchange now: four seconds that the first page need not take."""
    threading.Thread(
        target=lambda: calendar.closed_sessions(MARKET, clock.now()), name="calendar", daemon=True
    ).start()
