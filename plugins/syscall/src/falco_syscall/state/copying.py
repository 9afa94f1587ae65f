"""Descriptors that are closed, copied, or told to close on exec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falco_syscall.capture.event_table import CODES, VALUE_TABLES
from falco_syscall.state.descriptors import CLOEXEC

if TYPE_CHECKING:
    from falco_syscall.event import SyscallEvent
    from falco_syscall.state.machine import Handler, Machine

_FCNTL: Final = dict(VALUE_TABLES["fcntl_commands"].values)
F_DUPFD: Final = _FCNTL["F_DUPFD"]
F_DUPFD_CLOEXEC: Final = _FCNTL["F_DUPFD_CLOEXEC"]
F_SETFD: Final = _FCNTL["F_SETFD"]
_DUP3: Final = CODES["SYSCALL_DUP3_X"]
_FD_CLOEXEC: Final = 1
_CLOSE_RANGE_CLOEXEC: Final = dict(VALUE_TABLES["close_range_flags"].values)["CLOSE_RANGE_CLOEXEC"]


def _close(machine: Machine, event: SyscallEvent) -> None:
    if not event.failed and event.fd is not None and event.thread is not None:
        machine.remove_descriptor_later(event.thread, event.fd_number)


def _copy(machine: Machine, event: SyscallEvent, *, closes_on_exec: bool) -> None:
    number = event.result
    if event.fd is None or number is None or number < 0:
        return
    copied = event.fd.closing_on_exec(on=closes_on_exec)
    machine.put(event, number, copied, name_before=copied.name)


def _dup(machine: Machine, event: SyscallEvent) -> None:
    _copy(machine, event, closes_on_exec=event.code == _DUP3 and bool(event.number(3) & CLOEXEC))


def _fcntl(machine: Machine, event: SyscallEvent) -> None:
    command = event.number(2)
    if command in {F_DUPFD, F_DUPFD_CLOEXEC}:
        _copy(machine, event, closes_on_exec=command == F_DUPFD_CLOEXEC)
    elif command == F_SETFD and event.fd is not None and not event.failed:
        machine.change(event, event.fd.closing_on_exec(on=bool(event.number(3) & _FD_CLOEXEC)))


def _close_range(_machine: Machine, event: SyscallEvent) -> None:
    table = event.thread.table if event.thread is not None else None
    if event.failed or table is None:
        return
    first, last = event.number(1), event.number(2)
    for number in [number for number in table if first <= number <= last]:
        if event.number(3) & _CLOSE_RANGE_CLOEXEC:
            table[number] = table[number].closing_on_exec(on=True)
        else:
            del table[number]


HANDLERS: Final[dict[str, Handler]] = {
    "SYSCALL_CLOSE_X": _close,
    "SYSCALL_DUP_1_X": _dup,
    "SYSCALL_DUP2_X": _dup,
    "SYSCALL_DUP3_X": _dup,
    "SYSCALL_FCNTL_X": _fcntl,
    "SYSCALL_CLOSE_RANGE_X": _close_range,
}
