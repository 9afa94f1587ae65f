"""What a capture says of the threads and descriptors that were there before it began."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from falco_syscall.capture import FdInfo, FdType, L4Protocol, ProcessInfo
from falco_syscall.state.addresses import Endpoint
from falco_syscall.state.connections import exchanged, named_after_ends
from falco_syscall.state.descriptors import SERVERS, Descriptor, Role
from falco_syscall.state.texts import split_cgroups
from falco_syscall.state.threads import EXE_FROM_MEMFD, EXE_LOWER_LAYER, EXE_UPPER_LAYER, EXE_WRITABLE, Thread

if TYPE_CHECKING:
    from falco_syscall.state.threads import ThreadTable

_DELETED = " (deleted)"


def thread_of(process: ProcessInfo) -> Thread:
    """The thread of an entry of a process list."""
    return Thread(
        tid=process.tid,
        pid=process.pid,
        ptid=process.ptid,
        sid=process.sid,
        pgid=process.pgid,
        vpgid=process.vpgid,
        vtid=process.vtid,
        vpid=process.vpid,
        comm=process.comm,
        exe=process.exe,
        exepath=process.exepath.removesuffix(_DELETED),
        argument_bytes=process.args,
        environment_bytes=process.env,
        cwd=process.cwd if process.cwd.endswith("/") else process.cwd + "/",
        root=process.root,
        cgroups=split_cgroups(process.cgroups) or (),
        flags=process.flags,
        fdlimit=process.fdlimit,
        uid=process.uid,
        gid=process.gid,
        loginuid=process.loginuid,
        tty=process.tty,
        cap_inheritable=process.cap_inheritable,
        cap_permitted=process.cap_permitted,
        cap_effective=process.cap_effective,
        exe_flags=EXE_WRITABLE * process.exe_writable
        | EXE_UPPER_LAYER * process.exe_upper_layer
        | EXE_LOWER_LAYER * process.exe_lower_layer
        | EXE_FROM_MEMFD * process.exe_from_memfd,
        exe_ino=process.exe_ino,
        exe_ctime_ns=process.exe_ino_ctime_ns,
        exe_mtime_ns=process.exe_ino_mtime_ns,
        vmsize_kb=process.vmsize_kb,
        vmrss_kb=process.vmrss_kb,
        vmswap_kb=process.vmswap_kb,
        pfmajor=process.pfmajor,
        pfminor=process.pfminor,
        pidns_start_ns=process.pidns_init_start_ns,
    )


def descriptor_of(fd: FdInfo) -> Descriptor:
    """The descriptor of an entry of a descriptor list."""
    descriptor = Descriptor(
        fd.type,
        fd.name,
        flags=fd.open_flags,
        dev=fd.dev,
        ino=fd.ino,
        l4=fd.l4,
        source_ip=fd.source_ip,
        source_port=fd.source_port,
        dest_ip=fd.dest_ip,
        dest_port=fd.dest_port,
        source=fd.source,
        dest=fd.dest,
    )
    if fd.type is FdType.UNIX_SOCKET:
        return replace(descriptor, role=Role.SERVER if fd.name else Role.CLIENT)
    if fd.type in SERVERS:
        return replace(descriptor, name=str(Endpoint(fd.source_ip, fd.source_port)))
    if fd.dest_ip:
        return replace(named_after_ends(descriptor), is_connected=fd.l4 == L4Protocol.TCP)
    return descriptor


def orient_connections(threads: ThreadTable) -> None:
    """Put the client first in the IPv4 connections of descriptor lists, which have the own end first.

    Who has a port on which the machine listens is the server.
    """
    tables = [thread.descriptors for thread in threads]
    ports = {fd.source_port for table in tables for fd in table.values() if fd.type in SERVERS}
    for table in tables:
        for number, fd in table.items():
            if fd.type is not FdType.IPV4_SOCKET:
                continue
            if fd.source_port in ports:
                table[number] = named_after_ends(replace(exchanged(fd), role=Role.SERVER))
            else:
                table[number] = replace(fd, role=Role.CLIENT)
