"""What a capture says about the machine before its events: the values of its metadata blocks.

Texts are decoded as UTF-8 with ``surrogateescape``. Lists of texts (arguments, environment,
cgroups) are left as bytes, each text followed by a NUL, as in the event parameters of these names.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


@dataclass(frozen=True, slots=True)
class Section:
    """The start of a capture, or of another one that was appended to it.

    What earlier sections said about processes, descriptors, users and interfaces ends here; event
    numbers go on.
    """

    major: int = 1
    minor: int = 2


@dataclass(frozen=True, slots=True)
class MachineInfo:
    """The machine on which the capture was made."""

    hostname: str = ""
    cpus: int = 1
    memory_bytes: int = 0
    max_pid: int = 32768
    boot_time_ns: int = 0
    """Since the epoch; 0 in older captures."""
    flags: int = 0


@dataclass(frozen=True, slots=True)
class Interface:
    """An address of a network interface; *address*, *netmask*, *broadcast* have 4 or 16 bytes."""

    name: str
    address: bytes
    netmask: bytes
    broadcast: bytes
    link_speed: int | None = None
    """None in entries that do not have it."""


@dataclass(frozen=True, slots=True)
class InterfaceList:
    """The network interfaces."""

    interfaces: tuple[Interface, ...] = ()


@dataclass(frozen=True, slots=True)
class User:
    """A user account."""

    uid: int
    gid: int
    name: str
    home: str = ""
    shell: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A group of users."""

    gid: int
    name: str


@dataclass(frozen=True, slots=True)
class UserList:
    """The users and groups."""

    users: tuple[User, ...] = ()
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessInfo:
    """A thread that was there when the capture began. What older captures lack has the default.

    Attributes:
        tid: Thread; equal to *pid* for the process itself.
        ptid: The parent's thread.
        comm: Name of the thread, at most 15 bytes on Linux.
        exe: ``argv[0]``.
        args: ``argv[1:]``, each followed by a NUL (the last NUL may be missing); likewise *env*
            and *cgroups* (``subsystem=path``).
        flags: Clone flags in the numbering of the table ``clone_flags``.
        vtid: Thread as seen in its PID namespace, -1 if unknown; likewise *vpid*, *vpgid*.
        loginuid: 0xffffffff for none.
        exe_ino_ctime_ns: Since the epoch; likewise *exe_ino_mtime_ns*.
    """

    tid: int
    pid: int
    ptid: int = 0
    sid: int = -1
    vpgid: int = -1
    comm: str = ""
    exe: str = ""
    exepath: str = ""
    args: bytes = b""
    cwd: str = ""
    fdlimit: int = 0
    flags: int = 0
    uid: int = 0
    gid: int = 0
    vmsize_kb: int = 0
    vmrss_kb: int = 0
    vmswap_kb: int = 0
    pfmajor: int = 0
    pfminor: int = 0
    env: bytes = b""
    vtid: int = -1
    vpid: int = -1
    cgroups: bytes = b""
    root: str = ""
    pidns_init_start_ns: int = 0
    tty: int = 0
    loginuid: int = 0xFFFFFFFF
    exe_writable: bool = False
    cap_inheritable: int = 0
    cap_permitted: int = 0
    cap_effective: int = 0
    exe_upper_layer: bool = False
    exe_ino: int = 0
    exe_ino_ctime_ns: int = 0
    exe_ino_mtime_ns: int = 0
    exe_from_memfd: bool = False
    exe_lower_layer: bool = False
    pgid: int = -1


@dataclass(frozen=True, slots=True)
class ProcessList:
    """The threads of all processes."""

    processes: tuple[ProcessInfo, ...] = ()


class FdType(IntEnum):
    """What a descriptor refers to, in the numbering of captures."""

    UNKNOWN = 0
    FILE = 1
    DIRECTORY = 2
    IPV4_SOCKET = 3
    IPV6_SOCKET = 4
    IPV4_SERVER_SOCKET = 5
    IPV6_SERVER_SOCKET = 6
    FIFO = 7
    UNIX_SOCKET = 8
    EVENT = 9
    UNSUPPORTED = 10
    SIGNALFD = 11
    EVENTPOLL = 12
    INOTIFY = 13
    TIMERFD = 14
    NETLINK = 15
    FILE_V2 = 16
    BPF = 17
    USERFAULTFD = 18
    IO_URING = 19
    MEMFD = 20
    PIDFD = 21


class L4Protocol(IntEnum):
    """A transport protocol, in the numbering of captures."""

    UNKNOWN = 0
    NONE = 1
    TCP = 2
    UDP = 3
    ICMP = 4
    RAW = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class FdInfo:
    """An open descriptor. Which of the fields mean something depends on *type*.

    Attributes:
        name: Path or name; the path of a UNIX socket; empty for IP sockets.
        open_flags: FILE_V2: how it was opened, in the numbering of the table ``file_flags``.
        dev: FILE_V2: the device; 0 in older captures.
        source_ip: IP sockets: the local end, 4 or 16 bytes; the bound address of a server socket.
        source_port: Likewise; 0 to 65535.
        dest_ip: IP sockets that are not server sockets: the remote end; else empty.
        source: UNIX sockets: a kernel address that identifies this end; *dest* the other.
    """

    fd: int
    type: FdType
    name: str = ""
    ino: int = 0
    open_flags: int = 0
    dev: int = 0
    source_ip: bytes = b""
    dest_ip: bytes = b""
    source_port: int = 0
    dest_port: int = 0
    l4: int = L4Protocol.UNKNOWN
    source: int = 0
    dest: int = 0


@dataclass(frozen=True, slots=True)
class FdList:
    """The descriptors of the process *tid*."""

    tid: int
    fds: tuple[FdInfo, ...] = ()


@dataclass(frozen=True, slots=True)
class Comment:
    """A remark that somebody put into the capture.

    Attributes:
        num: The event to which it was attached, or None: the capture, or an event that conversion
            absorbed.
    """

    text: str
    num: int | None = None


Metadata = Section | MachineInfo | InterfaceList | UserList | ProcessList | FdList | Comment
