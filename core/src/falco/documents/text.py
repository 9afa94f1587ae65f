"""Text that remembers where each of its characters comes from.

Rule text is glued together before it is parsed: appended, list names replaced by items, exceptions
spelled out.  ``Text`` is a tuple of segments, each with its origin, so that an error at an offset of
the glued text leads back to the file, line and column as written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from falco.documents.nodes import Span


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


@dataclass(frozen=True, slots=True)
class Text:
    """Segments in order; ``str(text)`` is what the parser sees."""

    segments: tuple[Segment, ...]

    @classmethod
    def of(cls, text: str, by: str = "text") -> Text:
        """Text without a file behind it, for example from the command line."""
        return cls((Segment(text, Generated(by)),))

    def __str__(self) -> str:
        return "".join(segment.text for segment in self.segments)

    def __add__(self, other: Text) -> Text:
        return Text(self.segments + other.segments)


@dataclass(frozen=True, slots=True)
class Extent:
    """Characters ``start`` up to but excluding ``end`` of a text."""

    text: Text
    start: int
    end: int
