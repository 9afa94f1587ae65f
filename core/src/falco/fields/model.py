"""Fields: what a condition or an output can ask of an event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Generic, TypeAlias, TypeVar

E = TypeVar("E")
Address: TypeAlias = IPv4Address | IPv6Address
Scalar: TypeAlias = "str | int | bool | float | bytes | Address"
Value: TypeAlias = "Scalar | list[str] | list[int] | list[bool] | list[Address]"
"""What a getter returns: str for text types, int for numbers and times (ns), bytes for BYTEBUF, an address
object for IPADDR and IPNET, a non-empty or empty list of those for list fields."""
Getter: TypeAlias = "Callable[[E], Value | None]"
"""Reads one value from an event; None = absent. Never raises, never changes the event."""


class FieldType(Enum):
    """The type of a field's value; the member's value is the name that ``--list`` prints."""

    STRING = "CHARBUF"
    BYTES = "BYTEBUF"
    FSPATH = "FSPATH"
    FSRELPATH = "FSRELPATH"
    BOOL = "BOOL"
    DOUBLE = "DOUBLE"
    INT8 = "INT8"
    INT16 = "INT16"
    INT32 = "INT32"
    INT64 = "INT64"
    UINT8 = "UINT8"
    UINT16 = "UINT16"
    UINT32 = "UINT32"
    UINT64 = "UINT64"
    RELTIME = "RELTIME"
    ABSTIME = "ABSTIME"
    IPADDR = "IPADDR"
    IPV4ADDR = "IPV4ADDR"
    IPV6ADDR = "IPV6ADDR"
    IPNET = "IPNET"
    IPV4NET = "IPV4NET"
    IPV6NET = "IPV6NET"
    PORT = "PORT"
    L4PROTO = "L4PROTO"
    SOCKFAMILY = "SOCKFAMILY"
    FD = "FD"
    PID = "PID"
    UID = "UID"
    GID = "GID"
    ERRNO = "ERRNO"
    SYSCALLID = "SYSCALLID"
    SIGTYPE = "SIGTYPE"
    SIGSET = "SIGSET"
    FLAGS8 = "FLAGS8"
    FLAGS16 = "FLAGS16"
    FLAGS32 = "FLAGS32"
    ENUMFLAGS8 = "ENUMFLAGS8"
    ENUMFLAGS16 = "ENUMFLAGS16"
    ENUMFLAGS32 = "ENUMFLAGS32"
    MODE = "MODE"
    SOCKADDR = "SOCKADDR"
    SOCKTUPLE = "SOCKTUPLE"
    FDLIST = "FDLIST"
    DYNAMIC = "DYNAMIC"
    CHARBUFARRAY = "CHARBUFARRAY"
    CHARBUF_PAIR_ARRAY = "CHARBUF_PAIR_ARRAY"


class Argument(Enum):
    """Whether ``name[argument]`` is required, allowed or refused, and what it may be."""

    NONE = "none"
    INDEX = "index"
    KEY = "key"
    INDEX_OR_KEY = "index or key"
    OPTIONAL_INDEX = "optional index"
    OPTIONAL_KEY = "optional key"
    OPTIONAL_INDEX_OR_KEY = "optional index or key"
    TEXT = "text"
    """The field itself, when it is bound, says which text it takes; what libsinsp's own fields do."""
    OPTIONAL_TEXT = "optional text"

    @property
    def is_required(self) -> bool:
        """Whether the field cannot be used without an argument."""
        return self is not Argument.NONE and not self.value.startswith("optional")

    @property
    def is_index(self) -> bool:
        """Whether a number is accepted."""
        return "index" in self.value

    @property
    def is_key(self) -> bool:
        """Whether any text is accepted."""
        return "key" in self.value or "text" in self.value


class FieldFlag(Enum):
    """Properties of a field; the member's value is the tag that ``--list`` prints where it prints one."""

    FILTER_ONLY = "FILTER_ONLY"
    PRINT_ONLY = "PRINT_ONLY"
    TABLE_ONLY = "EPF_TABLE_ONLY"
    NO_RHS = "EPF_NO_RHS"
    NO_TRANSFORMER = "EPF_NO_TRANSFORMER"
    DEPRECATED = "EPF_DEPRECATED"
    HIDDEN = "HIDDEN"
    SUGGESTED = "EPF_FORMAT_SUGGESTED"


