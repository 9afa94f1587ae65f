"""Sockets: made, bound, connected, accepted, and what their traffic tells about their ends."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

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
from falco_syscall.state.connections import between, between_unix, ends_of, exchanged, named_after_ends
from falco_syscall.state.descriptors import CONNECTIONS, IP_SOCKETS, Descriptor, Role

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


@lru_cache(maxsize=1024)
def new_socket(family: int, kind: int, protocol: int, flags: int) -> Descriptor:
    """The descriptor of a socket that was just made."""
    if family == AF_UNIX:
        return Descriptor(FdType.UNIX_SOCKET, flags=flags)
    if family == _AF_NETLINK:
        return Descriptor(FdType.NETLINK, flags=flags)
    if family in _FAMILIES:
        unset, l4 = bytes(4 if family == AF_INET else 16), _protocol(kind, protocol)
        return Descriptor(_FAMILIES[family], flags=flags, l4=l4, source_ip=unset, dest_ip=unset)
    return Descriptor(FdType.UNKNOWN, flags=flags)


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
    pair = Descriptor(FdType.UNIX_SOCKET, source=event.number(3), dest=event.number(4))
    machine.put(event, first, pair)
    machine.put(event, second, pair)


def _bind(machine: Machine, event: SyscallEvent) -> None:
    fd = event.fd
    address = read_address(event.raw(1))
    if fd is None or event.failed or address is None:
        return
    name = address_text(event.raw(1))
    if isinstance(address, Endpoint) and address.port:
        ip = address.ip[12:] if is_mapped(address.ip) else address.ip
        fd = replace(
            fd,
            type=FdType.IPV4_SERVER_SOCKET if len(ip) == 4 else FdType.IPV6_SERVER_SOCKET,
            source_ip=ip,
            source_port=address.port,
            dest_ip=b"",
            dest_port=0,
            role=Role.SERVER,
        )
    machine.change(event, replace(fd, name=name))


def _connect(machine: Machine, event: SyscallEvent) -> None:
    fd = event.fd
    result = event.result
    if fd is None or result is None or (result < 0 and result != -_EINPROGRESS):
        return
    enter = event.enter
    entered = read_address(enter.raw(1)) if enter is not None else None
    pair = read_tuple(event.raw(1))
    role = Role.CLIENT if fd.role is Role.NONE else fd.role
    if isinstance(pair, IpTuple):
        if isinstance(entered, Endpoint) and pair.dest != entered and pair.dest == read_address(event.raw(3)):
            pair = IpTuple(pair.source, entered)
        if role is Role.SERVER and fd.l4 == L4Protocol.UDP and pair != ends_of(fd):
            pair = IpTuple(pair.dest, pair.source)
        fd = between(fd, pair, role=role)
    elif pair is not None:
        fd = replace(fd, is_connected=True, role=role)
        if fd.type is FdType.UNIX_SOCKET:
            fd = between_unix(fd, pair)
    elif isinstance(entered, Endpoint):
        source = Endpoint(fd.source_ip or bytes(len(entered.ip)), fd.source_port)
        fd = between(fd, IpTuple(source, entered), role=role)
    else:
        fd = replace(fd, is_connected=True, role=role, name="NULL")
    machine.change(event, fd)


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
        descriptor = between(replace(descriptor, l4=L4Protocol.TCP), pair, role=descriptor.role)
    else:
        descriptor = between_unix(descriptor, pair)
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
        if fd.type in CONNECTIONS and not fd.is_connected:
            fd = replace(fd, is_connected=True)
            machine.change(event, fd)
        if ends is None or (fd.name and fd.type is FdType.IPV4_SOCKET and fd.l4 == L4Protocol.TCP):
            return
        if isinstance(ends, UnixTuple):
            if fd.type is FdType.UNIX_SOCKET:
                machine.change(event, between_unix(fd, ends))
        elif fd.type in IP_SOCKETS and (updated := _with_ends(machine, fd, ends.unmapped(), sends=sends)) is not None:
            machine.change(event, updated)  # its role is guessed from all descriptors, it among them
            machine.change(event, named_after_ends(_with_role(event, updated, sends=sends)))

    return handler


def _with_ends(machine: Machine, fd: Descriptor, pair: IpTuple, *, sends: bool) -> Descriptor | None:
    """A socket that is not connected follows its traffic; None if that changes nothing."""
    source, dest = pair
    if fd.type in CONNECTIONS and ends_of(fd) in {(source, dest), (dest, source)}:
        return None
    l4 = L4Protocol.UDP if fd.l4 == L4Protocol.UNKNOWN else fd.l4
    source_ip, dest_ip = source.ip, dest.ip
    if not (sends and l4 == L4Protocol.RAW):
        # The kernel does not always tell the own address; guess it from the interfaces.
        if not any(source_ip):
            source_ip = machine.interfaces.guess(dest_ip)
        elif not any(dest_ip):
            dest_ip = machine.interfaces.guess(source_ip)
    return replace(
        fd,
        type=FdType.IPV4_SOCKET if len(source.ip) == 4 else FdType.IPV6_SOCKET,
        l4=l4,
        source_ip=source_ip,
        source_port=source.port,
        dest_ip=dest_ip,
        dest_port=dest.port,
    )


def _with_role(event: SyscallEvent, fd: Descriptor, *, sends: bool) -> Descriptor:
    """The sender is the first of both ends; the client must be."""
    if fd.role is Role.NONE:
        return replace(fd, role=_guess_role(event, fd, sends=sends))
    return exchanged(fd) if (fd.role is Role.SERVER) == sends else fd


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
