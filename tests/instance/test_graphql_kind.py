"""Which GraphQL documents change something."""

from __future__ import annotations

import pytest

from stock_pipeline.instance.graphql_kind import changes_state

CASES = [
    ("{ version }", False),
    ("query Q { version }", False),
    ("subscription S { events }", False),
    ("query Q { mutation }", False),  # the word as a field
    ("query mutation { version }", False),  # as a name
    ('{ asset(key: "mutation { stop }") }', False),  # in text
    ("{ version } # mutation { stop }", False),  # in a comment
    ("fragment mutation on Query { version } { ...mutation }", False),
    ("mutation { stop }", True),
    ("mutation Named($a: Int) { stop(a: $a) }", True),
    ("\ufeff\n,,mutation@skip(if: false){ stop }", True),  # what the grammar ignores
    ("#comment\rmutation{stop}", True),  # a return ends a comment
    ("query Q { version } mutation M { stop }", True),  # another operation may be asked for
    ("fragment F on Mutation { stop } mutation { ...F }", True),
    ("mutation {", True),  # what cannot be read might be one
    ("mutation " + "{a" * 20_000, True),
    ("Mutation { stop }", False),  # no keyword: Dagster answers that it cannot read this
]


@pytest.mark.parametrize(("query", "is_change"), CASES)
def test_a_document_with_a_mutation_changes_state(query: str, is_change: bool) -> None:
    assert changes_state(query) is is_change
