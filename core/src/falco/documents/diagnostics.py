"""What is wrong in a document, and where: one object, shown as text with a caret here, as JSON elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias

from falco.documents.nodes import Mark, Span
from falco.documents.terminal import visible
from falco.documents.text import Extent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from falco.documents.source import SourceFile

Place: TypeAlias = Span | Extent
MAX_LINE: Final = 160
"""Characters of a source line that are shown; longer lines are cut around the caret."""


class Severity(Enum):
    """Whether what was read can be used."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Location:
    """One step on the way to a fault: a *kind* of item, its *name* ("" for none), and where it stands.

    ``text``: for a place in a text that was made out of another, that other text.
    """

    kind: str
    name: str
    place: Place
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A further place that explains a fault, such as the use of a macro."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A fault.

    ``message`` is Falco's sentence where Falco has one, ``hint`` says what to do in our words. ``place`` is where
    the caret goes, ``context`` the way there from the outermost item, ``chain`` the places it came through.
    """

    severity: Severity
    code: str
    message: str
    place: Place
    context: tuple[Location, ...] = ()
    chain: tuple[Note, ...] = ()
    hint: str = ""
    deprecated_field: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """A resolved place: *mark* in *file*, *width* characters on its line, and how the text got here."""

    file: str
    mark: Mark
    width: int
    note: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.mark.line + 1}:{self.mark.column + 1}"


def point(place: Place, files: Mapping[str, SourceFile]) -> Point | None:
    """Where *place* is in the *files* (by name); None for text that stands in no file."""
    if isinstance(place, Span):
        is_one_line = place.start.line == place.end.line
        return Point(place.file, place.start, max(1, place.end.column - place.start.column) if is_one_line else 1)
    found = place.text.written(place.start)
    if found is None:
        return None
    origin, index = found
    source = files.get(origin.span.file)
    if source is None:
        return Point(origin.span.file, origin.span.start, 1, origin.note)
    mark = source.mark(index)
    last = place.text.written(place.end - 1) if place.end > place.start else None
    width = 1
    if last is not None and last[0].span == origin.span and source.mark(last[1]).line == mark.line:
        width = max(1, last[1] - index + 1)
    return Point(origin.span.file, mark, width, origin.note)


def render(diagnostic: Diagnostic, files: Mapping[str, SourceFile], *others: Diagnostic) -> str:
    """The fault as text: place, code and sentence, the source line with a caret, the way there, what to do.

    *others* are the same fault at the same place, found on another way. What a terminal would obey is spelled out.
    Ends without a line break.
    """
    at = point(diagnostic.place, files)
    head = f"{diagnostic.severity.value}[{diagnostic.code}]: {diagnostic.message or _SPEECHLESS}"
    lines = [f"{at}: {head}" if at else head]
    if at and (source := files.get(at.file)):
        lines += _marked(source, at)
    lines += [f"  {step}" for step in _steps(diagnostic, at, files)]
    lines += [f"  also {way}" for other in others[:_MAX_OTHERS] if (way := _way(other))]
    if len(others) > _MAX_OTHERS:
        lines.append(f"  and on {len(others) - _MAX_OTHERS:,} more ways")
    if diagnostic.hint:
        lines.append(f"  hint: {diagnostic.hint}")
    return "\n".join(map(visible, lines))


def render_all(diagnostics: Iterable[Diagnostic], files: Mapping[str, SourceFile]) -> str:
    """Faults in the order of their places, file by file in the order of *files*, a blank line between two."""
    order = {name: number for number, name in enumerate(files)}
    groups: dict[tuple[tuple[int, int], str, str], list[Diagnostic]] = {}
    for diagnostic in diagnostics:
        at = point(diagnostic.place, files)
        position = (order.get(at.file, len(order)), at.mark.index) if at else (-1, 0)
        groups.setdefault((position, diagnostic.code, diagnostic.message), []).append(diagnostic)
    ordered = sorted(groups, key=lambda group: group[0])
    return "\n\n".join(render(groups[group][0], files, *groups[group][1:]) for group in ordered)


_SPEECHLESS: Final = "(no message)"
_MAX_OTHERS: Final = 3


def excerpt(span: Span, source: SourceFile) -> list[str]:
    """The line of *source* on which *span* begins, and the caret under it."""
    at = point(span, {})
    return [] if at is None else _marked(source, at)


def _marked(source: SourceFile, at: Point) -> list[str]:
    """The source line and the caret under it, both cut to what fits around the caret."""
    line, column = source.line(at.mark.line), at.mark.column
    first = max(0, min(column - MAX_LINE // 2, len(line) - MAX_LINE))
    shown = line[first : first + MAX_LINE]
    lead = "..." if first else ""
    tail = "..." if first + MAX_LINE < len(line) else ""
    number = f"{at.mark.line + 1:>5}"
    before, marked = shown[: column - first], shown[column - first :][: at.width]
    blanks = "".join("\t" if char == "\t" else " " for char in visible(before))
    width = max(1, len(visible(marked)))
    return [f"{number} | {lead}{shown}{tail}", f"{'':>5} | {' ' * len(lead)}{blanks}{'^' * width}"]


def _steps(diagnostic: Diagnostic, at: Point | None, files: Mapping[str, SourceFile]) -> list[str]:
    steps = [way] if (way := _way(diagnostic)) else []
    if at and at.note:
        steps.append(at.note)
    for note in diagnostic.chain:
        where = point(note.place, files)
        steps.append(f"{note.text}, {where}" if where else note.text)
    return steps


def _way(diagnostic: Diagnostic) -> str:
    """``in condition of rule "x"``; "" where there is nothing around the fault."""
    items = [
        f'{item.kind} "{item.name}"' if item.name else item.kind
        for item in diagnostic.context
        if item.text is None  # the text around the caret needs no name
        and (item.name or item.kind != "value for")  # which value, nobody knows in what is not YAML
    ]
    return "in " + " of ".join(reversed(items)) if items else ""
