"""Lines to records: a line each as a rule, several lines each for an input that is pretty-printed.

Which of the two an input is, its first document says. A document over several lines ends where its brackets are
balanced. One that is broken ends at the latest where the next begins, if documents are indented, or at the limit;
nothing is read twice, so the time is linear in the input.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import Final

from falco_k8s_audit import document
from falco_k8s_audit.records import Limits, Records

_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_OPENING: Final = b"{["


class _Form(Enum):
    UNDECIDED = "undecided"
    LINES = "a document a line"
    DOCUMENTS = "documents over several lines"


class _Document:
    """A document that has begun; memory is bounded by the limit and one line."""

    def __init__(self, line: bytes, number: int) -> None:
        self.lines = [line]
        self.number = number
        self.size = len(line)
        self.is_indented = False
        self._depth = _depth(line)

    @property
    def is_complete(self) -> bool:
        return self._depth <= 0

    def add(self, line: bytes, limit: int) -> None:
        self.is_indented = self.is_indented or line[:1] in b" \t"
        self._depth += _depth(line)
        if self.size <= limit:
            self.lines.append(line)
            self.size += len(line)


class RecordSplitter:
    """Makes records of the lines of one input.

    Args:
        place: Names a line by its number, from 1: ``audit.log:12``.
        limits: What is too large.
        is_lines: The input is known to have a document a line.
    """

    def __init__(self, place: Callable[[int], str], limits: Limits, *, is_lines: bool = False) -> None:
        self._place = place
        self._limits = limits
        self._form = _Form.LINES if is_lines else _Form.UNDECIDED
        self._document: _Document | None = None
        self._number = 1

    @property
    def is_lines(self) -> bool | None:
        """Whether the input has a document a line; None while that is not known."""
        return None if self._form is _Form.UNDECIDED else self._form is _Form.LINES

    def feed(self, lines: Sequence[bytes]) -> Records:
        """The records that *lines*, the next of the input, complete."""
        if self._form is _Form.LINES:
            number, self._number = self._number, self._number + len(lines)
            return self._records(lines, range(number, self._number))
        return self._numbered([found for line in lines for found in self._step(line)])

    def finish(self) -> Records:
        """What the end of the input leaves over."""
        begun, self._document = self._document, None
        if begun is None:
            return self._records((), ())
        return self._numbered(_apart(begun) if self._form is _Form.UNDECIDED else [_whole(begun)])

    def _step(self, line: bytes) -> Iterator[tuple[bytes, int]]:
        """The records, each with its line number, that *line* completes."""
        number, self._number = self._number, self._number + 1
        begun = self._document
        if self._form is _Form.LINES:
            yield line, number
        elif begun is None:
            yield from self._begin(line, number)
        elif self._form is _Form.UNDECIDED:
            yield from self._decide(begun, line, number)
        elif begun.is_indented and line[:1] in _OPENING:
            yield _whole(begun)
            yield from self._begin(line, number)
        else:
            begun.add(line, self._limits.record)
            if begun.is_complete:
                self._document = None
                yield _whole(begun)

    def _begin(self, line: bytes, number: int) -> Iterator[tuple[bytes, int]]:
        """*line* is the first of a document, or all of it."""
        self._document = None
        text = line.strip(document.BLANKS)
        if not text:
            return
        is_open = text[:1] in _OPENING and bool(document.check(text))
        if is_open and (self._form is _Form.UNDECIDED or _depth(line) > 0):
            self._document = _Document(line, number)
            return
        if self._form is _Form.UNDECIDED:
            self._form = _Form.LINES
        yield line, number

    def _decide(self, begun: _Document, line: bytes, number: int) -> Iterator[tuple[bytes, int]]:
        """*line* follows the first one of the input, which is no document by itself."""
        first = begun.lines[-1].rstrip(document.BLANKS)
        is_damaged = first[-1:] not in b"{[,:" and not document.check(line)
        is_next = begun.is_indented and line[:1] in _OPENING
        if not is_damaged and not is_next:
            begun.add(line, self._limits.record)
            is_large = begun.size > self._limits.record
            if is_large and begun.is_indented:
                self._form = _Form.DOCUMENTS
            if not begun.is_complete and (begun.is_indented or not is_large):
                return
            whole = _whole(begun)
            self._document = None
            if begun.is_complete and (is_large or not document.check(whole[0])):
                self._form = _Form.DOCUMENTS
                yield whole
                return
            self._form = _Form.LINES
            yield from _apart(begun)
            return
        self._form = _Form.LINES
        self._document = None
        yield from _apart(begun)
        yield line, number

    def _numbered(self, found: Sequence[tuple[bytes, int]]) -> Records:
        return self._records([record for record, _ in found], [number for _, number in found])

    def _records(self, records: Sequence[bytes], numbers: Sequence[int]) -> Records:
        place = self._place
        return Records(records, lambda index: place(numbers[index]), self._limits)


def _depth(line: bytes) -> int:
    """Brackets that *line* opens, less those that it closes."""
    code = _STRING.sub(b"", line)
    return code.count(b"{") + code.count(b"[") - code.count(b"}") - code.count(b"]")


def _whole(begun: _Document) -> tuple[bytes, int]:
    return b"".join(begun.lines), begun.number


def _apart(begun: _Document) -> list[tuple[bytes, int]]:
    return [(line, begun.number + index) for index, line in enumerate(begun.lines)]
