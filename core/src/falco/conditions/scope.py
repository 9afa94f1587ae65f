"""What the type check may refer to: the fields, transformers and event types of one event source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from falco.conditions.transformers import Transformer
from falco.fields.registry import Fields

if TYPE_CHECKING:
    from falco.conditions.event_types import EventTypes


@dataclass(frozen=True, slots=True)
class Scope:
    """One event source as rules see it."""

    source: str
    fields: Fields
    transformers: Mapping[str, Transformer]
    event_types: EventTypes | None = None
    """Event types that ``evt.type`` can name; None for sources whose events are all of one type."""
