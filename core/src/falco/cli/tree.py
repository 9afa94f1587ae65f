"""Alerts counted in a tree, such as that of the processes that began them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

OTHERS: Final = "(others)"
_MOST_NODES: Final = 10_000
"""Nodes that are told apart: names come from whoever wrote the events."""


@dataclass(slots=True)
class Node:
    """One name below others.

    Attributes:
        total: Alerts here and below.
        own: Alerts here.
    """

    total: int = 0
    own: int = 0
    below: dict[str, Node] = field(default_factory=dict)

    def ordered(self) -> list[tuple[str, Node]]:
        """What is below, most alerts first; equal ones as they came."""
        return sorted(self.below.items(), key=lambda item: -item[1].total)


class Tree:
    """Counts paths. Its depth is that of the longest path, which those who ask bound."""

    def __init__(self) -> None:
        self._root = Node()
        self._nodes = 0

    def __bool__(self) -> bool:
        return self._root.total > 0

    def count(self, path: Iterable[str]) -> None:
        """Count one alert at the end of *path*, outermost name first."""
        node = self._root
        node.total += 1
        for name in path:
            is_known = name in node.below
            if not is_known and self._nodes >= _MOST_NODES:
                node = node.below.setdefault(OTHERS, Node())
                node.total += 1
                break
            self._nodes += not is_known
            node = node.below.setdefault(name, Node())
            node.total += 1
        node.own += 1

    def rows(self, show: Callable[[str], str]) -> Iterator[tuple[str, int]]:
        """A row a node, indented below its parent; what leads to one node only, and no alert, is on the row of that.

        *show* makes names fit for where they are shown.
        """
        return _rows(self._root, show, "")

    def document(self, show: Callable[[str], str]) -> list[dict[str, Any]]:
        """The same for JSON: name, alerts here and below, and what is below."""
        return _document(self._root, show)


def _rows(node: Node, show: Callable[[str], str], indent: str) -> Iterator[tuple[str, int]]:
    for name, first in node.ordered():
        names, last = [show(name)], first
        while not last.own and len(last.below) == 1:
            ((only, last),) = last.below.items()
            names.append(show(only))
        yield indent + " > ".join(names), last.total
        yield from _rows(last, show, indent + "  ")


def _document(node: Node, show: Callable[[str], str]) -> list[dict[str, Any]]:
    found = []
    for name, child in node.ordered():
        about: dict[str, Any] = {"name": show(name), "alerts": child.total}
        if child.below:
            about["below"] = _document(child, show)
        found.append(about)
    return found


def path_of(values: Sequence[Any]) -> list[str]:
    """The path that *values* tell, innermost first; what is absent at its outer end is not there."""
    names = [_name(value) for value in values]
    while len(names) > 1 and names[-1] is None:
        names.pop()
    return [name or "" for name in reversed(names)]


def _name(value: Any) -> str | None:
    """The text of *value*; of a list, which some fields have one of, that of its first item."""
    first = next(iter(value), None) if isinstance(value, tuple) else value
    return None if first is None else str(first)
