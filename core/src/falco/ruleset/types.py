"""Words shared by rulesets and decoders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeVar

from falco.events import Envelope

if TYPE_CHECKING:
    from falco.ruleset.compiled import CompiledRule

E = TypeVar("E", bound=Envelope)


class Unknown(Enum):
    """The type of ``UNKNOWN``; an Enum member survives pickling as itself."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN
"""A dispatch value that was not read: it decides nothing."""

DispatchField: TypeAlias = tuple[str, ...]
"""A cheap field and the other spellings that always give its value, e.g. ``("ka.stage", "jevt.value[/stage]")``."""

KeyPart: TypeAlias = "str | int | bool | Literal[Unknown.UNKNOWN] | None"
Key: TypeAlias = tuple[KeyPart, ...]
"""One value a dispatch field, in their order; None = absent."""

Residual: TypeAlias = "Callable[[E], Sequence[CompiledRule[E]]]"
"""Decides one event: the rules that match, in order (one at most for ``rule_matching: first``)."""
