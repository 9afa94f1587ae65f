"""Sockets: made, bound, connected, accepted, and what their traffic tells about their ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falco_syscall.capture import FdType, L4Protocol
from falco_syscall.capture.event_table import CODES
from falco_syscall.state.addresses import (
    AF_INET,
    AF_INET6,
    AF_UNIX,
    Endpoint,
    IpTuple,
    UnixTuple,
    address_text,
    is_mapped,
    read_address,
    read_tuple,
)
from falco_syscall.state.descriptors import CONNECTIONS, IP_SOCKETS, Descriptor, Role
from falco_syscall.state.loading import name_connection

if TYPE_CHECKING:
    from falco_syscall.event import SyscallEvent
    from falco_syscall.state.machine import Handler, Machine

_AF_NETLINK: Final = 16
_SOCK_STREAM, _SOCK_DGRAM, _SOCK_RAW = 1, 2, 3
_IPPROTO: Final = {1: L4Protocol.ICMP, 6: L4Protocol.TCP, 17: L4Protocol.UDP, 255: L4Protocol.RAW}
_EINPROGRESS: Final = 115
_FAMILIES: Final = {AF_INET: FdType.IPV4_SOCKET, AF_INET6: FdType.IPV6_SOCKET}


def _socket(machine: Machine, event: SyscallEvent) -> None:
    number = event.number(0, -1)
    if number >= 0:
        machine.put(event, number, new_socket(event.number(1), event.number(2), event.number(3), event.number(4)))


def new_socket(family: int, kind: int, protocol: int, flags: int) -> Descriptor:
    """The descriptor of a socket that was just made."""
    descriptor = Descriptor(FdType.UNKNOWN, flags=flags)
    if family == AF_UNIX:
        descriptor.type = FdType.UNIX_SOCKET
    elif family == _AF_NETLINK:
        descriptor.type = FdType.NETLINK
    elif family in _FAMILIES:
        size = 4 if family == AF_INET else 16
        descriptor.type = _FAMILIES[family]
        descriptor.source_ip = descriptor.dest_ip = bytes(size)
        descriptor.l4 = _protocol(kind, protocol)
    return descriptor


def _protocol(kind: int, protocol: int) -> int:
    if not protocol:
        return {_SOCK_STREAM: L4Protocol.TCP, _SOCK_DGRAM: L4Protocol.UDP}.get(kind & 0xFF, L4Protocol.UNKNOWN)
    if kind == _SOCK_RAW and protocol in _IPPROTO:
        return L4Protocol.RAW
    return _IPPROTO.get(protocol, L4Protocol.UNKNOWN)


def _socketpair(machine: Machine, event: SyscallEvent) -> None:
    first, second = event.number(1, -1), event.number(2, -1)
    if event.failed or event.thread is None or first == second:
        return
    source, dest = event.number(3), event.number(4)
    machine.put(event, first, Descriptor(FdType.UNIX_SOCKET, source=source, dest=dest))
    machine.put(event, second, Descriptor(FdType.UNIX_SOCKET, source=source, dest=dest))


def _bind(_machine: Machine, event: SyscallEvent) -> None:
    fd = event.fd
    address = read_address(event.raw(1))
    if fd is None or event.failed or address is None:
        return
    if isinstance(address, Endpoint) and address.port:
        ip = address.ip[12:] if is_mapped(address.ip) else address.ip
        fd.type = FdType.IPV4_SERVER_SOCKET if len(ip) == 4 else FdType.IPV6_SERVER_SOCKET
        fd.source_ip, fd.source_port = ip, address.port
        fd.dest_ip, fd.dest_port = b"", 0
        fd.role = Role.SERVER
    fd.name = address_text(event.raw(1))


def _connect(_machine: Machine, event: SyscallEvent) -> None:
    fd = event.fd
    result = event.result
    if fd is None or result is None or (result < 0 and result != -_EINPROGRESS):
        return
    fd.is_connected = True
    enter = event.enter
    entered = read_address(enter.raw(1)) if enter is not None else None
    pair = read_tuple(event.raw(1))
    if pair is None:
        if isinstance(entered, Endpoint):
            _take_ends(fd, IpTuple(Endpoint(fd.source_ip or bytes(len(entered.ip)), fd.source_port), entered))
        else:
            fd.name = "NULL"
    elif isinstance(pair, IpTuple):
        if isinstance(entered, Endpoint) and pair.dest == read_address(event.raw(3)) and entered.ip:
            pair = pair._replace(dest=entered)
        changed = (pair.source, pair.dest) != (
            Endpoint(fd.source_ip, fd.source_port),
            Endpoint(fd.dest_ip, fd.dest_port),
        )
        if changed and fd.role is Role.SERVER and fd.l4 == L4Protocol.UDP:
            pair = IpTuple(pair.dest, pair.source)
        _take_ends(fd, pair)
    elif fd.type is FdType.UNIX_SOCKET:
        _take_unix(fd, pair)
    if fd.role is Role.NONE:
        fd.role = Role.CLIENT


def _take_ends(fd: Descriptor, pair: IpTuple) -> None:
    source, dest = pair.unmapped()
    fd.type = FdType.IPV4_SOCKET if len(source.ip) == 4 else FdType.IPV6_SOCKET
    fd.source_ip, fd.source_port = source
    fd.dest_ip, fd.dest_port = dest
    name_connection(fd)


def _take_unix(fd: Descriptor, pair: UnixTuple) -> None:
    fd.source, fd.dest = pair.source, pair.dest
    fd.name = str(pair)


def _accept(machine: Machine, event: SyscallEvent) -> None:
    number = event.number(0, -1)
    if number < 0:
        return
    event.fd_number = number
    pair = read_tuple(event.raw(1))
    if pair is None:
        return
    descriptor = Descriptor(FdType.UNIX_SOCKET, flags=event.number(5), role=Role.SERVER, is_connected=True)
    if isinstance(pair, IpTuple):
        descriptor.l4 = L4Protocol.TCP
        _take_ends(descriptor, pair)
    else:
        _take_unix(descriptor, pair)
    machine.put(event, number, descriptor)


def _transfer(pair: int, *, sends: bool) -> Handler:
    """A call that moves data; *pair* is the index of the parameter with both ends, -1 where there is none."""

    def handler(machine: Machine, event: SyscallEvent) -> None:
        if event.failed or event.thread is None:
            return
        ends = read_tuple(event.raw(pair)) if pair >= 0 else None
        if event.fd is None and sends and isinstance(ends, IpTuple):
            kind = _FAMILIES[AF_INET if len(ends.source.ip) == 4 else AF_INET6]
            unset = bytes(len(ends.source.ip))
            machine.put(
                event,
                event.fd_number,
                Descriptor(kind, l4=L4Protocol.UDP, source_ip=unset, dest_ip=unset),
            )
        fd = event.fd
        if fd is None:
            return
        if fd.type in CONNECTIONS:
            fd.is_connected = True
        if ends is None or (fd.name and fd.type is FdType.IPV4_SOCKET and fd.l4 == L4Protocol.TCP):
            return
        if isinstance(ends, UnixTuple):
            if fd.type is FdType.UNIX_SOCKET:
                _take_unix(fd, ends)
        elif fd.type in IP_SOCKETS and _update_ends(machine, fd, ends.unmapped(), sends=sends):
            _assign_roles(event, fd, sends=sends)
            name_connection(fd)

    return handler


def _update_ends(machine: Machine, fd: Descriptor, pair: IpTuple, *, sends: bool) -> bool:
    """Let a socket that is not connected follow its traffic; whether that changed anything."""
    source, dest = pair
    if fd.type in CONNECTIONS:
        ends = (Endpoint(fd.source_ip, fd.source_port), Endpoint(fd.dest_ip, fd.dest_port))
        if ends in {(source, dest), (dest, source)}:
            return False
    fd.type = FdType.IPV4_SOCKET if len(source.ip) == 4 else FdType.IPV6_SOCKET
    if fd.l4 == L4Protocol.UNKNOWN:
        fd.l4 = L4Protocol.UDP
    fd.source_ip, fd.source_port = source
    fd.dest_ip, fd.dest_port = dest
    if not (sends and fd.l4 == L4Protocol.RAW):
        _complete_ends(machine, fd)
    return True


def _complete_ends(machine: Machine, fd: Descriptor) -> None:
    """The kernel does not always tell the own address; guess it from the interfaces."""
    if not any(fd.source_ip):
        fd.source_ip = machine.interfaces.guess(fd.dest_ip)
    elif not any(fd.dest_ip):
        fd.dest_ip = machine.interfaces.guess(fd.source_ip)


def _assign_roles(event: SyscallEvent, fd: Descriptor, *, sends: bool) -> None:
    """The sender is the first of both ends; the client must be."""
    if fd.role is Role.NONE:
        fd.role = _guess_role(event, fd, sends=sends)
    elif (fd.role is Role.SERVER) == sends:
        fd.source_ip, fd.dest_ip = fd.dest_ip, fd.source_ip
        fd.source_port, fd.dest_port = fd.dest_port, fd.source_port


def _guess_role(event: SyscallEvent, fd: Descriptor, *, sends: bool) -> Role:
    table = event.thread.table if event.thread is not None else None
    others = list(table.values()) if table is not None else []
    serves = any(
        (other.type is FdType.IPV4_SOCKET and other.dest_port == fd.dest_port)
        or (other.type is FdType.IPV4_SERVER_SOCKET and other.source_port == fd.dest_port)
        for other in others
    )
    if not serves:
        return Role.CLIENT
    if not any(other.type is FdType.IPV4_SOCKET and other.source_port == fd.source_port for other in others):
        return Role.SERVER
    return Role.CLIENT if sends else Role.SERVER


_TRANSFERS: Final = {
    "SOCKET_SEND_X": (4, True),
    "SOCKET_SENDTO_X": (4, True),
    "SOCKET_SENDMSG_X": (4, True),
    "SOCKET_SENDMMSG_X": (4, True),
    "SYSCALL_WRITE_X": (-1, True),
    "SYSCALL_WRITEV_X": (-1, True),
    "SYSCALL_PWRITE_X": (-1, True),
    "SYSCALL_PWRITEV_X": (-1, True),
    "SOCKET_RECV_X": (4, False),
    "SOCKET_RECVFROM_X": (2, False),
    "SOCKET_RECVMSG_X": (3, False),
    "SOCKET_RECVMMSG_X": (4, False),
    "SYSCALL_READ_X": (-1, False),
    "SYSCALL_READV_X": (-1, False),
    "SYSCALL_PREAD_X": (-1, False),
    "SYSCALL_PREADV_X": (-1, False),
}
"""Where the parameter with both ends is, -1 if there is none; whether the call sends."""

TUPLES: Final = {CODES[constant]: pair for constant, (pair, _) in _TRANSFERS.items() if pair >= 0}
"""The transfers that tell both ends: index of the parameter by code."""
PLAIN_TRANSFERS: Final = frozenset(CODES[constant] for constant, (pair, _) in _TRANSFERS.items() if pair < 0)
"""The others: they show no more than that a socket is connected."""

HANDLERS: Final[dict[str, Handler]] = {
    "SOCKET_SOCKET_X": _socket,
    "SOCKET_SOCKETPAIR_X": _socketpair,
    "SOCKET_BIND_X": _bind,
    "SOCKET_CONNECT_X": _connect,
    "SOCKET_ACCEPT_5_X": _accept,
    "SOCKET_ACCEPT4_6_X": _accept,
    **{constant: _transfer(pair, sends=sends) for constant, (pair, sends) in _TRANSFERS.items()},
}
