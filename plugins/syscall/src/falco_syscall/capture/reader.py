"""Reads a capture, one block and one event at a time.

This is the plain reader that defines what a capture means; faster ones must agree with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from falco_syscall.capture.blocks import EVENT_FORMS, SECTION, Block, blocks
from falco_syscall.capture.capture_file import CaptureFile
from falco_syscall.capture.conversion import KEPT_ENTERS, Converter, Fate, plan
from falco_syscall.capture.event import CaptureEvent
from falco_syscall.capture.event_table import CODES, EVENTS, FIXED_SIZES
from falco_syscall.capture.metadata import Comment, Metadata
from falco_syscall.capture.stored_event import (
    STATE_ONLY,
    MalformedEvent,
    StoredEvent,
    comments,
    read_event,
)

INITIAL_EVENTS: Final = frozenset(
    CODES[name]
    for name in (
        "CONTAINER_JSON_2_E",
        "USER_ADDED_E",
        "USER_DELETED_E",
        "GROUP_ADDED_E",
        "GROUP_DELETED_E",
        "ASYNCEVENT_E",
    )
)
"""Events that are metadata, and hidden, as long as no other event was before them."""

_SMALLEST_OPTION: Final = 8


class CaptureReader(CaptureFile):
    """Iterates over a capture: metadata, events and comments in the order of the file.

    Iterate once. Every item is a value of its own; nothing is held but the enter events that wait
    for their exit. When the capture is damaged, what is whole is delivered and `CaptureError` ends
    the iteration. A single block that makes no sense inside of a valid frame is left out, counted
    and told in `problems`; with *strict*, it ends the iteration like the reference reader does.

    Attributes:
        absorbed_events: Events that conversion merged into others or dropped.
        last_num: Number of the last event delivered.
    """

    def __init__(self, capture: str | Path | BinaryIO, *, strict: bool = False) -> None:
        """Opens a capture.

        Args:
            capture: A path, or a file open for reading bytes, which the caller closes.
            strict: End where the reference reader ends, at the first block that makes no sense.

        Raises:
            OSError: The file cannot be opened or read.
        """
        super().__init__(capture, strict=strict)
        self._converter = Converter()
        self._wrong_enters = 0
        self._initial = True
        self.absorbed_events = 0
        self.last_num = 0

    @property
    def lost_enters(self) -> int:
        """Converted exit events whose enter event was missing: their arguments are not known."""
        return self._converter.lost_enters

    def __iter__(self) -> Iterator[Metadata | CaptureEvent]:
        """The items of the capture.

        Raises:
            CaptureError: The capture cannot be read any further.
        """
        try:
            for block in blocks(self._stream):
                if block.kind in EVENT_FORMS:
                    self._has_events = True
                    yield from self._event(block)
                else:
                    self._initial = self._initial or block.kind == SECTION
                    yield from self._other_block(block)
            self._end_section()
        finally:
            self.close()

    def events(self) -> Iterator[CaptureEvent]:
        """Only the events, hidden ones included."""
        return (item for item in self if isinstance(item, CaptureEvent))

    def _event(self, block: Block) -> Iterator[CaptureEvent | Comment]:
        try:
            stored = read_event(EVENT_FORMS[block.kind], block.body)
        except MalformedEvent as error:
            self._report(block.offset, f"an event was left out: {error}")
            return
        if isinstance(stored, int):
            self.unknown_events += 1
            self._initial = False
            return
        event = self._converted(block.offset, stored)
        if event is not None:
            yield event
        if len(stored.tail) >= _SMALLEST_OPTION:
            for text in comments(stored.tail):
                yield Comment(text, event.num if event else None)

    def _converted(self, offset: int, stored: StoredEvent) -> CaptureEvent | None:
        code, params = stored.code, stored.params
        if len(params) > len(EVENTS[code].params):
            self._report(offset, surplus(code, len(params)))
        converted = self._converter.convert(code, stored.tid, params)
        if isinstance(converted, Fate):
            self._initial = False
            if converted is Fate.FAIL:
                self._report(offset, f"an event was left out: {plan(code, len(params)).reason}")
            else:
                self.absorbed_events += 1
            return None
        if self._converter.wrong_enters != self._wrong_enters:
            self._wrong_enters = self._converter.wrong_enters
            self._report(offset, f"{EVENTS[code].constant} does not follow its enter event: its arguments are lost")
        code, params = converted
        count = len(params)
        for index, size in FIXED_SIZES[code]:
            if index < count and len(params[index]) != size and params[index]:
                self._report(offset, wrong_size(code, index, len(params[index])))
                params[index] = b""
        self._initial = self._initial and code in INITIAL_EVENTS
        self.last_num += 1
        hidden = self._initial or code in KEPT_ENTERS or bool(stored.flags & STATE_ONLY)
        return CaptureEvent(self.last_num, stored.time_ns, stored.tid, stored.cpu, code, params, hidden, stored.code)


def surplus(code: int, count: int) -> str:
    """What to say of an event with more parameters than are known."""
    info = EVENTS[code]
    return (
        f"{info.constant} has {count} parameters instead of {len(info.params)}: "
        "the capture is from a newer driver; the additional ones are left out"
    )


def wrong_size(code: int, index: int, size: int) -> str:
    """What to say of a parameter whose size its type cannot have."""
    param = EVENTS[code].params[index]
    return (
        f"parameter {param.name} of {EVENTS[code].constant} has {size} bytes, "
        f"which its type {param.type} cannot have: it is left empty"
    )
