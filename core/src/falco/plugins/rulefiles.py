"""Files that distributions ship: rules, and the configuration for a first run."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources.abc import Traversable


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One rules file, returned by ``falco_register_rules``."""

    name: str
    """File name; ``packaged:<name>`` names it in ``rules_files`` and ``-r``."""
    resource: Traversable

    def read(self) -> bytes:
        """The file's bytes."""
        return self.resource.read_bytes()


PACKAGED = "packaged:"
"""Before the name of a shipped file where a path is expected; alone it stands for all of them."""
