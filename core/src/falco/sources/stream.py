"""An input that cannot be read twice: standard input, a pipe. Its beginning can be looked at all the same."""

from __future__ import annotations

import io
import sys
from typing import Any, BinaryIO, Final

from falco.errors import SourceError

_BLOCK: Final = 1 << 16
GZIP: Final = b"\x1f\x8b"
"""How gzip files begin."""
_ENOUGH: Final = 4
"""Bytes by which files are told apart; what is compressed needs some more."""
_ENOUGH_PACKED: Final = 1024


class InputStream(io.RawIOBase):
    """A file that is read once; reading returns what there is and waits for the first byte only.

    Args:
        file: Unbuffered, or with ``read1``. Not closed here.
    """

    def __init__(self, file: BinaryIO | io.RawIOBase) -> None:
        super().__init__()
        self._read: Any = getattr(file, "read1", None) or file.read
        self._seen = b""

    @classmethod
    def standard_input(cls) -> InputStream:
        """Standard input, past its buffer: a thread that waits for it must not hold the buffer's lock at the end.

        Raises:
            SourceError: It is closed.
        """
        if sys.stdin is None:
            raise SourceError("standard input is closed")
        return cls(io.FileIO(sys.stdin.fileno(), closefd=False))

    def look(self) -> bytes:
        """The beginning, which stays to be read: waits for a few bytes that tell what it is, or the end.

        Raises:
            OSError: It cannot be read.
        """
        while len(self._seen) < (_ENOUGH_PACKED if self._seen.startswith(GZIP) else _ENOUGH):
            block = self._read(_BLOCK)
            if not block:
                break
            self._seen += block
        return self._seen

    @property
    def is_gzip(self) -> bool:
        """Whether it is compressed; looks."""
        return self.look().startswith(GZIP)

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill *buffer* with what there is."""
        view = memoryview(buffer).cast("B")
        block = self.read1(len(view))
        view[: len(block)] = block
        return len(block)

    def read1(self, size: int) -> bytes:
        """1 to *size* bytes; b"" at the end."""
        if self._seen:
            block, self._seen = self._seen[:size], self._seen[size:]
            return block
        return self._read(size) or b""
