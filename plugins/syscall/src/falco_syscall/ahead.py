"""A process that reads and prepares the next chunks of a long capture while this one goes through the last.

Half of the work of a replay needs no state: reading, inflating, converting, choosing what is to be done. Threads would
not share it: they wait for each other at every step.
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
from falco_syscall.capture.chunks import CHUNK_BYTES
from falco_syscall.slots import Slots

if TYPE_CHECKING:
    from falco_syscall.capture.capture_file import Problem
    from falco_syscall.preparing import Prepared
    from falco_syscall.wants import Wants

_PLAIN_BYTES: Final = 32 << 20
_PACKED_BYTES: Final = 4 << 20
"""From which size on a capture, as it is or compressed, is worth starting a process."""
_PROGRAM: Final = "falco_syscall.reading"
_GRACE_S: Final = 5.0


class Ending(NamedTuple):
    """How the reading ended.

    Attributes:
        error: Why it went no further; None at the end of the capture.
        problems: What was left out; the other two are counts, as in ``CaptureFile``.
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
    except (AttributeError, OSError):  # not Linux, or not a file on a disk
        return False
    return processors > 1 and hasattr(os, "memfd_create") and size >= (_PACKED_BYTES if is_packed else _PLAIN_BYTES)


class ReadAhead:
    """Prepared chunks of a file, in order; iterate once. A chunk is valid until the next one is asked for.

    Attributes:
        ending: What was found, once the iteration has ended.
    """

    def __init__(self, file: BinaryIO, *, chunk_bytes: int = CHUNK_BYTES) -> None:
        """Starts the process.

        Args:
            file: At its start; the process reads it from there and moves its position.
            chunk_bytes: How much is read at once.

        Raises:
            OSError: It cannot be started.
        """
        self.ending: Ending | None = None
        memory = Slots.create()
        try:
            self._slots = Slots(memory)
            self._pipe, theirs = Pipe()
            with theirs:
                descriptors = file.fileno(), memory, theirs.fileno()
                command = [sys.executable, "-m", _PROGRAM, *map(str, (*descriptors, chunk_bytes))]
                self._process = subprocess.Popen(command, pass_fds=descriptors, stdin=subprocess.DEVNULL)
        finally:
            os.close(memory)

    def prepared(self, wants: Wants) -> Iterator[Prepared]:
        """The chunks, prepared for a ruleset.

        Raises:
            CaptureError: The capture cannot be read any further, or the process has ended.
        """
        try:
            self._pipe.send(wants)
            while not isinstance(received := self._pipe.recv(), Ending):
                prepared, prepared.columns.chunk.data = self._slots.take(received)
                yield prepared
                with suppress(BrokenPipeError):  # all was read: what is in the pipe still comes
                    self._pipe.send(received.slot)
        except (EOFError, OSError) as error:
            raise CaptureError(f"the process that reads it has ended: {self._end()}") from error
        self.ending = received
        if received.error is not None:
            raise CaptureError(received.error)

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._end()

    def _end(self) -> str:
        """Wait for the end of the process, which comes with that of the pipe; how it was."""
        try:
            status = self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        return f"signal {-status}" if status < 0 else f"exit status {status}"
