"""The event source: which transport it is, its ``open_params`` say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar, Final, Protocol
from urllib.parse import unquote, urlsplit

from falco import Source, SourceError
from falco_k8s_audit.config import Config
from falco_k8s_audit.files import FileTransport
from falco_k8s_audit.records import Records
from falco_k8s_audit.refusals import Refusals
from falco_k8s_audit.stdin import StdinTransport
from falco_k8s_audit.tail import TailTransport

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
"""At least two letters: ``C:`` is a drive."""
_JSON: Final = re.compile(rb"^[ \t\r]*[{\[]", re.MULTILINE)


class Transport(Protocol):
    """One way in which records come."""

    def open(self) -> None:
        """See ``Source.open``."""

    def batches(self) -> Iterator[Records]:
        """See ``Source.batches``."""

    def close(self) -> None:
        """See ``Source.close``."""


class AuditSource(Source[Records]):
    """Kubernetes audit events from where ``open_params`` says.

    ``/path`` a file or the files of a directory, to the end · ``file:///path`` what is appended to a file ·
    ``http://host:port/path`` and ``https://…`` a webhook · ``-`` standard input.

    Raises:
        SourceError: ``open_params`` cannot be read.
    """

    event_source = "k8s_audit"
    config_type: ClassVar[type[Config]] = Config
    summary: ClassVar[Mapping[str, str]] = {"user": "ka.user.name", "namespace": "ka.target.namespace"}

    def __init__(self, config: Config, open_params: str) -> None:
        super().__init__(config, open_params)
        self._refusals = Refusals(self._say)
        self._transport = _transport(config, open_params.strip(), self._refusals, self._say)

    def __str__(self) -> str:
        """The files, and bytes of a file, that it reads; elsewhere ``open_params``."""
        return str(self._transport) if isinstance(self._transport, FileTransport) else self.open_params

    @classmethod
    def recognises(cls, head: bytes) -> bool:
        """Whether a line of *head* begins as a JSON object or array does, and *head* is text up to the end of it.

        What follows may be anything: a crash leaves zeros in a log, and the events before them still count.
        """
        found = _JSON.search(head)
        if found is None:
            return False
        end = head.find(b"\n", found.end())
        return b"\0" not in (head if end < 0 else head[:end])

    @property
    def bytes_read(self) -> int:
        """Bytes of files that were read."""
        return self._transport.bytes_read if isinstance(self._transport, FileTransport) else 0

    def open(self) -> None:
        """Open what the transport reads."""
        self._take_stream()
        self._transport.open()

    def batches(self) -> Iterator[Records]:
        """Batches of records, in order."""
        self._take_stream()
        return self._transport.batches()

    def close(self) -> None:
        """End ``batches`` at its next resume."""
        super().close()
        self._transport.close()

    def split(self, parts: int) -> Sequence[AuditSource]:
        """Files and directories, cut into at most *parts*; nothing else can be split."""
        if self.stream is not None or not isinstance(self._transport, FileTransport):
            return (self,)
        pieces = self._transport.split(parts)
        return [self._part(piece) for piece in pieces]

    def counters(self) -> Mapping[str, int]:
        """What was refused so far."""
        return self._refusals.counters()

    @property
    def transport(self) -> Transport:
        """The transport in use."""
        return self._transport

    def _take_stream(self) -> None:
        """Read the stream that was given in place of what ``open_params`` names."""
        if self.stream is not None:
            name = "standard input" if self.open_params == "-" else self.open_params
            self._transport = StdinTransport(self.config.limits, self._refusals, self.stream, name)
            self.stream = None
            if self.is_closed:
                self._transport.close()

    def _say(self, sentence: str) -> None:
        self.report(sentence)

    def _part(self, transport: FileTransport) -> AuditSource:
        part = AuditSource(self.config, self.open_params)
        part._transport = transport.with_refusals(part._refusals)
        return part


def _transport(config: Config, where: str, refusals: Refusals, report: Callable[[str], None]) -> Transport:
    scheme = _SCHEME.match(where)
    if where == "-":
        return StdinTransport(config.limits, refusals)
    if scheme is None:
        return FileTransport(where, config.limits, refusals)
    match scheme[1].lower():
        case "file":
            return TailTransport(unquote(urlsplit(where).path), config.limits, refusals)
        case "http" | "https":
            # Imported here: reading a file needs no web server.
            from falco_k8s_audit.webhook import Address, WebhookTransport

            return WebhookTransport(Address.of(where), config, refusals, report)
        case name:
            raise SourceError(
                f'scheme "{name}" is not supported: open_params is a path, file://, http://, https:// or -'
            )
