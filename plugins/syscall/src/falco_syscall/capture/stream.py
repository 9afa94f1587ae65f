"""The bytes of a capture: a file as it is, or what a gzip file holds."""

from __future__ import annotations

import zlib
from typing import BinaryIO, Final

_GZIP: Final = b"\x1f\x8b"
_INPUT_BYTES: Final = 1 << 18
_GZIP_WINDOW: Final = 31


class CaptureStream:
    """Reads a capture in order, in pieces of bounded size; inflates it if it is gzip.

    As with zlib's own file functions, gzip members are joined, what follows the last member and is
    not gzip is ignored, and what does not start like gzip is taken as it is.

    Attributes:
        damage: Why the stream ended where it did, once `read` has returned nothing; None if it
            ended as it should. A file that just stops is known by its last block, not here.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.damage: str | None = None
        self._file = file
        self._input = self._file.read(_INPUT_BYTES)
        is_gzip = self._input[:2] == _GZIP
        self._inflate = zlib.decompressobj(_GZIP_WINDOW) if is_gzip else None

    @property
    def is_gzip(self) -> bool:
        """The file is compressed."""
        return self._inflate is not None

    def read(self, size: int) -> bytes:
        """The next 1 to *size* bytes; nothing at the end and after damage."""
        if self._inflate is not None:
            return self._inflated(size)
        if self._input:
            piece, self._input = self._input[:size], self._input[size:]
            return piece
        return self._file.read(size)

    def _inflated(self, size: int) -> bytes:
        while self.damage is None and self._inflate is not None:
            if self._inflate.eof:
                if not self._next_member():
                    return b""
            elif not self._input:
                self._input = self._file.read(_INPUT_BYTES)
                if not self._input:
                    # All input may have been taken while there was no room for all output.
                    if piece := self._decompress(size):
                        return piece
                    self.damage = "the gzip data ends before its end mark; is it truncated?"
                    return b""
            if piece := self._decompress(size):
                return piece
        return b""

    def _next_member(self) -> bool:
        rest = self._inflate.unused_data if self._inflate else b""
        while len(rest) < len(_GZIP) and (more := self._file.read(_INPUT_BYTES)):
            rest += more
        if rest[:2] != _GZIP:
            return False
        self._input = rest
        self._inflate = zlib.decompressobj(_GZIP_WINDOW)
        return True

    def _decompress(self, size: int) -> bytes:
        inflate = self._inflate
        if inflate is None:
            return b""
        before = inflate.copy()
        try:
            piece = inflate.decompress(self._input, size)
        except zlib.error as error:
            self.damage = f"the gzip data is damaged: {error}"
            return _salvaged(before, self._input, size)
        self._input = inflate.unconsumed_tail
        return piece


def _salvaged(inflate: zlib._Decompress, data: bytes, size: int) -> bytes:
    """What can be inflated before the fault: zlib does not hand out what it had when it met it."""
    pieces: list[bytes] = []
    got = 0
    try:
        for at in range(len(data)):
            pieces.append(inflate.decompress(data[at : at + 1], size - got))
            got += len(pieces[-1])
            if got >= size:
                break
    except zlib.error:
        pass  # The same fault again, which is already told.
    return b"".join(pieces)
