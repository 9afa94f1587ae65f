"""Processes: clone, fork, vfork, clone3, exec, exit, and who adopts orphans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falco_syscall.capture.event_table import CODES
from falco_syscall.state.paths import ABSENT, concat
from falco_syscall.state.texts import split_cgroups
from falco_syscall.state.threads import (
    CLONE_CHILD_IN_PIDNS,
    CLONE_FILES,
    CLONE_INVERTED,
    CLONE_NEWPID,
    CLONE_PARENT,
    CLONE_THREAD,
    CLONE_VFORK,
    Thread,
)

if TYPE_CHECKING:
    from falco_syscall.event import SyscallEvent
    from falco_syscall.state.machine import Handler, Machine

_EXECVE_ENTER: Final = CODES["SYSCALL_EXECVE_19_E"]
_VFORK: Final = CODES["SYSCALL_VFORK_20_X"]
_ONLY_THE_CHILD_KNOWS: Final = CLONE_CHILD_IN_PIDNS | CLONE_NEWPID | CLONE_PARENT
_STALE_NS: Final = 2_000_000_000
_DELETED: Final = " (deleted)"
_U64: Final = (1 << 64) - 1

# Parameters that clone and exec events share.
_EXE, _ARGS, _TID, _PID, _PTID, _FDLIMIT, _COMM, _CGROUPS = 1, 2, 3, 4, 5, 7, 13, 14
_CLONE_FLAGS, _CLONE_UID, _CLONE_GID, _VTID, _VPID, _PIDNS_START = 15, 16, 17, 18, 19, 20


def _clone(machine: Machine, event: SyscallEvent) -> None:
    """The call returns twice: in the caller with the child's number, in the child with 0. The order varies."""
    result = event.result
    if result is None or result < 0:
        return
    if result:
        _clone_seen_by_caller(machine, event, result)
    else:
        _clone_seen_by_child(machine, event)
    _join_container(machine, event)


def _clone_seen_by_caller(machine: Machine, event: SyscallEvent, tid: int) -> None:
    caller = machine.threads.known_or_new(event.tid)
    event.thread = caller
    if caller is None:
        return
    was_known = caller.is_valid
    if not was_known:
        caller.pid = event.number(_PID)
        caller.ptid = event.number(_PTID)
        caller.vtid = event.number(_VTID, caller.tid)
        caller.vpid = event.number(_VPID, -1)
        machine.threads.link(caller)
    flags, uid, gid = event.numbers(_CLONE_FLAGS, (0, 0, 0))
    if flags & _ONLY_THE_CHILD_KNOWS or caller.tid != caller.vtid:
        return  # the number is that of another PID namespace, or the caller is not the parent
    if flags & CLONE_VFORK or event.code == _VFORK:
        return  # the child has run meanwhile, and told itself
    if machine.recent_exits.has(caller.tid, tid, event.time_ns):
        return
    stale = machine.threads.get(tid)
    if stale is not None:
        if stale.flags & CLONE_INVERTED:
            return
        machine.threads.remove(stale)
    is_leader = not flags & CLONE_THREAD
    child = Thread(
        tid,
        pid=tid if is_leader else caller.pid,
        ptid=caller.tid if is_leader else caller.ptid,
        flags=flags if is_leader else flags | CLONE_FILES,
        vtid=tid,
        vpid=tid if is_leader else caller.pid,
    )
    if was_known:
        _inherit(child, caller, is_leader=is_leader)
    else:
        _describe(caller, event)
    child.exec_ns = caller.exec_ns if not is_leader else 0
    _born(child, event, uid, gid)
    machine.threads.add(child)


def _clone_seen_by_child(machine: Machine, event: SyscallEvent) -> None:
    known = event.thread or machine.threads.get(event.tid)
    if known is not None:
        event.thread = known
        if known.clone_ns and event.time_ns - known.clone_ns < _STALE_NS:
            return  # the caller's event came first
        machine.threads.remove(known)
    flags, uid, gid, vtid, vpid = event.numbers(_CLONE_FLAGS, (0, 0, 0, event.tid, -1))
    flags |= CLONE_INVERTED
    is_leader = not flags & CLONE_THREAD
    child = Thread(
        event.tid,
        pid=event.number(_PID),
        ptid=event.number(_PTID),
        flags=flags if is_leader else flags | CLONE_FILES,
        vtid=vtid,
        vpid=vpid,
    )
    model = machine.threads.known_or_new(child.ptid if is_leader else child.pid)
    if model is None:
        event.thread = None
        return
    if model.is_valid:
        _inherit(child, model, is_leader=is_leader)
        child.exec_ns = model.exec_ns if not is_leader else 0
    elif not is_leader:
        model.pid, model.ptid = child.pid, child.ptid
        model.vpid = model.vtid = child.vpid
        _describe(model, event)
        machine.threads.link(model)
    _born(child, event, uid, gid)
    if child.is_in_pidns or flags & CLONE_NEWPID:
        child.pidns_start_ns = event.number(_PIDNS_START)
    event.thread = child if machine.threads.add(child) else None


def _inherit(child: Thread, model: Thread, *, is_leader: bool) -> None:
    child.inherit(model)
    if is_leader:
        child.cwd = model.directory
        child.environment_bytes = (model.main or model).environment_bytes
        table = model.table
        if table is not None:
            child.descriptors.copy_from(table)


