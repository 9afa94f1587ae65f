"""What a connection receives: gathered without waiting up to the end of a request's head, then read with patience.

A client that sends its head byte by byte costs a buffer, not a thread. A body is read by a thread; how long that may
take depends on whether others wait for one.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Callable
from typing import Final

_HEAD_END: Final = re.compile(rb"\n\r?\n")
_BLOCK: Final = 1 << 16
_TICK_S: Final = 0.25
"""How often a thread that waits for bytes looks whether it should go on."""
_BODY_S: Final = 60.0
"""For a whole body."""
_GRACE_S: Final = 1.0
_SLOW: Final = 1 << 16
"""Bytes a second, on the average since its head; a slower body gives way to others once the grace is over."""


class Incoming:
    """A readable file over a socket, as cheroot wants it.

    Args:
        sock: Not closed here.
        limit: Bytes that a head may have; one byte more is gathered, for the server to see that it is too long.
        is_crowded: Whether others wait for a thread.
    """

    def __init__(self, sock: socket.socket, limit: int, is_crowded: Callable[[], bool]) -> None:
        self._socket = sock
        self._limit = limit
        self._is_crowded = is_crowded
        self._held = bytearray()
        self._searched = 0
        self._is_whole = False
        self._has_ended = False
        self._started = 0.0
        self.bytes_read = 0

    @property
    def has_begun(self) -> bool:
        """Whether bytes of a request are held."""
        return bool(self._held)

    @property
    def beginning(self) -> bytes:
        """Some of what is held."""
        return bytes(self._held[:16])

    def has_data(self) -> bool:
        """Whether a request can be looked at without waiting: its head is whole, too long, or all that will come."""
        if not self._is_whole:
            self._is_whole = _HEAD_END.search(self._held, self._searched) is not None
            self._searched = max(len(self._held) - 2, 0)
        return self._is_whole or len(self._held) > self._limit or (self._has_ended and self.has_begun)

    def gather(self) -> bool:
        """Take what has come of a head, without waiting; False if nothing is held and nothing will come.

        Raises:
            OSError: The connection broke.
        """
        self._socket.settimeout(0)
        while not self.has_data():
            try:
                part = self._socket.recv(_BLOCK)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return True
            if not part:
                self._has_ended = True
                break
            self._held += part
            self.bytes_read += len(part)
        return self.has_begun

    def begin(self) -> None:
        """The head that was gathered is read now, and what follows it: from now on reading waits."""
        self._is_whole, self._searched = False, 0
        self._started = time.monotonic()
        self._socket.settimeout(_TICK_S)

    def read1(self, size: int) -> bytes:
        """At least one byte, at most *size*; b"" at the end.

        Raises:
            OSError: It took too long, or the connection broke.
        """
        if self._held:
            part = bytes(self._held[:size])
            del self._held[:size]
            return part
        while not self._has_ended:
            try:
                part = self._socket.recv(size)
            except TimeoutError:
                self._look_at_the_clock()
                continue
            self.bytes_read += len(part)
            self._has_ended = not part
            self._look_at_the_clock()
            return part
        return b""

    def read(self, size: int) -> bytes:
        """*size* bytes, fewer only at the end."""
        parts = []
        while size and (part := self.read1(min(size, _BLOCK))):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def readline(self, size: int = -1) -> bytes:
        """A line with its end, or the first *size* bytes of it."""
        searched = 0
        while True:
            end = self._held.find(b"\n", searched) + 1
            searched = len(self._held)
            if end or 0 <= size <= searched:
                break
            if searched > self._limit:
                raise OSError("a line is too long")
            held, self._held = self._held, bytearray()
            part = self.read1(_BLOCK)
            self._held = held + part
            if not part:
                break
        length = min(end or len(self._held), size if size >= 0 else len(self._held))
        return self.read1(length) if length else b""

    def close(self) -> None:
        """Nothing."""

    def _look_at_the_clock(self) -> None:
        took_s = time.monotonic() - self._started
        if took_s > _BODY_S:
            raise TimeoutError(f"its body takes more than {_BODY_S:.0f} seconds")
        if took_s > _GRACE_S and self.bytes_read < took_s * _SLOW and self._is_crowded():
            raise TimeoutError("its body comes slowly, and others wait")
