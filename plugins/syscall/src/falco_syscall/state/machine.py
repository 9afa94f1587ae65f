"""Everything that is remembered between events, and how events change it.

An event is first *bound* to its thread and descriptor, then *applied*: the handler of its code, from the module
of its family, changes the state. Rules see the state after the event; only what the event removes (a thread, a
descriptor) is removed when the next one comes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from falco_syscall.capture import FdList, InterfaceList, MachineInfo, ProcessList, Section, UserList
from falco_syscall.capture.event_table import CODES, EVENTS, EventFlag, EventInfo, EventSource
from falco_syscall.state.accounts import Accounts
from falco_syscall.state.addresses import Interfaces
from falco_syscall.state.containers import Containers
from falco_syscall.state.loading import descriptor_of, orient_connections, thread_of
from falco_syscall.state.names import Names
from falco_syscall.state.threads import ThreadTable

if TYPE_CHECKING:
    from falco_syscall.capture import Metadata
    from falco_syscall.event import SyscallEvent
    from falco_syscall.state.descriptors import Descriptor
    from falco_syscall.state.threads import Thread

Handler: TypeAlias = "Callable[[Machine, SyscallEvent], None]"
"""Changes the state as an event of one code says."""

_NO_FD: Final = -1
_MADE: Final = frozenset(
    CODES[name] for name in ("SYSCALL_CLONE_20_X", "SYSCALL_CLONE3_X", "SYSCALL_FORK_20_X", "SYSCALL_VFORK_20_X")
)
_NEVER_NEW: Final = _MADE | {CODES["SCHEDSWITCH_6_E"], CODES["PROCEXIT_1_E"]}
"""Codes of events that do not make an unknown thread known."""
_CALLS: Final = frozenset({EventSource.SYSCALL, EventSource.TRACEPOINT})


def _fd_parameter(event: EventInfo) -> int:
    """The index of the parameter that is the descriptor which an event uses; -1 if there is none."""
    if EventFlag.USES_FD not in event.flags or event.is_enter:
        return -1
    return _FD_PARAMETERS.get(event.name, 1)


_FD_PARAMETERS: Final = {
    **dict.fromkeys(("read", "pread", "bind", "write", "pwrite", "recv", "send", "sendto", "sendmsg"), 2),
    **dict.fromkeys(("sendfile", "splice", "writev", "pwritev", "connect", "symlinkat"), 2),
    **dict.fromkeys(("recvfrom", "readv", "preadv"), 3),
    "recvmsg": 5,
    **dict.fromkeys(("mmap", "mmap2"), 8),
}
FD_INDEX: Final = tuple(map(_fd_parameter, EVENTS))
"""By code: which parameter is the descriptor that an event uses, -1 if none is."""

MAKES_KNOWN: Final = frozenset(
    info.code
    for info in EVENTS
    if info.source in _CALLS and EventFlag.SKIPPARSERESET not in info.flags and info.code not in _NEVER_NEW
)
"""Codes of events that make an unknown thread known."""


class _Way(NamedTuple):
    """How the events of one code are applied.

    Attributes:
        is_note: They change nothing.
        is_call: They belong to a thread.
        makes_known: A thread that nobody has seen is entered for them.
        fd_index: Which parameter is the descriptor that they use, -1 if none is.
    """

    is_note: bool
    is_call: bool
    makes_known: bool
    fd_index: int
    handler: Handler | None

    @classmethod
    def of(cls, info: EventInfo, handler: Handler | None) -> _Way:
        """That of the events that *info* is about."""
        return cls(
            EventFlag.SKIPPARSERESET in info.flags,
            info.source in _CALLS,
            info.code in MAKES_KNOWN,
            FD_INDEX[info.code],
            handler,
        )


class Machine:
    """The state of the machine that a capture is from.

    Attributes:
        info: What the capture says of it; None if it says nothing.
        boot_ns: When it was started, since the epoch; 0 if the capture does not say.
        interfaces: Its network addresses.
        accounts: Users and groups.
        threads: Threads and processes.
        containers: Containers.
        names: Domain names that rules mention; they outlast the sections of a capture.
    """

    def __init__(self, handlers: dict[int, Handler]) -> None:
        self._ways = tuple(_Way.of(info, handlers.get(info.code)) for info in EVENTS)
        self._leaving: list[Callable[[], object]] = []
        self._is_loading = False
        self.names = Names()
        self._lost: Counter[str] = Counter()
        self._begin()

    def _reset(self) -> None:
        self._lost += self._losses()
        self._begin()

    def _begin(self) -> None:
        self.info: MachineInfo | None = None
        self.boot_ns = 0
        self.interfaces = Interfaces()
        self.accounts = Accounts()
        self.threads = ThreadTable()
        self.containers = Containers()
        self.recent_exits = RecentExits()
        self._leaving.clear()

    def counters(self) -> Mapping[str, int]:
        """What was not kept so far, by reason."""
        return self._lost + self._losses() + Counter({"domain names beyond the limit": self.names.refused})

    def _losses(self) -> Counter[str]:
        threads = self.threads
        dropped = threads.dropped_descriptors + sum(thread.descriptors.dropped for thread in threads)
        return Counter(
            {
                "threads beyond the limit": threads.refused,
                "descriptors beyond the limit": dropped,
                "descriptors that forked processes did not get": threads.not_copied,
            }
        )

    def load(self, metadata: Metadata) -> None:
        """Take over what a capture says before its events."""
        match metadata:
            case Section():
                self._reset()
            case MachineInfo(boot_time_ns=boot_ns):
                self.info = metadata
                self.boot_ns = boot_ns
            case InterfaceList(interfaces=interfaces):
                self.interfaces = Interfaces(interfaces)
            case UserList(users=users, groups=groups):
                self.accounts.load(users, groups)
            case ProcessList(processes=processes):
                self._is_loading = True
                for process in processes:
                    self.threads.load(thread_of(process))
            case FdList(tid=tid, fds=fds):
                self._is_loading = True
                thread = self.threads.get(tid)
                if thread is not None:
                    for fd in fds:
                        thread.descriptors.put(fd.fd, descriptor_of(fd))

    def _end_loading(self) -> None:
        self._is_loading = False
        self.threads.link_all()
        orient_connections(self.threads)
        for thread in self.threads:
            thread.container_id = self.containers.find(thread.cgroups)

    def settle(self) -> None:
        """Let go what the last event removed; the next one does it otherwise."""
        for leave in self._leaving:
            leave()
        self._leaving.clear()

    def begin(self) -> None:
        """End the loading of metadata: events follow."""
        if self._is_loading:
            self._end_loading()

    def apply(self, event: SyscallEvent) -> None:
        """Bind *event* to what is known and change the state as it says."""
        if self._is_loading:
            self._end_loading()
        if self._leaving:
            self.settle()
        way = self._ways[event.code]
        if way.is_note:
            event.thread = self.threads.get(event.tid)
            return
        if way.is_call:
            self._bind(event, way)
        if way.handler is not None:
            way.handler(self, event)

    def _bind(self, event: SyscallEvent, way: _Way) -> None:
        event.thread = thread = (self.threads.known_or_new if way.makes_known else self.threads.get)(event.tid)
        if thread is None or way.fd_index < 0:
            return
        event.fd_number = number = event.number(way.fd_index, _NO_FD)
        table = thread.table
        event.fd = fd = table.get(number) if table is not None and number >= 0 else None
        if fd is not None:
            event.name_before = fd.name

    def put(self, event: SyscallEvent, number: int, descriptor: Descriptor, *, name_before: str = "") -> None:
        """Let *number* stand for *descriptor* in the process of *event*, which is about it from now on."""
        table = event.thread.table if event.thread is not None else None
        event.fd_number = number
        if table is not None and table.put(number, descriptor):
            event.fd = descriptor
            event.name_before = name_before

    def change(self, event: SyscallEvent, descriptor: Descriptor) -> None:
        """Let *descriptor* take the place of the known one that *event* is about."""
        if event.thread is not None and (table := event.thread.table) is not None:
            table[event.fd_number] = descriptor
        event.fd = descriptor

    def remove_thread_later(self, thread: Thread, reaper_tid: int) -> None:
        """Forget *thread* when the next event comes."""
        self._leaving.append(partial(self.threads.remove, thread, reaper_tid))

    def remove_descriptor_later(self, thread: Thread, number: int) -> None:
        """Forget a descriptor when the next event comes."""
        table = thread.table
        if table is not None:
            self._leaving.append(partial(table.forget, number))

    def forget_accounts_later(self, container_id: str) -> None:
        """Forget the users of a container when the next event comes."""
        self._leaving.append(partial(self.accounts.forget, container_id))

    def forget_container_later(self, container_id: str) -> None:
        """Forget a container when the next event comes."""
        self._leaving.append(partial(self.containers.remove, container_id))


class RecentExits:
    """The threads that exited last: their parents' clone events may come after their ends."""

    _MOST: Final = 8192
    _KEPT_NS: Final = 2_000_000_000

    def __init__(self) -> None:
        self._times: dict[tuple[int, int], int] = {}

    def add(self, ptid: int, tid: int, time_ns: int) -> None:
        """Note the exit of *tid*, a child of *ptid*."""
        self._times.pop((ptid, tid), None)
        self._times[ptid, tid] = time_ns
        if len(self._times) > self._MOST:
            del self._times[next(iter(self._times))]

    def has(self, ptid: int, tid: int, time_ns: int) -> bool:
        """Whether *tid* exited less than two seconds before."""
        exited_ns = self._times.get((ptid, tid))
        return exited_ns is not None and 0 <= time_ns - exited_ns < self._KEPT_NS
