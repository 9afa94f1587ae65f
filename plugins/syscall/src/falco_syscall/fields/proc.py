"""``proc.*``: the process of the event; those it descends from are read in ``ancestors``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falco import text_size as size
from falco_syscall.fields.binding import nonzero, of_thread, plain
from falco_syscall.state.descriptors import NAMES
from falco_syscall.state.paths import ABSENT
from falco_syscall.state.threads import EXE_FROM_MEMFD, EXE_LOWER_LAYER, EXE_UPPER_LAYER, EXE_WRITABLE, Thread

if TYPE_CHECKING:
    from falco_syscall.catalogue.fields import Binder
    from falco_syscall.event import SyscallEvent
    from falco_syscall.fields.binding import Getter

_LARGEST_PID: Final = 0xFFFFFFFF


def pid(value: int) -> int | None:
    """A process number; absent where it cannot be one."""
    return value if -1 <= value <= _LARGEST_PID else None


def virtual(value: int) -> int | None:
    """A process number inside a namespace, however large; absent where it is not known."""
    return None if value == -1 else value


def comm(thread: Thread) -> str:
    """Its name, at most 15 bytes in Linux."""
    return thread.comm


def exe(thread: Thread) -> str:
    """What it was started as, argument 0."""
    return thread.exe


def exepath(thread: Thread) -> str:
    """The file that it executes."""
    return thread.exepath


def command_line(thread: Thread) -> str:
    """Name and arguments."""
    return thread.command_line


def args(thread: Thread) -> str:
    """Its arguments without the first."""
    return " ".join(thread.args)


def _one_argument(argument: str | None) -> Getter:
    if argument is None:
        return of_thread(args)(None)
    if not argument.isascii() or not argument.isdigit():
        raise ValueError(f"filter_check called with nonexistent field proc.args[{argument}]")
    index = int(argument[:9])
    return of_thread(lambda thread: thread.args[index] if index < len(thread.args) else "")(None)


def environment(thread: Thread, name: str) -> str:
    """The variable *name*, all of them for ""; "" if it has none of the name."""
    variables = thread.environment
    if not name:
        return " ".join(variables)
    prefix = name + "="
    for variable in variables:
        if variable.startswith(prefix) and len(variable) > len(prefix):
            return variable[len(prefix) :].strip(" ")
    return ""


def _variable(argument: str | None) -> Getter:
    name = "" if argument is None or argument.isdigit() else argument
    return of_thread(lambda thread: environment(thread, name))(None)


def _duration(event: SyscallEvent) -> int | None:
    thread = event.thread
    return event.time_ns - thread.clone_ns if thread is not None and thread.clone_ns else None


def _group_size(*, without_main: bool) -> Binder:
    def read(thread: Thread) -> int:
        group = thread.group
        if group is None:
            return 0
        main_lives = group.main is not None and not group.main.is_dead
        return group.alive - 1 if without_main and main_lives else group.alive

    return of_thread(read)


# Descriptors --------------------------------------------------------------------------------------------------


def open_count(thread: Thread) -> int:
    """How many descriptors its process has open."""
    main = thread.main
    return len(main.descriptors) if main is not None else 0


def _fd_limit(thread: Thread) -> int:
    main = thread.main
    return main.fdlimit if main is not None else 0


def _fd_usage(thread: Thread) -> float:
    limit = _fd_limit(thread)
    return 100.0 * open_count(thread) / limit if limit > 0 else 0.0


def _standard(fd: int, *, name: bool) -> Binder:
    def read(thread: Thread) -> str | None:
        table = thread.table
        descriptor = table.get(fd) if table is not None else None
        if descriptor is None:
            return None
        return descriptor.name if name else NAMES.get(descriptor.type, ABSENT)

    return of_thread(read)


BINDERS: Final[dict[str, Binder]] = {
    "proc.exe": of_thread(exe),
    "proc.exepath": of_thread(exepath),
    "proc.name": of_thread(comm),
    "proc.args": _one_argument,
    "proc.cmdline": of_thread(command_line),
    "proc.cmdnargs": of_thread(lambda thread: len(thread.args)),
    "proc.cmdlenargs": of_thread(lambda thread: sum(map(size, thread.args))),
    "proc.exeline": of_thread(lambda thread: f"{thread.exe} {args(thread)}"),
    "proc.env": _variable,
    "proc.cwd": of_thread(lambda thread: thread.directory),
    "proc.tty": of_thread(lambda thread: thread.tty),
    "proc.pid": of_thread(lambda thread: pid(thread.pid)),
    "proc.vpid": of_thread(lambda thread: virtual(thread.vpid)),
    "proc.sid": of_thread(lambda thread: pid(thread.sid)),
    "proc.vpgid": of_thread(lambda thread: pid(thread.vpgid)),
    "proc.pgid": of_thread(lambda thread: pid(thread.pgid)),
    "proc.duration": plain(_duration),
    "proc.pid.ts": nonzero(lambda thread: thread.clone_ns),
    "proc.is_exe_writable": of_thread(lambda thread: bool(thread.exe_flags & EXE_WRITABLE)),
    "proc.is_exe_upper_layer": of_thread(lambda thread: bool(thread.exe_flags & EXE_UPPER_LAYER)),
    "proc.is_exe_lower_layer": of_thread(lambda thread: bool(thread.exe_flags & EXE_LOWER_LAYER)),
    "proc.is_exe_from_memfd": of_thread(lambda thread: bool(thread.exe_flags & EXE_FROM_MEMFD)),
    "proc.is_sid_leader": of_thread(lambda thread: thread.sid == thread.vpid),
    "proc.is_vpgid_leader": of_thread(lambda thread: thread.vpgid == thread.vpid),
    "proc.is_pgid_leader": of_thread(lambda thread: thread.pgid == thread.pid),
    "proc.exe_ino": nonzero(lambda thread: thread.exe_ino),
    "proc.exe_ino.ctime": nonzero(lambda thread: thread.exe_ctime_ns),
    "proc.exe_ino.mtime": nonzero(lambda thread: thread.exe_mtime_ns),
    "proc.exe_ino.ctime_duration_proc_start": nonzero(lambda thread: thread.ctime_to_clone_ns),
    "proc.exe_ino.ctime_duration_pidns_start": nonzero(lambda thread: thread.pidns_to_ctime_ns),
    "proc.pidns_init_start_ts": nonzero(lambda thread: thread.pidns_start_ns),
    "proc.vmsize": of_thread(lambda thread: thread.vmsize_kb),
    "proc.vmrss": of_thread(lambda thread: thread.vmrss_kb),
    "proc.vmswap": of_thread(lambda thread: thread.vmswap_kb),
    "proc.nthreads": _group_size(without_main=False),
    "proc.nchilds": _group_size(without_main=True),
    "proc.fdopencount": of_thread(open_count),
    "proc.fdlimit": of_thread(_fd_limit),
    "proc.fdusage": of_thread(_fd_usage),
    "proc.stdin.type": _standard(0, name=False),
    "proc.stdout.type": _standard(1, name=False),
    "proc.stderr.type": _standard(2, name=False),
    "proc.stdin.name": _standard(0, name=True),
    "proc.stdout.name": _standard(1, name=True),
    "proc.stderr.name": _standard(2, name=True),
}
