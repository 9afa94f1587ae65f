"""Values as text and as JSON: one function a value, chosen once a field.

``text_of`` and ``json_of`` take a ``Shape``, what is known of a value before any event, and return a function, or
None when the value is right as it is (``str()`` of it, in a text).  The functions take every value but None,
whatever its type, and never raise: a field that does not keep to its declared type is shown, not a crash.
"""

from __future__ import annotations

import operator
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from itertools import dropwhile
from math import isfinite
from socket import AF_INET6, inet_ntop
from typing import Any, Final

import msgspec

from falco.fields.model import Field, FieldFlag, FieldFormat, FieldType, FieldUse, Quantifier
from falco.fields.text import cut

MISSING: Final = "<NA>"
"""What a text shows for an absent value; JSON has null."""

_LIST_LIMIT: Final = 1023  # bytes; upstream: the buffer that a list is written to
_UNSIGNED: Final = (1 << 64) - 1
_TIMES: Final = frozenset({FieldType.RELTIME, FieldType.ABSTIME})
_NETWORKS: Final = frozenset({FieldType.IPNET, FieldType.IPV4NET, FieldType.IPV6NET})
_PLAIN: Final = (
    frozenset(FieldType)
    - _TIMES
    - _NETWORKS
    - {FieldType.BOOL, FieldType.BYTES, FieldType.DOUBLE, FieldType.DYNAMIC}
    - {FieldType.IPADDR, FieldType.IPV4ADDR, FieldType.IPV6ADDR, FieldType.SOCKADDR, FieldType.SOCKTUPLE}
)
"""Types whose values are str or int."""
_BITS: Final = {
    FieldType.INT8: 8,
    FieldType.UINT8: 8,
    FieldType.FLAGS8: 8,
    FieldType.ENUMFLAGS8: 8,
    FieldType.INT16: 16,
    FieldType.UINT16: 16,
    FieldType.FLAGS16: 16,
    FieldType.ENUMFLAGS16: 16,
    FieldType.PORT: 16,
    FieldType.INT32: 32,
    FieldType.UINT32: 32,
    FieldType.FLAGS32: 32,
    FieldType.ENUMFLAGS32: 32,
    FieldType.MODE: 32,
    FieldType.UID: 32,
    FieldType.GID: 32,
}
_SPECS: Final = {FieldFormat.OCTAL: "o", FieldFormat.HEX: "X", FieldFormat.PADDED_9: "09d"}
TIME_FORMATS: Final = frozenset(
    {
        FieldFormat.TIME,
        FieldFormat.TIME_S,
        FieldFormat.TIME_ISO8601,
        FieldFormat.DATETIME,
        FieldFormat.DATETIME_S,
    }
)
"""Formats of the event's own time: the text, in the zone of the run, is the field's value; JSON has the nanoseconds."""

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of a value before any event. Picklable: it travels with alerts."""

    type: FieldType = FieldType.STRING
    format: FieldFormat = FieldFormat.NATURAL
    is_list: bool = False
    is_joined: bool = False
    """The value is a tuple of candidates, shown as one text with blanks between."""

    @classmethod
    def of(cls, use: FieldUse) -> Shape:
        """The shape of what an output shows of a field."""
        field = use.field
        is_joined = field.quantifier is not Quantifier.ONE and field.shown is None
        return cls(use.type, field.format, field.is_list, is_joined)


def is_shown(field: Field[Any]) -> bool:
    """Whether an output shows the value of *field*; a filter-only field is always shown as absent."""
    return FieldFlag.FILTER_ONLY not in field.flags


def text_of(shape: Shape, *, is_base64: bool = False) -> Convert | None:
    """The function value → text for values of *shape*; None = ``str(value)``.

    Args:
        shape: What the values are.
        is_base64: Write buffers as base64 (``buffer_format_base64``) instead of their printable characters.
    """
    if not (shape.is_list or shape.is_joined) and shape.type in _PLAIN and shape.format not in _SPECS:
        return None
    scalar = _scalar_text(shape, is_base64=is_base64)
    if shape.is_list:
        return _listing(scalar)
    return _either(scalar, _joining(scalar))


def json_of(shape: Shape, *, is_base64: bool = False) -> Convert | None:
    """The function value → JSON value for values of *shape*; None = the value as it is."""
    if shape.is_joined:
        return text_of(shape, is_base64=is_base64)
    if shape.format in {FieldFormat.OCTAL, FieldFormat.HEX} or shape.type in _NETWORKS:
        scalar = _scalar_text(shape, is_base64=is_base64)
    elif shape.type in _TIMES and shape.format is not FieldFormat.DECIMAL:
        scalar = signed
    elif not shape.is_list and shape.type in _PLAIN:
        return None
    else:
        scalar = _scalar_json(is_base64=is_base64)
    return _either(scalar, lambda values: [scalar(value) for value in values])


def address_text(address: IPv4Address | IPv6Address) -> str:
    """*address* as ``inet_ntop`` writes it, which ``str`` does not for IPv4 addresses inside IPv6 ones."""
    if isinstance(address, IPv4Address):
        return str(address)
    return inet_ntop(AF_INET6, address.packed)


def _printable_bytes(data: bytes) -> str:
    return data.translate(_DOTS).decode("ascii")


_DOTS: Final = bytes(code if 0x20 <= code < 0x7F else ord(".") for code in range(256))


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _bool_text(value: bool) -> str:  # noqa: FBT001  a table entry
    return "true" if value else "false"


def _float_text(value: float) -> str:
    return f"{value:.1f}"


def _float_json(value: float) -> msgspec.Raw | None:
    # The exponents of msgspec lack the sign and the zero that Falco's (and Python's) have.
    return msgspec.Raw(repr(value).encode()) if isfinite(value) else None


def signed(value: Any) -> Any:
    """A 64-bit time as Falco's JSON has it: the upper half is negative."""
    return value - _UNSIGNED - 1 if isinstance(value, int) and value > _UNSIGNED >> 1 else value


