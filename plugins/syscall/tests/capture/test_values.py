from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco_syscall.capture.event_table import CODES, EVENTS, SIZES, ParamInfo, ParamType
from falco_syscall.capture.values import default, encode


def param(constant: str, name: str) -> ParamInfo:
    info = EVENTS[CODES[constant]]
    return info.params[info.param_index(name)]


@pytest.mark.parametrize(
    ("constant", "name", "value", "raw"),
    [
        ("SYSCALL_OPEN_X", "fd", 3, b"\3" + bytes(7)),
        ("SYSCALL_OPEN_X", "fd", "ENOENT", b"\xfe" + b"\xff" * 7),
        ("SYSCALL_OPENAT_2_X", "dirfd", "AT_FDCWD", b"\x9c" + b"\xff" * 7),
        ("SYSCALL_OPEN_X", "name", "/é", b"/\xc3\xa9\0"),
        ("SYSCALL_OPEN_X", "name", "/\udcff", b"/\xff\0"),
        ("SYSCALL_OPEN_X", "name", None, b""),
        ("SYSCALL_OPEN_X", "name", b"raw", b"raw"),
        ("SYSCALL_OPEN_X", "flags", "O_RDWR|O_CREAT", b"\7\0\0\0"),
        ("SYSCALL_OPEN_X", "flags", 7, b"\7\0\0\0"),
        ("SYSCALL_READ_X", "data", "text", b"text"),
        ("SYSCALL_EXECVE_19_X", "args", ["-c", "x y"], b"-c\0x y\0"),
        ("SYSCALL_EXECVE_19_X", "loginuid", -1, b"\xff" * 4),
        ("SOCKET_BIND_X", "addr", ("192.0.2.1", 443), b"\2\xc0\0\2\1\xbb\1"),
        ("SOCKET_BIND_X", "addr", ("::1", 443), b"\x0a" + bytes(15) + b"\1\xbb\1"),
        ("SOCKET_BIND_X", "addr", "/run/x", b"\1/run/x\0"),
        ("SOCKET_CONNECT_X", "tuple", ("192.0.2.1", 1, "192.0.2.2", 2), b"\2\xc0\0\2\1\1\0\xc0\0\2\2\2\0"),
        ("SOCKET_CONNECT_X", "tuple", (1, 2, "/run/x"), b"\1\1" + bytes(7) + b"\2" + bytes(7) + b"/run/x\0"),
        ("SOCKET_CONNECT_X", "tuple", "/run/x", b"\1" + bytes(16) + b"/run/x\0"),
        ("SYSCALL_POLL_X", "fds", [(3, 1)], b"\1\0\3" + bytes(7) + b"\1\0"),
        ("SYSCALL_KILL_X", "sig", "SIGKILL", b"\x09"),
        ("GENERIC_X", "ID", "futex", None),
        ("SOCKET_SETSOCKOPT_X", "val", (2, 7), b"\2\7\0\0\0"),
    ],
)
def test_python_values_become_the_bytes_of_their_type(constant: str, name: str, value: object, raw: bytes | None):
    encoded = encode(param(constant, name), value)

    assert raw is None or encoded == raw
    size = SIZES[param(constant, name).type]
    assert not encoded or size is None or len(encoded) == size


@pytest.mark.parametrize(
    ("constant", "name", "value", "message"),
    [
        ("SYSCALL_OPEN_X", "flags", "O_RDWR|O_NOPE", "flags has no value 'O_NOPE': it has O_LARGEFILE"),
        ("SYSCALL_OPEN_X", "fd", "ENOPE", "no value named 'ENOPE'"),
        ("SYSCALL_OPEN_X", "mode", 1 << 32, "4 bytes, too few"),
        ("SYSCALL_OPEN_X", "mode", -(1 << 31) - 1, "4 bytes, too few"),
        ("SYSCALL_OPEN_X", "name", 3, "cannot be made of 3"),
        ("SYSCALL_READ_X", "data", 3, "cannot be made of 3"),
        ("SOCKET_BIND_X", "addr", 3, "SOCKADDR"),
        ("SOCKET_CONNECT_X", "tuple", 3, "SOCKTUPLE"),
        ("SOCKET_CONNECT_X", "tuple", ("::1", 1, "192.0.2.2", 2), "two families"),
        ("SYSCALL_OPEN_X", "mode", [1], "cannot be made"),
    ],
)
def test_values_that_do_not_fit_are_refused(constant: str, name: str, value: object, message: str):
    with pytest.raises((ValueError, TypeError), match=message):
        encode(param(constant, name), value)


@given(st.sampled_from([p for e in EVENTS for p in e.params if SIZES[p.type] in (1, 2, 4, 8)]), st.integers())
def test_a_number_is_stored_if_and_only_if_it_fits(info: ParamInfo, number: int):
    size = SIZES[info.type]
    assert size is not None
    if -(1 << 8 * size - 1) <= number < 1 << 8 * size:
        raw = encode(info, number)
        assert int.from_bytes(raw, "little") == number % (1 << 8 * size)
    else:
        with pytest.raises(ValueError, match="too few"):
            encode(info, number)


def test_defaults_are_valid_values():
    for info in (p for e in EVENTS for p in e.params):
        raw = default(info)
        assert SIZES[info.type] is None or len(raw) == SIZES[info.type]
        if info.type in (ParamType.UID, ParamType.GID):
            assert raw == b"\xff" * 4
