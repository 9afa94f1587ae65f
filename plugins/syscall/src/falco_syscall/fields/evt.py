"""``evt.*`` and ``syscall.type``: the event itself, its arguments and its result."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Final

from falco import EVENT_FIELDS as GROUP
from falco import Field, FieldType
from falco import text_from_bytes as from_bytes
from falco_syscall.arguments import show, show_all
from falco_syscall.capture import FdType
from falco_syscall.capture.event_table import CODES, EVENTS, EventFlag, EventSource, ParamFormat, ParamType
from falco_syscall.capture.linux import ERRORS
from falco_syscall.catalogue.arguments import name_of, raw_type
from falco_syscall.fields.binding import constant, number, plain
from falco_syscall.state.descriptors import FILES, IP_SOCKETS
from falco_syscall.state.opening import OPEN_CALLS
from falco_syscall.state.paths import ABSENT, AT_FDCWD, UNKNOWN, concat

if TYPE_CHECKING:
    from falco import Value
    from falco_syscall.catalogue.fields import Binder
    from falco_syscall.event import SyscallEvent
    from falco_syscall.fields.binding import Getter

_SECOND_NS: Final = 1_000_000_000
_MILLISECOND_NS: Final = 1_000_000


# Time ---------------------------------------------------------------------------------------------------------


def _delta(event: SyscallEvent) -> int:
    return max(event.time_ns - event.previous_ns, 0)


def _around(argument: str | None) -> Getter:
    moment_ns = number(argument)
    return lambda event: abs(event.time_ns - moment_ns) // _MILLISECOND_NS


# Type ---------------------------------------------------------------------------------------------------------


def _syscall_type(event: SyscallEvent) -> str | None:
    return event.name if event.info.source is EventSource.SYSCALL else None


def _type_is(argument: str | None) -> Getter:
    name = name_of("evt.type.is", argument)
    return lambda event: 1 if event.name == name else None


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
_IO: Final = frozenset({"IO_READ", "IO_WRITE", "IO_OTHER"})
_FILE_TYPES: Final = FILES | {FdType.DIRECTORY}
_SOCKET_TYPES: Final = IP_SOCKETS | {FdType.UNIX_SOCKET}
_IPC_TYPES: Final = frozenset(
    {FdType.UNIX_SOCKET, FdType.FIFO, FdType.EVENT, FdType.SIGNALFD, FdType.INOTIFY, FdType.USERFAULTFD}
)


def _category(event: SyscallEvent) -> str:
    if event.info.category not in _IO:
        return _CATEGORIES.get(event.info.category, "unknown")
    fd = event.fd
    if fd is None:
        return "unknown"
    if fd.type in _FILE_TYPES:
        return "file"
    if fd.type in IP_SOCKETS:
        return "net"
    return "ipc" if fd.type in _IPC_TYPES else "unknown"


# Arguments ----------------------------------------------------------------------------------------------------


@cache
def _places(name: str) -> dict[int, int]:
    """Index of the parameter *name* by code of the events that have it."""
    return {
        event.code: index
        for event in EVENTS
        for index, param in reversed([*enumerate(event.params)])
        if param.name == name
    }


def _argument(argument: str | None) -> Getter:
    if argument is not None and argument.startswith("."):
        where = _places(argument[1:])

        def by_name(event: SyscallEvent) -> str | None:
            index = where.get(event.code)
            shown = show(event, index) if index is not None else None
            return None if shown is None else shown.best

        return by_name
    position = number(argument)

    def by_position(event: SyscallEvent) -> str | None:
        shown = show(event, position)
        return None if shown is None else shown.best

    return by_position


_NUMBERS: Final = frozenset(
    {
        *(ParamType.INT8, ParamType.INT16, ParamType.INT32, ParamType.INT64),
        *(ParamType.UINT8, ParamType.UINT16, ParamType.UINT32, ParamType.UINT64),
        *(ParamType.FLAGS8, ParamType.FLAGS16, ParamType.FLAGS32),
        *(ParamType.ENUMFLAGS8, ParamType.ENUMFLAGS16, ParamType.ENUMFLAGS32),
        *(ParamType.ERRNO, ParamType.FD, ParamType.PID, ParamType.FD32, ParamType.PID32, ParamType.MODE),
        *(ParamType.UID, ParamType.GID, ParamType.RELTIME, ParamType.ABSTIME, ParamType.SYSCALLID),
        *(ParamType.SIGTYPE, ParamType.SIGSET, ParamType.PORT),
    }
)
_TEXTS: Final = frozenset({ParamType.CHARBUF, ParamType.FSPATH, ParamType.FSRELPATH})


def _raw_argument(argument: str | None) -> Getter:
    kind = _kind(raw_type(argument))
    where = _places(name_of("evt.rawarg", argument))

    def read(event: SyscallEvent) -> Value | None:
        index = where.get(event.code)
        # Some names stand for a number in one event and for a text in another: such a value cannot be compared.
        if index is None or index >= len(event.params) or _kind(event.info.params[index].type) is not kind:
            return None
        raw = event.params[index]
        if kind is int:
            return event.number(index) if raw else None
        if kind is str:
            return from_bytes(raw) if raw else ABSENT
        return raw or None

    return read


def _shown_raw_argument(argument: str | None) -> Getter:
    """In an output every parameter of the name is shown, numbers in the base of the parameter."""
    where = _places(name_of("evt.rawarg", argument))

    def shown(event: SyscallEvent) -> Value | None:
        index = where.get(event.code)
        if index is None or index >= len(event.params):
            return None
        param = event.info.params[index]
        kind = _kind(param.type)
        if kind is not int:
            return event.params[index] if kind is bytes else event.path(index)
        if not event.has(index):
            return None
        number = event.number(index)
        match param.format:
            case ParamFormat.HEX:
                return f"{number:X}"
            case ParamFormat.OCT:
                return f"{number:o}"
            case ParamFormat.NA:
                return str(number)
        return number

    return shown


def _kind(param_type: ParamType) -> type:
    if param_type in _NUMBERS:
        return int
    return str if param_type in _TEXTS else bytes


def _data_index(code: int) -> int:
    return next((index for index, param in enumerate(EVENTS[code].params) if param.name == "data"), -1)


_DATA: Final = tuple(_data_index(event.code) for event in EVENTS)


def _buffer(event: SyscallEvent) -> bytes | None:
    index = _DATA[event.code]
    if index < 0 or index >= len(event.params):
        return None
    raw = event.params[index]
    if event.info.params[index].type is ParamType.DYN:
        return raw[1:]
    return raw


# Result -------------------------------------------------------------------------------------------------------


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
    return event.code in _FILE_CALLS if event.fd is None else event.fd.type in _FILE_TYPES


def _is_about_net(event: SyscallEvent) -> bool:
    return event.code in _NET_CALLS if event.fd is None else event.fd.type in _SOCKET_TYPES


def _is_about_memory(event: SyscallEvent) -> bool:
    return event.info.category == "MEMORY"


def _is_about_else(event: SyscallEvent) -> bool:
    return not (_is_about_file(event) or _is_about_net(event) or _is_about_memory(event))


def _errors_if(is_about: Callable[[SyscallEvent], bool]) -> Getter:
    return lambda event: _error_count(event) if is_about(event) else None


def _exit_count(event: SyscallEvent) -> int | None:
    return None if event.info.is_enter else 1


_PROCINFO: Final = CODES["PROCINFO_E"]


def _procinfo_count(event: SyscallEvent) -> int:
    return int(event.code == _PROCINFO and event.thread is not None and event.thread.is_main)


def _threadinfo_count(event: SyscallEvent) -> int:
    return int(event.code == _PROCINFO)


# Input and output ---------------------------------------------------------------------------------------------


def _reads(event: SyscallEvent) -> bool:
    return EventFlag.READS_FROM_FD in event.info.flags


def _writes(event: SyscallEvent) -> bool:
    return EventFlag.WRITES_TO_FD in event.info.flags


def _direction(event: SyscallEvent) -> str | None:
    if _writes(event):
        return "write"
    return "read" if _reads(event) else None


def _moved(event: SyscallEvent) -> int | None:
    """The result of a call on a descriptor: for those that read or write the bytes that they moved."""
    result = event.result
    if event.fd is None or event.info.category not in _IO or result is None or result < 0:
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


def _is_syslog(event: SyscallEvent) -> bool:
    return _writes(event) and event.fd is not None and "/dev/log" in event.fd.name


# Opening ------------------------------------------------------------------------------------------------------

_O_RDONLY, _O_WRONLY, _O_CREAT, _O_TMPFILE, _O_CREATED = 1, 2, 4, 0x2000, 0x4000
_EXECUTABLE: Final = 0o111
_CREAT: Final = CODES["SYSCALL_CREAT_X"]
_BY_HANDLE: Final = CODES["SYSCALL_OPEN_BY_HANDLE_AT_X"]


def _opens_with(flag: int) -> Getter:
    def read(event: SyscallEvent) -> bool:
        call = OPEN_CALLS.get(event.code)
        return call is not None and call.flags >= 0 and bool(event.number(call.flags) & flag)

    return read


def _opens_executable(event: SyscallEvent) -> bool:
    call = OPEN_CALLS.get(event.code)
    if call is None or call.mode < 0:
        return False
    if event.code != _CREAT and not event.number(call.flags) & (_O_TMPFILE | _O_CREAT):
        return False
    return bool(event.number(call.mode) & _EXECUTABLE)


def _opens_new(event: SyscallEvent) -> bool:
    call = OPEN_CALLS.get(event.code)
    if call is None or call.flags < 0:
        return False
    flags = event.number(call.flags)
    return bool(flags & _O_CREATED) or bool(flags & _O_TMPFILE and not event.failed)


# evt.abspath --------------------------------------------------------------------------------------------------

_ONE_PATH: Final = {
    **{code: (call.dirfd, call.name) for code, call in OPEN_CALLS.items() if call.dirfd >= 0},
    CODES["SYSCALL_UNLINKAT_2_X"]: (1, 2),
    CODES["SYSCALL_MKDIRAT_X"]: (1, 2),
    CODES["SYSCALL_FCHMODAT_X"]: (1, 2),
    CODES["SYSCALL_FCHOWNAT_X"]: (1, 2),
    CODES["SYSCALL_SYMLINKAT_X"]: (2, 3),
}
_TWO_PATHS: Final = {
    CODES["SYSCALL_RENAMEAT_X"]: ((1, 2), (3, 4)),
    CODES["SYSCALL_RENAMEAT2_X"]: ((1, 2), (3, 4)),
    CODES["SYSCALL_LINKAT_2_X"]: ((1, 2), (3, 4)),
}


def _base(event: SyscallEvent, dirfd: int) -> str:
    """What a relative path starts from; unlike elsewhere always with a slash of its own."""
    thread = event.thread
    if thread is None:
        return UNKNOWN + "/"
    if dirfd == AT_FDCWD:
        return thread.directory
    found = thread.table.get(dirfd) if thread.table is not None else None
    return f"{UNKNOWN if found is None else found.name}/"


def _absolute_path(argument: str | None) -> Getter:
    side = 1 if argument is not None and name_of("evt.abspath", argument) == "dst" else 0

    def read(event: SyscallEvent) -> str | None:
        if event.code == _BY_HANDLE:
            return None if event.failed else event.path(3)
        if event.code in _ONE_PATH:
            dirfd, name = _ONE_PATH[event.code]
        elif event.code in _TWO_PATHS:
            dirfd, name = _TWO_PATHS[event.code][side]
        else:
            return None
        path = event.text(name)
        return concat(_base(event, event.number(dirfd, AT_FDCWD)), path)

    return read


BINDERS: Final[dict[str, Binder]] = {
    "evt.latency": constant(0),
    "evt.latency.s": constant(0),
    "evt.latency.ns": constant(0),
    "evt.latency.quantized": constant(0),
    "evt.latency.human": constant("0ns"),
    "evt.wait_latency": constant(0),
    "evt.deltatime": plain(_delta),
    "evt.deltatime.s": plain(lambda event: _delta(event) // _SECOND_NS),
    "evt.deltatime.ns": plain(lambda event: _delta(event) % _SECOND_NS),
    "evt.outputtime": plain(lambda event: str(event.time_ns)),
    "evt.dir": plain(lambda event: ">" if event.info.is_enter else "<"),
    "evt.type": plain(lambda event: event.name),
    "evt.type.is": _type_is,
    "syscall.type": plain(_syscall_type),
    "evt.category": plain(_category),
    "evt.cpu": plain(lambda event: event.cpu),
    "evt.args": plain(show_all),
    "evt.info": plain(show_all),
    "evt.arg": _argument,
    "evt.rawarg": _raw_argument,
    "evt.buffer": plain(_buffer),
    "evt.buflen": plain(_moved),
    "evt.res": plain(_result),
    "evt.rawres": plain(lambda event: event.result),
    "evt.failed": plain(_failed),
    "evt.is_io": plain(lambda event: _reads(event) or _writes(event)),
    "evt.is_io_read": plain(_reads),
    "evt.is_io_write": plain(_writes),
    "evt.io_dir": plain(_direction),
    "evt.is_wait": plain(lambda event: EventFlag.WAITS in event.info.flags),
    "evt.is_syslog": plain(_is_syslog),
    "evt.count": constant(1),
    "evt.count.error": plain(_error_count),
    "evt.count.error.file": plain(_errors_if(_is_about_file)),
    "evt.count.error.net": plain(_errors_if(_is_about_net)),
    "evt.count.error.memory": plain(_errors_if(_is_about_memory)),
    "evt.count.error.other": plain(_errors_if(_is_about_else)),
    "evt.count.exit": plain(_exit_count),
    "evt.count.procinfo": plain(_procinfo_count),
    "evt.count.threadinfo": plain(_threadinfo_count),
    "evt.around": _around,
    "evt.abspath": _absolute_path,
    "evt.buflen.in": plain(_moved_if(reads=True)),
    "evt.buflen.out": plain(_moved_if(reads=False)),
    "evt.buflen.file": plain(_moved_if(net=False)),
    "evt.buflen.file.in": plain(_moved_if(net=False, reads=True)),
    "evt.buflen.file.out": plain(_moved_if(net=False, reads=False)),
    "evt.buflen.net": plain(_moved_if(net=True)),
    "evt.buflen.net.in": plain(_moved_if(net=True, reads=True)),
    "evt.buflen.net.out": plain(_moved_if(net=True, reads=False)),
    "evt.is_open_read": plain(_opens_with(_O_RDONLY)),
    "evt.is_open_write": plain(_opens_with(_O_WRONLY)),
    "evt.is_open_exec": plain(_opens_executable),
    "evt.is_open_create": plain(_opens_new),
    "evt.infra.docker.name": constant(None),
    "evt.infra.docker.container.id": constant(None),
    "evt.infra.docker.container.name": constant(None),
    "evt.infra.docker.container.image": constant(None),
}

SHOWN: Final[dict[str, Binder]] = {"evt.rawarg": _shown_raw_argument}
"""Fields that an output shows differently."""

_META: Final = frozenset({EventSource.METAEVENT, EventSource.PLUGIN})


def _is_async(event: SyscallEvent) -> bool:
    return event.info.source in _META


def _async_name(event: SyscallEvent) -> str | None:
    return event.name if _is_async(event) else None


ENVELOPE: Final[tuple[Field[SyscallEvent], ...]] = (
    Field(
        "evt.is_async",
        plain(_is_async),
        type=FieldType.BOOL,
        doc="Whether the event is no system call but a message, for example about a container.",
        group=GROUP,
    ),
    Field("evt.asynctype", plain(_async_name), doc="Name of such an event, for example container.", group=GROUP),
)
"""Fields of every event of which this source knows more."""
