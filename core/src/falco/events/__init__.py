"""Events: the least that everything downstream knows of one.

An event is any object with ``num`` and ``time_ns``; ``Event`` is a base class for those who want one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


class Envelope(Protocol):
    """What the engine reads of any event."""

    @property
    def num(self) -> int:
        """Number of the event in its source, from 1; events that were skipped count too."""

    @property
    def time_ns(self) -> int:
        """Nanoseconds since the epoch."""


@dataclass(slots=True, kw_only=True)
class Event:
    """Optional base of event classes; the decoder sets ``num`` and ``start_ns``."""

    time_ns: int
    num: int = field(default=0, init=False)
    start_ns: int | None = field(default=None, init=False)
    """Time of the first event of the source, for ``evt.reltime``."""