class FieldFormat(Enum):
    """How a number is written as text."""

    DECIMAL = "decimal"
    """Of a time: unsigned in JSON too, where the upper half of 64 bits is negative otherwise."""
    OCTAL = "octal"
    HEX = "hex"
    PADDED_9 = "padded decimal"
    """``%09d`` in text, a number in JSON."""
    TIME = "time"
    """``HH:MM:SS.nnnnnnnnn`` in the clock's zone; in JSON the nanoseconds since the epoch. This and the next four are
    the time of the event, whatever the getter returns."""
    TIME_S = "time, seconds"
    TIME_ISO8601 = "ISO 8601"
    DATETIME = "date and time"
    DATETIME_S = "date and time, seconds"
    NATURAL = "natural"
    """What the type says: text as it is, decimal numbers, ``true``, addresses."""


class Quantifier(Enum):
    """How a comparison reads a getter that returns several candidates (a tuple) for one scalar field."""

    ONE = "one"
    """The getter returns the one value."""
    ANY = "any"
    """A tuple of candidates: every comparison, ``!=`` too, is true if one candidate satisfies it (``proc.aname``)."""
    EITHER = "either"
    """A tuple of candidates: ``!=`` is true only if all differ, all else if one satisfies it (``fd.ip``)."""


@dataclass(frozen=True, slots=True)
class FieldClass:
    """A group of fields as ``--list`` prints it: name, short title in parentheses, description."""

    name: str
    title: str = ""
    doc: str = ""
    is_native: bool = False
    """Whether Falco has these fields in its own code (evt, proc, fd …); its plugins' fields refuse a wrong argument
    with sentences of their own."""


@dataclass(frozen=True, slots=True)
class Field(Generic[E]):
    """One field of an event source.

    ``bind(argument)`` runs once per use in a rule, when the rule is compiled; it gets the text between the
    brackets (an index as its digits), already checked against ``argument``, or None when there is none. It
    may raise ``ValueError`` with a sentence for an argument it cannot use. The getter it returns reads the
    value from an event; None = absent.
    """

    name: str
    bind: Callable[[str | None], Getter[E]] = field(compare=False)
    type: FieldType = FieldType.STRING
    is_list: bool = False
    argument: Argument = Argument.NONE
    flags: frozenset[FieldFlag] = frozenset()
    doc: str = ""
    group: FieldClass | None = None
    format: FieldFormat = FieldFormat.NATURAL
    quantifier: Quantifier = Quantifier.ONE
    spelling: Callable[[str], str | None] | None = field(default=None, compare=False)
    """Normalises other spellings: gets the text that follows the name (``.res`` of ``evt.arg.res``), returns the
    argument (``res``) or None. The longest field name that is a prefix is asked. May raise ``ValueError`` with a
    sentence. What it returns is handed to ``bind`` as it is."""
    type_of: Callable[[str | None], FieldType] | None = field(default=None, compare=False)
    """For type DYNAMIC: the type of the value, by argument. May raise ``ValueError`` as ``bind``."""
    refusal_of: Callable[[str | None], str] | None = field(default=None, compare=False)
    """For type DYNAMIC: why values cannot be compared, by argument; "" if they can. Falco's sentence."""
    shown: Callable[[str | None], Getter[E]] | None = field(default=None, compare=False)
    """Like ``bind``, for outputs, where they show something else than comparisons see (``proc.apid`` without an
    argument: any ancestor in a comparison, the process itself in an output; ``evt.rawarg.flags``: a number, and
    its hexadecimal text). None = the same; the candidates of a quantified field are then shown with blanks between."""

    @property
    def is_native(self) -> bool:
        """Whether the field belongs to Falco itself rather than to one of its plugins."""
        return self.group is not None and self.group.is_native


@dataclass(frozen=True, slots=True)
class FieldUse:
    """A field with its argument (text between the brackets, None without)."""

    name: str
    argument: str | None
    field: Field[Any] = field(compare=False, repr=False)

    @property
    def text(self) -> str:
        """``name`` or ``name[argument]``: the spelling used in dispatch fields, ``needs`` and output keys."""
        return self.name if self.argument is None else f"{self.name}[{self.argument}]"

    @property
    def type(self) -> FieldType:
        """Type of the value."""
        return self.field.type if self.field.type_of is None else self.field.type_of(self.argument)

    @property
    def is_list(self) -> bool:
        """Whether the value is a list."""
        return self.field.is_list
