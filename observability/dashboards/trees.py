"""Reads the queries of a dashboard as trees, in which a variable for a range stays recognizable."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import promql_parser as promql

from observability.catalogue import queries

_RANGES = {"$__rate_interval": timedelta(days=1, seconds=1), "$__range": timedelta(days=2, seconds=1)}
"""An unusual length that stands for each variable."""
RATE_INTERVAL = _RANGES["$__rate_interval"]


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a query with those that it stands in, the nearest last."""

    node: promql.Expr
    parents: tuple[promql.Expr, ...]


def nodes(query: str) -> Iterator[Node]:
    """All nodes of a query.

    Raises:
        QueryError: if it is no PromQL.
    """
    visited: list[Node] = []
    open_nodes: list[promql.Expr] = []

    def enter(node: promql.Expr) -> None:
        visited.append(Node(node, tuple(open_nodes)))
        open_nodes.append(node)

    def leave(node: promql.Expr) -> None:
        open_nodes.pop()

    for name, length in _RANGES.items():
        query = query.replace(name, f"{length.total_seconds():.0f}s")
    promql.walk(queries.parse(query), enter, leave)
    return iter(visited)


def is_variable(length: timedelta | None) -> bool:
    """Whether a range was written as a variable."""
    return length in _RANGES.values()


def function_of(node: Node) -> str:
    """The function whose argument a selector with a range is; empty without one."""
    ranged = [parent for parent in node.parents if isinstance(parent, promql.MatrixSelector)]
    calls = [parent for parent in node.parents if isinstance(parent, promql.Call)]
    return calls[-1].func.name if ranged and calls else ""
