"""The configurations of docs/how-to/outputs.md deliver alerts: those for receivers to one that stands in for them."""

import json
import socket
import socketserver
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from docs.test_documents import ROOT, blocks
from recorded.command import falco

from falco_outputs import syslog

PAGE = ROOT / "docs/how-to/outputs.md"
FILES = {caption: body for _, caption, body in blocks(PAGE) if caption}
TEXTS = ["09:00:01.000000000: Notice pod created by dana", "09:00:02.000000000: Notice pod created by kim"]
NOTICE = 1 << 3 | 5


@pytest.fixture
def here(tmp_path, monkeypatch):
    for name in ("falco.yaml", "rules.yaml", "audit.jsonl"):
        (tmp_path / name).write_text(FILES[name])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(here, name, changes=None):
    """Run with the configuration *name*, in which *changes* are made, and lose nothing."""
    text = FILES[name]
    for old, new in (changes or {}).items():
        assert old in text, f"{name} is another by now"
        text = text.replace(old, str(new))
    (here / name).write_text(text)
    result = falco(["-c", "falco.yaml", "-o", f"config_files[]={name}"], here)

    assert result.code == 0, result.stderr
    assert "Lost or refused" not in result.stderr, result.stderr


PARTS = [body for info, caption, body in blocks(PAGE) if info == "yaml" and caption not in ("falco.yaml", "rules.yaml")]


@pytest.mark.parametrize("part", PARTS, ids=range(len(PARTS)))
def test_every_configuration_is_understood(here, part):
    (here / "part.yaml").write_text(part)
    result = falco(["-c", "falco.yaml", "-o", "config_files[]=part.yaml", "--dry-run"], here)

    assert result.code == 0, result.stderr
    assert "part.yaml:" not in result.stderr  # no key is unknown, no value is wrong
    assert "part.yaml | schema validation: ok" in result.stderr


def server_context(folder):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


@pytest.fixture
def serve():
    """A function (server, TLS context): starts the server; its port."""
    started = []

    def start(server, context=None):
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        started.append((server, thread))
        return server.server_address[1]

    yield start
    for server, thread in started:
        server.shutdown()
        thread.join()
        server.server_close()


def test_syslog_of_this_machine(here, monkeypatch):
    calls = []
    daemon = SimpleNamespace(openlog=lambda *_: None, syslog=lambda *call: calls.append(call), closelog=lambda: None)
    monkeypatch.setattr(syslog.importlib, "import_module", lambda _: daemon)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(here / "log"))
        monkeypatch.setattr(syslog, "_SOCKETS", (str(here / "log"),))
        run(here, "syslog.yaml")

    assert calls == [(5, text) for text in TEXTS]


def test_syslog_over_udp(here):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(30)
        run(here, "syslog-udp.yaml", {"logs.example.com:514": f"127.0.0.1:{receiver.getsockname()[1]}"})
        messages = [receiver.recv(65536).decode() for _ in TEXTS]

    for message, text in zip(messages, TEXTS, strict=True):
        assert message.startswith(f"<{NOTICE}>1 ")
        assert message.endswith(f" - - {text}")


@pytest.mark.parametrize("kind", ["tcp", "tls"])
def test_syslog_over_a_stream(here, serve, request, kind):
    received, ended = [], threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            while length := b"".join(iter(lambda: self.rfile.read(1).strip(), b"")):
                received.append(self.rfile.read(int(length)).decode())
            ended.set()

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    if kind == "tls":
        folder = request.getfixturevalue("certificate")
        port = serve(server, server_context(folder))
        changes = {"logs.example.com:6514": f"localhost:{port}", "/etc/ssl/certs/logs.pem": folder / "cert.pem"}
    else:
        changes = {"logs.example.com:514": f"localhost:{serve(server)}"}
    run(here, f"syslog-{kind}.yaml", changes)

    assert ended.wait(30)
    assert [message.partition(" - - ")[2] for message in received] == TEXTS
    assert all(message.startswith(f"<{NOTICE}>1 ") for message in received)


@pytest.mark.parametrize("name", ["http.yaml", "http-mtls.yaml"])
def test_http_over_tls(here, serve, certificate, name):
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, self.headers, json.loads(body), self.connection.getpeercert()))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args):
            pass

    context = server_context(certificate)
    cert, key = certificate / "cert.pem", certificate / "key.pem"
    changes = {"/etc/ssl/certs/alerts.pem": cert}
    if name == "http-mtls.yaml":
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cert)
        changes |= {"/etc/ssl/certs/falco.pem": cert, "/etc/ssl/private/falco.key": key}
    else:
        (here / "token").write_text("s3cret\n")
        changes["/run/secrets/alerts-token"] = here / "token"
    port = serve(ThreadingHTTPServer(("127.0.0.1", 0), Handler), context)
    run(here, name, changes | {"alerts.example.com": f"localhost:{port}"})

    assert [alert["output"] for _, _, alert, _ in received] == TEXTS
    for path, headers, _, shown in received:
        assert path == "/falco"
        assert headers["Content-Type"] == "application/json"
        if name == "http-mtls.yaml":
            assert shown["subject"] == ((("commonName", "localhost"),),)
        else:
            assert (headers["Authorization"], headers["X-Cluster"]) == ("Bearer s3cret", "production")
