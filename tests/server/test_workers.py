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
from tests.server.test_responses import build_request


def is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def ends(process: Process) -> list[str]:
    """What the parent has logged of each worker's end."""
    return [line for line in process.log().splitlines() if "another one in" in line]


def wait_for_ends(process: Process, number: int) -> list[str]:
    """The lines of the first `number` ends of workers, once there are as many."""
    wait_until(lambda: len(ends(process)) >= number, f"{number} ends of workers", 30)
    return ends(process)[:number]


def pause_of(line: str) -> int:
    """The seconds for which the parent waits before it starts another worker."""
    return int(line.split("another one in ")[1].split(maxsplit=1)[0])


def switches(process: Process) -> int:
    """How often the parent has waited for something: it does so after each look at its workers."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("\nvoluntary_ctxt_switches:")[1].split(maxsplit=1)[0])


def wait_for_looks(process: Process) -> None:
    """Wait until the parent has looked at its workers again."""
    before = switches(process)
    wait_until(lambda: switches(process) > before + 2, "the parent to look at its workers")


def wait_for_its_socket(process: Process) -> None:
    wait_until(lambda: "port" in process.log(), "the socket")


class TestWorkers:
    def test_a_single_one_has_no_parent(self, start: Start) -> None:
        process = start(workers=1)
        assert process.children() == []
        assert process.get("/echo").json["pid"] == process.pid

    def test_a_single_one_accepts_a_burst_before_it_serves_the_first_of_it(self, start: Start, tmp_path: Path) -> None:
        process = start(threads=1)
        with process.paused():
            for _ in range(300):
                process.connect().send(build_request(f"/wait?file={tmp_path / 'end'}"))
        wait_until(lambda: process.connections() == 300, "all connections")
        (tmp_path / "end").touch()

    def test_several_share_the_connections(self, start: Start) -> None:
        # On a busy machine the other worker may need some time until it accepts its share.
        process = start(workers=2, YIELD_DELAY=0.2)
        connections = [process.connect() for _ in range(100)]
        pids = Counter(connection.get("/echo").json["pid"] for connection in connections)
        assert set(pids) == set(process.children())
        assert min(pids.values()) >= 35

    def test_a_stuck_one_accepts_no_connection_and_the_next_ones_later(self, start: Start) -> None:
        process = start(workers=2, YIELD_DELAY=0.3)
        stuck, other = process.children()
        os.kill(stuck, signal.SIGSTOP)
        wait_until(lambda: "State:\tT" in Path(f"/proc/{stuck}/status").read_text(), "the worker to be stuck")
        connections = [process.connect() for _ in range(12)]
        assert {connection.get("/echo").json["pid"] for connection in connections} == {other}
        os.kill(stuck, signal.SIGCONT)
        late = [process.connect() for _ in range(8)]
        assert Counter(connection.get("/echo").json["pid"] for connection in late)[stuck] >= 6

    def test_a_killed_one_is_replaced_while_the_other_serves(self, start: Start) -> None:
        process = start(workers=2)
        killed, other = process.children()
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: len(set(process.children()) - {killed}) == 2, "the replacement")
        assert other in process.children()
        wait_until(lambda: process.get("/echo").json["pid"] not in (killed, other), "a response of the replacement")

    def test_those_that_cannot_start_are_replaced_more_and_more_slowly(self, start: Start, tmp_path: Path) -> None:
        broken = tmp_path / "broken"
        process = start(workers=2, STABLE_AFTER=0, FAIL_WHILE=broken)
        broken.touch()
        os.kill(process.children()[0], signal.SIGKILL)
        lines = wait_for_ends(process, 4)
        assert [pause_of(line) for line in lines] == [0, 0, 1, 2]
        assert "FileExistsError" in lines[3]
        broken.unlink()
        wait_until(lambda: len(process.children()) == 2, "the replacement", 30)

    def test_those_that_end_as_soon_as_they_serve_are_replaced_more_and_more_slowly(self, start: Start) -> None:
        process = start(workers=2, STABLE_AFTER=3600)
        for number in (1, 2, 3):
            wait_until(lambda: len(process.children()) == 2, "two workers", 30)
            os.kill(process.children()[-1], signal.SIGKILL)
            wait_for_ends(process, number)
        assert [pause_of(line) for line in ends(process)] == [0, 1, 2]

    def test_those_that_serve_are_replaced_at_once_however_often_they_are_killed(self, start: Start) -> None:
        process = start(workers=2, STABLE_AFTER=0)
        for number in range(1, 7, 2):
            first = set(process.children())
            for pid in first:
                os.kill(pid, signal.SIGKILL)
            wait_for_ends(process, number + 1)
            wait_until(lambda: len(set(process.children()) - first) == 2, "both replacements")  # noqa: B023
            for pid in process.children():
                wait_until(lambda: self.serves(process, pid), "a response of the replacement")  # noqa: B023
        assert [pause_of(line) for line in ends(process)] == [0] * 6

    def serves(self, process: Process, pid: int) -> bool:
        connections = [process.connect() for _ in range(20)]
        try:
            return any(connection.get("/echo").json["pid"] == pid for connection in connections)
        finally:
            for connection in connections:
                connection.close()

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


class TestAStuckWorker:
    """WORKER_TIMEOUT is 2 s here."""

    def stop_one(self, process: Process) -> int:
        stuck = process.children()[0]
        os.kill(stuck, signal.SIGSTOP)
        wait_until(lambda: "State:\tT" in Path(f"/proc/{stuck}/status").read_text(), "the worker to be stuck")
        return stuck

    def test_is_killed_and_replaced(self, start: Start) -> None:
        process = start(workers=2, worker_timeout=2)
        stuck = self.stop_one(process)
        wait_until(lambda: f"worker {stuck} is stuck" in process.log(), "the parent to notice", 30)
        wait_until(lambda: len(set(process.children()) - {stuck}) == 2, "the replacement")
        assert pause_of(wait_for_ends(process, 1)[0]) == 0
        process.send_signal(signal.SIGTERM)
        assert process.exit_status() == 0

    def test_with_all_threads_in_a_deadlock_is_killed_and_replaced(self, start: Start, tmp_path: Path) -> None:
        process = start(workers=2, threads=2, worker_timeout=2)
        stuck = process.children()[0]
        connections: list[Connection] = []
        for number in range(2):
            connection, others = process.connect(), []
            while connection.get("/echo").json["pid"] != stuck:
                others.append(connection)
                connection = process.connect()
            began = tmp_path / f"began-{number}"
            connection.send(f"GET /wait?touch={began}&file={tmp_path / 'never'} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            wait_until(began.exists, "the request to reach the application")
            connections.append(connection)
        wait_until(lambda: f"worker {stuck} is stuck" in process.log(), "the parent to notice", 30)
        wait_until(lambda: all(connection.is_closed() for connection in connections), "the end of its connections")

    def test_does_not_keep_the_service_from_stopping_cleanly(self, start: Start) -> None:
        process = start(workers=2, worker_timeout=600, shutdown_timeout=600)
        self.stop_one(process)
        process.send_signal(signal.SIGTERM)
        assert process.exit_status(30) == 0
        assert "is stuck" in process.log()

    def test_is_not_one_that_is_busy_with_long_requests_while_it_stops(self, start: Start, tmp_path: Path) -> None:
        process = start(workers=2, threads=1, worker_timeout=600, shutdown_timeout=600)
        working = process.connect()
        working.send(f"GET /wait?file={tmp_path / 'go'} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: len(process.children()) == 1, "the idle worker to end")
        time.sleep(3)
        (tmp_path / "go").touch()
        assert working.read_response().status == 200
        assert process.exit_status() == 0

    def test_is_not_one_that_stood_still_with_its_parent(self, start: Start) -> None:
        process = start(workers=2, worker_timeout=4)
        children = process.children()
        for pid in (process.pid, *children):
            os.kill(pid, signal.SIGSTOP)
        time.sleep(5)
        # The parent first: what it sees then are workers without a heartbeat for 5 s.
        os.kill(process.pid, signal.SIGCONT)
        wait_for_looks(process)
        for pid in children:
            os.kill(pid, signal.SIGCONT)
        wait_for_looks(process)
        assert process.children() == children
        assert "stuck" not in process.log()


class TestSupervision:
    def test_is_called_beside_the_workers_and_its_error_ends_the_process(self, start: Start, tmp_path: Path) -> None:
        broken = tmp_path / "broken"
        process = start(workers=1, SUPERVISE=broken)
        assert len(process.children()) == 1
        assert process.get("/echo").status == 200
        broken.touch()
        assert process.exit_status() == 1
        assert len([line for line in process.log().splitlines() if "stopping: it is broken" in line]) == 1


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
        for _ in range(20):
            assert process.get("/echo").status == 200
        (tmp_path / "go").touch()
        assert [connection.read_response().status for connection in stuck] == [200] * 2
