"""What a capture says of the threads and descriptors that were there before it began."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falco_syscall.capture import FdInfo, FdType, L4Protocol, ProcessInfo
from falco_syscall.state.addresses import Endpoint, IpTuple, ip_text
from falco_syscall.state.descriptors import SERVERS, Descriptor, Role
from falco_syscall.state.texts import split, split_cgroups
from falco_syscall.state.threads import Thread

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
        args=split(process.args),
        env=split(process.env),
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
        exe_writable=process.exe_writable,
        exe_upper_layer=process.exe_upper_layer,
        exe_lower_layer=process.exe_lower_layer,
        exe_from_memfd=process.exe_from_memfd,
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
        descriptor.role = Role.SERVER if fd.name else Role.CLIENT
    elif fd.type in SERVERS:
        descriptor.name = str(Endpoint(fd.source_ip, fd.source_port))
    elif fd.dest_ip:
        descriptor.is_connected = fd.l4 == L4Protocol.TCP
        name_connection(descriptor)
    return descriptor


def name_connection(descriptor: Descriptor) -> None:
    """Name a connection after its ends; raw sockets have no ports."""
    if descriptor.l4 in {L4Protocol.RAW, L4Protocol.ICMP}:
        descriptor.name = f"{ip_text(descriptor.source_ip)}->{ip_text(descriptor.dest_ip)}"
        return
    descriptor.name = str(
        IpTuple(
            Endpoint(descriptor.source_ip, descriptor.source_port), Endpoint(descriptor.dest_ip, descriptor.dest_port)
        )
    )


def orient_connections(threads: ThreadTable) -> None:
    """Put the client first in the IPv4 connections of descriptor lists, which have the own end first.

    Who has a port on which the machine listens is the server.
    """
    descriptors = [fd for thread in threads for fd in thread.descriptors.values()]
    ports = {fd.source_port for fd in descriptors if fd.type in SERVERS}
    for fd in descriptors:
        if fd.type is not FdType.IPV4_SOCKET:
            continue
        if fd.source_port in ports:
            fd.source_ip, fd.dest_ip = fd.dest_ip, fd.source_ip
            fd.source_port, fd.dest_port = fd.dest_port, fd.source_port
            fd.role = Role.SERVER
            name_connection(fd)
        else:
            fd.role = Role.CLIENT
