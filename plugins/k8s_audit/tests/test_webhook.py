"""The webhook answers as Falco's does, makes clients wait rather than lose events, and stands rude ones.

It runs in a process of its own: a client in the same process would never meet back-pressure.
"""

import contextlib
import gzip
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from falco.errors import SourceError
from falco_k8s_audit.config import Config
from falco_k8s_audit.source import AuditSource
from falco_k8s_audit.webhook import Address

_DRIVER = Path(__file__).with_name("webhook_driver.py")
_PATIENCE_S = 60.0
_JSON = "Content-Type: application/json\r\n"


class Webhook:
    """The process, and sockets to it."""

    def __init__(self, open_params, context=None, **config):
        self.process = subprocess.Popen(
            [sys.executable, str(_DRIVER), open_params, json.dumps(config)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.context = context
        self.started = json.loads(self.process.stdout.readline() or '"it did not start"')

    def tell(self, command):
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def connect(self):
        sock = socket.create_connection(("127.0.0.1", self.started["port"]), _PATIENCE_S)
        return self.context.wrap_socket(sock, server_hostname="localhost") if self.context else sock

    def request(self, text, body=b""):
        """Status, headers and body of the answer to one request on a connection of its own."""
        with self.connect() as sock:
            sock.sendall(text.encode("latin-1") + body)
            return answer(sock)

    def post(self, body=b"{}", path="/k8s-audit", headers=_JSON):
        return self.request(f"POST {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {len(body)}\r\n\r\n", body)

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(_PATIENCE_S)
        finally:
            self.process.kill()
            self.process.stdout.close()


def answer(sock):
    data = b""
    while b"\r\n\r\n" not in data:
        part = sock.recv(65536)
        if not part:
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
    while len(body) < int(headers.get("content-length", 0)):
        body += sock.recv(65536)
    return int(lines[0].split()[1]), headers, body


@pytest.fixture
def start():
    with contextlib.ExitStack() as stack:

        def start_one(path="/k8s-audit", scheme="http", context=None, **config):
            webhook = Webhook(f"{scheme}://127.0.0.1:0{path}", context, **config)
            stack.callback(webhook.stop)
            return webhook

        yield start_one


@pytest.fixture(scope="module")
def shared():
    """One webhook for tests that ask nothing special of it and leave nothing in it."""
    webhook = Webhook("http://127.0.0.1:0/k8s-audit")
    yield webhook
    webhook.stop()


def test_a_batch_is_answered_at_once_and_comes_out_as_it_was(start):
    webhook = start()
    body = json.dumps({"kind": "EventList", "items": [{"auditID": "é"}]}).encode()
    status, _, text = webhook.post(body)

    assert (status, text) == (200, b"")
    assert webhook.tell("take") == [body.decode("latin-1")]
    assert webhook.tell("counters")[0] == {}


@pytest.mark.parametrize(
    ("request_line", "headers", "status", "text"),
    [
        ("GET /k8s-audit", _JSON, 405, "GET method not allowed"),
        ("PUT /k8s-audit", _JSON, 405, "PUT method not allowed"),
        ("POST /k8s-audit", "", 400, "wrong Content Type"),
        ("POST /k8s-audit", "Content-Type: text/plain\r\n", 400, "wrong Content Type"),
        ("POST /", _JSON, 404, "404 page not found"),
        ("POST /k8s-audit/", _JSON, 404, "404 page not found"),
        ("POST /k8s-audit2", _JSON, 404, "404 page not found"),
        ("GET /other", _JSON, 404, "404 page not found"),
    ],
)
def test_what_is_not_a_batch_is_refused_counted_and_said(shared, request_line, headers, status, text):
    webhook = shared
    before, said = webhook.tell("counters")
    found = webhook.request(f"{request_line} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: 2\r\n\r\n", b"{}")
    counters, sentences = webhook.tell("counters")

    assert (found[0], found[2].decode().strip()) == (status, text)
    name = "requests refused by the webhook"
    assert counters[name] == before.get(name, 0) + 1
    assert sentences[0].startswith("the audit webhook listens on http://127.0.0.1:0/k8s-audit")
    assert counters[name] > 10 or sentences[len(said)].startswith("webhook, request of 127.0.0.1:")
    assert webhook.tell("idle") == 0


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "x,application/json"])
def test_any_content_type_with_json_in_it_passes(shared, kind):
    assert shared.post(headers=f"Content-Type: {kind}\r\n")[0] == 200
    assert shared.tell("take") == ["{}"]


