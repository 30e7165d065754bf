"""How PostgreSQL runs each statement of the task list, for every combination of parameters.

A recorder between `api.task_list` and the database records the statements that the code sends, and EXPLAIN runs them.
Shared by the report (plans_report.py) and by the test that no plan reads another user's rows.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from api.list_queries import parse_list_query
from api.list_statements import select_piece
from api.postgres.database import Database
from api.postgres.prepared import prepare_and_execute
from api.task_list import list_tasks, shape_of

SORTS = ("created", "updated", "title", "due_date")
ORDERS = ("desc", "asc")
FILTERS: Mapping[str, Mapping[str, str]] = {
    "all": {},
    "pending": {"status": "pending"},
    "search": {"search": "buy milk"},
    "pending, search": {"status": "pending", "search": "buy milk"},
}
LIMIT = 50

HEAVY_USER = "user-1"
LIGHT_USER = "user-2"

# Two thirds of the titles end in a number; the rest repeat four titles, as people's do.
_USERS = "INSERT INTO users (id) SELECT 'user-' || n FROM generate_series(1, %(users)s) n"
_TASKS = """
INSERT INTO tasks (user_id, title, description, completed, due_at, due_all_day, created_at, updated_at)
SELECT
    CASE WHEN n %% %(heavy_every)s = 0 THEN 'user-1' ELSE 'user-' || 2 + n * 7919 %% (%(users)s - 1) END,
    (ARRAY['Buy milk', 'Call the landlord', 'Renew the passport', 'Prepare the talk'])[1 + (hashint8(n) & 3)]
        || CASE WHEN n %% 3 > 0 THEN ' ' || (hashint8(n + 1) & 1048575) ELSE '' END,
    CASE WHEN n %% 3 = 0 THEN 'Two litres, and whatever else is on the list that hangs on the fridge' END,
    hashint8(n + 2) & 3 = 0,
    CASE WHEN n %% 5 < 2 THEN '2026-01-01T00:00Z'::timestamptz + (hashint8(n + 3) & 1023) * interval '24 h' END,
    n %% 5 < 2,
    '2026-01-01T00:00Z'::timestamptz + n * interval '1 s',
    '2026-01-01T00:00Z'::timestamptz + (n + (hashint8(n + 4) & 1048575)) * interval '1 s'
FROM generate_series(1, %(tasks)s::bigint) n
"""

_OWN = re.compile(r"\(user_id = ('|\$)")
_BY_ID = re.compile(r"\(id = ")

CUSTOM, GENERIC = "force_custom_plan", "force_generic_plan"
"""PostgreSQL's plan_cache_mode: a plan for these values, or one plan for all values."""


def fill(connection: Any, *, users: int, tasks: int, heavy_every: int) -> None:
    """Insert the users and their tasks, every `heavy_every`th task for HEAVY_USER, and update the statistics.

    `connection` is psycopg2's, in autocommit mode.
    """
    amounts = {"users": users, "tasks": tasks, "heavy_every": heavy_every}
    with connection.cursor() as cursor:
        cursor.execute(_USERS, amounts)
        cursor.execute(_TASKS, amounts)
        cursor.execute("VACUUM (ANALYZE) tasks")


@dataclass
class Recorder:
    """A database that records the statements it runs."""

    database: Database
    statements: list[tuple[str, Any]] = field(default_factory=list)

    def run(self, sql: str, parameters: Any = (), **how: Any) -> list[tuple[Any, ...]]:
        """Run and record a statement."""
        self.statements.append((sql, parameters))
        return self.database.run(sql, parameters, **how)


@dataclass(frozen=True)
class Plan:
    """One statement's plan from `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)`."""

    statement: str
    root: Mapping[str, Any]

    @property
    def buffers(self) -> int:
        """The number of pages that the statement accessed, cached or read."""
        return int(self.root["Shared Hit Blocks"]) + int(self.root["Shared Read Blocks"])

    @property
    def rows(self) -> int:
        return int(self.root["Actual Rows"])

    @property
    def indexes(self) -> list[str]:
        """The names of the used indexes, in the plan's order."""
        return [node["Index Name"] for node in self.nodes() if "Index Name" in node]

    def nodes(self) -> Iterator[Mapping[str, Any]]:
        """All nodes, parents first."""
        queue = [self.root]
        while queue:
            node = queue.pop(0)
            yield node
            queue += node.get("Plans", [])

    def unbounded_scans(self) -> list[str]:
        """The scans that may read other users' rows; empty in a correct plan.

        A bounded scan has `user_id` or one task's id in its index condition.
        """
        found = []
        for node in self.nodes():
            kind, condition = node["Node Type"], node.get("Index Cond", "")
            if kind == "Seq Scan" and node["Relation Name"] == "tasks":
                found.append(kind)
            bounded = _OWN.search(condition) or _BY_ID.search(condition)
            if node.get("Index Name", "").startswith("tasks") and not bounded:
                found.append(f"{kind} of {node['Index Name']}: {condition}")
        return found


def explain(database: Database, statement: tuple[str, Any], mode: str = CUSTOM) -> Plan:
    """Run the statement under EXPLAIN, prepared as the service prepares it."""
    sql, parameters = statement
    prepare, execute = prepare_and_execute("explained", sql)
    mode_and_name = f"SELECT set_config('plan_cache_mode', '{mode}', true); DEALLOCATE ALL"
    options = "ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON"
    together = f"{mode_and_name}; {prepare.replace('%', '%%')}; EXPLAIN ({options}) {execute}"
    [(explained,)] = database.run(together, parameters)
    return Plan(sql, explained[0]["Plan"])


def queries() -> Iterator[tuple[str, str, str, dict[str, str]]]:
    """Every sort, order and filter, with its query parameters."""
    for sort, order, filtered in itertools.product(SORTS, ORDERS, FILTERS):
        yield sort, order, filtered, {"sort": sort, "order": order, **FILTERS[filtered]}


def plans_of(database: Database, user_id: str, query: Mapping[str, str], mode: str = CUSTOM) -> dict[str, Plan]:
    """The plans of one query's list: whole, with a long text, by pages and by cursor."""
    recorder = Recorder(database)

    def request(**extra: object) -> Any:
        recorder.statements.clear()
        return list_tasks(recorder, user_id, parse_list_query({**query, **extra}))  # type: ignore[arg-type]

    request()
    # Before a search, or a list by title, the user's tasks without folded text are selected.
    *folding, whole = recorder.statements
    statements = {"whole": whole, **dict(zip(["to fold"], folding, strict=False))}
    # A list with a long text is read by this one; a search, always.
    statements["by length"] = (select_piece(shape_of(parse_list_query(query))).sql, whole[1])
    first = request(limit=LIMIT, page=1)
    # A list that ends on its first page is not counted.
    statements.update(zip(["first page", "count"], recorder.statements[len(folding) :], strict=False))
    pages = -(-first.total // LIMIT)
    before_last = request(limit=LIMIT, page=max(1, pages - 1))
    request(limit=LIMIT, page=max(1, pages))
    statements["last page"] = recorder.statements[len(folding)]
    if first.next_cursor is not None:
        request(limit=LIMIT, cursor=first.next_cursor)
        statements["first cursor"] = recorder.statements[-1]
        request(limit=LIMIT, cursor=before_last.next_cursor)
        statements["last cursor"] = recorder.statements[-1]
    return {name: explain(database, statement, mode) for name, statement in statements.items()}
