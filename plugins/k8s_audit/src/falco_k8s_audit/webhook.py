"""The audit webhook: the API server posts batches of events.

A request is answered with 200 as soon as its body waits in the mailbox, as in Falco; when the mailbox is full, the
answer waits. What is wrong with a request is answered with 400, 404, 405 or 415, counted and reported; what is wrong
with its events is the decoder's business. A body may be a gzip file, as forwarders of logs send it (Falco takes that
for events that are not JSON, and answers with 200).
"""

from __future__ import annotations

import errno
import hmac
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from cheroot import errors
from cheroot.server import Gateway

from falco import CertificateError, SourceError, check_authorities, load_identity
from falco import nearest_path as nearest
from falco_k8s_audit.config import Config
from falco_k8s_audit.framing import Chunks
from falco_k8s_audit.http_server import Server
from falco_k8s_audit.listeners import listener
from falco_k8s_audit.mailbox import Delivery, Mailbox
from falco_k8s_audit.records import Limits, Records
from falco_k8s_audit.refusals import Reason, Refusals

_IDLE_S: Final = 0.5
_SHUTDOWN_S: Final = 5
_BLOCK: Final = 1 << 16
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """Where the webhook listens."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def of(cls, url: str) -> Address:
        """The address that *url* names: ``http://127.0.0.1:9765/k8s-audit``.

        Raises:
            SourceError: *url* cannot be read.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise SourceError(f'parse "{url}": {error}; write it like http://127.0.0.1:9765/k8s-audit') from None
        return cls(parts.scheme, host, _PORTS[parts.scheme] if port is None else port, parts.path or "/")

    @property
    def is_open(self) -> bool:
        """Whether it names no interface: then all of them are meant, as in Falco."""
        return not self.host

    def serves(self, path: str) -> bool:
        """Whether a request for *path* is for the webhook: exactly its path, or below it if that ends in a slash."""
        return path == self.path or (self.path.endswith("/") and path.startswith(self.path))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


class WebhookTransport:
    """An HTTP or HTTPS server whose requests are the input.

    Args:
        address: Where to listen.
        config: Certificate, limits, who may post.
        refusals: Counts and reports requests that are refused.
        report: Takes a sentence for the log.
    """

    def __init__(self, address: Address, config: Config, refusals: Refusals, report: Callable[[str], None]) -> None:
        self.address = address
        self._config = config
        self._refusals = refusals
        self._report = report
        self._mailbox = Mailbox()
        self._stop = threading.Event()
        self._server: Server | None = None
        """What listens and does not serve yet."""
        self.port: int | None = None
        """The port listened on; it differs from the address's if that is 0."""

    def open(self) -> None:
        """Listen; clients that connect wait until ``batches`` begins, and are sent away if it never does.

        Raises:
            SourceError: The address cannot be listened on, or a certificate or token cannot be read.
        """
        self._server = self._listening()

    def batches(self) -> Iterator[Records]:
        """Bodies as they come; an empty batch twice a second while there are none.

        Raises:
            SourceError: As ``open``, where nobody called it.
        """
        if self._server is None and not self._stop.is_set():
            self.open()
        server, self._server = self._server, None
        if server is None:
            return
        if self._stop.is_set():
            server.stop()
            return
        serving = threading.Thread(target=server.serve, name="k8s_audit webhook", daemon=True)
        serving.start()
        limits = Limits(self._config.maxEventSize, max(self._config.webhookMaxBatchSize, self._config.maxEventSize))
        try:
            while not self._stop.is_set():
                yield _records(self._mailbox.take(_IDLE_S), limits)
        finally:
            self._mailbox.close()
            server.stop()
            serving.join(_SHUTDOWN_S)
        if rest := self._mailbox.take(0):
            yield _records(rest, limits)

    def close(self) -> None:
        """Take no more requests and end ``batches`` at its next resume, after what was accepted."""
        self._stop.set()
        self._mailbox.close()

    def _listening(self) -> Server:
        token = _token(self._config.bearerTokenFile)
        server = Server(
            (self.address.host or "0.0.0.0", self.address.port),  # noqa: S104  what ":port" says, see is_open
            lambda request: _Audit(request, self, token),
            self.refuse,
            _context(self._config, self._report) if self.address.scheme == "https" else None,
        )
        try:
            server.prepare()
        except (OSError, OverflowError) as error:
            raise SourceError(
                f"listen tcp {self.address.host}:{self.address.port}: {error}"
                f"{_advice(server.failure or error, self.address)}"
            ) from error
        self.port = server.socket.getsockname()[1]
        is_open = " (all interfaces: name one, such as 127.0.0.1, to listen there only)" if self.address.is_open else ""
        self._report(f"the audit webhook listens on {self.address}{is_open}")
        return server

    def refuse(self, sender: str, message: str) -> None:
        """Count and report a request that is refused."""
        self._refusals.add(Reason.REQUEST, f"webhook, request of {sender}", message)

    def deliver(self, delivery: Delivery) -> bool:
        """Hand a body over, waiting for room; False if the webhook is being closed."""
        return self._mailbox.put(delivery)

    @property
    def limit(self) -> int:
        """Bytes that a body may have."""
        return self._config.webhookMaxBatchSize


