"""Connections make way when there are too many, and a head has its time."""

import contextlib
import socket
import threading
import time

import pytest
from cheroot.server import Gateway

from falco_k8s_audit.http_server import Server

_PATIENCE_S = 20.0
_REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Echo(Gateway):
    def respond(self):
        self.req.status = b"200 OK"
        self.req.outheaders.append((b"Content-Length", b"0"))
        self.req.ensure_headers_sent()


class Serving:
    def __init__(self, connections=None, head_s=None):
        self.refused = []
        self.server = Server(("127.0.0.1", 0), Echo, lambda who, why: self.refused.append(why), None, connections)
        if head_s is not None:
            self.server.timeout = head_s
        self.server.prepare()
        self.thread = threading.Thread(target=self.server.serve)
        self.thread.start()

    def connect(self):
        return socket.create_connection(self.server.socket.getsockname(), _PATIENCE_S)

    def wait_for(self, condition):
        end = time.monotonic() + _PATIENCE_S
        while not condition() and time.monotonic() < end:
            time.sleep(0.01)
        assert condition()


@pytest.fixture
def serve():
    with contextlib.ExitStack() as stack:

        def start(**options):
            serving = Serving(**options)
            stack.callback(serving.thread.join)
            stack.callback(serving.server.stop)
            return serving

        yield start


def is_answered(sock):
    sock.sendall(_REQUEST)
    return sock.recv(1000).startswith(b"HTTP/1.1 200")


def test_beyond_the_limit_the_connection_that_was_idle_for_longest_makes_way(serve):
    serving = serve(connections=3)
    with contextlib.ExitStack() as stack:
        first, second, third = (stack.enter_context(serving.connect()) for _ in range(3))
        assert is_answered(first)
        serving.wait_for(lambda: len(serving.server._open) == 3)
        fourth = stack.enter_context(serving.connect())

        assert second.recv(1) == b""
        assert is_answered(fourth)
        assert is_answered(third)
        assert is_answered(first)
        assert len(serving.server._open) == 3
        assert serving.refused == []


def test_a_head_in_pieces_has_its_time_as_a_whole(serve):
    serving = serve(head_s=0.5)
    with serving.connect() as sock:
        with contextlib.suppress(OSError):  # it is closed while we are still sending
            for byte in _REQUEST[:-1]:
                sock.sendall(bytes([byte]))
                time.sleep(0.1)
        with contextlib.suppress(ConnectionError):
            assert sock.recv(1) == b""

    serving.wait_for(lambda: serving.refused)
    assert serving.refused == ["the head of its request takes more than 0.5 seconds"]


def test_an_idle_connection_is_closed_without_a_word(serve):
    serving = serve(head_s=0.2)
    with serving.connect() as sock:
        assert is_answered(sock)
        assert sock.recv(1) == b""

    assert serving.refused == []
    serving.wait_for(lambda: not serving.server._open)


def test_closed_connections_are_forgotten(serve):
    serving = serve()
    for _ in range(20):
        with serving.connect() as sock:
            assert is_answered(sock)

    serving.wait_for(lambda: not serving.server._open)
