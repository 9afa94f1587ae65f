"""A process that reads and prepares the next chunks of a long capture while this one goes through the last.

Half of the work of a replay needs no state: reading, inflating, converting, choosing what is to be done. Threads would
not share it: they wait for each other at every step.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Pipe
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple, Self

from falco_syscall.capture import CaptureError
from falco_syscall.capture.chunks import CHUNK_BYTES
from falco_syscall.replaying.slots import Slots

if TYPE_CHECKING:
    from types import TracebackType

    from falco_syscall.capture.capture_file import Problem
    from falco_syscall.replaying.preparing import Prepared
    from falco_syscall.replaying.wants import Wants

_PLAIN_BYTES: Final = 32 << 20
_PACKED_BYTES: Final = 4 << 20
"""From which size on a capture, as it is or compressed, is worth starting a process."""
_PROGRAM: Final = "falco_syscall.replaying.reading"
_GRACE_S: Final = 5.0


class Ending(NamedTuple):
    """How the reading ended.

    Attributes:
        error: Why it went no further; None at the end of the capture.
        problems: What was left out, and the counts of it: as in ``CaptureFile``.
    """

    error: str | None
    problems: Sequence[Problem] = ()
    problem_count: int = 0
    unknown_events: int = 0


class ProcessEndedError(CaptureError):
    """The process is gone, and has not said why."""


def is_worth_it(file: BinaryIO) -> bool:
    """Whether *file* is long enough, and whether there is a second processor."""
    try:
        processors = len(os.sched_getaffinity(0))
        size = os.fstat(file.fileno()).st_size
        is_packed = os.pread(file.fileno(), 2, 0) == b"\x1f\x8b"
    except (AttributeError, OSError):  # another system than Linux; nothing that lies on a disk
        return False
    return processors > 1 and hasattr(os, "memfd_create") and size >= (_PACKED_BYTES if is_packed else _PLAIN_BYTES)


class ReadAhead:
    """Prepared chunks of a file, in order; iterate once. A chunk is valid until the next one is asked for.

    Attributes:
        wants: What they are prepared for; to be set before the iteration.
        is_begun: Whether a chunk has come.
        problems: Once the iteration has ended: what was left out, and the counts of it, as in ``CaptureFile``.
    """

    wants: Wants

    def __init__(self, file: BinaryIO, *, chunk_bytes: int = CHUNK_BYTES) -> None:
        """Starts the process.

        Args:
            file: At its start; the process reads it and moves its position. The caller closes it.
            chunk_bytes: How much is read at once.

        Raises:
            OSError: It cannot be started.
        """
        self.is_begun = False
        self.problems: Sequence[Problem] = ()
        self.problem_count = 0
        self.unknown_events = 0
        memory = Slots.create()
        try:
            self._slots = Slots(memory)
            self._pipe, theirs = Pipe()
            with theirs:
                descriptors = file.fileno(), memory, theirs.fileno()
                self._process = subprocess.Popen(
                    [sys.executable, "-m", _PROGRAM, *map(str, (*descriptors, chunk_bytes))],
                    pass_fds=descriptors,
                    stdin=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,  # what it has to say comes through the pipe
                )
        finally:
            os.close(memory)

    def __iter__(self) -> Iterator[Prepared]:
        """The chunks.

        Raises:
            CaptureError: The capture cannot be read any further.
            ProcessEndedError: The process has ended before it should.
        """
        try:
            self._pipe.send(self.wants)
            while not isinstance(received := self._pipe.recv(), Ending):
                prepared: Prepared
                prepared, data = self._slots.take(received)
                prepared.columns.chunk.data = data
                self.is_begun = True
                yield prepared
                with suppress(BrokenPipeError):  # all was read: what is in the pipe still comes
                    self._pipe.send(received.slot)
        except (EOFError, ConnectionError) as error:
            raise ProcessEndedError(f"the process that reads it has ended: {self._end()}") from error
        _, self.problems, self.problem_count, self.unknown_events = received
        if received.error is not None:
            raise CaptureError(received.error)

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _end(self) -> str:
        """Wait for the end of the process, which comes with that of the pipe; how it was."""
        try:
            status = self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        return f"signal {-status}" if status < 0 else f"exit status {status}"
