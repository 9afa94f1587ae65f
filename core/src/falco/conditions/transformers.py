"""Transformers: functions of conditions and outputs, such as ``tolower(proc.name)``."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from falco.conditions import getopt
from falco.conditions.families import BYTES, TEXT
from falco.fields import text as text_of
from falco.fields.model import Field, FieldType, Value

Function: TypeAlias = "Callable[..., Value | None]"
"""Gets the values of the arguments in order, none of them None; returns None where there is no result."""

_BASE64: Final = re.compile("([A-Za-z0-9+/]*)={0,2}")


@dataclass(frozen=True, slots=True)
class Shape:
    """What the type check knows of an argument or a result."""

    type: FieldType
    is_list: bool = False
    field: Field[Any] | None = None
    """The field that the value comes from; None if it comes from literals or from several arguments."""

    @property
    def field_name(self) -> str:
        """The name that Falco's sentences give the value."""
        return "NA" if self.field is None else self.field.name


@dataclass(frozen=True, slots=True)
class Transformer:
    """One transformer, for every use of it.

    ``result(arguments, selector)`` is the type of what it makes of arguments of these types, or raises
    ``ValueError`` with a sentence; *selector* is the text in brackets behind the call, None without. ``bind`` gets
    the same once it is known to suit, and returns the function that runs on each event: it never raises and does not
    change what it gets.
    """

    name: str
    doc: str
    result: Callable[[Sequence[Shape], str | None], Shape]
    bind: Callable[[Sequence[Shape], str | None], Function]


def elementwise(
    name: str,
    doc: str,
    function: Callable[[Any], Value | None],
    types: frozenset[FieldType] = TEXT,
) -> Transformer:
    """A transformer of one argument that keeps its type and takes the elements of a list one by one.

    A list of which one element has no result has none.
    """

    def result(arguments: Sequence[Shape], selector: str | None) -> Shape:
        return _only(name, arguments, selector, types)

    def of_list(values: Sequence[Any]) -> Any:
        results = [function(value) for value in values]
        return None if None in results else results

    def bind(arguments: Sequence[Shape], _selector: str | None) -> Function:
        return of_list if arguments[0].is_list else function

    return Transformer(name, doc, result, bind)


def _only(name: str, arguments: Sequence[Shape], selector: str | None, types: frozenset[FieldType]) -> Shape:
    """The one argument that a transformer takes."""
    if selector is not None:
        raise ValueError(f"filter error: transformer '{name}' does not support field arguments")
    if len(arguments) != 1:
        # Falco ends here: its table of transformers with several arguments does not know this one
        raise ValueError(f"{name}() requires exactly 1 argument")
    only = arguments[0]
    if only.type not in types:
        kind = "list field" if only.is_list else "field"
        raise ValueError(
            f"can't add field transformer: type '{only.type.value}' is not supported by '{name}' transformer"
            f" applied on {kind} '{only.field_name}'"
        )
    return only


def _several(name: str, arguments: Sequence[Shape]) -> None:
    if len(arguments) == 1:
        raise ValueError(f"unknown field transfomer '{name}'")  # so spelt by Falco


def _no_selector(name: str, selector: str | None) -> None:
    if selector is not None:
        raise ValueError(f"filter error: transformer '{name}' does not support field arguments")


def lower(text: str) -> str:
    """*text* with the letters A to Z in lower case, as C does it."""
    return text.lower() if text.isascii() else _from_bytes(text_of.to_bytes(text).lower())


def _upper(text: str) -> str:
    return text.upper() if text.isascii() else _from_bytes(text_of.to_bytes(text).upper())


