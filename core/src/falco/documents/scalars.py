"""Decodes scalars so that every character knows its place in the file.

libyaml says what a scalar means, not where each character of it stands.  Here its source is walked once more,
by its style; when the walk does not end in libyaml's value (exotic indentation), the scalar's start stands
for all its characters.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

from falco.documents.nodes import ScalarNode, ScalarStyle
from falco.documents.text import Segment, Text, Written

if TYPE_CHECKING:
    from falco.documents.source import SourceFile

_PROPERTIES: Final = re.compile(r"(?:[&!][^\s,\[\]{}]*(?:\s+(?:#[^\r\n]*\s+)*|(?=$)))*")
_LINE_END: Final = "(?:\r\n|[\n\r\x85\u2028\u2029])"
_BREAK: Final = re.compile(_LINE_END)
_FOLD: Final = re.compile(f"[ \t]*{_LINE_END}[ \t]*(?:{_LINE_END}[ \t]*)*")
_ESCAPED_BREAK: Final = re.compile(rf"\\{_LINE_END}[ \t]*(?:{_LINE_END}[ \t]*)*")
_ESCAPES: Final = {
    "0": "\0",
    "a": "\x07",
    "b": "\x08",
    "t": "\t",
    "\t": "\t",
    "n": "\n",
    "v": "\x0b",
    "f": "\x0c",
    "r": "\r",
    "e": "\x1b",
    "N": "\x85",
    "_": "\xa0",
    "L": "\u2028",
    "P": "\u2029",
}
_HEX_DIGITS: Final = {"x": 2, "u": 4, "U": 8}

_Placed: TypeAlias = list[tuple[str, int]]
"""Decoded characters and where they stand."""


def to_text(node: ScalarNode, source: SourceFile, note: str = "") -> Text:
    """The value of *node*, a scalar of *source*, each character with its place; *note* says how it got there."""
    start, end = _content(node, source.text)
    value = node.text
    if source.text.startswith(value, start) and start + len(value) <= end:
        span = source.span(start, start + len(value))
        return Text((Segment(value, Written(span, None, note)),))
    if node.style in {ScalarStyle.LITERAL, ScalarStyle.FOLDED}:
        placed, after = _block(node, source.text, start, end)
    else:
        placed, after = _flow(node.style, source.text, start, end), end
    if "".join(char for char, _ in placed) == value:
        offsets = (*(offset for _, offset in placed), after)
    else:
        offsets = (start,) * (len(value) + 1)
    return Text((Segment(value, Written(source.span(start, end), offsets, note)),))


def _content(node: ScalarNode, text: str) -> tuple[int, int]:
    start, end = node.span.start.index, node.span.end.index
    if found := _PROPERTIES.match(text, start, end):
        start = found.end()
    if node.style in {ScalarStyle.SINGLE, ScalarStyle.DOUBLE}:
        return start + 1, max(start + 1, end - 1)
    return start, end


def _flow(style: ScalarStyle, text: str, start: int, end: int) -> _Placed:
    """Plain and quoted scalars: lines are folded, quotes have escapes."""
    placed: _Placed = []
    at = start
    while at < end:
        if folded := _FOLD.match(text, at, end):
            breaks = _breaks(text, at, folded.end())
            placed += breaks[1:] or [(" ", breaks[0][1])]
            at = folded.end()
        elif style is ScalarStyle.SINGLE and text[at] == "'":
            placed.append(("'", at))
            at += 2
        elif style is ScalarStyle.DOUBLE and text[at] == "\\":
            if escaped := _ESCAPED_BREAK.match(text, at, end):
                placed += _breaks(text, at, escaped.end())[1:]
                at = escaped.end()
            elif digits := _HEX_DIGITS.get(text[at + 1]):
                code = int(text[at + 2 : at + 2 + digits], 16)
                placed.append((chr(code), at))
                at += 2 + digits
            else:
                placed.append((_ESCAPES.get(text[at + 1], text[at + 1]), at))
                at += 2
        else:
            placed.append((text[at], at))
            at += 1
    return placed


def _breaks(text: str, start: int, end: int) -> _Placed:
    """The line breaks between *start* and *end*, as libyaml delivers them."""
    breaks = _BREAK.finditer(text, start, end)
    return [(found[0] if found[0] in "\u2028\u2029" else "\n", found.start()) for found in breaks]


def _block(node: ScalarNode, text: str, start: int, end: int) -> tuple[_Placed, int]:
    """Literal and folded scalars, given their indicator line and the indented lines after it."""
    lines = _lines(text, start, end)[1:]
    indent = _indent(node.text, text, lines)
    is_folded = node.style is ScalarStyle.FOLDED
    header = text[start:end].split("#", 1)[0].splitlines()[0]
    placed: _Placed = []
    pending: _Placed = []  # breaks since the last line with content
    was_indented = is_first = True
    for line_start, line_end, following in lines:
        content = text[line_start + indent : line_end] if line_end - line_start > indent else ""
        line_break: _Placed = _breaks(text, line_end, following)
        if not content:
            pending += line_break
            continue
        is_indented = content[0] in " \t"
        if is_folded and not is_first and not is_indented and not was_indented and pending[0][0] == "\n":
            pending = pending[1:] or [(" ", pending[0][1])]
        placed += pending
        placed += [(char, line_start + indent + i) for i, char in enumerate(content)]
        pending = line_break
        was_indented, is_first = is_indented, False
    if "+" in header:
        placed += pending
    elif "-" not in header and not is_first:
        placed += pending[:1]
    return placed, placed[-1][1] + 1 if placed else start


def _lines(text: str, start: int, end: int) -> list[tuple[int, int, int]]:
    """Start, end and start of the next line of each line between *start* and *end*."""
    lines = []
    for found in _BREAK.finditer(text, start, end):
        lines.append((start, found.start(), found.end()))
        start = found.end()
    return [*lines, (start, end, end)]


def _indent(value: str, text: str, lines: list[tuple[int, int, int]]) -> int:
    """Columns before the content of a block scalar: what the first written line has more than that of *value*."""
    written = next((line for start, end, _ in lines if (line := text[start:end]).strip(" ")), None)
    if written is None:
        return max((end - start for start, end, _ in lines), default=0)
    decoded = next((line for line in value.split("\n") if line.strip(" ")), "")
    return _leading_spaces(written) - _leading_spaces(decoded)


def _leading_spaces(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
