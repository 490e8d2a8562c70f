"""Does a GraphQL document change something? Decided by the parser that also executes it."""

from __future__ import annotations


def changes_state(query: str) -> bool:
    """Tell whether any operation of a document is a mutation; what cannot be read might be one."""
    # The keyword has one spelling: without it there is no mutation, and the parser is slow.
    if "mutation" not in query:
        return False
    # Imported here: only the web server needs it.
    from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse

    try:
        definitions = parse(query).definitions
    except (GraphQLError, RecursionError):
        return True
    return any(
        isinstance(one, OperationDefinitionNode) and one.operation is OperationType.MUTATION
        for one in definitions
    )
