"""The event that the capture reader hands out."""

from __future__ import annotations

import msgspec

from falco_syscall.capture.event_table import EVENTS, EventInfo


class CaptureEvent(msgspec.Struct):
    """One event of a capture, in the current schema.

    Attributes:
        num: Position among the events of the capture, from 1 (``evt.num``). Hidden events count;
            those that conversion absorbed do not.
        time_ns: Since the epoch, UTC.
        tid: Thread; -1 for events without one.
        cpu: Number of the CPU.
        code: Index into `EVENTS`.
        params: The bytes of each parameter, by index; empty for "not available". One of a type of
            fixed size has exactly this size or is empty. The list may be shorter than in the table
            (an event that an older driver wrote), never longer.
        hidden: For state only; rules must not see it (dump flag, an enter event, or one of the
            events about containers and users that open a section).
        stored_code: Code that the event had in the file; other than *code* if it was converted.
    """

    num: int
    time_ns: int
    tid: int
    cpu: int
    code: int
    params: list[bytes]
    hidden: bool = False
    stored_code: int = -1

    @property
    def info(self) -> EventInfo:
        """What the event's code means."""
        return EVENTS[self.code]

    @property
    def name(self) -> str:
        """Name of the event's type, as in ``evt.type``."""
        return EVENTS[self.code].name

    def param(self, name: str) -> bytes | None:
        """The bytes of the parameter *name*; None if the event, as stored, does not have it.

        For tests and tools: code that runs for every event uses indices.

        Raises:
            KeyError: No event with this code has such a parameter.
        """
        index = EVENTS[self.code].param_index(name)
        return self.params[index] if index < len(self.params) else None
