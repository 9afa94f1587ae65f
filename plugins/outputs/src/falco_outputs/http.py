"""The HTTP channel: every alert is the body of a POST."""

from __future__ import annotations

import gzip
import re
import socket
import ssl
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Final

import msgspec
from msgspec import Meta

from falco import CertificateError, Output, OutputError, check_authorities, extension, load_identity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import urllib3

    from falco import Alert

_ANSWER_BYTES: Final = 64 * 1024
"""How much of an answer is read."""
_SHOWN_BYTES: Final = 200
"""How much of a refusing answer is reported."""
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
"""What RFC 9110 allows, beyond it only what is sent as it is: Latin 1."""


class HttpConfig(msgspec.Struct, frozen=True):
    """Keys of ``http_output``; those from ``headers`` on are ours."""

    url: Annotated[str, Meta(description="Where alerts are posted.")]
    user_agent: Annotated[str, Meta(description="Header User-Agent.")] = "falcosecurity/falco"
    insecure: Annotated[bool, Meta(description="Trust any certificate, of any name.")] = False
    ca_cert: Annotated[str, Meta(description="File with the authority that is trusted, before the next two.")] = ""
    ca_bundle: Annotated[str, Meta(description="File with all authorities that are trusted.")] = ""
    ca_path: Annotated[str, Meta(description="Folder with the authorities that are trusted.")] = "/etc/ssl/certs"
    mtls: Annotated[bool, Meta(description="Show a certificate of ours.")] = False
    client_cert: Annotated[str, Meta(description="File with that certificate.")] = "/etc/ssl/certs/client.crt"
    client_key: Annotated[str, Meta(description="File with its key.")] = "/etc/ssl/certs/client.key"
    echo: Annotated[bool, Meta(description="Print the answers on standard output.")] = False
    compress_uploads: Annotated[bool, Meta(description="Send alerts gzipped.")] = False
    keep_alive: Annotated[bool, Meta(description="Let TCP test connections that are idle.")] = False
    max_consecutive_timeouts: Annotated[
        int, Meta(description="How often an alert is sent again after a timeout.", ge=0, le=255)
    ] = 5
    headers: Annotated[dict[str, str], extension("Further headers.")] = {}
    bearer_token_file: Annotated[str, extension("File with the token for the header Authorization.")] = ""
    bearer_token_env: Annotated[str, extension("Environment variable with that token.")] = ""
    timeout_s: Annotated[
        float, extension("Seconds for connecting, and for each wait for an answer.", gt=0, le=86_400)
    ] = 10.0


