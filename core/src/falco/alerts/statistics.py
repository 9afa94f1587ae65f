"""The end-of-run statistics: what was found, and what was not looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Self

from falco.alerts.alert import Alert
from falco.documents.terminal import visible
from falco.rules.model import Priority


class Statistics:
    """Counts alerts of one run. Not locked: one a thread, added up with ``+=``."""

    def __init__(self) -> None:
        self._rules: Counter[tuple[int, str]] = Counter()
        self._priorities: Counter[Priority] = Counter()

    @property
    def total(self) -> int:
        """Alerts so far."""
        return self._priorities.total()

    def count(self, alert: Alert) -> None:
        """Count *alert*; alerts of Falco about itself are not counted."""
        template = alert.template
        if template.is_internal:
            return
        self._rules[template.index, template.rule] += 1
        self._priorities[template.priority] += 1

    def __iadd__(self, other: Statistics) -> Self:
        self._rules.update(other._rules)
        self._priorities.update(other._priorities)
        return self

    def by_rule(self) -> Mapping[str, int]:
        """Alerts by rule name, in order of definition; only rules that have some."""
        counts: dict[str, int] = {}
        for (_index, name), count in sorted(self._rules.items()):  # a reload may have moved a rule
            counts[name] = counts.get(name, 0) + count
        return counts

    def by_priority(self) -> Mapping[Priority, int]:
        """Alerts by priority, the most urgent first; only priorities that have some."""
        return dict(sorted(self._priorities.items()))

    def text(self) -> str:
        """What Falco prints on standard output when it ends, byte for byte."""
        lines = [
            f"Events detected: {self.total}",
            "Rule counts by severity:",
            *(f"   {priority.short}: {count}" for priority, count in self.by_priority().items()),
            "Triggered rules by rule name:",
            *(f"   {name}: {count}" for name, count in self.by_rule().items()),
        ]
        return "".join(f"{line}\n" for line in lines)


def losses_text(losses: Iterable[tuple[str, Mapping[str, int]]]) -> str:
    """What a run did not look at or could not deliver; for standard error, because Falco's block has no room for it.

    Args:
        losses: By name (of a source, a channel), counts by reason in words; zero counts are left out.

    Returns:
        Lines under one heading, or "" if nothing was lost.
    """
    lines = [
        f"   {visible(name)}: {reason}: {count}"
        for name, reasons in losses
        for reason, count in reasons.items()
        if count
    ]
    return "".join(f"{line}\n" for line in ("Lost or refused:", *lines)) if lines else ""


def drops_text(occurrences: int, actions: int) -> str:
    """What Falco prints on standard error for the syscall source: how often events were dropped, and acted upon."""
    return (
        "Syscall event drop monitoring:\n"
        f"   - event drop detected: {occurrences} occurrences\n"
        f"   - num times actions taken: {actions}\n"
    )
