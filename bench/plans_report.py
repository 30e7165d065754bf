"""docs/query-plans.md: how PostgreSQL runs every shape of a list, on a million tasks of ten thousand users.

`python -m bench.plans_report` makes the data in an embedded PostgreSQL of its own and writes the page. It counts
pages of memory and not milliseconds, so that the same code gives the same figures on any machine.
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
PARTS = ("whole", "first page", "last page", "count", "first cursor", "last cursor")

INTRODUCTION = f"""# Query plans

How PostgreSQL runs the statements of a list (`api/task_list.py`), written by `python -m bench.plans_report`:
{TASKS:,} tasks of {USERS:,} users, {TASKS // HEAVY_EVERY:,} of them one user's, a third of all titles the same four.
The statements are those that the code sent; `EXPLAIN (ANALYZE, BUFFERS)` says what each did.

A figure is the number of 8 kB pages that a statement looked at, and the index it went by. Every sort, order
and filter was asked whole, by its first and its last page of {LIMIT}, with the count that a page's answer needs, and by
cursor: the page after the first, and the last. "none": there is no second page.

**No plan walks another user's rows.** Each scan of `tasks` is an index scan whose condition names the user
(the script stops at one that is not, and `tests/contracts/test_query_plans.py` holds every change to it).

What follows from the figures:

- A walk by cursor looks at about as many pages at its end as at its start, in each sort, among 90 tasks or
  {TASKS // HEAVY_EVERY:,}. Filtered by status it skips what is not asked for; it never goes back.
- A numbered page far back costs what lies before it: `OFFSET` reads it all. That is what cursors are for.
- A search reads the user's own tasks and compares: at most all of them once, whatever the sort. There is no
  full-text index, because a user's own tasks are few (`MAX_TASKS`), and one would slow every write.
"""


def write_page(data_dir: Path) -> None:
    """Make the data under `data_dir`, explain everything, write the page."""
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
    for user_id, who in ((LIGHT_USER, "90 tasks"), (HEAVY_USER, f"{TASKS // HEAVY_EVERY:,} tasks")):
        yield f"## A user of {who}\n"
        yield f"| sort | order | filter | {' | '.join(PARTS)} |"
        yield f"|---|---|---|{'---|' * len(PARTS)}"
        for sort, order, filtered, query in queries():
            plans = plans_of(database, user_id, query)
            _refuse_strays(plans)
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
    """A plan as PostgreSQL's text form has it, without costs and times."""
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


def _refuse_strays(plans: Mapping[str, Plan]) -> None:
    for part, plan in plans.items():
        if strays := plan.strays():
            sys.exit(f"a plan walks other users' rows ({part}): {'; '.join(strays)}\n{plan.statement}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        write_page(Path(directory) / "postgresql")
