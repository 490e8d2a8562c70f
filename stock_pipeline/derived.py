"""Which stored partitions of computed tables are older than their inputs; a few queries for all.

All stored days are compared with their inputs by walking forward in steps: what lies behind the
walk follows its inputs. An input that is collected again puts the walk back to its date, and every
new day in Seoul begins it anew. Where nothing was collected nothing is compared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta

from stock_pipeline.clock import KST
from stock_pipeline.storage.database import Database
from stock_pipeline.targets import Target
from stock_pipeline.work import Work

# Partitions compared in one tick; a sensor has 60 s, a comparison takes up to 0.1 s.
STEP = 100
BEGINNING, END = "0001-01-01", "9999-12-31"

_COLLECTED = """
SELECT asset, min(partition) AS earliest, max(completed_at) AS newest FROM data_collection_log
WHERE asset = ANY(:assets) AND status = 'completed' AND completed_at > CAST(:since AS timestamptz)
GROUP BY asset ORDER BY asset
"""
_STORED = """
SELECT DISTINCT ON (partition) partition, input_version FROM data_collection_log
WHERE asset = :asset AND partition >= :start AND status = 'completed' AND outcome = 'rows'
ORDER BY partition, completed_at DESC LIMIT :step
"""


@dataclass(frozen=True)
class Walk:
    """How far the comparison has come.

    day    the day in Seoul on which this walk began
    since  when the newest input that was considered was stored
    ahead  table → the first partition that is not compared yet
    """

    day: str = ""
    since: str = "1970-01-01T00:00:00+00:00"
    ahead: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, cursor: str | None) -> Walk:
        """Read a walk from a sensor's cursor; none, or one of another form, begins anew."""
        try:
            return cls(**json.loads(cursor or "{}"))
        except (ValueError, TypeError):
            return cls()

    def text(self) -> str:
        """Return the walk as a cursor."""
        return json.dumps(asdict(self))


def put_back(derived: Sequence[Target], db: Database, walk: Walk, now: datetime) -> Walk:
    """Return the walk, put back to the earliest input that was stored since."""
    names = sorted({work.table.name for target in derived for work in target.inputs})
    stored = db.read(_COLLECTED, {"assets": names, "since": walk.since})
    earliest = dict(zip(stored["asset"], stored["earliest"], strict=True))
    newest = stored["newest"].max()
    since = newest.isoformat() if isinstance(newest, datetime) else walk.since
    today = now.astimezone(KST).date().isoformat()
    ahead = walk.ahead if walk.day == today else {}
    back = {
        target.name: min([ahead.get(target.name, BEGINNING), *_affected(target.inputs, earliest)])
        for target in derived
    }
    return Walk(today, since, back)


def outdated(target: Target, db: Database, start: str, step: int = STEP) -> tuple[list[str], str]:
    """Compare the next stored partitions; return the outdated ones and where to go on after all."""
    if start == END or target.work.input_version is None:
        return [], END
    stored = db.read(_STORED, {"asset": target.name, "start": start, "step": step})
    if stored.is_empty():
        return [], END
    newest = db.read(
        versions_sql(target.work.input_version), {"days": stored["partition"].to_list()}
    )
    versions = dict(zip(newest["partition"], newest["version"], strict=True))
    older = [day for day, version in stored.iter_rows() if _is_older(version, versions[day])]
    if stored.height < step:
        return older, END
    last = date.fromisoformat(stored["partition"].to_list()[-1])
    return older, (last + timedelta(days=1)).isoformat()


def versions_sql(input_version: str) -> str:
    """Return the query of one day's version, asked for many `:days` at once."""
    of_day = re.sub(r":day\b", "d.partition", input_version.strip())
    return (
        f"SELECT d.partition, ({of_day}) AS version"
        " FROM unnest(CAST(:days AS text[])) AS d(partition) ORDER BY d.partition"
    )


def _affected(inputs: Sequence[Work], earliest: Mapping[str, str]) -> list[str]:
    """Return from which partitions on these inputs matter."""
    return [
        # The partition of a listing or a statement does not tell from when on it counts.
        earliest[work.table.name] if work.partitions == "day" else BEGINNING
        for work in inputs
        if work.table.name in earliest
    ]


def _is_older(logged: str | None, newest: datetime | None) -> bool:
    """Tell whether an input changed after the version that the log kept."""
    if newest is None:
        return False
    return logged is None or datetime.fromisoformat(logged) < newest
