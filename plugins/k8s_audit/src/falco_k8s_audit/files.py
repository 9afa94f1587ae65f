"""Audit logs that end: a file, or all files of a directory."""

from __future__ import annotations

import gzip
import io
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

from falco import SourceError
from falco import nearest_path as nearest
from falco_k8s_audit.lines import DAMAGED, LineReader
from falco_k8s_audit.records import Limits, Records
from falco_k8s_audit.refusals import Reason, Refusals
from falco_k8s_audit.splitter import RecordSplitter

_BUFFER: Final = 1 << 18
_BATCH: Final = 1 << 18
"""Bytes of a batch, about: 120 events of 2 KB."""
_GZIP: Final = b"\x1f\x8b"
_MIN_PART: Final = 1 << 20
"""Bytes of a part that are worth a process."""


@dataclass(slots=True)
class Part:
    """A file, or the lines of it that begin in bytes *start* to *stop*. Picklable."""

    path: str
    start: int = 0
    stop: int | None = None
    _before: int | None = field(default=None, init=False)

    def __str__(self) -> str:
        if not self.start and self.stop is None:
            return self.path
        return f"{self.path}, bytes {self.start} to {'its end' if self.stop is None else self.stop}"

    def place(self, number: int) -> str:
        """``path:line`` for line *number* of the part; lines before the part are counted when first asked for."""
        if self._before is None:
            self._before = _count_lines(self.path, self.start) if self.start else 0
        return f"{self.path}:{number + self._before}"