def test_a_path_that_ends_in_a_slash_is_a_subtree(start):
    webhook = start("/audit/")

    assert webhook.post(path="/audit/")[0] == 200
    assert webhook.post(path="/audit/x/y?z=1")[0] == 200
    assert webhook.post(path="/audit")[0] == 404


def test_a_connection_serves_many_requests(shared):
    webhook = shared
    with webhook.connect() as sock:
        for i in range(5):
            body = b'{"n":%d}' % i
            sock.sendall(
                b"POST /k8s-audit HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n" % (_JSON.encode(), len(body))
                + body
            )
            assert answer(sock)[0] == 200

    taken = []
    while len(taken) < 5:
        taken += webhook.tell("take")
    assert taken == [f'{{"n":{i}}}' for i in range(5)]


def test_chunked_bodies_are_put_together(shared):
    webhook = shared
    found = webhook.request(
        f"POST /k8s-audit HTTP/1.1\r\nHost: x\r\n{_JSON}Transfer-Encoding: chunked\r\n\r\n",
        b'3\r\n{"a\r\n5;x=y\r\n":  1\r\n1\r\n}\r\n0\r\n\r\n',
    )

    assert found[0] == 200
    assert webhook.tell("take") == ['{"a":  1}']


def test_a_gzipped_body_is_unpacked(shared):
    batch = json.dumps({"kind": "EventList", "items": ["x" * 5000]}).encode()
    headers = f"{_JSON}Content-Encoding: gzip\r\n"

    assert shared.post(gzip.compress(batch), headers=headers)[0] == 200
    assert shared.tell("take")[0] == batch.decode()


@pytest.mark.parametrize(
    ("coding", "body", "status", "text"),
    [
        ("gzip", gzip.compress(b"{}")[:-9], 400, b"bad request: gzip: unexpected EOF"),
        ("gzip", b"{}", 400, b"bad request: gzip: "),
        ("GZIP", gzip.compress(b"{" + b" " * 2000 + b"}"), 400, b"bad request: http: request body too large"),
        ("br", b"{}", 415, b"Content-Encoding br is not supported, gzip is"),
    ],
)
def test_a_body_that_cannot_be_unpacked_is_refused_counted_and_said(start, coding, body, status, text):
    webhook = start(webhookMaxBatchSize=1000)
    found, _, answered = webhook.post(body, headers=f"{_JSON}Content-Encoding: {coding}\r\n")

    assert found == status
    assert answered.startswith(text)
    assert webhook.tell("counters")[0]["requests refused by the webhook"] == 1


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("size", "status"), [(1000, 200), (1001, 400), (5_000_000, 400)])
def test_a_body_beyond_the_limit_is_refused(start, chunked, size, status):
    webhook = start(webhookMaxBatchSize=1000)
    body = b"x" * size
    if chunked:
        head = f"POST /k8s-audit HTTP/1.1\r\nHost: x\r\n{_JSON}Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n"
        data = body + b"\r\n0\r\n\r\n"
    else:
        head, data = f"POST /k8s-audit HTTP/1.1\r\nHost: x\r\n{_JSON}Content-Length: {size}\r\n\r\n", body
    with webhook.connect() as sock:
        with contextlib.suppress(ConnectionError):
            sock.sendall(head.encode() + data)
        try:
            found = answer(sock)
        except ConnectionError:  # the answer was thrown away with what the server did not read
            found = None

    assert found is None or (found[0], found[2][:12] if status == 400 else b"") == (
        status,
        b"bad request:"[: 12 * (status == 400)],
    )
    counters, _ = webhook.tell("counters")
    assert counters.get("requests refused by the webhook", 0) == (status == 400)
    assert webhook.post(b"{}")[0] == 200


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ("Content-Length: +2\r\n", b"{}"),
        ("Content-Length: -2\r\n", b"{}"),
        ("Content-Length: 1_0\r\n", b"{}        "),
        ("Content-Length: x\r\n", b"{}"),
        ("Content-Length: 2\r\nContent-Length: 3\r\n", b"{}\n"),
        ("Content-Length: 2\r\nContent-Length: 2\r\n", b"{}"),
        ("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
        *(
            ("Transfer-Encoding: chunked\r\n", size + b"\r\n{}\r\n0\r\n\r\n")
            for size in (b"-1", b"+2", b"0x2", b"", b"2_")
        ),
    ],
)
def test_a_request_whose_end_is_in_doubt_is_refused_and_counted(start, headers, body):
    webhook = start()
    with webhook.connect() as sock:
        sock.sendall(f"POST /k8s-audit HTTP/1.1\r\nHost: x\r\n{_JSON}{headers}\r\n".encode() + body)

        assert answer(sock)[0] == 400
    assert webhook.tell("counters")[0] == {"requests refused by the webhook": 1}
    assert webhook.post(b'{"good":1}')[0] == 200
    assert webhook.tell("take") == ['{"good":1}']


