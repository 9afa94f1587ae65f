"""Lines for a descriptor, whole or not at all.

Python's buffered files keep what they could not write and try again at any later flush, so nobody can say how many
alerts were lost.  Here a line that is refused is refused now, and what was taken is written or accounted for.
"""

from __future__ import annotations

from typing import BinaryIO, Final, Protocol

BUFFER_BYTES: Final = 64 * 1024
"""What is gathered at most when buffering is asked for."""


class Raw(Protocol):
    """An unbuffered file."""

    def write(self, data: bytes | bytearray | memoryview, /) -> int | None:
        """Write some of *data*; how much, None for nothing."""


class LineWriter:
    """Writes lines to *raw*; one thread.

    Args:
        raw: Where to; owned by the caller.
        is_buffered: Whether lines may be gathered until ``flush``.
        is_mid_line: Whether half a line was written to it before.
    """

    def __init__(self, raw: Raw, *, is_buffered: bool, is_mid_line: bool = False) -> None:
        self._raw = raw
        self._limit = BUFFER_BYTES if is_buffered else 0
        self._pending = bytearray()
        self.is_mid_line = is_mid_line
        """Whether what was written last is half a line, of an alert that is lost."""

    @property
    def pending(self) -> int:
        """Lines that were gathered and are not written to their end."""
        return self._pending.count(b"\n")

    def write(self, line: str) -> None:
        """Take one line, without its newline.

        Raises:
            OSError: It could not be written and is not kept. (Lines gathered before it still are.)
        """
        data = line.encode("utf-8", "surrogateescape") + b"\n"
        if len(self._pending) + len(data) > self._limit:
            self.flush()
        if self._limit:
            self._pending += data
        else:
            self._write(data)

    def flush(self) -> None:
        """Write what was gathered.

        Raises:
            OSError: It could not be written and is kept.
        """
        while self._pending:
            written = self._raw.write(self._pending) or 0
            del self._pending[:written]

    def _write(self, data: bytes) -> None:
        rest = memoryview(b"\n" + data if self.is_mid_line else data)
        try:
            while rest:
                rest = rest[self._raw.write(rest) or 0 :]
        finally:
            self.is_mid_line = 0 < len(rest) < len(data)


def unbuffered(stream: BinaryIO) -> Raw:
    """The unbuffered file below *stream*, or *stream* itself when there is none, as of one in memory."""
    raw: Raw = getattr(stream, "raw", stream)
    return raw
