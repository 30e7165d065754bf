"""A machine of the tests' own: namespaces for network, mounts and processes, in which podman runs.

No container, network, mount or process outlives the machine, however the tests end.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.containers.storage import PREPARED, build, write_config

# The first process ends, and with it all others, when the pipe closes that the tests hold.
START = """
ip link set lo up
mkdir -p /var/lib/cni
# The names' servers may be listed in a file below /run.
servers=$(cat /etc/resolv.conf) file=$(readlink -f /etc/resolv.conf)
for folder in /run /var/lib/cni; do mount -t tmpfs tmpfs $folder; done
test -e "$file" || { mkdir -p "${file%/*}" && echo "$servers" > "$file"; }
echo started
exec catatonit -- cat
"""


class Machine:
    """A running machine. `folder` takes its images, volumes and files; it is in use until `stop`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = write_config(folder, folder / "images", PREPARED)
        self._process = subprocess.Popen(
            ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-ec", START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"started\n"
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        [self._first] = children.read_text().split()

    def run(
        self, *command: str | Path, check: bool = True, timeout: float = 300, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on the machine. Raises AssertionError with its output if it fails and `check` is true."""
        done = subprocess.run(
            [*self._enter("--net", "--mount", "--pid"), *map(str, command)],
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def build(self, tag: str) -> None:
        """Build Dockerfile's image on the machine, but on this host's network: pip may have to fetch packages."""
        build(self.environ, self.folder, f"--tag={tag}", prefix=self._enter("--mount", "--pid"))

    def _enter(self, *namespaces: str) -> list[str]:
        return ["nsenter", f"--target={self._first}", *namespaces, "--"]

    @contextlib.contextmanager
    def network(self) -> Iterator[None]:
        """Within this block this thread, and what it starts, opens sockets on the machine's network."""
        with open("/proc/thread-self/ns/net") as own, open(f"/proc/{self._first}/ns/net") as its:
            enter(its.fileno())
            try:
                yield
            finally:
                enter(own.fileno())

    def stop(self) -> None:
        """Stop the containers, so that their control groups go too, and end the machine."""
        try:
            self.run("podman", "stop", "--all", "--time=0", check=False)
        finally:
            assert self._process.stdin is not None
            self._process.stdin.close()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process.wait(60)


def enter(namespace: int) -> None:
    """setns(2) of this thread; Python has it since 3.12."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
