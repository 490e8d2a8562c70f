"""Declarations become tables: additions only, views anew, one mode a database."""

from __future__ import annotations

from datetime import date

import pytest

from stock_pipeline.errors import SchemaMismatch, WrongDatabase
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import (
    BigInt,
    Date,
    Table,
    Text,
    View,
    column,
    key,
    table,
)

TODAY = date(2026, 3, 13)
EXAMPLE = table(
    "example",
    key("ticker", Text, "share code"),
    column("shares", BigInt, "listed shares", "shares"),
    provenance="computed",
)
FIRST = View("first_view", "all", "CREATE VIEW market.first_view AS SELECT * FROM market.example")


def prepare(database: Database, *tables: Table, views: tuple[View, ...] = ()) -> None:
    """Apply declarations beside those of the machinery."""
    ddl.prepare(database, [*collection_log.TABLES, *tables], views, mode="live", today=TODAY)


def columns(database: Database, name: str) -> dict[str, str]:
    """Return the columns of a stored table or view."""
    rows = database.read(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'market' AND table_name = :name ORDER BY ordinal_position",
        {"name": name},
    )
    return dict(rows.iter_rows())


def test_meaning_and_unit_are_stored_as_comments(database: Database) -> None:
    prepare(database, EXAMPLE)
    comment = database.read(
        "SELECT col_description('market.example'::regclass, 2) AS comment"
    ).item()
    assert comment == "listed shares [shares]"


def test_provenance_columns_follow_the_declared_ones(database: Database) -> None:
    prepare(database, EXAMPLE)
    assert list(columns(database, "example")) == ["ticker", "shares", "run_id", "computed_at"]


def test_a_new_column_is_added_and_the_views_see_it(database: Database) -> None:
    prepare(database, EXAMPLE, views=(FIRST,))
    wider = table(
        "example",
        *EXAMPLE.own_columns,
        column("name", Text, "short name"),
        provenance="computed",
    )
    prepare(database, wider, views=(FIRST,))
    assert "name" in columns(database, "example")
    assert "name" in columns(database, "first_view")


def test_a_column_of_another_type_needs_a_decision(database: Database) -> None:
    prepare(database, EXAMPLE)
    other = table(
        "example",
        key("ticker", Text, "share code"),
        column("shares", Text, "listed shares"),
        provenance="computed",
    )
    with pytest.raises(SchemaMismatch, match=r"example\.shares is bigint, declared text"):
        prepare(database, other)
    assert columns(database, "example")["shares"] == "bigint"


def test_a_view_no_longer_declared_is_gone(database: Database) -> None:
    prepare(database, EXAMPLE, views=(FIRST,))
    prepare(database, EXAMPLE)
    assert columns(database, "first_view") == {}


def test_the_same_declarations_twice_touch_nothing(database: Database) -> None:
    prepare(database, EXAMPLE, views=(FIRST,))
    oid = database.read("SELECT 'market.first_view'::regclass::oid::bigint AS oid").item()
    prepare(database, EXAMPLE, views=(FIRST,))
    assert database.read("SELECT 'market.first_view'::regclass::oid::bigint AS oid").item() == oid


def test_a_database_of_the_other_mode_is_refused(database: Database) -> None:
    with pytest.raises(WrongDatabase, match="holds live data"):
        ddl.prepare(database, list(collection_log.TABLES), [], mode="demo", today=TODAY)
    assert database.read("SELECT mode FROM database_identity")["mode"].to_list() == ["live"]


def test_this_year_and_the_next_have_their_partition(database: Database) -> None:
    yearly = table(
        "example_price",
        key("trade_date", Date, "session"),
        key("ticker", Text, "share code"),
        partition="trade_date",
        yearly=True,
    )
    prepare(database, yearly)
    stored = database.read(
        "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r' ORDER BY 1"
    )["relname"].to_list()
    assert stored == ["example_price_2026", "example_price_2027"]
