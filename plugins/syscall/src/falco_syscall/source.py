"""The event source: which transport it is, ``engine.kind`` says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ClassVar, Final, cast

import msgspec

from falco import Source, SourceError
from falco_syscall.capture import CaptureError

if TYPE_CHECKING:
    from falco import Ruleset
    from falco_syscall.capture.chunks import Chunk, ChunkReader
    from falco_syscall.event import SyscallEvent
    from falco_syscall.replaying.ahead import ReadAhead
    from falco_syscall.replaying.preparing import Prepared

_REPLAY: Final = "replay"
_DEFAULT: Final = "kmod"
"""Of the key ``engine.kind``, where nothing says what to read."""
_MAGIC: Final = b"\x0a\x0d\x0d\x0a"
"""Type of the block that every capture begins with."""


class Engine(msgspec.Struct):
    """The key ``engine`` of falco.yaml."""

    kind: str = ""


class SyscallSource(Source["Chunk | Prepared"]):
    """System calls out of a capture: ``engine.kind: replay``; *open_params* is ``engine.replay.capture_file``."""

    event_source = "syscall"
    config_type: ClassVar[type[Engine]] = Engine
    summary: ClassVar[Mapping[str, str | Sequence[str]]] = {
        "process tree": ("proc.name", *(f"proc.aname[{level}]" for level in range(1, 10))),
        "container": "container.name",
        "user": "user.name",
    }

    def __init__(self, config: Engine, open_params: str) -> None:
        super().__init__(config, open_params)
        self._is_closed = False
        self._counters: dict[str, int] = {}
        self._file: BinaryIO | None = None
        self._reader: ChunkReader | None = None
        self._ahead: ReadAhead | None = None
        self._rules: Ruleset[SyscallEvent] | None = None

    @classmethod
    def recognises(cls, head: bytes) -> bool:
        """Whether *head* begins with the section header of a capture: the same in either byte order."""
        return head.startswith(_MAGIC)

    @property
    def bytes_read(self) -> int:
        """Bytes of the capture that were read."""
        try:
            return 0 if self._file is None else self._file.tell()
        except (OSError, ValueError):  # a pipe, or closed since
            return 0

    def open(self) -> None:
        """Open the capture.

        Raises:
            SourceError: It cannot be read. Or the system calls of this machine are asked for.
        """
        is_given = bool(self.open_params) or self.stream is not None
        kind = self.config.kind or (_REPLAY if is_given else _DEFAULT)
        if kind != _REPLAY:
            raise SourceError(
                f"engine.kind '{kind}' needs live capture, which this version does not have: replay a "
                "capture with engine.kind: replay and engine.replay.capture_file, or set engine.kind: nodriver"
            )
        # These bring numpy along: not for runs without a capture.
        from falco_syscall.capture.chunks import ChunkReader
        from falco_syscall.replaying.ahead import ReadAhead, is_worth_it

        try:
            path = Path(self.open_params)
            self._file = file = path.open("rb") if self.stream is None else cast("BinaryIO", self.stream)
            self._ahead = ReadAhead(file) if is_worth_it(file) else None
            self._reader = ChunkReader(file) if self._ahead is None else self._ahead.reader
        except OSError as error:
            raise SourceError(f"cannot open capture {self.open_params}: {error.strerror or error}") from error

    def focus(self, rules: Ruleset[SyscallEvent]) -> None:
        """Chunks are prepared for the first rules; for later ones, whoever takes them prepares them again."""
        self._rules = rules

    def batches(self) -> Iterator[Chunk | Prepared]:
        """The capture in chunks.

        Raises:
            SourceError: As ``open``, where nobody called it. Or the capture cannot be read to its end: what is whole
                was handed out before.
        """
        if self._reader is None and not self._is_closed:
            self.open()
        reader, self._reader, ahead = self._reader, None, self._ahead
        if reader is None or self._file is None:
            return
        with self._file, reader, closing(ahead) if ahead is not None else nullcontext():
            if not self._is_closed:
                yield from self._chunks(reader, self._prepared(ahead) if ahead is not None else iter(reader))

    def _prepared(self, ahead: ReadAhead) -> Iterator[Chunk | Prepared]:
        from falco_syscall.replaying.interest import interest_of

        return iter(ahead.reader) if self._rules is None else ahead.prepared(interest_of(self._rules).wants)

    def _chunks(
        self, reader: ChunkReader, chunks: Iterator[Chunk] | Iterator[Chunk | Prepared]
    ) -> Iterator[Chunk | Prepared]:
        try:
            for chunk in chunks:
                yield chunk
                if self._is_closed:
                    return
        except (CaptureError, OSError, EOFError) as error:
            raise SourceError(f"capture {self.open_params}: {error}") from error
        finally:
            self._count(reader)

    def _count(self, reader: ChunkReader) -> None:
        for problem in reader.problems:
            self.report(f"capture {self.open_params}: {problem}")
        self._counters = {
            "blocks of the capture left out": reader.problem_count,
            "events of a newer kernel driver": reader.unknown_events,
        }

    def close(self) -> None:
        """End ``batches`` at its next resume."""
        self._is_closed = True
        if self._ahead is not None:
            self._ahead.stop()

    def counters(self) -> Mapping[str, int]:
        """What the capture held that could not be used."""
        return {reason: number for reason, number in self._counters.items() if number}
