"""Catalogues of event types: what ``evt.type`` can name, for sources that have several."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class EventCategory(Enum):
    """The sections of ``--list-events``; the member's value is the heading and the JSON key."""

    SYSCALL = "Syscall events"
    TRACEPOINT = "Tracepoint events"
    PLUGIN = "Plugin events"
    META = "Metaevents"


@dataclass(frozen=True, slots=True)
class EventParameter:
    """One parameter of an event type; ``values`` are the names of its flags."""

    name: str
    type: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EventType:
    """One event code. Several codes may share a name (enter and exit, old versions)."""

    code: int
    """Unique in the catalogue."""
    name: str
    category: EventCategory
    is_exit: bool
    is_listed: bool
    """Whether ``--list-events`` shows it: not unused, not an old version."""
    is_default: bool
    """Whether it is evaluated without being asked for (the first column of ``--list-events``)."""
    parameters: tuple[EventParameter, ...] = ()
    stored_code: int | None = None
    """The code that the source itself uses, if other than ``code``: one for all system calls without an own event."""


class Select(Protocol):
    """Names of the event types that a live capture delivers for rules that can hold for *rules*.

    *custom_set*, *repair* and *everything* are ``base_syscalls`` of falco.yaml.
    """

    def __call__(
        self, rules: Iterable[str], custom_set: Iterable[str] = (), *, repair: bool = False, everything: bool = False
    ) -> frozenset[str]:
        """See the class."""


@dataclass(frozen=True, slots=True)
class EventCatalogue:
    """All event types of one event source."""

    event_source: str
    schema_version: str
    types: tuple[EventType, ...]
    """In the order in which they are listed; codes are unique."""
    aliases: frozenset[str] = frozenset()
    """Further names that ``evt.type`` may be compared with, although no event has them."""
    always: frozenset[int] = frozenset()
    """Codes of the event types that every rule is evaluated for, whatever its condition says."""
    selected: Select | None = None
    """Which event types a live capture delivers; None = all, or there is none."""
