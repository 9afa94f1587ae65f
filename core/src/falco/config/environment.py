"""Environment variables in configuration files.

``${NAME}`` becomes the variable's value ("" when it is not set), and what it becomes is looked at again, so that
values may name further variables. ``$${NAME}`` is the literal text ``${NAME}``. A ``$`` in front of anything
else ends the search, as it does upstream: the rest of that scalar stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from falco.config.places import PlacedError, place
from falco.documents.nodes import MappingNode, Node, ScalarNode, ScalarStyle, SequenceNode

MAX_REPLACEMENTS: Final = 1_000
"""Replacements in one scalar: a variable that names itself would never end."""
MAX_CHARACTERS: Final = 1_000_000
"""Characters that one scalar may grow to."""


class Verbatim(Mapping[str, str]):
    """Variables that stand for themselves, for who is shown a configuration: values may be secrets."""

    def __getitem__(self, name: str) -> str:
        return f"$${{{name}}}"

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def expand(node: Node, env: Mapping[str, str]) -> Node:
    """*node* with the variables of all scalar values replaced; keys and nulls stay.

    The reader limits the depth of documents, so recursion is bounded.

    Raises:
        PlacedError: Replacing does not end.
    """
    match node:
        case ScalarNode():
            return node if node.is_null or "$" not in node.text else _expand(node, env)
        case SequenceNode():
            return replace(node, items=tuple(expand(item, env) for item in node.items))
        case MappingNode():
            return replace(node, pairs=tuple((key, expand(value, env)) for key, value in node.pairs))


def _expand(node: ScalarNode, env: Mapping[str, str]) -> ScalarNode:
    text = node.text
    start = text.find("$")
    replacements = 0
    names: dict[str, None] = {}
    while start >= 0:
        end = text.find("}", start)
        if text.startswith("${", start) and end >= 0:
            name = text[start + 2 : end]
            text = text[:start] + env.get(name, "") + text[end + 1 :]
            names[name] = None
            replacements += 1
            if replacements > MAX_REPLACEMENTS or len(text) > MAX_CHARACTERS:
                message = f"the environment variable '{name}' names itself without end"
                raise PlacedError(node.span, f"{place(node.span)}: {message}")
        elif text.startswith("$${", start) and end >= 0:
            text = text[:start] + text[start + 1 :]
            start += 1
        else:
            break
        start = text.find("$", start)
    expanded = replace(node, text=text, origin=_origin(names, env))
    # an empty text, not nothing, as upstream: a key without a value has its default without a word
    return replace(expanded, style=ScalarStyle.DOUBLE) if expanded.is_null else expanded


def _origin(names: Iterable[str], env: Mapping[str, str]) -> str:
    """The variables *names* for a sentence."""
    told = [name if name in env else f"{name}, which is not set" for name in names]
    return f"environment variable{'s' if len(told) > 1 else ''} {', '.join(told)}" if told else ""
