"""Parameters of events as text, the way ``evt.arg`` and ``evt.args`` show them.

Each has a plain text and, for many types, a meaning: the file of a descriptor, the names of flags, of an error,
of a user. ``evt.arg`` is the meaning where there is one; ``evt.args`` shows both: ``fd=3(<f>/etc/passwd)``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from struct import iter_unpack
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from falco_syscall.capture import L4Protocol
from falco_syscall.capture.event_table import ParamFormat, ParamInfo, ParamType, Render, ValueTable
from falco_syscall.capture.linux import ERRORS, SIGNALS, SYSCALLS
from falco_syscall.catalogue.events import GENERIC_EXIT
from falco_syscall.state.addresses import address_text, ip_text, tuple_text
from falco_syscall.state.descriptors import LETTERS, SERVERS, Descriptor, Role
from falco_syscall.state.paths import ABSENT, AT_FDCWD, UNREADABLE, as_directory, concat
from falco_syscall.state.threads import NOBODY

if TYPE_CHECKING:
    from falco_syscall.event import SyscallEvent

_NULL: Final = "NULL"
_NULL_TYPES: Final = frozenset({ParamType.BYTEBUF, ParamType.SOCKTUPLE, ParamType.FDLIST, ParamType.DYN})
_TEXT_TYPES: Final = frozenset({ParamType.CHARBUF, ParamType.FSPATH, ParamType.FSRELPATH})
_UNREADABLE: Final = UNREADABLE.encode() + b"\0"
_NO_TIME: Final = (1 << 64) - 1
_L4_LETTERS: Final[dict[int, str]] = {
    L4Protocol.TCP: "t",
    L4Protocol.UDP: "u",
    L4Protocol.ICMP: "i",
    L4Protocol.RAW: "r",
}


class Shown(NamedTuple):
    """A parameter as text; *meaning* is "" where there is none."""

    plain: str
    meaning: str = ""

    @property
    def best(self) -> str:
        """``evt.arg``."""
        return self.meaning or self.plain


Shower: TypeAlias = "Callable[[SyscallEvent, ParamInfo, bytes], Shown]"


def show(event: SyscallEvent, index: int) -> Shown | None:
    """The parameter *index* of *event*; None if the event does not have it."""
    if not 0 <= index < len(event.params) or index >= len(event.info.params):
        return None
    param = event.info.params[index]
    raw = event.params[index]
    if not raw:
        return Shown(_NULL if param.type in _NULL_TYPES else ABSENT)
    if raw == _UNREADABLE and param.type in _TEXT_TYPES:
        return Shown(ABSENT)
    return _SHOWERS.get(param.type, _bytes)(event, param, raw)


def show_all(event: SyscallEvent) -> str:
    """``evt.args``; nothing for generic system calls."""
    if event.code <= GENERIC_EXIT:
        return ""
    parts = []
    for index, param in enumerate(event.info.params[: len(event.params)]):
        shown = show(event, index)
        if shown is not None:
            parts.append(f"{param.name}={shown.plain}" + (f"({shown.meaning})" if shown.meaning else ""))
    return " ".join(parts)


def number_text(value: int, format_: ParamFormat) -> str:
    """A number as the parameter's format says."""
    match format_:
        case ParamFormat.HEX:
            return f"{value:X}"
        case ParamFormat.OCT:
            return f"0{value:o}" if value else "0"
        case ParamFormat.PADDED_DEC:
            return f"{value:09d}"
        case _:
            return str(value)


def names_of(table: ValueTable, value: int, type_: ParamType) -> str:
    """The names of a number's bits, or of the number."""
    if table.render is Render.ENUM or type_.startswith("ENUMFLAGS"):
        return "|".join(name for name, number in table.values if number == value)
    names = []
    rest = value
    for name, number in table.values:
        if (number == 0 and value == 0) or (number != 0 and rest & number == number):
            names.append(name)
            rest &= ~number
        if type_ is not ParamType.MODE and number == value:
            break
    return "|".join(names)


def descriptor_text(descriptor: Descriptor) -> str:
    """``<4t>1.2.3.4:5->6.7.8.9:80``: type, protocol, name."""
    letter = LETTERS.get(descriptor.type, "o")
    protocol = ""
    if descriptor.type in SERVERS or descriptor.role is not Role.NONE or descriptor.l4 == L4Protocol.RAW:
        protocol = _L4_LETTERS.get(descriptor.l4, "")
    return f"<{letter}{protocol}>{descriptor.name}"


