"""Where a stored number comes from: its row, the run that wrote it, and what that run was told.

A row carries its source, the time of the request and the run; the collection log says how that run
went; the raw archive keeps what was answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from stock_pipeline.figures.stock import filer_of
from stock_pipeline.storage.database import Database


class Place(NamedTuple):
    """Where the rows of a share are in a table.

    day       the column that tells which day a row is about
    computed  whether the rows are computed: then nobody was asked for them
    filed     whether they stand under the common share of the company
    newest    how the newest row as of a day is found; empty: the last one up to it
    """

    day: str
    computed: bool = False
    filed: bool = False
    newest: str = ""


# The tables whose rows can be asked about, and nothing else becomes an identifier.
PLACES = {
    # Keyed by day, then share: a look-up needs the day.
    "stock_price_daily": Place("trade_date", newest="trade_date = :session"),
    "price_adjustment": Place("ex_date", computed=True),
    "compass_score": Place("as_of", computed=True, newest="as_of = :session"),
    "financial_statement": Place("available_date", filed=True),
    "dividend_history": Place("record_date"),
    "corporate_actions": Place("received_date"),
    "fdr_stock_listing": Place(
        "as_of_date",
        newest="as_of_date = (SELECT max(as_of_date) FROM fdr_stock_listing"
        " WHERE as_of_date <= :as_of)",
    ),
    "stock_delisting": Place("delisting_date"),
    "stocks": Place("last_seen_date", computed=True, newest="true"),
}


@dataclass(frozen=True)
class Origin:
    """Who wrote a row and from what.

    source     who delivered it; None: it is computed
    asked_at   when the upstream answered; None: nobody was asked
    stored_at  when its values last changed
    """

    table: str
    day: date
    source: str | None
    run_id: str
    asked_at: datetime | None
    stored_at: datetime


@dataclass(frozen=True)
class StoredRow:
    """A row with all its columns as text, in their order, and its origin."""

    origin: Origin
    values: Sequence[tuple[str, str | None]]


@dataclass(frozen=True)
class Collection:
    """How a run went for one partition of a table.

    input_version  of a computed table: the newest change of an input when it was computed
    """

    run_id: str
    partition: str
    job: str | None
    trigger: str | None
    source: str | None
    status: str
    outcome: str | None
    reason: str | None
    started_at: datetime | None
    completed_at: datetime | None
    requests: int | None
    received: int | None
    inserted: int | None
    updated: int | None
    rejected: int | None
    input_version: str | None
    validation_status: str | None


def rows(db: Database, table: str, ticker: str, day: date) -> list[StoredRow]:
    """Return what is stored of a share about a day, each row with where it is from.

    table  one of `PLACES`
    """
    place = PLACES[table]
    found = db.read(
        # Both are names out of the list above.
        f"SELECT * FROM {table} WHERE ticker = :ticker AND {place.day} = :day LIMIT 20",
        {"ticker": filer_of(ticker) if place.filed else ticker, "day": day},
        exact=True,
    )
    stored = found.rename({"computed_at": "ingested_at"}) if place.computed else found
    texts = found.cast(dict.fromkeys(found.columns, str)).to_dicts()
    return [
        StoredRow(
            Origin(
                table,
                day,
                row.get("source"),
                row["run_id"],
                row.get("fetched_at"),
                row["ingested_at"],
            ),
            list(text.items()),
        )
        for row, text in zip(stored.to_dicts(), texts, strict=True)
    ]


def newest(db: Database, ticker: str, session: date, *, as_of: date) -> list[Origin]:
    """Return the origin of the newest row of a share in each table, as of a day.

    session  the day of its newest price
    """
    found = db.read(
        _NEWEST,
        {"ticker": ticker, "filer": filer_of(ticker), "session": session, "as_of": as_of},
    )
    return [Origin(**row) for row in found.to_dicts()]


def _newest_of(table: str) -> str:
    place = PLACES[table]
    stamps = (
        "NULL, run_id, CAST(NULL AS timestamptz), computed_at"
        if place.computed
        else "source, run_id, fetched_at, ingested_at"
    )
    days = place.newest or f"{place.day} <= :as_of"
    return (
        f"(SELECT '{table}' AS table, {place.day} AS day, {stamps} FROM {table}"
        f" WHERE ticker = {':filer' if place.filed else ':ticker'} AND {days}"
        f" ORDER BY {place.day} DESC LIMIT 1)"
    )


_NEWEST = (
    'SELECT "table", day, source, run_id, asked_at, stored_at FROM ('
    + " UNION ALL ".join(map(_newest_of, PLACES))
    + ') AS newest ("table", day, source, run_id, asked_at, stored_at)'
)


def collections(db: Database, table: str, run_id: str, day: date) -> list[Collection]:
    """Return how a run went for a table: for the partition of the day, else for all of its own."""
    found = db.read(_COLLECTIONS, {"table": table, "run_id": run_id})
    told = [Collection(**row) for row in found.to_dicts()]
    own = [one for one in told if one.partition == day.isoformat()]
    return own or told


_COLLECTIONS = """
SELECT l.run_id, l.partition, coalesce(r.job_name, l.job_label) AS job, r.trigger, l.source,
    l.status, l.outcome, l.reason, l.started_at, l.completed_at, l.requests, l.received,
    l.inserted, l.updated, l.rejected, l.input_version, l.validation_status
FROM data_collection_log l LEFT JOIN job_run r ON r.job_id = l.run_id
WHERE l.run_id = :run_id AND l.asset = :table ORDER BY l.partition LIMIT 50
"""
