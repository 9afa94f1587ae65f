"""Descriptors that come neither from files nor from sockets: pipes, events, timers, memory and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falco_syscall.capture import FdType
from falco_syscall.capture.event_table import VALUE_TABLES
from falco_syscall.state.descriptors import CLOEXEC, Descriptor

if TYPE_CHECKING:
    from falco_syscall.event import SyscallEvent
    from falco_syscall.state.machine import Handler, Machine

_NO_FLAGS: Final = -1
_BPF: Final = dict(VALUE_TABLES["bpf_commands"].values)
_BPF_MAKES_FD: Final = frozenset(
    _BPF[name]
    for name in (
        *("BPF_MAP_CREATE", "BPF_PROG_LOAD", "BPF_OBJ_GET", "BPF_PROG_GET_FD_BY_ID", "BPF_MAP_GET_FD_BY_ID"),
        *("BPF_BTF_LOAD", "BPF_BTF_GET_FD_BY_ID", "BPF_RAW_TRACEPOINT_OPEN", "BPF_LINK_CREATE"),
        *("BPF_LINK_GET_FD_BY_ID", "BPF_ENABLE_STATS", "BPF_ITER_CREATE"),
    )
    if name in _BPF
)


def _make(kind: FdType, flags: int = _NO_FLAGS, mask: int = CLOEXEC) -> Handler:
    """A call that returns a descriptor of one type; *flags*: index of the parameter, *mask*: its close-on-exec bit."""

    def handler(machine: Machine, event: SyscallEvent) -> None:
        number = event.number(0, -1)
        if number >= 0:
            closes = flags != _NO_FLAGS and event.number(flags) & mask
            machine.put(event, number, Descriptor(kind, flags=CLOEXEC if closes else 0))

    return handler


def _bpf(machine: Machine, event: SyscallEvent) -> None:
    # Falco takes any result for a descriptor, although most commands return something else.
    number = event.number(0, -1)
    if number >= 0 and (not event.has(1) or event.number(1) in _BPF_MAKES_FD):
        machine.put(event, number, Descriptor(FdType.BPF))


def _pipe(machine: Machine, event: SyscallEvent) -> None:
    if event.failed or event.thread is None:
        return
    pipe = new_pipe(event.number(3), event.number(4))
    for index in (1, 2):
        machine.put(event, event.number(index, -1), pipe)


def new_pipe(ino: int, flags: int) -> Descriptor:
    """The descriptor of an end of a pipe that was just made."""
    return Descriptor(FdType.FIFO, flags=flags & CLOEXEC, ino=ino)


def _memfd(machine: Machine, event: SyscallEvent) -> None:
    number = event.number(0, -1)
    if number >= 0:
        machine.put(event, number, Descriptor(FdType.MEMFD, name=event.text(1), flags=event.number(2)))
    else:
        # As Falco has it: a descriptor of no type, which counts as open until the process ends.
        machine.put(event, number, Descriptor(None))


def _pidfd_open(machine: Machine, event: SyscallEvent) -> None:
    number = event.number(0, -1)
    if number >= 0:
        pid = event.number(1)
        machine.put(event, number, Descriptor(FdType.PIDFD, name=f"/proc/{pid}", pid=pid))


def _pidfd_getfd(machine: Machine, event: SyscallEvent) -> None:
    """Copies a descriptor of another process."""
    number = event.number(0, -1)
    table = event.thread.table if event.thread is not None else None
    pidfd = table.get(event.number(1)) if table is not None else None
    owner = machine.threads.get(pidfd.pid) if pidfd is not None and pidfd.pid >= 0 else None
    others = owner.table if owner is not None else None
    target = others.get(event.number(2)) if others is not None else None
    if number >= 0 and target is not None:
        copied = target.closing_on_exec(on=True)
        machine.put(event, number, copied, name_before=copied.name)


HANDLERS: Final[dict[str, Handler]] = {
    "SYSCALL_PIPE_X": _pipe,
    "SYSCALL_PIPE2_X": _pipe,
    "SYSCALL_EVENTFD_X": _make(FdType.EVENT),
    "SYSCALL_EVENTFD2_X": _make(FdType.EVENT, flags=1, mask=1),
    "SYSCALL_SIGNALFD_X": _make(FdType.SIGNALFD),
    "SYSCALL_SIGNALFD4_X": _make(FdType.SIGNALFD, flags=1, mask=1),
    "SYSCALL_TIMERFD_CREATE_X": _make(FdType.TIMERFD),
    "SYSCALL_INOTIFY_INIT_X": _make(FdType.INOTIFY),
    "SYSCALL_INOTIFY_INIT1_X": _make(FdType.INOTIFY, flags=1, mask=1),
    "SYSCALL_EPOLL_CREATE_X": _make(FdType.EVENTPOLL),
    "SYSCALL_EPOLL_CREATE1_X": _make(FdType.EVENTPOLL, flags=1, mask=1),
    "SYSCALL_USERFAULTFD_X": _make(FdType.USERFAULTFD, flags=1),
    "SYSCALL_IO_URING_SETUP_X": _make(FdType.IO_URING),
    "SYSCALL_BPF_2_X": _bpf,
    "SYSCALL_MEMFD_CREATE_X": _memfd,
    "SYSCALL_PIDFD_OPEN_X": _pidfd_open,
    "SYSCALL_PIDFD_GETFD_X": _pidfd_getfd,
}