class _Unpacked:
    """What is in a gzip file. Of a damaged one nothing is lost that could be unpacked before the damage."""

    def __init__(self, file: io.FileIO) -> None:
        self._file = gzip.GzipFile(fileobj=file)

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill *buffer*, as far as one read goes: ``GzipFile.readinto`` drops what it has when a later one fails."""
        block = self._file.read1(len(buffer))
        buffer[: len(block)] = block
        return len(block)


class FileTransport:
    """Files, one after the other.

    Args:
        parts: What to read, in order; None = find out from *path* when reading begins.
        path: A file or a directory: its regular files, the oldest first.
        limits: What is too large.
        refusals: Counts and reports what cannot be read.
    """

    def __init__(self, path: str, limits: Limits, refusals: Refusals, parts: Sequence[Part] | None = None) -> None:
        self._path = path
        self._limits = limits
        self._refusals = refusals
        self.parts = parts
        """What is read; assign before reading begins to go on from a position."""
        self._first: io.FileIO | None = None
        """The first part, opened."""
        self._closed = False
        self.position: tuple[str, int] = ("", 0)
        """File and offset; all that is before is done. In a compressed file the offset is that of its content."""
        self.bytes_read = 0
        """Bytes taken from all files, as they lie on the disk."""

    def open(self) -> None:
        """Find the files, and open the one that is named; those of a directory are opened in their turn.

        Raises:
            SourceError: There is nothing at the path, or its one file cannot be opened.
        """
        if self.parts is None:
            self.parts = _find(self._path)
        if len(self.parts) == 1 and self.parts[0].path == self._path:
            try:
                self._first = io.FileIO(self._path)
            except OSError as error:
                raise SourceError(_refusal(error, self._path)) from error

    def batches(self) -> Iterator[Records]:
        """The records of all files.

        Raises:
            SourceError: There is nothing at the path, or its one file cannot be opened.
        """
        if self._first is None and not self._closed:
            self.open()
        first, self._first = self._first, None
        for part in self.parts or ():
            if self._closed:
                break
            try:
                file = io.FileIO(part.path) if first is None else first
            except OSError as error:
                self._refusals.add(Reason.UNREADABLE, part.path, _refusal(error, part.path))
                continue
            first = None
            with file:
                yield from self._read(part, file)
        if first is not None:
            first.close()

    def __str__(self) -> str:
        """What is read."""
        parts = [Part(self._path)] if self.parts is None else self.parts
        more = f" and {len(parts) - 1} more files" if len(parts) > 1 else ""
        return f"{parts[0] if parts else self._path}{more}"

    def close(self) -> None:
        """End ``batches`` at its next resume."""
        self._closed = True

    def split(self, parts: int) -> list[FileTransport]:
        """At most *parts* of about the same size, in order; only plain files of lines are cut."""
        found = _find(self._path) if self.parts is None else list(self.parts)
        pieces = [piece for part in found for piece in self._pieces(part, found, parts)]
        groups: list[list[Part]] = []
        target = sum(map(_size, pieces)) / parts
        filled = 0.0
        for piece in pieces:
            size = _size(piece)
            if not groups or (filled + size / 2 > target * len(groups) and len(groups) < parts):
                groups.append([])
            groups[-1].append(piece)
            filled += size
        return [FileTransport(self._path, self._limits, self._refusals, group) for group in groups]

    def with_refusals(self, refusals: Refusals) -> FileTransport:
        """The same files, reporting to *refusals*."""
        return FileTransport(self._path, self._limits, refusals, self.parts)

    def _pieces(self, part: Part, found: Sequence[Part], parts: int) -> list[Part]:
        """*part*, cut so that all pieces of *found* together are about *parts*."""
        size = _size(part)
        count = min(round(parts * size / max(sum(map(_size, found)), 1)), size // _MIN_PART)
        if count <= 1 or not self._is_lines(part.path):
            return [part]
        edges = [part.start + size * i // count for i in range(count + 1)]
        return [Part(part.path, start, stop) for start, stop in pairwise(edges)]

    def _is_lines(self, path: str) -> bool:
        """Whether the file is a plain one, with a document a line."""
        try:
            with io.FileIO(path) as file:
                if file.read(len(_GZIP)) == _GZIP:
                    return False
                file.seek(0)
                splitter = RecordSplitter(str, self._limits)
                for line in io.BufferedReader(LineReader(file, self._limits.record), _BUFFER):
                    splitter.feed((line,))
                    if splitter.is_lines is not None:
                        return splitter.is_lines
                    if file.tell() > 2 * self._limits.record:
                        return False
        except DAMAGED:
            pass
        return False

    def _read(self, part: Part, file: io.FileIO) -> Iterator[Records]:
        """The records of one part."""
        is_plain = part.start > 0 or part.stop is not None or not _is_gzip(file)
        source = file if is_plain else _Unpacked(file)
        at = _line_start(file, part.start) if is_plain else 0
        if is_plain:
            file.seek(at)
        reader = LineReader(source, self._limits.record, at, part.stop)
        splitter = RecordSplitter(part.place, self._limits, is_lines=part.stop is not None)
        buffered = io.BufferedReader(reader, _BUFFER)
        before, first = self.bytes_read, at
        while not self._closed and (lines := buffered.readlines(_BATCH)):
            yield splitter.feed(lines)
            self.bytes_read = before + file.tell() - first
            at += sum(map(len, lines))
            if reader.excesses:
                at += _excess(lines, reader, self._limits.record)
            self.position = part.path, at
        if reader.error is not None:
            kind = Reason.UNREADABLE if is_plain else Reason.INCOMPLETE
            self._refusals.add(kind, part.path, f"cannot be read to its end: {_reason(reader.error)}")
        if not self._closed and (rest := splitter.finish()):
            yield rest


def _excess(lines: Sequence[bytes], reader: LineReader, limit: int) -> int:
    """Bytes that were dropped of *lines*."""
    cut = sum(len(line) > limit and len(line.removesuffix(b"\n")) > limit for line in lines)
    return sum(reader.excesses.popleft() for _ in range(min(cut, len(reader.excesses))))


def _find(path: str) -> list[Part]:
    """The file *path*, or the regular files of the directory, the oldest first."""
    try:
        if not stat.S_ISDIR(Path(path).stat().st_mode):  # not is_dir(), which says no to what is not there
            return [Part(path)]
        with os.scandir(path) as entries:
            files = [(entry.stat().st_mtime_ns, entry.path) for entry in entries if entry.is_file()]
    except OSError as error:
        raise SourceError(f"stat {path}: {_reason(error)}{_advice(error, path)}") from error
    return [Part(name) for _, name in sorted(files)]


def _refusal(error: OSError, path: str) -> str:
    return f"open {path}: {_reason(error)}{_advice(error, path)}"


def _is_gzip(file: io.FileIO) -> bool:
    if not file.seekable():
        return False
    magic = file.read(len(_GZIP))
    file.seek(0)
    return magic == _GZIP


def _size(part: Part) -> int:
    try:
        stop = Path(part.path).stat().st_size if part.stop is None else part.stop
    except OSError:
        return 0
    return max(stop - part.start, 0)


def _line_start(file: io.FileIO, start: int) -> int:
    """Offset of the first line that begins at *start* or behind it."""
    if not start:
        return 0
    offset = file.seek(start - 1)
    while block := file.read(_BUFFER):
        end = block.find(b"\n")
        if end >= 0:
            return offset + end + 1
        offset += len(block)
    return offset


def _count_lines(path: str, stop: int) -> int:
    """Lines that begin before *stop*."""
    count, left, is_whole = 0, stop, True
    with io.FileIO(path) as file:
        while left > 0 and (block := file.read(min(_BUFFER, left))):
            count += block.count(b"\n")
            left -= len(block)
            is_whole = block.endswith(b"\n")
    return count if is_whole else count + 1


def _advice(error: OSError, path: str) -> str:
    """What to do about a path that cannot be read."""
    if isinstance(error, FileNotFoundError):
        return nearest(Path(path))
    if isinstance(error, PermissionError):
        return "; API servers write audit logs for root only: run falco as root, or give its user the right to read"
    return ""


def _reason(error: BaseException) -> str:
    """The system's words, as Go writes them: without a capital."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text[:1].lower() + text[1:]
