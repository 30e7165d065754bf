"""The scenarios' names, in the order in which they run and are printed. load.lua has their requests."""

from __future__ import annotations

SCENARIOS = ("get-one", "list-of-20", "list-of-100", "list-of-1000", "create", "toggle", "mixed")

DESCRIPTIONS = {
    "get-one": "`GET /api/tasks/{id}`",
    "list-of-20": "`GET /api/tasks`, 20 tasks",
    "list-of-100": "`GET /api/tasks`, 100 tasks",
    "list-of-1000": "`GET /api/tasks`, 1,000 tasks",
    "create": "`POST /api/tasks`",
    "toggle": "`PATCH /api/tasks/{id}/complete`",
    "mixed": "70% list of about 20, 15% create, 10% toggle, 5% delete",
}


def warm_up_of(scenario: str) -> str:
    """The scenario for the warm-up before this one."""
    return "mixed-warm-up" if scenario == "mixed" else scenario