def _born(child: Thread, event: SyscallEvent, uid: int, gid: int) -> None:
    _describe(child, event)
    _take_resources(child, event)
    child.clone_ns = event.time_ns
    child.uid = uid
    child.gid = gid


def _describe(thread: Thread, event: SyscallEvent) -> None:
    thread.exe = event.path(_EXE)
    thread.comm = event.path(_COMM) if event.has(_COMM) else thread.exe
    thread.argument_bytes = event.raw(_ARGS)


def _take_resources(thread: Thread, event: SyscallEvent) -> None:
    (
        thread.fdlimit,
        thread.pfmajor,
        thread.pfminor,
        thread.vmsize_kb,
        thread.vmrss_kb,
        thread.vmswap_kb,
    ) = event.numbers(_FDLIMIT, (0, 0, 0, 0, 0, 0))
    cgroups = split_cgroups(event.raw(_CGROUPS))
    if cgroups:
        thread.cgroups = cgroups


def _join_container(machine: Machine, event: SyscallEvent) -> None:
    """Look again which container the event's thread is in."""
    if event.thread is not None:
        event.thread.container_id = machine.containers.find(event.thread.cgroups)


def _exec(machine: Machine, event: SyscallEvent) -> None:
    """A successful exec; a failed one changes nothing."""
    thread = event.thread
    result = event.result
    if thread is None or result is None or result < 0:
        return
    machine.threads.revive(thread)
    was_known = thread.is_valid
    _describe(thread, event)
    thread.exec_ns = event.time_ns
    thread.pid = event.number(_PID)
    if not was_known:
        thread.ptid = event.number(_PTID)
        if not thread.flags & CLONE_CHILD_IN_PIDNS:
            thread.vtid, thread.vpid = thread.tid, thread.pid
        machine.threads.link(thread)
    _take_resources(thread, event)
    _take_image(thread, event)
    thread.descriptors.close_on_exec()
    thread.flags &= CLONE_INVERTED
    group = thread.group
    for other in list(group.members.values()) if group else ():
        if other is not thread and not other.is_main:
            machine.threads.remove(other)
    _join_container(machine, event)


def _take_image(thread: Thread, event: SyscallEvent) -> None:
    """What only exec events tell: environment, terminal, credentials, program file."""
    if event.has(15):
        thread.environment_bytes = event.raw(15)
    (
        thread.tty,
        thread.vpgid,
        thread.loginuid,
        thread.exe_flags,
        thread.cap_inheritable,
        thread.cap_permitted,
        thread.cap_effective,
        thread.exe_ino,
        thread.exe_ctime_ns,
        thread.exe_mtime_ns,
        thread.uid,
    ) = event.numbers(
        16,
        (
            *(thread.tty, thread.vpgid, thread.loginuid, thread.exe_flags, thread.cap_inheritable),
            *(thread.cap_permitted, thread.cap_effective, thread.exe_ino, thread.exe_ctime_ns),
            *(thread.exe_mtime_ns, thread.uid),
        ),
    )
    if event.has(25):
        _compare_times(thread)
    thread.pgid, thread.gid = event.numbers(28, (-1, thread.gid))
    thread.exepath = _program(thread, event)


def _program(thread: Thread, event: SyscallEvent) -> str:
    """The path of the program: the kernel's, in older captures the one that the call was given."""
    if event.has(27):
        return event.path(27).removesuffix(_DELETED)
    enter = event.enter
    given = enter.path(0) if enter is not None and enter.code == _EXECVE_ENTER else ""
    return given if given in {"", ABSENT} else concat(thread.directory, given)


def _compare_times(thread: Thread) -> None:
    if thread.clone_ns:
        thread.ctime_to_clone_ns = (thread.clone_ns - thread.exe_ctime_ns) & _U64
    if thread.pidns_start_ns and thread.exe_ctime_ns > thread.pidns_start_ns:
        thread.pidns_to_ctime_ns = thread.exe_ctime_ns - thread.pidns_start_ns


def _exit(machine: Machine, event: SyscallEvent) -> None:
    thread = event.thread
    if thread is None:
        return
    machine.threads.kill(thread)
    machine.recent_exits.add(thread.ptid, thread.tid, event.time_ns)
    machine.remove_thread_later(thread, event.number(4, -1))
    if thread.vpid == 1 and thread.vtid == 1 and thread.container_id:
        machine.forget_accounts_later(thread.container_id)


_SET_CHILD_SUBREAPER, _GET_CHILD_SUBREAPER = 36, 37


def _prctl(_machine: Machine, event: SyscallEvent) -> None:
    thread = event.thread
    if event.failed or thread is None or not thread.is_valid or thread.group is None:
        return
    if event.number(1) in {_SET_CHILD_SUBREAPER, _GET_CHILD_SUBREAPER}:
        thread.group.is_reaper = event.number(3) != 0


HANDLERS: Final[dict[str, Handler]] = {
    "SYSCALL_CLONE_20_X": _clone,
    "SYSCALL_CLONE3_X": _clone,
    "SYSCALL_FORK_20_X": _clone,
    "SYSCALL_VFORK_20_X": _clone,
    "SYSCALL_EXECVE_19_X": _exec,
    "SYSCALL_EXECVEAT_X": _exec,
    "PROCEXIT_1_E": _exit,
    "SYSCALL_PRCTL_X": _prctl,
}
