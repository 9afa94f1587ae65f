"""Descriptors that connect two addresses: what they are called, and which end comes first."""

from __future__ import annotations

from msgspec.structs import replace

from falco_syscall.capture import FdType, L4Protocol
from falco_syscall.state.addresses import Endpoint, IpTuple, UnixTuple, ip_text
from falco_syscall.state.descriptors import Descriptor, Role


def between(descriptor: Descriptor, pair: IpTuple, role: Role) -> Descriptor:
    """A socket as it is when it connects these ends."""
    source, dest = pair.unmapped()
    return replace(
        descriptor,
        role=role,
        is_connected=True,
        type=FdType.IPV4_SOCKET if len(source.ip) == 4 else FdType.IPV6_SOCKET,
        name=_name(descriptor.l4, source, dest),
        source_ip=source.ip,
        source_port=source.port,
        dest_ip=dest.ip,
        dest_port=dest.port,
    )


def between_unix(descriptor: Descriptor, pair: UnixTuple) -> Descriptor:
    """A UNIX socket as it is when it connects these ends."""
    return replace(descriptor, name=str(pair), source=pair.source, dest=pair.dest)


def named_after_ends(descriptor: Descriptor) -> Descriptor:
    """A connection with the name that its ends give it."""
    ends = ends_of(descriptor)
    shown = ends if descriptor.l4 in _WITHOUT_PORTS else ends.unmapped()
    return replace(descriptor, name=_name(descriptor.l4, *shown))


def exchanged(descriptor: Descriptor) -> Descriptor:
    """The same connection seen from the other end, with the name that it had."""
    return replace(
        descriptor,
        source_ip=descriptor.dest_ip,
        source_port=descriptor.dest_port,
        dest_ip=descriptor.source_ip,
        dest_port=descriptor.source_port,
    )


def ends_of(descriptor: Descriptor) -> IpTuple:
    """Both ends of a connection."""
    return IpTuple(
        Endpoint(descriptor.source_ip, descriptor.source_port), Endpoint(descriptor.dest_ip, descriptor.dest_port)
    )


def _name(l4: int, source: Endpoint, dest: Endpoint) -> str:
    """Raw sockets have no ports."""
    if l4 in _WITHOUT_PORTS:
        return f"{ip_text(source.ip)}->{ip_text(dest.ip)}"
    return f"{ip_text(source.ip)}:{source.port}->{ip_text(dest.ip)}:{dest.port}"


_WITHOUT_PORTS = frozenset({L4Protocol.RAW, L4Protocol.ICMP})
