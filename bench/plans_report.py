"""Writes docs/query-plans.md: how PostgreSQL runs every kind of list, on a million tasks of ten thousand users.

`python -m bench.plans_report` creates the data in its own embedded PostgreSQL. It counts pages of memory and not
milliseconds, so that the same code gives the same figures on any machine.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from api.postgres.database import Database
from bench import databases
from bench.plans import HEAVY_USER, LIGHT_USER, LIMIT, Plan, fill, plans_of, queries

PAGE = Path(__file__).resolve().parent.parent / "docs" / "query-plans.md"
USERS, TASKS, HEAVY_EVERY = 10_000, 1_000_000, 10
ALIKE = round(TASKS // HEAVY_EVERY // 12, -2)
PARTS = ("whole", "first page", "last page", "count", "first cursor", "last cursor")

INTRODUCTION = f"""# Query plans

This page shows how PostgreSQL runs the statements of a list (`api/list_statements.py`).
`python -m bench.plans_report` writes it. The data are {TASKS:,} tasks of {USERS:,} users.
One user holds {TASKS // HEAVY_EVERY:,} of them, and a third of all titles repeat the same four.
The statements are those that the code sent, run by `EXPLAIN (ANALYZE, BUFFERS)`.

Each cell has the number of 8 kB pages that a statement accessed, and its index. Every sort, order and filter was
requested whole, by its first and its last page of {LIMIT}, and by cursor: the page after the first, and the last.
A page's response also needs the count. "none" means that the list has one page only.

**No plan reads another user's rows.** Each scan of `tasks` is an index scan whose condition names the user. The
script fails on any other plan, and `tests/contracts/test_query_plans.py` checks this at every change.

The figures show:

- A walk by cursor accesses about as many pages at its end as at its start, in each sort but that by title, among
  90 tasks or {TASKS // HEAVY_EVERY:,}. With a status filter it skips other tasks, and it never goes back.
- By title the index holds folded titles, and PostgreSQL sorts those that fold alike by their text. So a page reads
  every task whose title folds like one on the page: here, for each of four titles, some {ALIKE:,} of the larger user.
- All tasks by creation are merged from the pending and the completed ones, and a descending list by due date from tasks
  with and without one. So a page may read another page's worth, and a whole list may access a page of the table twice.
- A numbered page far back reads all tasks before it (`OFFSET`). Use cursors for long lists.
- A search reads each of the user's own tasks at most once, in any sort. A full-text index would slow every write and
  gain little, because a user has few tasks (`MAX_TASKS`).
"""


def write_page(data_dir: Path) -> None:
    """Create the data under `data_dir`, explain every statement, and write the page."""
    with databases.postgresql(data_dir) as server_url:
        url = databases.create(server_url, "plans", ours=True)
        with databases.connection(url) as connection:
            fill(connection, users=USERS, tasks=TASKS, heavy_every=HEAVY_EVERY)
        database = Database(url, pool_size=1, statement_timeout=60)
        page = "\n".join(_page(database))
        database.close()
    PAGE.write_text(page + "\n", encoding="utf-8")


def _page(database: Database) -> Iterator[str]:
    yield INTRODUCTION
    last: dict[str, Plan] = {}
    for user_id, tasks in ((LIGHT_USER, "90 tasks"), (HEAVY_USER, f"{TASKS // HEAVY_EVERY:,} tasks")):
        yield f"## A user of {tasks}\n"
        yield f"| sort | order | filter | {' | '.join(PARTS)} |"
        yield f"|---|---|---|{'---|' * len(PARTS)}"
        for sort, order, filtered, query in queries():
            plans = plans_of(database, user_id, query)
            _check_bounds(plans)
            yield f"| {sort} | {order} | {filtered} | {' | '.join(_cell(plans, part) for part in PARTS)} |"
            if filtered == "all":
                last[f"{sort} {order}"] = plans["last cursor"]
        yield ""
    yield f"## The last page of a walk by cursor among {TASKS // HEAVY_EVERY:,} tasks\n"
    for name, plan in last.items():
        yield f"### {name}\n"
        yield f"```sql\n{plan.statement}\n```\n\n```\n{chr(10).join(_lines(plan.root))}\n```\n"


def _cell(plans: Mapping[str, Plan], part: str) -> str:
    if part not in plans:
        return "none"
    plan = plans[part]
    names = ", ".join(name.removeprefix("tasks_by_") for name in dict.fromkeys(plan.indexes))
    return f"{plan.buffers:,} {names}"


def _lines(node: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    """The plan in PostgreSQL's text format, without costs and times."""
    of = f" using {node['Index Name']}" if "Index Name" in node else ""
    buffers = node["Shared Hit Blocks"] + node["Shared Read Blocks"]
    indent = "  " * depth
    yield f"{indent}{node['Node Type']}{of} (rows={node['Actual Rows']:.0f} buffers={buffers})"
    for key in ("Sort Key", "Presorted Key", "Index Cond", "Filter", "Rows Removed by Filter"):
        if key in node:
            value = node[key]
            yield f"{indent}  {key}: {', '.join(value) if isinstance(value, list) else value}"
    for child in node.get("Plans", []):
        yield from _lines(child, depth + 1)


def _check_bounds(plans: Mapping[str, Plan]) -> None:
    for part, plan in plans.items():
        if scans := plan.unbounded_scans():
            sys.exit(f"a plan may read other users' rows ({part}): {'; '.join(scans)}\n{plan.statement}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        write_page(Path(directory) / "postgresql")
