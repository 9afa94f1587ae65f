"""An audit webhook as an API server knows it: a kubeconfig as the tutorial writes it, and requests as kube-apiserver's."""

import base64
import contextlib
import http.client
import json
import shutil
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

TUTORIAL = Path(__file__).parents[2] / "docs/tutorial/webhook.md"
PATIENCE_S = 60.0
RULES = """\
- rule: Seen
  desc: Any event.
  condition: ka.verb exists
  output: "seen %ka.auditid %ka.user.name"
  priority: NOTICE
  source: k8s_audit
"""


def kubeconfig():
    """The one that the tutorial tells users to write."""
    block = TUTORIAL.read_text(encoding="utf-8").partition(":caption: audit-webhook.yaml\n")[2].partition("```")[0]
    return yaml.safe_load(block)


def event_list(version, *ids):
    items = [
        {
            "level": "Metadata",
            "auditID": one,
            "stage": "ResponseComplete",
            "requestURI": "/api/v1/namespaces",
            "verb": "create",
            "user": {"username": "alice", "groups": ["system:authenticated"]},
            "sourceIPs": ["10.0.0.1"],
            "requestReceivedTimestamp": "2026-03-09T09:00:58.650000Z",
            "stageTimestamp": "2026-03-09T09:00:58.680000Z",
            "annotations": {"authorization.k8s.io/decision": "allow"},
        }
        for one in ids
    ]
    return json.dumps({"kind": "EventList", "apiVersion": f"audit.k8s.io/{version}", "metadata": {}, "items": items})


class ApiServer:
    """Posts batches where the current context of *config* says, with its credentials."""

    def __init__(self, config, folder):
        named = {
            kind: {one["name"]: one for one in config.get(f"{kind}s", [])} for kind in ("cluster", "context", "user")
        }
        context = named["context"][config["current-context"]]["context"]
        cluster = named["cluster"][context["cluster"]]["cluster"]
        user = named["user"][context["user"]]["user"] if context["user"] else {}
        url = urlsplit(cluster["server"])
        self.path = url.path
        self.headers = {
            "Accept": "application/json, */*",
            "Content-Type": "application/json",
            "User-Agent": "kube-apiserver/v1.33.1 (linux/amd64) kubernetes/8adc0f0",
        }
        if "token" in user:
            self.headers["Authorization"] = f"Bearer {user['token']}"
        if url.scheme == "http":
            self.connection = http.client.HTTPConnection(url.hostname, url.port, timeout=PATIENCE_S)
            return
        data = base64.b64decode(cluster["certificate-authority-data"]).decode()
        tls = ssl.create_default_context(cadata=data)
        if "client-certificate-data" in user:
            pem = folder / "client.pem"
            pem.write_bytes(b"".join(base64.b64decode(user[f"client-{part}-data"]) for part in ("certificate", "key")))
            tls.load_cert_chain(pem)
        self.connection = http.client.HTTPSConnection(url.hostname, url.port, timeout=PATIENCE_S, context=tls)

    def post(self, body, *, chunked=False):
        data = body.encode()
        sent = iter([data[:100], data[100:]]) if chunked else data
        self.connection.request("POST", f"{self.path}?timeout=30s", sent, self.headers, encode_chunked=chunked)
        answer = self.connection.getresponse()
        answer.read()
        return answer.status


@pytest.fixture
def connect(tmp_path):
    with contextlib.ExitStack() as stack:

        def connect_one(config):
            server = ApiServer(config, tmp_path)
            stack.callback(server.connection.close)
            return server

        yield connect_one


@pytest.fixture
def receive(tmp_path):
    """Starts the command; ``receive(scheme, **init_config)`` gives its process and the server of the kubeconfig."""
    started = []

    def start(scheme="http", **init_config):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        where = f"{scheme}://127.0.0.1:{port}/k8s-audit"
        plugin = {
            "name": "k8saudit",
            "library_path": "libk8saudit.so",
            "open_params": where,
            "init_config": init_config,
        }
        (tmp_path / "rules.yaml").write_text(RULES)
        configuration = {
            "engine": {"kind": "nodriver"},
            "plugins": [plugin],
            "rules_files": ["rules.yaml"],
            "stdout_output": {"enabled": True},
            "log_syslog": False,
        }
        (tmp_path / "falco.yaml").write_text(json.dumps(configuration))
        command = [sys.executable, "-m", "falco", "-c", "falco.yaml"]
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        started.append(process)
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return process, where
            time.sleep(0.05)
        raise AssertionError("the receiver does not listen")

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def pem(tmp_path, certificate):
    for name in ("cert.pem", "key.pem"):
        shutil.copy(certificate / name, tmp_path)
    both = tmp_path / "both.pem"
    both.write_bytes((tmp_path / "cert.pem").read_bytes() + (tmp_path / "key.pem").read_bytes())
    return both


def seen(process, count):
    return sorted(process.stdout.readline().split("seen ")[1].strip() for _ in range(count))


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
@pytest.mark.parametrize("chunked", [False, True])
def test_batches_arrive_by_the_kubeconfig_of_the_tutorial(receive, connect, version, chunked):
    process, where = receive()
    config = kubeconfig()
    assert urlsplit(config["clusters"][0]["cluster"]["server"]).path == urlsplit(where).path
    config["clusters"][0]["cluster"]["server"] = where
    server = connect(config)

    assert server.post(event_list(version, "a", "b"), chunked=chunked) == 200
    assert server.post(event_list(version, "c"), chunked=chunked) == 200
    assert seen(process, 3) == ["a alice", "b alice", "c alice"]


def credentials(config, where, cert, user):
    config["clusters"][0]["cluster"] = {
        "server": where,
        "certificate-authority-data": base64.b64encode(cert.read_bytes()).decode(),
    }
    config["users"] = [{"name": "apiserver", "user": user}]
    config["contexts"][0]["context"]["user"] = "apiserver"
    return config


def test_a_token_of_the_kubeconfig_opens_the_webhook(receive, connect, tmp_path, pem):
    (tmp_path / "token").write_text("secret\n")
    process, where = receive("https", sslCertificate=str(pem), bearerTokenFile=str(tmp_path / "token"))
    cert = tmp_path / "cert.pem"

    stranger = connect(credentials(kubeconfig(), where, cert, {"token": "wrong"}))
    assert stranger.post(event_list("v1", "x")) == 401
    server = connect(credentials(kubeconfig(), where, cert, {"token": "secret"}))
    assert server.post(event_list("v1", "a")) == 200
    assert seen(process, 1) == ["a alice"]


def test_a_client_certificate_of_the_kubeconfig_opens_the_webhook(receive, connect, tmp_path, pem):
    process, where = receive("https", sslCertificate=str(pem), clientCertificates=str(pem))
    cert = tmp_path / "cert.pem"
    parts = {
        f"client-{part}-data": base64.b64encode((tmp_path / f"{name}.pem").read_bytes()).decode()
        for part, name in (("certificate", "cert"), ("key", "key"))
    }

    with pytest.raises((OSError, http.client.HTTPException)):
        connect(credentials(kubeconfig(), where, cert, {})).post(event_list("v1", "x"))
    server = connect(credentials(kubeconfig(), where, cert, parts))
    assert server.post(event_list("v1", "a")) == 200
    assert seen(process, 1) == ["a alice"]
