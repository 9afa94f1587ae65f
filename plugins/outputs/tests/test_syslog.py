"""The syslog channel: severity from the alert, delivery to the daemon or to a receiver, failures told."""

import re
import socket
import threading
from types import SimpleNamespace

import pytest

from falco import OutputError
from falco_outputs import syslog
from falco_outputs.rfc5424 import Sender
from falco_outputs.syslog import SyslogConfig, SyslogOutput

_MESSAGE = re.compile(rb"^<(\d+)>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \S+ falco \d+ - - (.*)$", re.DOTALL)


class Alert(str):
    __slots__ = ()
    template = SimpleNamespace(priority=4)


def test_datagram_carries_facility_severity_and_text(output_context):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)
        output = SyslogOutput(SyslogConfig(address=f"udp://127.0.0.1:{receiver.getsockname()[1]}"), output_context)
        output.open()
        output.write(Alert("shell \u00e9"))
        output.close()
        code, text = _MESSAGE.match(receiver.recv(65536)).groups()

    assert int(code) == 1 << 3 | 4
    assert text.decode() == "shell \u00e9"


def test_stream_counts_octets_and_survives_a_lost_connection(output_context):
    received = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            for _ in range(2):
                connection, _ = server.accept()
                with connection:
                    received.append(connection.recv(65536))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        output = SyslogOutput(SyslogConfig(address=f"tcp://127.0.0.1:{server.getsockname()[1]}"), output_context)
        output.open()
        output.write(Alert("one\ntwo"))
        output.reopen()
        output.write(Alert("three"))
        output.close()
        thread.join(10)

    for raw, text in zip(received, (b"one\ntwo", b"three"), strict=True):
        length, _, message = raw.partition(b" ")
        assert int(length) == len(message)
        assert _MESSAGE.match(message)[2] == text


def test_a_receiver_that_starts_again_gets_every_alert(output_context):
    received = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        output = SyslogOutput(SyslogConfig(address=f"tcp://127.0.0.1:{server.getsockname()[1]}"), output_context)
        output.open()
        for text in ("one", "two", "three"):
            output.write(Alert(text))
            with server.accept()[0] as connection:  # and closed: the next alert finds it so
                received.append(_MESSAGE.match(connection.recv(65536).partition(b" ")[2])[2])
        output.close()

    assert received == [b"one", b"two", b"three"]


def test_receiver_that_is_gone_is_told(output_context):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        output = SyslogOutput(SyslogConfig(address=f"tcp://127.0.0.1:{free.getsockname()[1]}"), output_context)
        output.open()

        with pytest.raises(OutputError, match="refused"):
            output.write(Alert("x"))


@pytest.mark.parametrize(
    "address", ["host:514", "udp://", "http://host", "tcp://host:99999", "tcp://host:0", "udp://[::1"]
)
def test_address_that_is_not_understood_is_refused(address):
    with pytest.raises(OutputError, match="write udp://host:514"):
        Sender(address, 1.0)


def test_missing_daemon_is_told(output_context, monkeypatch):
    monkeypatch.setattr(syslog, "_SOCKETS", ("/nowhere/log",))

    with pytest.raises(OutputError, match="no syslog daemon listens here"):
        SyslogOutput(SyslogConfig(), output_context).open()


@pytest.fixture
def listen(tmp_path, monkeypatch):
    """A function: a daemon's socket, where the channel looks for it."""
    path = tmp_path / "log"
    monkeypatch.setattr(syslog, "_SOCKETS", (str(path),))

    def daemon(kind=socket.SOCK_DGRAM):
        path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, kind)
        listening.bind(str(path))
        if kind == socket.SOCK_STREAM:
            listening.listen()
        return listening

    return daemon


def test_daemon_that_went_away_is_told_until_it_is_back(output_context, listen):
    output = SyslogOutput(SyslogConfig(), output_context)
    with listen():
        output.open()
    with pytest.raises(OutputError, match=r"no syslog daemon listens here \(.*/log: Connection refused\)"):
        output.write(Alert("x"))
    with listen():
        output.write(Alert("y"))
    output.close()


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_daemon_gets_severity_and_text(output_context, monkeypatch, listen, kind):
    calls = []
    daemon = SimpleNamespace(
        openlog=lambda *args: calls.append(("open", *args)),
        syslog=lambda *args: calls.append(("log", *args)),
        closelog=lambda: calls.append(("close",)),
    )
    monkeypatch.setattr(syslog.importlib, "import_module", lambda _: daemon)
    with listen(kind):
        output = SyslogOutput(SyslogConfig(), output_context)
        output.open()
        output.write(Alert("text"))
        output.close()

    assert calls == [("open", "falco", 0, 8), ("log", 4, "text"), ("close",)]
