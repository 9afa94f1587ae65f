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
from collections.abc import Callable, Iterator
from typing import Any, Final, NoReturn, TypeAlias

import msgspec

Slice: TypeAlias = "bytes | msgspec.Raw"
"""A JSON value as it stands in the input."""

REFUSED: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for text that is not JSON, not UTF-8, or nested too deeply."""

_object: Callable[[Slice], Any] = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_string = msgspec.json.Decoder(str).decode
_any = msgspec.json.Decoder(msgspec.Raw).decode

BLANKS: Final = b" \t\r\n"
"""White space of JSON; ``bytes.strip`` alone takes more for it."""
_STRING: Final = rb'"(?:[^"\\]++|\\.)*+"'
_BETWEEN: Final = re.compile(rb"(" + _STRING + rb")|[ \t\r\n]++", re.DOTALL)
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
        self._members: dict[str, Any] | None = None

    @property
    def members(self) -> dict[str, Any]:
        """Members, each a slice or a node, in the order of the input; of a repeated key the last value."""
        members = self._members
        if members is None:
            try:
                members = _object(self.raw)
            except REFUSED:
                members = {_text(key): value for key, value in _slices(bytes(self.raw))}
            self._members = members
        return members

    def get(self, key: str) -> Node | None:
        """Value of *key*; None if there is none."""
        members = self._members or self.members
        found = members.get(key)
        if found.__class__ in _CLOSED:
            found = members[key] = opened(found)
        node: Node | None = found
        return node


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
        items: list[Any] = self.slices
        found = items[index]
        if found.__class__ in _CLOSED:
            found = items[index] = opened(found)
        node: Node = found
        return node

    def get(self, step: str) -> Node | None:
        """Item at the index that *step* spells, as Go's ``Atoi`` reads it (``+0``, ``01``); None if there is none."""
        if _INDEX.fullmatch(step) and 0 <= (index := int(step)) < len(self.slices):
            return self.item(index)
        return None


Node: TypeAlias = str | Scalar | Object | Array
"""An opened value: a string as it is, or one of the classes."""

_CLOSED: Final = frozenset({bytes, msgspec.Raw})
"""What an opened value is not."""


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
    data = bytes(raw)
    if data[0] in BLANKS:
        data = data.strip(BLANKS)
    match data[0]:
        case 0x22:  # "
            return _text(data)
        case 0x7B:  # {
            return Object(data)
        case 0x5B:  # [
            return Array(data)
        case _:
            return Scalar(data.decode("ascii"))


def elements(raw: Slice, *, is_flat: bool = False) -> list[Slice]:
    """The items of the array *raw*; unless *is_flat*, those of an array that is an item stand for it, and so on."""
    try:
        items: list[Slice] = list(_array(raw))
    except REFUSED:
        items = [value for _, value in _slices(bytes(raw))]
    if is_flat or all(memoryview(item)[0] != ord("[") for item in items):
        return items
    return list(_leaves(bytes(raw)))


def walk(node: Node | None, steps: tuple[str, ...]) -> Node | None:
    """What the pointer *steps* leads to from *node*; None if it leads nowhere."""
    for step in steps:
        if node.__class__ is Object or node.__class__ is Array:
            node = node.get(step)
        else:
            return None
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
    data = bytes(raw)
    if not (b" " in data or b"\n" in data or b"\r" in data or b"\t" in data):  # as a rule: API servers write none
        return data
    try:
        return msgspec.json.format(data, indent=-1)
    except REFUSED:
        return _BETWEEN.sub(rb"\1", data)


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
