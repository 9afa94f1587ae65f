"""``proc.*`` and ``thread.*``: the thread of the event, its process and their ancestors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from falco import text_size as size
from falco_syscall.capture.event_table import CODES
from falco_syscall.catalogue.arguments import name_of
from falco_syscall.fields.binding import constant, of_thread, plain
from falco_syscall.state.credentials import CAPABILITIES
from falco_syscall.state.descriptors import NAMES
from falco_syscall.state.paths import ABSENT
from falco_syscall.state.threads import EXE_FROM_MEMFD, EXE_LOWER_LAYER, EXE_UPPER_LAYER, EXE_WRITABLE, Thread

if TYPE_CHECKING:
    from falco import Value
    from falco_syscall.catalogue.fields import Binder
    from falco_syscall.event import SyscallEvent
    from falco_syscall.fields.binding import Getter
    from falco_syscall.state.threads import ThreadTable

OfThread: TypeAlias = "Callable[[Thread], Any]"
_LARGEST_PID: Final = 0xFFFFFFFF
_PROCINFO: Final = CODES["PROCINFO_E"]


def _pid(value: int) -> int | None:
    return value if -1 <= value <= _LARGEST_PID else None


def _virtual(value: int) -> int | None:
    return None if value == -1 else _pid(value)


def _comm(thread: Thread) -> str:
    return thread.comm


def _exe(thread: Thread) -> str:
    return thread.exe


def _exepath(thread: Thread) -> str:
    return thread.exepath


def _command_line(thread: Thread) -> str:
    return thread.command_line


def _args(thread: Thread) -> str:
    return " ".join(thread.args)


# Ancestors ----------------------------------------------------------------------------------------------------


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
        return None if ancestor is None else _args(ancestor)

    return getter


def _arguments_of_ancestors(event: SyscallEvent) -> str | None:
    if event.thread is None:
        return None
    joined = ""
    for ancestor in event.machine.threads.ancestors(event.thread):
        joined = f"{joined} {_args(ancestor)}" if joined else _args(ancestor)
    return joined or None


def _one_argument(argument: str | None) -> Getter:
    if argument is None:
        return of_thread(_args)(None)
    if not argument.isascii() or not argument.isdigit():
        raise ValueError(f"filter_check called with nonexistent field proc.args[{argument}]")
    index = int(argument[:9])
    return of_thread(lambda thread: thread.args[index] if index < len(thread.args) else "")(None)


# Environment --------------------------------------------------------------------------------------------------


def _environment(thread: Thread, name: str) -> str:
    environment = thread.environment
    if not name:
        return " ".join(environment)
    prefix = name + "="
    for variable in environment:
        if variable.startswith(prefix) and len(variable) > len(prefix):
            return variable[len(prefix) :].strip(" ")
    return ""


def _variable(argument: str | None) -> Getter:
    name = "" if argument is None or argument.isdigit() else argument
    return of_thread(lambda thread: _environment(thread, name))(None)


def _ancestor_variable(argument: str | None) -> Getter:
    if argument is None:
        return _each_ancestor(lambda thread: _environment(thread, ""))
    if argument.isascii() and argument.isdigit():
        return _ancestor("proc.aenv", lambda thread: _environment(thread, ""))(argument)
    return _each_ancestor_with(argument)


def _each_ancestor_with(name: str) -> Getter:
    def getter(event: SyscallEvent) -> Any:
        if event.thread is None:
            return None
        for ancestor in event.machine.threads.ancestors(event.thread):
            if value := _environment(ancestor, name):
                return (value,)
        return ("",)

    return getter


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


# Times --------------------------------------------------------------------------------------------------------


def _duration(event: SyscallEvent) -> int | None:
    thread = event.thread
    return event.time_ns - thread.clone_ns if thread is not None and thread.clone_ns else None


def _parent_duration(event: SyscallEvent) -> int | None:
    if event.thread is None:
        return None
    parent = event.machine.threads.parent_of(event.thread)
    return event.time_ns - parent.clone_ns if parent is not None and parent.clone_ns else None


def _parent_thread(read: OfThread) -> Binder:
    """A field of the thread that the thread descends from, whichever of its process it is."""

    def getter(event: SyscallEvent) -> Value | None:
        thread = event.thread
        parent = event.machine.threads.get(thread.ptid) if thread is not None else None
        return None if parent is None else read(parent)

    return plain(getter)


# Descriptors --------------------------------------------------------------------------------------------------


def _open_count(thread: Thread) -> int:
    main = thread.main
    return len(main.descriptors) if main is not None else 0


def _fd_limit(thread: Thread) -> int:
    main = thread.main
    return main.fdlimit if main is not None else 0


def _fd_usage(thread: Thread) -> float:
    limit = _fd_limit(thread)
    return 100.0 * _open_count(thread) / limit if limit > 0 else 0.0


def _standard(fd: int, *, name: bool) -> Binder:
    def read(thread: Thread) -> str | None:
        table = thread.table
        descriptor = table.get(fd) if table is not None else None
        if descriptor is None:
            return None
        return descriptor.name if name else NAMES.get(descriptor.type, ABSENT)

    return of_thread(read)


# Capabilities, control groups ---------------------------------------------------------------------------------

_CAPABILITIES: Final = (
    *("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL"),
    *("CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE"),
    *("CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE"),
    *("CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT"),
    *("CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE"),
    *("CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG"),
    *("CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF"),
    "CAP_CHECKPOINT_RESTORE",
)


def _capabilities(bits: int) -> str:
    return " ".join(_CAPABILITIES[bit] for bit in range(CAPABILITIES) if bits >> bit & 1)


def _cgroup(argument: str | None) -> Getter:
    subsystem = name_of("thread.cgroup", argument)

    def read(thread: Thread) -> str | None:
        return next((path for name, path in thread.cgroups if name == subsystem), None)

    return of_thread(read)(None)


def _group_size(*, without_main: bool) -> Binder:
    def read(thread: Thread) -> int:
        group = thread.group
        if group is None:
            return 0
        main_lives = group.main is not None and not group.main.is_dead
        return group.alive - 1 if without_main and main_lives else group.alive

    return of_thread(read)


def _cpu_usage(event: SyscallEvent) -> float | None:
    """Falco measures only live; replaying the reports of CPU times that old captures have, it says 0."""
    return 0.0 if event.code == _PROCINFO and event.thread is not None else None


def _nonzero(read: OfThread) -> Binder:
    return of_thread(lambda thread: read(thread) or None)


def _leaders(prefix: str, number_of: Callable[[Thread], int], *, is_virtual: bool, name: str) -> dict[str, Binder]:
    return {
        name: _leader(number_of, is_virtual=is_virtual, read=_comm),
        f"{prefix}.exe": _leader(number_of, is_virtual=is_virtual, read=_exe),
        f"{prefix}.exepath": _leader(number_of, is_virtual=is_virtual, read=_exepath),
    }


BINDERS: Final[dict[str, Binder]] = {
    "proc.exe": of_thread(_exe),
    "proc.pexe": _parent(_exe),
    "proc.aexe": _ancestor("proc.aexe", _exe),
    "proc.exepath": of_thread(_exepath),
    "proc.pexepath": _parent(_exepath),
    "proc.aexepath": _ancestor("proc.aexepath", _exepath),
    "proc.name": of_thread(_comm),
    "proc.pname": _parent(_comm),
    "proc.aname": _ancestor("proc.aname", _comm),
    "proc.args": _one_argument,
    "proc.aargs": _arguments_of_ancestor,
    "proc.cmdline": of_thread(_command_line),
    "proc.pcmdline": _parent(_command_line),
    "proc.acmdline": _ancestor("proc.acmdline", _command_line),
    "proc.cmdnargs": of_thread(lambda thread: len(thread.args)),
    "proc.cmdlenargs": of_thread(lambda thread: sum(map(size, thread.args))),
    "proc.exeline": of_thread(lambda thread: f"{thread.exe} {_args(thread)}"),
    "proc.env": _variable,
    "proc.aenv": _ancestor_variable,
    "proc.cwd": of_thread(lambda thread: thread.directory),
    "proc.loginshellid": plain(_login_shell),
    "proc.tty": of_thread(lambda thread: thread.tty),
    "proc.pid": of_thread(lambda thread: _pid(thread.pid)),
    "proc.ppid": _parent(lambda thread: _pid(thread.pid)),
    "proc.apid": _ancestor("proc.apid", lambda thread: thread.pid),
    "proc.vpid": of_thread(lambda thread: _virtual(thread.vpid)),
    "proc.pvpid": _parent_thread(lambda thread: _virtual(thread.vpid)),
    "proc.sid": of_thread(lambda thread: _pid(thread.sid)),
    **_leaders("proc.sid", lambda thread: thread.sid, is_virtual=True, name="proc.sname"),
    "proc.vpgid": of_thread(lambda thread: _pid(thread.vpgid)),
    **_leaders("proc.vpgid", lambda thread: thread.vpgid, is_virtual=True, name="proc.vpgid.name"),
    "proc.pgid": of_thread(lambda thread: _pid(thread.pgid)),
    **_leaders("proc.pgid", lambda thread: thread.pgid, is_virtual=False, name="proc.pgid.name"),
    "proc.duration": plain(_duration),
    "proc.ppid.duration": plain(_parent_duration),
    "proc.pid.ts": _nonzero(lambda thread: thread.clone_ns),
    "proc.ppid.ts": _parent_thread(lambda thread: thread.clone_ns),
    "proc.is_exe_writable": of_thread(lambda thread: bool(thread.exe_flags & EXE_WRITABLE)),
    "proc.is_exe_upper_layer": of_thread(lambda thread: bool(thread.exe_flags & EXE_UPPER_LAYER)),
    "proc.is_exe_lower_layer": of_thread(lambda thread: bool(thread.exe_flags & EXE_LOWER_LAYER)),
    "proc.is_exe_from_memfd": of_thread(lambda thread: bool(thread.exe_flags & EXE_FROM_MEMFD)),
    "proc.is_sid_leader": of_thread(lambda thread: thread.sid == thread.vpid),
    "proc.is_vpgid_leader": of_thread(lambda thread: thread.vpgid == thread.vpid),
    "proc.is_pgid_leader": of_thread(lambda thread: thread.pgid == thread.pid),
    "proc.exe_ino": _nonzero(lambda thread: thread.exe_ino),
    "proc.exe_ino.ctime": _nonzero(lambda thread: thread.exe_ctime_ns),
    "proc.exe_ino.mtime": _nonzero(lambda thread: thread.exe_mtime_ns),
    "proc.exe_ino.ctime_duration_proc_start": _nonzero(lambda thread: thread.ctime_to_clone_ns),
    "proc.exe_ino.ctime_duration_pidns_start": _nonzero(lambda thread: thread.pidns_to_ctime_ns),
    "proc.pidns_init_start_ts": _nonzero(lambda thread: thread.pidns_start_ns),
    "thread.cap_permitted": of_thread(lambda thread: _capabilities(thread.cap_permitted)),
    "thread.cap_inheritable": of_thread(lambda thread: _capabilities(thread.cap_inheritable)),
    "thread.cap_effective": of_thread(lambda thread: _capabilities(thread.cap_effective)),
    "proc.fdopencount": of_thread(_open_count),
    "proc.fdlimit": of_thread(_fd_limit),
    "proc.fdusage": of_thread(_fd_usage),
    "proc.vmsize": of_thread(lambda thread: thread.vmsize_kb),
    "proc.vmrss": of_thread(lambda thread: thread.vmrss_kb),
    "proc.vmswap": of_thread(lambda thread: thread.vmswap_kb),
    "thread.pfmajor": of_thread(lambda thread: thread.pfmajor),
    "thread.pfminor": of_thread(lambda thread: thread.pfminor),
    "thread.tid": plain(lambda event: event.tid),
    "thread.ismain": of_thread(lambda thread: thread.is_main),
    "thread.vtid": of_thread(lambda thread: _virtual(thread.vtid)),
    "thread.nametid": of_thread(lambda thread: f"{thread.comm}{thread.tid}"),
    "thread.exectime": constant(0),
    "thread.totexectime": of_thread(lambda _thread: 0),
    "thread.cgroups": _nonzero(lambda thread: " ".join(f"{name}={path}" for name, path in thread.cgroups)),
    "thread.cgroup": _cgroup,
    "proc.nthreads": _group_size(without_main=False),
    "proc.nchilds": _group_size(without_main=True),
    "thread.cpu": plain(_cpu_usage),
    "thread.cpu.user": plain(_cpu_usage),
    "thread.cpu.system": plain(_cpu_usage),
    "thread.vmsize": of_thread(lambda thread: thread.vmsize_kb if thread.is_main else 0),
    "thread.vmrss": of_thread(lambda thread: thread.vmrss_kb if thread.is_main else 0),
    "thread.vmsize.b": of_thread(lambda thread: thread.vmsize_kb * 1024 if thread.is_main else 0),
    "thread.vmrss.b": of_thread(lambda thread: thread.vmrss_kb * 1024 if thread.is_main else 0),
    "proc.stdin.type": _standard(0, name=False),
    "proc.stdout.type": _standard(1, name=False),
    "proc.stderr.type": _standard(2, name=False),
    "proc.stdin.name": _standard(0, name=True),
    "proc.stdout.name": _standard(1, name=True),
    "proc.stderr.name": _standard(2, name=True),
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
    if argument is None or (argument.isascii() and argument.isdigit()):
        return _shown_ancestor("proc.aenv", lambda thread: _environment(thread, ""))(argument)
    return _ancestor_variable(argument)


SHOWN: Final[dict[str, Binder]] = {
    "proc.apid": _shown_ancestor("proc.apid", lambda thread: thread.pid),
    "proc.aenv": _shown_environment,
}
"""Fields that an output shows differently."""
