"""From nodes to the structs that the program works with, guided by their types.

A section of falco.yaml is a ``msgspec.Struct``; its fields say types, defaults, bounds and, through ``Meta``, their
meaning.  Two ways of reading:

* *lenient*, for the keys of falco.yaml, as recorded upstream: a value of the wrong type is passed over with a
  ``Problem`` and the default counts; a scalar where a mapping belongs is an error.  Inside of lists everything is
  strict, because an entry cannot be replaced by a default.
* *strict*, for the ``init_config`` of plugins: every wrong value is an error that names key and place.

Structs may check themselves in ``__post_init__``; the ``ValueError`` they raise becomes the error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final, TypeVar

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
    type_info,
)

from falco.config.merge import Problem
from falco.config.paths import place
from falco.documents.nodes import MappingNode, Node, ScalarNode, ScalarStyle, SequenceNode
from falco.errors import ConfigError

S = TypeVar("S", bound=msgspec.Struct)

_FEW: Final = 12
"""Keys that are all listed where none is like the unknown one."""
_TRUE: Final = {"true", "yes", "on", "y"}
_FALSE: Final = {"false", "no", "off", "n"}
_INTEGER: Final = re.compile(r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]{1,16})|(?P<decimal>[0-9]{1,20}))")
_NUMBER: Final = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Choice:
    """A key with a closed set of values; goes into ``Meta(extra=choice(…))``.

    ``parse`` returns None for an unknown text; ``message`` is Falco's sentence, with ``{text}`` for that text and
    ``{file}`` for the main configuration file; ``names`` are the values as they are written.
    """

    parse: Callable[[str], Any]
    message: str
    names: tuple[str, ...]

    @property
    def expected(self) -> str:
        """The values, for a sentence."""
        return f"one of {', '.join(self.names)}"


@dataclass(slots=True)
class Converter:
    """Turns nodes into values of a type."""

    file: str = ""
    """The main configuration file, for errors."""
    is_strict: bool = False
    problems: list[Problem] = field(default_factory=list)
    """What was passed over."""

    def struct(self, node: Node | None, cls: type[S], path: str = "") -> S:
        """*node* as a *cls*; None (the key is absent) and null give its defaults.

        Raises:
            ConfigError: A scalar where a mapping belongs, a value that the struct refuses, or, strictly, any
                value of the wrong type and any missing key.
        """
        info = type_info(cls)
        if not isinstance(info, StructType):
            raise TypeError(f"{cls} is no struct")
        value: S = self._struct(node, info, path)
        return value

    def _struct(self, node: Node | None, info: StructType, path: str) -> Any:
        mapping: MappingNode | None = None
        match node:
            case MappingNode():
                mapping = node
            case ScalarNode() if not node.is_null:
                name = _join(path, next(iter(info.fields)).encode_name) if info.fields else path
                message = f"expected a mapping of keys, found the text '{node.text}'"
                raise ConfigError(f'Config error at key "{name}": {place(node.span)}: {message}')
            case SequenceNode():
                self._refuse(node, path, "a mapping of keys")
            case _:
                pass
        if mapping is not None:
            self.check_keys(mapping, [row.encode_name for row in info.fields], path)
        values = {}
        for row in info.fields:
            value = self._row(mapping, row, path)
            if value is not NODEFAULT:
                values[row.name] = value
        missing = [row.encode_name for row in info.fields if row.required and row.name not in values]
        if missing:
            where = f"{place(mapping.span)}: " if mapping is not None else ""
            raise ConfigError(f"{where}{path or 'configuration'}: the key '{missing[0]}' is missing")
        try:
            return info.cls(**values)
        except ValueError as error:
            raise self._invalid(str(error), mapping, path) from None

    def _invalid(self, sentence: str, mapping: MappingNode | None, path: str) -> ConfigError:
        if self.is_strict:
            where = f"{place(mapping.span)}: " if mapping is not None else ""
            return ConfigError(f"{where}{path}: {sentence}")
        return ConfigError(f"Error reading config file ({self.file}): {sentence}")

    def _row(self, mapping: MappingNode | None, row: Field, path: str) -> Any:
        """The value of one key; NODEFAULT to leave the struct's default."""
        node = None if mapping is None else mapping.get(row.encode_name)
        name = _join(path, row.encode_name)
        info = row.type.type if isinstance(row.type, Metadata) and isinstance(row.type.type, StructType) else row.type
        if isinstance(info, StructType):
            return self._struct(node, info, name)
        if node is None or (_is_null(node) and not _takes_null(info)):
            return NODEFAULT
        try:
            return self.value(node, info, name)
        except _WrongTypeError as error:
            self._refuse(error.node, error.path, error.expected)
            return NODEFAULT

    def value(self, node: Node, info: Type, path: str) -> Any:
        """*node* as a value of the type *info*; raises ``_WrongTypeError`` when it is none."""
        match info:
            case Metadata():
                return self._with_metadata(node, info, path)
            case StructType():
                with self.strictly():
                    return self._struct(node, info, path)
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
                sentence = choice.message.format(text=text, file=self.file)
                raise ConfigError(f"{sentence} ({place(node.span)}: {path}: expected {choice.expected})")
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
                    raise ConfigError(f"{place(key.span)}: {path}: a key must be a text")
                values.setdefault(key.text, self._entry(value, info.value_type, _join(path, key.text)))
        return values

    def _entry(self, node: Node, info: Type, path: str) -> Any:
        """An item of a list or a mapping; there is no default to fall back on."""
        if isinstance(info, StrType) and isinstance(node, ScalarNode):
            return "null" if node.is_null else node.text
        try:
            return self.value(node, info, path)
        except _WrongTypeError as error:
            raise _fatal(error.node, error.path, error.expected) from None

    def _union(self, node: Node, info: UnionType, path: str) -> Any:
        types = info.types
        if _is_null(node) and any(isinstance(one, NoneType) for one in types):
            return None
        expected = []
        for one in types:
            if isinstance(one, NoneType) or (isinstance(one, StructType) and not isinstance(node, MappingNode)):
                continue
            try:
                return self.value(node, one, path)
            except _WrongTypeError as error:
                expected.append(error.expected)
        raise _WrongTypeError(node, path, " or ".join(dict.fromkeys(expected)) or "a mapping of keys")

    def _scalar(self, node: Node, info: Type, path: str) -> Any:
        expected = _expected(info)
        if not isinstance(node, ScalarNode) or node.is_null:
            raise _WrongTypeError(node, path, expected)
        is_quoted = node.style is not ScalarStyle.PLAIN and self.is_strict
        value: Any = None
        match info:
            case StrType():
                value = node.text
            case EnumType():
                value = next((member for member in info.cls if member.value == node.text), None)
            case BoolType() if not is_quoted:
                value = boolean(node.text)
            case IntType() if not is_quoted:
                value = integer(node.text)
                if value is not None and not _is_within(value, info):
                    value = None
            case FloatType() if not is_quoted:
                value = float(node.text) if _NUMBER.fullmatch(node.text) else None
            case _:
                pass
        if value is None:
            raise _WrongTypeError(node, path, expected)
        return value

    @contextmanager
    def strictly(self) -> Iterator[None]:
        """Strict inside of the block."""
        before, self.is_strict = self.is_strict, True
        try:
            yield
        finally:
            self.is_strict = before

    def _refuse(self, node: Node, path: str, expected: str) -> None:
        if self.is_strict:
            raise _fatal(node, path, expected)
        self.problems.append(
            Problem(node.span, f"{path}: expected {expected}, found {_found(node)}; the default is used")
        )

    def check_keys(self, mapping: MappingNode, known: Sequence[str], path: str) -> None:
        """Report the keys of *mapping* that are not among the *known* ones; ``x-…`` is nobody's business."""
        for key, _ in mapping.pairs:
            text = key.text if isinstance(key, ScalarNode) else "?"
            if text not in known and not text.startswith("x-"):
                self.problems.append(Problem(key.span, unknown_key(_join(path, text), known, path)))


