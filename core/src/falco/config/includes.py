"""``config_files``: the key of the main file that names the files merged into it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from falco.config.places import PlacedError, Problem, place, quoted, short
from falco.documents.nodes import MappingNode, Node, ScalarNode, SequenceNode, Span

INCLUDES: Final = "config_files"
"""The key of the main file that names further files; ``-o`` may set it too."""
_ENTRY_KEYS: Final = ("path", "strategy")


class Strategy(Enum):
    """What an included file does to keys that are set already."""

    APPEND = "append"
    """Sequences are joined, everything else is replaced."""
    OVERRIDE = "override"
    ADD_ONLY = "add-only"


@dataclass(frozen=True, slots=True)
class Include:
    """An entry of ``config_files``."""

    name: str
    strategy: Strategy
    span: Span

    def files(self, cwd: Path) -> list[Path]:
        """The file, or the regular files directly in the directory, sorted; [] when it does not exist.

        Raises:
            PlacedError: It cannot be looked at.
        """
        path = cwd / self.name
        try:
            if path.is_dir():
                return sorted(entry for entry in path.iterdir() if entry.is_file())
            return [path] if path.exists() else []
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "a NUL character cannot stand in a name"
            raise PlacedError(
                self.span, f"{place(self.span)}: {INCLUDES}: cannot read '{short(self.name)}': {why}"
            ) from None


def listed(root: MappingNode, problems: list[Problem]) -> Iterator[Include]:
    """What the key ``config_files`` lists."""
    node = root.get(INCLUDES)
    items: tuple[Node, ...] = ()
    match node:
        case SequenceNode():
            items = node.items
        case ScalarNode() if not node.is_null:
            items = (node,)
        case _:
            pass  # whoever reads the key says what is wrong with it
    for number, item in enumerate(items):
        if (include := _include(item, f"{INCLUDES}[{number}]", problems)) is not None:
            yield include


def _include(item: Node, path: str, problems: list[Problem]) -> Include | None:
    """The entry *item*; None when it names nothing."""
    name, strategy = item, Strategy.APPEND
    if isinstance(item, MappingNode):
        found = item.get("path")
        if found is None:
            raise PlacedError(item.span, f"{place(item.span)}: {path}: an entry of '{INCLUDES}' needs the key 'path'")
        path, name, strategy = f"{path}.path", found, _strategy(item, path, problems)
        problems += _unknown_keys(item, path.removesuffix(".path"))
    if not isinstance(name, ScalarNode):
        or_mapping = " or a mapping with its path" if name is item else ""
        kind = "a list" if isinstance(name, SequenceNode) else "a mapping"
        raise PlacedError(
            name.span, f"{place(name.span)}: {path}: expected the name of a file{or_mapping}, found {kind}"
        )
    if name.is_null or not name.text:
        what = quoted(name) if name.origin else "nothing"
        problems.append(Problem(name.span, f"{path}: expected the name of a file, found {what}; nothing is read"))
        return None
    return Include(name.text, strategy, name.span)


def _unknown_keys(item: MappingNode, path: str) -> Iterator[Problem]:
    for key, _ in item.pairs:
        if not (isinstance(key, ScalarNode) and key.text in _ENTRY_KEYS):
            name = key.text if isinstance(key, ScalarNode) else "?"
            yield Problem(key.span, f"unknown key '{path}.{short(name)}' is ignored; known: {', '.join(_ENTRY_KEYS)}")


def _strategy(item: MappingNode, path: str, problems: list[Problem]) -> Strategy:
    node = item.get("strategy")
    if node is None:
        return Strategy.APPEND
    if isinstance(node, ScalarNode) and node.text in {strategy.value for strategy in Strategy}:
        return Strategy(node.text)
    known = ", ".join(strategy.value for strategy in Strategy)
    found = f"unknown strategy {quoted(node)}" if isinstance(node, ScalarNode) else "this is no strategy"
    problems.append(Problem(node.span, f"{path}.strategy: {found}, expected one of {known}; 'append' is used"))
    return Strategy.APPEND
