"""The one decorator: a fetch function, a TABLE and RULES become a stored, checked and logged asset.

The function fetches and parses; everything else is the same for all tables and lives in
`collection.py`. This module tells Dagster what happened: which partitions are stored, how many
rows, what was kept out.
"""

# No `from __future__ import annotations`: Dagster reads the annotation of `context` as it stands.

import inspect
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

import dagster as dg
import polars as pl

from stock_pipeline.asset_report import check_specs, report, sentence
from stock_pipeline.collection import ALL, collect
from stock_pipeline.partitions import DEFINITIONS, current_key
from stock_pipeline.quality.checks import Check
from stock_pipeline.quality.rules import Rule
from stock_pipeline.storage.collection_log import Entry
from stock_pipeline.storage.schema import Table, View
from stock_pipeline.work import (
    PARTITIONS_PER_RUN,
    REJECTED_SHARE,
    Beside,
    Collected,
    Tools,
    Work,
)

__all__ = ["Beside", "Collected", "TableAsset", "table_asset"]

OWNER = "team:stock-pipeline"
_LABEL = re.compile(r"^(Source|Grain|Units|Cadence|Caveats) {2,}")
_MACHINERY = frozenset({"db", "archive", "calendar", "clock", "settings", "job_run"})
_PARTITION_NAMES = frozenset({"day", "days", "week", "month", "quarter", "utc_day"})


class TableAsset:
    """What discovery finds in a table file: the Dagster asset and what was declared with it."""

    def __init__(
        self, asset: dg.AssetsDefinition, work: Work, cadence: str | None, views: tuple[View, ...]
    ) -> None:
        self.asset = asset
        self.work = work
        self.cadence = cadence
        self.views = views

    @property
    def table(self) -> Table:
        """Return the declaration of the table; of several the one that names the file."""
        return self.work.table

    @property
    def group(self) -> str:
        """Return the name of its group: that of its folder."""
        return next(iter(self.asset.group_names_by_key.values()))

    @property
    def keys(self) -> list[dg.AssetKey]:
        """Return the asset keys of all tables that are written together."""
        return [dg.AssetKey(table.name) for table in self.work.tables]


def table_asset(  # the declaration of a table is a list of facts; each has its own keyword
    table: Table,
    rules: Sequence[Rule] = (),
    *,
    cadence: str | None = None,
    partitions: Literal["day", "utc_day", "week", "month", "quarter"] | None = None,
    write: Literal["partition", "merge"] = "merge",
    snapshot: bool = False,
    sessions: str | None = None,
    pool: str | None = None,
    deps: Sequence[str] = (),
    optional: bool = False,
    views: Sequence[View] = (),
    after_history: str | None = None,
    floor: float | None = None,
    input_version: str | None = None,
    may_empty: bool = False,
    beside: Sequence[Beside] = (),
    not_before: time | None = None,
    rejected_share: float = REJECTED_SHARE,
    per_run: int = PARTITIONS_PER_RUN,
    checks: Sequence[Check] = (),
    may_lie_ahead: bool = False,
) -> Callable[[Callable[..., Any]], TableAsset]:
    """Turn a fetch function into the asset that fills `table`.

    cadence        name of the schedule in `schedules.py` that collects it
    partitions     how time is cut; None: one undivided table
    write          partition: the stored one equals the newest answer; merge: rows are only added
    snapshot       the upstream knows only the present: another partition is answered `no_history`
    sessions       market whose calendar decides which days have anything to collect
    pool           upstream account that only one run may use at a time
    deps           tables this one reads
    optional       what depends on it can do without it: a failure is a warning here, not there
    after_history  table whose session before, and this one, must be stored first
    floor          smallest accepted share of the rows of the partition before
    input_version  SQL giving the newest change of an input effective by `:day`
    may_empty      a stored partition may lose any number of rows: they are findings
    beside         tables that the same answer fills, in the same transaction
    not_before     hour in Seoul on the day of the partition before which nothing is asked
    rejected_share share of rejected rows above which the whole answer is refused
    per_run        partitions that one run of a backfill holds
    checks         what must hold for a stored partition as a whole, see `quality/checks.py`
    may_lie_ahead  its key has dates of days to come
    """

    def decorate(function: Callable[..., Any]) -> TableAsset:
        module = sys.modules[function.__module__]
        meaning = _first_line(module.__doc__)
        described = replace(table, meaning=meaning)
        others = (replace(one, table=replace(one.table, meaning=meaning)) for one in beside)
        work = Work(
            described,
            rules=tuple(rules),
            write=write,
            partitions=partitions,
            snapshot=snapshot,
            sessions=sessions,
            history=after_history,
            floor=floor,
            input_version=input_version,
            optional=optional,
            may_empty=may_empty,
            beside=tuple(others),
            not_before=not_before,
            rejected_share=rejected_share,
            per_run=per_run,
            checks=tuple(checks),
            may_lie_ahead=may_lie_ahead,
        )
        with warnings.catch_warnings():
            # BackfillPolicy is beta in this Dagster version and says so for every asset.
            warnings.simplefilter("ignore", dg.BetaWarning)
            asset = _asset(function, work, cadence=cadence, pool=pool, deps=deps)
        return TableAsset(asset, work, cadence, tuple(views))

    return decorate


