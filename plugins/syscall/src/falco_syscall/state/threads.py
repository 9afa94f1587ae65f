"""Threads and processes: who there is, who descends from whom, what the threads of a process share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from falco_syscall.state.tables import DescriptorTable
from falco_syscall.state.texts import split

NOBODY: Final = 0xFFFFFFFF
"""The user or group number for "none"."""

MOST_THREADS: Final = 262_144
MOST_COPIES: Final = 1 << 22
"""Descriptors that processes have copied from which on forked ones get none: one event copies thousands of them."""
_THREADS_A_COPY: Final = 100
"""How many threads a copy may count on average."""

# Clone flags in the numbering of captures.
CLONE_FILES: Final = 1 << 0
CLONE_NEWPID: Final = 1 << 6
CLONE_PARENT: Final = 1 << 8
CLONE_THREAD: Final = 1 << 13
CLONE_INVERTED: Final = 1 << 16
"""Set by us: the thread was made from its own event, before its parent's."""
CLONE_VFORK: Final = 1 << 27
CLONE_CHILD_IN_PIDNS: Final = 1 << 29

EXE_WRITABLE, EXE_UPPER_LAYER, EXE_FROM_MEMFD, EXE_LOWER_LAYER = 1, 2, 4, 8
"""Flags of program files, in the numbering of captures."""


@dataclass(slots=True, eq=False)
class ThreadGroup:
    """A process: its threads, the main one first.

    Attributes:
        is_reaper: Orphans below it become its children.
        alive: Threads that have not exited. An exited main thread is kept as long as another one lives: it
            holds what all of them share.
    """

    pid: int
    is_reaper: bool
    alive: int = 0
    members: dict[int, Thread] = field(default_factory=dict)
    main: Thread | None = None


class Thread(msgspec.Struct, eq=False):
    """A thread. What a process shares is read through ``main``: ``cwd``, ``fdlimit``, environment, descriptors.

    Attributes:
        ptid: The parent, which may be any thread of the parent process; 0 if there is none.
        sid: Session, numbered as it was met: by the host or by the PID namespace.
        argument_bytes: ``argv[1:]``, each with a NUL; *environment_bytes*: ``NAME=value``, likewise.
        cgroups: (subsystem, path).
        exe_flags: What is special about the program file: ``EXE_WRITABLE`` and so on.
        flags: Clone flags.
        ctime_to_clone_ns: From the last change of the program file's inode to the start of the process.
        pidns_to_ctime_ns: From the start of the PID namespace to that change, if that was the order.
        clone_ns: When it was made, 0 if it was there before the capture.
        container_id: At most 12 characters, "" for the host.
        descriptors: Its own table: see ``table``.
    """

    tid: int
    pid: int = -1
    ptid: int = -1
    sid: int = -1
    pgid: int = -1
    vpgid: int = -1
    vtid: int = -1
    vpid: int = -1
    comm: str = ""
    exe: str = ""
    exepath: str = ""
    argument_bytes: bytes = b""
    environment_bytes: bytes = b""
    cwd: str = ""
    root: str = ""
    cgroups: tuple[tuple[str, str], ...] = ()
    flags: int = 0
    fdlimit: int = 0
    uid: int = NOBODY
    gid: int = NOBODY
    loginuid: int = NOBODY
    tty: int = 0
    cap_inheritable: int = 0
    cap_permitted: int = 0
    cap_effective: int = 0
    exe_flags: int = 0
    exe_ino: int = 0
    exe_ctime_ns: int = 0
    exe_mtime_ns: int = 0
    ctime_to_clone_ns: int = 0
    pidns_to_ctime_ns: int = 0
    vmsize_kb: int = 0
    vmrss_kb: int = 0
    vmswap_kb: int = 0
    pfmajor: int = 0
    pfminor: int = 0
    pidns_start_ns: int = 0
    clone_ns: int = 0
    exec_ns: int = 0
    container_id: str = ""
    is_dead: bool = False
    group: ThreadGroup | None = None
    children: dict[int, Thread] = msgspec.field(default_factory=dict)
    descriptors: DescriptorTable = msgspec.field(default_factory=DescriptorTable)

    @property
    def is_valid(self) -> bool:
        """Whether more than its number is known."""
        return self.tid >= 0 and self.pid >= 0 and self.ptid >= 0

    @property
    def is_main(self) -> bool:
        """Whether it is the first thread of its process."""
        return self.tid == self.pid

    @property
    def main(self) -> Thread | None:
        """The first thread of its process; None if that is not known."""
        if self.tid == self.pid:
            return self
        return self.group.main if self.group else None

    @property
    def table(self) -> DescriptorTable | None:
        """The descriptors of the process; None if they are those of a main thread that is not known."""
        if not self.flags & CLONE_FILES:
            return self.descriptors
        main = self.main
        return main.descriptors if main else None

    @property
    def directory(self) -> str:
        """The working directory of the process, with a slash at its end; "" if it was never known."""
        main = self.main
        return main.cwd if main else "./"

    @property
    def args(self) -> tuple[str, ...]:
        """``argv[1:]``."""
        return split(self.argument_bytes)

    @property
    def environment(self) -> tuple[str, ...]:
        """The environment of the process, each ``NAME=value``."""
        return split((self.main or self).environment_bytes)

    @property
    def is_in_pidns(self) -> bool:
        """Whether it lives in a PID namespace of its own."""
        return bool(self.flags & CLONE_CHILD_IN_PIDNS) or (self.vtid >= 0 and self.tid != self.vtid)

    @property
    def command_line(self) -> str:
        """``proc.cmdline``."""
        return " ".join((self.comm, *self.args))

    def inherit(self, model: Thread) -> None:
        """Take over what a new thread has from the one it was cloned from."""
        self.exepath = model.exepath
        self.exe_flags = model.exe_flags
        self.root = model.root
        self.sid = model.sid
        self.vpgid = model.vpgid
        self.pgid = model.pgid
        self.tty = model.tty
        self.loginuid = model.loginuid
        self.cap_permitted = model.cap_permitted
        self.cap_inheritable = model.cap_inheritable
        self.cap_effective = model.cap_effective
        self.exe_ino = model.exe_ino
        self.exe_ctime_ns = model.exe_ctime_ns
        self.exe_mtime_ns = model.exe_mtime_ns
        self.ctime_to_clone_ns = model.ctime_to_clone_ns


