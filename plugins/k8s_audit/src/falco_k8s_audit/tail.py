"""An audit log that goes on: what is appended to a file, through rotation and truncation.

The path is polled, so it works on every file system. A line counts once it has ended, or when its file is done.
"""

from __future__ import annotations

import io
import os
import stat
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from falco_k8s_audit.lines import LineBuffer
from falco_k8s_audit.records import Limits, Records
from falco_k8s_audit.refusals import Reason, Refusals

_BLOCK: Final = 1 << 16
_HEAD: Final = 1024
"""Bytes at the beginning of a file by which it is known again."""
_POLL_S: Final = 0.2
_LINGER_POLLS: Final = 25
"""How long a file that was moved away is still read: its writer may not have noticed yet."""
_SLACK_NS: Final = 50_000_000
"""By how much a file system's clock may lag."""
_REMEMBERED: Final = 64
_PACKED: Final = (".gz", ".bz2", ".xz", ".zst", ".zip")


class _Followed:
    """One open file, read from some offset on."""

    def __init__(self, path: str, limits: Limits, *, at_end: bool = False) -> None:
        self.file = io.FileIO(path)
        self.identity = _identity(os.fstat(self.file.fileno()))
        self._path = path
        self._limits = limits
        self._head = b""
        self._begin(_last_line_start(self.file) if at_end else 0)

    def read(self) -> Records | None:
        """The lines that the next block completes; None if there is nothing new."""
        size = os.fstat(self.file.fileno()).st_size
        if size == self._offset and size:
            return None
        if size < self._offset or not self.head().startswith(self._head):
            # Truncated, perhaps filled again within one poll: all that is there is new.
            rest = self._lines.finish()
            records = self._records(rest)
            self._begin(0)
            return records
        self.file.seek(self._offset)
        block = self.file.read(_BLOCK)
        if not block:
            return None
        self._offset += len(block)
        if len(self._head) < _HEAD:
            self._head = self.head()[: self._offset]
        return self._records(self._lines.feed(block))

    def is_same(self, head: bytes) -> bool:
        """Whether a file that begins with *head* has what was read here: it is this one, or a copy."""
        return bool(self._head) and head.startswith(self._head)

    def finish(self) -> Records:
        """The last line, if it has not ended; closes the file."""
        self.file.close()
        return self._records(self._lines.finish())

    def head(self) -> bytes:
        """The beginning of the file."""
        self.file.seek(0)
        return self.file.read(_HEAD) or b""

    def _begin(self, offset: int) -> None:
        self._offset = self._start = offset
        self._number = 1
        self._lines = LineBuffer(self._limits.record)
        self._head = self.head()[:offset]

    def _records(self, lines: list[bytes]) -> Records:
        first, self._number = self._number, self._number + len(lines)
        place = f"{self._path}, from byte {self._start} on, line " if self._start else f"{self._path}:"
        return Records(lines, lambda index: f"{place}{first + index}", self._limits)


class TailTransport:
    """What is appended to the file *path* from now on; all of it if the file appears later.

    A file that takes the place of another (rotation) is read from its beginning, after the other was read to its
    end. Files that came and went between two polls are found beside it, by name and time.
    """

    def __init__(self, path: str, limits: Limits, refusals: Refusals, poll_s: float = _POLL_S) -> None:
        self._path = path
        self._limits = limits
        self._refusals = refusals
        self._poll_s = poll_s
        self._stop = threading.Event()
        self._complaint = ""
        self._is_open = False
        self._current: _Followed | None = None
        self._past: list[_Followed] = []
        """Files that were moved away, the oldest first: their writer may not have noticed yet."""
        self._quiet: dict[_Followed, int] = {}
        """Polls since something was read of each of them."""
        self._done: deque[_Followed] = deque(maxlen=_REMEMBERED)
        """Files that were read to their end and closed."""
        self._polled_ns = time.time_ns()

    def open(self) -> None:
        """Stand at the end of the file, if there is one."""
        self._is_open = True
        self._current = self._open(at_end=True)

    def batches(self) -> Iterator[Records]:
        """Records as they come; an empty batch a poll while there are none."""
        if not self._is_open:
            self.open()
        try:
            while not self._stop.is_set():
                is_idle = True
                for followed in (*self._past, self._current):
                    while followed is not None and (records := followed.read()) is not None:
                        is_idle = False
                        self._quiet[followed] = 0
                        yield records
                        if self._stop.is_set():
                            return
                for records in self._leave():
                    yield records
                if not self._rotate() and is_idle:
                    yield Records((), str, self._limits)
                    self._stop.wait(self._poll_s)
        finally:
            for followed in (*self._past, self._current):
                if followed is not None:
                    followed.file.close()

    def close(self) -> None:
        """End ``batches`` at its next resume."""
        self._stop.set()

    def _rotate(self) -> bool:
        """Whether another file is at the path now; it is the current one from here on."""
        polled_ns, self._polled_ns = self._polled_ns, time.time_ns()
        current = self._current
        try:
            if current is not None and _identity(Path(self._path).stat()) == current.identity:
                return False
        except OSError:
            pass  # gone, or not there yet: opening it tells whether that is worth a word
        new = self._open()
        if new is None:
            return False
        if current is not None:
            self._past += [current, *self._missed(current, new, polled_ns)]
        self._current = new
        return True

    def _leave(self) -> Iterator[Records]:
        """The last lines of files that were moved away and have been quiet for long."""
        for followed in list(self._past):
            self._quiet[followed] = self._quiet.get(followed, 0) + 1
            if self._quiet[followed] > _LINGER_POLLS:
                self._past.remove(followed)
                del self._quiet[followed]
                self._done.append(followed)
                yield followed.finish()

    def _missed(self, current: _Followed, new: _Followed, since_ns: int) -> list[_Followed]:
        """Files with the same beginning of their name that were written since the last poll and never seen."""
        directory, name = os.path.split(self._path)
        seen = {followed.identity for followed in (*self._past, current, new)}
        found: list[tuple[int, _Followed]] = []
        try:
            with os.scandir(directory or ".") as entries:
                candidates = [e.path for e in entries if e.name.startswith(name) and not e.name.endswith(_PACKED)]
            for path in candidates:
                status = Path(path).stat()
                if not stat.S_ISREG(status.st_mode) or status.st_mtime_ns < since_ns - _SLACK_NS:
                    continue
                if _identity(status) not in seen:
                    followed = _Followed(path, self._limits)
                    head = followed.head()
                    if any(other.is_same(head) for other in (*self._past, *self._done, current)):
                        followed.file.close()
                    else:
                        found.append((status.st_mtime_ns, followed))
        except OSError as error:
            self._complain(f"{directory}: {error.strerror}")
        return [followed for _, followed in sorted(found, key=lambda pair: pair[0])]

    def _open(self, *, at_end: bool = False) -> _Followed | None:
        """The file at the path; None if it cannot be opened."""
        try:
            followed = _Followed(self._path, self._limits, at_end=at_end)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._complain(f"cannot be opened: {error.strerror}")
            return None
        self._complaint = ""
        return followed

    def _complain(self, message: str) -> None:
        """Report *message*, once until it changes."""
        if message != self._complaint:
            self._complaint = message
            self._refusals.add(Reason.UNREADABLE, self._path, message)


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _last_line_start(file: io.FileIO) -> int:
    """Offset of the line at the end of *file* that has not ended; the size if all have."""
    end = os.fstat(file.fileno()).st_size
    while end > 0:
        start = max(end - _BLOCK, 0)
        file.seek(start)
        newline = (file.read(end - start) or b"").rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0