def _asset(
    function: Callable[..., Any],
    work: Work,
    *,
    cadence: str | None,
    pool: str | None,
    deps: Sequence[str],
) -> dg.AssetsDefinition:
    names = tuple(inspect.signature(function).parameters)
    resources = _MACHINERY | set(names) - _PARTITION_NAMES - {"companies"}

    @dg.multi_asset(
        name=work.table.name,
        specs=[_spec(table, function, cadence=cadence, deps=deps) for table in work.tables],
        partitions_def=DEFINITIONS[work.partitions] if work.partitions else None,
        backfill_policy=dg.BackfillPolicy.multi_run(work.per_run) if work.partitions else None,
        check_specs=check_specs(work),
        config_schema={"companies": dg.Field([str], default_value=[])}
        if "companies" in names
        else None,
        required_resource_keys=set(resources),
        pool=pool,
    )
    def asset(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield from _collected(context, function, work)

    return asset


def _spec(
    table: Table, function: Callable[..., Any], *, cadence: str | None, deps: Sequence[str]
) -> dg.AssetSpec:
    return dg.AssetSpec(
        table.name,
        description=described(sys.modules[function.__module__].__doc__ or ""),
        group_name=function.__module__.split(".")[-2],
        owners=[OWNER],
        kinds={"postgres"},
        tags={"cadence": cadence} if cadence else None,
        metadata=_catalogue(table),
        deps=[dg.AssetKey(name) for name in deps],
        skippable=True,
    )


def _collected(
    context: dg.AssetExecutionContext, function: Callable[..., Any], work: Work
) -> Iterator[Any]:
    """Collect the partitions of the run and yield what Dagster is to know of them."""
    names = tuple(inspect.signature(function).parameters)
    arguments = {
        name: getattr(context.resources, name)
        for name in names
        if name not in _PARTITION_NAMES and name != "companies"
    }
    limited = False
    if "companies" in names:
        arguments["companies"] = tuple(context.op_execution_context.op_config["companies"])
        limited = bool(arguments["companies"])
    tools = _tools(context, work, limited=limited)
    fetch = _fetcher(function, names, arguments)
    run = Entry(context.run.run_id, work.table.name, ALL, context.run.job_name)
    keys = _partition_dates(context, work)
    results = []
    for result in collect(work, tools, fetch, keys, run=run):
        # A line takes as long to store as a small partition: of very many only what is amiss.
        if len(keys) <= PARTITIONS_PER_RUN or result.failed or not result.is_done:
            context.log.info(sentence(work, result))
        results.append(result)
    yield from report(context, work, keys, results)


def _fetcher(
    function: Callable[..., Any], names: Sequence[str], arguments: Mapping[str, Any]
) -> Callable[[Sequence[date | None]], Iterator[Collected | pl.DataFrame]]:
    """Return the function as a generator over partitions, whichever of the two forms it has."""
    partition_name = next((name for name in names if name in _PARTITION_NAMES), None)

    def fetch(partitions: Sequence[date | None]) -> Iterator[Collected | pl.DataFrame]:
        if partition_name == "days":
            for _day, frame in function(**arguments, days=partitions):
                yield frame
            return
        for partition in partitions:
            given = {partition_name: partition} if partition_name else {}
            yield function(**arguments, **given)

    return fetch


def _partition_dates(context: dg.AssetExecutionContext, work: Work) -> list[date | None]:
    if work.partitions is None:
        return [None]
    return [date.fromisoformat(key) for key in context.partition_keys]


def _tools(context: dg.AssetExecutionContext, work: Work, *, limited: bool) -> Tools:
    resources = context.resources
    return Tools(
        resources.db,
        resources.archive,
        resources.calendar,
        resources.clock,
        source=resources.settings.row_source,
        current=_current(work, resources.clock.now()),
        limited=limited,
    )


def _current(work: Work, now: datetime) -> date | None:
    """Return the partition that can be asked for now: until its hour has come, the one before."""
    if work.partitions is None:
        return None
    hour = work.not_before or time()
    return current_key(work.partitions, now - timedelta(hours=hour.hour, minutes=hour.minute))


def _catalogue(table: Table) -> dict[str, Any]:
    columns = [
        dg.TableColumn(
            c.name,
            c.type.sql,
            description=c.comment,
            constraints=dg.TableColumnConstraints(nullable=not c.is_key),
        )
        for c in table.columns
    ]
    return {
        "dagster/table_name": f"market.{table.name}",
        "dagster/column_schema": dg.TableSchema(columns=columns),
    }


def described(docstring: str) -> str:
    """Return a table file's docstring as Markdown: each label begins a paragraph."""
    lines = (line.strip() for line in inspect.cleandoc(docstring).splitlines())
    return "\n".join(_LABEL.sub(r"\n**\1** ", line) for line in lines if line)


def _first_line(docstring: str | None) -> str:
    return (docstring or "").strip().splitlines()[0] if docstring else ""
