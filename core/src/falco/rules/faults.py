"""Makes diagnostics of rule files: the codes, the way to the item, the exceptions that end an item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from falco.documents.diagnostics import Diagnostic, Location, Note, Place, Severity
from falco.documents.nodes import Span
from falco.documents.text import Text
from falco.rules.codes import ErrorCode, WarningCode

Context: TypeAlias = tuple[Location, ...]
"""The way from the rule file to an item or one of its parts."""


class RuleFault(Exception):  # noqa: N818 - it carries faults and is never shown itself
    """Ends the reading or compiling of one item, which has the faults *diagnostics*."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__(*(diagnostic.message for diagnostic in diagnostics))
        self.diagnostics = diagnostics


class Poisoned(Exception):  # noqa: N818 - not an error of the item that it ends
    """Ends the compiling of an item that refers to one with a fault: it has none of its own to report."""


@dataclass(frozen=True, slots=True)
class Where:
    """An item of a rule file or a part of one: where faults are reported."""

    context: Context
    place: Place

    def into(self, kind: str, name: str, place: Span) -> Where:
        """A part of this item: its kind in Falco's words, its name ("" for none), and where it stands."""
        return Where((*self.context, Location(kind, name, place)), place)

    def within(self, place: Place, text: Text) -> Where:
        """A place in the condition of this item, which was *text* before lists were put in."""
        return Where((*self.context, Location("condition expression", "", place, str(text))), place)

    def error(
        self,
        code: ErrorCode,
        message: str,
        *,
        place: Place | None = None,
        hint: str = "",
        chain: tuple[Note, ...] = (),
    ) -> RuleFault:
        """An error here, or more precisely at *place*; to be raised."""
        diagnostic = Diagnostic(Severity.ERROR, code.name, message, place or self.place, self.context, chain, hint)
        return RuleFault(diagnostic)

    def warning(
        self,
        code: WarningCode,
        message: str,
        *,
        place: Place | None = None,
        hint: str = "",
        chain: tuple[Note, ...] = (),
        deprecated_field: str = "",
    ) -> Diagnostic:
        """A warning here, or more precisely at *place*."""
        return Diagnostic(
            Severity.WARNING, code.name, message, place or self.place, self.context, chain, hint, deprecated_field
        )