@pytest.mark.parametrize(
    "bad",
    [
        b"POST /k8s-audit HTTP/1.1\r\nHost: x\r\n%sContent-Length: 100\r\n\r\nshort" % _JSON.encode(),
        b"POST /k8s-audit HTTP/1.1\r\nHost: x\r\n%sContent-Length: -5\r\n\r\n{}" % _JSON.encode(),
        b"POST /k8s-audit HTTP/1.1\r\nHost: x\r\n%sTransfer-Encoding: chunked\r\n\r\nzz\r\n" % _JSON.encode(),
        b"POST /k8s-audit HTTP/1.1\r\nHost: x\r\n%sTransfer-Encoding: chunked\r\n\r\nffffffff\r\nx" % _JSON.encode(),
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"POST /k8s-audit HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"",
    ],
)
def test_a_rude_client_gets_no_200_and_disturbs_nobody(shared, bad):
    webhook = shared
    with webhook.connect() as sock, contextlib.suppress(OSError):  # the server may hang up at any moment
        sock.sendall(bad)
        sock.shutdown(socket.SHUT_WR)
        found = answer(sock)
        assert found is None or found[0] >= 400

    assert webhook.post(b'{"good":1}')[0] == 200
    assert webhook.tell("take") == ['{"good":1}']
    assert webhook.process.poll() is None


def test_idle_connections_cost_no_thread(start):
    webhook = start()
    with contextlib.ExitStack() as stack:
        for _ in range(500):
            stack.enter_context(webhook.connect())

        assert webhook.post(b"{}")[0] == 200
        assert webhook.tell("take") == ["{}"]
        assert webhook.tell("counters")[0] == {}


@pytest.mark.parametrize(
    "text",
    [b"P", b"POST /k8s-audit HTTP/1.1\r\n", b"POST /k8s-audit HTTP/1.1\r\nContent-Length: 9\r\n\r"],
)
def test_heads_that_come_byte_by_byte_cost_no_thread(start, text):
    webhook = start()
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(webhook.connect()) for _ in range(100)]
        for sock in slow:
            sock.sendall(text[:-1])
        for sock in slow:
            sock.sendall(text[-1:])

        assert webhook.post(b"{}")[0] == 200
        assert webhook.tell("take") == ["{}"]


@pytest.mark.parametrize("framing", [b"Content-Length: 9000", b"Transfer-Encoding: chunked"])
def test_bodies_that_come_byte_by_byte_give_way_to_others(start, framing):
    webhook = start()
    head = b"POST /k8s-audit HTTP/1.1\r\nHost: x\r\n%s%s\r\n\r\n" % (_JSON.encode(), framing)
    stopped = threading.Event()

    def dribble(socks):
        while not stopped.wait(0.05):
            for sock in socks:
                with contextlib.suppress(OSError):
                    sock.sendall(b"1\r\nx\r\n")

    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(webhook.connect()) for _ in range(40)]
        for sock in slow:
            sock.sendall(head)
        thread = threading.Thread(target=dribble, args=(slow,))
        thread.start()
        try:
            assert webhook.post(b"{}")[0] == 200
        finally:
            stopped.set()
            thread.join()

    assert webhook.tell("take") == ["{}"]
    counters, said = webhook.tell("counters")
    assert counters["requests refused by the webhook"] > 0
    assert any("its body comes slowly, and others wait" in sentence for sentence in said)


def test_pipelined_requests_are_answered_in_order(shared):
    request = b"POST /k8s-audit HTTP/1.1\r\nHost: x\r\n%sContent-Length: 7\r\n\r\n" % _JSON.encode()
    with shared.connect() as sock:
        sock.sendall(b"".join(request + b'{"n":%d}' % i for i in range(9)))
        data = b""
        while data.count(b"200 OK") < 9:
            part = sock.recv(65536)
            assert part, data
            data += part

    taken = []
    while len(taken) < 9:
        taken += shared.tell("take")
    assert taken == [f'{{"n":{i}}}' for i in range(9)]


