"""From nodes to the structs that the program works with, guided by their types.

A section of falco.yaml is a ``msgspec.Struct``; its fields say types, defaults, bounds and, through ``Meta``, their
meaning.  Two ways of reading:

* *lenient*, for the keys of falco.yaml, as recorded upstream: a value of the wrong type is passed over with a
  ``Problem`` and the default counts; a scalar where a mapping belongs is an error.  Inside of lists everything is
  strict, because an entry cannot be replaced by a default.
* *strict*, for the ``init_config`` of plugins: every wrong value is an error that names key and place.

Structs may check themselves in ``__post_init__``; the ``ValueError`` they raise becomes the error, at the place of the
struct, or of one of its keys where it is a ``WrongValueError``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final, NoReturn, TypeVar

import msgspec
from msgspec import NODEFAULT
from msgspec.inspect import (
    AnyType,
    BoolType,
    CustomType,
    DictType,
    EnumType,
    Field,
    FloatType,
    IntType,
    ListType,
    Metadata,
    NoneType,
    StrType,
    StructType,
    Type,
    UnionType,
    VarTupleType,
)

from falco.config.places import PlacedError, Problem, place, quoted, short
from falco.config.rows import Choice, WrongValueError, struct_info
from falco.config.values import boolean, expected, found, integer, is_within, number
from falco.documents.nodes import MappingNode, Node, ScalarNode, ScalarStyle, SequenceNode, Span
from falco.errors import ConfigError

S = TypeVar("S", bound=msgspec.Struct)

_MERGE: Final = "<<"
_FEW: Final = 12
"""Keys that are all listed where none is like the unknown one."""
_NEAR: Final = 100
"""Unknown keys that are compared with the known ones; the further ones of a file full of them are not."""


@dataclass(slots=True)
class Converter:
    """Turns nodes into values of a type."""

    file: str = ""
    """The main configuration file, for errors."""
    is_strict: bool = False
    is_json: bool = False
    """Whether a text must be quoted: 1 is none."""
    problems: list[Problem] = field(default_factory=list)
    """What was passed over."""
    errors: list[PlacedError] = field(default_factory=list)
    """What cannot be passed over, unless that is strict: then the first is raised."""

    def struct(self, node: Node | None, cls: type[S], path: str = "", homes: Mapping[str, str] | None = None) -> S:
        """*node* as a *cls*; None (the key is absent) and null give its defaults.

        Args:
            node: The mapping.
            cls: The struct.
            path: The key of the mapping.
            homes: For keys that stand in another mapping than *path*, its key.

        Raises:
            ConfigError: A scalar where a mapping belongs, a value that the struct refuses, or, strictly, any
                value of the wrong type and any missing key.
        """
        value: S = self._struct(node, struct_info(cls), path, homes or {})
        return value

    def look(self, mapping: MappingNode, cls: type[msgspec.Struct], homes: Mapping[str, str]) -> None:
        """Report what is wrong with the values of a *cls* that nobody needs now: the channel is off.

        Args:
            mapping: The values.
            cls: The struct.
            homes: For each of its keys that is there, the key of the mapping where it stands.
        """
        for row in struct_info(cls).fields:
            if row.encode_name not in homes:
                continue
            try:
                self._row(mapping, row, homes[row.encode_name])
            except PlacedError as error:
                sentence = str(error).removeprefix(f"{place(error.span)}: ")
                self.problems.append(Problem(error.span, f"{sentence}; it is not used while the section is off"))

    def _struct(self, node: Node | None, info: StructType, path: str, homes: Mapping[str, str]) -> Any:
        mapping: MappingNode | None = None
        match node:
            case MappingNode():
                mapping = node
            case ScalarNode() if not node.is_null:
                name = _join(path, next(iter(info.fields)).encode_name) if info.fields else path
                message = f"expected a mapping of keys, found the text {quoted(node)}"
                raise PlacedError(node.span, f'Config error at key "{name}": {place(node.span)}: {message}')
            case SequenceNode():
                self._refuse(_WrongTypeError(node, path, "a mapping of keys"), None)
            case _:
                pass
        if mapping is not None and not homes:  # else whoever put it together has looked
            self.check_keys(mapping, [row.encode_name for row in info.fields], path)
        values = {}
        errors = len(self.errors)
        for row in info.fields:
            try:
                value = self._row(mapping, row, homes.get(row.encode_name, path))
            except PlacedError as error:
                if self.is_strict or row.required:
                    raise
                self.errors.append(error)
                continue
            if value is not NODEFAULT:
                values[row.name] = value
        missing = [row.encode_name for row in info.fields if row.required and row.name not in values]
        if missing:
            sentence = f"{_join(path, missing[0])}: the key '{missing[0]}' is missing"
            at = node if mapping is None else mapping.get(missing[0]) or mapping
            raise ConfigError(sentence) if at is None else _fault(at.span, sentence)
        try:
            return info.cls(**values)
        except ValueError as error:
            if len(self.errors) > errors:
                return NODEFAULT  # one wrong value is the reason of both
            self._invalid(error, node, info, path)

    def _invalid(self, error: ValueError, node: Node | None, info: StructType, path: str) -> NoReturn:
        """Raise what the ``__post_init__`` of a struct, made of *node*, says, with its place."""
        if isinstance(error, WrongValueError) and isinstance(node, MappingNode):
            name = next(row.encode_name for row in info.fields if row.name == error.key)
            path, node = _join(path, name), node.get(name)
            if isinstance(node, SequenceNode) and error.index is not None:
                path, node = f"{path}[{error.index}]", node.items[error.index]
        if self.is_strict and node is not None:
            raise _fault(node.span, f"{path}: {error}") from None
        sentence = f"Error reading config file ({self.file}): {error}"
        if node is None:
            raise ConfigError(sentence) from None
        what = f", found {found(node)}" if isinstance(node, ScalarNode) else ""
        raise PlacedError(node.span, f"{sentence} ({place(node.span)}: {path}{what})") from None

    def _row(self, mapping: MappingNode | None, row: Field, path: str) -> Any:
        """The value of one key; NODEFAULT to leave the struct's default."""
        node = None if mapping is None else mapping.get(row.encode_name)
        name = _join(path, row.encode_name)
        info = row.type.type if isinstance(row.type, Metadata) and isinstance(row.type.type, StructType) else row.type
        if isinstance(info, StructType):
            return self._struct(node, info, name, {})
        if node is None or (_is_null(node) and not self.is_json and not _takes_null(info)):
            return NODEFAULT
        try:
            return self.value(node, info, name)
        except _WrongTypeError as error:
            self._refuse(error, row)
            return NODEFAULT

    def value(self, node: Node, info: Type, path: str) -> Any:
        """*node* as a value of the type *info*; raises ``_WrongTypeError`` when it is none."""
        match info:
            case Metadata():
                return self._with_metadata(node, info, path)
            case StructType():
                with self.strictly():
                    return self._struct(node, info, path, {})
            case ListType() | VarTupleType():
                return self._list(node, info, path)
            case DictType():
                return self._dict(node, info, path)
            case UnionType():
                return self._union(node, info, path)
            case CustomType() | AnyType():
                return node
            case _:
                return self._scalar(node, info, path)

    def _with_metadata(self, node: Node, info: Metadata, path: str) -> Any:
        choice = (info.extra or {}).get("choice")
        if isinstance(choice, Choice):
            if not isinstance(node, ScalarNode):
                raise _WrongTypeError(node, path, choice.expected)
            text = "null" if node.is_null else node.text
            value = choice.parse(text)
            if value is None:
                sentence = choice.message.format(text=short(text), file=self.file)
                said = f"{path}: expected {choice.expected}, found {found(node)}"
                raise PlacedError(node.span, f"{sentence} ({place(node.span)}: {said})")
            return value
        return self.value(node, info.type, path)

    def _list(self, node: Node, info: ListType | VarTupleType, path: str) -> Any:
        match node:
            case SequenceNode():
                items: Sequence[Node] = node.items
            case ScalarNode() if node.is_null:
                items = ()
            case ScalarNode() if not isinstance(info.item_type, UnionType):
                items = (node,)  # upstream takes a lone scalar for a list of one
            case _:
                raise _WrongTypeError(node, path, "a list")
        with self.strictly():
            values = [self._entry(item, info.item_type, f"{path}[{number}]") for number, item in enumerate(items)]
        return tuple(values) if isinstance(info, VarTupleType) else values

    def _dict(self, node: Node, info: DictType, path: str) -> dict[Any, Any]:
        if isinstance(node, ScalarNode) and node.is_null:
            return {}
        if not isinstance(node, MappingNode):
            raise _WrongTypeError(node, path, "a mapping of keys")
        values: dict[Any, Any] = {}
        with self.strictly():
            for key, value in node.pairs:
                if not isinstance(key, ScalarNode):
                    raise _fault(key.span, f"{path}: a key must be a text")
                values.setdefault(key.text, self._entry(value, info.value_type, _join(path, key.text)))
        return values

    def _entry(self, node: Node, info: Type, path: str) -> Any:
        """An item of a list or a mapping; there is no default to fall back on."""
        if isinstance(info, StrType) and _is_null(node) and not self.is_json:
            return "null"
        try:
            return self.value(node, info, path)
        except _WrongTypeError as error:
            raise error.fatal() from None

    def _union(self, node: Node, info: UnionType, path: str) -> Any:
        types = info.types
        if _is_null(node) and any(isinstance(one, NoneType) for one in types):
            return None
        wanted = []
        for one in types:
            if isinstance(one, NoneType) or (isinstance(one, StructType) and not isinstance(node, MappingNode)):
                continue
            try:
                return self.value(node, one, path)
            except _WrongTypeError as error:
                wanted.append(error.expected)
        raise _WrongTypeError(node, path, " or ".join(dict.fromkeys(wanted)) or "a mapping of keys")

    def _scalar(self, node: Node, info: Type, path: str) -> Any:
        if not isinstance(node, ScalarNode) or node.is_null:
            raise _WrongTypeError(node, path, expected(info))
        if "\0" in node.text:
            raise _WrongTypeError(node, path, f"{expected(info)} without NUL characters")
        is_quoted = node.style is not ScalarStyle.PLAIN
        value: Any = None
        match info:
            case StrType() if is_quoted or not self.is_json:
                value = node.text
            case EnumType():
                value = next((member for member in info.cls if member.value == node.text), None)
            case BoolType() if not (is_quoted and self.is_strict):
                value = boolean(node.text)
            case IntType() | FloatType() if not (is_quoted and self.is_strict):
                value = integer(node.text) if isinstance(info, IntType) else number(node.text)
                if value is not None and not is_within(value, info):
                    value = None
            case _:
                pass
        if value is None:
            raise _WrongTypeError(node, path, expected(info))
        return value

    @contextmanager
    def strictly(self) -> Iterator[None]:
        """Strict inside of the block."""
        before, self.is_strict = self.is_strict, True
        try:
            yield
        finally:
            self.is_strict = before

    def _refuse(self, error: _WrongTypeError, row: Field | None) -> None:
        """Pass a value over; what has no default, and everything where that is strict, is refused."""
        if self.is_strict or (row is not None and row.required):
            raise error.fatal()
        self.problems.append(Problem(error.node.span, f"{error}; the default{_default(row)} is used"))

    def check_keys(self, mapping: MappingNode, known: Sequence[str], path: str) -> None:
        """Report the keys of *mapping* that are not among the *known* ones; ``x-…`` is nobody's business."""
        for key, _ in mapping.pairs:
            if isinstance(key, ScalarNode) and key.text not in known and not key.text.startswith("x-"):
                self.unknown(key.span, _join(path, key.text), known)

    def unknown(self, span: Span, path: str, known: Sequence[str]) -> None:
        """Report that the key *path* at *span* is none of the *known* ones."""
        is_near = len(self.problems) < _NEAR
        self.problems.append(Problem(span, unknown_key(path, known if is_near else ())))


