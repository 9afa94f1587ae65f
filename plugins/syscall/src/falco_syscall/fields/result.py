"""``evt.res`` and its like: how the call ended, how many errors that is, how many bytes it moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from falco_syscall.capture.event_table import CODES, ParamType
from falco_syscall.capture.linux import ERRORS
from falco_syscall.fields.binding import plain
from falco_syscall.fields.category import FILE_TYPES, IO, SOCKET_TYPES
from falco_syscall.state.descriptors import FILES, IP_SOCKETS
from falco_syscall.state.opening import OPEN_CALLS

if TYPE_CHECKING:
    from falco_syscall.catalogue.fields import Binder
    from falco_syscall.event import SyscallEvent
    from falco_syscall.fields.binding import Getter


def _result(event: SyscallEvent) -> str | None:
    result = event.result
    if result is None:
        return None
    if result >= 0:
        return "SUCCESS"
    if event.info.params[0].type is ParamType.PID:
        return str(result)
    return ERRORS.get(-result, str(result))


def _failed(event: SyscallEvent) -> bool | None:
    result = event.result
    return None if result is None else result < 0


def _error_count(event: SyscallEvent) -> int | None:
    result = event.result
    return None if result is None else int(result < 0)


_FILE_CALLS: Final = frozenset(OPEN_CALLS) | {CODES["SYSCALL_RENAMEAT_X"]}
_NET_CALLS: Final = frozenset(CODES[name] for name in ("SOCKET_ACCEPT_5_X", "SOCKET_ACCEPT4_6_X", "SOCKET_CONNECT_X"))


def _is_about_file(event: SyscallEvent) -> bool:
    return event.code in _FILE_CALLS if event.fd is None else event.fd.type in FILE_TYPES


def _is_about_net(event: SyscallEvent) -> bool:
    return event.code in _NET_CALLS if event.fd is None else event.fd.type in SOCKET_TYPES


def _is_about_memory(event: SyscallEvent) -> bool:
    return event.info.category == "MEMORY"


def _is_about_else(event: SyscallEvent) -> bool:
    """None of the others; of calls about memory those on a descriptor, unless it is a file: they count twice."""
    if event.fd is None and _is_about_memory(event):
        return False
    return not (_is_about_file(event) or _is_about_net(event))


def _errors_if(is_about: Callable[[SyscallEvent], bool]) -> Getter:
    return lambda event: _error_count(event) if is_about(event) else None


def _moved(event: SyscallEvent) -> int | None:
    """The result of a call on a descriptor: for those that read or write the bytes that they moved."""
    result = event.result
    if event.fd is None or event.info.category not in IO or result is None or result < 0:
        return None
    return result


def _moved_if(*, reads: bool | None = None, net: bool | None = None) -> Getter:
    """``evt.buflen`` of one direction, of one kind of descriptor; None: whichever."""

    def read(event: SyscallEvent) -> int | None:
        if reads is not None and event.info.category != ("IO_READ" if reads else "IO_WRITE"):
            return None
        if net is not None and (event.fd is None or event.fd.type not in (IP_SOCKETS if net else FILES)):
            return None
        return _moved(event)

    return read


BINDERS: Final[dict[str, Binder]] = {
    "evt.buflen": plain(_moved),
    "evt.res": plain(_result),
    "evt.rawres": plain(lambda event: event.result),
    "evt.failed": plain(_failed),
    "evt.count.error": plain(_error_count),
    "evt.count.error.file": plain(_errors_if(_is_about_file)),
    "evt.count.error.net": plain(_errors_if(_is_about_net)),
    "evt.count.error.memory": plain(_errors_if(_is_about_memory)),
    "evt.count.error.other": plain(_errors_if(_is_about_else)),
    "evt.buflen.in": plain(_moved_if(reads=True)),
    "evt.buflen.out": plain(_moved_if(reads=False)),
    "evt.buflen.file": plain(_moved_if(net=False)),
    "evt.buflen.file.in": plain(_moved_if(net=False, reads=True)),
    "evt.buflen.file.out": plain(_moved_if(net=False, reads=False)),
    "evt.buflen.net": plain(_moved_if(net=True)),
    "evt.buflen.net.in": plain(_moved_if(net=True, reads=True)),
    "evt.buflen.net.out": plain(_moved_if(net=True, reads=False)),
}
