"""Lines to records: a line each as a rule, several lines each for an input that is pretty-printed.

Which of the two an input is, its first whole document says; what comes before that, however broken, decides
nothing. A document over several lines ends where its brackets are balanced. One that is broken ends at the latest
where the next begins, or at the limit; nothing is read twice, so the time is linear in the input.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import Final

from falco_k8s_audit import document
from falco_k8s_audit.records import Limits, Records
from falco_k8s_audit.wrapping import BYTE_ORDER_MARK, events_of

_BRACKET: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[][{}]', re.DOTALL)
_OPENING: Final = b"{["
_REST: Final = b'"}], \t'
"""How a line begins that is the rest of a document whose beginning is missing."""
_UNFINISHED: Final = b"{[,:"
"""How a line ends after which a value may stand."""


class _Form(Enum):
    UNDECIDED = "undecided"
    LINES = "a document a line"
    DOCUMENTS = "documents over several lines"


class _Document:
    """A document that has begun; memory is bounded by the limit and one line."""

    def __init__(self, line: bytes, number: int, limit: int) -> None:
        self.lines: list[bytes] = []
        self.number = number
        self.size = 0
        self.is_indented = False
        self._limit = limit
        self._open = bytearray()
        self._last = b""
        self._add(line)

    @property
    def is_complete(self) -> bool:
        """Whether all its brackets are closed."""
        return not self._open

    @property
    def is_large(self) -> bool:
        """Whether it is beyond the limit."""
        return self.size > self._limit

    def add(self, line: bytes) -> None:
        """Go on with *line*."""
        self.is_indented = self.is_indented or line[:1] in b" \t"
        self._add(line)

    def ends_before(self, line: bytes) -> bool:
        """Whether *line* can only be the beginning of another document."""
        if line[:1] not in _OPENING:
            return False
        is_item = self._last == b"[" or (self._last == b"," and self._open[-1:] == b"[")
        return self.is_indented or not (is_item or self._last == b":" or not self._last)

    def is_damaged_before(self, line: bytes) -> bool:
        """Whether no value may stand after it, and *line* is one by itself."""
        return self._last not in _UNFINISHED and not document.check(line)

    def _add(self, line: bytes) -> None:
        for bracket in _BRACKET.findall(line):
            if bracket in _OPENING:
                self._open += bracket
            elif bracket[:1] != b'"':
                del self._open[-1:]
        self._last = line.rstrip(document.BLANKS)[-1:] or self._last
        if not self.is_large:
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
        self._rest: _Document | None = None
        """Lines of a document whose beginning is missing: one record to refuse, not one a line."""
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
        found = list(self._end_rest())
        if begun is not None:
            found += [_whole(begun)] if self._form is _Form.DOCUMENTS else _pieces(begun)
        return self._numbered(found)

    def _step(self, line: bytes) -> Iterator[tuple[bytes, int]]:
        """The records, each with its line number, that *line* completes."""
        number, self._number = self._number, self._number + 1
        begun = self._document
        if self._form is _Form.LINES:
            yield line, number
        elif begun is None:
            yield from self._begin(line, number)
        elif self._form is _Form.UNDECIDED and begun.is_damaged_before(line):
            self._document = None
            yield from _apart(begun)
            yield from self._begin(line, number)
        elif begun.ends_before(line):
            yield _whole(begun)
            yield from self._begin(line, number)
        else:
            begun.add(line)
            if self._form is _Form.UNDECIDED:
                yield from self._decide(begun)
            elif begun.is_complete:
                self._document = None
                yield _whole(begun)

    def _begin(self, line: bytes, number: int) -> Iterator[tuple[bytes, int]]:
        """*line* is the first of a document, or all of it, or none."""
        self._document = None
        line = line.removeprefix(BYTE_ORDER_MARK)
        text = line.strip(document.BLANKS)
        if not text:
            return
        if self._rest is not None and line[:1] in _REST:
            self._rest.add(line)
            return
        yield from self._end_rest()
        if text[:1] not in _OPENING:
            if self._form is _Form.UNDECIDED and events_of(text):
                self._form = _Form.LINES
            elif line[:1] in _REST:
                self._rest = _Document(line, number, self._limits.record)
                return
        elif not document.check(text):
            if self._form is _Form.UNDECIDED and line[:1] in _OPENING:  # one that is indented may be a part of another
                self._form = _Form.LINES
        else:
            begun = _Document(line, number, self._limits.record)
            if not begun.is_complete:
                self._document = begun
                return
            if self._form is _Form.UNDECIDED and events_of(text):
                self._form = _Form.LINES
        yield line, number

    def _decide(self, begun: _Document) -> Iterator[tuple[bytes, int]]:
        """What *begun* says of the form of the input, whose first whole document it may be."""
        if begun.is_large:
            if begun.is_indented:
                self._form = _Form.DOCUMENTS
            else:
                self._form, self._document = _Form.LINES, None
                yield from _apart(begun)
                return
        if not begun.is_complete:
            return
        self._document = None
        whole = _whole(begun)
        if begun.is_large or not document.check(whole[0]):
            self._form = _Form.DOCUMENTS
            yield whole
        else:
            yield from _pieces(begun)

    def _end_rest(self) -> Iterator[tuple[bytes, int]]:
        rest, self._rest = self._rest, None
        if rest is not None:
            yield _whole(rest)

    def _numbered(self, found: Sequence[tuple[bytes, int]]) -> Records:
        return self._records([record for record, _ in found], [number for _, number in found])

    def _records(self, records: Sequence[bytes], numbers: Sequence[int]) -> Records:
        place = self._place
        return Records(records, lambda index: place(numbers[index]), self._limits)


def _whole(begun: _Document) -> tuple[bytes, int]:
    return b"".join(begun.lines), begun.number


def _apart(begun: _Document) -> list[tuple[bytes, int]]:
    return [(line, begun.number + index) for index, line in enumerate(begun.lines)]


def _pieces(begun: _Document) -> list[tuple[bytes, int]]:
    """A broken document as one record to refuse; its lines, if some of them are documents by themselves."""
    texts = (line.strip(document.BLANKS) for line in begun.lines)
    has_documents = any(text[:1] in _OPENING and not document.check(text) for text in texts if text)
    return _apart(begun) if has_documents else [_whole(begun)]
