"""Writes captures: blocks of the current version that today's and older readers accept."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from struct import pack
from types import TracebackType
from typing import BinaryIO, Final, Self

from falco_syscall.capture.blocks import FRAME_BYTES, SECTION
from falco_syscall.capture.conversion import KEPT_ENTERS
from falco_syscall.capture.event import CaptureEvent
from falco_syscall.capture.event_table import EVENTS
from falco_syscall.capture.metadata import (
    Comment,
    FdInfo,
    FdList,
    FdType,
    Interface,
    InterfaceList,
    MachineInfo,
    Metadata,
    ProcessInfo,
    ProcessList,
    Section,
    UserList,
)
from falco_syscall.capture.metadata_blocks import MAGIC
from falco_syscall.capture.stored_event import HEADER, STATE_ONLY

_MACHINE, _PROCESSES, _FDS, _INTERFACES, _USERS = 0x201, 0x215, 0x218, 0x219, 0x220
_EVENT, _FLAGGED_EVENT, _LARGE_EVENT, _LARGE_FLAGGED_EVENT = 0x216, 0x217, 0x221, 0x222
_OLD_EVENT: Final = 0x204
_UNKNOWN_LENGTH: Final = (1 << 64) - 1
_MAX_EVENT_BLOCK: Final = 1 << 16
_MAX_PARAM: Final = (1 << 16) - 1
# Longer texts make the reference reader refuse the capture.
_MAX_TEXT: Final = 1023
_MAX_LIST: Final = 4096
_MAX_USER_TEXT: Final = 255
_COMMENT: Final = 1


class CaptureWriter:
    """Writes items as the reader yields them: sections, metadata, events.

    A section is started by itself if the first item is none. The reference reader wants metadata
    before the events of a section, a process list before its descriptors, and at least one event.
    Texts longer than that reader accepts are cut (1023 bytes, lists of arguments 4096, names of
    users 255).
    """

    def __init__(self, file: BinaryIO, *, compress: bool = False) -> None:
        """Writes to a file.

        Args:
            file: Open for writing bytes; the caller closes it, after `close`.
            compress: Write gzip.
        """
        self._gzip = gzip.GzipFile(fileobj=file, mode="wb", mtime=0) if compress else None
        self._file: BinaryIO | gzip.GzipFile = self._gzip or file
        self._started = False

    def write(self, item: Metadata | CaptureEvent, *, comments: Sequence[str] = ()) -> None:
        """Writes one item.

        Args:
            item: What to write. The number of an event is not stored: it is its position.
            comments: Remarks to attach, to an event only.

        Raises:
            ValueError: The item cannot be stored (an event that is too long).
            TypeError: The item is a comment by itself: comments belong to an event.
        """
        if isinstance(item, Section):
            self._started = True
        elif not self._started:
            self.write(Section())
        self._file.write(item_block(item, comments))

    def close(self) -> None:
        """Finishes the capture; the underlying file stays open."""
        if self._gzip is not None:
            self._gzip.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def block(kind: int, body: bytes) -> bytes:
    """A block: the body, filled to a multiple of four, in its frame."""
    filling = -len(body) % 4
    size = pack("<I", len(body) + filling + FRAME_BYTES)
    return pack("<I", kind) + size + body + bytes(filling) + size


def item_block(item: Metadata | CaptureEvent, comments: Sequence[str] = ()) -> bytes:
    """The block for an item; see `CaptureWriter.write`."""
    match item:
        case CaptureEvent():
            return event_block(item, comments)
        case Section(major, minor):
            return block(SECTION, pack("<IHHQ", MAGIC, major, minor, _UNKNOWN_LENGTH))
        case MachineInfo():
            return block(_MACHINE, _machine(item))
        case InterfaceList(interfaces):
            return block(_INTERFACES, b"".join(map(_interface, interfaces)))
        case UserList():
            return block(_USERS, _users(item))
        case ProcessList(processes):
            return block(_PROCESSES, b"".join(map(_process, processes)))
        case FdList(tid, fds):
            return block(_FDS, pack("<q", tid) + b"".join(map(_fd, fds)))
        case Comment():
            raise TypeError("a comment is written with the event that it belongs to")


def event_block(event: CaptureEvent, comments: Sequence[str] = ()) -> bytes:
    """The block of an event.

    Raises:
        ValueError: It, or one of its parameters, is too long.
    """
    info = EVENTS[event.code]
    content = _params(event.code, event.params)
    is_flagged = event.hidden and event.code not in KEPT_ENTERS
    body = (
        pack("<H", event.cpu)
        + (pack("<I", STATE_ONLY) if is_flagged else b"")
        + HEADER.pack(event.time_ns, event.tid, HEADER.size + len(content), event.code, len(event.params))
        + content
        + _options(comments)
    )
    if info.is_large:
        return block(_LARGE_FLAGGED_EVENT if is_flagged else _LARGE_EVENT, body)
    if len(body) + FRAME_BYTES > _MAX_EVENT_BLOCK:
        raise ValueError(f"{info.constant} takes {len(body)} bytes: an event can have about {_MAX_EVENT_BLOCK}")
    return block(_FLAGGED_EVENT if is_flagged else _EVENT, body)


def old_event_block(event: CaptureEvent) -> bytes:
    """The block of an event in the first format, which does not store the number of parameters.

    For captures like those of 2016 to 2020, whose readers still have to work.
    """
    content = _params(event.code, event.params)
    header = pack("<QqIH", event.time_ns, event.tid, 22 + len(content), event.code)
    return block(_OLD_EVENT, pack("<H", event.cpu) + header + content)


def _params(code: int, params: Sequence[bytes]) -> bytes:
    info = EVENTS[code]
    if not info.is_large and params and max(map(len, params)) > _MAX_PARAM:
        raise ValueError(f"a parameter of {info.constant} is longer than {_MAX_PARAM} bytes")
    lengths = pack(f"<{len(params)}{'I' if info.is_large else 'H'}", *map(len, params))
    return lengths + b"".join(params)


def _options(comments: Sequence[str]) -> bytes:
    options = b""
    for comment in comments:
        raw = comment.encode("utf-8", "surrogateescape")
        options += pack("<HH", _COMMENT, len(raw)) + raw + bytes(-len(raw) % 4)
    return options + bytes(4) if options else b""


def _raw(text: str, limit: int = _MAX_TEXT) -> bytes:
    return text.encode("utf-8", "surrogateescape")[:limit]


def _text(text: str, limit: int = _MAX_TEXT) -> bytes:
    raw = _raw(text, limit)
    return pack("<H", len(raw)) + raw


def _list(texts: bytes) -> bytes:
    texts = texts[:_MAX_LIST]
    return pack("<H", len(texts)) + texts


def _entry(body: bytes) -> bytes:
    """An entry of a list, after its length, which counts itself."""
    return pack("<I", len(body) + 4) + body


def _machine(machine: MachineInfo) -> bytes:
    return pack(
        "<IQQ128sQQQQ",
        machine.cpus,
        machine.memory_bytes,
        machine.max_pid,
        _raw(machine.hostname, 127),
        machine.boot_time_ns,
        machine.flags,
        0,
        0,
    )


def _interface(interface: Interface) -> bytes:
    is_v6 = len(interface.address) == 16
    speed = interface.link_speed
    kind = (2 if is_v6 else 1) + (2 if speed is None else 0)
    name = _raw(interface.name)
    body = pack("<HH", kind, len(name)) + interface.address + interface.netmask + interface.broadcast
    body += (b"" if speed is None else pack("<Q", speed)) + name
    # Unlike in the other lists, the length does not count itself.
    return pack("<I", len(body)) + body


def _users(users: UserList) -> bytes:
    entries = [
        pack("<BII", 0, user.uid, user.gid)
        + b"".join(_text(t, _MAX_USER_TEXT) for t in (user.name, user.home, user.shell))
        for user in users.users
    ]
    entries += [pack("<BI", 1, group.gid) + _text(group.name, _MAX_USER_TEXT) for group in users.groups]
    return b"".join(map(_entry, entries))


def _process(p: ProcessInfo) -> bytes:
    return _entry(
        pack("<qqqqq", p.tid, p.pid, p.ptid, p.sid, p.vpgid)
        + _text(p.comm)
        + _text(p.exe)
        + _text(p.exepath)
        + _list(p.args)
        + _text(p.cwd)
        + pack("<qIII", p.fdlimit, p.flags, p.uid, p.gid)
        + pack("<IIIQQ", p.vmsize_kb, p.vmrss_kb, p.vmswap_kb, p.pfmajor, p.pfminor)
        + _list(p.env)
        + pack("<qq", p.vtid, p.vpid)
        + _list(p.cgroups)
        + _text(p.root)
        + pack("<QIIB", p.pidns_init_start_ns, p.tty, p.loginuid, p.exe_writable)
        + pack("<QQQ", p.cap_inheritable, p.cap_permitted, p.cap_effective)
        + pack("<BQQQ", p.exe_upper_layer, p.exe_ino, p.exe_ino_ctime_ns, p.exe_ino_mtime_ns)
        + pack("<BBq", p.exe_from_memfd, p.exe_lower_layer, p.pgid)
    )


def _fd(fd: FdInfo) -> bytes:
    head = pack("<qQB", fd.fd, fd.ino, fd.type)
    match fd.type:
        case FdType.UNKNOWN:
            return _entry(head)
        case FdType.IPV4_SOCKET | FdType.IPV6_SOCKET:
            ports = pack("<HHB", fd.source_port, fd.dest_port, fd.l4)
            return _entry(head + fd.source_ip + fd.dest_ip + ports)
        case FdType.IPV4_SERVER_SOCKET | FdType.IPV6_SERVER_SOCKET:
            return _entry(head + fd.source_ip + pack("<HB", fd.source_port, fd.l4))
        case FdType.UNIX_SOCKET:
            return _entry(head + pack("<QQ", fd.source, fd.dest) + _text(fd.name))
        case FdType.FILE_V2:
            return _entry(head + pack("<I", fd.open_flags) + _text(fd.name) + pack("<I", fd.dev))
        case _:
            return _entry(head + _text(fd.name))
