"""The result of loading a rule file, as Falco reports it (rules-language.md §8) and as we do.

Falco's own arithmetic of lines, columns and excerpts is here and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

from falco.documents.diagnostics import Diagnostic, Location, Severity, point, render_all
from falco.documents.nodes import Node, Span, is_null
from falco.documents.source import SourceFile
from falco.documents.terminal import visible
from falco.documents.text import Extent
from falco.rules import schema
from falco.rules.codes import ErrorCode, WarningCode
from falco.rules.schema import Status

_HALF_WIDTH: Final = 80
_NAME_WIDTH: Final = 20
_NEWLINE: Final = 0x0A
_BETWEEN_TOKENS: Final = re.compile(r"(?:\s|#[^\r\n]*)*")


@dataclass(frozen=True)
class LoadResult:
    """What is wrong in a file and in what was loaded before it.

    ``errors[0]`` is the error that Falco stops at, ``warnings`` are those that it has given by then; what it
    would not have got to is in the further errors and in ``further_warnings``.
    """

    name: str
    errors: tuple[Diagnostic, ...]
    warnings: tuple[Diagnostic, ...]
    further_warnings: tuple[Diagnostic, ...]
    documents: tuple[Node, ...]
    files: Mapping[str, SourceFile]

    @cached_property
    def schema(self) -> Status | None:
        """Whether the documents follow the schema, compared when first asked for; None without a document."""
        return schema.check(self.documents) if self.documents else None

    @property
    def is_successful(self) -> bool:
        """Whether the file can be used."""
        return not self.errors

    @property
    def summary(self) -> str:
        """The first line of the text."""
        name = visible(self.name)
        if self.errors:
            return f"{name}: Invalid"
        return f"{name}: Ok, with warnings" if self.warnings else f"{name}: Ok"

    def text(self) -> str:
        """The summary, then every error and warning with its place. Ends with a line break."""
        lines = [self.summary]
        if self.schema is not None and not self.schema.is_valid:
            written = [document for document in self.documents if not is_null(document)]  # empty ones are no fault
            lines += [f"schema: {visible(fault)}" for fault in schema.check(written).faults]
        faults = (*self.errors, *self.warnings, *self.further_warnings)
        if faults:
            lines.append(render_all(faults, self.files))
        return "\n".join(lines) + "\n"

    def to_json(self) -> dict[str, Any]:
        """An entry of ``falco_load_results``; the key ``x-falco-py`` has what Falco does not say."""
        document: dict[str, Any] = {
            "name": self.name,
            "successful": self.is_successful,
            "errors": [self._fault(error) for error in self.errors],
            "warnings": [self._fault(warning) for warning in self.warnings],
        }
        if self.further_warnings:
            document["x-falco-py"] = {"warnings": [self._fault(warning) for warning in self.further_warnings]}
        if self.schema is not None:
            document["schema_valid"] = self.schema.is_valid
            document["schema_warnings"] = [f"failed for {fault}" for fault in self.schema.faults]
        return document

    def _fault(self, diagnostic: Diagnostic) -> dict[str, Any]:
        document: dict[str, Any] = {
            "code": diagnostic.code,
            "codedesc": _description(diagnostic),
            "message": diagnostic.message,
            "context": self._context(diagnostic),
        }
        if diagnostic.deprecated_field:
            document["deprecated_field"] = diagnostic.deprecated_field
        if extension := self._extension(diagnostic):
            document["x-falco-py"] = extension
        return document

    def _extension(self, diagnostic: Diagnostic) -> dict[str, Any]:
        """The place as we know it, from 1, how the text got there, and what to do."""
        extension: dict[str, Any] = {}
        if at := point(diagnostic.place, self.files):
            extension |= {"file": at.file, "line": at.mark.line + 1, "column": at.mark.column + 1}
            if at.note:
                extension["note"] = at.note
        if diagnostic.chain:
            extension["chain"] = [
                {"text": note.text, "place": str(where)}
                if (where := point(note.place, self.files))
                else {"text": note.text}
                for note in diagnostic.chain
            ]
        if diagnostic.hint:
            extension["hint"] = diagnostic.hint
        return extension

    def _context(self, diagnostic: Diagnostic) -> dict[str, Any]:
        """Falco's context: the locations from the file to the fault, and an excerpt of the last one."""
        name = self._file_name(diagnostic)
        base = _Position(name, 0, 0, 0)
        positions = [("rules content", "", base)]
        content = self.files[name].text if name in self.files else ""
        for location in diagnostic.context:
            base, content = self._position(location, base)
            positions.append((location.kind, location.name, base))
        return {
            "locations": [
                {"item_type": kind, "item_name": item, "position": position._asdict()}
                for kind, item, position in positions
            ],
            "snippet": _snippet(content, base.offset),
        }

    def _file_name(self, diagnostic: Diagnostic) -> str:
        for place in (*(location.place for location in diagnostic.context), diagnostic.place):
            if isinstance(place, Span):
                return place.file
        return self.name

    def _position(self, location: Location, base: _Position) -> tuple[_Position, str]:
        """Where Falco says that *location* is, given the one around it, and the text it takes the excerpt from."""
        if isinstance(location.place, Extent):
            base = _in_text(str(location.place.text), location.place.start, base)
            content = ""
        else:
            source = self.files[location.place.file]
            base, content = _in_file(source, location.place), source.text
        if location.text is None:
            return base, content
        # upstream: the text before lists were put in, the position after
        return base._replace(name=_text_name(location.text)), location.text


