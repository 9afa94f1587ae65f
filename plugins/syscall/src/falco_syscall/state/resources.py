"""Memory, page faults and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falco_syscall.capture.event_table import CODES, VALUE_TABLES

if TYPE_CHECKING:
    from falco_syscall.event import SyscallEvent
    from falco_syscall.state.machine import Handler, Machine

_RLIMIT_NOFILE: Final = dict(VALUE_TABLES["rlimit_resources"].values)["RLIMIT_NOFILE"]


def _memory(_machine: Machine, event: SyscallEvent) -> None:
    """brk, mmap and munmap tell the sizes that they lead to."""
    thread = event.thread
    if thread is not None:
        thread.vmsize_kb = event.number(1)
        thread.vmrss_kb = event.number(2)
        thread.vmswap_kb = event.number(3)


def _switch(_machine: Machine, event: SyscallEvent) -> None:
    thread = event.thread
    if thread is None:
        return
    thread.pfmajor = event.number(1)
    thread.pfminor = event.number(2)
    main = thread.main
    if main is not None:
        main.vmsize_kb = event.number(3)
        main.vmrss_kb = event.number(4)
        main.vmswap_kb = event.number(5)


def _limit(resource: int, value: int) -> Handler:
    """Of the number of descriptors.

    Args:
        resource: Index of the parameter that names the resource.
        value: Index of the parameter that has its current limit.
    """

    def handler(_machine: Machine, event: SyscallEvent) -> None:
        main = event.thread.main if event.thread is not None else None
        limit = event.number(value, -1)
        if not event.failed and main is not None and event.number(resource) == _RLIMIT_NOFILE and limit != -1:
            main.fdlimit = limit

    return handler


def _prlimit(machine: Machine, event: SyscallEvent) -> None:
    """Sets the limit of any process, by its number; 0 is the caller."""
    pid = event.number(5)
    thread = machine.threads.get(pid) if pid > 0 else event.thread
    main = thread.main if thread is not None else None
    limit = event.number(1, -1)
    if not event.failed and main is not None and event.number(6) == _RLIMIT_NOFILE and limit != -1:
        main.fdlimit = limit


HANDLERS: Final[dict[str, Handler]] = {
    "SYSCALL_BRK_4_X": _memory,
    "SYSCALL_MMAP_X": _memory,
    "SYSCALL_MMAP2_X": _memory,
    "SYSCALL_MUNMAP_X": _memory,
    "SCHEDSWITCH_6_E": _switch,
    "SYSCALL_GETRLIMIT_X": _limit(3, 1),
    "SYSCALL_SETRLIMIT_X": _limit(3, 1),
    "SYSCALL_PRLIMIT_X": _prlimit,
}

MEMORY_CODES: Final = frozenset(
    CODES[constant] for constant, handler in HANDLERS.items() if handler in (_memory, _switch)
)
"""Events that tell nothing else than sizes of memory and counts of page faults."""
