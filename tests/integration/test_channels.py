"""A channel that fails: it is said and counted, the run goes on, and the other channels get every alert."""

import json
import re
import shutil
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from msgspec.inspect import Metadata, StructType, type_info
from recorded.command import falco

from falco.config.settings import Settings
from falco.plugins.manager import PluginManager
from falco_outputs import syslog

COUNT = 20
ALERTS = [f"03:04:05.000000000: Warning seen a{number}" for number in range(COUNT)]
RULE = """\
- rule: Seen
  desc: Any event.
  condition: evt.num exists
  output: "seen %ka.auditid"
  priority: WARNING
  source: k8s_audit
"""
CONFIG = """\
plugins: [{name: k8saudit, library_path: libk8saudit.so, open_params: events.jsonl}]
rules_files: [rules.yaml]
engine: {kind: nodriver}
stdout_output: {enabled: true}
file_output: {enabled: true, keep_alive: true, filename: alerts.txt}
log_stderr: true
log_syslog: false
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    event = {"kind": "Event", "stage": "ResponseComplete", "verb": "get", "stageTimestamp": "2024-01-02T03:04:05Z"}
    events = (json.dumps(event | {"auditID": f"a{number}"}) + "\n" for number in range(COUNT))
    (tmp_path / "events.jsonl").write_text("".join(events))
    (tmp_path / "rules.yaml").write_text(RULE)
    (tmp_path / "no.pem").write_text("no certificate\n")
    (tmp_path / "ours.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(here, sections, behind=""):
    """The run with *sections* beside standard output and a file, which must be whole; what was said.

    *behind* stands behind the text of each alert.
    """
    (here / "falco.yaml").write_text(CONFIG + sections)
    result = falco(["-c", "falco.yaml", "--enable-source", "k8s_audit"], here)
    alerts = "".join(f"{alert}{behind}\n" for alert in ALERTS)

    assert result.code == 0, result.stderr
    assert result.stdout.partition("Events detected")[0] == alerts
    assert (here / "alerts.txt").read_text() == alerts
    assert "Traceback" not in result.stderr
    return result.stderr


def assert_lost(said, channel, sentence, number=COUNT):
    """*sentence* was said of *channel*, and *number* alerts are in its account at the end."""
    assert re.search(rf": {channel}: .*{sentence}", said), said
    assert f"Lost or refused:\n   {channel}: alerts lost: {number}\n" in said, said


class Receiver(ThreadingHTTPServer):
    """Answers with ``status`` after a delay, or only once the test is over."""

    daemon_threads = True

    def __init__(self, status, delay_s):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.delay_s, self.over = status, delay_s, threading.Event()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        if self.server.status is None:
            self.server.over.wait(60)
            return
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.over.wait(self.server.delay_s)
        self.send_error(self.server.status)

    def log_message(self, *args):
        pass


@pytest.fixture
def serve():
    """A function (status, TLS context, delay): the port of a receiver."""
    servers = []

    def start(status, context=None, delay_s=0.0):
        server = Receiver(status, delay_s)
        server.handle_error = lambda *_: None  # a client that breaks off is what is tested
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return server.server_address[1]

    yield start
    for server in servers:
        server.over.set()
        server.shutdown()
        server.server_close()


def http(url, **keys):
    return json.dumps({"enabled": True, "url": url, **keys})


def test_a_dead_receiver(here):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        said = run(here, f"http_output: {http(f'http://127.0.0.1:{free.getsockname()[1]}/')}\n")

    assert_lost(said, "http", "Connection refused")


def test_a_receiver_that_answers_500(here, serve):
    said = run(here, f"http_output: {http(f'http://127.0.0.1:{serve(500)}/')}\n")

    assert_lost(said, "http", r"answered 500: ")


def test_a_receiver_that_never_answers(here, serve):
    section = http(f"http://127.0.0.1:{serve(None)}/", max_consecutive_timeouts=1)
    said = run(here, f"http_output: {section}\nx-falco-py: {{http_output: {{timeout_s: 0.02}}}}\n")

    assert_lost(said, "http", "no answer in 2 attempts")


def test_a_slow_receiver_loses_what_its_queue_has_no_room_for(here, serve):
    port = serve(200, delay_s=0.2)
    said = run(here, f"http_output: {http(f'http://127.0.0.1:{port}/')}\noutputs_queue: {{capacity: 4}}\n")

    dropped = int(re.search(r"   http: alerts dropped: (\d+)\n", said)[1])
    assert re.search(r": http: outputs queue full \(4 alerts\), \d+ alerts dropped, \d+ so far", said)
    assert 0 < dropped <= COUNT - 4
    assert "alerts lost" not in said


def redirects(_request, port):
    yield b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n" % port


def never_ends(_request, _port):
    yield b"HTTP/1.1 200 OK\r\n\r\n"
    while True:
        yield b"x" * 65536


def drips(_request, _port):
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    while True:
        time.sleep(0.01)
        yield b"1\r\nx\r\n"


def stops_half_way(request, _port):
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it"
    request.recv(1)  # until the client goes


def breaks_off(_request, _port):
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it"


def hangs_up(_request, _port):
    yield b""


def talks_nonsense(_request, _port):
    yield b"\0\xff\r\n\r\n"


class _Rude(socketserver.BaseRequestHandler):
    def handle(self):
        received = b""
        while b"\r\n\r\n" not in received and (part := self.request.recv(65536)):
            received += part
        try:
            for part in self.server.answer(self.request, self.server.server_address[1]):
                self.request.sendall(part)
        except OSError:
            return


@pytest.fixture
def rude(request):
    """The port of a receiver that reads a request and sends what it is parametrized with."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Rude) as server:
        server.daemon_threads, server.block_on_close, server.answer = True, False, request.param
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