class HttpOutput(Output):
    """Posts over one pool of connections."""

    name: ClassVar[str] = "http"
    config_type: ClassVar[type[msgspec.Struct]] = HttpConfig
    config: HttpConfig
    _pool: urllib3.PoolManager | None = None

    def open(self) -> None:
        """Read certificates and the token; connections are made when needed.

        Raises:
            OutputError: The URL is not HTTP, or a file of the TLS settings cannot be read.
        """
        import urllib3  # a twentieth of the start of falco, and most runs have no use for it

        wanted = f"http_output.url '{self.config.url}': write http://host/path or https://host/path"
        try:
            url = urllib3.util.parse_url(self.config.url)
        except urllib3.exceptions.LocationParseError as error:
            raise OutputError(wanted) from error
        if url.scheme not in {"http", "https"} or not url.host:
            raise OutputError(wanted)
        context = self._tls() if url.scheme == "https" else None
        self._headers = self._request_headers()
        self._pool = urllib3.PoolManager(
            num_pools=1,
            maxsize=1,
            retries=False,
            timeout=urllib3.Timeout(self.config.timeout_s),
            ssl_context=context,
            assert_hostname=False if self.config.insecure else None,
            socket_options=_socket_options() if self.config.keep_alive else None,
        )

    def write(self, alert: Alert) -> None:
        """Post one alert.

        Raises:
            OutputError: No connection, no answer in time after all attempts, or an answer that is a refusal.
        """
        body = self.context.render(alert).encode("utf-8", "replace")
        if self.config.compress_uploads:
            body = gzip.compress(body, 6, mtime=0)
        answer = self._post(body)
        data = self._read(answer)
        if self.config.echo:
            self.context.stdout.write(data)
            self.context.stdout.flush()
        if elsewhere := answer.get_redirect_location():
            raise OutputError(
                f"{self.config.url} answered {answer.status}, see {elsewhere}: not followed, give that URL"
            )
        if not 200 <= answer.status < 300:
            said = data[:_SHOWN_BYTES].decode("utf-8", "replace").strip()
            raise OutputError(f"{self.config.url} answered {answer.status}{': ' + said if said else ''}")

    def reopen(self) -> None:
        """Read certificates and token again."""
        self.close()
        self.open()

    def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            self._pool.clear()
            self._pool = None

    def _post(self, body: bytes) -> urllib3.BaseHTTPResponse:
        import urllib3

        if self._pool is None:
            raise OutputError("http_output is closed")
        for attempt in range(self.config.max_consecutive_timeouts + 1):
            try:
                return self._pool.request(
                    "POST", self.config.url, body=body, headers=self._headers, preload_content=False
                )
            except (urllib3.exceptions.TimeoutError, urllib3.exceptions.NewConnectionError) as error:
                if isinstance(error, urllib3.exceptions.NewConnectionError):
                    raise OutputError(f"{self.config.url}: {error}") from error
                self.context.report(
                    f"{self.config.url}: no answer within {self.config.timeout_s:g} s, attempt {attempt + 1}"
                )
            except urllib3.exceptions.HTTPError as error:
                raise OutputError(f"{self.config.url}: {error}") from error
        raise OutputError(f"{self.config.url}: no answer in {self.config.max_consecutive_timeouts + 1} attempts")

    def _read(self, answer: urllib3.BaseHTTPResponse) -> bytes:
        """The beginning of the text of *answer*. The connection is closed unless that was all."""
        import urllib3

        data, end_s = b"", time.monotonic() + self.config.timeout_s
        try:
            while len(data) < _ANSWER_BYTES and time.monotonic() < end_s:
                part = answer.read1(_ANSWER_BYTES)
                if not part:
                    answer.release_conn()
                    return data
                data += part
        except (urllib3.exceptions.HTTPError, OSError):
            pass  # the alert was taken or refused by then: a text that breaks off changes nothing
        answer.close()
        return data

    def _request_headers(self) -> dict[str, str]:
        kind = "application/json" if self.context.is_json else "text/plain"
        headers = {"User-Agent": self.config.user_agent, "Content-Type": kind, **self.config.headers}
        if self.config.compress_uploads:
            headers["Content-Encoding"] = "gzip"
        if token := self._token():
            headers["Authorization"] = f"Bearer {token}"
        for name, value in headers.items():
            if not _NAME.fullmatch(name):
                raise OutputError(f"http_output: '{name.strip()}' is no name of a header: write letters, digits and -")
            if not _VALUE.fullmatch(value):
                raise OutputError(f"http_output: header '{name}' holds a line break or characters beyond Latin 1")
        return headers

    def _token(self) -> str:
        if variable := self.config.bearer_token_env:
            key, token = f"bearer_token_env '{variable}'", self.context.env.get(variable, "")
        elif path := self.config.bearer_token_file:
            key, token = f"bearer_token_file '{path}'", _read("bearer_token_file", path)
        else:
            return ""
        if not token.strip():
            raise OutputError(f"http_output.{key}: there is no token in it")
        return token.strip()

    def _tls(self) -> ssl.SSLContext:
        config = self.config
        context = ssl.create_default_context()
        if config.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif authority := config.ca_cert or config.ca_bundle:
            with _named({authority: "ca_cert" if config.ca_cert else "ca_bundle"}):
                check_authorities(authority)
            context = ssl.create_default_context(cafile=authority)
        elif config.ca_path and Path(config.ca_path).is_dir():
            context.load_verify_locations(capath=config.ca_path)
        if config.mtls:
            with _named({config.client_key: "client_key", config.client_cert: "client_cert"}):
                objection = load_identity(context, config.client_cert, config.client_key, is_server=False)
            if objection:
                self.context.report(f"http_output.client_cert {objection}: the receiver will refuse it, renew it")
        return context


@contextmanager
def _named(keys: Mapping[str, str]) -> Iterator[None]:
    """With an error of the block, name the key among *keys* (by file) that has the file."""
    try:
        yield
    except CertificateError as error:
        raise OutputError(f"http_output.{keys[error.path]} {error}") from error


def _read(key: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise OutputError(f"http_output.{key} '{path}': {error.strerror}") from error


def _socket_options() -> list[tuple[int, int, int]]:
    """TCP keep-alive, beside what urllib3 sets anyway."""
    return [
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    ]
