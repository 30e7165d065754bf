"""The parent keeps the configured number of workers on one socket, and stops all of them at its end."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from api.server.listener import listen
from tests.server.process import Connection, Process, Start, wait_until


def is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def kill_the_newest(process: Process) -> str:
    """Kill a worker as soon as there are two; what the parent logs of its end."""
    wait_until(lambda: len(process.children()) == 2, "two workers")
    before = process.log()
    os.kill(process.children()[-1], signal.SIGKILL)
    wait_until(lambda: "another one in" in process.log()[len(before) :], "the parent to notice")
    return process.log()[len(before) :]


def wait_for_its_socket(process: Process) -> None:
    wait_until(lambda: "port" in process.log(), "the socket")


class TestWorkers:
    def test_a_single_one_has_no_parent(self, start: Start) -> None:
        process = start(workers=1)
        assert process.children() == []
        assert process.get("/echo").json["pid"] == process.pid

    def test_several_share_the_connections(self, start: Start) -> None:
        process = start(workers=2)
        connections = [process.connect() for _ in range(100)]
        pids = Counter(connection.get("/echo").json["pid"] for connection in connections)
        assert set(pids) == set(process.children())
        assert min(pids.values()) >= 35

    def test_a_stuck_one_accepts_no_connection_and_the_next_ones_later(self, start: Start) -> None:
        process = start(workers=2)
        stuck, other = process.children()
        os.kill(stuck, signal.SIGSTOP)
        wait_until(lambda: "State:\tT" in Path(f"/proc/{stuck}/status").read_text(), "the worker to be stuck")
        connections = [process.connect() for _ in range(30)]
        assert {connection.get("/echo").json["pid"] for connection in connections} == {other}
        os.kill(stuck, signal.SIGCONT)
        late = [process.connect() for _ in range(20)]
        assert Counter(connection.get("/echo").json["pid"] for connection in late)[stuck] >= 15

    def test_a_killed_one_is_replaced_while_the_other_serves(self, start: Start) -> None:
        process = start(workers=2)
        killed, other = process.children()
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: len(set(process.children()) - {killed}) == 2, "the replacement")
        assert other in process.children()
        wait_until(lambda: process.get("/echo").json["pid"] not in (killed, other), "a response of the replacement")

    def test_those_that_crash_repeatedly_are_replaced_more_and_more_slowly(self, start: Start) -> None:
        process = start(workers=1 + 1)
        for _ in range(3):
            kill_the_newest(process)
        assert "another one in 0 s" in process.log()
        assert "another one in 1 s" in process.log()
        assert "another one in 2 s" in process.log()

    def test_a_stable_one_is_replaced_at_once_after_unstable_ones(self, start: Start) -> None:
        process = start(workers=2, STABLE_AFTER=3)
        while "another one in 1 s" not in process.log():
            kill_the_newest(process)
        wait_until(lambda: len(process.children()) == 2, "two workers")
        time.sleep(4)
        assert "another one in 0 s" in kill_the_newest(process)

    def test_one_stopped_by_a_signal_is_replaced(self, start: Start) -> None:
        process = start(workers=2)
        stopped = process.children()[0]
        os.kill(stopped, signal.SIGTERM)
        wait_until(lambda: stopped not in process.children() and len(process.children()) == 2, "the replacement")
        # The stop of one worker does not close the shared listener.
        assert [process.get("/echo").status for _ in range(5)] == [200] * 5

    def test_end_when_their_parent_is_killed(self, start: Start) -> None:
        process = start(workers=2)
        children = process.children()
        process.send_signal(signal.SIGKILL)
        process.exit_status()
        wait_until(lambda: not any(map(is_alive, children)), "the end of the workers")

    def test_are_stopped_even_while_they_start(self, start: Start) -> None:
        for delay in (0.0, 0.02, 0.05, 0.1):
            process = start(wait=False, workers=2)
            wait_for_its_socket(process)
            time.sleep(delay)
            process.send_signal(signal.SIGTERM)
            assert process.exit_status() in (0, -signal.SIGTERM)


@pytest.mark.parametrize("workers", [1, 3])
def test_an_application_that_cannot_be_created_stops_the_start_with_one_line(start: Start, workers: int) -> None:
    process = start(wait=False, workers=workers, FAIL="no such setting")
    assert process.exit_status() == 1
    lines = process.log().splitlines()
    assert len(lines) == 2
    assert "RuntimeError: no such setting" in lines[1]


class TestTheSocket:
    def test_in_use_is_named_in_one_line(self) -> None:
        with listen("127.0.0.1", 0) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(
                OSError, match=rf"^\[Errno \d+\] cannot listen on 127\.0\.0\.1:{port}: .*in use"
            ) as raised:
                listen("127.0.0.1", port)
            assert raised.value.errno == errno.EADDRINUSE

    def test_of_an_unknown_name_is_named_in_one_line(self) -> None:
        with pytest.raises(OSError, match=r"cannot listen on no\.such\.host\.invalid:80: "):
            listen("no.such.host.invalid", 80)

    @pytest.mark.parametrize("host", ["::1", "[::1]"])
    def test_may_be_an_ipv6_socket(self, start: Start, host: str) -> None:
        process = start(HOST=host)
        connection = Connection(process.port, "::1")
        seen = connection.get("/echo").json
        connection.close()
        assert seen["REMOTE_ADDR"] == "::1"


class TestWhenAllThreadsAreStuck:
    def test_other_requests_are_served(self, start: Start, tmp_path: Path) -> None:
        process = start(threads=2)
        stuck = [process.connect() for _ in range(2)]
        for connection in stuck:
            connection.send(f"GET /wait?file={tmp_path / 'go'} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
        assert [self.timed(process) < 5 for _ in range(20)] == [True] * 20
        (tmp_path / "go").touch()
        assert [connection.read_response().status for connection in stuck] == [200] * 2

    def timed(self, process: Process) -> float:
        began = time.monotonic()
        assert process.get("/echo").status == 200
        return time.monotonic() - began
