"""The error that the parser and the type check raise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from falco.documents.text import Extent
from falco.errors import RuleError

if TYPE_CHECKING:
    from falco.conditions.ast import Comparison, Exists

MAX_FURTHER: Final = 20
"""Errors of one text beyond the first: more help nobody."""


class ConditionError(RuleError):
    """A condition or a token of an output template is wrong.

    Args:
        message: Falco's sentence (filter-language.md), without a prefix.
        extent: The offending characters.
        hint: What to do, in our words; "" when there is nothing to add.
        reported_at: The offset that Falco reports: where its parser stood, or where the check begins whose type is
            wrong. None = where the extent starts.

    ``further`` holds the errors after this one in the same text, which Falco does not get to; at most ``MAX_FURTHER``.
    ``before`` has the checks that the parser had read when it found this, for a look at what is wrong in them, too.
    """

    def __init__(self, message: str, extent: Extent, hint: str = "", *, reported_at: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.extent = extent
        self.hint = hint
        self.reported_at = extent.start if reported_at is None else reported_at
        self.further: tuple[ConditionError, ...] = ()
        self.before: tuple[Comparison | Exists, ...] = ()


def first_of(errors: Sequence[ConditionError]) -> ConditionError:
    """The first of *errors*, which are in the order of their text; it takes the rest with it."""
    errors[0].further = tuple(errors[1 : MAX_FURTHER + 1])
    return errors[0]
