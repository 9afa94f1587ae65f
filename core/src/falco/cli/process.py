"""The process around a run: signals and the file with its number. Only the installed command has one."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Protocol


class Controls(Protocol):
    """What a signal can ask of a run."""

    def stop(self, reason: str) -> None:
        """End: sources first, then deliver what is queued."""

    def reopen(self, reason: str) -> None:
        """Open output files anew, for log rotation."""

    def reload(self, reason: str) -> None:
        """Load configuration and rules anew."""


class Requests:
    """Notes of what signals have asked for, to be acted upon by the main thread when it comes by."""

    def __init__(self) -> None:
        self._notes: deque[Callable[[Controls], None]] = deque()

    def stop(self, reason: str) -> None:
        """End."""
        self._notes.append(lambda controls: controls.stop(reason))

    def reopen(self, reason: str) -> None:
        """Open output files anew."""
        self._notes.append(lambda controls: controls.reopen(reason))

    def reload(self, reason: str) -> None:
        """Load configuration and rules anew."""
        self._notes.append(lambda controls: controls.reload(reason))

    def answer(self, controls: Controls) -> None:
        """Pass on what was noted since the last time."""
        while self._notes:
            self._notes.popleft()(controls)


class Process:
    """Signals of this process; the main thread's business."""

    @contextmanager
    def signals(self, controls: Controls) -> Iterator[None]:
        """Let signals reach *controls* inside of the block.

        They do so between two instructions of the main thread: *controls* must not block or write.
        """
        wanted: dict[str, Callable[[str], None]] = {
            "SIGINT": controls.stop,
            "SIGTERM": controls.stop,
            "SIGUSR1": controls.reopen,
            "SIGHUP": controls.reload,
        }
        before = []
        for name, action in wanted.items():
            if (number := getattr(signal, name, None)) is not None:  # Windows has but the first two
                before.append((number, signal.signal(number, _handler(name, action))))
        try:
            yield
        finally:
            for number, handler in before:
                signal.signal(number, handler)


def _handler(name: str, action: Callable[[str], None]) -> Callable[[int, FrameType | None], None]:
    def handle(_number: int, _frame: FrameType | None) -> None:
        action(name)

    return handle


@contextmanager
def pidfile(path: Path) -> Iterator[None]:
    """A file with the number of this process, without a newline, as upstream; it is there inside of the block.

    A file that meanwhile holds the number of another process is that one's, and stays.

    Raises:
        OSError: It cannot be written.
    """
    number = str(os.getpid())
    path.write_text(number, encoding="ascii")
    try:
        yield
    finally:
        with suppress(OSError, UnicodeDecodeError):  # somebody else took it away
            if path.read_text(encoding="ascii") == number:
                path.unlink()
