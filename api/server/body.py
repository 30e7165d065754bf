"""The bytes of a request body as they arrive, kept in memory, for waitress' receiver and chunks.py."""

from __future__ import annotations

from io import BytesIO
from typing import Final

_PIECE_SIZE: Final = 32 * 1024


class Body:
    """Bytes in pieces of up to 32 KiB.

    One block that grows leaves gaps of all sizes in the memory that each thread allocates, and the process keeps them;
    a piece that is freed makes room for the next one.
    """

    def __init__(self) -> None:
        self._pieces: list[bytearray] = []
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def append(self, data: bytes) -> None:
        """Keep the next bytes. A client that sends single bytes fills a piece with them."""
        if self._pieces and len(self._pieces[-1]) + len(data) <= _PIECE_SIZE:
            self._pieces[-1] += data
        else:
            self._pieces.append(bytearray(data))
        self._size += len(data)

    def getfile(self) -> BytesIO:
        """All bytes, as a file that is read from its beginning."""
        return BytesIO(b"".join(self._pieces))

    def close(self) -> None:
        """Free the bytes."""
        self._pieces.clear()
        self._size = 0
