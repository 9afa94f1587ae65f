"""Python values as the bytes of event parameters, for those who write captures."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from struct import pack
from typing import Final

from falco_syscall.capture.event_table import SIZES, ParamInfo, ParamType
from falco_syscall.capture.linux import ERRORS, SIGNALS, SYSCALLS

_ERROR_NUMBERS: Final = {name: number for number, name in ERRORS.items()}
_SIGNAL_NUMBERS: Final = {name: number for number, name in SIGNALS.items()}
_UNIX, _INET, _INET6 = 1, 2, 10

_AT_FDCWD: Final = -100


def encode(param: ParamInfo, value: object) -> bytes:
    """The bytes of *value* as a parameter.

    ``None`` is "not available": no bytes. ``bytes`` are taken as they are. Further, by type:

    * numbers: ``int``, negative ones as two's complement;
    * flags, modes, enumerations: also the names of the parameter's table, ``"O_RDWR|O_CREAT"``;
    * ERRNO, FD: also the name of an error, ``"ENOENT"`` for -2, and ``"AT_FDCWD"``;
      SIGTYPE: ``"SIGKILL"``; SYSCALLID: ``"futex"``;
    * CHARBUF, FSPATH, FSRELPATH: ``str``, the NUL is added;
    * BYTEBUF: ``str`` without a NUL, or a sequence of ``str``, each with a NUL after it;
    * SOCKADDR: ``("192.0.2.1", 443)`` or the path of a UNIX socket;
    * SOCKTUPLE: ``("192.0.2.1", 40000, "192.0.2.2", 443)`` or the path of a UNIX socket, or
      ``(source, dest, path)`` with its kernel addresses;
    * FDLIST: pairs of descriptor and poll flags;
    * DYN: ``(index of the type, value)``;
    * IPV4ADDR, IPV6ADDR: ``str``.

    Raises:
        ValueError: The value does not fit, a name is not known.
        TypeError: The type of the value does not suit the parameter.
    """
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    match param.type:
        case ParamType.CHARBUF | ParamType.FSPATH | ParamType.FSRELPATH if isinstance(value, str):
            return _utf8(value) + b"\0"
        case ParamType.BYTEBUF if isinstance(value, str):
            return _utf8(value)
        case ParamType.BYTEBUF if isinstance(value, Iterable):
            return b"".join(_utf8(str(item)) + b"\0" for item in value)
        case ParamType.SOCKADDR:
            return _socket_address(param, value)
        case ParamType.SOCKTUPLE:
            return _socket_tuple(param, value)
        case ParamType.FDLIST if isinstance(value, Iterable):
            pairs = list(value)
            return pack("<H", len(pairs)) + b"".join(pack("<qH", fd, flags) for fd, flags in pairs)
        case ParamType.DYN if isinstance(value, tuple):
            index, inner = value
            choice = param.choices[index]
            return bytes([index]) + encode(ParamInfo(param.name, choice.type, choice.format), inner)
        case ParamType.IPV4ADDR | ParamType.IPV6ADDR if isinstance(value, str):
            return ip_address(value).packed
    size = SIZES[param.type]
    if size is None or not isinstance(value, int | str):
        raise TypeError(f"parameter {param.name} ({param.type}) cannot be made of {value!r}")
    number = _named(param, value) if isinstance(value, str) else int(value)
    bits = 8 * size
    if not -(1 << bits - 1) <= number < 1 << bits:
        raise ValueError(f"parameter {param.name} ({param.type}) has {size} bytes, too few for {number}")
    return (number & (1 << bits) - 1).to_bytes(size, "little")


def default(param: ParamInfo) -> bytes:
    """What an event has for a parameter of which nothing is known.

    Zeros for fixed sizes (all ones for users and groups: nobody), an empty text, or no bytes.
    """
    if param.type in (ParamType.UID, ParamType.GID):
        return b"\xff" * 4
    if param.type in (ParamType.CHARBUF, ParamType.FSPATH, ParamType.FSRELPATH):
        return b"\0"
    return bytes(SIZES[param.type] or 0)


def _utf8(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")


def _named(param: ParamInfo, value: str) -> int:
    if param.values is not None:
        known = dict(param.values.values)
        number = 0
        for name in value.split("|"):
            if name not in known:
                raise ValueError(f"parameter {param.name} has no value {name!r}: it has {', '.join(known)}")
            number |= known[name]
        return number
    match param.type:
        case ParamType.ERRNO | ParamType.FD | ParamType.PID if value in _ERROR_NUMBERS:
            return -_ERROR_NUMBERS[value]
        case ParamType.FD if value == "AT_FDCWD":
            return _AT_FDCWD
        case ParamType.SIGTYPE if value in _SIGNAL_NUMBERS:
            return _SIGNAL_NUMBERS[value]
        case ParamType.SYSCALLID if value in SYSCALLS:
            return SYSCALLS.index(value)
    raise ValueError(f"parameter {param.name} ({param.type}) has no value named {value!r}")


def _socket_address(param: ParamInfo, value: object) -> bytes:
    match value:
        case str():
            return bytes([_UNIX]) + _utf8(value) + b"\0"
        case (str(address), int(port)):
            packed = ip_address(address).packed
            return _family(packed) + packed + pack("<H", port)
    raise TypeError(f"parameter {param.name} (SOCKADDR) cannot be made of {value!r}")


def _socket_tuple(param: ParamInfo, value: object) -> bytes:
    match value:
        case str():
            return _socket_tuple(param, (0, 0, value))
        case (int(source), int(dest), str(path)):
            return bytes([_UNIX]) + pack("<QQ", source, dest) + _utf8(path) + b"\0"
        case (str(source_ip), int(source_port), str(dest_ip), int(dest_port)):
            here, there = ip_address(source_ip).packed, ip_address(dest_ip).packed
            if len(here) != len(there):
                raise ValueError(f"parameter {param.name}: {source_ip} and {dest_ip} are of two families")
            return _family(here) + here + pack("<H", source_port) + there + pack("<H", dest_port)
    raise TypeError(f"parameter {param.name} (SOCKTUPLE) cannot be made of {value!r}")


def _family(packed: bytes) -> bytes:
    return bytes([_INET if len(packed) == 4 else _INET6])
