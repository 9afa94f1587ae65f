"""Literals of a condition: from text to a value of the field's type, with the odd cases of Falco's parsers."""

from __future__ import annotations

import re
import socket
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any, Final

from falco.conditions import patterns
from falco.conditions.checked import Operator
from falco.conditions.families import TEXT
from falco.fields import text as text_of
from falco.fields.model import FieldType as T

_STORAGE: Final = 256
"""Bytes that Falco keeps of a literal, the NUL at the end of a text among them."""
_INTEGER: Final = re.compile(r"[ \t\n\v\f\r]*([+-]?)([0-9]+)")
_HEX: Final = re.compile("(?:[0-9a-fA-F]{2})*")

_SIGNED: Final = {T.INT8: 8, T.INT16: 16, T.INT32: 32, T.DOUBLE: 32, T.INT64: 64, T.FD: 64, T.PID: 64, T.ERRNO: 64}
_UNSIGNED: Final = {
    T.UINT8: 8,
    T.FLAGS8: 8,
    T.ENUMFLAGS8: 8,
    T.L4PROTO: 8,
    T.SIGTYPE: 8,
    T.UINT16: 16,
    T.FLAGS16: 16,
    T.ENUMFLAGS16: 16,
    T.SYSCALLID: 16,
    T.UINT32: 32,
    T.FLAGS32: 32,
    T.ENUMFLAGS32: 32,
    T.MODE: 32,
    T.UINT64: 64,
    T.RELTIME: 64,
    T.ABSTIME: 64,
}


def convert(text: str, type_: T, operator: Operator) -> Any:
    """The value that *text* stands for when a field of type *type_* is compared with it.

    Raises:
        ValueError: It stands for none; the message is Falco's sentence.
    """
    if type_ is T.BYTES:
        return _bytes(text, operator)
    if "\0" in text:
        raise ValueError("filter error: filter value cannot contain a NUL byte (\\x00)")
    if type_ in TEXT:
        return _text(text, operator)
    if type_ is T.BOOL:
        if text not in {"true", "false"}:
            raise ValueError(f"filter error: unrecognized boolean value {text}")
        return text == "true"
    if type_ is T.PORT:
        return _port(text)
    if type_ in {T.IPADDR, T.IPV4ADDR, T.IPV6ADDR}:
        return _address(text, type_)
    if type_ in {T.IPNET, T.IPV4NET, T.IPV6NET}:
        return _network(text, type_)
    value = _integer(text, type_)
    return float(value) if type_ is T.DOUBLE else value


def _text(text: str, operator: Operator) -> str:
    used = text_of.size(text) + 1
    if used > _STORAGE:
        raise ValueError(f"filter parameter too long (used={used}, available={_STORAGE}):{text}")
    if operator is Operator.REGEX:
        patterns.regex(text)
    return text


def _bytes(text: str, operator: Operator) -> bytes:
    data = text_of.to_bytes(text)
    if operator in {Operator.BCONTAINS, Operator.BSTARTSWITH}:
        if _HEX.fullmatch(text) is None:
            raise ValueError("filter error: bcontains and bstartswith operator support hex strings only")
        data = bytes.fromhex(text)
    if len(data) >= _STORAGE:
        raise ValueError("filter parameter too long (byte buf)")
    return data


def _integer(text: str, type_: T) -> int:
    """As sscanf reads it: 64 bit wide, saturating, then cut to the type's width."""
    found = _INTEGER.fullmatch(text)
    if found is None:
        raise ValueError(f"{text} is not a valid number")
    digits = found[2].lstrip("0")
    magnitude = int(digits or "0") if len(digits) <= 20 else 2**64
    value = -magnitude if found[1] == "-" else magnitude
    if (bits := _SIGNED.get(type_)) is not None:
        half = 1 << (bits - 1)
        return (max(-(2**63), min(value, 2**63 - 1)) + half) % (2 * half) - half
    return (value if magnitude < 2**64 else 2**64 - 1) % (1 << _UNSIGNED[type_])


def _port(text: str) -> int:
    if text.isascii() and text.isdigit():
        return int(text[-30:]) % 2**16 if len(text) <= 30 else 0
    if not text:
        return 0
    try:
        return socket.getservbyname(text)
    except (OSError, UnicodeError):
        raise ValueError(f"unrecognized protocol {text}") from None


def _address(text: str, type_: T) -> IPv4Address | IPv6Address:
    is_v4 = type_ is T.IPV4ADDR or (type_ is T.IPADDR and "." in text)
    try:
        if is_v4:
            return IPv4Address(text)
        if "%" not in text:  # a scope is no part of what inet_pton accepts
            return IPv6Address(text)
    except AddressValueError:
        pass
    raise ValueError(f"unrecognized IPv{4 if is_v4 else 6} address {text}")


def _network(text: str, type_: T) -> IPv4Network | IPv6Network:
    address, _, mask = text.partition("/")
    if not mask:
        raise ValueError(f"unrecognized IP network {text}")
    is_v4 = type_ is T.IPV4NET or (type_ is T.IPNET and "." in text)
    try:
        first = _address(address, T.IPV4ADDR if is_v4 else T.IPV6ADDR)
    except ValueError:
        raise ValueError(f"unrecognized IP address {text}") from None
    length = _integer(mask, T.UINT32)
    if is_v4:
        if length > 32:
            raise ValueError(f"invalid netmask {mask}")
        return IPv4Network((int(first), length), strict=False)
    if not 1 <= length <= 128:
        raise ValueError(f"invalid v6 netmask {mask}")
    return IPv6Network((int(first), length), strict=False)
