"""The tables that are kept without gaps: cut by time, collected by a cadence, with their inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg

from stock_pipeline import discovery
from stock_pipeline.work import Work


@dataclass(frozen=True)
class Target:
    """A table that should have a partition for every time its cadence came round.

    inputs  the tables it reads
    """

    work: Work
    cadence: str
    inputs: tuple[Work, ...] = ()

    @property
    def name(self) -> str:
        """Return the name of the table."""
        return self.work.table.name

    @property
    def is_derived(self) -> bool:
        """Tell whether the table is computed and remembers which inputs it was computed from."""
        return self.work.input_version is not None


def targets() -> list[Target]:
    """Return every table that a cadence collects partition by partition, after what it reads."""
    assets = {asset.table.name: asset for asset in discovery.table_assets()}
    found = []
    for asset in assets.values():
        if asset.cadence is None or asset.work.partitions is None:
            continue
        names = (
            key.to_user_string() for key in asset.asset.asset_deps[dg.AssetKey(asset.table.name)]
        )
        inputs = tuple(assets[name].work for name in sorted(names) if name in assets)
        found.append(Target(asset.work, asset.cadence, inputs))
    return in_order(found)


def in_order(targets: Sequence[Target]) -> list[Target]:
    """Return the tables so that each comes after those it is computed from."""
    left, ordered = list(targets), []
    while left:
        names = {target.name for target in left}
        free = [t for t in left if not names & {work.table.name for work in t.inputs}]
        ordered += free or left
        left = [target for target in left if target not in ordered]
    return ordered
