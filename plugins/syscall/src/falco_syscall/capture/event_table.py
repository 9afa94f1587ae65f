"""The table of kernel events: what each event code of a capture means.

An event code is an index into `EVENTS`. Codes never change their meaning; newer drivers append
events, and parameters to events. The facts are those of the driver schema `SCHEMA_VERSION`;
``tools/event_table.py`` writes the data file that is read here.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec


class EventFlag(StrEnum):
    """A property of an event code."""

    CREATES_FD = "CREATES_FD"
    DESTROYS_FD = "DESTROYS_FD"
    USES_FD = "USES_FD"
    READS_FROM_FD = "READS_FROM_FD"
    WRITES_TO_FD = "WRITES_TO_FD"
    MODIFIES_STATE = "MODIFIES_STATE"
    UNUSED = "UNUSED"
    """Reserved code: such an event is dropped."""
    WAITS = "WAITS"
    SKIPPARSERESET = "SKIPPARSERESET"
    OLD_VERSION = "OLD_VERSION"
    """Written by older drivers only; see `falco_syscall.capture.conversion`."""
    LARGE_PAYLOAD = "LARGE_PAYLOAD"
    """Parameter lengths are stored in 32 bits instead of 16."""
    CONVERTER_MANAGED = "CONVERTER_MANAGED"
    """Older forms of this event can be converted to the current schema."""


class ParamType(StrEnum):
    """How the bytes of a parameter are to be read; `SIZES` has the fixed sizes."""

    NONE = "NONE"
    INT8 = "INT8"
    INT16 = "INT16"
    INT32 = "INT32"
    INT64 = "INT64"
    UINT8 = "UINT8"
    UINT16 = "UINT16"
    UINT32 = "UINT32"
    UINT64 = "UINT64"
    CHARBUF = "CHARBUF"
    """Text that ends with a NUL, which is part of the value."""
    BYTEBUF = "BYTEBUF"
    ERRNO = "ERRNO"
    """A result: i64, negative is -errno."""
    SOCKADDR = "SOCKADDR"
    SOCKTUPLE = "SOCKTUPLE"
    FD = "FD"
    """A descriptor: i64, negative is -errno, -100 is AT_FDCWD."""
    PID = "PID"
    FDLIST = "FDLIST"
    FSPATH = "FSPATH"
    SYSCALLID = "SYSCALLID"
    """An index into `falco_syscall.capture.linux.SYSCALLS`."""
    SIGTYPE = "SIGTYPE"
    RELTIME = "RELTIME"
    """A duration: u64 ns, all ones for none."""
    ABSTIME = "ABSTIME"
    PORT = "PORT"
    L4PROTO = "L4PROTO"
    SOCKFAMILY = "SOCKFAMILY"
    BOOL = "BOOL"
    IPV4ADDR = "IPV4ADDR"
    DYN = "DYN"
    """One byte, an index into `ParamInfo.choices`, then a value of that type."""
    FLAGS8 = "FLAGS8"
    FLAGS16 = "FLAGS16"
    FLAGS32 = "FLAGS32"
    UID = "UID"
    GID = "GID"
    DOUBLE = "DOUBLE"
    SIGSET = "SIGSET"
    """Bit n stands for signal n + 1."""
    CHARBUFARRAY = "CHARBUFARRAY"
    CHARBUF_PAIR_ARRAY = "CHARBUF_PAIR_ARRAY"
    IPV4NET = "IPV4NET"
    IPV6ADDR = "IPV6ADDR"
    IPV6NET = "IPV6NET"
    IPADDR = "IPADDR"
    IPNET = "IPNET"
    MODE = "MODE"
    FSRELPATH = "FSRELPATH"
    """A path relative to the descriptor in parameter `ParamInfo.dirfd`."""
    ENUMFLAGS8 = "ENUMFLAGS8"
    ENUMFLAGS16 = "ENUMFLAGS16"
    ENUMFLAGS32 = "ENUMFLAGS32"
    FD32 = "FD32"
    PID32 = "PID32"


class ParamFormat(StrEnum):
    """How the number of a parameter is printed."""

    NA = "NA"
    DEC = "DEC"
    HEX = "HEX"
    PADDED_DEC = "10_PADDED_DEC"
    ID = "ID"
    DIR = "DIR"
    OCT = "OCT"


class EventSource(StrEnum):
    """What produces an event."""

    NONE = ""
    SYSCALL = "SYSCALL"
    TRACEPOINT = "TRACEPOINT"
    PLUGIN = "PLUGIN"
    METAEVENT = "METAEVENT"
    ITER = "ITER"


class Render(StrEnum):
    """How a number is turned into the names of a value table."""

    BITS = "bits"
    """The names of its bits, in table order, as long as bits remain."""
    ENUM = "enum"
    """Every name with exactly this value."""
    MODE = "mode"
    """As bits, but an entry equal to the whole number ends the walk."""
    UNUSED = "unused"


class ValueTable(NamedTuple):
    """Names of a parameter's values; the order decides how combinations are printed."""

    name: str
    render: Render
    values: tuple[tuple[str, int], ...]


