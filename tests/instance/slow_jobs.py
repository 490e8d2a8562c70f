"""Jobs for the launcher to start: collectors that answer, block, query for ever or are greedy.

Each goes through the machinery of every table: a log row that is opened, work, a row that is
closed.
"""

# No `from __future__ import annotations`: Dagster reads the annotation of `context` as it stands.

import resource
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

import dagster as dg
import polars as pl

from stock_pipeline.collection import collect
from stock_pipeline.resources import resources
from stock_pipeline.storage.collection_log import TABLES, Entry
from stock_pipeline.work import Tools, Work

MACHINERY = {"db", "archive", "calendar", "clock", "settings", "job_run"}
LOG = next(table for table in TABLES if table.name == "upstream_budget")


def collected(context: dg.OpExecutionContext) -> None:
    """Collect one undivided table whose source does what the name of the job says."""

    def fetch(_: Sequence[date | None]) -> Iterator[pl.DataFrame]:
        if context.job_name == "blocks":
            time.sleep(600)
        if context.job_name == "queries":
            context.resources.db.read("SELECT pg_sleep(600)::text")
        if context.job_name == "is_greedy":
            resource.setrlimit(resource.RLIMIT_AS, (2**20, 2**20))
            yield pl.DataFrame({"x": list(range(10**7))})
        row = {"source": "x", "day": date(2026, 3, 13), "requests": 1}
        yield pl.DataFrame([row | dict.fromkeys(("quota", "blocked_until", "next_slot_at"))])

    r = context.resources
    tools = Tools(r.db, r.archive, r.calendar, r.clock)
    run = Entry(context.run_id, "", "", context.job_name)
    # Two runs at one partition would make the second one give way.
    table = LOG if context.job_name == "answers" else replace(LOG, name=f"table_{context.run_id}")
    for result in collect(Work(table), tools, fetch, [None], run=run):
        if result.error:
            raise result.error


def slow_job(name: str) -> dg.JobDefinition:
    @dg.op(name=f"{name}_op", required_resource_keys=MACHINERY)
    def work(context: dg.OpExecutionContext) -> None:
        collected(context)

    @dg.job(name=name)
    def job() -> None:
        work()

    return job


defs = dg.Definitions(
    jobs=[slow_job(name) for name in ("answers", "blocks", "queries", "is_greedy")],
    resources=resources(),
    executor=dg.in_process_executor,
)
