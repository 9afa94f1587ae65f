"""What the configuration adds to the outputs of rules: ``append_output`` and ``-p``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from falco.conditions.scope import Scope
from falco.fields.model import FieldFlag
from falco.rules.items import RuleDefinition


@dataclass(frozen=True, slots=True)
class Addition:
    """An entry of ``append_output``. What is "" or empty matches every rule."""

    source: str = ""
    rule: str = ""
    tags: frozenset[str] = frozenset()
    """Tags that a rule must have, all of them."""
    output: str = ""
    """Text for the end of the output."""
    fields: tuple[tuple[str, str | None], ...] = ()
    """Keys for ``output_fields`` with their formats; None: the key is itself a field."""
    is_suggested: bool = False
    """Whether the fields that plugins suggest are added to the output."""

    def matches(self, rule: RuleDefinition) -> bool:
        """Whether the addition is for *rule*."""
        return self.source in {"", rule.source} and self.rule in {"", rule.name} and self.tags.issubset(rule.tags)

    def texts(self, scope: Scope) -> Iterator[str]:
        """What comes to the output, piece by piece."""
        if self.output:
            yield self.output
        if self.is_suggested and (suggested := suggested_output(scope)):
            yield suggested


def suggested_output(scope: Scope) -> str:
    """The fields that are flagged as suggested, as ``container_id=%container.id container_name=…``."""
    names = (field.name for field in scope.fields if FieldFlag.SUGGESTED in field.flags)
    return " ".join(f"{name.replace('.', '_')}=%{name}" for name in names)
