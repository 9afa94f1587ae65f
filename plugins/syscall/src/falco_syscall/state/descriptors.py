"""Descriptors of processes: what a number stands for, and the tables of them."""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec
from msgspec.structs import replace

from falco_syscall.capture import FdType, L4Protocol

CLOEXEC: Final = 0x1000
"""The open flag, in the numbering of captures, of a descriptor that exec closes."""


MAY_CLOSE: Final = CLOEXEC | 1
"""Those that have none of these flags are not closed by exec."""


class Role(Enum):
    """The part that a process plays on a socket."""

    NONE = ""
    CLIENT = "client"
    SERVER = "server"


NAMES: Final[dict[FdType | None, str]] = {
    FdType.FILE: "file",
    FdType.FILE_V2: "file",
    FdType.DIRECTORY: "directory",
    FdType.IPV4_SOCKET: "ipv4",
    FdType.IPV4_SERVER_SOCKET: "ipv4",
    FdType.IPV6_SOCKET: "ipv6",
    FdType.IPV6_SERVER_SOCKET: "ipv6",
    FdType.UNIX_SOCKET: "unix",
    FdType.FIFO: "pipe",
    FdType.EVENT: "event",
    FdType.SIGNALFD: "signalfd",
    FdType.EVENTPOLL: "eventpoll",
    FdType.INOTIFY: "inotify",
    FdType.TIMERFD: "timerfd",
    FdType.NETLINK: "netlink",
    FdType.BPF: "bpf",
    FdType.USERFAULTFD: "userfaultfd",
    FdType.IO_URING: "io_uring",
    FdType.MEMFD: "memfd",
    FdType.PIDFD: "pidfd",
}
"""``fd.type``; types that are missing have the text ``<NA>``."""

LETTERS: Final[dict[FdType | None, str]] = {
    None: "?",
    FdType.UNKNOWN: "o",
    FdType.UNSUPPORTED: "X",
    FdType.FILE: "f",
    FdType.FILE_V2: "f",
    FdType.DIRECTORY: "d",
    FdType.IPV4_SOCKET: "4",
    FdType.IPV4_SERVER_SOCKET: "4",
    FdType.IPV6_SOCKET: "6",
    FdType.IPV6_SERVER_SOCKET: "6",
    FdType.UNIX_SOCKET: "u",
    FdType.FIFO: "p",
    FdType.EVENT: "e",
    FdType.SIGNALFD: "s",
    FdType.EVENTPOLL: "l",
    FdType.INOTIFY: "i",
    FdType.TIMERFD: "t",
    FdType.NETLINK: "n",
    FdType.BPF: "b",
    FdType.USERFAULTFD: "u",
    FdType.IO_URING: "r",
    FdType.MEMFD: "m",
    FdType.PIDFD: "P",
}
"""``fd.typechar``."""

FILES: Final[frozenset[FdType | None]] = frozenset({FdType.FILE, FdType.FILE_V2})
CONNECTIONS: Final[frozenset[FdType | None]] = frozenset({FdType.IPV4_SOCKET, FdType.IPV6_SOCKET})
SERVERS: Final[frozenset[FdType | None]] = frozenset({FdType.IPV4_SERVER_SOCKET, FdType.IPV6_SERVER_SOCKET})
IP_SOCKETS: Final[frozenset[FdType | None]] = CONNECTIONS | SERVERS
_WITH_LOW_CLOEXEC: Final[frozenset[FdType | None]] = frozenset({FdType.EVENTPOLL, FdType.MEMFD})


class Descriptor(msgspec.Struct, frozen=True, eq=False, gc=False):
    """What one number of a table stands for. A value: it is replaced, never changed, so that tables may share it.

    Attributes:
        type: None if the call that should have made it failed.
        name: ``fd.name``.
        raw_name: The path as it was given.
        flags: How it was opened, in the numbering of the table ``file_flags``.
        source_ip: 4 or 16 bytes; of a server socket its own address; empty if not known. Likewise *dest_ip*.
        source: UNIX sockets: a kernel address that identifies this end; *dest* the other.
    """

    type: FdType | None
    name: str = ""
    raw_name: str = ""
    flags: int = 0
    role: Role = Role.NONE
    is_connected: bool = False
    is_upper_layer: bool = False
    is_lower_layer: bool = False
    dev: int = 0
    ino: int = 0
    l4: int = L4Protocol.UNKNOWN
    source_ip: bytes = b""
    source_port: int = 0
    dest_ip: bytes = b""
    dest_port: int = 0
    source: int = 0
    dest: int = 0
    pid: int = -1

    @property
    def closes_on_exec(self) -> bool:
        """Whether a successful exec closes it."""
        return bool(self.flags & CLOEXEC or (self.flags & 1 and self.type in _WITH_LOW_CLOEXEC))

    def closing_on_exec(self, *, on: bool) -> Descriptor:
        """The same with the flag set or cleared."""
        flags = self.flags & ~CLOEXEC
        if self.type in _WITH_LOW_CLOEXEC:
            flags &= ~1
        if on:
            flags |= CLOEXEC
        return self if flags == self.flags else replace(self, flags=flags)
