"""Heads are gathered without waiting, bodies read with patience that has an end."""

import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco_k8s_audit import incoming
from falco_k8s_audit.incoming import Incoming


@pytest.fixture
def ends():
    near, far = socket.socketpair()
    with near, far:
        yield near, far


def of(sock, limit=100, *, is_crowded=False):
    return Incoming(sock, limit, lambda: is_crowded)


def test_a_head_is_gathered_in_pieces_and_never_waited_for(ends):
    near, far = ends
    rfile = of(near)

    assert rfile.gather()
    assert not rfile.has_begun
    far.sendall(b"POST / HTTP/1.1\r\n")
    assert rfile.gather()
    assert (rfile.has_begun, rfile.has_data()) == (True, False)
    far.sendall(b"A: b\r\n\r")
    assert rfile.gather()
    assert not rfile.has_data()
    far.sendall(b"\nbo")
    assert rfile.gather()
    assert rfile.has_data()


def test_an_end_makes_what_there_is_all_there_will_be(ends):
    near, far = ends
    rfile = of(near)
    far.sendall(b"POST")
    far.close()

    assert rfile.gather()
    assert rfile.has_data()
    rfile.begin()
    assert (rfile.readline(), rfile.readline()) == (b"POST", b"")


def test_a_client_that_says_nothing_and_leaves_is_seen(ends):
    near, far = ends
    far.close()

    assert not of(near).gather()


def test_no_more_than_the_limit_and_a_block_is_gathered(ends):
    near, far = ends
    rfile = of(near, limit=10)
    far.sendall(b"x" * 5000)

    assert rfile.gather()
    assert rfile.has_data()
    rfile.begin()
    with pytest.raises(OSError, match="a line is too long"):
        rfile.readline()


@given(
    st.lists(st.binary(max_size=30).map(lambda part: part.replace(b"\n", b"")), min_size=1, max_size=6),
    st.binary(max_size=300),
    st.integers(1, 40),
)
def test_lines_and_bytes_come_as_they_were_sent(lines, body, size):
    near, far = socket.socketpair()
    with near, far:
        text = b"\n".join(lines) + b"\n\n" + body
        far.sendall(text)
        far.shutdown(socket.SHUT_WR)
        rfile = of(near, 1000)
        assert rfile.gather()
        rfile.begin()
        for line in lines:
            cut = b""
            while not cut.endswith(b"\n"):
                cut += rfile.readline(size)
            assert cut == line + b"\n"
        assert rfile.readline() == b"\n"
        assert rfile.read(len(body)) == body
        assert rfile.read1(1) == b""
        assert rfile.bytes_read == len(text)


def test_a_second_request_stays_for_later(ends):
    near, far = ends
    rfile = of(near)
    far.sendall(b"A\r\n\r\nB\r\n\r\nC")
    assert rfile.gather()
    rfile.begin()

    assert rfile.read(5) == b"A\r\n\r\n"
    assert rfile.has_data()
    rfile.begin()
    assert rfile.read(5) == b"B\r\n\r\n"
    assert not rfile.has_data()


@pytest.fixture
def clock(monkeypatch):
    """Seconds that the test sets."""
    now = [0.0]
    monkeypatch.setattr(incoming.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(incoming, "_TICK_S", 0.01)
    return now


@pytest.mark.parametrize(
    ("took_s", "sent", "crowd", "message"),
    [
        (61.0, 10_000_000, False, "its body takes more than 60 seconds"),
        (59.0, 1, False, None),
        (1.5, 1, True, "its body comes slowly, and others wait"),
        (0.9, 1, True, None),
        (1.5, 100_000, True, None),
    ],
)
def test_a_slow_body_is_given_up_sooner_if_others_wait(ends, clock, took_s, sent, crowd, message):  # noqa: PLR0917  a table
    near, far = ends
    rfile = of(near, is_crowded=crowd)
    rfile.begin()
    rfile.bytes_read = sent - 1
    clock[0] = took_s
    far.sendall(b"x")
    if message is None:
        assert rfile.read1(10) == b"x"
    else:
        with pytest.raises(TimeoutError, match=message):
            rfile.read1(10)


def test_a_silent_body_is_given_up_too(ends, clock):
    near, _ = ends
    rfile = of(near)
    rfile.begin()
    timer = threading.Timer(0.05, clock.__setitem__, (0, 61.0))
    timer.start()
    with pytest.raises(TimeoutError, match="more than 60 seconds"):
        rfile.read1(10)
    timer.join()
