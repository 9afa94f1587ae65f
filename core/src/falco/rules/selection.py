"""Which rules are enabled: the steps of ``rules`` in falco.yaml, after all files are loaded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from falco.rules.model import Rule


@dataclass(frozen=True, slots=True)
class Selection:
    """A step: enable or disable the rules that it selects.

    ``rule`` is a name in which ``*`` stands for any characters, ``tag`` a tag, exactly; "" selects no rule.
    """

    is_enable: bool
    rule: str = ""
    tag: str = ""

    def selects(self, rule: Rule) -> bool:
        """Whether the step is about *rule*."""
        return (self.rule != "" and matches(self.rule, rule.name)) or (self.tag != "" and self.tag in rule.tags)


def select(rules: Iterable[Rule], steps: Sequence[Selection]) -> tuple[Rule, ...]:
    """The *rules*, each with ``enabled`` as the last step that selects it says."""
    return tuple(_selected(rule, steps) for rule in rules)


def _selected(rule: Rule, steps: Sequence[Selection]) -> Rule:
    last = next((step for step in reversed(steps) if step.selects(rule)), None)
    return rule if last is None or last.is_enable == rule.enabled else replace(rule, enabled=last.is_enable)


def matches(pattern: str, name: str) -> bool:
    """Whether all of *name* is like *pattern*, in which ``*`` stands for any characters."""
    first, *rest = pattern.split("*")
    if not rest:
        return name == pattern
    *middle, last = rest
    if not name.startswith(first) or len(name) < len(first) + len(last) or not name.endswith(last):
        return False
    start, end = len(first), len(name) - len(last)
    for part in middle:
        found = name.find(part, start, end)
        if found == -1:
            return False
        start = found + len(part)
    return True
