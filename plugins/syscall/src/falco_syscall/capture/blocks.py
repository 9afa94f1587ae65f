"""A capture as a sequence of blocks, like those of pcapng.

A block is its type, its length, a body and the length once more. The types, with the bodies of the
versions there have been, are listed here; the bodies are read in `metadata` and `stored_event`.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple

from falco_syscall.capture.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from falco_syscall.capture.stream import CaptureStream

SECTION: Final = 0x0A0D0D0A
MACHINE: Final = frozenset({0x201, 0x8002ABCD})
PROCESSES: Final = {
    0x202: 1,
    0x8000ABCD: 1,
    0x207: 2,
    0x8013ABCD: 2,
    0x209: 3,
    0x8014ABCD: 3,
    0x210: 4,
    0x211: 5,
    0x212: 6,
    0x213: 7,
    0x214: 8,
    0x215: 9,
}
"""Version of the process list by block type; likewise the next."""
FDS: Final = {0x203: 1, 0x8001ABCD: 1, 0x218: 2}
INTERFACES: Final = {0x205: 1, 0x8011ABCD: 1, 0x219: 2}
USERS: Final = {0x206: 1, 0x8012ABCD: 1, 0x220: 2}


class EventForm(NamedTuple):
    """How a type of event block is laid out.

    Attributes:
        counted: The header has the number of parameters (26 bytes instead of 22).
        flagged: The header follows dump flags.
    """

    counted: bool
    flagged: bool


EVENT_FORMS: Final = {
    0x204: EventForm(counted=False, flagged=False),
    0x8010ABCD: EventForm(counted=False, flagged=False),
    0x208: EventForm(counted=False, flagged=True),
    0x216: EventForm(counted=True, flagged=False),
    0x221: EventForm(counted=True, flagged=False),
    0x217: EventForm(counted=True, flagged=True),
    0x222: EventForm(counted=True, flagged=True),
}
METADATA: Final = MACHINE | PROCESSES.keys() | FDS.keys() | INTERFACES.keys() | USERS.keys()

MAX_EVENT_BYTES: Final = 1 << 24
"""Longest event block that is read; drivers write at most 64 KiB, plugins more."""
MAX_METADATA_BYTES: Final = 1 << 27
"""Longest block of another known type that is read."""
_LIMITS: Final = {
    **dict.fromkeys(METADATA, MAX_METADATA_BYTES),
    **dict.fromkeys(EVENT_FORMS, MAX_EVENT_BYTES),
    SECTION: MAX_METADATA_BYTES,
}
FRAME_BYTES: Final = 12
_CHUNK_BYTES: Final = 1 << 20
_HEAD: Final = Struct("<II")
_TRAILER: Final = Struct("<I")


class Block(NamedTuple):
    """A block of a capture.

    Attributes:
        offset: Of the block's first byte in the (inflated) capture.
        size: Of the whole block, as its head says.
        body: What is between the head and the trailer; empty for an unknown type.
        trailer: The length as the trailer has it.
    """

    kind: int
    offset: int
    size: int
    body: bytes
    trailer: int


def blocks(stream: CaptureStream) -> Iterator[Block]:
    """The blocks of a capture in order.

    At most one block is held. Blocks of unknown types are passed over.

    Raises:
        CaptureError: After the blocks that are whole, if the capture ends inside of a block, a
            length cannot be true, or the first block is not a section header.
    """
    window = Window(stream)
    while (block := window.next_block()) is not None:
        yield block


class Window:
    """The part of a stream that has been read and not yet used: ``data[at:]``."""

    def __init__(self, stream: CaptureStream, chunk_bytes: int = _CHUNK_BYTES) -> None:
        self.data = b""
        self.at = 0
        self._stream = stream
        self._chunk_bytes = chunk_bytes
        self._start = 0

    def skip(self, size: int) -> None:
        """Begin behind the first *size* bytes of a stream of which nothing was read; there are so many."""
        left = size
        while left and (piece := self._stream.read(min(left, _CHUNK_BYTES))):
            left -= len(piece)
        self._start = size

    @property
    def offset(self) -> int:
        """Place of ``data[at]`` in the stream."""
        return self._start + self.at

    def next_kind(self) -> int | None:
        """Without reading on: the type of the next block; None if that is not there."""
        if len(self.data) - self.at < _HEAD.size:
            return None
        kind: int = _HEAD.unpack_from(self.data, self.at)[0]
        return kind

    def holds_block(self) -> bool:
        """Without reading on: the next block is there as a whole."""
        left = len(self.data) - self.at
        return left >= _HEAD.size and _HEAD.unpack_from(self.data, self.at)[1] <= left

    def next_block(self) -> Block | None:
        """The next block, or None at the end of the stream.

        Raises:
            CaptureError: The rest of the stream is not a block.
        """
        if not self.has(_HEAD.size):
            self._check_end()
            return None
        data, at = self.data, self.at
        kind, size = _HEAD.unpack_from(data, at)
        offset = self._start + at
        if not offset and kind != SECTION:
            start = data[:4].hex(" ")
            raise CaptureError(
                f"this is not a capture: it starts with the bytes {start} instead of a section header", 0
            )
        if size < FRAME_BYTES:
            raise CaptureError(f"a block of type {kind:#x} has the impossible length {size}", offset)
        limit = _LIMITS.get(kind)
        if limit is None:
            return self._unknown(kind, size)
        if size > limit:
            raise CaptureError(f"a block of type {kind:#x} claims to have {size} bytes: {limit} are the limit", offset)
        if len(data) - at < size:
            self._require(size, kind)
            data, at = self.data, self.at
        end = at + size - _TRAILER.size
        self.at = at + size
        return Block(kind, offset, size, data[at + _HEAD.size : end], _TRAILER.unpack_from(data, end)[0])

    def _check_end(self) -> None:
        """Tell what is wrong with the end of the stream, if anything is."""
        left = len(self.data) - self.at
        damage = self._stream.damage
        if left and not self.offset:
            raise CaptureError(f"this is not a capture: it has only {left} bytes", 0)
        if left:
            why = damage or "is the capture truncated?"
            raise CaptureError(
                f"a block's head should have {_HEAD.size} bytes, but only {left} are there: {why}", self.offset
            )
        if damage is not None:
            raise CaptureError(damage, self.offset)

    def _unknown(self, kind: int, size: int) -> Block:
        """Pass over a block without holding it."""
        offset = self.offset
        left = size - _TRAILER.size
        while left:
            self._require(min(left, _CHUNK_BYTES), kind)
            step = min(left, len(self.data) - self.at)
            self.at += step
            left -= step
        self._require(_TRAILER.size, kind)
        trailer = _TRAILER.unpack_from(self.data, self.at)[0]
        self.at += _TRAILER.size
        return Block(kind, offset, size, b"", trailer)

    def has(self, size: int) -> bool:
        """Read on until *size* bytes are there; tell if they are."""
        missing = size - (len(self.data) - self.at)
        if missing <= 0:
            return True
        pieces = [self.data[self.at :]]
        while missing > 0 and (piece := self._stream.read(max(missing, self._chunk_bytes))):
            pieces.append(piece)
            missing -= len(piece)
        self._start += self.at
        self.at = 0
        self.data = b"".join(pieces)
        return missing <= 0

    def _require(self, size: int, kind: int) -> None:
        """Read on until *size* bytes of a block are there.

        Raises:
            CaptureError: There are fewer.
        """
        if not self.has(size):
            left = len(self.data) - self.at
            why = self._stream.damage or "is the capture truncated?"
            raise CaptureError(
                f"a block of type {kind:#x} should have {size} bytes, but only {left} are there: {why}", self.offset
            )
