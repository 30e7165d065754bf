"""A log reader that stands still stops no request; what is dropped is counted and said."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.faults.client import Client
from tests.faults.figures import Outcome, longest_wait, report
from tests.faults.load import LONGEST_WAIT
from tests.operations.scrape import total
from tests.support.ports import free_port
from tests.support.processes import START_TIMEOUT, UNLIMITED, Service
from tests.support.waiting import WAIT_TIMEOUT, wait_until

MANY = 4000
LONG_PATH = "/" + "x" * 1000
"""The lines of so many requests for this path exceed the pipe (64 KiB) and what two processes keep (1 MiB each)."""


class Reader:
    """Reads the log's pipe in a thread; within `paused` it stands still."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        os.set_blocking(self._descriptor, True)
        self._may_read = threading.Event()
        self._may_read.set()
        self._read = bytearray()
        self._ended = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def pause(self) -> None:
        self._may_read.clear()

    def go_on(self) -> None:
        self._may_read.set()

    def lines(self) -> list[dict[str, object]]:
        """The complete lines so far."""
        return [json.loads(line) for line in bytes(self._read).split(b"\n")[:-1]]

    def requests(self) -> list[dict[str, object]]:
        """The lines of requests so far."""
        return [line for line in self.lines() if line["event"] in ("request", "refused")]

    def wait_for_the_end(self) -> None:
        wait_until(self._ended.is_set, "the end of the log")
        os.close(self._descriptor)

    def _run(self) -> None:
        while True:
            self._may_read.wait()
            data = os.read(self._descriptor, 4096)
            self._read += data
            if not data and self._read:
                self._ended.set()
                return
            if not data:
                # Nobody has opened the pipe for writing yet.
                time.sleep(0.01)


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path / "pipe")


def start(tmp_path: Path, reader: Reader, url: str, **environ: str) -> Service:
    settings = {"DATABASE_URL": url, "WORKERS": "2", "STATEMENT_TIMEOUT": "30", **UNLIMITED, **environ}
    service = Service(tmp_path / "pipe", settings)
    wait_until(lambda: any(line["event"] == "ready" for line in reader.lines()), "ready", START_TIMEOUT)
    return service


def call(port: int, number: int, path: str) -> list[Outcome]:
    """The outcomes of `number` requests over four connections."""
    outcomes: list[Outcome] = []

    def work() -> None:
        client = Client(port, outcomes)
        for _ in range(number // 4):
            client.call("GET", path)
        client.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_a_reader_that_stands_still_stops_nobody(tmp_path: Path, reader: Reader, database_url: str) -> None:
    metrics_port = free_port()
    service = start(tmp_path, reader, database_url, METRICS_PORT=str(metrics_port))
    try:
        reader.pause()
        outcomes = call(service.port, MANY, LONG_PATH)
        report("log reader stands still", outcomes, 0)
        assert {each.status for each in outcomes} == {404}
        assert longest_wait(outcomes) < LONGEST_WAIT
        assert service.call("GET", "/ready").status == 200
        metric = "tasks_log_lines_dropped_total"
        wait_until(lambda: total(metrics_port, metric) > 0, "the metric")
        reader.go_on()
        wait_until(lambda: dropped(reader) == total(metrics_port, metric), "the lines that say so")
        before = len(reader.lines())
        call(service.port, 40, "/health")
    finally:
        assert service.stop() == 0
    reader.wait_for_the_end()
    # The 1 is /ready.
    assert len(reader.requests()) + dropped(reader) == MANY + 1 + 40
    assert len([line for line in reader.lines()[before:] if line["event"] == "request"]) >= 40


def test_a_reader_that_is_slow_loses_nothing(tmp_path: Path, reader: Reader, database_url: str) -> None:
    service = start(tmp_path, reader, database_url)
    try:
        reader.pause()
        call(service.port, 2000, "/health")
        reader.go_on()
        # A stop waits a second for the reader, which is less than a busy machine may take.
        wait_until(lambda: len(reader.requests()) == 2000, "all lines")
    finally:
        assert service.stop() == 0
    reader.wait_for_the_end()
    assert len(reader.requests()) == 2000
    assert dropped(reader) == 0


def test_a_reader_that_stands_still_does_not_keep_the_service_from_stopping(
    tmp_path: Path, reader: Reader, database_url: str
) -> None:
    service = start(tmp_path, reader, database_url)
    reader.pause()
    call(service.port, 2000, "/health")
    killed = service.children()[0]
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: killed not in service.children() and len(service.children()) == 2, "the replacement")
    assert service.stop() == 0
    reader.go_on()
    reader.wait_for_the_end()


def dropped(reader: Reader) -> int:
    """The number of lines that the log says were dropped."""
    found = [line["lines"] for line in reader.lines() if str(line["event"]).startswith("log lines dropped")]
    return sum(number for number in found if isinstance(number, int))


WRITER = """
import os, sys, time
from api.log_output import LogOutput

output = LogOutput(1, lambda number: output.write(b"dropped %d\\n" % number))
if len(sys.argv) > 2:
    output.reset_after_fork()
for number in range(int(sys.argv[1])):
    output.write(b"%d " % number + b"x" * 100 + b"\\n")
print("written", file=sys.stderr, flush=True)
output.flush(60)
"""


def write_lines(number: int, stdout: int, *options: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(number), *options], stdout=stdout, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "written\n", "while nobody reads"
    return process


@pytest.mark.parametrize("threaded", [True, False])
@pytest.mark.parametrize("kind", ["pipe", "socket", "terminal"])
def test_each_kind_of_reader_gets_all_lines_in_order(kind: str, threaded: bool) -> None:
    ours, theirs = open_pair(kind)
    process = write_lines(5000, theirs, *(["threads"] if threaded else []))
    os.close(theirs)
    received = read_all(ours)
    assert process.wait(WAIT_TIMEOUT) == 0
    process.communicate()
    lines = received.replace(b"\r", b"").splitlines()
    assert [int(line.split()[0]) for line in lines] == list(range(5000))
    assert os.get_blocking(ours)


def open_pair(kind: str) -> tuple[int, int]:
    if kind == "pipe":
        return os.pipe()
    if kind == "terminal":
        return os.openpty()
    ours, theirs = socket.socketpair()
    return ours.detach(), theirs.detach()


def read_all(descriptor: int) -> bytes:
    received = bytearray()
    while True:
        try:
            data = os.read(descriptor, 65536)
        except OSError:
            # A terminal whose last process has closed it.
            return bytes(received)
        if not data:
            return bytes(received)
        received += data


def test_what_is_too_much_is_dropped_and_said() -> None:
    ours, theirs = os.pipe()
    process = write_lines(20_000, theirs)
    os.close(theirs)
    lines = read_all(ours).splitlines()
    assert process.wait(WAIT_TIMEOUT) == 0
    process.communicate()
    kept = [line for line in lines if not line.startswith(b"dropped")]
    [said] = [int(line.split()[1]) for line in lines if line.startswith(b"dropped")]
    assert said > 0
    assert len(kept) + said == 20_000
    assert [int(line.split()[0]) for line in kept] == list(range(len(kept)))


def test_a_file_that_others_append_to_keeps_their_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    processes = [write_lines(1000, descriptor) for _ in range(2)]
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    os.close(descriptor)
    assert len(log.read_text().splitlines()) == 2000
