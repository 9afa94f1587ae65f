"""Conversions as recipes: what a plan does to events that are as they should be, prepared once.

A plan says piece by piece where the parameters of a converted event come from. Of an event whose parameters all have
the sizes that they should have nothing is cut and nothing left out: its parameters are picked in one step. Whether they
have is the same for all events with the same lengths, and so is how they are taken apart: that is the event's shape.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from operator import itemgetter
from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from falco_syscall.capture.conversion import Fate, Origin, Piece, plan
from falco_syscall.capture.event_table import EVENTS, FIXED_SIZES

if TYPE_CHECKING:
    from mmap import mmap

MOST_PARAMETERS: Final = 64
"""No event has so many parameters."""
KIND: Final = Struct("<HI")
"""The end of an event's header: code and number of parameters. Their lengths follow."""
_MOST_SHAPES: Final = 1 << 13

Unpack: TypeAlias = "Callable[[bytes | mmap, int], tuple[bytes, ...]]"
"""The parameters that begin at an offset of some bytes."""


class _Sizes(NamedTuple):
    """Some of the lengths of an event's parameters, and what they must be."""

    of: Callable[[Sequence[int]], object]
    must_be: object

    def fit(self, sizes: Sequence[int]) -> bool:
        """Whether they are."""
        return self.of(sizes) == self.must_be


class Recipe(NamedTuple):
    """How events of one code with one number of parameters become current.

    Attributes:
        code: Of the current event.
        sizes: Of the parameters of the stored event.
        picks: The parameters of the current event; None for an event that is as it was stored.
        constants: Follow the parameters of the stored event in what is picked from; those of the enter event are last.
        enter: Code that the enter event must have; None if none is needed.
        entered: How many parameters the enter event must have.
        entered_sizes: Of its parameters.
    """

    code: int
    sizes: _Sizes
    picks: Callable[[tuple[bytes, ...]], tuple[bytes, ...]] | None = None
    constants: tuple[bytes, ...] = ()
    enter: int | None = None
    entered: int = 0
    entered_sizes: _Sizes | None = None

    def applied(self, params: tuple[bytes, ...], entered: Sequence[bytes] | None) -> list[bytes] | None:
        """The current parameters; None if the enter event is not as it should be.

        Args:
            params: As they were stored, with the lengths that they should have.
            entered: Parameters of the enter event, None if it is not known.
        """
        if self.picks is None:
            return list(params)
        if self.entered_sizes is None:
            return list(self.picks((*params, *self.constants)))
        if entered is None or len(entered) < self.entered or not self.entered_sizes.fit(list(map(len, entered))):
            return None
        return list(self.picks((*params, *self.constants, *entered)))


class Shape(NamedTuple):
    """What events have in common whose code and lengths of parameters are the same.

    Attributes:
        unpack: Takes their parameters; None for those that are laid out in another way.
        recipe: Makes them current; None if a plan must.
    """

    unpack: Unpack | None
    recipe: Recipe | None


@lru_cache(_MOST_SHAPES)
def shape_of(head: bytes) -> Shape:
    """The shape of the events with this *head*: what is stored of their code, number of parameters and lengths."""
    code, count = KIND.unpack_from(head)
    if count >= MOST_PARAMETERS or EVENTS[code].is_large:
        return Shape(None, None)
    sizes = Struct(f"<{count}H").unpack_from(head, KIND.size)
    recipe = recipe_of(code, count)
    unpack = Struct("<" + "".join(f"{size}s" for size in sizes)).unpack_from
    return Shape(unpack, recipe if recipe is not None and recipe.sizes.fit(sizes) else None)


@cache
def recipe_of(stored: int, count: int) -> Recipe | None:
    """The recipe for events with the code *stored* and *count* parameters; None if there is none."""
    way = plan(stored, count)
    if way.fate is Fate.PASS:
        return Recipe(stored, _fixed(dict(FIXED_SIZES[stored]))) if count == len(EVENTS[stored].params) else None
    if way.fate is not Fate.CONVERT or len(way.pieces) < 2:  # of one, `itemgetter` makes no tuple
        return None
    fixed = dict(FIXED_SIZES[way.code])
    places, constants, entered = [], list[bytes](), 0
    sizes: dict[Origin, dict[int, int]] = {Origin.EVENT: {}, Origin.ENTER: {}}
    for position, piece in enumerate(way.pieces):
        size = fixed.get(position)
        if not _is_whole(piece, size):
            return None
        if piece.origin is Origin.CONSTANT:
            places.append(count + len(constants))
            constants.append(piece.value[: piece.limit])
            continue
        if size is not None and sizes[piece.origin].setdefault(piece.number, size) != size:
            return None
        is_own = piece.origin is Origin.EVENT
        places.append(piece.number if is_own else -1 - piece.number)
        entered = entered if is_own else max(entered, piece.number + 1)
    first = count + len(constants)
    return Recipe(
        way.code,
        _fixed(sizes[Origin.EVENT]),
        itemgetter(*(place if place >= 0 else first - 1 - place for place in places)),
        tuple(constants),
        way.enter,
        entered,
        None if way.enter is None else _fixed(sizes[Origin.ENTER]),
    )


def _is_whole(piece: Piece, size: int | None) -> bool:
    """Whether a piece of *size* bytes (None: of any) is taken as it is."""
    if piece.origin is Origin.CONTAINER:
        return False
    if piece.origin is Origin.CONSTANT:
        return not piece.value or size in {None, len(piece.value)}
    return piece.limit is None or (size is not None and size <= piece.limit)


def _fixed(sizes: dict[int, int]) -> _Sizes:
    found = tuple(sizes.values())
    if not found:
        return _Sizes(_none, None)
    return _Sizes(itemgetter(*sizes), found if len(found) > 1 else found[0])


def _none(_sizes: Sequence[int]) -> None:
    return None
