"""The columnar decoder equals the plain one: for any stream of events, any rules, any size of chunks.

``REPLAY_STREAMS=100000 pytest tests/replay`` tries many more streams.
"""

import os
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from falco_syscall.capture.builder import CaptureBuilder
from replay.equality import CONDITIONS, MORE, OUTPUT, SIZES, columnar, plain, rule
from replay.streams import KEPT_OR_CLOSED, KINDS, Stream

FEW, MANY = 150, int(os.environ.get("REPLAY_STREAMS", "0"))
NOT_OF_FCNTL = tuple(
    condition
    for condition in CONDITIONS
    if "evt.type" in condition and "fcntl" not in condition and "not" not in condition
)
"""Conditions under which no event of fcntl is looked at."""


def check(draw, length, kinds=KINDS, among=CONDITIONS):
    stream = Stream(draw, length, kinds).bytes()
    conditions = draw.sample(among, draw.randint(1, 4))
    output = f"{OUTPUT} {MORE}" if draw.random() < 0.3 else OUTPUT
    rules = [rule(condition, output) for condition in conditions]
    assert columnar(stream, rules, draw.choice(SIZES)) == plain(stream, rules), conditions


@settings(max_examples=FEW, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False), st.integers(1, 40))
def test_both_decoders_see_the_same(draw, length):
    check(draw, length)


@settings(max_examples=FEW, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False), st.integers(1, 8))
def test_copies_by_fcntl_outlast_an_exec_or_not_when_no_rule_asks_for_fcntl(draw, length):
    check(draw, length, KEPT_OR_CLOSED, NOT_OF_FCNTL)


@pytest.mark.skipif(not MANY, reason="REPLAY_STREAMS says how many streams to try")
@pytest.mark.timeout(0)
def test_both_decoders_see_the_same_of_many_streams():
    first = int(os.environ.get("REPLAY_FIRST", "0"))
    for seed in range(first, first + MANY):
        draw = random.Random(seed)
        try:
            if seed % 4:
                check(draw, draw.randint(1, 60))
            else:
                check(draw, draw.randint(1, 12), KEPT_OR_CLOSED, NOT_OF_FCNTL)
        except Exception as error:
            raise AssertionError(f"stream {seed} differs") from error


def test_a_socket_that_moved_data_is_connected_if_a_rule_asks():
    capture = CaptureBuilder().process(2, "two").event("socket", 2, fd=3, domain="AF_INET", type=1, proto=6)
    for _ in range(2):
        capture.event("close", 2, res=-9, fd=3).event("read", 2, res=4, data=b"data", fd=3, size=4)
    rules = [rule("evt.type = close and fd.connected = true")]

    for chunk_bytes in SIZES:
        found = columnar(capture.to_bytes(), rules, chunk_bytes)
        assert [num for num, *_ in found[0]] == [4]
        assert found == plain(capture.to_bytes(), rules)


def test_a_pipe_whose_ends_cannot_be_told_is_looked_at_like_by_the_plain_decoder():
    ends = {"fd1": b"12", "fd2": 4, "ino": 9}
    capture = CaptureBuilder().process(2, "two").event("pipe2", 2, res=0, **ends).event("close", 2, res=0, fd=4)
    rules = [rule("evt.type = close and fd.ino = 9")]

    found = columnar(capture.to_bytes(), rules, 1 << 20)

    assert [num for num, *_ in found[0]] == [2]
    assert found == plain(capture.to_bytes(), rules)
