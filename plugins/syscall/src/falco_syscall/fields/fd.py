"""``fd.*``: the descriptor that the event is about. Absent for events that are about none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from falco_syscall.arguments import show
from falco_syscall.capture import FdType, L4Protocol
from falco_syscall.capture.event_table import CODES
from falco_syscall.event import HAS_DESCRIPTOR
from falco_syscall.fields.binding import number, plain
from falco_syscall.state.addresses import ip_value
from falco_syscall.state.descriptors import (
    CONNECTIONS,
    FILES,
    IP_SOCKETS,
    LETTERS,
    NAMES,
    SERVERS,
    Descriptor,
    Role,
)
from falco_syscall.state.opening import OPEN_CALLS, base_of
from falco_syscall.state.paths import ABSENT, concat, directory_of, filename_of, single_slashes

if TYPE_CHECKING:
    from falco import Value
    from falco_syscall.catalogue.fields import Binder
    from falco_syscall.event import SyscallEvent
    from falco_syscall.fields.binding import Getter

_L4: Final[dict[int, str]] = {
    L4Protocol.TCP: "tcp",
    L4Protocol.UDP: "udp",
    L4Protocol.ICMP: "icmp",
    L4Protocol.RAW: "raw",
}


def _of_event(getter: Getter) -> Binder:
    """A field of events that are about a descriptor and whose thread is known."""

    def read(event: SyscallEvent) -> Value | None:
        return getter(event) if event.thread is not None and HAS_DESCRIPTOR[event.code] else None

    return plain(read)


def _of_fd(getter: Callable[[Descriptor], Any]) -> Binder:
    """A field of descriptors that are known."""

    def read(event: SyscallEvent) -> Value | None:
        if event.fd is None or event.thread is None or not HAS_DESCRIPTOR[event.code]:
            return None
        value: Value | None = getter(event.fd)
        return value

    return plain(read)


# Type ---------------------------------------------------------------------------------------------------------

_LETTERS_OF_FAILURES: Final[dict[int, str]] = {
    CODES[name]: letter
    for name, letter in (
        *(("SYSCALL_OPENAT_2_X", "f"), ("SYSCALL_OPENAT2_X", "f"), ("SYSCALL_CREAT_X", "f")),
        *(("SOCKET_SOCKET_X", "4"), ("SOCKET_ACCEPT_5_X", "4"), ("SOCKET_ACCEPT4_6_X", "4")),
        *(("SYSCALL_PIPE_X", "p"), ("SYSCALL_PIPE2_X", "p"), ("SYSCALL_EVENTFD_X", "e"), ("SYSCALL_EVENTFD2_X", "e")),
        *(("SYSCALL_SIGNALFD_X", "s"), ("SYSCALL_SIGNALFD4_X", "s"), ("SYSCALL_TIMERFD_CREATE_X", "t")),
        *(("SYSCALL_INOTIFY_INIT_X", "i"), ("SYSCALL_INOTIFY_INIT1_X", "i")),
    )
}
"""What a call would have made."""


def _letter(event: SyscallEvent) -> str:
    if event.fd is not None:
        return LETTERS.get(event.fd.type, "o")
    return _LETTERS_OF_FAILURES.get(event.code, "o")


# Names --------------------------------------------------------------------------------------------------------

_TOLD_BY_FIRST: Final = frozenset(
    CODES[name]
    for name in ("SYSCALL_OPEN_X", "SYSCALL_CREAT_X", "SOCKET_ACCEPT_5_X", "SOCKET_ACCEPT4_6_X", "SOCKET_CONNECT_X")
)
_OPENAT: Final = frozenset({CODES["SYSCALL_OPENAT_2_X"], CODES["SYSCALL_OPENAT2_X"]})
_BY_HANDLE: Final = CODES["SYSCALL_OPEN_BY_HANDLE_AT_X"]


def _name_in_event(event: SyscallEvent, *, raw: bool) -> str | None:
    """The name of a descriptor that was not made, as the event tells it."""
    if event.code in _TOLD_BY_FIRST:
        shown = show(event, 1)
        return "" if shown is None else shown.best
    if event.code in _OPENAT:
        call = OPEN_CALLS[event.code]
        name = event.text(call.name)
        return name if raw else concat(base_of(event, event.number(call.dirfd), name), name)
    if event.code == _BY_HANDLE:
        shown = show(event, 3)
        return "" if shown is None else shown.best
    return None if event.info.is_enter else ""


def _name(event: SyscallEvent) -> str | None:
    return _name_in_event(event, raw=False) if event.fd is None else event.fd.name


def _raw_name(event: SyscallEvent) -> str | None:
    name = _name_in_event(event, raw=True) if event.fd is None else event.fd.raw_name
    return None if name is None else single_slashes(name)


def _directory(event: SyscallEvent) -> str | None:
    if event.fd is not None:
        if event.fd.type is FdType.DIRECTORY:
            return event.fd.name
        if event.fd.type not in FILES:
            return None
    name = _name(event)
    return None if name is None else directory_of(name)


def _filename(fd: Descriptor) -> str | None:
    return filename_of(fd.name) if fd.type in FILES else None


def _with_container(read: Callable[[SyscallEvent], str | None]) -> Binder:
    def getter(event: SyscallEvent) -> str | None:
        text = read(event)
        container_id = event.thread.container_id if event.thread is not None else ""
        return None if text is None else f"{container_id}:{text}"

    return _of_event(getter)


# Ends of a connection -----------------------------------------------------------------------------------------


def _ip(ip: bytes) -> Any:
    return ip_value(ip) if ip else None


def _client_ip(fd: Descriptor) -> Any:
    return _ip(fd.source_ip) if fd.type in CONNECTIONS and fd.role is not Role.NONE else None


def _server_ip(fd: Descriptor) -> Any:
    if fd.role is Role.NONE:
        return None
    if fd.type in CONNECTIONS:
        return _ip(fd.dest_ip)
    return _ip(fd.source_ip) if fd.type in SERVERS else None


Address: TypeAlias = "Callable[[SyscallEvent, Descriptor], bytes]"


def _client_address(_event: SyscallEvent, fd: Descriptor) -> bytes:
    return fd.source_ip if fd.type in CONNECTIONS else b""


def _server_address(_event: SyscallEvent, fd: Descriptor) -> bytes:
    return fd.dest_ip if fd.type in CONNECTIONS else fd.source_ip


def _local_address(event: SyscallEvent, fd: Descriptor) -> bytes:
    if fd.type not in CONNECTIONS:
        return b""
    return fd.source_ip if _is_local(event, fd.source_ip) else fd.dest_ip


def _remote_address(event: SyscallEvent, fd: Descriptor) -> bytes:
    if fd.type not in CONNECTIONS:
        return b""
    return fd.dest_ip if _is_local(event, fd.source_ip) else fd.source_ip


def _names(event: SyscallEvent, address_of: Address) -> Any:
    """The names, among those that rules mention, of one end; none of them exist, too, as in Falco."""
    fd = event.fd
    if fd is None or event.thread is None:
        return None
    address = address_of(event, fd) if fd.type in IP_SOCKETS and fd.role is not Role.NONE else b""
    return event.machine.names.of(address) if address else ()


def _names_of(address_of: Address) -> Callable[[SyscallEvent], Any]:
    return lambda event: _names(event, address_of)


def _first_name(address_of: Address) -> Callable[[SyscallEvent], str | None]:
    """What an output shows."""
    return lambda event: next(iter(_names(event, address_of) or ()), None)


def _client_port(fd: Descriptor) -> int | None:
    return fd.source_port if fd.type in CONNECTIONS and fd.role is not Role.NONE else None


def _server_port(fd: Descriptor) -> int | None:
    if fd.type in SERVERS:
        return fd.source_port
    return fd.dest_port if fd.type in CONNECTIONS and fd.role is not Role.NONE else None


def _both_ips(fd: Descriptor) -> Any:
    """None of them exist, too, as in Falco; they satisfy nothing."""
    if fd.type in CONNECTIONS:
        return (_ip(fd.source_ip), _ip(fd.dest_ip))
    return (_ip(fd.source_ip),) if fd.type in SERVERS else ()


def _both_ports(fd: Descriptor) -> Any:
    """Likewise."""
    if fd.type in CONNECTIONS:
        return (fd.source_port, fd.dest_port)
    return (fd.source_port,) if fd.type in SERVERS else ()


def _is_local(event: SyscallEvent, ip: bytes) -> bool:
    """Whether an address is this machine's, or the container's."""
    container_id = event.thread.container_id if event.thread is not None else ""
    if not container_id:
        return event.machine.interfaces.is_local(ip)
    return len(ip) == 4 and event.machine.containers.has_address(container_id, str(ip_value(ip)))


def _end(read: Callable[[Descriptor, bool], Any], *, local: bool) -> Binder:
    """A field of one end of a connection; *read* gets whether it is the first."""

    def getter(event: SyscallEvent) -> Value | None:
        fd = event.fd
        if fd is None or fd.type not in CONNECTIONS or fd.role is Role.NONE:
            return None
        value: Value | None = read(fd, _is_local(event, fd.source_ip) is local)
        return value

    return _of_event(getter)


def _end_ip(fd: Descriptor, first: bool) -> Any:  # noqa: FBT001 - one of two ends
    return _ip(fd.source_ip if first else fd.dest_ip)


def _end_port(fd: Descriptor, first: bool) -> int:  # noqa: FBT001 - one of two ends
    return fd.source_port if first else fd.dest_port


def _end_service(fd: Descriptor, first: bool) -> str:  # noqa: FBT001 - one of two ends
    return str(_end_port(fd, first))


def _client_service(fd: Descriptor) -> str | None:
    if fd.role is Role.NONE:
        return None
    return str(fd.source_port) if fd.type in CONNECTIONS else ""


def _server_service(fd: Descriptor) -> str | None:
    if fd.type in SERVERS:
        return ""
    port = _server_port(fd)
    return None if port is None else str(port)


def _protocol(fd: Descriptor) -> str:
    if fd.type in SERVERS:
        return _L4.get(fd.l4, ABSENT)
    if fd.type not in CONNECTIONS:
        return ABSENT
    if fd.l4 == L4Protocol.RAW:
        return "raw"
    return ABSENT if fd.role is Role.NONE else _L4.get(fd.l4, ABSENT)


def _family(fd: Descriptor) -> str | None:
    if fd.type in IP_SOCKETS:
        return "ip"
    return "unix" if fd.type is FdType.UNIX_SOCKET else None


def _is_server(event: SyscallEvent) -> bool | None:
    fd = event.fd
    if fd is None:
        return None
    if fd.type in SERVERS:
        return True
    return fd.type in CONNECTIONS and _is_local(event, fd.dest_ip)


def _types(argument: str | None) -> Getter:
    only = None if argument is None else number(argument)

    def read(event: SyscallEvent) -> list[str] | None:
        table = event.thread.table if event.thread is not None else None
        if table is None or not HAS_DESCRIPTOR[event.code]:
            return None
        if only is None:
            return sorted({NAMES.get(descriptor.type, ABSENT) for descriptor in table.values()}) or None
        descriptor = table.get(only)
        return None if descriptor is None else [NAMES.get(descriptor.type, ABSENT)]

    return read


def _minor(dev: int) -> int:
    return (dev & 0xFF) | (dev >> 12 & 0xFFF00)


BINDERS: Final[dict[str, Binder]] = {
    "fd.num": _of_event(lambda event: event.fd_number),
    "fd.type": _of_fd(lambda fd: NAMES.get(fd.type, ABSENT)),
    "fd.typechar": _of_event(_letter),
    "fd.name": _of_event(_name),
    "fd.nameraw": _of_event(_raw_name),
    "fd.directory": _of_event(_directory),
    "fd.filename": _of_fd(_filename),
    "fd.ip": _of_fd(_both_ips),
    "fd.cip": _of_fd(_client_ip),
    "fd.sip": _of_fd(_server_ip),
    "fd.lip": _end(_end_ip, local=True),
    "fd.rip": _end(_end_ip, local=False),
    "fd.port": _of_fd(_both_ports),
    "fd.cport": _of_fd(_client_port),
    "fd.sport": _of_fd(_server_port),
    "fd.lport": _end(_end_port, local=True),
    "fd.rport": _end(_end_port, local=False),
    "fd.l4proto": _of_fd(_protocol),
    "fd.sockfamily": _of_fd(_family),
    "fd.is_server": _of_event(_is_server),
    "fd.uid": _of_event(lambda event: f"{event.tid}{event.fd_number}"),
    "fd.containername": _with_container(_name),
    "fd.containerdirectory": _with_container(_directory),
    "fd.proto": _of_fd(_both_ports),
    "fd.cproto": _of_fd(_client_service),
    "fd.sproto": _of_fd(_server_service),
    "fd.lproto": _end(_end_service, local=True),
    "fd.rproto": _end(_end_service, local=False),
    "fd.net": _of_fd(_both_ips),
    "fd.cnet": _of_fd(_client_ip),
    "fd.snet": _of_fd(_server_ip),
    "fd.lnet": _end(_end_ip, local=True),
    "fd.rnet": _end(_end_ip, local=False),
    "fd.connected": _of_fd(lambda fd: fd.is_connected),
    "fd.name_changed": _of_event(lambda event: None if event.fd is None else event.fd.name != event.name_before),
    "fd.cip.name": plain(_names_of(_client_address)),
    "fd.sip.name": plain(_names_of(_server_address)),
    "fd.lip.name": plain(_names_of(_local_address)),
    "fd.rip.name": plain(_names_of(_remote_address)),
    "fd.dev": _of_fd(lambda fd: fd.dev),
    "fd.dev.major": _of_fd(lambda fd: fd.dev >> 8 & 0xFFF),
    "fd.dev.minor": _of_fd(lambda fd: _minor(fd.dev)),
    "fd.ino": _of_fd(lambda fd: fd.ino),
    "fd.types": _types,
    "fd.is_upper_layer": _of_fd(lambda fd: fd.is_upper_layer),
    "fd.is_lower_layer": _of_fd(lambda fd: fd.is_lower_layer),
}

SHOWN: Final[dict[str, Binder]] = {
    "fd.cip.name": plain(_first_name(_client_address)),
    "fd.sip.name": plain(_first_name(_server_address)),
    "fd.lip.name": plain(_first_name(_local_address)),
    "fd.rip.name": plain(_first_name(_remote_address)),
}
"""Fields that an output shows differently."""
