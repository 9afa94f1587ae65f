"""``fs.path.*`` and ``fdlist.*``: paths and descriptors that events name without opening them."""

from __future__ import annotations

from collections.abc import Callable
from struct import iter_unpack
from typing import TYPE_CHECKING, Final, NamedTuple

from falco_syscall.capture import FdType
from falco_syscall.capture.event_table import CODES
from falco_syscall.fields.binding import plain
from falco_syscall.state.addresses import ip_text
from falco_syscall.state.descriptors import CONNECTIONS, SERVERS, Descriptor, Role
from falco_syscall.state.opening import base_of
from falco_syscall.state.paths import ABSENT, AT_FDCWD, UNKNOWN, as_directory, concat

if TYPE_CHECKING:
    from falco_syscall.catalogue.fields import Binder
    from falco_syscall.event import SyscallEvent
    from falco_syscall.fields.binding import Getter


class PathParameter(NamedTuple):
    """Where a path is in an event, and what a relative one starts from.

    Attributes:
        base: ``cwd``; ``dirfd``: any descriptor; ``directory``: a descriptor that is one; ``made``: nothing, the
            path is the name of the descriptor that the call made.
    """

    position: int
    dirfd: int = -1
    base: str = "cwd"


class PathCall(NamedTuple):
    """The paths of one kind of event; ``name_fd``: its path is the name of the descriptor it uses."""

    name: PathParameter | None = None
    source: PathParameter | None = None
    target: PathParameter | None = None
    name_fd: bool = False
    needs_fd: bool = False


_FIRST: Final = PathCall(name=PathParameter(1))


def _at(index: int, dirfd: int, base: str) -> PathParameter:
    return PathParameter(index, dirfd, base)


_CALLS: Final[dict[int, PathCall]] = {
    CODES[constant]: call
    for constants, call in (
        (
            ("SYSCALL_MKDIR_2_X", "SYSCALL_RMDIR_2_X", "SYSCALL_UNLINK_2_X", "SYSCALL_CHOWN_X", "SYSCALL_LCHOWN_X"),
            _FIRST,
        ),
        (("SYSCALL_CHMOD_X", "SYSCALL_UMOUNT_1_X", "SYSCALL_UMOUNT2_X", "SYSCALL_QUOTACTL_X"), _FIRST),
        (("SYSCALL_MKDIRAT_X", "SYSCALL_UNLINKAT_2_X"), PathCall(name=_at(2, 1, "directory"))),
        (("SYSCALL_FCHMODAT_X", "SYSCALL_FCHOWNAT_X"), PathCall(name=_at(2, 1, "directory"))),
        (("SYSCALL_FCHMOD_X", "SYSCALL_FCHOWN_X"), PathCall(name_fd=True)),
        (("SYSCALL_OPEN_X",), PathCall(name=PathParameter(1), needs_fd=True)),
        (("SYSCALL_OPENAT_2_X", "SYSCALL_OPENAT2_X"), PathCall(name=_at(2, 1, "made"), needs_fd=True)),
        (("SYSCALL_RENAME_X",), PathCall(source=PathParameter(1), target=PathParameter(2))),
        (("SYSCALL_RENAMEAT_X",), PathCall(source=PathParameter(2), target=PathParameter(4))),
        (("SYSCALL_RENAMEAT2_X",), PathCall(source=_at(2, 1, "dirfd"), target=_at(4, 3, "dirfd"))),
        (("SYSCALL_LINK_2_X",), PathCall(source=PathParameter(2), target=PathParameter(1))),
        (("SYSCALL_LINKAT_2_X",), PathCall(source=PathParameter(4), target=PathParameter(2))),
        (("SYSCALL_SYMLINK_X",), PathCall(source=PathParameter(2), target=PathParameter(1))),
        (("SYSCALL_SYMLINKAT_X",), PathCall(source=_at(3, 2, "directory"), target=_at(1, 2, "directory"))),
        (("SYSCALL_MOUNT_X",), PathCall(source=PathParameter(1), target=PathParameter(2))),
    )
    for constant in constants
}


def _succeeded(event: SyscallEvent, call: PathCall) -> bool:
    result = event.result
    return result != -1 if call.needs_fd else result == 0


