"""Damaged captures: both decoders find the same events in them and end with the same message.

``REPLAY_FLIPS=1000000 pytest tests/replay/test_damage.py`` tries many more damages, from the seed ``REPLAY_FIRST`` on.
"""

import gzip
import os
import random
import re
from functools import cache

import pytest

from falco_syscall.capture.builder import CaptureBuilder
from falco_syscall.replaying import replay
from falco_syscall.replaying.interest import Interest
from replay.equality import columnar, plain, rule

FLIPS = int(os.environ.get("REPLAY_FLIPS", "400"))
FIRST = int(os.environ.get("REPLAY_FIRST", "0"))
OUTPUT = (
    "%evt.num %evt.type %evt.time %evt.args %evt.res %thread.tid %proc.ppid %proc.name %proc.cmdline %proc.cwd %user.name "
    "%container.id %container.name %fd.num %fd.name %fd.typechar %fd.sip %fd.directory %proc.fdopencount"
)
RULES = [
    rule("evt.type in (open, openat) and fd.name startswith /etc", OUTPUT),
    rule("evt.type in (execve, connect, clone, container)", OUTPUT),
    rule("evt.type = read and fd.num > 2", OUTPUT),
]
TOLD = re.compile(r"truncated|no events|not a capture")


def story(schema):
    return (
        CaptureBuilder(schema=schema)
        .process(10, "sh", exe="/bin/sh", args=["-c", "x"], cgroups=["cpu=/x"], cwd="/etc")
        .file(10, 0, "/etc/null")
        .socket(10, 1, ("192.0.2.1", 1), ("192.0.2.2", 2))
        .user(0, "root")
        .event("openat", 10, fd=3, dirfd="AT_FDCWD", name="shadow", flags="O_RDONLY|O_CLOEXEC")
        .event("open", 10, fd=4, name="/etc/x", flags="O_RDWR")
        .event("fcntl", 10, res=5, fd=3, cmd="F_DUPFD", arg=0)
        .event("dup2", 10, res=6, oldfd=4, newfd=6)
        .event("clone", 10, res=11, comm="sh", exe="sh", tid=10, pid=10, ptid=1, vtid=10, vpid=10)
        .event("execve", 10, exe="/bin/cat", comm="cat", tid=10, pid=10, ptid=1)
        .event("socket", 11, fd=7, domain="AF_INET", type=1)
        .event("connect", 11, res=0, fd=7, tuple=("192.0.2.1", 4000, "192.0.2.7", 443))
        .event("read", 10, res=3, fd=5, data=b"abc", size=3)
        .event("chdir", 11, res=0, path="/etc/x")
        .event("openat", 11, fd=8, dirfd="AT_FDCWD", name="y", flags="O_WRONLY")
        .event("close", 10, res=0, fd=5)
        .event("procexit", 11)
        .event("read", 10, res=3, fd=6, data=b"abc", size=3)
        .to_bytes()
    )


CAPTURES = [story("current"), story("old"), story("old") + story("current")]


@pytest.fixture(autouse=True)
def _same_interest(monkeypatch):
    """What the rules want is asked once for all captures here."""
    monkeypatch.setattr(replay, "Interest", cache(Interest))


def same(data, chunk_bytes):
    """What both decoders find; they must agree."""
    found = plain(data, RULES)
    assert columnar(data, RULES, chunk_bytes) == found
    return found


@pytest.mark.parametrize("data", CAPTURES[:2], ids=["current", "old"])
def test_a_capture_cut_at_any_byte_is_evaluated_up_to_there_and_the_place_is_told(data):
    whole, *_ = same(data, 1 << 20)
    longest = 0
    for cut in range(len(data) + 1):
        alerts, *_ = same(data[:cut], (64, 300, 1 << 20)[cut % 3])
        error = alerts.pop() if alerts and isinstance(alerts[-1], str) else None
        assert alerts == whole[: len(alerts)]
        assert len(alerts) >= longest
        longest = len(alerts)
        if error is not None:
            assert TOLD.search(error), error
            offset = re.search(r"(?:byte|offset) (\d+)", error)
            assert offset is None or int(offset[1]) <= cut, error
    assert longest == len(whole)


def test_a_compressed_capture_cut_at_any_byte_is_evaluated_up_to_there():
    whole, *_ = same(CAPTURES[0], 1 << 20)
    packed = gzip.compress(CAPTURES[0])
    for cut in range(0, len(packed), 3):
        *alerts, error = same(packed[:cut], 300)[0]
        assert alerts == whole[: len(alerts)]
        assert isinstance(error, str)


def damage(data, dice):
    """A few wrong bits, bytes or lengths; sometimes the end is missing."""
    damaged = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 5))):
        at = dice.randrange(len(damaged))
        if dice.random() < 0.8:
            damaged[at] ^= 1 << dice.randrange(8)
        else:
            damaged[at : at + 4] = dice.choice((bytes(4), b"\xff" * 4, b"\0\0\0\x80", b"\0\1\0\0"))
    if dice.random() < 0.1:
        del damaged[dice.randrange(len(damaged)) :]
    return bytes(damaged)


@pytest.mark.timeout(0)
def test_wrong_bits_are_evaluated_or_refused_by_both_decoders_alike():
    for seed in range(FIRST, FIRST + FLIPS):
        dice = random.Random(seed)
        data = damage(dice.choice(CAPTURES), dice)
        try:
            same(data, dice.choice((64, 300, 1000, 1 << 20)))
        except Exception as error:
            raise AssertionError(f"damage {seed}") from error
