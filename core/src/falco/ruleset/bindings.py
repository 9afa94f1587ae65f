"""Getters and predicates of a ruleset, each made once.

Binding may be costly (a JSON pointer is parsed, a pattern compiled), and many residuals read the same operand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from falco.conditions import bind, operators
from falco.conditions.checked import Check, Operand
from falco.fields.model import Getter

E = TypeVar("E")


class Bindings(Generic[E]):
    """Grows as residuals are made; a race between threads makes an entry twice, nothing worse."""

    def __init__(self) -> None:
        self._getters: dict[Operand, Getter[E]] = {}
        self._predicates: dict[Check, Callable[[Any], bool]] = {}

    def getter(self, operand: Operand) -> Getter[E]:
        """Reads *operand* from an event; None = absent."""
        getter = self._getters.get(operand)
        if getter is None:
            getter = self._getters[operand] = bind.getter(operand)
        return getter

    def predicate(self, check: Check) -> Callable[[Any], bool]:
        """Decides *check*, whose right side is literals, for a value that is not None."""
        predicate = self._predicates.get(check)
        if predicate is None:
            predicate = self._predicates[check] = operators.predicate(check)
        return predicate

    def comparison(self, check: Check) -> Callable[[Any, Any], bool]:
        """Decides *check*, whose right side is an operand, for two values that are not None."""
        return operators.comparison(check)