def _unsigned(_event: SyscallEvent, param: ParamInfo, raw: bytes) -> Shown:
    # Decimal numbers of 32 and 64 bits are shown as signed ones, whatever their type: -1 is told apart.
    is_signed = len(raw) >= 4 and param.format not in {ParamFormat.HEX, ParamFormat.OCT}
    return Shown(number_text(int.from_bytes(raw, "little", signed=is_signed), param.format))


def _signed(_event: SyscallEvent, param: ParamInfo, raw: bytes) -> Shown:
    if param.format is ParamFormat.HEX:
        return Shown(number_text(int.from_bytes(raw, "little"), param.format))
    return Shown(number_text(int.from_bytes(raw, "little", signed=True), param.format))


def _text(_event: SyscallEvent, _param: ParamInfo, raw: bytes) -> Shown:
    return Shown(raw.partition(b"\0")[0].decode("utf-8", "surrogateescape"))


def _path(event: SyscallEvent, param: ParamInfo, raw: bytes) -> Shown:
    path = raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")
    if not path or path == ABSENT or path.startswith("/"):
        return Shown(path)
    return Shown(path, concat(_base(event, param), path))


def _base(event: SyscallEvent, param: ParamInfo) -> str:
    thread = event.thread
    if thread is None:
        return ""
    if param.dirfd is None:
        return thread.directory
    dirfd = event.number(param.dirfd, AT_FDCWD)
    if dirfd == AT_FDCWD:
        return thread.directory
    table = thread.table
    found = table.get(dirfd) if table is not None else None
    return as_directory(found.name) if found is not None else ""


def _bytes(_event: SyscallEvent, _param: ParamInfo, raw: bytes) -> Shown:
    return Shown(printable(raw))


def printable(raw: bytes) -> str:
    """Bytes with a dot for each that is not a printable ASCII character."""
    return raw.translate(_PRINTABLE).decode("ascii")


_PRINTABLE: Final = bytes(byte if 0x20 <= byte < 0x7F else ord(".") for byte in range(256))


def _error(_event: SyscallEvent, _param: ParamInfo, raw: bytes) -> Shown:
    value = int.from_bytes(raw, "little", signed=True)
    return Shown(str(value), ERRORS.get(-value, "") if value < 0 else "")


def _descriptor(event: SyscallEvent, _param: ParamInfo, raw: bytes) -> Shown:
    value = int.from_bytes(raw, "little", signed=True)
    if value < 0:
        return Shown(str(value), "AT_FDCWD" if value == AT_FDCWD else ERRORS.get(-value, ""))
    table = event.thread.table if event.thread is not None else None
    found = table.get(value) if table is not None else None
    return Shown(str(value), descriptor_text(found) if found is not None else "")


def _process(event: SyscallEvent, _param: ParamInfo, raw: bytes) -> Shown:
    value = int.from_bytes(raw, "little", signed=True)
    thread = event.machine.threads.get(value)
    return Shown(str(value), thread.comm if thread is not None else "")


def _address(_event: SyscallEvent, _param: ParamInfo, raw: bytes) -> Shown:
    return Shown(address_text(raw))


def _ip(_event: SyscallEvent, _param: ParamInfo, raw: bytes) -> Shown:
    return Shown(ip_text(raw) if len(raw) in {4, 16} else printable(raw))


def _tuple(_event: SyscallEvent, _param: ParamInfo, raw: bytes) -> Shown:
    return Shown(tuple_text(raw))


def _named(_event: SyscallEvent, param: ParamInfo, raw: bytes) -> Shown:
    value = int.from_bytes(raw, "little")
    plain = number_text(value, ParamFormat.OCT) if param.type is ParamType.MODE else str(value)
    return Shown(plain, names_of(param.values, value, param.type) if param.values is not None else "")


def _user(event: SyscallEvent, _param: ParamInfo, raw: bytes) -> Shown:
    value = int.from_bytes(raw, "little")
    if value == NOBODY:
        return Shown("-1", "<NONE>")
    container = event.thread.container_id if event.thread is not None else ""
    found = event.machine.accounts.listed_user(container, value)
    return Shown(str(value), found.name if found is not None else ABSENT)


