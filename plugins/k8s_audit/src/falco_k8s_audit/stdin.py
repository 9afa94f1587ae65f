"""Audit events on standard input, as they come."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Iterator
from typing import Final, Protocol

from falco_k8s_audit.lines import LineBuffer
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
    """

    def __init__(self, limits: Limits, refusals: Refusals, stream: Stream | None = None) -> None:
        self._limits = limits
        self._refusals = refusals
        self._stream = stream
        self._closed = False

    def batches(self) -> Iterator[Records]:
        """Records as they come; an empty batch twice a second while there are none."""
        if self._closed:
            return
        blocks: queue.Queue[bytes | Exception] = queue.Queue(_BLOCKS)
        stream = sys.stdin.buffer if self._stream is None else self._stream
        threading.Thread(target=_read, args=(stream, blocks), name="k8s_audit stdin", daemon=True).start()
        lines, splitter = LineBuffer(self._limits.record), RecordSplitter("standard input:{}".format, self._limits)
        while not self._closed:
            try:
                block = blocks.get(timeout=_IDLE_S)
            except queue.Empty:
                yield splitter.feed(())
                continue
            if isinstance(block, Exception):
                self._refusals.add(Reason.UNREADABLE, "standard input", f"cannot be read: {block}")
                block = b""
            if block:
                yield splitter.feed(lines.feed(block))
                continue
            yield splitter.feed(lines.finish())
            yield splitter.finish()
            return

    def close(self) -> None:
        """End ``batches`` at its next resume."""
        self._closed = True


def _read(stream: Stream, blocks: queue.Queue[bytes | Exception]) -> None:
    """Pass blocks on until the end, b"", or an error."""
    try:
        while block := stream.read1(_BLOCK):
            blocks.put(block)
    except (OSError, ValueError) as error:
        blocks.put(error)
        return
    blocks.put(b"")
