"""The state of the machine as what a capture says before its events: the other way of `loading`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Final

from falco_syscall.capture import (
    CaptureEvent,
    FdInfo,
    FdList,
    FdType,
    MachineInfo,
    Metadata,
    ProcessInfo,
    ProcessList,
)
from falco_syscall.capture.event_table import CODES, EVENTS
from falco_syscall.capture.values import encode
from falco_syscall.state.containers import document_of
from falco_syscall.state.descriptors import Role
from falco_syscall.state.texts import split
from falco_syscall.state.threads import EXE_FROM_MEMFD, EXE_LOWER_LAYER, EXE_UPPER_LAYER, EXE_WRITABLE

if TYPE_CHECKING:
    from falco_syscall.event import SyscallEvent
    from falco_syscall.state.descriptors import Descriptor
    from falco_syscall.state.machine import Machine
    from falco_syscall.state.threads import Thread


_NO_THREAD: Final = -1
_LONGEST: Final = 60_000
"""Characters of a container's document; a parameter has 65,535 bytes at most."""


def metadata_of(machine: Machine) -> Iterator[Metadata]:
    """What is known of *machine* now, in the order in which captures have it."""
    threads = [thread for thread in machine.threads if thread.is_valid and not thread.is_dead]
    yield machine.info or MachineInfo("", cpus=1, memory_bytes=0, boot_time_ns=machine.boot_ns)
    yield machine.interfaces.listed
    yield machine.accounts.listed()
    yield ProcessList(tuple(map(process_of, threads)))
    for thread in threads:
        fds = [fd_of(number, fd) for number, fd in thread.descriptors.items() if fd.type is not None]
        if fds:
            yield FdList(thread.tid, tuple(fds))


def events_of(machine: Machine, event: SyscallEvent) -> Iterator[CaptureEvent]:
    """What is known of containers and their users, as events just before *event*: captures have no other form for it.

    They are for the state only: rules do not see them.
    """
    told = partial(_event, event)
    for container in machine.containers:
        document = document_of(container)
        if len(document) > _LONGEST:
            bare = container._replace(mounts=(), labels={}, sandbox_labels={}, cni_json="")
            document = document_of(bare)
        yield told("CONTAINER_JSON_2_E", json=document)
    for container_id in machine.accounts.containers():
        listed = machine.accounts.listed(container_id)
        for user in listed.users:
            about = {"uid": user.uid, "gid": user.gid, "name": user.name, "home": user.home, "shell": user.shell}
            yield told("USER_ADDED_E", **about, container_id=container_id)
        for group in listed.groups:
            yield told("GROUP_ADDED_E", gid=group.gid, name=group.name, container_id=container_id)


def _event(at: SyscallEvent, constant: str, **values: object) -> CaptureEvent:
    info = EVENTS[CODES[constant]]
    params = [encode(param, values[param.name]) for param in info.params]
    return CaptureEvent(0, at.time_ns, _NO_THREAD, at.cpu, info.code, params, hidden=True, stored_code=info.code)


def process_of(thread: Thread) -> ProcessInfo:
    """The entry of a process list for *thread*."""
    return ProcessInfo(
        tid=thread.tid,
        pid=thread.pid,
        ptid=thread.ptid,
        sid=thread.sid,
        pgid=thread.pgid,
        vpgid=thread.vpgid,
        vtid=thread.vtid,
        vpid=thread.vpid,
        comm=thread.comm,
        exe=thread.exe,
        exepath=thread.exepath,
        args=_joined(thread.args),
        env=_joined(split(thread.environment_bytes)),
        cwd=thread.cwd,
        root=thread.root,
        cgroups=_joined(tuple(f"{subsystem}={path}" for subsystem, path in thread.cgroups)),
        flags=thread.flags,
        fdlimit=thread.fdlimit,
        uid=thread.uid,
        gid=thread.gid,
        loginuid=thread.loginuid,
        tty=thread.tty,
        cap_inheritable=thread.cap_inheritable,
        cap_permitted=thread.cap_permitted,
        cap_effective=thread.cap_effective,
        exe_writable=bool(thread.exe_flags & EXE_WRITABLE),
        exe_upper_layer=bool(thread.exe_flags & EXE_UPPER_LAYER),
        exe_lower_layer=bool(thread.exe_flags & EXE_LOWER_LAYER),
        exe_from_memfd=bool(thread.exe_flags & EXE_FROM_MEMFD),
        exe_ino=thread.exe_ino,
        exe_ino_ctime_ns=thread.exe_ctime_ns,
        exe_ino_mtime_ns=thread.exe_mtime_ns,
        vmsize_kb=thread.vmsize_kb,
        vmrss_kb=thread.vmrss_kb,
        vmswap_kb=thread.vmswap_kb,
        pfmajor=thread.pfmajor,
        pfminor=thread.pfminor,
        pidns_init_start_ns=thread.pidns_start_ns,
    )


def fd_of(number: int, descriptor: Descriptor) -> FdInfo:
    """The entry of a descriptor list: sockets with their own end first, as captures have them."""
    own, other = (descriptor.source_ip, descriptor.source_port), (descriptor.dest_ip, descriptor.dest_port)
    if descriptor.role is Role.SERVER and descriptor.type is FdType.IPV4_SOCKET:
        own, other = other, own
    kind = FdType.UNKNOWN if descriptor.type is None else descriptor.type
    if kind in _IP_BYTES and len(own[0]) != _IP_BYTES[kind]:
        kind = FdType.UNKNOWN  # a socket that has no address yet
    return FdInfo(
        fd=number,
        type=kind,
        name=descriptor.name,
        ino=descriptor.ino,
        open_flags=descriptor.flags,
        dev=descriptor.dev,
        source_ip=own[0],
        source_port=own[1],
        dest_ip=other[0] or bytes(len(own[0])),
        dest_port=other[1],
        l4=descriptor.l4,
        source=descriptor.source,
        dest=descriptor.dest,
    )


_IP_BYTES = {
    FdType.IPV4_SOCKET: 4,
    FdType.IPV4_SERVER_SOCKET: 4,
    FdType.IPV6_SOCKET: 16,
    FdType.IPV6_SERVER_SOCKET: 16,
}


def _joined(texts: tuple[str, ...]) -> bytes:
    return b"".join(text.encode("utf-8", "surrogateescape") + b"\0" for text in texts)
