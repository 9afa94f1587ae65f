"""Conversions as recipes: what a plan does to events that are as they should be, prepared once.

A plan says piece by piece where the parameters of a converted event come from. Of an event whose parameters all have
the sizes that they should have nothing is cut and nothing left out: its parameters are picked in one step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from falco_syscall.capture.conversion import Fate, Origin, Piece, plan
from falco_syscall.capture.event_table import EVENTS, FIXED_SIZES

_Picker: TypeAlias = Callable[[Sequence[object]], object]


class Recipe(NamedTuple):
    """How events of one code with one number of parameters become current.

    Attributes:
        code: Of the current event.
        enter: Code that the enter event must have; None if none is needed.
        entered: How many parameters the enter event must have.
        constants: Follow the parameters of the stored event in what is picked from; those of the enter event are last.
        picks: The parameters of the current event; None for an event that is as it was stored.
        sizes_of: Of the lengths of all parameters those that are fixed.
        sizes: What they must be.
    """

    code: int
    enter: int | None
    entered: int
    constants: tuple[bytes, ...]
    picks: Callable[[tuple[bytes, ...]], tuple[bytes, ...]] | None
    sizes_of: _Picker
    sizes: object

    def applied(self, params: list[bytes], sizes: tuple[int, ...], entered: list[bytes] | None) -> list[bytes] | None:
        """The current parameters; None if the event or its enter event is not as it should be.

        Args:
            params: As they were stored.
            sizes: Their lengths.
            entered: Parameters of the enter event, None if it is not known.
        """
        if self.picks is None:
            return params if self.sizes_of(sizes) == self.sizes else None
        if self.enter is None:
            found = self.picks((*params, *self.constants))
        elif entered is not None and len(entered) >= self.entered:
            found = self.picks((*params, *self.constants, *entered))
        else:
            return None
        return list(found) if self.sizes_of(tuple(map(len, found))) == self.sizes else None


@cache
def recipe_of(stored: int, count: int) -> Recipe | None:
    """The recipe for events with the code *stored* and *count* parameters; None if there is none."""
    way = plan(stored, count)
    if way.fate is Fate.PASS:
        if count != len(EVENTS[stored].params):
            return None
        return Recipe(stored, None, 0, (), None, *_fixed(dict(FIXED_SIZES[stored])))
    if way.fate is not Fate.CONVERT or len(way.pieces) < 2:  # of one, `itemgetter` makes no tuple
        return None
    fixed = {position: size for position, size in FIXED_SIZES[way.code] if position < len(way.pieces)}
    places, constants, entered = [], list[bytes](), 0
    for position, piece in enumerate(way.pieces):
        if not _is_whole(piece, fixed.get(position)):
            return None
        if piece.origin is Origin.EVENT:
            places.append(piece.number)
        elif piece.origin is Origin.CONSTANT:
            places.append(count + len(constants))
            constants.append(piece.value[: piece.limit])
            if position in fixed:
                fixed[position] = len(piece.value)
        else:
            places.append(-1 - piece.number)
            entered = max(entered, piece.number + 1)
    first = count + len(constants)
    picks = itemgetter(*(place if place >= 0 else first - 1 - place for place in places))
    return Recipe(way.code, way.enter, entered, tuple(constants), picks, *_fixed(fixed))


def _is_whole(piece: Piece, size: int | None) -> bool:
    """Whether a piece of *size* bytes (None: of any) is taken as it is."""
    if piece.origin is Origin.CONTAINER:
        return False
    if piece.origin is Origin.CONSTANT:
        return not piece.value or size in {None, len(piece.value)}
    return piece.limit is None or (size is not None and size <= piece.limit)


def _fixed(sizes: dict[int, int]) -> tuple[_Picker, object]:
    """What picks the lengths of parameters with a fixed size, and what it must find."""
    if not sizes:
        return _none, None
    found = tuple(sizes.values())
    return itemgetter(*sizes), found if len(found) > 1 else found[0]


def _none(_sizes: Sequence[object]) -> None:
    return None
