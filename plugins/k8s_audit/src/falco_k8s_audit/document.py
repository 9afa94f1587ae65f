"""One audit event as JSON, opened level by level.

A rule reads a handful of values of a document of some kilobytes, so a container is opened only when a pointer leads
through it; its members stay slices of the input. What a value is worth as text is decided here:

* a string: its characters, up to the first NUL;
* a number, ``true``, ``false``, ``null``: as written (``200.0``, ``1e3`` and 10³⁰ keep their spelling);
* a container: its slice of the input without the blanks between tokens; escapes keep their spelling.

msgspec opens what it can. What it refuses but the standard library reads (bytes that are not UTF-8, lone surrogates,
control characters) is cut into slices here, by tokens, and never by recursion.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final, NoReturn, TypeAlias

import msgspec

Slice: TypeAlias = "bytes | msgspec.Raw"
"""A JSON value as it stands in the input."""

REFUSED: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for text that is not JSON, not UTF-8, or nested too deeply."""

_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_string = msgspec.json.Decoder(str).decode
_any = msgspec.json.Decoder(msgspec.Raw).decode

_QUOTE, _BRACE, _BRACKET = b'"{['
BLANKS: Final = b" \t\r\n"
"""White space of JSON; ``bytes.strip`` alone takes more for it."""
_STRING: Final = rb'"(?:[^"\\]++|\\.)*+"'
_PIECE: Final = re.compile(_STRING + rb'|[^" \t\r\n]++', re.DOTALL)
_TOKEN: Final = re.compile(_STRING + rb'|[][{},:]|[^][{},:" \t\r\n]++', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(?:u([dD][89a-fA-F][0-9a-fA-F]{2})(?:\\u([0-9a-fA-F]{4}))?|.)", re.DOTALL)
_CONTROL: Final = re.compile(rb"[\x00-\x1f]")
_INDEX: Final = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)


class Scalar:
    """A number, ``true``, ``false`` or ``null``."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class Object:
    """An object; its members are opened on first use."""

    __slots__ = ("_members", "raw")

    def __init__(self, raw: Slice) -> None:
        self.raw = raw
        self._members: dict[str, Slice | Node] | None = None

    @property
    def members(self) -> dict[str, Slice | Node]:
        """Members in the order of the input; of a repeated key the last value."""
        if self._members is None:
            try:
                self._members = dict(_object(self.raw))
            except REFUSED:
                self._members = {_text(key): value for key, value in _slices(bytes(self.raw))}
        return self._members

    def get(self, key: str) -> Node | None:
        """Value of *key*; None if there is none."""
        members = self.members if self._members is None else self._members
        value = members.get(key)
        if isinstance(value, (msgspec.Raw, bytes)):
            value = members[key] = opened(value)
        return value


class Array:
    """An array; its items are opened on first use."""

    __slots__ = ("_items", "raw")

    def __init__(self, raw: Slice) -> None:
        self.raw = raw
        self._items: list[Slice | Node] | None = None

    @property
    def slices(self) -> list[Slice | Node]:
        """The items, opened or not."""
        if self._items is None:
            self._items = list(elements(self.raw, is_flat=True))
        return self._items

    def __len__(self) -> int:
        return len(self.slices)

    def __iter__(self) -> Iterator[Node]:
        return map(self.item, range(len(self.slices)))

    def item(self, index: int) -> Node:
        """Item *index*, which must be there."""
        items = self.slices
        item = items[index]
        if isinstance(item, (msgspec.Raw, bytes)):
            item = items[index] = opened(item)
        return item

    def get(self, step: str) -> Node | None:
        """Item at the index that *step* spells, as Go's ``Atoi`` reads it (``+0``, ``01``); None if there is none."""
        if _INDEX.fullmatch(step) and 0 <= (index := int(step)) < len(self.slices):
            return self.item(index)
        return None


Node: TypeAlias = str | Scalar | Object | Array
"""An opened value: a string as it is, or one of the classes."""


def check(data: Slice) -> str:
    """Why *data* is not one JSON value; "" if it is.

    The syntax of RFC 8259 and, beyond it, bytes that are not UTF-8, lone surrogates and raw control characters in
    strings, which the API server's callers can cause.
    """
    try:
        _any(data)
    except REFUSED:
        pass
    else:
        return ""
    try:
        # Numbers stay text: they are only checked, and a number of a million digits is a quadratic conversion.
        json.loads(_decoded(bytes(data)), strict=False, parse_int=str, parse_float=str, parse_constant=_no_number)
    except RecursionError:
        return "nested too deeply"
    except ValueError as error:
        return str(error)
    return ""


