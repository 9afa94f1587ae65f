"""Addresses of sockets: from bytes, to text, and which of them are this machine's."""

from __future__ import annotations

import socket
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from struct import unpack_from
from typing import TYPE_CHECKING, Final, NamedTuple

from falco import text_from_bytes as from_bytes
from falco_syscall.capture import InterfaceList

if TYPE_CHECKING:
    from falco_syscall.capture import Interface

# The families in the numbering of captures, which is that of Linux.
AF_UNIX: Final = 1
AF_INET: Final = 2
AF_INET6: Final = 10
_IP_BYTES: Final = {AF_INET: 4, AF_INET6: 16}
_MAPPED: Final = bytes(10) + b"\xff\xff"
_NOWHERE: Final = bytes(16)
_LOOPBACK: Final = frozenset({b"\x7f\0\0\1", bytes(15) + b"\1"})


class Endpoint(NamedTuple):
    """An IP address (4 or 16 bytes) and a port."""

    ip: bytes
    port: int

    def __str__(self) -> str:
        return f"{ip_text(self.ip)}:{self.port}"


class UnixAddress(NamedTuple):
    """The address of a UNIX socket."""

    path: str

    def __str__(self) -> str:
        return self.path


class IpTuple(NamedTuple):
    """Both ends of an IP connection, the client first where that is known."""

    source: Endpoint
    dest: Endpoint

    def __str__(self) -> str:
        source, dest = self.unmapped()
        return f"{source}->{dest}"

    def unmapped(self) -> IpTuple:
        """The same as IPv4, if both ends are IPv4 in IPv6 clothes."""
        source, dest = self
        if is_mapped(source.ip) and is_mapped(dest.ip):
            return IpTuple(Endpoint(source.ip[12:], source.port), Endpoint(dest.ip[12:], dest.port))
        return self


class UnixTuple(NamedTuple):
    """Both ends of a UNIX connection, as kernel addresses, and its path."""

    source: int
    dest: int
    path: str

    def __str__(self) -> str:
        return f"{self.source:x}->{self.dest:x} {self.path}"


def read_address(raw: bytes) -> Endpoint | UnixAddress | None:
    """The value of a parameter of type SOCKADDR; None if it is of another family or damaged."""
    family = raw[0] if raw else 0
    if family == AF_UNIX:
        return UnixAddress(from_bytes(raw[1:]))
    size = _IP_BYTES.get(family)
    if size is None or len(raw) != 3 + size:
        return None
    return Endpoint(raw[1 : 1 + size], _port(raw, 1 + size))


def read_tuple(raw: bytes) -> IpTuple | UnixTuple | None:
    """The value of a parameter of type SOCKTUPLE; None if it is of another family or damaged."""
    family = raw[0] if raw else 0
    if family == AF_UNIX:
        if len(raw) < 17:
            return None
        source, dest = unpack_from("<QQ", raw, 1)
        return UnixTuple(source, dest, from_bytes(raw[17:]))
    size = _IP_BYTES.get(family)
    if size is None or len(raw) != 5 + 2 * size:
        return None
    middle = 3 + size
    return IpTuple(
        Endpoint(raw[1 : 1 + size], _port(raw, 1 + size)),
        Endpoint(raw[middle : middle + size], _port(raw, middle + size)),
    )


def address_text(raw: bytes) -> str:
    """A parameter of type SOCKADDR as text."""
    address = read_address(raw)
    if address is not None:
        return str(address)
    return f"family {raw[0]}" if raw else "NULL"


def tuple_text(raw: bytes) -> str:
    """A parameter of type SOCKTUPLE as text."""
    pair = read_tuple(raw)
    if pair is not None:
        return str(pair)
    return f"family {raw[0]}" if raw else "NULL"


@lru_cache(maxsize=4096)
def ip_text(ip: bytes) -> str:
    """An IP address as text."""
    return socket.inet_ntop(socket.AF_INET if len(ip) == 4 else socket.AF_INET6, ip) if ip else ""


def ip_value(ip: bytes) -> IPv4Address | IPv6Address:
    """An IP address of 4 or 16 bytes as an object."""
    return IPv4Address(ip) if len(ip) == 4 else IPv6Address(ip)


def is_mapped(ip: bytes) -> bool:
    """Whether an IPv6 address stands for an IPv4 address; ``::`` does as well."""
    return len(ip) == 16 and (ip.startswith(_MAPPED) or ip == _NOWHERE)


def _port(raw: bytes, at: int) -> int:
    return int.from_bytes(raw[at : at + 2], "little")


class Interfaces:
    """The network interfaces of the machine."""

    def __init__(self, interfaces: tuple[Interface, ...] = ()) -> None:
        self._interfaces = interfaces
        self._addresses = frozenset(interface.address for interface in interfaces)

    @property
    def listed(self) -> InterfaceList:
        """The addresses as a capture has them."""
        return InterfaceList(self._interfaces)

    def is_local(self, ip: bytes) -> bool:
        """Whether an address is one of this machine."""
        if len(ip) == 4:
            return ip in self._addresses
        return any(len(own.address) == 16 and ip[:8] == own.address[:8] for own in self._interfaces)

    def guess(self, peer: bytes) -> bytes:
        """The own address that most likely talks to *peer*; all zeros if there is none."""
        own = [interface for interface in self._interfaces if len(interface.address) == len(peer)]
        for interface in own:
            if interface.address == peer:
                return interface.address
        for interface in own:
            if _same_net(peer, interface):
                return interface.address
        for interface in own:
            if interface.address not in _LOOPBACK:
                return interface.address
        return bytes(len(peer))


def _same_net(ip: bytes, own: Interface) -> bool:
    mask = int.from_bytes(own.netmask, "big")
    return int.from_bytes(ip, "big") & mask == int.from_bytes(own.address, "big") & mask
