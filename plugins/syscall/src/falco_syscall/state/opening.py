"""Files that are opened: open, openat, openat2, creat, open_by_handle_at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from falco_syscall.capture import FdType
from falco_syscall.capture.event_table import CODES
from falco_syscall.state.descriptors import Descriptor
from falco_syscall.state.paths import ABSENT, AT_FDCWD, UNKNOWN, as_directory, concat

if TYPE_CHECKING:
    from falco_syscall.event import SyscallEvent
    from falco_syscall.state.machine import Handler, Machine

O_DIRECTORY: Final = 0x400
_O_CREATED: Final = 0x4000
_UPPER_LAYER: Final = 0x8000
_LOWER_LAYER: Final = 0x10000
TOLD_BY_EXIT: Final = _O_CREATED | _UPPER_LAYER | _LOWER_LAYER
"""Flags that only the exit event has."""
_CREAT_UPPER_LAYER, _CREAT_LOWER_LAYER = 1, 2


class OpenCall(NamedTuple):
    """Where an opening call has what; -1 where it has it not."""

    name: int
    flags: int = -1
    dirfd: int = -1
    mode: int = -1
    dev: int = -1
    ino: int = -1
    is_absolute: bool = False
    entered_name: int = -1
    entered_flags: int = -1
    entered_dirfd: int = -1


OPENAT: Final = OpenCall(
    name=2, flags=3, dirfd=1, mode=4, dev=5, ino=6, entered_name=1, entered_flags=2, entered_dirfd=0
)
OPEN_CALLS: Final[dict[int, OpenCall]] = {
    CODES["SYSCALL_OPEN_X"]: OpenCall(name=1, flags=2, mode=3, dev=4, ino=5, entered_name=0, entered_flags=1),
    CODES["SYSCALL_OPENAT_2_X"]: OPENAT,
    CODES["SYSCALL_OPENAT2_X"]: OPENAT._replace(dev=6, ino=7),
    CODES["SYSCALL_CREAT_X"]: OpenCall(name=1, mode=2, dev=3, ino=4, entered_name=0),
    CODES["SYSCALL_OPEN_BY_HANDLE_AT_X"]: OpenCall(name=3, flags=2, dev=4, ino=5, is_absolute=True),
}
"""By code of the exit event."""
_CREAT: Final = CODES["SYSCALL_CREAT_X"]


def base_of(event: SyscallEvent, dirfd: int, name: str) -> str:
    """The directory that *name*, given relative to *dirfd*, starts from."""
    if name.startswith("/"):
        return "."
    thread = event.thread
    if thread is None:
        return UNKNOWN
    if dirfd == AT_FDCWD:
        return thread.directory
    table = thread.table
    found = table.get(dirfd) if table is not None else None
    return UNKNOWN if found is None else as_directory(found.name)


def opened(base: str, name: str, flags: int, dev: int, ino: int) -> Descriptor:
    """The descriptor of a file opened as *name*, which is relative to *base*."""
    return Descriptor(
        FdType.DIRECTORY if flags & O_DIRECTORY else FdType.FILE_V2,
        name=concat(base, name),
        raw_name=name,
        flags=flags,
        dev=dev,
        ino=ino,
        is_upper_layer=bool(flags & _UPPER_LAYER),
        is_lower_layer=bool(flags & _LOWER_LAYER),
    )


def _open(machine: Machine, event: SyscallEvent) -> None:
    call = OPEN_CALLS[event.code]
    number = event.number(0, -1)
    thread = event.thread
    if thread is None or number < 0:
        return
    name = event.path(call.name)
    flags = event.number(call.flags) if call.flags >= 0 else 0
    dirfd = event.number(call.dirfd) if call.dirfd >= 0 else AT_FDCWD
    enter = event.enter
    if enter is not None and call.entered_name >= 0 and (entered := enter.path(call.entered_name)) != ABSENT:
        # What the call was given; other threads may have changed the memory since.
        name = entered
        if call.entered_flags >= 0:
            flags = enter.number(call.entered_flags) | (flags & TOLD_BY_EXIT)
        dirfd = enter.number(call.entered_dirfd) if call.entered_dirfd >= 0 else AT_FDCWD
    base = "" if call.is_absolute else base_of(event, dirfd, name)
    descriptor = opened(base, name, flags, event.number(call.dev), event.number(call.ino))
    if event.code == _CREAT:
        created = event.number(5)
        descriptor = replace(
            descriptor,
            is_upper_layer=bool(created & _CREAT_UPPER_LAYER),
            is_lower_layer=bool(created & _CREAT_LOWER_LAYER),
        )
    machine.put(event, number, descriptor)


HANDLERS: Final[dict[str, Handler]] = {
    "SYSCALL_OPEN_X": _open,
    "SYSCALL_OPENAT_2_X": _open,
    "SYSCALL_OPENAT2_X": _open,
    "SYSCALL_CREAT_X": _open,
    "SYSCALL_OPEN_BY_HANDLE_AT_X": _open,
}