class _WrongTypeError(Exception):
    """A value does not have its type; caught by whoever knows whether there is a default."""

    def __init__(self, node: Node, path: str, expected: str) -> None:
        super().__init__(path)
        self.node = node
        self.path = path
        self.expected = expected


def unknown_key(path: str, known: Sequence[str], parent: str = "") -> str:
    """The sentence about an unknown key, with the closest of the *known* ones."""
    name = path.rpartition(".")[2]
    if close := get_close_matches(name, known, n=1):
        hint = f", did you mean '{_join(parent, close[0])}'?"
    else:
        hint = f"; known: {', '.join(known)}" if 0 < len(known) <= _FEW else ""
    return f"unknown key '{path}' is ignored{hint}"


def boolean(text: str) -> bool | None:
    """A truth value as YAML 1.1 spells it, in lower case, upper case or capitalised; None for anything else."""
    if text not in {text.lower(), text.upper(), text.capitalize()}:
        return None
    lower = text.lower()
    return True if lower in _TRUE else False if lower in _FALSE else None


def integer(text: str) -> int | None:
    """A decimal, hexadecimal (``0x1f``) or octal (``010``) number; None for anything else."""
    match = _INTEGER.fullmatch(text)
    if match is None:
        return None
    if match["hex"]:
        value = int(match["hex"], 16)
    elif match["decimal"].startswith("0") and match["decimal"].strip("01234567") == "":
        value = int(match["decimal"], 8)
    elif match["decimal"].startswith("0"):
        return None
    else:
        value = int(match["decimal"])
    return -value if match["sign"] == "-" else value


def _is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.is_null


def _takes_null(info: Type) -> bool:
    """Whether null says something: an empty list, a wrong choice, or whatever a plugin makes of it."""
    if isinstance(info, Metadata):
        return "choice" in (info.extra or {}) or _takes_null(info.type)
    if isinstance(info, UnionType):
        return any(_takes_null(one) for one in info.types)
    return isinstance(info, ListType | VarTupleType | DictType | AnyType)


def _is_within(value: int, info: IntType) -> bool:
    low = info.ge if info.ge is not None else -(2**63)
    high = info.le if info.le is not None else 2**64 - 1
    return low <= value <= high


def _expected(info: Type) -> str:
    match info:
        case BoolType():
            return "true or false"
        case IntType():
            return "a number" + _bounds(info)
        case FloatType():
            return "a number"
        case EnumType():
            return "one of " + ", ".join(str(member.value) for member in info.cls)
        case _:
            return "a text"


def _bounds(info: IntType) -> str:
    if info.ge is not None and info.le is not None:
        return f" from {info.ge} to {info.le}"
    return f" not below {info.ge}" if info.ge is not None else ""


def _found(node: Node) -> str:
    match node:
        case ScalarNode():
            return "nothing" if node.is_null else f"'{node.text}'"
        case SequenceNode():
            return "a list"
        case MappingNode():
            return "a mapping"


def _fatal(node: Node, path: str, expected: str) -> ConfigError:
    return ConfigError(f"{place(node.span)}: {path}: expected {expected}, found {_found(node)}")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def choice(parse: Callable[[str], Any], message: str, names: Iterable[str]) -> dict[str, Any]:
    """``Meta(extra=…)`` of a key with a closed set of values."""
    return {"choice": Choice(parse, message, tuple(names))}
