"""``evt.is_open_*`` and ``evt.abspath``: what a call opens or changes below a directory, and with which flags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falco_syscall.capture.event_table import CODES
from falco_syscall.catalogue.arguments import name_of
from falco_syscall.fields.binding import plain
from falco_syscall.state.opening import OPEN_CALLS
from falco_syscall.state.paths import AT_FDCWD, UNKNOWN, concat

if TYPE_CHECKING:
    from falco_syscall.catalogue.fields import Binder
    from falco_syscall.event import SyscallEvent
    from falco_syscall.fields.binding import Getter

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
            return None if event.failed else concat("", event.path(3))
        if event.code in _ONE_PATH:
            dirfd, name = _ONE_PATH[event.code]
        elif event.code in _TWO_PATHS:
            dirfd, name = _TWO_PATHS[event.code][side]
        else:
            return None
        return concat(_base(event, event.number(dirfd, AT_FDCWD)), event.path(name))

    return read


BINDERS: Final[dict[str, Binder]] = {
    "evt.abspath": _absolute_path,
    "evt.is_open_read": plain(_opens_with(_O_RDONLY)),
    "evt.is_open_write": plain(_opens_with(_O_WRONLY)),
    "evt.is_open_exec": plain(_opens_executable),
    "evt.is_open_create": plain(_opens_new),
}
