import pytest

from falco.cli.selection import check_engine, select
from falco.config.settings import Engine, EngineKind, Replay
from falco.errors import ConfigError

SOURCES = {"syscall": None, "k8s_audit": None}
ENGINE = Engine(kind=EngineKind.NODRIVER)


@pytest.mark.parametrize(
    ("enable", "disable", "chosen"),
    [
        ((), (), ("syscall", "k8s_audit")),
        (("k8s_audit",), (), ("k8s_audit",)),
        ((), ("k8s_audit",), ("syscall",)),
        (("k8s_audit", "syscall"), (), ("syscall", "k8s_audit")),
    ],
)
def test_flags_choose_event_sources(enable, disable, chosen):
    assert select(SOURCES, enable, disable, ENGINE) == chosen


def test_syscall_can_be_named_without_its_plugin():
    assert select({"k8s_audit": None}, (), ("syscall",), ENGINE) == ("k8s_audit",)
    assert select({}, (), (), ENGINE) == ("syscall",)


def test_a_replay_opens_the_capture_alone_whatever_the_flags_say():
    engine = Engine(kind=EngineKind.REPLAY, replay=Replay(capture_file="x.scap"))

    assert select(SOURCES, ("k8s_audit",), ("nope",), engine) == ("syscall",)


@pytest.mark.parametrize(
    ("enable", "disable", "sentence"),
    [
        (("a",), ("b",), "You can not mix --enable-source and --disable-source"),
        (("k8saudit",), (), r"Attempted enabling an unknown event source: k8saudit \(did you mean k8s_audit\?\)"),
        ((), ("x",), "Attempted disabling an unknown event source: x$"),
        ((), ("syscall", "k8s_audit"), "Must enable at least one event source"),
    ],
)
def test_what_leaves_nothing_to_open_is_an_error(enable, disable, sentence):
    with pytest.raises(ConfigError, match=sentence):
        select(SOURCES, enable, disable, ENGINE)


def test_an_engine_that_nobody_opens_says_what_to_set():
    with pytest.raises(ConfigError, match=r"engine\.kind 'kmod' needs a plugin .* set engine\.kind: nodriver"):
        check_engine(None, Engine())
