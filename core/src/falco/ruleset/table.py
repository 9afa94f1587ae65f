"""Dispatch: from the cheap fields of an event to the function that decides it.

A *key* is the values of the dispatch fields.  Each value becomes a *mask*, the truths of the checks on that field, one
bit a check; the masks together are the *class* of the key.  Values that no rule tells apart share a class, so values
made up by whoever writes the events make nothing new.  All that grows here is capped for the same reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from falco.conditions.checked import Check, Modifier, Operator
from falco.events import Envelope
from falco.fields.model import FieldUse, Quantifier
from falco.ruleset.codegen import is_whole_text
from falco.ruleset.types import UNKNOWN, DispatchField, Key, KeyPart, Residual

if TYPE_CHECKING:
    from falco.ruleset.bindings import Bindings

E = TypeVar("E", bound=Envelope)

ALL_UNKNOWN: Final = -1
"""The mask of a value that was not read."""
_EQUALITY: Final = frozenset({Operator.EQ, Operator.IN, Operator.INTERSECTS})
_KEYED: Final = frozenset({str, int, bool})


def size(key: Key) -> int:
    """Bytes that the texts of *key* take, at most."""
    return sum([len(part) if part.isascii() else 4 * len(part) for part in key if type(part) is str])


class Table(dict[Key, "Residual[E] | None"], Generic[E]):
    """``table[key]``: the residual of a key; None = no rule can match.

    Fills itself; emptied when full, because a frozen table would make every event of a stream of new keys a miss.
    """

    CAPACITY: Final = 65_536
    LONGEST: Final = 512
    """Bytes a key; longer ones are looked up by class each time."""

    def __init__(self, make: Callable[[Key], Residual[E] | None]) -> None:
        super().__init__()
        self._make = make
        self._parts: dict[KeyPart, KeyPart] = {}
        """One object for equal parts of keys: comparing a key with one in the table then touches little memory."""
        self.misses = 0

    def __missing__(self, key: Key) -> Residual[E] | None:
        self.misses += 1
        residual = self._make(key)
        if size(key) <= self.LONGEST:
            if len(self) >= self.CAPACITY:
                self.clear()
                self._parts.clear()
            self[tuple([self._parts.setdefault(part, part) for part in key])] = residual
        return residual


class Masks(dict[KeyPart, int]):
    """``masks[value]`` of one dispatch field: bit *i* is the truth of ``checks[i]``.

    A value is compared with all literals at once, by one dict look-up and one test each of how it starts and ends; only
    checks of other operators are asked one by one.
    """

    CAPACITY: Final = 16_384

    def __init__(self, checks: Sequence[Check], bindings: Bindings[Any]) -> None:
        super().__init__()
        self._bits = {id(check): 1 << i for i, check in enumerate(checks)}
        self._ordinary = 0
        """Mask of a value that is equal to no literal and neither starts nor ends with one."""
        self._equal: dict[Any, int] = {}
        """Bits to flip for a value that is a literal."""
        starts: dict[str, int] = {}
        ends: dict[str, int] = {}
        self._others: list[tuple[Callable[[Any], bool], int]] = []
        for check in checks:
            bit = self._bits[id(check)]
            literals = check.right
            assert isinstance(literals, tuple)  # noqa: S101  others do not belong to a dispatch field
            texts: dict[str, int] | None = None
            if check.modifier in {None, Modifier.ANYOF}:
                texts = {Operator.STARTSWITH: starts, Operator.ENDSWITH: ends}.get(check.operator)
            if check.operator is Operator.EXISTS:
                self._ordinary |= bit
            elif _is_equality(check):
                self._ordinary |= bit if check.operator is Operator.NE else 0
                for literal in set(literals):
                    self._equal[literal] = self._equal.get(literal, 0) | bit
            elif texts is not None and is_whole_text(check):
                for literal in literals:
                    texts[literal] = texts.get(literal, 0) | bit
            else:
                self._others.append((bindings.predicate(check), bit))
        self._starts = tuple(starts.items())
        self._ends = tuple(ends.items())
        self._prefixes, self._suffixes = tuple(starts), tuple(ends)

    def __missing__(self, value: KeyPart) -> int:
        mask = ALL_UNKNOWN if value is UNKNOWN else 0 if value is None else self._mask(value)
        if not isinstance(value, str) or size((value,)) <= Table.LONGEST:
            if len(self) >= self.CAPACITY:
                self.clear()
            self[value] = mask
        return mask

    def _mask(self, value: str | int) -> int:
        mask = self._ordinary ^ self._equal.get(value, 0)
        if isinstance(value, str):
            if value.startswith(self._prefixes):
                for text, bits in self._starts:
                    if value.startswith(text):
                        mask |= bits
            if value.endswith(self._suffixes):
                for text, bits in self._ends:
                    if value.endswith(text):
                        mask |= bits
        for predicate, bit in self._others:
            if predicate(value):
                mask |= bit
        return mask

    def truth(self, check: Check, mask: int) -> bool | None:
        """Truth of *check* for values of *mask*; None = it is on another field, or the value was not read."""
        bit = self._bits.get(id(check))
        return None if bit is None or mask == ALL_UNKNOWN else bool(mask & bit)


def is_on(check: Check, field: DispatchField) -> bool:
    """Whether the value of *field* alone decides *check*."""
    left = check.left
    return (
        isinstance(left, FieldUse)
        and left.text in field
        and isinstance(check.right, tuple)
        and not left.is_list
        and left.field.quantifier is Quantifier.ONE
    )


def _is_equality(check: Check) -> bool:
    """Whether *check* compares with literals by equality, so that one look-up finds whether one of them is met."""
    literals = check.right
    if not isinstance(literals, tuple) or not set(map(type, literals)) <= _KEYED:
        return False
    if check.operator is Operator.NE:
        return check.modifier is None
    if check.operator is Operator.EQ:
        return check.modifier in {None, Modifier.ANYOF}
    return check.operator in _EQUALITY and check.modifier is None
