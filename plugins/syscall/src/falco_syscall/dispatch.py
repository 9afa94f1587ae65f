"""What rules are asked before an event is decoded: fields whose values are known by then, and the keys they make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falco import UNKNOWN
from falco_syscall.capture.event_table import CODES, EVENTS, EventSource
from falco_syscall.event import HAS_DESCRIPTOR, HAS_RESULT
from falco_syscall.state.machine import FD_INDEX
from falco_syscall.state.opening import OPEN_CALLS

if TYPE_CHECKING:
    from falco import DispatchField, Key, KeyPart

DISPATCH: Final[tuple[DispatchField, ...]] = (
    ("evt.type",),
    ("evt.dir",),
    ("syscall.type",),
    ("evt.failed",),
    ("evt.is_open_write",),
    ("evt.is_open_read",),
    ("fd.num",),
    ("fd.name",),
    ("fd.directory",),
    ("fd.filename",),
)
"""Fields whose values are known, or asked for first, before an event is decoded."""

SUCCEEDED, FAILED, UNCLEAR = 0, 1, 2
OUTCOMES: Final = 3
"""How a call ended; for events that are not the end of a call it makes no difference."""

_NO_FD: Final[Key] = (None,) * 4
_ANY_FD: Final[Key] = (UNKNOWN,) * 4
OPENINGS: Final = frozenset(
    CODES[name] for name in ("SYSCALL_OPEN_X", "SYSCALL_OPENAT_2_X", "SYSCALL_OPENAT2_X", "SYSCALL_OPEN_BY_HANDLE_AT_X")
)
"""Calls with flags that say whether they open for reading or writing."""
ASYNCHRONOUS: Final = CODES["ASYNCEVENT_E"]


def key(code: int, name: KeyPart, outcome: int) -> Key:
    """The dispatch values of an event of which nothing but its kind is known."""
    info = EVENTS[code]
    failed: KeyPart = (False, True, UNKNOWN)[outcome] if HAS_RESULT[code] else None
    opens: KeyPart = UNKNOWN if code in OPENINGS else False
    of_call = name if info.source is EventSource.SYSCALL else None
    of_fd: Key = _ANY_FD if HAS_DESCRIPTOR[code] else _NO_FD
    if outcome == FAILED and code in OPEN_CALLS and FD_INDEX[code] < 0:
        of_fd = (-1, *of_fd[1:])  # an open that failed is about no descriptor
    return (name, ">" if info.is_enter else "<", of_call, failed, opens, opens, *of_fd)
