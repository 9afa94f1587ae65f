"""An event as the fields see it: its parameters, and what was known when it happened."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from struct import Struct
from typing import TYPE_CHECKING, Final

import msgspec

from falco import text_from_bytes as from_bytes
from falco_syscall.capture.event_table import EVENTS, SIZES, EventFlag, EventInfo, EventSource, ParamType
from falco_syscall.capture.linux import SYSCALLS, native_syscalls
from falco_syscall.catalogue.events import GENERIC_EXIT
from falco_syscall.state.paths import ABSENT

if TYPE_CHECKING:
    from falco_syscall.state.descriptors import Descriptor
    from falco_syscall.state.machine import Machine
    from falco_syscall.state.threads import Thread

_SIGNED: Final = frozenset(
    {
        *(ParamType.INT8, ParamType.INT16, ParamType.INT32, ParamType.INT64),
        *(ParamType.ERRNO, ParamType.FD, ParamType.PID, ParamType.FD32, ParamType.PID32),
    }
)
_IS_SIGNED: Final = tuple(tuple(param.type in _SIGNED for param in event.params) for event in EVENTS)
_UNREADABLE: Final = frozenset({"(NULL)", ABSENT})

HAS_RESULT: Final = tuple(
    event.code > GENERIC_EXIT and not event.is_enter and event.source is EventSource.SYSCALL and len(event.params) > 0
    for event in EVENTS
)
"""By code: whether the first parameter is what the call returned."""

_FD_FLAGS: Final = frozenset({EventFlag.CREATES_FD, EventFlag.USES_FD, EventFlag.DESTROYS_FD})
HAS_DESCRIPTOR: Final = tuple(bool(event.flags & _FD_FLAGS) for event in EVENTS)
"""By code: whether the event is about a descriptor."""
_ASYNCHRONOUS: Final = 402


_I64: Final = Struct("<q").unpack
_LETTERS: Final = {1: "B", 2: "H", 4: "I", 8: "Q"}


@cache
def _layout(code: int, first: int, end: int) -> Struct:
    """The parameters of an event from *first* to before *end*, all numbers, one after the other."""
    sizes = [SIZES[param.type] or 0 for param in EVENTS[code].params[first:end]]
    letters = [_LETTERS[size] for size in sizes]
    signs = _IS_SIGNED[code][first:end]
    return Struct("<" + "".join(x.lower() if signed else x for x, signed in zip(letters, signs, strict=True)))


class SyscallEvent(msgspec.Struct, eq=False):
    """One event with the thread and the descriptor it is about. Valid until the next event is asked for.

    Attributes:
        num: ``evt.num``.
        time_ns: Since the epoch.
        previous_ns: Time of the event before, or its own.
        start_ns: Time of the first event of the capture, notes and messages apart; 0 before it.
        tid: Number of the thread, -1 if there is none.
        code: Index into ``EVENTS``.
        params: The bytes of each parameter; may be shorter than the table, empty for "not available".
        thread: The thread; None if nothing is known of it or the event has none.
        fd: What ``fd_number`` stands for, None if that is not known.
        fd_number: The descriptor that the event makes, uses or closes; -1 if there is none; -100 for AT_FDCWD.
        name_before: Name of ``fd`` before the event.
        enter_of: Finds ``enter``; None if there is none.
        machine: Everything else that is known.
    """

    num: int
    time_ns: int
    tid: int
    cpu: int
    code: int
    params: list[bytes]
    machine: Machine
    previous_ns: int
    start_ns: int
    enter_of: Callable[[], SyscallEvent | None] | None = None
    thread: Thread | None = None
    fd: Descriptor | None = None
    fd_number: int = -1
    name_before: str = ""

    @property
    def info(self) -> EventInfo:
        """What is known of all events of its code."""
        return EVENTS[self.code]

    @property
    def enter(self) -> SyscallEvent | None:
        """The event of entering the call, for the few calls that have one; decoded anew each time."""
        return None if self.enter_of is None else self.enter_of()

    @property
    def name(self) -> str:
        """``evt.type``: the event's name; the call's for those without an event of their own."""
        if self.code <= GENERIC_EXIT:
            return self._generic_name()
        if self.code == _ASYNCHRONOUS:
            return self.text(1) or self.info.name
        return self.info.name

    def _generic_name(self) -> str:
        syscall = self.number(0)
        if 0 < syscall < len(SYSCALLS):
            return SYSCALLS[syscall]
        # Calls that the driver did not know; the numbers are those of the machine that captured.
        native = native_syscalls("x86_64").get(self.number(1))
        return SYSCALLS[0] if native is None else native.name

    @property
    def result(self) -> int | None:
        """What the call returned; None for events without a result."""
        if not HAS_RESULT[self.code] or not (params := self.params) or not (raw := params[0]):
            return None
        return _I64(raw)[0] if len(raw) == 8 else int.from_bytes(raw, "little", signed=True)

    @property
    def failed(self) -> bool:
        """Whether the call returned an error."""
        return (self.result or 0) < 0

    def has(self, index: int) -> bool:
        """Whether the parameter is there and not empty."""
        params = self.params
        return index < len(params) and params[index] != b""

    def raw(self, index: int) -> bytes:
        """The bytes of a parameter; empty if it is not there."""
        params = self.params
        return params[index] if index < len(params) else b""

    def number(self, index: int, default: int = 0) -> int:
        """A parameter as a number; *default* if it is not there or empty."""
        params = self.params
        if index >= len(params) or not (raw := params[index]):
            return default
        return int.from_bytes(raw, "little", signed=_IS_SIGNED[self.code][index])

    def numbers(self, first: int, defaults: tuple[int, ...]) -> tuple[int, ...]:
        """The parameters from *first* on, as many as *defaults*, as numbers: at once if all are there."""
        if first >= len(self.params):
            return defaults
        end = first + len(defaults)
        layout = _layout(self.code, first, end)
        found = b"".join(self.params[first:end])
        # Each has the size of its type or is empty.
        if len(found) == layout.size:
            return layout.unpack(found)
        return tuple(self.number(index, default) for index, default in enumerate(defaults, first))

    def text(self, index: int) -> str:
        """A parameter as text, up to its NUL; "" if it is not there."""
        return from_bytes(self.params[index]) if index < len(self.params) else ""

    def path(self, index: int) -> str:
        """A path as the driver read it; ``<NA>`` if it could not."""
        params = self.params
        if index >= len(params) or not (raw := params[index]):
            return ABSENT
        text = from_bytes(raw)
        return ABSENT if text in _UNREADABLE else text
