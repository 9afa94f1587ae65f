"""``proc.p*``, ``proc.a*`` and their like: the processes that one descends from, and the leaders of its groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from falco_syscall.fields.binding import plain
from falco_syscall.fields.proc import args, comm, command_line, environment, exe, exepath, open_count, pid, virtual
from falco_syscall.state.threads import Thread

if TYPE_CHECKING:
    from falco import Value
    from falco_syscall.catalogue.fields import Binder
    from falco_syscall.event import SyscallEvent
    from falco_syscall.fields.binding import Getter
    from falco_syscall.state.threads import ThreadTable

OfThread: TypeAlias = "Callable[[Thread], Any]"


def _parent(read: OfThread) -> Binder:
    """A field of the parent process."""

    def getter(event: SyscallEvent) -> Value | None:
        if event.thread is None:
            return None
        parent = event.machine.threads.parent_of(event.thread)
        return None if parent is None else read(parent)

    return plain(getter)


def _ancestor_at(threads: ThreadTable, thread: Thread, steps: int) -> Thread | None:
    """The main thread of the process *steps* generations up; 0 is the process itself."""
    return next(islice(threads.ancestors(thread), steps - 1, None), None) if steps else thread.main


def _generation(name: str, argument: str) -> int:
    if not argument.isascii() or not argument.isdigit():
        raise ValueError(f"filter_check called with nonexistent field {name}[{argument}]")
    return min(int(argument[:9]), 1 << 20)


def _ancestor(name: str, read: OfThread) -> Binder:
    """A field of one ancestor, or without an argument of each of them."""

    def bind(argument: str | None) -> Getter:
        if argument is None or argument == "-1":
            return _each_ancestor(read)
        steps = _generation(name, argument)

        def getter(event: SyscallEvent) -> Value | None:
            if event.thread is None:
                return None
            ancestor = _ancestor_at(event.machine.threads, event.thread, steps)
            return None if ancestor is None else (read(ancestor),)  # type: ignore[return-value]  # one candidate

        return getter

    return bind


def _each_ancestor(read: OfThread) -> Getter:
    def getter(event: SyscallEvent) -> Any:
        if event.thread is None:
            return None
        values = tuple(read(ancestor) for ancestor in event.machine.threads.ancestors(event.thread))
        return values if any(values) else None

    return getter


def _arguments_of_ancestor(argument: str | None) -> Getter:
    if argument is None:
        return _arguments_of_ancestors
    steps = _generation("proc.aargs", argument)

    def getter(event: SyscallEvent) -> str | None:
        if event.thread is None:
            return None
        ancestor = _ancestor_at(event.machine.threads, event.thread, steps)
        return None if ancestor is None else args(ancestor)

    return getter


def _arguments_of_ancestors(event: SyscallEvent) -> str | None:
    if event.thread is None:
        return None
    joined = ""
    for ancestor in event.machine.threads.ancestors(event.thread):
        joined = f"{joined} {args(ancestor)}" if joined else args(ancestor)
    return joined or None


def _ancestor_variable(argument: str | None) -> Getter:
    if argument is None:
        return _each_ancestor(lambda thread: environment(thread, ""))
    if argument.isascii() and argument.isdigit():
        return _ancestor("proc.aenv", lambda thread: environment(thread, ""))(argument)
    return _each_ancestor_with(argument)


def _each_ancestor_with(name: str) -> Getter:
    def getter(event: SyscallEvent) -> Any:
        if event.thread is None:
            return None
        for ancestor in event.machine.threads.ancestors(event.thread):
            if value := environment(ancestor, name):
                return (value,)
        return ("",)

    return getter


def _parent_duration(event: SyscallEvent) -> int | None:
    """Of a parent whose start nobody saw, as Falco has it: how many descriptors the process itself has open."""
    if event.thread is None:
        return None
    parent = event.machine.threads.parent_of(event.thread)
    if parent is None:
        return None
    return event.time_ns - parent.clone_ns if parent.clone_ns else open_count(event.thread)


def _parent_thread(read: OfThread) -> Binder:
    """A field of the thread that the thread descends from, whichever of its process it is."""

    def getter(event: SyscallEvent) -> Value | None:
        thread = event.thread
        parent = event.machine.threads.get(thread.ptid) if thread is not None else None
        return None if parent is None else read(parent)

    return plain(getter)


# Sessions and process groups ----------------------------------------------------------------------------------


def _leader(number_of: Callable[[Thread], int], *, is_virtual: bool, read: Callable[[Thread], str]) -> Binder:
    """A field of the leader of a session or process group; "" if nobody knows it."""

    def getter(event: SyscallEvent) -> str | None:
        thread = event.thread
        if thread is None:
            return None
        wanted = number_of(thread)
        if wanted < 0:
            return ""
        threads = event.machine.threads
        if not is_virtual or not thread.is_in_pidns:
            leader = threads.get(wanted)
            if leader is not None:
                return read(leader)
        oldest = None
        for ancestor in _chain(threads, thread):
            if number_of(ancestor) != wanted:
                break
            oldest = ancestor
        return "" if oldest is None else read(oldest)

    return plain(getter)


def _chain(threads: ThreadTable, thread: Thread) -> Iterator[Thread]:
    """The threads that the thread descends from, itself not."""
    seen = {thread.tid}
    main = thread.main
    ancestor = threads.get(main.ptid) if main is not None else None
    while ancestor is not None and ancestor.tid not in seen:
        seen.add(ancestor.tid)
        yield ancestor
        ancestor = threads.get(ancestor.ptid)


def _login_shell(event: SyscallEvent) -> int | None:
    if event.thread is None:
        return None
    found = None
    main = event.thread.main
    for thread in (*((main,) if main else ()), *event.machine.threads.ancestors(event.thread)):
        if thread.comm.endswith("sh"):
            found = thread.pid
    return found


def _leaders(prefix: str, number_of: Callable[[Thread], int], *, is_virtual: bool, name: str) -> dict[str, Binder]:
    return {
        name: _leader(number_of, is_virtual=is_virtual, read=comm),
        f"{prefix}.exe": _leader(number_of, is_virtual=is_virtual, read=exe),
        f"{prefix}.exepath": _leader(number_of, is_virtual=is_virtual, read=exepath),
    }


BINDERS: Final[dict[str, Binder]] = {
    "proc.pexe": _parent(exe),
    "proc.aexe": _ancestor("proc.aexe", exe),
    "proc.pexepath": _parent(exepath),
    "proc.aexepath": _ancestor("proc.aexepath", exepath),
    "proc.pname": _parent(comm),
    "proc.aname": _ancestor("proc.aname", comm),
    "proc.aargs": _arguments_of_ancestor,
    "proc.pcmdline": _parent(command_line),
    "proc.acmdline": _ancestor("proc.acmdline", command_line),
    "proc.aenv": _ancestor_variable,
    "proc.loginshellid": plain(_login_shell),
    "proc.ppid": _parent(lambda thread: pid(thread.pid)),
    "proc.apid": _ancestor("proc.apid", lambda thread: thread.pid),
    "proc.pvpid": _parent_thread(lambda thread: virtual(thread.vpid)),
    **_leaders("proc.sid", lambda thread: thread.sid, is_virtual=True, name="proc.sname"),
    **_leaders("proc.vpgid", lambda thread: thread.vpgid, is_virtual=True, name="proc.vpgid.name"),
    **_leaders("proc.pgid", lambda thread: thread.pgid, is_virtual=False, name="proc.pgid.name"),
    "proc.ppid.duration": plain(_parent_duration),
    "proc.ppid.ts": _parent_thread(lambda thread: thread.clone_ns),
}


def _shown_ancestor(name: str, read: OfThread) -> Binder:
    """What an output shows: one ancestor, without an argument the process itself."""

    def bind(argument: str | None) -> Getter:
        steps = 0 if argument is None or argument == "-1" else _generation(name, argument)

        def getter(event: SyscallEvent) -> Value | None:
            if event.thread is None:
                return None
            ancestor = _ancestor_at(event.machine.threads, event.thread, steps)
            value: Value | None = None if ancestor is None else read(ancestor)
            return value

        return getter

    return bind


def _shown_environment(argument: str | None) -> Getter:
    if argument is not None and not (argument.isascii() and argument.isdigit()):
        return _ancestor_variable(argument)
    shown = _shown_ancestor("proc.aenv", lambda thread: environment(thread, ""))(argument)

    def getter(event: SyscallEvent) -> Value | None:
        """As Falco, an empty text for a thread of which only the number is known."""
        return "" if event.thread is not None and not event.thread.is_valid else shown(event)

    return getter


SHOWN: Final[dict[str, Binder]] = {
    "proc.apid": _shown_ancestor("proc.apid", lambda thread: thread.pid),
    "proc.aenv": _shown_environment,
}
"""Fields that an output shows differently."""
