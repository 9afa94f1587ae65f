"""Text that remembers where each of its characters comes from.

Rule text is glued together before it is parsed: appended, list names replaced by items, exceptions
spelled out.  ``Text`` is a tuple of segments, each with its origin, so that an error at an offset of
the glued text leads back to the file, line and column as written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from falco.documents.nodes import Mark, Span


@dataclass(frozen=True, slots=True)
class Written:
    """Characters that stand in a file.

    ``offsets[i]`` is the index in the file of the segment's character *i* (one more for its end); None
    when the text stands there letter for letter from ``span.start`` on. ``note`` tells how the text got
    here: "" or, for example, ``from list `shells```, ``appended``.
    """

    span: Span
    offsets: tuple[int, ...] | None = None
    note: str = ""

    def index(self, position: int) -> int:
        """The index in the file of the segment's character *position* (its end included)."""
        return self.span.start.index + position if self.offsets is None else self.offsets[position]

    def cut(self, start: int, end: int) -> Written:
        """The origin of the segment's characters *start* up to but excluding *end*."""
        if self.offsets is not None:
            return Written(self.span, self.offsets[start : end + 1], self.note)
        first = self.span.start
        begin, stop = (Mark(first.line, first.column + n, first.index + n) for n in (start, end))
        return Written(Span(self.span.file, begin, stop), None, self.note)


@dataclass(frozen=True, slots=True)
class Generated:
    """Characters that the loader made, such as the parentheses around an exception; *by* says what made them."""

    by: str


Origin: TypeAlias = Written | Generated


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of text with one origin."""

    text: str
    origin: Origin

    def cut(self, start: int, end: int) -> Segment:
        """The characters *start* up to but excluding *end*, which may be the whole."""
        if start == 0 and end == len(self.text):
            return self
        origin = self.origin.cut(start, end) if isinstance(self.origin, Written) else self.origin
        return Segment(self.text[start:end], origin)


@dataclass(frozen=True, slots=True)
class Text:
    """Segments in order; ``str(text)`` is what the parser sees."""

    segments: tuple[Segment, ...]

    @classmethod
    def of(cls, text: str, by: str = "text") -> Text:
        """Text without a file behind it, for example from the command line."""
        return cls((Segment(text, Generated(by)),))

    @classmethod
    def join(cls, texts: Iterable[Text]) -> Text:
        """The *texts* one after another."""
        return cls(tuple(segment for text in texts for segment in text.segments))

    def __str__(self) -> str:
        return "".join(segment.text for segment in self.segments)

    def __add__(self, other: Text) -> Text:
        return Text(self.segments + other.segments)

    def cut(self, start: int, end: int) -> Text:
        """The characters *start* up to but excluding *end*."""
        segments = []
        for segment in self.segments:
            size = len(segment.text)
            if start < size and end > 0 and size:
                segments.append(segment.cut(max(start, 0), min(end, size)))
            start -= size
            end -= size
            if end <= 0:
                break
        return Text(tuple(segments))

    def strip(self, chars: str) -> Text:
        """The text without *chars* at both ends."""
        text = str(self)
        return self.cut(len(text) - len(text.lstrip(chars)), len(text.rstrip(chars)))

    def noted(self, note: str) -> Text:
        """The text with *note* on all that stands in a file and has none yet."""
        return Text(
            tuple(
                replace(segment, origin=replace(segment.origin, note=note))
                if isinstance(segment.origin, Written) and not segment.origin.note
                else segment
                for segment in self.segments
            )
        )

    def origin(self, position: int) -> Origin | None:
        """Where the character *position* comes from; None beyond the end."""
        for segment in self.segments:
            if position < len(segment.text):
                return segment.origin
            position -= len(segment.text)
        return None

    def written(self, position: int) -> tuple[Written, int] | None:
        """Where the character *position* stands: its origin and the index in the file.

        For generated characters the nearest written one before them answers, or after; None if there is none.
        """
        before: tuple[Written, int] | None = None
        for segment in self.segments:
            size = len(segment.text)
            if isinstance(segment.origin, Written):
                if position < size:
                    return segment.origin, segment.origin.index(max(position, 0))
                before = segment.origin, segment.origin.index(size)
            elif position < size and before:
                return before
            position -= size
        return before


@dataclass(frozen=True, slots=True)
class Extent:
    """Characters ``start`` up to but excluding ``end`` of a text."""

    text: Text
    start: int
    end: int
