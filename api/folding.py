"""Folded text beside each task's row: the columns that hold it, and the expressions that search and sort by it.

A row whose text is ASCII stores none, for PostgreSQL folds that alike on every database. Any other row's folded text
was made at `folded_version`: where that is not the row's `version`, another version of the service has written the
row since (or it has not been reached yet), and the text is folded before it is used.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from time import monotonic
from typing import Any, Final

from peewee import SQL, Case, NodeList, fn

from api.models import Task
from api.postgres.database import Database
from api.postgres.errors import Overloaded
from api.postgres.statements import Parameter, render
from api.text import fold, fold_to_store

TITLE_KEY_LENGTH: Final = 400
"""Characters of a title that its index holds: a B-tree entry must stay below 2,704 bytes."""

BATCH: Final = 200
"""Rows folded by one statement, which must be done long before STATEMENT_TIMEOUT."""

REQUEST_PATIENCE: Final = 1.0
"""Seconds that one request spends folding a user's rows; the next one goes on from there."""


def _is_ascii(column: Any) -> Any:
    return fn.octet_length(column) == fn.char_length(column)


def _lower(column: Any) -> Any:
    return fn.lower(NodeList((column, SQL('COLLATE "C"'))))


_IS_FOLDED: Final = Task.folded_version == Task.version
_IS_UNFOLDED: Final = NodeList((Task.folded_version, SQL("IS DISTINCT FROM"), Task.version)) & (
    (fn.octet_length(Task.title) != fn.char_length(Task.title))
    | (fn.octet_length(Task.description) != fn.char_length(Task.description))
)

_TITLE: Final = Case(None, ((_is_ascii(Task.title), _lower(Task.title)), (_IS_FOLDED, Task.title_folded)))
_DESCRIPTION: Final = Case(
    None,
    (
        (Task.description.is_null(), SQL("''")),
        (_is_ascii(Task.description), _lower(Task.description)),
        (_IS_FOLDED, Task.description_folded),
    ),
)

SEARCH_TEXT: Final = _TITLE.concat(SQL("E'\\n'")).concat(_DESCRIPTION)
"""The folded title and description on two lines: a word holds no white space, so none matches across the break."""

_LENGTH: Final = SQL(str(TITLE_KEY_LENGTH))
TITLE_KEY: Final = Case(
    None,
    (
        (_is_ascii(Task.title), fn.left(_lower(Task.title), _LENGTH)),
        (_IS_FOLDED, fn.left(Task.title_folded, _LENGTH)),
    ),
)
"""What the index by title holds."""

NEXT_FOLDED_VERSION: Final = {Task.folded_version: Task.folded_version + SQL("1")}
"""For a write that leaves the text alone: what was folded stays so, what was not stays that."""

_FIND: Final = render(
    Task.select(Task.id, Task.version, Task.title, Task.description)
    .where((Task.user_id == Parameter("user_id")) & _IS_UNFOLDED)
    .limit(SQL(str(BATCH)))
)
_FIND_USERS: Final = render(Task.select(Task.user_id).where(_IS_UNFOLDED).limit(SQL(str(BATCH))).distinct())
_ESTIMATE: Final = "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass('tasks_to_fold')"
_STORE: Final = render(
    Task.update(
        {
            Task.title_folded: SQL("folded.title"),
            Task.description_folded: SQL("folded.description"),
            Task.folded_version: Task.version,
        }
    )
    .from_(
        NodeList(
            (
                fn.unnest(
                    NodeList((Parameter("ids"), SQL("::bigint[]")), glue=""),
                    NodeList((Parameter("versions"), SQL("::integer[]")), glue=""),
                    NodeList((Parameter("titles"), SQL("::text[]")), glue=""),
                    NodeList((Parameter("descriptions"), SQL("::text[]")), glue=""),
                ),
                SQL("AS folded (id, version, title, description)"),
            )
        )
    )
    .where(
        (Task.user_id == Parameter("user_id")) & (Task.id == SQL("folded.id")) & (Task.version == SQL("folded.version"))
    )
)


def folded_columns(fields: Mapping[str, Any]) -> dict[str, str | None]:
    """The folded columns that go with the text among `fields`."""
    return {f"{name}_folded": fold_to_store(fields[name]) for name in ("title", "description") if name in fields}


def next_folded_version(fields: Collection[str]) -> dict[Any, Any]:
    """The change to `folded_version` that a write of these fields makes."""
    if "title" in fields and "description" in fields:
        return {Task.folded_version: Task.version + SQL("1")}
    if "title" in fields or "description" in fields:
        # The other text may not be folded yet.
        return {Task.folded_version: Case(None, ((_IS_UNFOLDED, SQL("NULL")),), Task.version + SQL("1"))}
    return NEXT_FOLDED_VERSION


def title_key(title: str) -> str:
    """What the index by title holds for this title."""
    return fold(title)[:TITLE_KEY_LENGTH]


def fold_for_request(database: Database, user_id: str) -> None:
    """Fold what is not folded of a user's tasks, so that they can be searched and sorted.

    Raises Overloaded where it takes too long; what was folded stays so.
    """
    deadline = monotonic() + REQUEST_PATIENCE
    while fold_batch(database, user_id) == BATCH:
        if monotonic() > deadline:
            raise Overloaded


def fold_batch(database: Database, user_id: str) -> int:
    """Fold up to BATCH of a user's tasks; the number of those that were found unfolded."""
    rows = _FIND.run(database, {"user_id": user_id}, repeatable=True)
    if rows:
        ids, versions, titles, descriptions = zip(*rows, strict=True)
        values = {
            "user_id": user_id,
            "ids": list(ids),
            "versions": list(versions),
            "titles": [fold_to_store(title) for title in titles],
            "descriptions": [fold_to_store(description) for description in descriptions],
        }
        _STORE.run(database, values, repeatable=True)
    return len(rows)


def find_unfolded_users(database: Database) -> list[str]:
    """Some of the users who have tasks to fold; none when all are folded."""
    return [user_id for (user_id,) in _FIND_USERS.run(database, {}, repeatable=True)]


def estimate_unfolded(database: Database) -> int:
    """About how many tasks there are to fold, as PostgreSQL's statistics have it: to count them all takes too long."""
    rows = database.run(_ESTIMATE, repeatable=True)
    return int(rows[0][0]) if rows else 0
