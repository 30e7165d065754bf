"""The page with thousands of tasks."""

from __future__ import annotations

import re
from collections.abc import Callable

import psycopg2

from tests.browser.account import Account
from tests.browser.chromium import CDPSession, Route, expect
from tests.browser.tasks_page import TasksPage
from tests.support.processes import Service

SCRIPT_SECONDS = 0.1
"""Processor time of the page's scripts, for 200 tasks more."""

LOAD_MORE = """
() => new Promise((resolve, reject) => {
  const count = () => document.querySelectorAll(".row").length;
  const before = count();
  new MutationObserver((_, observer) => {
    if (count() === before) return;
    observer.disconnect();
    resolve(count());
  }).observe(document.getElementById("tasks"), { childList: true, subtree: true });
  setTimeout(reject, 60_000);
  document.getElementById("load-more").click();
})
"""
"""Load the next page of the list; the number of rows after it. To ask again and again would take time of its own."""

COPY_TASKS = """
INSERT INTO tasks (user_id, title, description, completed, due_at, due_all_day, version, created_at, updated_at)
SELECT user_id, title || ' ' || number, description, false, due_at + number * interval '1 hour', false, 1, now(), now()
FROM tasks, generate_series(1, %s) AS number
"""


def test_200_tasks_below_5000_take_a_tenth_of_a_second_of_script(
    start_service: Callable[..., Service], create_database: Callable[[], str], open_tab: Callable[..., TasksPage]
) -> None:
    database = create_database()
    service = start_service(DATABASE_URL=database, MAX_TASKS="0")
    account = Account(service)
    account.make_task("Task", description="With a https://example.com/ link", due_date="2031-01-01")
    with psycopg2.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(COPY_TASKS, [5_300])
    connection.close()
    tab = open_tab(on=service)
    tab.log_in(account)
    expect(tab.page.locator(".row")).to_have_count(50)

    def load_1000(route: Route) -> None:
        route.continue_(url=re.sub(r"limit=\d+", "limit=1000", route.request.url))

    # Not by its role: that looks at the names of all buttons of all rows.
    load_more = tab.page.locator("#load-more")
    tab.page.route("**/api/tasks?*cursor=*", load_1000)
    for count in range(1_050, 5_051, 1_000):
        # The button moves while the rows above it are laid out.
        load_more.dispatch_event("click")
        expect(tab.page.locator(".row")).to_have_count(count, timeout=60_000)
    tab.page.unroute("**/api/tasks?*cursor=*")

    session = tab.page.context.new_cdp_session(tab.page)
    # Not the time of the clock, which says how busy the machine is.
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = script_seconds(session)
    assert tab.page.evaluate(LOAD_MORE) == 5_250
    took = script_seconds(session) - before
    print(f"{took:.3f} s of script")
    assert 0 < took <= SCRIPT_SECONDS


def script_seconds(session: CDPSession) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(float(metric["value"]) for metric in metrics if metric["name"] == "ScriptDuration")
