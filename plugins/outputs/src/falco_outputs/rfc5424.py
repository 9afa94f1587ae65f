"""Messages of RFC 5424 over UDP (RFC 5426), TCP (RFC 6587, octet counting) and TLS (RFC 5425)."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from falco import CertificateError, OutputError, check_authorities

_PORTS: Final = {"udp": 514, "tcp": 514, "tls": 6514}
_UDP_BYTES: Final = 65_000
"""Longer messages are cut for UDP: a datagram holds no more."""
_HEARD_BYTES: Final = 4096


class Sender:
    """Sends messages to one receiver; connects when needed and again after a failure."""

    def __init__(self, address: str, timeout_s: float, ca_cert: str = "") -> None:
        """Understand *address*; nothing is connected yet.

        Raises:
            OutputError: The address or the certificate file is wrong.
        """
        wanted = f"syslog address '{address}': write udp://host:514, tcp://host:514 or tls://host:6514"
        try:
            parts = urlsplit(address)
            port = parts.port
        except ValueError:
            raise OutputError(wanted) from None
        if parts.scheme not in _PORTS or not parts.hostname or port == 0:
            raise OutputError(wanted)
        self._kind, self._host, self._port = parts.scheme, parts.hostname, port or _PORTS[parts.scheme]
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = None
        self._tls = _trusting(ca_cert) if self._kind == "tls" else None

    def send(self, code: int, host: str, program: str, process_id: int, text: str) -> None:
        """Send one message; *code* is facility times eight plus severity.

        Raises:
            OSError: The receiver cannot be reached; the connection is made anew for the next message.
        """
        when = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        message = f"<{code}>1 {when} {host[:255] or '-'} {program} {process_id} - - ".encode()
        message += text.encode("utf-8", "replace")
        try:
            if self._socket is not None and self._kind != "udp" and self._is_dropped(self._socket):
                self.close()
            if self._socket is None:
                self._socket = self._connect()
            if self._kind == "udp":
                self._socket.send(message[:_UDP_BYTES])
            else:
                self._socket.sendall(str(len(message)).encode() + b" " + message)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _is_dropped(self, connection: socket.socket) -> bool:
        """Whether the receiver has closed *connection*: what is sent into it then would be lost without a word."""
        connection.settimeout(0)
        try:
            return not connection.recv(_HEARD_BYTES)  # whatever it says: receivers have nothing to say
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True
        finally:
            connection.settimeout(self._timeout_s)

    def _connect(self) -> socket.socket:
        if self._kind == "udp":
            family, kind, protocol, _, where = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)[0]
            datagrams = socket.socket(family, kind, protocol)
            datagrams.connect(where)
            return datagrams
        plain = socket.create_connection((self._host, self._port), self._timeout_s)
        return self._tls.wrap_socket(plain, server_hostname=self._host) if self._tls else plain


def _trusting(ca_cert: str) -> ssl.SSLContext:
    if not ca_cert:
        return ssl.create_default_context()
    try:
        check_authorities(ca_cert)
    except CertificateError as error:
        raise OutputError(f"x-falco-py.syslog_output.ca_cert {error}") from error
    return ssl.create_default_context(cafile=ca_cert)
