"""Memory in which processes that are forked from one share the JWK set that one of them has downloaded.

It is anonymous memory, so it has no name that another program could open, and it ends with its processes.
"""

from __future__ import annotations

import mmap
import struct
from hashlib import sha256
from typing import Final, NamedTuple

from api.jose.jwks_download import MAX_BYTES

_DIGEST_SIZE: Final = 32
_HEADER: Final = struct.Struct("<dI")
_START: Final = _DIGEST_SIZE + _HEADER.size


class StoredSet(NamedTuple):
    """A downloaded body, and the time of its download by the monotonic clock, which all processes of a host share."""

    downloaded_at: float
    body: bytes


class SharedSet:
    """The last JWK set that any process has stored. Create it before the fork.

    It needs no lock. The digest covers all that is stored, so what two processes write at once, or one that is killed
    meanwhile, reads as None until the next is stored.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _START + MAX_BYTES)

    @property
    def digest(self) -> bytes:
        """Another value means that something has been stored since."""
        return self._memory[:_DIGEST_SIZE]

    def store(self, stored: StoredSet) -> bytes:
        """Store a body of at most MAX_BYTES, and return its digest."""
        content = _HEADER.pack(stored.downloaded_at, len(stored.body)) + stored.body
        digest = sha256(content).digest()
        self._memory[_DIGEST_SIZE : _DIGEST_SIZE + len(content)] = content
        self._memory[:_DIGEST_SIZE] = digest
        return digest

    def load(self) -> StoredSet | None:
        """What is stored; None if that is nothing, or not complete."""
        digest = self.digest
        downloaded_at, length = _HEADER.unpack(self._memory[_DIGEST_SIZE:_START])
        content = self._memory[_DIGEST_SIZE : _START + min(length, MAX_BYTES)]
        if sha256(content).digest() != digest:
            return None
        return StoredSet(downloaded_at, content[_HEADER.size :])
