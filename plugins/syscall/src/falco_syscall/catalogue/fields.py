"""The definitions of the fields, read from ``fields.txt``: the one place where a name has its meaning.

How the values are computed is attached by name: ``fields(binders)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any, Final, TypeAlias

from falco import Argument, Field, FieldClass, FieldFlag, FieldFormat, FieldType, Getter, Quantifier
from falco_syscall.catalogue.arguments import SPELLINGS, rawarg_refusal, rawarg_type

Binder: TypeAlias = "Callable[[str | None], Getter[Any]]"
"""Makes the getter of one field from its argument, see ``Field.bind``."""

_ARGUMENTS: Final = {
    "-": Argument.NONE,
    "text": Argument.TEXT,
    "text?": Argument.OPTIONAL_TEXT,
    "key": Argument.KEY,
    "index or key": Argument.INDEX_OR_KEY,
}
_FORMATS: Final = {"decimal": FieldFormat.DECIMAL, "hex": FieldFormat.HEX, "padded": FieldFormat.PADDED_9}
_QUANTIFIERS: Final = {"any": Quantifier.ANY, "either": Quantifier.EITHER}
_FLAGS: Final = {flag.name.lower(): flag for flag in FieldFlag}
_LIST: Final = "LIST("
_OF_PLUGIN: Final = " (plugin)"
"""Ends the name of a class that a plugin of Falco has; the others are its own."""


def fields(binders: Mapping[str, Binder], shown: Mapping[str, Binder]) -> tuple[Field[Any], ...]:
    """All fields in the order of the list, each with its binder.

    Args:
        binders: By name of the field.
        shown: Of the fields that outputs show differently, see ``Field.shown``.

    Raises:
        ValueError: A binder is for a field that does not exist, or a field has none.
    """
    names = {definition.name for definition in definitions()}
    if names != binders.keys():
        missing, unknown = sorted(names - binders.keys()), sorted(binders.keys() - names)
        raise ValueError(f"fields without a binder: {missing}; binders without a field: {unknown}")
    return tuple(
        replace(definition, bind=binders[definition.name], shown=shown.get(definition.name))
        for definition in definitions()
    )


@cache
def definitions() -> tuple[Field[Any], ...]:
    """All fields in the order of the list; none of them can be bound."""
    text = files(__package__).joinpath("fields.txt").read_text(encoding="utf-8")
    return tuple(_definitions(text))


def _definitions(text: str) -> Iterator[Field[Any]]:
    group = None
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            name, title, doc = (part.strip() for part in line[1:-1].split("|", 2))
            group = FieldClass(name, title, doc, is_native=not name.endswith(_OF_PLUGIN))
        else:
            name, type_name, argument, properties, doc = (part.strip() for part in line.split(" | ", 4))
            words = [] if properties == "-" else properties.split()
            is_list = type_name.startswith(_LIST)
            yield Field(
                name,
                _unbound,
                type=FieldType(type_name[len(_LIST) : -1] if is_list else type_name),
                is_list=is_list,
                argument=_ARGUMENTS[argument],
                flags=frozenset(_FLAGS[word] for word in words if word in _FLAGS),
                doc=doc,
                group=group,
                format=next((_FORMATS[word] for word in words if word in _FORMATS), FieldFormat.NATURAL),
                quantifier=next((_QUANTIFIERS[word] for word in words if word in _QUANTIFIERS), Quantifier.ONE),
                spelling=SPELLINGS.get(name),
                type_of=rawarg_type if name == "evt.rawarg" else None,
                refusal_of=rawarg_refusal if name == "evt.rawarg" else None,
            )


def _unbound(_argument: str | None) -> Getter[Any]:
    raise ValueError("the field has only a definition")
