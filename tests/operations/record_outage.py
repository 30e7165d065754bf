"""Records the metrics of two instances behind HAProxy through an outage, as a test of the alert rules for promtool.

`make record-outage` takes 20 minutes and writes deploy/outage.test.yaml. First PostgreSQL is stopped, then the table of
tasks is missing; each time HAProxy sends the clients' requests to no instance, so no request fails in the service.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.operations.scrape import scrape
from tests.proxies.proxy import Proxy
from tests.support.ports import free_port
from tests.support.postgres import Server
from tests.support.processes import UNLIMITED, starting
from tests.support.signing import token_for

INTERVAL = 15
"""Seconds between two scrapes."""

PHASES = (("well", 120), ("database stopped", 420), ("well", 180), ("schema missing", 420), ("well", 120))
"""Each with its seconds."""

LEFT_OUT = ("_bucket", "_sum", "_count", "_created")

HEAD = """\
# The metrics of a real outage: two instances behind deploy/haproxy.cfg with two calls a second, scraped every 15 s.
# From {stopped} s PostgreSQL was stopped, until {started} s; from {renamed} s the table of tasks was missing, until
# {restored} s. Recorded by `make record-outage`, which writes this file.

rule_files: [alerts.yaml]
evaluation_interval: 15s

tests:
  - name: an outage behind HAProxy
    interval: 15s
    input_series:
"""

CASE = """\
      - eval_time: {time}s
        alertname: {name}
"""

DOWN = """\
        exp_alerts:
          - exp_labels: {severity: page}
            exp_annotations:
              summary: "No instance of the tasks backend can be reached or is ready, or most requests fail"
              action: "tasks_ready has the reason; run python serve.py --check, and see the supervisor and the log"
"""

NOT_READY = """\
        exp_alerts:
          - exp_labels: {{severity: ticket, job: tasks-backend, instance: a, reason: {reason}}}
            exp_annotations:
              summary: "/ready of a has been 503 for five minutes: {reason}"
              action: "Run python serve.py --check there: docs/operating.md, When an alert fires"
          - exp_labels: {{severity: ticket, job: tasks-backend, instance: b, reason: {reason}}}
            exp_annotations:
              summary: "/ready of b has been 503 for five minutes: {reason}"
              action: "Run python serve.py --check there: docs/operating.md, When an alert fires"
"""


class Recording:
    """The samples of all series, one a scrape; None where a series was missing."""

    def __init__(self) -> None:
        self.samples = 0
        self._values: dict[str, list[float | None]] = defaultdict(list)

    def add(self, found: dict[str, float]) -> None:
        for name in found.keys() | self._values.keys():
            values = self._values[name]
            values.extend([None] * (self.samples - len(values)))
            values.append(found.get(name))
        self.samples += 1

    def lines(self) -> Iterator[str]:
        """The series as promtool reads them."""
        for name, values in sorted(self._values.items()):
            yield f"      - series: '{name}'\n        values: {' '.join(_compress(values))}\n"


def _compress(values: Sequence[float | None]) -> Iterator[str]:
    for value, group in itertools.groupby(values):
        text, times = "_" if value is None else f"{value:g}", len(list(group))
        yield text if times == 1 else f"_x{times}" if value is None else f"{text}+0x{times - 1}"


def read_series(instance: str, port: int) -> dict[str, float]:
    """What Prometheus would store of one scrape, by series."""
    target = f'job="tasks-backend",instance="{instance}"'
    try:
        metrics = scrape(port)
    except OSError:
        return {f"up{{{target}}}": 0}
    found: dict[str, float] = {f"up{{{target}}}": 1}
    for sample in (sample for metric in metrics for sample in metric.samples):
        if not sample.name.endswith(LEFT_OUT):
            labels = ",".join([target, *(f'{key}="{value}"' for key, value in sample.labels.items())])
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


@contextlib.contextmanager
def called(proxy: Proxy) -> Iterator[None]:
    """Within this block a client calls through the proxy twice a second."""
    stopped = threading.Event()

    def call() -> None:
        while not stopped.wait(0.5):
            with contextlib.suppress(OSError):
                proxy.call("GET", "/api/tasks", token=token_for("ada"))

    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def record(folder: Path) -> Recording:
    """Run the phases, and return their samples."""
    server = Server(folder / "data")
    recording = Recording()
    ports = {"a": free_port(), "b": free_port()}
    with starting(folder, DATABASE_URL=server.url, WORKERS="2", TRUSTED_PROXY="127.0.0.1", **UNLIMITED) as start:
        services = [start(METRICS_PORT=str(port)) for port in ports.values()]
        proxy = Proxy("haproxy", folder, [service.port for service in services])
        try:
            proxy.wait_until_ready()
            with called(proxy):
                began = time.monotonic()
                for phase, seconds in PHASES:
                    print(phase, file=sys.stderr, flush=True)
                    enter(phase, server)
                    for _ in range(seconds // INTERVAL):
                        series = {name: value for each in ports.items() for name, value in read_series(*each).items()}
                        recording.add(series)
                        time.sleep(max(0, began + recording.samples * INTERVAL - time.monotonic()))
        finally:
            proxy.stop()
    server.stop()
    return recording


def enter(phase: str, server: Server) -> None:
    """Cause the phase's fault, or mend the fault of the phase before."""
    if phase == "database stopped":
        server.stop()
        return
    server.start()
    with server.connect() as connection, connection.cursor() as cursor:
        if phase == "schema missing":
            cursor.execute("ALTER TABLE tasks RENAME TO tasks_lost")
        else:
            cursor.execute("ALTER TABLE IF EXISTS tasks_lost RENAME TO tasks")


def write(recording: Recording) -> Iterator[str]:
    """The lines of the file."""
    stopped, started, renamed, restored = itertools.accumulate(seconds for _, seconds in PHASES[:4])
    yield HEAD.format(stopped=stopped, started=started, renamed=renamed, restored=restored)
    yield from recording.lines()
    yield "    alert_rule_test:\n"
    for start, end, reason in ((stopped, started, "database"), (renamed, restored, "schema")):
        yield CASE.format(time=start, name="TasksAreDown")
        # Within five minutes.
        yield CASE.format(time=start + 300, name="TasksAreDown") + DOWN
        yield CASE.format(time=end - INTERVAL, name="TasksInstanceIsNotReady") + NOT_READY.format(reason=reason)
        yield CASE.format(time=end + 90, name="TasksAreDown")
        yield CASE.format(time=end + 90, name="TasksInstanceIsNotReady")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        recorded = record(Path(directory))
    Path("deploy/outage.test.yaml").write_text("".join(write(recorded)), encoding="utf-8")