IMPATIENT = "x-falco-py: {http_output: {timeout_s: 0.1}}\n"


@pytest.mark.parametrize("rude", [never_ends, drips, stops_half_way, breaks_off], indirect=True)
def test_an_answer_that_takes_the_alert_and_has_no_end_costs_nothing(here, rude):
    said = run(here, f"http_output: {http(f'http://127.0.0.1:{rude}/')}\n{IMPATIENT}")

    assert "Lost or refused" not in said


@pytest.mark.parametrize(
    ("rude", "sentence"),
    [
        (redirects, r"answered 302, see http://127.0.0.1:\d+/: not followed, give that URL"),
        (hangs_up, "Remote end closed connection without response"),
        (talks_nonsense, "Connection aborted"),
    ],
    indirect=["rude"],
)
def test_an_answer_that_does_not_take_the_alert(here, rude, sentence):
    said = run(here, f"http_output: {http(f'http://127.0.0.1:{rude}/')}\n{IMPATIENT}")

    assert_lost(said, "http", sentence)


def test_a_receiver_that_hangs_in_the_tls_handshake(here):
    with socket.create_server(("127.0.0.1", 0), backlog=50) as silent:  # connected by the system, and never accepted
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
        said = run(here, f"http_output: {http(url, max_consecutive_timeouts=0)}\n{IMPATIENT}")

    assert_lost(said, "http", "no answer in 1 attempts")


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"ca_cert": "no.pem"}, "http_output.ca_cert 'no.pem': it holds no certificate in PEM"),
        ({"ca_bundle": "nope.pem"}, "http_output.ca_bundle 'nope.pem': No such file or directory"),
        (
            {"mtls": True, "client_cert": "no.pem", "client_key": "no.pem"},
            "http_output.client_cert 'no.pem': it holds no certificate in PEM",
        ),
        (
            {"mtls": True, "client_cert": "ours.pem", "client_key": "nope.key"},
            "http_output.client_key 'nope.key': No such",
        ),
    ],
)
def test_a_certificate_of_ours_that_cannot_be_used(here, keys, sentence):
    said = run(here, f"http_output: {http('https://127.0.0.1:1/', **keys)}\n")

    assert_lost(said, "http", re.escape(sentence) + ".*this output channel stays off")