def _group(event: SyscallEvent, _param: ParamInfo, raw: bytes) -> Shown:
    value = int.from_bytes(raw, "little")
    if value == NOBODY:
        return Shown("-1", "<NONE>")
    container = event.thread.container_id if event.thread is not None else ""
    found = event.machine.accounts.listed_group(container, value)
    return Shown(str(value), found.name if found is not None else ABSENT)


def _signal(_event: SyscallEvent, _param: ParamInfo, raw: bytes) -> Shown:
    value = int.from_bytes(raw, "little")
    return Shown(str(value), SIGNALS.get(value, ""))


def _signals(_event: SyscallEvent, _param: ParamInfo, raw: bytes) -> Shown:
    value = int.from_bytes(raw, "little")
    names = [SIGNALS[bit + 1] for bit in range(32) if value >> bit & 1 and bit + 1 in SIGNALS]
    return Shown(",".join(names))


def _duration(_event: SyscallEvent, _param: ParamInfo, raw: bytes) -> Shown:
    value = int.from_bytes(raw, "little")
    if value == _NO_TIME:
        return Shown("none")
    return Shown(str(value), f"{value / 1e9:g}s")


def _moment(_event: SyscallEvent, _param: ParamInfo, raw: bytes) -> Shown:
    seconds, nanoseconds = divmod(int.from_bytes(raw[:8], "little"), 1_000_000_000)  # more would be no date
    return Shown(f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}.{nanoseconds:09d}")


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _descriptors(event: SyscallEvent, _param: ParamInfo, raw: bytes) -> Shown:
    table = event.thread.table if event.thread is not None else None
    texts = []
    whole = 2 + (len(raw) - 2) // 10 * 10
    for number, flags in iter_unpack("<qH", raw[2:whole]):
        found = table.get(number) if table is not None else None
        letter = LETTERS.get(found.type, "o") if found is not None else "?"
        texts.append(f"{number}:{letter}{flags:x}")
    return Shown(" ".join(texts))


def _syscall(_event: SyscallEvent, _param: ParamInfo, raw: bytes) -> Shown:
    value = int.from_bytes(raw, "little")
    return Shown(str(value), SYSCALLS[value] if value < len(SYSCALLS) else "")


def _choice(event: SyscallEvent, param: ParamInfo, raw: bytes) -> Shown:
    if raw[0] >= len(param.choices):
        return Shown(_NULL)
    chosen = param.choices[raw[0]]
    value = raw[1:]
    if not value:
        return Shown(_NULL)
    return _SHOWERS.get(chosen.type, _bytes)(event, ParamInfo(param.name, chosen.type, param.format), value)


def _bool(_event: SyscallEvent, _param: ParamInfo, raw: bytes) -> Shown:
    return Shown("true" if any(raw) else "false")


_SHOWERS: Final[dict[ParamType, Shower]] = {
    **dict.fromkeys((ParamType.INT8, ParamType.INT16, ParamType.INT32, ParamType.INT64), _signed),
    **dict.fromkeys((ParamType.UINT8, ParamType.UINT16, ParamType.UINT32, ParamType.UINT64), _unsigned),
    **dict.fromkeys((ParamType.FLAGS8, ParamType.FLAGS16, ParamType.FLAGS32), _named),
    **dict.fromkeys((ParamType.ENUMFLAGS8, ParamType.ENUMFLAGS16, ParamType.ENUMFLAGS32), _named),
    ParamType.MODE: _named,
    ParamType.CHARBUF: _text,
    ParamType.FSPATH: _path,
    ParamType.FSRELPATH: _path,
    ParamType.BYTEBUF: _bytes,
    ParamType.ERRNO: _error,
    ParamType.FD: _descriptor,
    ParamType.FD32: _descriptor,
    ParamType.PID: _process,
    ParamType.PID32: _process,
    ParamType.SOCKADDR: _address,
    ParamType.SOCKTUPLE: _tuple,
    ParamType.UID: _user,
    ParamType.GID: _group,
    ParamType.SIGTYPE: _signal,
    ParamType.SIGSET: _signals,
    ParamType.RELTIME: _duration,
    ParamType.ABSTIME: _moment,
    ParamType.FDLIST: _descriptors,
    ParamType.SYSCALLID: _syscall,
    ParamType.BOOL: _bool,
    ParamType.PORT: _unsigned,
    ParamType.L4PROTO: _unsigned,
    ParamType.SOCKFAMILY: _unsigned,
    ParamType.IPV4ADDR: _ip,
    ParamType.IPV6ADDR: _ip,
    ParamType.DYN: _choice,
}
