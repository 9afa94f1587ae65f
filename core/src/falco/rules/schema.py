"""The JSON schema of rule files (``--rule-schema``): stricter than the loader, and never fatal.

upstream: the schema has one kind of item with the keys of all kinds, and types are weak: a scalar is text, and
also what its text looks like.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from falco.documents.nodes import MappingNode, Node, ScalarNode, SequenceNode
from falco.rules.model import Priority

_STRING: Final = {"type": "string"}
_BOOLEAN: Final = {"type": "boolean"}
_STRINGS: Final = {"type": "array", "items": _STRING}
_ANY_OF: Final = "anyOf"
_OVERRIDABLE: Final = (
    "append",
    "capture",
    "capture_duration",
    "condition",
    "desc",
    "enabled",
    "exceptions",
    "items",
    "output",
    "priority",
    "skip-if-unknown-filter",
    "tags",
    "warn_evttypes",
)
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_MAX_FAULTS: Final = 100


def _object(properties: dict[str, Any], required: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        **({"required": list(required)} if required else {}),
    }


_PLUGIN: Final = {"name": _STRING, "version": _STRING}
_EXCEPTION: Final = {"name": _STRING, "fields": {}, "comps": {}, "values": {}}
_ITEM: Final = {
    "required_engine_version": _STRING,
    "required_plugin_versions": {
        "type": "array",
        "items": _object(
            _PLUGIN | {"alternatives": {"type": "array", "items": _object(_PLUGIN, ("name", "version"))}},
            ("name", "version"),
        ),
    },
    "list": _STRING,
    "items": {"type": "array", "items": {_ANY_OF: [{"type": "integer"}, _STRING]}},
    "macro": _STRING,
    "condition": _STRING,
    "rule": _STRING,
    "desc": _STRING,
    "output": _STRING,
    "priority": {**_STRING, "enum": sorted({*(priority.name for priority in Priority), "INFO"})},
    "source": _STRING,
    "enabled": _BOOLEAN,
    "tags": _STRINGS,
    "exceptions": {"type": "array", "items": _object(_EXCEPTION, ("name",))},
    "warn_evttypes": _BOOLEAN,
    "skip-if-unknown-filter": _BOOLEAN,
    "capture": _BOOLEAN,
    "capture_duration": {"type": "integer"},
    "append": _BOOLEAN,
    "override": _object({key: {**_STRING, "enum": ["append", "replace"]} for key in _OVERRIDABLE})
    | {"minProperties": 1},
    "x-falco-py": {"type": "object"},
}


def rule_schema() -> dict[str, Any]:
    """The schema, draft 6."""
    return {
        "$schema": "http://json-schema.org/draft-06/schema#",
        "title": "Falco rules",
        "type": "array",
        "items": _object(_ITEM),
    }


@dataclass(frozen=True, slots=True)
class Status:
    """Whether documents follow the schema, and where they do not: ``<root>[0][items]: ...``."""

    faults: tuple[str, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Whether there is no fault."""
        return not self.faults


def check(documents: Sequence[Node]) -> Status:
    """Compare *documents* with the schema; of very many faults only the first are told."""
    faults = [fault for document in documents for fault in _faults(document)]
    if len(faults) > _MAX_FAULTS:
        faults[_MAX_FAULTS:] = [f"<root>: and {len(faults) - _MAX_FAULTS} more"]
    return Status(tuple(faults))


def _faults(document: Node) -> Iterator[str]:
    for error in _validator().iter_errors(_plain(document)):
        place = "<root>" + "".join(f"[{step}]" for step in error.absolute_path)
        yield f"{place}: {error.message}"
    yield from _repeated(document)


@cache
def _validator() -> Any:
    import jsonschema  # it takes longer to import than most rule files to load

    base = jsonschema.Draft6Validator
    types = base.TYPE_CHECKER.redefine_many({"integer": _is_integer, "boolean": _is_boolean})
    return jsonschema.validators.extend(base, type_checker=types)(rule_schema())  # type: ignore[no-untyped-call]


def _is_integer(_checker: object, instance: object) -> bool:
    return isinstance(instance, str) and _INTEGER.fullmatch(instance) is not None


def _is_boolean(_checker: object, instance: object) -> bool:
    return instance in {"true", "false"} if isinstance(instance, str) else False


def _plain(node: Node) -> Any:
    """The node as JSON data: scalars are text or None (depth: limited by the reader)."""
    match node:
        case ScalarNode():
            return None if node.is_null else node.text
        case SequenceNode():
            return [_plain(item) for item in node.items]
        case MappingNode():
            return {_name(key): _plain(value) for key, value in reversed(node.pairs)}  # the first of a name stays


def _name(key: Node) -> str:
    return key.text if isinstance(key, ScalarNode) else "?"


def _repeated(node: Node, place: str = "<root>") -> Iterator[str]:
    """The keys that a mapping has more than once."""
    if isinstance(node, SequenceNode):
        for number, item in enumerate(node.items):
            yield from _repeated(item, f"{place}[{number}]")
    elif isinstance(node, MappingNode):
        names = [_name(key) for key, _ in node.pairs]
        yield from (f"{place}: the key '{name}' stands here more than once" for name in _more_than_once(names))
        for key, value in node.pairs:
            yield from _repeated(value, f"{place}[{_name(key)}]")


def _more_than_once(names: list[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
