"""Audit events on standard input or another pipe, as they come; gzip is undone."""

from __future__ import annotations

import gzip
import queue
import threading
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final, Protocol

from falco import InputStream
from falco_k8s_audit.lines import DAMAGED, LineBuffer
from falco_k8s_audit.records import Limits, Records
from falco_k8s_audit.refusals import Reason, Refusals
from falco_k8s_audit.splitter import RecordSplitter

_BLOCK: Final = 1 << 16
_BLOCKS: Final = 16
"""Blocks read ahead; then whoever writes has to wait."""
_IDLE_S: Final = 0.5


class Stream(Protocol):
    """A buffered binary stream."""

    def read1(self, size: int, /) -> bytes:
        """What there is, at most *size* bytes; waits for the first; b"" at the end."""


class StdinTransport:
    """A stream that is read by a thread of its own, so that a quiet stream does not hold up stop and reload.

    Args:
        limits: What is too large.
        refusals: Counts and reports what cannot be read.
        stream: Standard input by default.
        name: What messages call it.
    """

    def __init__(
        self,
        limits: Limits,
        refusals: Refusals,
        stream: BinaryIO | InputStream | None = None,
        name: str = "standard input",
    ) -> None:
        self._limits = limits
        self._refusals = refusals
        self._stream = InputStream(stream) if stream is not None and not isinstance(stream, InputStream) else stream
        self._name = name
        self._closed = False

    def open(self) -> None:
        """Take standard input, if that is to be read.

        Raises:
            SourceError: It is closed.
        """
        self._opened()

    def batches(self) -> Iterator[Records]:
        """Records as they come; an empty batch twice a second while there are none."""
        if self._closed:
            return
        stream = self._opened()
        blocks: queue.Queue[bytes | Exception] = queue.Queue(_BLOCKS)
        threading.Thread(target=_read, args=(stream, blocks), name="k8s_audit stdin", daemon=True).start()
        lines, splitter = LineBuffer(self._limits.record), RecordSplitter(f"{self._name}:{{}}".format, self._limits)
        while not self._closed:
            try:
                block = blocks.get(timeout=_IDLE_S)
            except queue.Empty:
                yield splitter.feed(())
                continue
            if isinstance(block, Exception):
                is_damaged = isinstance(block, (EOFError, gzip.BadGzipFile, zlib.error))
                kind = Reason.INCOMPLETE if is_damaged else Reason.UNREADABLE
                self._refusals.add(kind, self._name, f"cannot be read{' to its end' * is_damaged}: {block}")
                block = b""
            if block:
                yield splitter.feed(lines.feed(block))
                continue
            yield splitter.feed(lines.finish())
            yield splitter.finish()
            return

    def _opened(self) -> InputStream:
        self._stream = self._stream or InputStream.standard_input()
        return self._stream

    def close(self) -> None:
        """End ``batches`` at its next resume."""
        self._closed = True


def _read(stream: InputStream, blocks: queue.Queue[bytes | Exception]) -> None:
    """Pass blocks on until the end, b"", or an error."""
    try:
        unpacked: Stream = gzip.GzipFile(fileobj=stream) if stream.is_gzip else stream
        while block := unpacked.read1(_BLOCK):
            blocks.put(block)
    except (*DAMAGED, ValueError) as error:
        blocks.put(error)
        return
    blocks.put(b"")
