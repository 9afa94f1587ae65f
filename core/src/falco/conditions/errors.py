"""The error that the parser and the type check raise."""

from __future__ import annotations

from falco.documents.text import Extent
from falco.errors import RuleError


class ConditionError(RuleError):
    """A condition or a token of an output template is wrong.

    Args:
        message: Falco's sentence (filter-language.md), without a prefix.
        extent: The offending characters.
        hint: What to do, in our words; "" when there is nothing to add.
        reported_at: The offset that Falco reports: where its parser stood, or where the check begins whose type is
            wrong. None = where the extent starts.
    """

    def __init__(self, message: str, extent: Extent, hint: str = "", *, reported_at: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.extent = extent
        self.hint = hint
        self.reported_at = extent.start if reported_at is None else reported_at