def _scalar_text(shape: Shape, *, is_base64: bool) -> Convert:
    if shape.type in _NETWORKS:
        return lambda _value: "<IPNET>"
    writers: dict[type, Convert] = {
        str: str,
        bool: _bool_text,
        float: _float_text,
        bytes: _base64 if is_base64 else _printable_bytes,
        IPv4Address: address_text,
        IPv6Address: address_text,
    }
    if shape.format in _SPECS or shape.type in _TIMES:
        writers[int] = _integer_text(_SPECS.get(shape.format, "d"), (1 << _BITS.get(shape.type, 64)) - 1)
    return lambda value: writers.get(type(value), str)(value)


def _integer_text(spec: str, mask: int) -> Convert:
    return lambda value: format(value if value >= 0 else value & mask, spec)


def _scalar_json(*, is_base64: bool) -> Convert:
    writers: dict[type, Convert] = {
        str: lambda value: value,
        bool: lambda value: value,
        int: lambda value: value,
        float: _float_json,
        bytes: _base64 if is_base64 else _printable_bytes,
        IPv4Address: address_text,
        IPv6Address: address_text,
    }
    return lambda value: writers.get(type(value), str)(value)


def _listing(scalar: Convert) -> Convert:
    def text(value: Any) -> str:
        if not isinstance(value, list | tuple):
            return str(scalar(value))
        texts = value
        try:
            items = ",".join(texts)  # nearly every list is one of texts
        except TypeError:
            texts = [scalar(item) for item in value]
            items = ",".join(texts)
        if items.startswith(",") and not texts[0]:
            # upstream: a comma goes before an element once something is written, so empty ones in front leave no trace
            items = ",".join(dropwhile(operator.not_, texts))
        return cut(f"({items})", _LIST_LIMIT)

    return text


def _joining(scalar: Convert) -> Convert:
    return lambda values: " ".join([scalar(item) for item in values])


def _either(scalar: Convert, several: Convert) -> Convert:
    return lambda value: several(value) if isinstance(value, list | tuple) else scalar(value)
