"""``thread.*``: the thread of the event, its capabilities and control groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falco_syscall.capture.event_table import CODES
from falco_syscall.catalogue.arguments import name_of
from falco_syscall.fields.binding import constant, nonzero, of_thread, plain
from falco_syscall.fields.proc import virtual
from falco_syscall.state.credentials import CAPABILITIES

if TYPE_CHECKING:
    from falco_syscall.catalogue.fields import Binder
    from falco_syscall.event import SyscallEvent
    from falco_syscall.fields.binding import Getter
    from falco_syscall.state.threads import Thread

_PROCINFO: Final = CODES["PROCINFO_E"]

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


def _cpu_usage(event: SyscallEvent) -> float | None:
    """Falco measures only live; replaying the reports of CPU times that old captures have, it says 0."""
    return 0.0 if event.code == _PROCINFO and event.thread is not None else None


BINDERS: Final[dict[str, Binder]] = {
    "thread.cap_permitted": of_thread(lambda thread: _capabilities(thread.cap_permitted)),
    "thread.cap_inheritable": of_thread(lambda thread: _capabilities(thread.cap_inheritable)),
    "thread.cap_effective": of_thread(lambda thread: _capabilities(thread.cap_effective)),
    "thread.pfmajor": of_thread(lambda thread: thread.pfmajor),
    "thread.pfminor": of_thread(lambda thread: thread.pfminor),
    "thread.tid": plain(lambda event: event.tid),
    "thread.ismain": of_thread(lambda thread: thread.is_main),
    "thread.vtid": of_thread(lambda thread: virtual(thread.vtid)),
    "thread.nametid": of_thread(lambda thread: f"{thread.comm}{thread.tid}"),
    "thread.exectime": constant(0),
    "thread.totexectime": of_thread(lambda _thread: 0),
    "thread.cgroups": nonzero(lambda thread: " ".join(f"{name}={path}" for name, path in thread.cgroups)),
    "thread.cgroup": _cgroup,
    "thread.cpu": plain(_cpu_usage),
    "thread.cpu.user": plain(_cpu_usage),
    "thread.cpu.system": plain(_cpu_usage),
    "thread.vmsize": of_thread(lambda thread: thread.vmsize_kb if thread.is_main else 0),
    "thread.vmrss": of_thread(lambda thread: thread.vmrss_kb if thread.is_main else 0),
    "thread.vmsize.b": of_thread(lambda thread: thread.vmsize_kb * 1024 if thread.is_main else 0),
    "thread.vmrss.b": of_thread(lambda thread: thread.vmrss_kb * 1024 if thread.is_main else 0),
}