def _from_bytes(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _whole(text: str) -> str:
    """*text*, with bytes that came to stand side by side and make a character as that character."""
    return text if text.isascii() else _from_bytes(text_of.to_bytes(text))


def _decode_base64(value: str | bytes) -> str | bytes | None:
    encoded = value if isinstance(value, str) else value.decode("latin-1")
    found = _BASE64.fullmatch(encoded)
    if found is None or len(found[1]) % 4 == 1:
        return None
    data = base64.b64decode(found[1] + "=" * (-len(found[1]) % 4))
    if base64.b64encode(data).rstrip(b"=") != found[1].encode():
        return None  # bits of the last character are left over
    return text_of.from_bytes(data) if isinstance(value, str) else data


def _basename(text: str) -> str:
    return text.rpartition("/")[2]


def _len_result(arguments: Sequence[Shape], selector: str | None) -> Shape:
    types = frozenset(FieldType) if len(arguments) == 1 and arguments[0].is_list else TEXT | BYTES
    return Shape(FieldType.UINT64, field=_only("len", arguments, selector, types).field)


def _len_bind(arguments: Sequence[Shape], _selector: str | None) -> Function:
    return text_of.size if not arguments[0].is_list and arguments[0].type in TEXT else len


def _join_result(arguments: Sequence[Shape], selector: str | None) -> Shape:
    _several("join", arguments)
    _no_selector("join", selector)
    if len(arguments) != 2:
        raise ValueError("join() requires exactly 2 arguments: separator and list")
    separator, items = arguments
    if separator.is_list:
        raise ValueError("join() first argument (separator) must be a single value, not a list")
    # Falco asks the field, not what the transformers make of it: join(",", len(LIST)) passes
    if not items.is_list and not (items.field is not None and items.field.is_list):
        raise ValueError("join() second argument must be a list")
    return Shape(FieldType.STRING)


def _join_bind(_arguments: Sequence[Shape], _selector: str | None) -> Function:
    def join(separator: Value, items: Value) -> str:
        texts = items if isinstance(items, list) else [items]
        return _whole(spelled(separator).join(spelled(item) for item in texts))

    return join


def _concat_result(arguments: Sequence[Shape], selector: str | None) -> Shape:
    _several("concat", arguments)
    _no_selector("concat", selector)
    if len(arguments) < 2:
        raise ValueError("concat() requires at least 2 arguments")
    if any(argument.is_list or argument.type is not FieldType.STRING for argument in arguments):
        raise ValueError("concat() arguments must be strings")
    return Shape(FieldType.STRING)


def _concat_bind(_arguments: Sequence[Shape], _selector: str | None) -> Function:
    return lambda *texts: _whole("".join(texts))


def _getopt_result(arguments: Sequence[Shape], selector: str | None) -> Shape:
    _several("getopt", arguments)
    if len(arguments) != 2:
        raise ValueError("getopt() requires exactly 2 arguments: args list and optstring")
    items, specification = arguments
    if not items.is_list:
        raise ValueError("getopt() first argument must be a list")
    if items.type is not FieldType.STRING:
        raise ValueError("getopt() first argument must be a list of strings")
    if specification.is_list or specification.type is not FieldType.STRING:
        raise ValueError("getopt() second argument must be a string")
    if selector is not None and len(selector) != 1:
        raise ValueError("getopt() field argument must be a single option character")
    return Shape(FieldType.STRING, is_list=selector is None)


def _getopt_bind(_arguments: Sequence[Shape], selector: str | None) -> Function:
    def everything(arguments: Sequence[str], specification: str) -> list[str]:
        found = getopt.options(arguments, specification)
        return [text for option in found for text in option if text is not None]

    def one(arguments: Sequence[str], specification: str) -> str | None:
        result = None
        for option, value in getopt.options(arguments, specification):
            if option == selector:
                result = option if value is None else value
        return result

    return everything if selector is None else one


def _list_result(_arguments: Sequence[Shape], _selector: str | None) -> Shape:
    return Shape(FieldType.STRING, is_list=True)


def _list_bind(_arguments: Sequence[Shape], _selector: str | None) -> Function:
    def collect(*values: Value) -> list[str]:
        texts: list[str] = []
        for value in values:
            texts.extend(map(spelled, value) if isinstance(value, list) else (spelled(value),))
        return texts

    return collect


def spelled(value: Value) -> str:
    """A value as an element of a text list."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case bytes():
            return text_of.from_bytes(value)
        case _:
            return str(value)


LIST: Final = Transformer(
    "()", "The values in parentheses, lists among them unpacked, as a list of text.", _list_result, _list_bind
)
"""What ``(a, b)`` among the arguments of a transformer is; nobody can call it by its name."""

BUILT_IN: Final[Mapping[str, Transformer]] = MappingProxyType(
    {
        transformer.name: transformer
        for transformer in (
            elementwise("tolower", "The text with A to Z in lower case.", lower),
            elementwise("toupper", "The text with a to z in upper case.", _upper),
            elementwise("b64", "What base64 stands for; padding is optional.", _decode_base64, TEXT | BYTES),
            elementwise("basename", "The text behind the last slash.", _basename),
            Transformer("len", "How many elements a list has, or bytes a text.", _len_result, _len_bind),
            Transformer("join", "The elements of a list with a separator between them.", _join_result, _join_bind),
            Transformer("concat", "Texts one behind the other.", _concat_result, _concat_bind),
            Transformer(
                "getopt",
                "Short options of a command line and their values; with [c] the value of option c.",
                _getopt_result,
                _getopt_bind,
            ),
        )
    }
)
"""The transformers of the language, by name."""