class ThreadTable:
    """All threads by number, and the processes they form.

    Attributes:
        refused: Threads that were not kept because there are ``limit`` already.
        not_copied: Descriptors that forked processes did not get because there are ``MOST_COPIES`` already.
        dropped_descriptors: What the tables of threads that were taken out had ``dropped``.
        was_seen: Asked for a thread that is not in the table: whether an event of it has come, which nobody looked at.
        was_dropped: Told the number of each thread that is taken out of the table.
    """

    was_seen: Callable[[int], bool] | None = None
    was_dropped: Callable[[int], None] | None = None

    def __init__(self, limit: int = MOST_THREADS) -> None:
        self._threads: dict[int, Thread] = {}
        self._groups: dict[int, ThreadGroup] = {}
        self._limit = limit
        self._copied = 0
        self._copies = 0
        self.refused = 0
        self.not_copied = 0
        self.dropped_descriptors = 0

    def __len__(self) -> int:
        return len(self._threads)

    def __iter__(self) -> Iterator[Thread]:
        return iter(self._threads.values())

    def get(self, tid: int) -> Thread | None:
        """The thread *tid*, None if it is not known."""
        thread = self._threads.get(tid)
        if thread is None and self.was_seen is not None and self.was_seen(tid):
            return self.known_or_new(tid)
        return thread

    def unknown(self, tids: Iterable[int]) -> set[int]:
        """Those of *tids* that are not in the table."""
        return set(tids) - self._threads.keys()

    def known_or_new(self, tid: int) -> Thread | None:
        """The thread *tid*; if nobody has seen it, one of which only the number is known. None if the table is full."""
        thread = self._threads.get(tid)
        if thread is None:
            thread = Thread(tid, comm="<NA>", exe="<NA>")
            return thread if self._store(thread) else None
        return thread

    def add(self, thread: Thread) -> bool:
        """Enter a thread in the table, its process and below its parent; False if the table is full."""
        if not self._store(thread):
            return False
        if thread.descriptors:
            self._limit_copies(thread)
        self.link(thread)
        return True

    def _limit_copies(self, thread: Thread) -> None:
        """Take from a new process what it has copied, if there is too much already."""
        copied = len(thread.descriptors)
        self._copies += 1
        if self._copied + copied > MOST_COPIES and self._copies * _THREADS_A_COPY >= len(self._threads):
            # What was copied may be closed since; that is not followed, because it happens all the time.
            self._copied, self._copies = sum(len(other.descriptors) for other in self) - copied, 0
        if self._copied + copied > MOST_COPIES:
            self.not_copied += copied
            thread.descriptors.entries = {}
        else:
            self._copied += copied

    def load(self, thread: Thread) -> bool:
        """Enter a thread of a process list; it is linked when all are loaded."""
        return self._store(thread)

    def link_all(self) -> None:
        """Link every thread that is in no process yet."""
        for thread in list(self._threads.values()):
            self.link(thread)

    def link(self, thread: Thread) -> None:
        """Enter a valid thread in its process and below its parent."""
        if not thread.is_valid or thread.group is not None:
            return
        group = self._groups.get(thread.pid)
        if group is None:
            group = ThreadGroup(thread.pid, is_reaper=thread.pid == 1 or thread.vpid == 1)
            self._groups[thread.pid] = group
        thread.group = group
        group.alive += 1
        group.members[thread.tid] = thread
        if thread.is_main:
            group.main = thread
        parent = self.get(thread.ptid) if thread.pid != 1 else None
        if parent is None or not parent.is_valid:
            thread.ptid = 0
        else:
            parent.children[thread.tid] = thread

    def revive(self, thread: Thread) -> None:
        """Undo ``kill``: an exited main thread whose process goes on by exec."""
        if thread.is_dead and thread.group is not None:
            thread.is_dead = False
            thread.group.alive += 1

    def kill(self, thread: Thread) -> None:
        """Count a thread as exited; it stays in the table until it is removed."""
        if not thread.is_dead and thread.group is not None:
            thread.is_dead = True
            thread.group.alive -= 1

    def remove(self, thread: Thread, reaper_tid: int = -1) -> None:
        """Forget an exited thread; its children go to the reaper.

        Args:
            thread: A thread of this table.
            reaper_tid: Who gets its children, if the kernel told; else 0 or less.
        """
        group = thread.group
        if group is None or not thread.is_valid:
            self._drop(thread)
            return
        self.kill(thread)
        if thread.children:
            self._hand_over(thread, reaper_tid)
        if thread is not group.main:
            group.members.pop(thread.tid, None)
            self._drop(thread)
        if group.alive <= 0:
            if self._groups.get(group.pid) is group:
                del self._groups[group.pid]
            if group.main is not None:
                self._drop(group.main)

    def parent_of(self, thread: Thread) -> Thread | None:
        """The main thread of the parent process; None if it, or the thread's own process, is not known."""
        main = thread.main
        parent = self.get(main.ptid) if main else None
        return parent.main if parent else None

    def ancestors(self, thread: Thread) -> Iterator[Thread]:
        """The main threads of the parent process, of its parent and so on. Ends at a loop."""
        seen = {id(thread.main)}
        ancestor = self.parent_of(thread)
        while ancestor is not None and id(ancestor) not in seen:
            seen.add(id(ancestor))
            yield ancestor
            ancestor = self.parent_of(ancestor)

    def _store(self, thread: Thread) -> bool:
        if len(self._threads) >= self._limit and thread.tid not in self._threads:
            self.refused += 1
            return False
        self._threads[thread.tid] = thread
        return True

    def _drop(self, thread: Thread) -> None:
        if self._threads.get(thread.tid) is thread:
            del self._threads[thread.tid]
            self.dropped_descriptors += thread.descriptors.dropped
            thread.descriptors.dropped = 0
            if self.was_dropped is not None:
                self.was_dropped(thread.tid)
        parent = self.get(thread.ptid)
        if parent is not None and parent.children.get(thread.tid) is thread:
            del parent.children[thread.tid]

    def _hand_over(self, thread: Thread, reaper_tid: int) -> None:
        reaper = self.known_or_new(reaper_tid) if reaper_tid > 0 else None
        if reaper is None or not reaper.is_valid:
            reaper = self._find_reaper(thread)
        if reaper is not None and reaper.pid != thread.pid and reaper.group is not None:
            reaper.group.is_reaper = True
        for child in thread.children.values():
            child.ptid = reaper.tid if reaper else 0
            if reaper is not None:
                reaper.children[child.tid] = child
        thread.children = {}

    def _find_reaper(self, thread: Thread) -> Thread | None:
        """Another thread of the process, else the nearest reaper among the ancestors in the same PID namespace."""
        if thread.group is not None and (heir := _alive(thread.group, besides=thread)) is not None:
            return heir
        seen = {thread.tid}
        ancestor = self.get(thread.ptid)
        while ancestor is not None and ancestor.tid not in seen and ancestor.is_in_pidns == thread.is_in_pidns:
            group = ancestor.group
            if group is not None and group.is_reaper and (heir := _alive(group, besides=thread)) is not None:
                return heir
            seen.add(ancestor.tid)
            ancestor = self.get(ancestor.ptid)
        return None


def _alive(group: ThreadGroup, besides: Thread) -> Thread | None:
    first = [group.main] if group.main else []
    for member in (*first, *group.members.values()):
        if not member.is_dead and member is not besides:
            return member
    return None