class DynamicChoice(NamedTuple):
    """One of the types that a parameter of type DYN can have."""

    type: ParamType
    format: ParamFormat


class ParamInfo(NamedTuple):
    """A parameter of an event.

    Attributes:
        values: Names of the values (FLAGS*, ENUMFLAGS*, MODE), or None.
        choices: The types of a DYN parameter, by its first byte; else empty.
        dirfd: For FSRELPATH the index of the descriptor that the path is relative to, else None.
    """

    name: str
    type: ParamType
    format: ParamFormat
    values: ValueTable | None = None
    choices: tuple[DynamicChoice, ...] = ()
    dirfd: int | None = None


class EventInfo(NamedTuple):
    """What an event code means.

    Attributes:
        constant: Unique name, such as ``SYSCALL_OPEN_X``.
        name: Name in rules (``evt.type``), shared by all versions and both directions: ``open``.
        is_enter: The event of entering a call, or of something that is not a call.
        category: As the table has it: ``FILE``, ``IO_READ``, ``NET``, ….
    """

    code: int
    constant: str
    name: str
    is_enter: bool
    category: str
    source: EventSource
    flags: frozenset[EventFlag]
    params: tuple[ParamInfo, ...]

    @property
    def is_old(self) -> bool:
        """Only captures of older drivers have it; conversion replaces or drops it."""
        return EventFlag.OLD_VERSION in self.flags

    @property
    def is_unused(self) -> bool:
        """No event has this code."""
        return EventFlag.UNUSED in self.flags

    @property
    def is_large(self) -> bool:
        """The lengths of its parameters take 32 bits."""
        return EventFlag.LARGE_PAYLOAD in self.flags

    def param_index(self, name: str) -> int:
        """The index of the parameter *name*.

        Raises:
            KeyError: The event has no such parameter.
        """
        for index, param in enumerate(self.params):
            if param.name == name:
                return index
        known = ", ".join(p.name for p in self.params) or "no parameters"
        raise KeyError(f"{self.constant} has no parameter {name!r}: it has {known}")


def _load(name: str) -> dict[str, Any]:
    content: dict[str, Any] = msgspec.json.decode(Path(__file__).with_name(name).read_bytes())
    return content


_DATA: Final = _load("event_table.json")

SCHEMA_VERSION: Final[str] = _DATA["schema"]
"""Version of the event schema that the table describes."""

SIZES: Final[dict[ParamType, int | None]] = {ParamType(k): n for k, n in _DATA["sizes"].items()}
"""Size in bytes of the types of fixed size; None for the others."""

VALUE_TABLES: Final[dict[str, ValueTable]] = {
    name: ValueTable(name, Render(render), tuple((n, v) for n, v in values))
    for name, (render, values) in _DATA["values"].items()
}

_CHOICES: Final = {
    name: tuple(DynamicChoice(ParamType(t), ParamFormat(f)) for t, f in choices)
    for name, choices in _DATA["dynamic"].items()
}


@cache  # of four parameters three are like one of another event
def _param(name: str, type_: str, format_: str, detail: str | int | None = None) -> ParamInfo:
    info = ParamInfo(name, _TYPES[type_], _FORMATS[format_])
    if detail is None:
        return info
    if isinstance(detail, int):
        return info._replace(dirfd=detail)
    if detail in _CHOICES:
        return info._replace(choices=_CHOICES[detail])
    return info._replace(values=VALUE_TABLES[detail])


# Plain dictionaries: calling an enum class takes five times as long.
_TYPES: Final = {str(t): t for t in ParamType}
_FORMATS: Final = {str(f): f for f in ParamFormat}
_SOURCES: Final = {str(s): s for s in EventSource}
_FLAGS: Final = {str(f): f for f in EventFlag}

EVENTS: Final[tuple[EventInfo, ...]] = tuple(
    EventInfo(
        code,
        constant,
        name,
        is_enter,
        category,
        _SOURCES[source],
        frozenset(_FLAGS[f] for f in flags),
        tuple(_param(*p) for p in params),
    )
    for code, (constant, name, is_enter, category, source, flags, params) in enumerate(_DATA["events"])
)
"""Every event, by code."""

del _DATA

CODES: Final[dict[str, int]] = {e.constant: e.code for e in EVENTS}
"""The code of each constant: ``CODES["SYSCALL_OPEN_X"] == 3``."""

FIXED_SIZES: Final[tuple[tuple[tuple[int, int], ...], ...]] = tuple(
    tuple((index, size) for index, p in enumerate(e.params) if (size := SIZES[p.type]) is not None) for e in EVENTS
)
"""For each code the parameters of fixed size, as (index, size)."""
