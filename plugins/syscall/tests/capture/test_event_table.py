from __future__ import annotations

import pytest

from falco_syscall.capture.event_table import CODES, EVENTS, FIXED_SIZES, SIZES, EventFlag, ParamType, Render
from falco_syscall.capture.linux import ERRORS, SIGNALS, SYSCALLS, ia32_to_x86_64, native_syscalls

FLAG_TYPES = {t for t in ParamType if "FLAGS" in t or t == ParamType.MODE}


def test_a_code_is_the_index_of_its_event():
    assert [e.code for e in EVENTS] == list(range(454))
    assert all(CODES[e.constant] == e.code for e in EVENTS)


def test_enter_and_exit_events_alternate():
    assert all(e.is_enter == (e.code % 2 == 0) for e in EVENTS)


def test_open_exit_has_what_the_driver_writes():
    open_exit = EVENTS[CODES["SYSCALL_OPEN_X"]]

    assert open_exit.name == "open"
    assert open_exit.category == "FILE"
    assert not open_exit.is_old
    assert [(p.name, p.type.value, p.format.value) for p in open_exit.params] == [
        ("fd", "FD", "DEC"),
        ("name", "FSPATH", "NA"),
        ("flags", "FLAGS32", "HEX"),
        ("mode", "UINT32", "OCT"),
        ("dev", "UINT32", "HEX"),
        ("ino", "UINT64", "DEC"),
    ]
    assert open_exit.params[2].values is not None
    assert ("O_RDWR", 3) in open_exit.params[2].values.values


def test_only_numbers_with_names_have_value_tables():
    for param in (p for e in EVENTS for p in e.params):
        if param.values is not None:
            assert param.type in FLAG_TYPES
            assert (param.type.startswith("ENUM")) == (param.values.render is Render.ENUM)


def test_relative_paths_refer_to_a_descriptor():
    found = [(e, p) for e in EVENTS for p in e.params if p.type is ParamType.FSRELPATH]

    assert found
    for event, param in found:
        assert param.dirfd is not None
        assert event.params[param.dirfd].type in (ParamType.FD, ParamType.FD32)


def test_dynamic_parameters_list_their_types():
    for param in (p for e in EVENTS for p in e.params):
        assert (param.type is ParamType.DYN) == bool(param.choices)


def test_large_events_are_those_that_the_format_names():
    assert [e.code for e in EVENTS if e.is_large] == [322, 324, 402]
    assert all((EventFlag.LARGE_PAYLOAD in e.flags) == e.is_large for e in EVENTS)


def test_fixed_sizes_agree_with_the_types():
    for event, sizes in zip(EVENTS, FIXED_SIZES, strict=True):
        assert dict(sizes) == {i: SIZES[p.type] for i, p in enumerate(event.params) if SIZES[p.type]}


def test_an_unknown_parameter_is_told_with_those_there_are():
    with pytest.raises(KeyError, match="SYSCALL_CLOSE_X has no parameter 'path': it has res, fd"):
        EVENTS[CODES["SYSCALL_CLOSE_X"]].param_index("path")


def test_linux_numbers_have_their_names():
    assert ERRORS[2] == "ENOENT"
    assert ERRORS[512] == "ERESTARTSYS"
    assert SIGNALS[9] == "SIGKILL"
    assert SYSCALLS[0] == "unknown"
    assert SYSCALLS.index("openat") > 0


def test_native_calls_lead_to_their_event():
    execve = native_syscalls("x86_64")[59]

    assert execve.name == "execve"
    assert SYSCALLS[execve.code] == "execve"
    assert EVENTS[execve.exit_event].constant == "SYSCALL_EXECVE_19_X"
    assert native_syscalls("aarch64")[221].name == "execve"


def test_calls_of_32_bit_programs_have_a_native_number():
    assert ia32_to_x86_64(11) == 59
    assert ia32_to_x86_64(7) is None
    assert ia32_to_x86_64(99999) is None
