"""Loading configuration and rules anew, beside a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from falco.cli.rulebook import Rulebook
from falco.cli.session import Session
from falco.config.includes import INCLUDES
from falco.documents.nodes import MappingNode, Node, ScalarNode, SequenceNode
from falco.plugins.rulefiles import PACKAGED

_OF_RULES: Final = frozenset({"rules_files", "rules_file", "rules", "append_output", "priority", "rule_matching"})
"""Keys that change rules and nothing else: no event source, no channel has to be opened anew for them."""


@dataclass(frozen=True, slots=True)
class Reload:
    """What was loaded. Nothing is open yet."""

    session: Session
    rulebook: Rulebook
    has_same_surroundings: bool
    """Whether the configuration differs in rules at most, so that they can be swapped between two batches."""


def reload(old: Session) -> Reload:
    """Load what the command line of *old* names once more, without a word.

    Raises:
        FalcoError: It cannot be used.
    """
    session = Session(old.options, old.around, is_quiet=True)
    session.check()
    rulebook = Rulebook.of(session)
    same = _surroundings(session) == _surroundings(old)
    return Reload(session, rulebook, same)


def _surroundings(session: Session) -> dict[str, Node]:
    root: MappingNode = session.configuration.merged.root
    pairs = ((key.text, value) for key, value in root.pairs if isinstance(key, ScalarNode))
    return {key: value for key, value in pairs if key not in _OF_RULES}


def watched(session: Session) -> Iterator[Path]:
    """The files and directories whose change is a reason to reload."""
    cwd = session.around.cwd
    for file in session.configuration.files:
        yield cwd / file.name
    included = session.configuration.merged.root.get(INCLUDES)
    for item in included.items if isinstance(included, SequenceNode) else (included,):
        name = item.get("path") if isinstance(item, MappingNode) else item
        if isinstance(name, ScalarNode) and not name.is_null:
            yield cwd / name.text
    for name_of_rules in session.options.rules or session.settings.rules_files:
        if not name_of_rules.startswith(PACKAGED):
            yield cwd / name_of_rules
