"""A process that reads and prepares the next chunks of a long capture while this one goes through the last.

A third of the work of a replay and more needs no state: reading, inflating, converting, choosing what is to be done.
Threads would not share it: they wait for each other at every step. The process takes a moment to start; until then this
one does all the work.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Pipe
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from falco_syscall.capture import CaptureError
from falco_syscall.capture.chunks import CHUNK_BYTES, ChunkReader
from falco_syscall.replaying.preparing import Preparer
from falco_syscall.replaying.slots import Slots

if TYPE_CHECKING:
    from falco_syscall.capture.capture_file import Problem
    from falco_syscall.capture.chunks import Progress
    from falco_syscall.replaying.preparing import Prepared
    from falco_syscall.replaying.wants import Wants

_PLAIN_BYTES: Final = 32 << 20
_PACKED_BYTES: Final = 4 << 20
"""From which size on a capture, as it is or compressed, is worth starting a process."""
_PROGRAM: Final = "falco_syscall.replaying.reading"
_GRACE_S: Final = 5.0
_POLL_S: Final = 0.2
"""How often it is asked whether to stop while the process has nothing."""


class Task(NamedTuple):
    """What the process is to do: go on where this one stops."""

    wants: Wants
    progress: Progress
    preparer: Preparer


class Ending(NamedTuple):
    """How the reading ended.

    Attributes:
        error: Why it went no further; None at the end of the capture.
        problems: What was left out, and the counts of it: as in ``CaptureFile``.
    """

    error: str | None
    problems: list[Problem]
    problem_count: int
    unknown_events: int


def is_worth_it(file: BinaryIO) -> bool:
    """Whether *file* is long enough, and whether there is a second processor."""
    try:
        processors = len(os.sched_getaffinity(0))
        size = os.fstat(file.fileno()).st_size
        is_packed = os.pread(file.fileno(), 2, 0) == b"\x1f\x8b"
    except (AttributeError, OSError):  # another system than Linux; nothing that lies on a disk
        return False
    return processors > 1 and hasattr(os, "memfd_create") and size >= (_PACKED_BYTES if is_packed else _PLAIN_BYTES)


def _python() -> tuple[str, str]:
    """The interpreter, which must not import from where captures are examined: ``-m`` alone begins with that."""
    return sys.executable, "-I" if sys.flags.isolated else "-P"


class ReadAhead:
    """Prepared chunks of a file, in order; iterate once. A chunk is valid until the next one is asked for.

    Attributes:
        reader: Reads the file as long as the process does not; knows all problems once the iteration has ended.
    """

    def __init__(self, file: BinaryIO, *, chunk_bytes: int = CHUNK_BYTES) -> None:
        """Starts the process; where the system refuses one, or memory for it, this one reads alone.

        Args:
            file: At its start. The process moves its position; the caller closes it.
            chunk_bytes: How much is read at once.

        Raises:
            OSError: The file cannot be read.
        """
        self.reader = ChunkReader(file, chunk_bytes=chunk_bytes)
        self._is_stopped = False
        self._pipe, theirs = Pipe()
        self._process: subprocess.Popen[bytes] | None = None
        with theirs, suppress(OSError):
            memory = Slots.create()
            try:
                self._slots = Slots(memory)
                descriptors = file.fileno(), memory, theirs.fileno()
                self._process = subprocess.Popen(
                    [*_python(), "-m", _PROGRAM, *map(str, (*descriptors, chunk_bytes))],
                    pass_fds=descriptors,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,  # whoever reads ours sees the end with our own
                    stderr=subprocess.DEVNULL,  # what it has to say comes through the pipe
                )
            finally:
                os.close(memory)

    def prepared(self, wants: Wants) -> Iterator[Prepared]:
        """The chunks, prepared for a ruleset.

        Raises:
            CaptureError: The capture cannot be read any further, or the process has ended before it should.
        """
        preparer = Preparer()
        for chunk in self.reader:
            prepared = preparer.prepare(chunk, wants)
            progress = self.reader.progress
            is_handed_over = progress is not None and self._takes_over(Task(wants, progress, preparer))
            yield prepared
            if is_handed_over:
                yield from self._received()
                return

    def stop(self) -> None:
        """Wait for no further chunk; from any thread or signal."""
        self._is_stopped = True

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._end()

    def _takes_over(self, task: Task) -> bool:
        """Give the process its task if it waits for it. One that cannot run never does: this one goes on alone."""
        try:
            if not self._is_waiting():
                return False
            self._pipe.recv()
            self._pipe.send(task)
        except (EOFError, ConnectionError):
            return False
        return True

    def _is_waiting(self) -> bool:
        return self._pipe.poll()

    def _received(self) -> Iterator[Prepared]:
        reader = self.reader
        try:
            while self._has_come() and not isinstance(received := self._pipe.recv(), Ending):
                prepared: Prepared
                prepared, data = self._slots.take(received)
                prepared.columns.chunk.data = data
                yield prepared
                with suppress(ConnectionError):  # all was read: what is in the pipe still comes
                    self._pipe.send(received.slot)
        except (EOFError, ConnectionError) as error:
            raise CaptureError(f"the process that reads it has ended: {self._end()}") from error
        if self._is_stopped:
            return
        fault, reader.problems, reader.problem_count, reader.unknown_events = received
        if fault is not None:
            raise CaptureError(fault)

    def _has_come(self) -> bool:
        """Wait for what the process sends; False if the reading was stopped first."""
        while not self._is_stopped:
            if self._pipe.poll(_POLL_S):
                return True
        return False

    def _end(self) -> str:
        """Wait for the end of the process, which comes with that of the pipe; how it was."""
        if self._process is None:
            return "it was never started"
        try:
            status = self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        return f"signal {-status}" if status < 0 else f"exit status {status}"
