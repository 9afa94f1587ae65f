from __future__ import annotations

import socket

import pytest

from falco_syscall.capture.builder import CaptureBuilder
from falco_syscall.state import names as names_module
from falco_syscall.state.names import Names, look_up

ONE, TWO = b"\1\2\3\4", b"\4\3\2\1"


def test_an_address_has_the_names_that_lead_to_it() -> None:
    names = Names({"a": frozenset({ONE}), "b": frozenset({ONE, TWO})}.__getitem__)
    names.watch(["b", "a"])

    assert (names.of(ONE), names.of(TWO), names.of(b"")) == (("a", "b"), ("b",), ())


def test_names_are_looked_up_again_when_they_are_due(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(names_module.time, "monotonic", lambda: now[0])
    answers = [frozenset({ONE}), frozenset({ONE}), frozenset({TWO})]
    names = Names(lambda _name: answers.pop(0))
    names._watched["a"] = names_module._Watched()

    assert names.refresh() == 10.0
    assert names.refresh() == 10.0  # nothing is due
    now[0] = 10.0
    assert names.refresh() == 20.0
    now[0] = 30.0
    assert names.refresh() == 10.0
    assert (names.of(ONE), names.of(TWO)) == ((), ("a",))


def test_names_beyond_the_limit_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names_module, "MOST_NAMES", 2)
    names = Names(lambda _name: frozenset())
    names.watch(["a", "b", "c"])

    assert names.refused == 1


def test_what_cannot_be_looked_up_has_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_options: object) -> object:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    assert look_up("nosuch.invalid") == frozenset()
    assert look_up("x" * 70 + ".y") == frozenset()


def test_a_field_tells_the_names_of_an_end(see, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Names, "of", lambda _self, ip: ("server",) if ip == ONE else ())
    capture = CaptureBuilder().process(10, "curl").interface("eth0", "10.0.0.5")
    capture.socket(10, 5, ("10.0.0.5", 4000), ("1.2.3.4", 443)).file(10, 3, "/f")
    capture.event("read", 10, res=0, fd=5).event("read", 10, res=0, fd=3)

    assert see(capture, "fd.sip.name", "fd.cip.name", "fd.rip.name", "fd.lip.name") == [
        (("server",), (), ("server",), ()),
        ((), (), (), ()),
    ]
