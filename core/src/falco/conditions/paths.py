"""``pmatch``: whether a path lies in one of many directories, in one walk over its components."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from falco.conditions import patterns


@dataclass(slots=True)
class _Node:
    """A directory of the search: what is below it, and whether it is one of those searched for."""

    is_target: bool = False
    literal: dict[str, _Node] = field(default_factory=dict)
    wildcard: dict[str, tuple[patterns.Predicate, _Node]] = field(default_factory=dict)


class Paths:
    """A set of paths whose components may be wildcard patterns.

    A path belongs to it if its first components are those of one of the set. Empty components do not count, so
    ``/a``, ``a`` and ``//a/`` are the same, and ``/`` is the beginning of every path.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._root = _Node()
        for path in paths:
            node = self._root
            for component in filter(None, path.split("/")):
                node = _child(node, component)
            node.is_target = True

    def __contains__(self, path: str) -> bool:
        nodes = [self._root]
        if self._root.is_target:
            return True
        for component in filter(None, path.split("/")):
            below: list[_Node] = []
            for node in nodes:
                if (child := node.literal.get(component)) is not None:
                    below.append(child)
                below += [child for matches, child in node.wildcard.values() if matches(component)]
            if any(node.is_target for node in below):
                return True
            if not below:
                return False
            nodes = below
        return False


def matcher(paths: Iterable[str]) -> Callable[[str], bool]:
    """Whether a path belongs to *paths*."""
    return Paths(paths).__contains__


def _child(node: _Node, component: str) -> _Node:
    if not any(character in component for character in "?*["):
        return node.literal.setdefault(component, _Node())
    if component not in node.wildcard:
        node.wildcard[component] = patterns.glob(component), _Node()
    return node.wildcard[component][1]
