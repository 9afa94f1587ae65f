"""Reads a capture, one block and one event at a time.

This is the plain reader that defines what a capture means; faster ones must agree with it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple, Self

from falco_syscall.capture.blocks import EVENT_FORMS, METADATA, SECTION, Block, blocks
from falco_syscall.capture.conversion import KEPT_ENTERS, Converter, Fate, plan
from falco_syscall.capture.errors import CaptureError
from falco_syscall.capture.event import CaptureEvent
from falco_syscall.capture.event_table import CODES, EVENTS
from falco_syscall.capture.metadata import Comment, Metadata
from falco_syscall.capture.metadata_blocks import read_metadata, read_section
from falco_syscall.capture.stored_event import (
    STATE_ONLY,
    MalformedEvent,
    StoredEvent,
    comments,
    read_event,
)
from falco_syscall.capture.stream import CaptureStream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

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

_MAX_PROBLEMS: Final = 100
_SMALLEST_OPTION: Final = 8


class Problem(NamedTuple):
    """Something in a capture that was left out, or taken as well as possible.

    Attributes:
        offset: Place of the block in the (inflated) capture, in bytes.
    """

    offset: int
    message: str

    def __str__(self) -> str:
        return f"{self.message} (at byte {self.offset})"


class CaptureReader:
    """Iterates over a capture: metadata, events and comments in the order of the file.

    Iterate once. Every item is a value of its own; nothing is held but the enter events that wait
    for their exit. When the capture is damaged, what is whole is delivered and `CaptureError` ends
    the iteration. A single block that makes no sense inside of a valid frame is left out, counted
    and told in `problems`; with *strict*, it ends the iteration like the reference reader does.

    Attributes:
        problems: What was left out or guessed: the first hundred.
        problem_count: How many there were.
        unknown_events: Events left out because their code is not in the table: the capture is
            from a newer driver.
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
        self._owned: BinaryIO | None = None
        if isinstance(capture, str | Path):
            self._owned = capture = Path(capture).open("rb")  # noqa: SIM115 - closed by close()
        self._stream = CaptureStream(capture)
        self._strict = strict
        self._converter = Converter()
        self._initial = True
        self._events_in_section = 0
        self.problems: list[Problem] = []
        self.problem_count = 0
        self.unknown_events = 0
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
        sections = 0
        for block in blocks(self._stream):
            if block.kind in EVENT_FORMS:
                yield from self._event(block)
            elif block.kind == SECTION:
                self._end_section(sections, block.offset)
                sections += 1
                self._initial = True
                self._events_in_section = 0
                yield read_section(block)
            elif block.kind in METADATA:
                if self._events_in_section:
                    self._report(block, "a metadata block among the events")
                yield read_metadata(block)
            elif self._events_in_section:
                if block.trailer != block.size:
                    raise CaptureError(
                        f"a block of unknown type {block.kind:#x} has the length {block.size} at "
                        f"its head and {block.trailer} at its end: the capture is damaged",
                        block.offset,
                    )
                self._report(block, f"a block of unknown type {block.kind:#x} was passed over")
        self._end_section(sections, None)

    def events(self) -> Iterator[CaptureEvent]:
        """Only the events, hidden ones included."""
        return (item for item in self if isinstance(item, CaptureEvent))

    def _end_section(self, sections: int, offset: int | None) -> None:
        if sections and not self._events_in_section:
            raise CaptureError("the capture has no events", offset)
        if not sections and offset is None:
            raise CaptureError("this is not a capture: it is empty", 0)

    def _event(self, block: Block) -> Iterator[CaptureEvent | Comment]:
        self._events_in_section += 1
        try:
            stored = read_event(EVENT_FORMS[block.kind], block.body)
        except MalformedEvent as error:
            self._report(block, f"an event was left out: {error}")
            return
        if isinstance(stored, int):
            self.unknown_events += 1
            self._initial = False
            return
        event = self._converted(block, stored)
        if event is not None:
            yield event
        if len(stored.tail) >= _SMALLEST_OPTION:
            for text in comments(stored.tail):
                yield Comment(text, event.num if event else None)

    def _converted(self, block: Block, stored: StoredEvent) -> CaptureEvent | None:
        code, params = stored.code, stored.params
        if len(params) > len(EVENTS[code].params):
            self._report(
                block,
                f"{EVENTS[code].constant} has {len(params)} parameters instead of "
                f"{len(EVENTS[code].params)}: the capture is from a newer driver; "
                "the additional ones were left out",
            )
        converted = self._converter.convert(code, stored.tid, params)
        if isinstance(converted, Fate):
            self._initial = False
            if converted is Fate.FAIL:
                self._report(block, f"an event was left out: {plan(code, len(params)).reason}")
            else:
                self.absorbed_events += 1
            return None
        code, params = converted
        self._initial = self._initial and code in INITIAL_EVENTS
        self.last_num += 1
        return CaptureEvent(
            self.last_num,
            stored.time_ns,
            stored.tid,
            stored.cpu,
            code,
            params,
            self._initial or code in KEPT_ENTERS or bool(stored.flags & STATE_ONLY),
            stored.code,
        )

    def _report(self, block: Block, message: str) -> None:
        if self._strict:
            raise CaptureError(message, block.offset)
        self.problem_count += 1
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(Problem(block.offset, message))

    def close(self) -> None:
        """Closes the file if the reader opened it. May be called again."""
        if self._owned is not None:
            self._owned.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
