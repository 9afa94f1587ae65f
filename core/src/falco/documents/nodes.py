"""Nodes of a YAML document: what was written, and where.

Scalars stay text; whoever knows the key decides what the text means (``yes``, ``010`` and ``1.0`` are
strings here).  Built by ``documents.reader``; read by ``rules`` and ``config``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file: *line* and *column* count from 0 in characters, *index* from the file's start."""

    line: int
    column: int
    index: int


@dataclass(frozen=True, slots=True)
class Span:
    """Characters ``start`` up to but excluding ``end`` of the file called *file* (the name as given)."""

    file: str
    start: Mark
    end: Mark


class ScalarStyle(Enum):
    """How a scalar is written."""

    PLAIN = ""
    SINGLE = "'"
    DOUBLE = '"'
    LITERAL = "|"
    FOLDED = ">"


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A scalar; ``text`` is its decoded value. ``is_null``: plain ``~``, ``null`` in three cases, or nothing."""

    text: str
    style: ScalarStyle
    span: Span = field(compare=False)
    origin: str = field(default="", compare=False)
    """What its text was made of, where that is not in the file: ``environment variable PORT``."""

    @property
    def is_null(self) -> bool:
        """Whether the scalar stands for no value."""
        return self.style is ScalarStyle.PLAIN and self.text in {"", "~", "null", "Null", "NULL"}


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A sequence, in order."""

    items: tuple[Node, ...]
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class MappingNode:
    """A mapping: pairs in order, repeated keys kept; ``get`` answers with the first."""

    pairs: tuple[tuple[Node, Node], ...]
    span: Span = field(compare=False)

    def get(self, key: str) -> Node | None:
        """Value of the first pair whose key is the scalar *key*; None if there is none."""
        for k, value in self.pairs:
            if isinstance(k, ScalarNode) and k.text == key:
                return value
        return None


Node: TypeAlias = ScalarNode | SequenceNode | MappingNode


def plain(node: Node) -> Any:
    """*node* as Python has it: scalars as text or None; of repeated keys the first, keys that are no scalars left out.

    The reader limits the depth of documents, so recursion is bounded.
    """
    match node:
        case ScalarNode():
            return None if node.is_null else node.text
        case SequenceNode():
            return [plain(item) for item in node.items]
        case MappingNode():
            named = {key.text: value for key, value in reversed(node.pairs) if isinstance(key, ScalarNode)}
            return {name: plain(named[name]) for name in reversed(named)}


def is_null(node: Node) -> bool:
    """Whether *node* is nothing: a document between two ``---``, a key without a value."""
    return isinstance(node, ScalarNode) and node.is_null