def opened(raw: Slice) -> Node:
    """The node of *raw*, which is one JSON value and may have blanks around it."""
    first = memoryview(raw)[0]
    if first == _QUOTE:
        return _text(raw)
    if first == _BRACE:
        return Object(raw)
    if first == _BRACKET:
        return Array(raw)
    if first in BLANKS:
        return opened(bytes(raw).strip(BLANKS))
    return Scalar(bytes(raw).decode("ascii"))


def elements(raw: Slice, *, is_flat: bool = False) -> list[Slice]:
    """The items of the array *raw*; unless *is_flat*, those of an array that is an item stand for it, and so on."""
    try:
        items: list[Slice] = list(_array(raw))
    except REFUSED:
        items = [value for _, value in _slices(bytes(raw))]
    if is_flat or all(memoryview(item)[0] != _BRACKET for item in items):
        return items
    return list(_leaves(bytes(raw)))


def walk(node: Node | None, steps: tuple[str, ...]) -> Node | None:
    """What the pointer *steps* leads to from *node*; None if it leads nowhere."""
    for step in steps:
        if not isinstance(node, (Object, Array)):
            return None
        node = node.get(step)
    return node


def text(node: Node) -> str:
    """The text of *node*."""
    if isinstance(node, str):
        return until_nul(node)
    return node.text if isinstance(node, Scalar) else until_nul(_decoded(compact(node.raw)))


def until_nul(value: str) -> str:
    """*value* up to the first NUL: a text value ends there, as a C string does."""
    end = value.find("\0")
    return value if end < 0 else value[:end]


def compact(raw: Slice) -> bytes:
    """*raw* without the blanks between tokens."""
    return b"".join(_PIECE.findall(raw))


def indented(raw: Slice) -> str | None:
    """*raw* on several lines, two blanks a level, as Go's ``json.Indent`` writes it; None if it has raw controls.

    The function behind ``jevt.obj``: Falco gives no value for a document that is not strict JSON.
    """
    parts: list[bytes] = []
    depth, is_empty = 0, False
    for token in _TOKEN.findall(bytes(raw)):
        if token in (b"}", b"]"):
            depth -= 1
            if not is_empty:
                parts.append(b"\n" + b"  " * depth)
            is_empty = False
            parts.append(token)
            continue
        if is_empty:
            parts.append(b"\n" + b"  " * depth)
            is_empty = False
        if token in (b"{", b"["):
            depth, is_empty = depth + 1, True
            parts.append(token)
        elif token == b",":
            parts.append(b",\n" + b"  " * depth)
        elif token == b":":
            parts.append(b": ")
        elif _CONTROL.search(token):
            return None
        else:
            parts.append(token)
    return _decoded(b"".join(parts))


def _slices(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) of each member of the object *raw*, (b"", value) of each item of the array *raw*."""
    depth, start, key = 0, 0, b""
    for token in _TOKEN.finditer(raw):
        kind = raw[token.start()]
        if kind in b"{[":
            depth += 1
            if depth == 1:
                start = token.end()
            continue
        if kind in b"}]":
            depth -= 1
        ends = depth == 0 or (depth == 1 and kind in b",")
        if ends and (value := raw[start : token.start()].strip(BLANKS)):
            yield key, value
        if ends:
            start = token.end()
        elif depth == 1 and kind in b":":
            key, start = raw[start : token.start()].strip(BLANKS), token.end()


def _leaves(raw: bytes) -> Iterator[bytes]:
    """What is in the array *raw* and in the arrays in it, but no array; in one pass, however deep they are."""
    depth, start = 0, 0
    for token in _TOKEN.finditer(raw):
        kind = raw[token.start()]
        if kind in b"{" or (depth and kind in b"["):
            if not depth:
                start = token.start()
            depth += 1
        elif depth and kind in b"}]":
            depth -= 1
            if not depth:
                yield raw[start : token.end()]
        elif not depth and kind not in b"[],":
            yield token[0]


def _text(raw: Slice) -> str:
    """The characters of the string *raw*."""
    try:
        return _string(raw)
    except REFUSED:
        return str(json.loads(_ESCAPE.sub(_surrogate, _decoded(bytes(raw))), strict=False))


def _surrogate(escape: re.Match[str]) -> str:
    """Another escape for one of a surrogate: Falco's reader keeps a lone one as it is written.

    A surrogate and another escape that do not belong together are one U+FFFD, also as Falco's reader has it.
    """
    first, second = escape.group(1, 2)
    if first is None:
        return escape[0]
    if second is None:
        return rf"\\u{first}"
    is_pair = int(first, 16) < 0xDC00 <= int(second, 16) <= 0xDFFF
    return escape[0] if is_pair else "\ufffd"


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