def test_a_client_that_speaks_tls_to_a_plain_webhook_is_told_of_in_words(start):
    webhook = start()
    webhook.context = ssl.create_default_context()
    with pytest.raises(OSError):
        webhook.post()

    assert any("the URL of the client must be http://" in said for said in webhook.tell("counters")[1])


def test_a_full_mailbox_makes_clients_wait_and_loses_nothing(start):
    webhook = start()
    answers, threads = [], []

    def post(i):
        answers.append(webhook.post(b'{"n":%d}' % i)[0])

    for i in range(60):
        threads.append(threading.Thread(target=post, args=(i,)))
        threads[-1].start()
    until = time.monotonic() + _PATIENCE_S
    while len(answers) < 50 and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.3)  # in which a 51st would be answered
    answered = len(answers)
    taken = []
    while len(taken) < 60:
        taken += webhook.tell("take")
    for thread in threads:
        thread.join(_PATIENCE_S)

    assert answered == 50
    assert answers == [200] * 60
    assert sorted(json.loads(body)["n"] for body in taken) == list(range(60))


def test_what_was_accepted_before_the_end_comes_out_and_the_rest_is_told_so(start):
    webhook = start()
    for i in range(50):
        assert webhook.post(b'{"n":%d}' % i)[0] == 200
    late = []
    thread = threading.Thread(target=lambda: late.append(webhook.post(b"late")))
    thread.start()
    thread.join(0.5)
    webhook.tell("close")
    rest = webhook.tell("rest")
    thread.join(_PATIENCE_S)

    assert [json.loads(body)["n"] for body in rest] == list(range(50))
    assert late[0] is None or late[0][0] == 503


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("", 401),
        ("Authorization: Bearer wrong\r\n", 401),
        ("Authorization: Basic secret\r\n", 401),
        ("Authorization: Bearer secret\r\n", 200),
    ],
)
def test_a_bearer_token_is_demanded_if_one_is_set(start, tmp_path, header, status):
    (tmp_path / "token").write_text("secret\n")
    webhook = start(bearerTokenFile=str(tmp_path / "token"))

    assert webhook.post(headers=_JSON + header)[0] == status


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"bearerTokenFile": "/nope"}, "bearerTokenFile /nope: No such file or directory"),
        ({"bearerTokenFile": "/dev/null"}, "bearerTokenFile /dev/null: it is empty"),
    ],
)
def test_a_token_that_cannot_be_read_ends_with_a_sentence(start, config, message):
    assert start(**config).started == {"error": message}


def test_a_certificate_that_cannot_be_read_ends_with_a_sentence(start, tmp_path):
    started = start(scheme="https", sslCertificate=str(tmp_path / "nope.pem")).started

    assert started["error"].startswith(f"sslCertificate '{tmp_path}/nope.pem': No such file or directory")
    assert started["error"].endswith("(it must hold a certificate and its open key, in PEM)")


def test_an_address_in_use_ends_with_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        webhook = Webhook(f"http://127.0.0.1:{port}/k8s-audit")
        webhook.stop()

    error = webhook.started["error"]
    assert error.startswith(f"listen tcp 127.0.0.1:{port}: ")
    assert error.endswith("or give another port in open_params")
    if Path("/proc/net/tcp").exists():
        assert f"(process {os.getpid()}) listens there: end it" in error


def test_what_is_opened_and_never_read_answers_nobody_and_frees_its_port():
    source = AuditSource(Config(), "http://127.0.0.1:0/k8s-audit")
    source.report = lambda _: None
    source.open()
    address = ("127.0.0.1", source.transport.port)
    with socket.create_connection(address, _PATIENCE_S) as sock:
        sock.sendall(f"POST /k8s-audit HTTP/1.1\r\nHost: x\r\n{_JSON}Content-Length: 2\r\n\r\n{{}}".encode())
        source.close()

        assert list(source.batches()) == []
        with contextlib.suppress(ConnectionError):
            assert sock.recv(1) == b""
    socket.create_server(address).close()


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("http://127.0.0.1:9765/k8s-audit", "127.0.0.1", 9765, "/k8s-audit"),
        ("http://:9765/k8s-audit", "", 9765, "/k8s-audit"),
        ("https://[::1]/a", "::1", 443, "/a"),
        ("http://h", "h", 80, "/"),
    ],
)
def test_addresses(url, host, port, path):
    address = Address.of(url)

    assert (address.host, address.port, address.path) == (host, port, path)
    assert address.is_open == (host == "")


