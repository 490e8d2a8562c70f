"""What the numbers of a page or mail stand on: their session, source, last collection and trust.

All of it is what the collection log says; whether a table is behind is told from outside, for that
depends on the hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from stock_pipeline.storage.collection_log import DONE_OUTCOMES
from stock_pipeline.storage.database import Database

Trust = Literal["fresh", "partial", "stale"]

DEMO = "DEMO"

# So many rows of a table are looked at: the log grows, and what is shown is among its newest.
_LOOK_BACK = 60
# A skipped, early, idle or running attempt says nothing yet about what is stored.
_LATEST = f"""
SELECT a.asset, (SELECT max(mode) FROM database_identity) AS mode, l.*
FROM unnest(CAST(:tables AS text[])) WITH ORDINALITY a(asset, place) CROSS JOIN LATERAL (
    SELECT CAST(max(partition) FILTER (WHERE has_rows AND partition LIKE '____-__-__') AS date)
            AS session,
        max(completed_at) FILTER (WHERE is_done) AS collected_at,
        (array_agg(source ORDER BY place) FILTER (WHERE is_done AND source IS NOT NULL))[1]
            AS source,
        (array_agg(status ORDER BY place) FILTER (WHERE has_asked))[1] AS status,
        (array_agg(lacking ORDER BY place) FILTER (WHERE has_asked))[1] AS lacking,
        (array_agg(validation_status ORDER BY place) FILTER (WHERE has_asked))[1] AS validation
    FROM (
        SELECT partition, completed_at, source, status, validation_status,
            row_number() OVER (ORDER BY partition DESC, started_at DESC) AS place,
            status = 'completed' AND outcome = ANY(:outcomes) AS is_done,
            status = 'failed' OR outcome IN ('rows', 'no_data') AS has_asked,
            status = 'completed' AND inserted + updated + unchanged > 0 AS has_rows,
            coalesce(jsonb_array_length(detail -> 'failed'), 0) AS lacking
        FROM data_collection_log
        WHERE asset = a.asset AND jsonb_exists(detail, 'limited') IS NOT TRUE
        ORDER BY partition DESC, started_at DESC LIMIT {_LOOK_BACK}
    ) newest
) l ORDER BY a.place
"""


@dataclass(frozen=True)
class Basis:
    """What some tables together stand on.

    session       newest day with rows of the first of them that is collected by days
    collected_at  when the last collection of any of them ended well
    sources       who answered, in the order of the tables; DEMO in a demo database
    trust         stale: one of them is behind; partial: something of one of them is missing
    reasons       why it is not fresh, in Korean, one sentence a table
    """

    session: date | None
    collected_at: datetime | None
    sources: tuple[str, ...]
    trust: Trust
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Checks:
    """How the checks of some tables ended at their newest collection.

    passed   tables without any complaint
    judged   tables that were collected at all
    doubtful  names of the judged tables that are not among the passed ones
    """

    passed: int
    judged: int
    doubtful: tuple[str, ...]


def basis(db: Database, tables: Sequence[str], standing: Mapping[str, str]) -> Basis:
    """Return what the numbers of these tables stand on.

    tables    the first one gives the session
    standing  table → fresh, stale, never or skipped; tables that no schedule collects are left out
    """
    latest = _latest(db, tables)
    complaints = [_complaint(row, standing.get(row["asset"])) for row in latest]
    told = [one for one in complaints if one is not None]
    sources = dict.fromkeys(_source(row) for row in latest if row["source"] is not None)
    return Basis(
        session=next((row["session"] for row in latest if row["session"] is not None), None),
        collected_at=max(_instants(latest), default=None),
        sources=tuple(sources),
        trust=_worst([trust for trust, _ in told]),
        reasons=tuple(reason for _, reason in told),
    )


def checks_passed(db: Database, tables: Sequence[str]) -> Checks:
    """Return for how many of these tables every rule and check held when they were last asked."""
    judged = {
        row["asset"]: row["validation"]
        for row in _latest(db, tables)
        if row["validation"] is not None
    }
    doubtful = tuple(name for name, validation in judged.items() if validation != "pass")
    return Checks(len(judged) - len(doubtful), len(judged), doubtful)


def _latest(db: Database, tables: Sequence[str]) -> list[dict[str, Any]]:
    values = {"tables": list(tables), "outcomes": list(DONE_OUTCOMES)}
    return db.read(_LATEST, values).to_dicts()


def _instants(latest: Sequence[Mapping[str, Any]]) -> Iterator[datetime]:
    return (row["collected_at"] for row in latest if row["collected_at"] is not None)


def _source(row: Mapping[str, Any]) -> str:
    """Return who answered; in a demo the log names the upstream that was played."""
    return DEMO if row["mode"] == "demo" else str(row["source"])


def _complaint(row: Mapping[str, Any], standing: str | None) -> tuple[Trust, str] | None:
    """Return how far a table can be trusted and why; None: nothing is to be said of it."""
    name = row["asset"]
    if standing == "stale":
        return "stale", f"{name}: 제때 수집되지 않아 최신 자료가 아닙니다."
    if standing == "skipped":
        return "partial", f"{name}: 필요한 설정이 없어 수집하지 않습니다."
    if row["status"] == "failed":
        return "partial", f"{name}: 마지막 수집이 실패했습니다."
    if row["collected_at"] is None:
        return "partial", f"{name}: 아직 수집된 자료가 없습니다."
    if row["lacking"]:
        return "partial", f"{name}: 마지막 수집에서 {row['lacking']}건을 받지 못했습니다."
    return None


def _worst(found: Sequence[Trust]) -> Trust:
    order: tuple[Trust, ...] = ("stale", "partial")
    return next((trust for trust in order if trust in found), "fresh")
