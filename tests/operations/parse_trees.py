"""The functions that a statement calls, and where, by PostgreSQL's own parse tree and catalog."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812 the class is spelled like an instance

_TOKEN: Final = re.compile(r"[(){}]|(?:\\.|[^\s(){}\\])+", re.DOTALL)
_OF_FUNCTIONS: Final = ("funcid", "opfuncid")
# Commands of a query: an UPDATE is 2, an INSERT 3, a DELETE 4.
_CHANGES: Final = ("2", "3", "4")
_CHANGES_ROWS_THAT_ARE_THERE: Final = ("2", "4")


class Node(NamedTuple):
    """A node of a parse tree. Each field is a list of tokens, lists and nodes."""

    name: str
    fields: dict[str, list[Any]]


def read_volatility(cursor: Cursor) -> dict[str, str]:
    """By a function's identifier whether it is immutable (`i`), stable (`s`) or volatile (`v`)."""
    cursor.execute("SELECT oid::text, provolatile FROM pg_proc")
    return dict(cursor.fetchall())


def find_refused(cursor: Cursor, volatility: dict[str, str], sql: str, parameters: Any = ()) -> set[str]:
    """What a distributed PostgreSQL refuses of the statement's functions; empty if it takes all of them.

    It keeps the statement in a procedure, whose body PostgreSQL stores parsed, and calls nothing.
    """
    body = cursor.mogrify(sql, parameters).decode()
    cursor.execute(f"CREATE OR REPLACE PROCEDURE parsed() BEGIN ATOMIC {body}; END")
    cursor.execute("SELECT prosqlbody::text FROM pg_proc WHERE proname = 'parsed'")
    [text] = cursor.fetchone() or [""]
    return {fault for query in _walk(_parse(text)) if query.name == "QUERY" for fault in _faults(query, volatility)}


def _faults(query: Node, volatility: dict[str, str]) -> Iterator[str]:
    [command] = query.fields["commandType"]
    if command in _CHANGES:
        for node in _walk(query.fields["returningList"]):
            # A cast by way of text depends on settings of the session, for most types.
            if node.name == "COERCEVIAIO" or _worst(node, volatility) in ("s", "v"):
                yield "RETURNING calls what is not immutable"
    if command in _CHANGES_ROWS_THAT_ARE_THERE:
        for node in _walk([query.fields["targetList"], query.fields["jointree"]]):
            if _worst(node, volatility) == "v":
                yield "a change calls a volatile function"
            if _worst(node, volatility) == "s" and any(
                each.name == "VAR" for each in _walk(list(node.fields.values()))
            ):
                yield "a change calls a stable function of a column"


def _worst(node: Node, volatility: dict[str, str]) -> str:
    """The volatility of the node's function; without one `i`."""
    return max((volatility[node.fields[name][0]] for name in _OF_FUNCTIONS if name in node.fields), default="i")


def _parse(text: str) -> list[Any]:
    """The lists and nodes of a tree as PostgreSQL writes it."""
    stack: list[list[Any]] = [[]]
    for token in _TOKEN.findall(text):
        if token in "({":
            stack.append([])
        elif token in ")}":
            items = stack.pop()
            stack[-1].append(_node(items) if token == "}" else items)
        else:
            stack[-1].append(token)
    return stack[0]


def _node(items: list[Any]) -> Node:
    name, *rest = items
    fields: dict[str, list[Any]] = {}
    values: list[Any] = []
    for item in rest:
        if isinstance(item, str) and item.startswith(":"):
            values = fields[item[1:]] = []
        else:
            values.append(item)
    return Node(name, fields)


def _walk(tree: Any) -> Iterator[Node]:
    if isinstance(tree, Node):
        yield tree
        yield from _walk(list(tree.fields.values()))
    elif isinstance(tree, list):
        for each in tree:
            yield from _walk(each)