class _Position(NamedTuple):
    """A position in Falco's JSON; the keys come out sorted."""

    name: str
    line: int
    column: int
    offset: int


def _description(diagnostic: Diagnostic) -> str:
    """upstream: errors are described by their title, warnings by their description."""
    if diagnostic.severity is Severity.ERROR:
        return ErrorCode[diagnostic.code].title
    return WarningCode[diagnostic.code].description


def _in_file(source: SourceFile, span: Span) -> _Position:
    """upstream: yaml-cpp counts bytes; nothing (an empty value) stands where the next token does."""
    index = span.start.index
    if span.start == span.end:
        index = _next_token(source.text, index)
    mark = source.mark(index)
    line_start = index - mark.column
    return _Position(source.name, mark.line, _size(source.text[line_start:index]), _size(source.text[:index]))


def _next_token(text: str, index: int) -> int:
    found = _BETWEEN_TOKENS.match(text, index)
    return found.end() if found else index


def _in_text(text: str, index: int, base: _Position) -> _Position:
    """upstream: the position of the parser, which counts lines and columns from 1, on top of that of the item."""
    before = text[:index]
    line = before.count("\n") + 1
    column = _size(before[before.rfind("\n") + 1 :]) + 1
    return base._replace(line=base.line + line, column=base.column + column, offset=base.offset + _size(before))


def _text_name(text: str) -> str:
    """What stands for a file name where the place is in a condition."""
    name = text.replace("\n", " ").encode("utf-8", "surrogatepass")
    if len(name) > _NAME_WIDTH:
        name = name[: _NAME_WIDTH - 3] + b"..."
    return f'"{name.decode(errors="replace")}"'


def _size(text: str) -> int:
    """Bytes of *text*."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _snippet(text: str, offset: int) -> str:
    """The line of *text* around *offset* and a caret.

    upstream: of an expression *offset* is one in the file, so the caret is mostly at its end.
    """
    content = text.encode("utf-8", "surrogatepass")
    if not content:
        return "<No context available>\n"
    at = min(offset, len(content) - 1)
    while at > 0 and content[at] == _NEWLINE:
        at -= 1
    if content[at] == _NEWLINE:  # upstream: a number wraps around, and no end is found
        return f"...{content[4:-3].decode(errors='replace')}...\n"
    start = max(content.rfind(b"\n", 0, at) + 1, at - _HALF_WIDTH)
    end = content.find(b"\n", at)
    end = min(len(content) if end == -1 else end, at + _HALF_WIDTH + 1)
    line = content[start:end]
    if at - start >= _HALF_WIDTH:
        line = b"..." + line[3:]
    if end - 1 - at >= _HALF_WIDTH:
        line = line[:-3] + b"..."
    return f"{line.decode(errors='replace')}\n{' ' * (at - start)}^\n"
