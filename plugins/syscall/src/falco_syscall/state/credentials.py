"""Users, groups, sessions and capabilities of threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falco_syscall.capture.event_table import VALUE_TABLES
from falco_syscall.state.threads import NOBODY

if TYPE_CHECKING:
    from falco_syscall.event import SyscallEvent
    from falco_syscall.state.machine import Handler, Machine

CAPABILITIES: Final = 41
ALL_CAPABILITIES: Final = (1 << CAPABILITIES) - 1
_CLONE_NEWUSER: Final = dict(VALUE_TABLES["clone_flags"].values)["CLONE_NEWUSER"]


def _set_uid(index: int) -> Handler:
    def handler(_machine: Machine, event: SyscallEvent) -> None:
        uid = event.number(index, NOBODY)
        if event.result == 0 and event.thread is not None and uid != NOBODY:  # -1: stays as it is
            event.thread.uid = uid

    return handler


def _set_gid(index: int) -> Handler:
    def handler(_machine: Machine, event: SyscallEvent) -> None:
        gid = event.number(index, NOBODY)
        if event.result == 0 and event.thread is not None and gid != NOBODY:
            event.thread.gid = gid

    return handler


def _setsid(_machine: Machine, event: SyscallEvent) -> None:
    result = event.result
    if result is not None and result >= 0 and event.thread is not None:
        event.thread.sid = result


def _capset(_machine: Machine, event: SyscallEvent) -> None:
    thread = event.thread
    if not event.failed and thread is not None:
        thread.cap_inheritable = event.number(1)
        thread.cap_permitted = event.number(2)
        thread.cap_effective = event.number(3)


def _enter_user_namespace(index: int) -> Handler:
    """Who enters a user namespace has all capabilities there."""

    def handler(_machine: Machine, event: SyscallEvent) -> None:
        thread = event.thread
        if not event.failed and thread is not None and event.number(index) & _CLONE_NEWUSER:
            thread.cap_inheritable = thread.cap_permitted = thread.cap_effective = ALL_CAPABILITIES

    return handler


HANDLERS: Final[dict[str, Handler]] = {
    "SYSCALL_SETUID_X": _set_uid(1),
    "SYSCALL_SETRESUID_X": _set_uid(2),
    "SYSCALL_SETREUID_X": _set_uid(2),
    "SYSCALL_SETGID_X": _set_gid(1),
    "SYSCALL_SETRESGID_X": _set_gid(2),
    "SYSCALL_SETREGID_X": _set_gid(2),
    "SYSCALL_SETSID_X": _setsid,
    "SYSCALL_CAPSET_X": _capset,
    "SYSCALL_UNSHARE_X": _enter_user_namespace(1),
    "SYSCALL_SETNS_X": _enter_user_namespace(2),
}