class _Audit(Gateway):
    """One request."""

    def __init__(self, request: Any, webhook: WebhookTransport, token: bytes) -> None:
        super().__init__(request)
        self._webhook = webhook
        self._token = token
        self._sender = request.conn.sender

    def respond(self) -> None:
        """Answer it."""
        request = self.req
        if not self._webhook.address.serves(request.path.decode("latin-1")):
            self._answer(404, "404 page not found", "a path that is not the webhook's")
        elif self._token and not hmac.compare_digest(request.inheaders.get(b"Authorization", b""), self._token):
            request.outheaders.append((b"WWW-Authenticate", b"Bearer"))
            self._answer(401, "unauthorized", "a wrong or missing bearer token")
        elif request.method != b"POST":
            method = request.method.decode("latin-1")
            self._answer(405, f"{method} method not allowed", f"{method} method not allowed")
        elif b"application/json" not in request.inheaders.get(b"Content-Type", b""):
            self._answer(400, "wrong Content Type", "wrong Content Type")
        elif (coding := request.inheaders.get(b"Content-Encoding", b"identity").lower()) in _CODINGS:
            self._take(is_gzip=coding.endswith(b"gzip"))
        else:
            text = f"Content-Encoding {coding.decode('latin-1')} is not supported, gzip is"
            self._answer(415, text, text)

    def _take(self, *, is_gzip: bool) -> None:
        try:
            body = self._body()
            if is_gzip:
                body = _unpacked(body, self._webhook.limit)
        except (errors.MaxSizeExceeded, OSError, ValueError) as error:
            self._answer(400, f"bad request: {error}", f"bad request: {error}")
            return
        if self._webhook.deliver(Delivery(body, self._sender)):
            self._answer(200, "")
        else:
            self._answer(503, "shutting down", "shutting down, the client has to repeat it")

    def _body(self) -> bytes:
        """The body.

        Raises:
            MaxSizeExceeded, OSError, ValueError: It is too large, too slow, incomplete or badly framed.
        """
        request, limit = self.req, self._webhook.limit
        if request.chunked_read:
            # upstream of us the limit counts the framing too; it is generous enough for any
            chunks = Chunks(request.conn.rfile, limit + limit // 8 + _BLOCK)
            read: Callable[[int], bytes] = chunks.read
            left = limit + 1
        else:
            left = int(request.inheaders.get(b"Content-Length", 0))
            read = request.conn.rfile.read1
            if left > limit:
                raise OSError("http: request body too large")
        parts: list[bytes] = []
        while left and (part := read(min(left, _BLOCK))):
            parts.append(part)
            left -= len(part)
        if request.chunked_read:
            if not left:
                raise OSError("http: request body too large")
        elif left:
            raise OSError("unexpected EOF")
        request.rfile.remaining = 0
        return b"".join(parts)

    def _answer(self, status: int, text: str, refusal: str = "") -> None:
        request = self.req
        if refusal:
            self._webhook.refuse(self._sender, refusal)
            request.close_connection = True  # its body has not been read
        body = f"{text}\n".encode() if text else b""
        request.status = f"{status} {_PHRASES[status]}".encode()
        request.outheaders.append((b"Content-Type", b"text/plain; charset=utf-8"))
        request.outheaders.append((b"Content-Length", str(len(body)).encode()))
        request.ensure_headers_sent()
        if body and request.method != b"HEAD":
            request.write(body)


def _unpacked(body: bytes, limit: int) -> bytes:
    """What is in the gzip file *body*; of more than *limit* bytes no more than that is unpacked.

    Raises:
        OSError, ValueError: It is too large, damaged or incomplete.
    """
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        unpacked = unpacking.decompress(body, limit + 1)
    except zlib.error as error:
        raise ValueError(f"gzip: {error}") from None
    if len(unpacked) > limit:
        raise OSError("http: request body too large")
    if not unpacking.eof:
        raise ValueError("gzip: unexpected EOF")
    return unpacked


_CODINGS: Final = frozenset({b"identity", b"", b"gzip", b"x-gzip"})
_PHRASES: Final = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    415: "Unsupported Media Type",
    503: "Service Unavailable",
}


def _context(config: Config, report: Callable[[str], None]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if objection := load_identity(context, config.sslCertificate, is_server=True):
            report(f"sslCertificate {objection}: clients will refuse the audit webhook, renew it")
    except CertificateError as error:
        raise SourceError(f"sslCertificate {error} (it must hold a certificate and its open key, in PEM)") from error
    if config.clientCertificates:
        try:
            check_authorities(config.clientCertificates)
            context.load_verify_locations(config.clientCertificates)
        except CertificateError as error:
            raise SourceError(f"clientCertificates {error}") from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _missing(error: OSError, path: str) -> str:
    return nearest(Path(path)) if isinstance(error, FileNotFoundError) else ""


def _advice(error: Exception, address: Address) -> str:
    """What to do about an address that cannot be listened on."""
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        owner = listener(address.port)
        held = f"; {owner} listens there: end it" if owner else "; another process listens there: end it"
        return f"{held}, or give another port in open_params"
    if number == errno.EACCES:
        return "; ports below 1024 are for privileged users: give another port in open_params"
    if number == errno.EADDRNOTAVAIL:
        return "; this machine does not have that address: give one of its own in open_params"
    return ""


def _token(path: str) -> bytes:
    """What the header Authorization must be; b"" = anything."""
    if not path:
        return b""
    try:
        token = Path(path).read_bytes().strip()
    except OSError as error:
        raise SourceError(f"bearerTokenFile {path}: {error.strerror}{_missing(error, path)}") from error
    if not token:
        raise SourceError(f"bearerTokenFile {path}: it is empty")
    return b"Bearer " + token


def _records(deliveries: list[Delivery], limits: Limits) -> Records:
    return Records(
        (delivery.body for delivery in deliveries),
        lambda index: f"webhook, request of {deliveries[index].sender}",
        limits,
    )
