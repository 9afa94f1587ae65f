"""Bytes to lines, with a limit: a line of any length takes no more memory than the limit.

What a line has beyond the limit is dropped below the splitter, so that no buffer ever holds it. One byte more than
the limit is kept: whoever gets the line sees that it was too long, where it was, and refuses it.
"""

from __future__ import annotations

import io
import zlib
from collections import deque
from typing import Any, Final, Protocol

_TAIL: Final = 8192
"""Where the last end of line of a block is looked for first."""
DAMAGED: Final = (OSError, EOFError, zlib.error)
"""What reading raises when the input is damaged; gzip's own errors are among them."""


class Readable(Protocol):
    """What is read from: a raw or a decompressing file."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill *buffer*; 0 at the end."""


class LineCutter:
    """Cuts what is too much out of a stream of blocks.

    Args:
        limit: Bytes that a line may have, without its end.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._length = 0
        self._excess = 0
        self.excesses: deque[int] = deque()
        """Bytes dropped of each line that was cut, in order; whoever counts bytes takes them out."""

    def may_pass(self, count: int) -> bool:
        """Whether a block of *count* bytes cannot complete a line beyond the limit."""
        return not self._excess and self._length + count <= self.limit

    def passed(self, tail: bytes, count: int) -> None:
        """Take note of a block of *count* bytes that passed as it is; *tail* is its end, all of it if need be."""
        end = tail.rfind(b"\n")
        self._length = self._length + count if end < 0 else len(tail) - end - 1

    def cut(self, block: bytes) -> bytes:
        """What is left of *block*."""
        kept: list[bytes] = []
        for line in _lines(block):
            ends = line.endswith(b"\n")
            room = self.limit + 1 - self._length
            body = line[:-1] if ends else line
            kept.append(body[: max(room, 0)])
            self._length += len(body)
            self._excess = max(self._length - self.limit - 1, 0)
            if ends:
                kept.append(b"\n")
                if self._length > self.limit:
                    self.excesses.append(self._excess)
                self._length = self._excess = 0
        return b"".join(kept)


class LineReader(io.RawIOBase):
    """The lines of a file that begin in bytes *start* to *stop* of it; wrapped in a ``BufferedReader``.

    A damaged input ends it: what was read before is delivered, and ``error`` says why it ended.
    """

    def __init__(self, file: Readable, limit: int, start: int = 0, stop: int | None = None) -> None:
        super().__init__()
        self._file = file
        self._cutter = LineCutter(limit)
        self._offset = start
        self._stop = stop
        self._ended = False
        self._last = b"\n"
        self.error: Exception | None = None

    @property
    def excesses(self) -> deque[int]:
        """See ``LineCutter.excesses``."""
        return self._cutter.excesses

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill *buffer* with whole or cut lines."""
        view = memoryview(buffer)
        while count := self._block(view):
            if self._cutter.may_pass(count):
                tail = bytes(view[max(count - _TAIL, 0) : count])
                if b"\n" not in tail and count > _TAIL:
                    tail = bytes(view[:count])
                self._cutter.passed(tail, count)
                return count
            if block := self._cutter.cut(bytes(view[:count])):
                view[: len(block)] = block
                return len(block)
        return 0

    def _block(self, view: memoryview) -> int:
        """Read a block of the part into *view*; 0 at its end."""
        if self._ended:
            return 0
        is_beyond = self._stop is not None and self._offset >= self._stop
        if is_beyond and self._last == b"\n":
            return 0
        if self._stop is not None and not is_beyond:
            view = view[: self._stop - self._offset]
        try:
            count = self._file.readinto(view) or 0
        except DAMAGED as error:
            self.error, count = error, 0
        if is_beyond and (end := bytes(view[:count]).find(b"\n")) >= 0:
            count, self._ended = end + 1, True
        self._offset += count
        if count:
            self._last = bytes(view[count - 1 : count])
        else:
            self._ended = True
        return count


class LineBuffer:
    """Lines of a stream that comes in blocks.

    Args:
        limit: Bytes that a line may have, without its end.
    """

    def __init__(self, limit: int) -> None:
        self._cutter = LineCutter(limit)
        self._rest: list[bytes] = []

    def feed(self, block: bytes) -> list[bytes]:
        """The lines that *block* completes, with their ends."""
        block = self._cutter.cut(block)
        end = block.rfind(b"\n") + 1
        if not end:
            self._rest.append(block)
            return []
        lines = _lines(b"".join((*self._rest, block[:end])))
        self._rest = [block[end:]]
        return lines

    def finish(self) -> list[bytes]:
        """What is left without an end of line; the next block begins a new line."""
        rest = b"".join(self._rest)
        self._rest = []
        self._cutter = LineCutter(self._cutter.limit)
        return [rest] if rest else []


def _lines(block: bytes) -> list[bytes]:
    """*block* split at line feeds only: a carriage return is a blank in JSON, and ``splitlines`` splits there too."""
    return io.BytesIO(block).readlines()
