"""A context for channels outside the contract: strings stand for alerts."""

import io
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from falco import OutputContext


@pytest.fixture
def reports():
    """What the channel reported so far."""
    return []


@pytest.fixture
def output_context(reports):
    return OutputContext(
        render=str, is_json=True, is_buffered=False, stdout=io.BytesIO(), env={"TOKEN": "s3cret"}, report=reports.append
    )


class Receiver(ThreadingHTTPServer):
    """An HTTP receiver on loopback that keeps what it was sent and answers as told."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests, self.status, self.delay, self.answer = [], 200, threading.Event(), b"ok"
        self.wait_s = 0.0
        self.released = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/alerts"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((dict(self.headers), body))
        if self.server.wait_s:
            self.server.released.wait(self.server.wait_s)
        try:
            self.send_response(self.server.status)
            self.send_header("Content-Length", str(len(self.server.answer)))
            self.end_headers()
            self.wfile.write(self.server.answer)
        except OSError:
            self.close_connection = True

    def log_message(self, *args):
        pass


@pytest.fixture
def receiver():
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()