@pytest.fixture
def certificates(here):
    """A certificate with an open, a closed and another key, and one that has expired."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl program to make certificates")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=here, check=True, capture_output=True)

    for name, days in (("ours", "2"), ("old", "-1")):
        key = ("-keyout", f"{name}.key")
        openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", *key, "-out", "csr")
        openssl("x509", "-req", "-in", "csr", "-signkey", f"{name}.key", "-days", days, "-out", f"{name}.pem")
    openssl("pkey", "-in", "ours.key", "-aes256", "-passout", "pass:secret", "-out", "closed.key")


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("closed.key", "http_output.client_key 'closed.key': the key is encrypted and falco asks nobody"),
        ("old.key", "http_output.client_cert 'ours.pem': the key in 'old.key' is another's"),
    ],
)
@pytest.mark.usefixtures("certificates")
def test_a_key_that_cannot_be_used(here, key, sentence):
    said = run(
        here, f"http_output: {http('https://127.0.0.1:1/', mtls=True, client_cert='ours.pem', client_key=key)}\n"
    )

    assert_lost(said, "http", re.escape(sentence) + ".*this output channel stays off")


@pytest.mark.usefixtures("certificates")
def test_a_certificate_of_ours_that_has_expired_is_said_and_shown_all_the_same(here):
    keys = {"mtls": True, "client_cert": "old.pem", "client_key": "old.key"}
    said = run(here, f"http_output: {http('https://127.0.0.1:1/', **keys)}\n")

    assert "http_output.client_cert 'old.pem': certificate has expired: the receiver will refuse it, renew it" in said
    assert_lost(said, "http", "Connection refused")


def test_a_receiver_whose_certificate_nobody_vouches_for(here, serve, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    said = run(here, f"http_output: {http(f'https://127.0.0.1:{serve(200, context)}/')}\n")

    assert_lost(said, "http", "certificate verify failed")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("cat > /dev/null; exit 3", "ended with exit status 3"),
        ("cat > /dev/null; sleep 60", r"did not end within 0.02 s and was killed"),
    ],
)
def test_a_program_that_fails_for_each_alert(here, program, sentence):
    section = json.dumps({"enabled": True, "program": program})
    said = run(here, f"program_output: {section}\nx-falco-py: {{program_output: {{timeout_s: 0.02}}}}\n")

    assert_lost(said, "program", sentence)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
def test_a_program_that_closes_its_input(here):
    section = json.dumps({"enabled": True, "keep_alive": True, "program": "exec 0<&-; sleep 60"})
    text = "x" * 200_000  # more than a pipe holds for nobody
    (here / "rules.yaml").write_text(RULE.replace("auditid", f"auditid{text}").replace("auditidx", "auditid x"))
    said = run(here, f"program_output: {section}\n", f" {text}")

    assert_lost(said, "program", r"did not take the alert \(closed its input and was killed\)")


def test_a_syslog_whose_socket_is_missing(here, monkeypatch):
    monkeypatch.setattr(syslog, "_SOCKETS", ("/nowhere/log",))
    said = run(here, "syslog_output: {enabled: true}\n")

    assert_lost(said, "syslog", r"no syslog daemon listens here \(/nowhere/log: .*; this output channel stays off")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_file_on_a_full_disk(here):
    section = json.dumps({"enabled": True, "filename": "/dev/full"})
    (here / "falco.yaml").write_text(re.sub("file_output: .*", f"file_output: {section}", CONFIG))
    result = falco(["-c", "falco.yaml", "--enable-source", "k8s_audit"], here)

    assert result.stdout.partition("Events detected")[0] == "".join(f"{alert}\n" for alert in ALERTS)
    assert_lost(result.stderr, "file", "cannot write to /dev/full: No space left on device")


OPTIONAL = {
    channel: [row.encode_name for row in type_info(cls.config_type).fields if not row.required]
    for channel, cls in PluginManager.of_environment().output_types().items()
}


@pytest.mark.parametrize("home", ["", "x-falco-py.", "included "])
@pytest.mark.parametrize("channel", [channel for channel, keys in OPTIONAL.items() if keys])
def test_a_channel_all_of_whose_keys_are_wrong(here, channel, home, monkeypatch):
    monkeypatch.setattr(syslog, "_SOCKETS", ("/nowhere/log",))
    needed = {
        "http": {"url": "http://127.0.0.1:1/"},
        "file": {"filename": "alerts.txt"},
        "program": {"program": "false"},
    }
    switched = json.dumps({"enabled": True, **needed.get(channel, {})})
    wrong = "".join(f"\n    {key}: [[a]]" for key in OPTIONAL[channel])
    if home == "x-falco-py.":
        text = f"{channel}_output: {switched}\nx-falco-py:\n  {channel}_output:{wrong}\n"
    else:
        text = f"{channel}_output:\n    " + "\n    ".join(switched[1:-1].split(", ")) + f"{wrong}\n"
    config = CONFIG if channel != "file" else re.sub("file_output: .*\n", "", CONFIG)
    name, before = "falco.yaml", config
    if home == "included ":
        name, before = "more.yaml", ""
        (here / "more.yaml").write_text(text)
        (here / "falco.yaml").write_text(config + "config_files: [more.yaml]\n")
    else:
        (here / "falco.yaml").write_text(config + text)
    result = falco(["-c", "falco.yaml", "--enable-source", "k8s_audit"], here)

    lines = (before + text).splitlines()
    for key in OPTIONAL[channel]:
        number = next(n for n, line in enumerate(lines, 1) if line == f"    {key}: [[a]]")
        path = f"{home.removeprefix('included ')}{channel}_output.{key}"
        assert f"{name}:{number}:{len(key) + 7}: {path}: expected " in result.stderr
    alerts = "".join(f"{alert}\n" for alert in ALERTS)
    assert (result.code, result.stdout.partition("Events detected")[0]) == (0, alerts)
    assert (here / "alerts.txt").read_text() == alerts
    assert f"{name} | schema validation: failed" in result.stderr
    if channel != "file":
        assert f"Lost or refused:\n   {channel}: alerts lost: {COUNT}\n" in result.stderr


def test_all_keys_wrong_at_once_cost_no_alert(here):
    left_alone = re.compile("plugins|rules|config_files|load_|append_|engine|log_stderr|stdout_|file_|static|priority")
    sections = {}
    for row in type_info(Settings).fields:
        if not left_alone.match(row.encode_name):
            inner = row.type.type if isinstance(row.type, Metadata) else row.type
            keys = [below.encode_name for below in inner.fields] if isinstance(inner, StructType) else None
            sections[row.encode_name] = "[[a]]" if keys is None else dict.fromkeys(keys, "[[a]]")
    text = "".join(
        f"{name}: {value}\n"
        if isinstance(value, str)
        else f"{name}: {json.dumps(value)}\n".replace('"[[a]]"', "{b: c}")
        for name, value in sections.items()
        if name != "log_syslog"
    )
    said = run(here, text)

    wrong = [f"{name}.{key}" for name, keys in sections.items() if isinstance(keys, dict) for key in keys]
    wrong += [name for name, value in sections.items() if value == "[[a]]" and name != "log_syslog"]
    assert len(wrong) > 50
    for path in wrong:
        assert f": {path}: expected " in said, path


def test_all_of_them_at_once(here, monkeypatch):
    monkeypatch.setattr(syslog, "_SOCKETS", ("/nowhere/log",))
    program = json.dumps({"enabled": True, "program": "cat > /dev/null; exit 3"})
    sections = (
        f"syslog_output: {{enabled: true}}\nprogram_output: {program}\nhttp_output: {http('http://127.0.0.1:1/')}\n"
    )
    said = run(here, sections)

    for channel in ("syslog", "program", "http"):
        assert f"   {channel}: alerts lost: {COUNT}\n" in said
