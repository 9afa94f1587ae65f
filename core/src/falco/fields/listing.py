"""Lists of fields: ``--list``.

The layout is Falco's; scripts read it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from falco.errors import ConfigError
from falco.fields.model import Argument, Field, FieldClass, FieldFlag

_UNLISTED: Final = frozenset({FieldFlag.TABLE_ONLY, FieldFlag.HIDDEN, FieldFlag.PRINT_ONLY, FieldFlag.DEPRECATED})
_SILENT: Final = _UNLISTED | {FieldFlag.SUGGESTED}
_LEFT: Final = 30
_WIDTH: Final = 120
_RULER: Final = "-" * 31


class _Section(NamedTuple):
    """The listed fields of one class, of all event sources that have it."""

    group: FieldClass
    sources: tuple[str, ...]
    fields: tuple[Field[Any], ...]


def of_source(fields: Mapping[str, Iterable[Field[Any]]], source: str) -> dict[str, Iterable[Field[Any]]]:
    """The fields of one event source, or of all for "".

    Raises:
        ConfigError: There is no such event source.
    """
    if not source:
        return dict(fields)
    if source not in fields:
        raise ConfigError(f"Value for --list must be a valid source type: {', '.join(fields)}")
    return {source: fields[source]}


def fields_text(fields: Mapping[str, Iterable[Field[Any]]], *, verbose: bool = False) -> str:
    """``--list``: classes, and a paragraph a field; *verbose* (``-v``) adds the types.

    Args:
        fields: By event source.
        verbose: Whether to print types.
    """
    lines: list[str] = []
    for section in _sections(fields):
        group = section.group
        lines += [
            _RULER,
            "Field Class:".ljust(_LEFT) + (f"{group.name} ({group.title})" if group.title else group.name),
        ]
        if group.doc:
            lines += _paragraph("Description:", group.doc)
        lines += [*_paragraph("Event Sources:", " ".join(section.sources)), ""]
        for field in section.fields:
            tags = _tags(field)
            words = [f"(Type: {field.type.value})"] if verbose else []
            words += [f"({','.join(tags)})"] if tags else []
            lines += _paragraph(field.name, " ".join([*words, field.doc]))
        lines.append("")
    return "".join(f"{line}\n" for line in lines)


def fields_markdown(fields: Mapping[str, Iterable[Field[Any]]]) -> str:
    """``--list --format markdown``: a table a class."""
    lines: list[str] = []
    for section in _sections(fields):
        lines += [f"## Field Class: {section.group.name}", ""]
        if section.group.doc:
            lines += [section.group.doc, ""]
        lines += [f"Event Sources: {' '.join(section.sources)} ", ""]
        lines += ["Name | Type | Description", ":----|:-----|:-----------"]
        lines += [f"`{field.name}` | {_type(field)} | {field.doc}" for field in section.fields]
        lines.append("")
    return "".join(f"{line}\n" for line in lines)


def fields_json(fields: Mapping[str, Iterable[Field[Any]]]) -> str:
    """``--list --format json``."""
    return _json({"fieldclasses": [_class_object(section) for section in _sections(fields)]})


def names_text(fields: Mapping[str, Iterable[Field[Any]]]) -> str:
    """``--list -N``: a name a line."""
    return "".join(f"{name}\n" for name in _names(fields))


def names_json(fields: Mapping[str, Iterable[Field[Any]]]) -> str:
    """``--list -N --format json``."""
    return _json({"fieldnames": list(_names(fields))})


def _sections(fields: Mapping[str, Iterable[Field[Any]]]) -> Iterator[_Section]:
    """Classes in the order in which they are met, over the event sources in alphabetical order."""
    sources: dict[FieldClass, list[str]] = {}
    members: dict[FieldClass, dict[str, Field[Any]]] = {}
    for source in sorted(fields):
        for field in fields[source]:
            if field.flags & _UNLISTED:
                continue
            group = field.group or FieldClass(field.name.partition(".")[0])
            members.setdefault(group, {}).setdefault(field.name, field)
            having = sources.setdefault(group, [])
            if source not in having:
                having.append(source)
    for group, listed in members.items():
        yield _Section(group, tuple(sources[group]), tuple(listed.values()))


def _names(fields: Mapping[str, Iterable[Field[Any]]]) -> Iterator[str]:
    return (field.name for section in _sections(fields) for field in section.fields)


def _paragraph(left: str, text: str) -> Iterator[str]:
    """*text* to the right of *left*, broken between words. A blank follows each word, also the last of a line."""
    line = left.ljust(_LEFT)
    if len(left) >= _LEFT:
        yield left
        line = " " * _LEFT
    is_empty = True
    for word in text.split():
        if not is_empty and len(line) + len(word) >= _WIDTH:
            yield line
            line = " " * _LEFT
        line += word + " "
        is_empty = False
    yield line


def _tags(field: Field[Any]) -> list[str]:
    tags = {flag.value for flag in field.flags - _SILENT}
    argument = field.argument
    if argument is not Argument.NONE:
        tags.add("ARG_REQUIRED" if argument.is_required else "ARG_ALLOWED")
        tags |= {f"ARG_{kind}" for kind in _kinds(argument)}
    if field.is_list:
        tags.add("EPF_IS_LIST")
    return sorted(tags)


def _kinds(argument: Argument) -> list[str]:
    """What is said about arguments: nothing where the field itself decides what it takes."""
    return [kind for kind in ("INDEX", "KEY") if kind.lower() in argument.value]


def _type(field: Field[Any]) -> str:
    return f"LIST({field.type.value})" if field.is_list else field.type.value


def _class_object(section: _Section) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": section.group.name,
        "event_sources": list(section.sources),
        "fields": [_field_object(field) for field in section.fields],
    }
    if section.group.doc:
        described["desc"] = section.group.doc
    return described


def _field_object(field: Field[Any]) -> dict[str, Any]:
    argument = field.argument
    return {
        "name": field.name,
        "type": field.type.value,
        "desc": field.doc,
        "is_list": field.is_list,
        "argument": None if argument is Argument.NONE else {"required": argument.is_required, "type": _kinds(argument)},
    }


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
