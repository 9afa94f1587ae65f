"""Rules as they are evaluated: resolved, expanded, type-checked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from falco.conditions.checked import Condition
from falco.fields.model import FieldUse
from falco.templates.model import Template


class Priority(IntEnum):
    """Syslog priorities; lower is more urgent."""

    EMERGENCY = 0
    ALERT = 1
    CRITICAL = 2
    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFORMATIONAL = 6
    DEBUG = 7

    @property
    def title(self) -> str:
        """The name as alerts print it: ``Warning``, ``Informational``."""
        return self.name.capitalize()

    @property
    def short(self) -> str:
        """The name as the statistics print it: ``WARNING``, ``INFO``."""
        return "INFO" if self is Priority.INFORMATIONAL else self.name


@dataclass(frozen=True, slots=True)
class ExtraField:
    """A key added to ``output_fields``: the value of a field (``template`` has one token) or rendered text."""

    key: str
    template: Template
    is_raw: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of one event source, ready to be compiled. Equal rules are equal in every respect."""

    index: int
    """Order of definition over all sources: the order of evaluation."""
    name: str
    source: str
    priority: Priority
    condition: Condition
    output: Template
    """Text tokens of the output with everything appended to it, without time and priority."""
    extra_fields: tuple[ExtraField, ...] = ()
    tags: tuple[str, ...] = ()
    """Sorted, without repeats."""
    description: str = ""
    enabled: bool = True
    capture: bool = False
    capture_duration_ms: int = 0
    event_types: frozenset[int] | None = None
    """Syscall event codes that the condition can hold for; None = all, or not a syscall rule."""
    columns: tuple[tuple[str, tuple[FieldUse, ...]], ...] = ()
    """Values that alerts carry, by title, and no formatter writes: for whoever counts alerts. Several are a path."""
