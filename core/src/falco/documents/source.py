"""A text file as it was read: its name, its characters, and where its lines begin."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

from falco.documents.nodes import Mark, Span

_BREAK: Final = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file called *name* (as given by the user) with its decoded *text* (without a byte order mark)."""

    name: str
    text: str = field(repr=False)
    _line_starts: list[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = [0, *(match.end() for match in _BREAK.finditer(self.text))]
        object.__setattr__(self, "_line_starts", starts)

    def mark(self, index: int) -> Mark:
        """The place of character *index*; the end of the file is a place too."""
        line = bisect_right(self._line_starts, index) - 1
        return Mark(line, index - self._line_starts[line], index)

    def span(self, start: int, end: int) -> Span:
        """The characters *start* up to but excluding *end*."""
        return Span(self.name, self.mark(start), self.mark(end))

    def line(self, number: int) -> str:
        """The text of line *number* (from 0) without its line break."""
        start = self._line_starts[number]
        following = self._line_starts[number + 1] if number + 1 < len(self._line_starts) else len(self.text)
        return self.text[start:following].rstrip("\r\n")
