"""Reads a capture in chunks of many events, whose places numpy finds.

The fast way beside `reader`: the events of a chunk stay bytes, only where they are is known. What it
finds is what the plain reader finds, event by event, before conversion; comments are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from struct import pack
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from falco_syscall.capture.blocks import EVENT_FORMS, FRAME_BYTES, MAX_EVENT_BYTES, EventForm, Window
from falco_syscall.capture.capture_file import CaptureFile
from falco_syscall.capture.errors import CaptureError
from falco_syscall.capture.event_table import EVENTS
from falco_syscall.capture.metadata import Metadata
from falco_syscall.capture.stored_event import HEADER, MalformedEvent, StoredEvent, read_event

if TYPE_CHECKING:
    from mmap import mmap

    from falco_syscall.capture.capture_file import Problem

Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Data: TypeAlias = "bytes | mmap"
"""What holds events: sliced, it gives bytes."""

CHUNK_BYTES: Final = 1 << 22
"""How much is read at once; with 1 MiB, captures of small events take a tenth longer."""

_COUNTED: Final = {kind: form for kind, form in EVENT_FORMS.items() if form.counted}
_LOWEST: Final = min(_COUNTED)
_RANGE: Final = max(_COUNTED) - _LOWEST + 1
_BEFORE_HEADER: Final = np.zeros(_RANGE, np.int64)
"""Bytes of CPU number and flags by block type less `_LOWEST`; 0 for what is no event."""
for _kind, _form in _COUNTED.items():
    _BEFORE_HEADER[_kind - _LOWEST] = 6 if _form.flagged else 2
_SMALLEST_BLOCK: Final = FRAME_BYTES + 2 + HEADER.size
_BLOCK_HEAD: Final = 8
_TRAILER: Final = 4
_MAX_SCANS: Final = 8
"""How often a stretch is scanned: kinds of blocks that alternate must not make it slow."""
_IS_LARGE: Final = np.array([info.is_large for info in EVENTS])
_MANY_PARAMS: Final = 64
"""No event has so many parameters: those that claim it are looked at one by one."""


@dataclass(slots=True)
class Chunk:
    """A run of events of one section; all places are offsets in `data`.

    Attributes:
        data: Holds the events.
        starts: Where the u16 number of the CPU is.
        heads: Where the header is: u64 time, i64 thread, u32 length, u16 code, u32 number of
            parameters. Then follow the lengths of the parameters, u16 each (u32 for large events),
            and the parameters.
        ends: Where the event ends; its parameters end there or before.
        codes: Stored codes; all are in the event table.
        flags: Dump flags; None if no event has any.
        metadata: What was said before the first event; may be all there is.
    """

    data: Data
    starts: Places
    heads: Places
    ends: Places
    codes: npt.NDArray[np.uint16]
    flags: npt.NDArray[np.uint32] | None
    metadata: list[Metadata]

    def __len__(self) -> int:
        """The number of events."""
        return len(self.heads)

    def event(self, index: int) -> StoredEvent:
        """An event, decoded: for what is rare, and for tests."""
        start, head, end = int(self.starts[index]), int(self.heads[index]), int(self.ends[index])
        form = EventForm(counted=True, flagged=False)
        stored = read_event(form, self.data[start : start + 2] + self.data[head:end])
        assert isinstance(stored, StoredEvent), "chunks hold known events only"  # noqa: S101
        return stored if self.flags is None else stored._replace(flags=int(self.flags[index]))


def u16(data: Data) -> npt.NDArray[np.uint16]:
    """Every u16 of *data*: index it by byte offset. A view; nothing is copied."""
    return np.ndarray(max(len(data) - 1, 0), np.dtype("<u2"), data, 0, (1,))


def u32(data: Data) -> npt.NDArray[np.uint32]:
    """Every u32 of *data*; see `u16`."""
    return np.ndarray(max(len(data) - 3, 0), np.dtype("<u4"), data, 0, (1,))


def chain(data: bytes, at: int = 0) -> tuple[Places, Places]:
    """Starts and ends of the whole event blocks (of the second format) that begin at *at*.

    Every fourth byte where the type of an event block stands is a candidate. Parameters hold
    look-alikes: a ``write`` of 534 bytes does. So each block must lead to the next by its length;
    candidates to which none leads are left out first. The chain ends where it breaks: the next block
    is of another kind, or not whole, or has a length that is not a multiple of four.
    """
    words = np.frombuffer(data, "<u4", (len(data) - at) // 4, at)
    found = np.flatnonzero(words - np.uint32(_LOWEST) < _RANGE)
    found = found[_BEFORE_HEADER[words[found] - _LOWEST] > 0]
    found = found[found + 1 < len(words)]
    sizes = words[found + 1].astype(np.int64)
    after = found * 4 + sizes
    if not np.array_equal(after[:-1], found[1:] * 4):
        possible = (sizes >= _SMALLEST_BLOCK) & (after % 4 == 0) & (after <= len(words) * 4)
        found, after = found[possible], after[possible]
        led = np.zeros(len(words) + 1, np.bool_)
        led[0] = True
        led[after // 4] = True
        found, after = found[led[found]], after[led[found]]
    sizes = after - found * 4
    if not len(found) or found[0]:
        return _NONE, _NONE
    follows = np.empty(len(found), np.bool_)
    follows[0] = True
    np.equal(after[:-1], found[1:] * 4, out=follows[1:])
    good = follows & (sizes >= _SMALLEST_BLOCK) & (sizes <= MAX_EVENT_BYTES) & (after <= len(data) - at)
    count = len(good) if good.all() else int(np.argmin(good))
    return found[:count] * 4 + at, after[:count] + at


_NONE: Final = np.zeros(0, np.int64)


@dataclass(slots=True)
class _Gathered:
    """Events that were met block by block, rewritten in one form (the second, with flags)."""

    data: bytearray = field(default_factory=bytearray)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    def add(self, event: StoredEvent) -> None:
        """Append an event."""
        width = "I" if EVENTS[event.code].is_large else "H"
        lengths = pack(f"<{len(event.params)}{width}", *map(len, event.params))
        size = HEADER.size + len(lengths) + sum(map(len, event.params))
        self.starts.append(len(self.data))
        self.data += pack("<HI", event.cpu, event.flags)
        self.data += HEADER.pack(event.time_ns, event.tid, size, event.code, len(event.params))
        self.data += lengths
        for param in event.params:
            self.data += param
        self.ends.append(len(self.data))

    def chunk(self, metadata: list[Metadata]) -> Chunk:
        """The events as a chunk."""
        data = bytes(self.data)
        starts = np.array(self.starts, np.int64)
        heads = starts + 6
        codes = u16(data)[heads + 20] if len(heads) else np.zeros(0, np.uint16)
        flags = u32(data)[starts + 2] if len(heads) else np.zeros(0, np.uint32)
        ends = np.array(self.ends, np.int64)
        return Chunk(data, starts, heads, ends, codes, flags if flags.any() else None, metadata)


class Progress(NamedTuple):
    """How far a reader has come: all that another one needs to go on.

    Attributes:
        offset: What it has read of the (inflated) capture, in bytes.
        sections: Sections so far; the rest is as in ``CaptureFile``.
    """

    offset: int
    sections: int
    problems: list[Problem]
    problem_count: int
    unknown_events: int


class ChunkReader(CaptureFile):
    """Iterates over a capture in chunks of events, in the order of the file.

    Iterate once. Nothing refers to a chunk that has been delivered. Damage is treated as by
    `CaptureReader`: what is whole is delivered, then `CaptureError` ends the iteration.

    Attributes:
        progress: While a chunk is being looked at: where another reader may go on after it; None where none can.
    """

    def __init__(self, capture: str | Path | BinaryIO, *, chunk_bytes: int = CHUNK_BYTES) -> None:
        """Opens a capture.

        Args:
            capture: A path, or a file open for reading bytes, which the caller closes.
            chunk_bytes: How much is read at once.

        Raises:
            OSError: The file cannot be opened or read.
        """
        super().__init__(capture)
        self._window = Window(self._stream, chunk_bytes)
        self._chunk_bytes = chunk_bytes
        self._metadata: list[Metadata] = []
        self._gathered = _Gathered()
        self.progress: Progress | None = None

    def resume(self, progress: Progress) -> None:
        """Go on where another reader of the same capture stopped; before the iteration.

        Raises:
            OSError: The file cannot be read.
        """
        self._window.skip(progress.offset)
        self._has_events = True
        _, self._sections, self.problems, self.problem_count, self.unknown_events = progress

    def __iter__(self) -> Iterator[Chunk]:
        """The chunks of the capture.

        Raises:
            CaptureError: The capture cannot be read any further.
        """
        window = self._window
        try:
            while window.has(1):
                window.has(self._chunk_bytes)
                yield from self._stretch(window.offset + len(window.data) - window.at)
            yield from self._block()
            self._end_section()
        except CaptureError:
            yield from self._pending()
            raise
        finally:
            self.close()

    def _stretch(self, end: int) -> Iterator[Chunk]:
        """The chunks up to *end*, an offset, and at least one block."""
        window, start, scans = self._window, self._window.offset, _MAX_SCANS
        while window.offset < end:
            before = window.offset
            if scans and window.next_kind() in _COUNTED and self._sections:
                scans -= 1
                yield from self._chain()
                if window.offset > before:
                    continue
            if window.offset > start and not window.holds_block():
                break
            yield from self._block()
        yield from self._pending()

    def _chain(self) -> Iterator[Chunk]:
        """The chain of event blocks that is next, if it is one."""
        starts, after = chain(self._window.data, self._window.at)
        if len(starts):
            if self._gathered.starts:
                yield from self._pending()
            chunk = self._scanned(starts, after)
            self._window.at = int(after[-1])
            if len(chunk):
                chunk.metadata = self._taken()
                counts = self.problem_count, self.unknown_events
                self.progress = Progress(self._window.offset, self._sections, self.problems, *counts)
                yield chunk
                self.progress = None

    def _block(self) -> Iterator[Chunk]:
        """Take the next block, whatever it is; the chunk before it if it is metadata."""
        block = self._window.next_block()
        if block is None:
            return
        form = EVENT_FORMS.get(block.kind)
        if form is not None:
            self._has_events = True
            event = self._checked(block.offset, form, block.body)
            if event is not None:
                self._gathered.add(event)
            return
        said = list(self._other_block(block))
        if said and self._gathered.starts:
            yield from self._pending()
        self._metadata += said

    def _checked(self, offset: int, form: EventForm, body: bytes) -> StoredEvent | None:
        """The event of a block; None, after counting it, if it cannot be used."""
        try:
            event = read_event(form, body)
        except MalformedEvent as error:
            self._report(offset, f"an event was left out: {error}")
            return None
        if isinstance(event, int):
            self.unknown_events += 1
            return None
        return event

    def _pending(self) -> Iterator[Chunk]:
        """What was met block by block and not delivered yet."""
        if self._gathered.starts or self._metadata:
            gathered, self._gathered = self._gathered, _Gathered()
            yield gathered.chunk(self._taken())

    def _taken(self) -> list[Metadata]:
        taken, self._metadata = self._metadata, []
        return taken

    def _scanned(self, starts: Places, after: Places) -> Chunk:
        """The chunk of a chain of blocks; events that make no sense are reported and left out."""
        self._has_events = True
        data = self._window.data
        kinds = u32(data)[starts]
        before = _BEFORE_HEADER[kinds - _LOWEST]
        bodies = starts + _BLOCK_HEAD
        heads, limits = bodies + before, after - _TRAILER
        usable = _usable(data, heads, limits)
        if not usable.all():
            for index in np.flatnonzero(~usable).tolist():
                body = data[bodies[index] : limits[index]]
                offset = self._window.offset + int(starts[index] - starts[0])
                usable[index] = self._checked(offset, EVENT_FORMS[int(kinds[index])], body) is not None
            bodies, heads, before = bodies[usable], heads[usable], before[usable]
        ends = heads + u32(data)[heads + 16]
        flags = None
        if (before > 2).any():
            flags = np.where(before > 2, u32(data)[bodies + 2], np.uint32(0)).astype(np.uint32)
        return Chunk(data, bodies, heads, ends, u16(data)[heads + 20], flags, [])


def _usable(data: bytes, heads: Places, limits: Places) -> Mask:
    """Which events certainly are as the format wants them; the others must be looked at.

    Args:
        data: Holds the events.
        heads: Where their headers are.
        limits: Where their blocks' content ends.
    """
    bytes2, bytes4 = u16(data), u32(data)
    usable = heads + HEADER.size <= limits
    # Even the header of an event that does not fit is inside of the data: `chain` saw to it.
    ends = heads + bytes4[heads + 16]
    codes = bytes2[heads + 20]
    counts = bytes4[heads + 22].astype(np.int64)
    usable &= (ends <= limits) & (codes < len(EVENTS)) & (counts < _MANY_PARAMS)
    usable &= ~_IS_LARGE[np.minimum(codes, len(EVENTS) - 1)]
    lengths_at = heads + HEADER.size
    free = ends - lengths_at - 2 * counts
    usable &= free >= 0
    usable &= _sums_fit(bytes2, lengths_at, np.where(usable, counts, 0).astype(np.uint8), free)
    return usable


def _sums_fit(bytes2: npt.NDArray[np.uint16], at: Places, counts: npt.NDArray[np.uint8], free: Places) -> Mask:
    """Where *counts* lengths from *at* on add up to at most *free*."""
    # In the order of their counts, events that have a k-th parameter are the end of the arrays.
    order = np.argsort(counts, kind="stable")
    at, free = at[order], free[order]
    begins = np.searchsorted(counts[order], np.arange(int(counts.max(initial=0))), side="right")
    for begin in begins.tolist():
        free[begin:] -= bytes2[at[begin:]]
        at[begin:] += 2
    fits = np.empty(len(order), np.bool_)
    fits[order] = free >= 0
    return fits
