"""Standard output and standard error as one terminal shows them: a line of progress below everything else."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, BinaryIO, Final, cast

_ERASE: Final = b"\r\x1b[2K"


def is_terminal(stream: BinaryIO, env: Mapping[str, str]) -> bool:
    """Whether *stream* is a terminal that understands more than plain lines."""
    isatty = getattr(stream, "isatty", None)
    return isatty is not None and isatty() and env.get("TERM") != "dumb"


def is_coloured(stream: BinaryIO, env: Mapping[str, str]) -> bool:
    """Whether text on *stream* is coloured: on a terminal, unless ``NO_COLOR`` or ``FORCE_COLOR`` says otherwise."""
    if env.get("NO_COLOR"):
        return False
    return env.get("FORCE_COLOR", "") not in {"", "0"} or is_terminal(stream, env)


class Screen:
    """Both streams, with a lock: whoever writes a line erases the line of progress before and restores it after.

    Nothing is written to a stream that nobody reads any more; ``is_abandoned`` says so of standard output.
    """

    def __init__(self, stdout: BinaryIO, stderr: BinaryIO, env: Mapping[str, str]) -> None:
        self.has_progress = is_terminal(stderr, env)
        """Whether ``show`` shows anything."""
        self.is_abandoned = False
        self._stderr = stderr
        self._lock = threading.Lock()
        self._line = b""
        self.stdout = cast("BinaryIO", _Stream(self, stdout, shares=is_terminal(stdout, env)))
        self.stderr = cast("BinaryIO", _Stream(self, stderr, shares=True))

    def show(self, line: str) -> None:
        """Replace the line of progress; "" takes it away."""
        if not self.has_progress:
            return
        with self._lock:
            self._erase()
            self._line = line.encode()
            self._restore()

    def write(self, stream: Any, data: bytes | memoryview, *, shares: bool) -> None:
        """Write all of *data*; *shares* says that the line of progress is on the same terminal."""
        with self._lock:
            if shares:
                self._erase()
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[stream.write(rest) or 0 :]
                stream.flush()
            finally:
                if shares and data[-1:] == b"\n":
                    self._restore()

    def _erase(self) -> None:
        if self._line:
            self._stderr.write(_ERASE)
            self._stderr.flush()

    def _restore(self) -> None:
        if self._line:
            self._stderr.write(self._line)
            self._stderr.flush()


class _Stream:
    """One of the streams; what a run needs of a ``BinaryIO``."""

    def __init__(self, screen: Screen, stream: BinaryIO, *, shares: bool) -> None:
        self._screen = screen
        self._stream = stream
        self._shares = shares

    def isatty(self) -> bool:
        """As the stream itself."""
        return self._stream.isatty()

    def write(self, data: bytes | memoryview) -> int:
        """Write all of *data*, unless the reader has gone."""
        if not (self._screen.is_abandoned and self is cast("object", self._screen.stdout)):
            try:
                self._screen.write(getattr(self._stream, "raw", self._stream), data, shares=self._shares)
            except BrokenPipeError:
                self._screen.is_abandoned = True
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""
