"""Find every table by walking the folder of assets; there is no list to keep."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter

import dagster as dg

import stock_pipeline.assets
from stock_pipeline.alerts import ops_alert
from stock_pipeline.emails import mail_log, mail_subscriber, watchlist
from stock_pipeline.storage import collection_log
from stock_pipeline.storage.schema import Table, View
from stock_pipeline.table_asset import TableAsset


def table_assets() -> list[TableAsset]:
    """Return every table asset, by the name of its table."""
    found = {id(asset): asset for asset in _walk()}
    return sorted(found.values(), key=lambda asset: asset.table.name)


def tables() -> list[Table]:
    """Return every declared table: those of the machinery and those of the assets."""
    written = [table for asset in table_assets() for table in asset.work.tables]
    return [*operations_tables(), *written]


def operations_tables() -> list[Table]:
    """Return the tables that the machinery itself writes."""
    modules = (collection_log, ops_alert, mail_log, mail_subscriber, watchlist)
    return [table for module in modules for table in module.TABLES]


def views() -> list[View]:
    """Return every view, each after the views it reads."""
    return sorted(
        (view for asset in table_assets() for view in asset.views), key=lambda view: view.order
    )


def in_order(assets: Iterable[TableAsset]) -> list[str]:
    """Return the names of tables, each after those it reads."""
    reads = {
        found.table.name: {key.to_user_string() for key in found.asset.dependency_keys}
        for found in assets
    }
    return list(TopologicalSorter(reads).static_order())


def keys_of(names: Iterable[str]) -> list[dg.AssetKey]:
    """Return the asset keys of tables, with those that are written together with one of them."""
    wanted = set(names)
    return [
        key
        for found in table_assets()
        if wanted & {table.name for table in found.work.tables}
        for key in found.keys
    ]


def scheduled() -> list[str]:
    """Return the names of all tables that a schedule collects."""
    assets = (found for found in table_assets() if found.cadence is not None)
    return sorted(key.to_user_string() for found in assets for key in found.keys)


def checks_of(names: Iterable[str]) -> set[dg.AssetCheckKey]:
    """Return the checks that are judged while these tables are written."""
    keys = set(keys_of(names))
    return {
        check
        for found in table_assets()
        for check in found.asset.check_keys
        if check.asset_key in keys
    }


def selection_of(names: Iterable[str]) -> dg.AssetSelection:
    """Return what a run of these tables consists of: they and their own checks.

    Whether a table is fresh is told by a sensor; in a run it would be a step of its own.
    """
    wanted = list(names)
    tables = dg.AssetSelection.assets(*keys_of(wanted)).without_checks()
    return tables | dg.AssetSelection.checks(*checks_of(wanted))


def _walk() -> Iterator[TableAsset]:
    package = stock_pipeline.assets
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.ispkg:
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, TableAsset):
                    yield value
