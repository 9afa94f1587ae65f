"""Reads the bodies of metadata blocks, of every version."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

from falco_syscall.capture.blocks import FDS, INTERFACES, MACHINE, PROCESSES, USERS, Block
from falco_syscall.capture.errors import CaptureError
from falco_syscall.capture.metadata import (
    FdInfo,
    FdList,
    FdType,
    Group,
    Interface,
    InterfaceList,
    MachineInfo,
    Metadata,
    ProcessInfo,
    ProcessList,
    Section,
    User,
    UserList,
)
from falco_syscall.capture.stored_event import comments

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_ENTRIES: Final = 1 << 18
"""Most entries that one list may have."""
MAGIC: Final = 0x1A2B3C4D
_SWAPPED_MAGIC: Final = 0x4D3C2B1A
_SECTION: Final = Struct("<IHHQ")
_MACHINE: Final = Struct("<IQQ128sQQQQ")
_SMALLEST_ENTRY: Final = 4


def read_section(block: Block) -> Section:
    """The section header.

    Raises:
        CaptureError: The section is of another format than this reader knows.
    """
    if len(block.body) < _SECTION.size:
        raise CaptureError("the section header is too short", block.offset)
    magic, major, minor, _ = _SECTION.unpack_from(block.body)
    if magic == _SWAPPED_MAGIC:
        raise CaptureError(
            "the capture was made on a machine of the other byte order (big-endian), "
            "which this reader does not support",
            block.offset,
        )
    if magic != MAGIC:
        raise CaptureError(
            f"the section header has the magic number {magic:#x} instead of {MAGIC:#x}",
            block.offset,
        )
    if major > 1:
        raise CaptureError(
            f"the capture has format version {major}.{minor}, this reader knows 1.x: it was written by a newer program",
            block.offset,
        )
    return Section(major, minor)


def section_comments(block: Block) -> list[str]:
    """The comments in a section header."""
    return comments(block.body[_SECTION.size :])


def read_metadata(block: Block) -> Metadata:
    """The value of a metadata block.

    Raises:
        CaptureError: The body is not what the block's type says.
    """
    if block.trailer != block.size:
        raise CaptureError(
            f"a block of type {block.kind:#x} has the length {block.size} at its head and {block.trailer} at its end",
            block.offset,
        )
    body = _Body(block)
    match block.kind:
        case kind if kind in MACHINE:
            return _machine(block)
        case kind if kind in INTERFACES:
            return InterfaceList(tuple(_interfaces(body, INTERFACES[kind])))
        case kind if kind in USERS:
            return _users(body, USERS[kind])
        case kind if kind in PROCESSES:
            return ProcessList(tuple(_processes(body, PROCESSES[kind])))
        case kind if kind in FDS:
            return FdList(body.i64(), tuple(_fds(body, FDS[kind])))
        case _:
            raise CaptureError(f"a block of unknown type {block.kind:#x}", block.offset)


def text(raw: bytes) -> str:
    """The text before the first NUL."""
    return raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")


_U8, _U16, _U32, _U64, _I64 = (Struct(f"<{c}") for c in "BHIQq")


class _Body:
    """A place in the body of a block that moves on as values are read."""

    def __init__(self, block: Block) -> None:
        self.data = block.body
        self.at = 0
        self._block = block

    def fault(self, message: str) -> CaptureError:
        return CaptureError(f"block of type {self._block.kind:#x}: {message}", self._block.offset + 8 + self.at)

    def _number(self, form: Struct) -> int:
        end = self.at + form.size
        if end > len(self.data):
            raise self.fault("it ends in the middle of an entry")
        value: int = form.unpack_from(self.data, self.at)[0]
        self.at = end
        return value

    def u8(self) -> int:
        return self._number(_U8)

    def u16(self) -> int:
        return self._number(_U16)

    def u32(self) -> int:
        return self._number(_U32)

    def u64(self) -> int:
        return self._number(_U64)

    def i64(self) -> int:
        return self._number(_I64)

    def raw(self, size: int) -> bytes:
        end = self.at + size
        if end > len(self.data):
            raise self.fault("it ends in the middle of an entry")
        value = self.data[self.at : end]
        self.at = end
        return value

    def sized(self) -> bytes:
        return self.raw(self.u16())

    def text(self) -> str:
        return text(self.sized())

    def entries(self) -> Iterator[int]:
        """The start of each entry, as long as there can be one: the last 0 to 3 bytes are filling.

        Raises:
            CaptureError: There are more than a machine can have.
        """
        for count in range(MAX_ENTRIES + 1):
            if len(self.data) - self.at < _SMALLEST_ENTRY:
                return
            if count == MAX_ENTRIES:
                break
            yield self.at
        raise self.fault(f"it has more than {MAX_ENTRIES} entries")

    def move_to(self, end: int) -> None:
        """Pass over what a newer writer put at the end of an entry."""
        if not self.at <= end <= len(self.data):
            raise self.fault("the length of an entry contradicts its content")
        self.at = end


def _machine(block: Block) -> MachineInfo:
    if len(block.body) != _MACHINE.size:
        raise CaptureError(
            f"the machine description has {len(block.body)} bytes instead of {_MACHINE.size}",
            block.offset,
        )
    cpus, memory, max_pid, hostname, boot, flags, _, _ = _MACHINE.unpack(block.body)
    return MachineInfo(text(hostname), cpus, memory, max_pid, boot, flags)


def _interfaces(body: _Body, version: int) -> Iterator[Interface]:
    for _ in body.entries():
        # The only length of an entry that does not count itself.
        end = body.u32() + body.at if version > 1 else None
        kind, name_size = body.u16(), body.u16()
        if kind not in (1, 2, 3, 4):
            raise body.fault(f"an interface of unknown type {kind}")
        width = 4 if kind in (1, 3) else 16
        address, netmask, broadcast = body.raw(width), body.raw(width), body.raw(width)
        speed = body.u64() if kind in (1, 2) else None
        yield Interface(text(body.raw(name_size)), address, netmask, broadcast, speed)
        if end is not None:
            body.move_to(end)


def _users(body: _Body, version: int) -> UserList:
    users: list[User] = []
    groups: list[Group] = []
    for start in body.entries():
        end = start + body.u32() if version > 1 else None
        if body.u8() == 0:
            users.append(User(body.u32(), body.u32(), body.text(), body.text(), body.text()))
        else:
            groups.append(Group(body.u32(), body.text()))
        if end is not None:
            body.move_to(end)
    return UserList(tuple(users), tuple(groups))


_TAIL: Final = (
    ("pidns_init_start_ns", _U64),
    ("tty", _U32),
    ("loginuid", _U32),
    ("exe_writable", _U8),
    ("cap_inheritable", _U64),
    ("cap_permitted", _U64),
    ("cap_effective", _U64),
    ("exe_upper_layer", _U8),
    ("exe_ino", _U64),
    ("exe_ino_ctime_ns", _U64),
    ("exe_ino_mtime_ns", _U64),
    ("exe_from_memfd", _U8),
    ("exe_lower_layer", _U8),
    ("pgid", _I64),
)
_FLAGS: Final = frozenset({"exe_writable", "exe_upper_layer", "exe_from_memfd", "exe_lower_layer"})
_TAIL_WITHOUT_NAMESPACE: Final = 29


def _processes(body: _Body, version: int) -> Iterator[ProcessInfo]:
    for start in body.entries():
        end = start + body.u32() if version >= 9 else None
        values: dict[str, int | str | bytes] = {
            "tid": body.i64(),
            "pid": body.i64(),
            "ptid": body.i64(),
        }
        if version >= 6:
            values["sid"] = body.i64()
        if version >= 8:
            values["vpgid"] = body.i64()
        values["comm"] = body.text()
        values["exe"] = body.text()
        if version >= 7:
            values["exepath"] = body.text()
        values["args"] = body.sized()
        values["cwd"] = body.text()
        values["fdlimit"] = body.i64()
        for name in ("flags", "uid", "gid"):
            values[name] = body.u32()
        if version >= 2:
            for name in ("vmsize_kb", "vmrss_kb", "vmswap_kb"):
                values[name] = body.u32()
            for name in ("pfmajor", "pfminor"):
                values[name] = body.u64()
        if version >= 3:
            values["env"] = body.sized()
        if version >= 4:
            values["vtid"] = body.i64()
            values["vpid"] = body.i64()
            values["cgroups"] = body.sized()
        if version >= 5:
            values["root"] = body.text()
        if end is not None:
            _tail(body, end, values)
            body.move_to(end)
        yield ProcessInfo(**values)  # type: ignore[arg-type] # names and types as above


def _tail(body: _Body, end: int, values: dict[str, int | str | bytes]) -> None:
    """What version 9 appended over time: each item that still fits in the entry.

    Its first two items were put before older ones; they are there only if the tail is long.
    """
    items = _TAIL if end - body.at > _TAIL_WITHOUT_NAMESPACE else _TAIL[2:]
    for name, form in items:
        if body.at + form.size <= end:
            value = body._number(form)  # noqa: SLF001 - the same module
            values[name] = bool(value) if name in _FLAGS else value


_WIDTH: Final = {
    FdType.IPV4_SOCKET: 4,
    FdType.IPV4_SERVER_SOCKET: 4,
    FdType.IPV6_SOCKET: 16,
    FdType.IPV6_SERVER_SOCKET: 16,
}


def _fds(body: _Body, version: int) -> Iterator[FdInfo]:
    for start in body.entries():
        end = start + body.u32() if version > 1 else None
        yield _fd(body, end)
        if end is not None:
            body.move_to(end)


def _fd(body: _Body, end: int | None) -> FdInfo:
    fd, ino, number = body.i64(), body.u64(), body.u8()
    if number > max(FdType):
        if end is None:
            raise body.fault(f"a descriptor of unknown type {number}, whose length is not known")
        body.move_to(end)
        return FdInfo(fd=fd, type=FdType.UNSUPPORTED, ino=ino, name=f"unknown-type:[{number}]")
    match kind := FdType(number):
        case FdType.UNKNOWN:
            return FdInfo(fd=fd, type=kind, ino=ino)
        case FdType.IPV4_SOCKET | FdType.IPV6_SOCKET:
            width = _WIDTH[kind]
            return FdInfo(
                fd=fd,
                type=kind,
                ino=ino,
                source_ip=body.raw(width),
                dest_ip=body.raw(width),
                source_port=body.u16(),
                dest_port=body.u16(),
                l4=body.u8(),
            )
        case FdType.IPV4_SERVER_SOCKET | FdType.IPV6_SERVER_SOCKET:
            return FdInfo(
                fd=fd,
                type=kind,
                ino=ino,
                source_ip=body.raw(_WIDTH[kind]),
                source_port=body.u16(),
                l4=body.u8(),
            )
        case FdType.UNIX_SOCKET:
            source, dest = body.u64(), body.u64()
            # Old writers read the path from a line of /proc and kept its end; Falco shows it.
            return FdInfo(fd=fd, type=kind, ino=ino, source=source, dest=dest, name=body.text())
        case FdType.FILE_V2:
            flags, name = body.u32(), body.text()
            dev = body.u32() if end is not None and end - body.at >= _U32.size else 0
            return FdInfo(fd=fd, type=kind, ino=ino, open_flags=flags, name=name, dev=dev)
        case _:
            return FdInfo(fd=fd, type=kind, ino=ino, name=body.text())
