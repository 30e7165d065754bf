"""The listening socket: bound once, shared by all worker processes, and taken from evenly.

What becomes of an accepted connection is in loop.py.
"""

from __future__ import annotations

import contextlib
import ctypes
import resource
import socket
import struct
from dataclasses import dataclass
from typing import Final

BACKLOG: Final = 4096
"""Connections the kernel holds until a worker accepts them; Linux cuts it to net.core.somaxconn."""

YIELD_DELAY: Final = 0.001
"""Seconds in which a process with fewer connections may accept first. Then this one does: the other may be stuck."""

_TOLERANCE: Final = 4
"""Connections that a process may have more than another before it lets that one accept first."""

_SPARE_DESCRIPTORS: Final = 256
"""For the database, a second listener, logs."""

_SO_ATTACH_FILTER: Final = 26
_PASS_NOTHING: Final = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
"""A packet filter of one instruction: return 0 bytes."""


def listen(host: str, port: int) -> socket.socket:
    """Bind `host` (a name, an IPv4 or an IPv6 address, with or without brackets) and listen.

    Raises OSError whose text is one line that names the address.
    """
    address = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    shown = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    try:
        family, kind, protocol, _, bound = socket.getaddrinfo(
            address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as ex:
        raise OSError(ex.errno, f"cannot listen on {shown}: {ex.strerror or ex}") from ex
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(bound)
        listener.listen(BACKLOG)
    except OSError as ex:
        listener.close()
        raise OSError(ex.errno, f"cannot listen on {shown}: {ex.strerror or ex}") from ex
    return listener


def reject_new_connections(listener: socket.socket) -> None:
    """Have the kernel take no further connection on this socket, in any process; those it has taken can be accepted.

    Closed without this, the listener resets a connection that the kernel took after the last accept, with a request on
    it. A client that connects now gets no SYN-ACK, retries a second later, and is refused by then. Linux only;
    elsewhere this does nothing.
    """
    program = struct.pack("HP", 1, ctypes.addressof(_PASS_NOTHING))
    with contextlib.suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


@dataclass(frozen=True)
class WorkerGroup:
    """What a worker knows of the other processes on its listening socket."""

    parent: int
    """The read end of a pipe that is closed when the parent process ends."""
    counts: memoryview[int]
    """Each worker's number of connections, in memory that all share."""
    slot: int
    """This worker's index in `counts`."""

    def publish(self, connections: int) -> None:
        """Tell the others how many connections this worker has."""
        self.counts[self.slot] = connections

    def should_yield(self, connections: int) -> bool:
        """Whether another worker has clearly fewer connections, and so should accept the next one."""
        return connections > min(self.counts) + _TOLERANCE + connections // 16


def raise_descriptor_limit(connections: int) -> int:
    """Raise the limit of open files for `connections`, as far as the system allows; the connections it allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _SPARE_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        return max(1, soft - _SPARE_DESCRIPTORS)
    return connections