class _WrongTypeError(Exception):
    """A value does not have its type; caught by whoever knows whether there is a default."""

    def __init__(self, node: Node, path: str, expected: str) -> None:
        super().__init__(f"{path}: expected {expected}, found {found(node)}")
        self.node = node
        self.expected = expected

    def fatal(self) -> PlacedError:
        """The error where there is no default."""
        return _fault(self.node.span, str(self))


def unknown_key(path: str, known: Sequence[str]) -> str:
    """The sentence about an unknown key, with the closest of the *known* ones."""
    parent, _, name = path.rpartition(".")
    if name == _MERGE:
        hint = ": neither Falco nor this follows merge keys, write the keys out or put them into config_files"
    elif close := get_close_matches(name, known, n=1):
        hint = f", did you mean '{_join(parent, close[0])}'?"
    else:
        hint = f"; known: {', '.join(known)}" if 0 < len(known) <= _FEW else ""
    return f"unknown key '{short(path)}' is ignored{hint}"


def _is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.is_null


def _takes_null(info: Type) -> bool:
    """Whether null says something: an empty list, a wrong choice, or whatever a plugin makes of it."""
    if isinstance(info, Metadata):
        return "choice" in (info.extra or {}) or _takes_null(info.type)
    if isinstance(info, UnionType):
        return any(_takes_null(one) for one in info.types)
    return isinstance(info, ListType | VarTupleType | DictType | AnyType)


def _default(row: Field | None) -> str:
    """What is used in place of a refused value, if that is worth a word."""
    value = None if row is None else row.default
    if isinstance(value, bool):
        return f", {str(value).lower()},"
    return f", {value}," if isinstance(value, int | float | str) and value != "" else ""


def _fault(span: Span, sentence: str) -> PlacedError:
    return PlacedError(span, f"{place(span)}: {sentence}")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