def _path(event: SyscallEvent, where: PathParameter, *, raw: bool) -> str | None:
    if where.position >= len(event.params):
        return None
    path = event.path(where.position)
    if raw:
        return path
    if path.startswith("/"):
        return concat("", path)
    if where.base == "made":
        return UNKNOWN
    return concat(_base(event, where, path), path)


def _base(event: SyscallEvent, where: PathParameter, path: str) -> str:
    thread = event.thread
    if where.base == "cwd":
        return thread.directory if thread is not None else UNKNOWN
    dirfd = event.number(where.dirfd, AT_FDCWD)
    if where.base == "dirfd":
        return base_of(event, dirfd, path)
    if dirfd == AT_FDCWD:
        return thread.directory if thread is not None else UNKNOWN
    table = thread.table if thread is not None else None
    found = table.get(dirfd) if table is not None else None
    return UNKNOWN if found is None or found.type is not FdType.DIRECTORY else as_directory(found.name)


def _read(side: str, *, raw: bool) -> Binder:
    def getter(event: SyscallEvent) -> str | None:
        call = _CALLS.get(event.code)
        if call is None or event.thread is None or not _succeeded(event, call):
            return None
        if call.name_fd:
            return event.fd.name if event.fd is not None and side == "name" else None
        if call.needs_fd and not raw and event.fd is not None:
            return event.fd.name if side == "name" else None
        where: PathParameter | None = getattr(call, side)
        return None if where is None else _path(event, where, raw=raw)

    return plain(getter)


# fdlist -------------------------------------------------------------------------------------------------------

_POLLS: Final = frozenset({CODES["SYSCALL_POLL_X"], CODES["SYSCALL_PPOLL_X"]})


def _listed(event: SyscallEvent) -> list[tuple[int, Descriptor | None]] | None:
    raw = event.raw(1)
    if event.code not in _POLLS or event.thread is None or not raw:
        return None
    table = event.thread.table
    whole = 2 + (len(raw) - 2) // 10 * 10
    return [
        (number, table.get(number) if table is not None else None) for number, _ in iter_unpack("<qH", raw[2:whole])
    ]


def _numbers(event: SyscallEvent) -> str | None:
    listed = _listed(event)
    return ",".join(str(number) for number, _ in listed) or None if listed is not None else None


def _each(read: Callable[[Descriptor], str]) -> Getter:
    """Texts of the descriptors that are known, separated by commas."""

    def getter(event: SyscallEvent) -> str | None:
        listed = _listed(event)
        if listed is None:
            return None
        return ",".join(text for _, fd in listed if fd is not None and (text := read(fd))) or None

    return getter


def _names(event: SyscallEvent) -> str | None:
    listed = _listed(event)
    if listed is None:
        return None
    return ",".join(ABSENT if fd is None or not fd.name else fd.name for _, fd in listed) or None


def _client_ip(fd: Descriptor) -> str:
    return ip_text(fd.source_ip) if fd.type in CONNECTIONS and fd.role is not Role.NONE else ""


def _server_ip(fd: Descriptor) -> str:
    if fd.type in CONNECTIONS:
        return ip_text(fd.dest_ip)
    return ip_text(fd.source_ip) if fd.type in SERVERS else ""


def _client_port(fd: Descriptor) -> str:
    return str(fd.source_port) if fd.type in CONNECTIONS else ""


def _server_port(fd: Descriptor) -> str:
    return str(fd.dest_port) if fd.type in CONNECTIONS else ""


BINDERS: Final[dict[str, Binder]] = {
    "fs.path.name": _read("name", raw=False),
    "fs.path.nameraw": _read("name", raw=True),
    "fs.path.source": _read("source", raw=False),
    "fs.path.sourceraw": _read("source", raw=True),
    "fs.path.target": _read("target", raw=False),
    "fs.path.targetraw": _read("target", raw=True),
    "fdlist.nums": plain(_numbers),
    "fdlist.names": plain(_names),
    "fdlist.cips": plain(_each(_client_ip)),
    "fdlist.sips": plain(_each(_server_ip)),
    "fdlist.cports": plain(_each(_client_port)),
    "fdlist.sports": plain(_each(_server_port)),
}