@pytest.mark.parametrize("url", ["http://[::1", "http://h:99999/", "http://h:x/"])
def test_addresses_that_cannot_be_read(url):
    with pytest.raises(SourceError, match=r"write it like http://127.0.0.1:9765/k8s-audit"):
        Address.of(url)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A self-signed authority that is the server's and the client's certificate at once."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl program to make certificates")
    folder = tmp_path_factory.mktemp("certificates")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_bytes((folder / "cert.pem").read_bytes() + (folder / "key.pem").read_bytes())
    return folder


def trusting(folder, *, with_certificate=False):
    context = ssl.create_default_context(cafile=folder / "cert.pem")
    if with_certificate:
        context.load_cert_chain(folder / "both.pem")
    return context


def test_https_takes_batches(start, certificates):
    webhook = start(scheme="https", context=trusting(certificates), sslCertificate=str(certificates / "both.pem"))

    assert webhook.post(b'{"a":1}')[0] == 200
    assert webhook.tell("take") == ['{"a":1}']


def test_https_refuses_clients_without_a_certificate_if_it_demands_one(start, certificates):
    pem = str(certificates / "both.pem")
    webhook = start(scheme="https", sslCertificate=pem, clientCertificates=pem)
    webhook.context = trusting(certificates)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        assert webhook.post(b"{}") is None
        raise ConnectionResetError
    webhook.context = trusting(certificates, with_certificate=True)

    assert webhook.post(b"{}")[0] == 200
    assert any("TLS handshake failed" in said for said in webhook.tell("counters")[1])


def test_https_stands_plain_silent_and_slow_clients(start, certificates):
    webhook = start(scheme="https", sslCertificate=str(certificates / "both.pem"))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        trusting(certificates).wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    hello = outgoing.read()
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(webhook.connect()) for _ in range(100)]
        for sock in slow:
            sock.sendall(hello[:20])
        for sock in slow:
            sock.sendall(hello[20:21])
        for _ in range(100):
            stack.enter_context(webhook.connect())
        with contextlib.suppress(ConnectionError):
            webhook.post(b"{}")
        webhook.context = trusting(certificates)

        assert webhook.post(b'{"a":1}')[0] == 200
        assert webhook.tell("take") == ['{"a":1}']


def test_https_with_an_encrypted_key_ends_with_a_sentence_and_asks_nobody(start, certificates):
    command = ["openssl", "pkey", "-in", "key.pem", "-aes256", "-passout", "pass:secret", "-out", "closed.key"]
    subprocess.run(command, cwd=certificates, check=True, capture_output=True)
    closed = certificates / "closed.pem"
    closed.write_bytes((certificates / "cert.pem").read_bytes() + (certificates / "closed.key").read_bytes())
    started = start(scheme="https", sslCertificate=str(closed)).started

    assert started["error"].startswith(f"sslCertificate '{closed}': the key is encrypted and falco asks nobody")
    assert f"openssl pkey -in {closed} -out open.pem" in started["error"]


def test_https_with_an_expired_certificate_says_that_clients_will_refuse_it(start, certificates):
    for command in (
        ["req", "-new", "-key", "key.pem", "-subj", "/CN=localhost", "-out", "csr"],
        ["x509", "-req", "-in", "csr", "-signkey", "key.pem", "-days", "-1", "-out", "old.pem"],
    ):
        subprocess.run(["openssl", *command], cwd=certificates, check=True, capture_output=True)
    old = certificates / "old-both.pem"
    old.write_bytes((certificates / "old.pem").read_bytes() + (certificates / "key.pem").read_bytes())
    webhook = start(scheme="https", sslCertificate=str(old))

    assert (
        f"sslCertificate '{old}': certificate has expired: clients will refuse the audit webhook, renew it"
        in (webhook.tell("counters")[1])
    )


def test_authorities_of_clients_that_are_none_end_with_a_sentence(start, certificates):
    key = certificates / "key.pem"
    started = start(scheme="https", sslCertificate=str(certificates / "both.pem"), clientCertificates=str(key)).started

    assert started["error"].startswith(f"clientCertificates '{key}': it holds no certificate in PEM")
