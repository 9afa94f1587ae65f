"""A command of the shell that reads lines on its standard input, and how much of them it has read. POSIX only.

A write into a pipe says nothing about a reader: what is in the pipe when the program ends is lost. Linux tells how much
that is, at either end of the pipe and after the reader is gone.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import sys
import termios
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICK_S: Final = 0.05
"""How often a wait looks whether it is still wanted."""
_TERM_S: Final = 1.0
"""From SIGTERM to SIGKILL."""
_SIGKILL: Final = 9
_POLLOUT: Final = 4
_PIPE_BYTES: Final = 64 * 1024
"""What a pipe holds, at most."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a program ended."""

    status: int
    """As ``Popen.returncode``."""
    killed: str
    """Why it was killed; "" = it was not."""
    unread: int
    """Lines that it did not read to their end; not on Linux: may not have read."""

    def __str__(self) -> str:
        """The end of a sentence about the program."""
        if self.killed:
            return f"{self.killed} and was killed"
        return f"ended by signal {-self.status}" if self.status < 0 else f"ended with exit status {self.status}"


class Child:
    """A running command, the leader of a process group. ``abandon`` may come from any thread, the rest from one.

    Args:
        command: For the shell.
        timeout_s: How long it may read nothing while lines wait, and how long it may run on at the end of its input.
        cwd: Where it runs.
        env: Its environment.

    Raises:
        OSError: It cannot be started.
    """

    def __init__(self, command: str, timeout_s: float, cwd: Path, env: Mapping[str, str]) -> None:
        reader, self._pipe = os.pipe()
        try:
            if sys.platform != "win32":  # here and below for the type checker
                os.set_blocking(self._pipe, False)
            self._process = subprocess.Popen(  # noqa: S602  the command is the operator's, as in Falco's popen(3)
                command, shell=True, stdin=reader, start_new_session=True, cwd=cwd, env=dict(env)
            )
        except BaseException:
            os.close(self._pipe)
            raise
        finally:
            os.close(reader)
        self._timeout_s = timeout_s
        self._killed = ""
        self._abandoned = threading.Event()
        self._lengths: deque[int] = deque()
        """What was written of the newest lines: those that may be in the pipe."""
        self._kept_bytes = 0

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def send(self, line: bytes) -> None:
        """Write *line* into the pipe.

        Raises:
            OSError: What the program did, as the predicate of a sentence: closed its input, or has not read in time.
        """
        self._lengths.append(len(line))
        self._kept_bytes += len(line)
        while self._kept_bytes - self._lengths[0] >= _PIPE_BYTES:
            self._kept_bytes -= self._lengths.popleft()
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[self._write(rest) :]
        finally:
            self._lengths[-1] -= len(rest)
            self._kept_bytes -= len(rest)

    def finish(self, *, drain: bool = True) -> Ending:
        """Close its input and wait for its end; if that takes too long it is killed.

        Args:
            drain: Whether to let it read first what is in the pipe, so that the ending can tell what it has not read.
        """
        left = self._unread_bytes()
        while drain and left and not self._comes_to_pass(self._is_drained):
            before, left = left, self._unread_bytes()
            if left == before or self._abandoned.is_set():
                return self.kill(self._too_late("has not read for"))
        unread = self._close()
        if not self._comes_to_pass(self._has_ended):
            self._kill(self._too_late("did not end within"))
        return Ending(self._process.wait(), self._killed, unread)

    def kill(self, why: str) -> Ending:
        """End it and all that it has started, because it *why*, unless it is ending anyway."""
        if not self._has_ended(_TICK_S):
            self._kill(why)
        unread = self._close()
        return Ending(self._process.wait(), self._killed, unread)

    def abandon(self) -> None:
        """Wait for nothing any more: what runs in another thread comes to its end, and the program with it."""
        self._abandoned.set()

    def _write(self, data: memoryview) -> int:
        """Write some of *data*; how much."""
        try:
            return os.write(self._pipe, data)
        except BrokenPipeError:
            raise OSError("closed its input") from None
        except BlockingIOError:
            if not self._comes_to_pass(self._is_writable):
                raise OSError(self._too_late("has not read for")) from None
            return 0

    def _comes_to_pass(self, is_so: Callable[[float], bool]) -> bool:
        """Ask *is_so*, which waits for a moment, until it is; False if that takes too long."""
        end_s = time.monotonic() + self._timeout_s
        while not is_so(max(0.0, min(_TICK_S, end_s - time.monotonic()))):
            if self._abandoned.is_set() or time.monotonic() >= end_s:
                return False
        return True

    def _is_writable(self, tick_s: float) -> bool:
        return self._polls(_POLLOUT, tick_s)

    def _is_drained(self, tick_s: float) -> bool:
        """Whether nothing is in the pipe, or nobody reads any more: that is told whatever is asked for."""
        return not self._unread_bytes() or self._polls(0, tick_s)

    def _polls(self, events: int, tick_s: float) -> bool:
        if sys.platform != "win32":
            poll = select.poll()
            poll.register(self._pipe, events)
            return bool(poll.poll(tick_s * 1000))
        else:  # noqa: RET505  so that the type checker sees that one of the two is for another system
            return False

    def _has_ended(self, tick_s: float) -> bool:
        try:
            self._process.wait(tick_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _kill(self, why: str) -> None:
        """SIGTERM to the group; SIGKILL to what is left of it once the program itself has ended, or has not."""
        self._killed = why
        self._signal(signal.SIGTERM)
        self._has_ended(_TERM_S)
        self._signal(_SIGKILL)

    def _signal(self, number: int) -> None:
        if sys.platform != "win32":
            with suppress(ProcessLookupError, PermissionError):  # all have ended; the latter is macOS's word for it
                os.killpg(self._process.pid, number)

    def _too_late(self, what: str) -> str:
        return "was busy when the run ended" if self._abandoned.is_set() else f"{what} {self._timeout_s:g} s"

    def _close(self) -> int:
        """Close the pipe; how many lines were not read to their end, or at most that many where nobody tells."""
        left = self._unread_bytes()
        os.close(self._pipe)
        if left is None:
            return len(self._lengths) if self._killed or not self.is_running else 0
        unread = 0
        while left > 0 and self._lengths:
            left -= self._lengths.pop()
            unread += 1
        return unread

    def _unread_bytes(self) -> int | None:
        """Bytes in the pipe, also when nobody is left to read them; None where the system does not tell."""
        if sys.platform == "linux":
            return int.from_bytes(fcntl.ioctl(self._pipe, termios.FIONREAD, bytes(4)), sys.byteorder)
        else:  # noqa: RET505  so that the type checker sees that one of the two is for another system
            return None
