"""``evt.category`` and its like: the kind of call, for input and output by the kind of descriptor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falco_syscall.capture import FdType
from falco_syscall.capture.event_table import EventFlag
from falco_syscall.fields.binding import plain
from falco_syscall.state.descriptors import FILES, IP_SOCKETS

if TYPE_CHECKING:
    from falco_syscall.catalogue.fields import Binder
    from falco_syscall.event import SyscallEvent

_CATEGORIES: Final = {
    "OTHER": "other",
    "FILE": "file",
    "NET": "net",
    "IPC": "IPC",
    "MEMORY": "memory",
    "PROCESS": "process",
    "SLEEP": "sleep",
    "SYSTEM": "system",
    "SIGNAL": "signal",
    "USER": "user",
    "TIME": "time",
    "PROCESSING": "processing",
    "WAIT": "wait",
    "SCHEDULER": "scheduler",
    "INTERNAL": "internal",
}
IO: Final = frozenset({"IO_READ", "IO_WRITE", "IO_OTHER"})
FILE_TYPES: Final = FILES | {FdType.DIRECTORY}
SOCKET_TYPES: Final = IP_SOCKETS | {FdType.UNIX_SOCKET}
_IPC_TYPES: Final = frozenset(
    {FdType.UNIX_SOCKET, FdType.FIFO, FdType.EVENT, FdType.SIGNALFD, FdType.INOTIFY, FdType.USERFAULTFD}
)


def _category(event: SyscallEvent) -> str:
    if event.info.category not in IO:
        return _CATEGORIES.get(event.info.category, "unknown")
    fd = event.fd
    if fd is None:
        return "unknown"
    if fd.type in FILE_TYPES:
        return "file"
    if fd.type in IP_SOCKETS:
        return "net"
    return "ipc" if fd.type in _IPC_TYPES else "unknown"


def _reads(event: SyscallEvent) -> bool:
    return EventFlag.READS_FROM_FD in event.info.flags


def _writes(event: SyscallEvent) -> bool:
    return EventFlag.WRITES_TO_FD in event.info.flags


def _direction(event: SyscallEvent) -> str | None:
    if _writes(event):
        return "write"
    return "read" if _reads(event) else None


def _is_syslog(event: SyscallEvent) -> bool:
    return _writes(event) and event.fd is not None and "/dev/log" in event.fd.name


BINDERS: Final[dict[str, Binder]] = {
    "evt.category": plain(_category),
    "evt.is_io": plain(lambda event: _reads(event) or _writes(event)),
    "evt.is_io_read": plain(_reads),
    "evt.is_io_write": plain(_writes),
    "evt.io_dir": plain(_direction),
    "evt.is_wait": plain(lambda event: EventFlag.WAITS in event.info.flags),
    "evt.is_syslog": plain(_is_syslog),
}
