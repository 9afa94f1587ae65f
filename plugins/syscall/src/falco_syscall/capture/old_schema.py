"""Events as older drivers wrote them: the inverse of the conversion.

Only for captures made by us, for tests and measurements: they are to look like old ones, which have
an event for entering each call, and can be read by older programs.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Final, NamedTuple

from falco_syscall.capture.conversion import Fate, Origin, Piece, Plan, plan
from falco_syscall.capture.event_table import EVENTS, SIZES, ParamInfo
from falco_syscall.capture.values import default

FIRST_NEW_CODE: Final = 336
"""Event codes from here on are unknown to sysdig 0.29.3, of 2022."""


class OldForm(NamedTuple):
    """How an exit event of the current schema was written before.

    Attributes:
        enter: Code of the event that came first.
        code: Code of the exit event.
        param_count: Number of its parameters.
        way: How the two become the current event.
    """

    enter: int
    code: int
    param_count: int
    way: Plan


@cache
def old_form(code: int) -> OldForm | None:
    """The form of an exit event that has most in its enter event and loses nothing; None if none."""
    found = [
        OldForm(way.enter, info.code, count, way)
        for info in EVENTS[:FIRST_NEW_CODE]
        if not info.is_enter
        for count in range(len(info.params) + 1)
        if (way := plan(info.code, count)).fate is Fate.CONVERT
        and way.code == code
        and way.enter is not None
        and all(map(partial(_is_kept, info.code, way), way.pieces, EVENTS[code].params))
    ]
    return max(found, key=lambda f: ([p.origin for p in f.way.pieces].count(Origin.ENTER), f.code), default=None)


def _is_kept(code: int, way: Plan, piece: Piece, param: ParamInfo) -> bool:
    """Whether a parameter was there before, in the size of today."""
    if piece.origin not in (Origin.EVENT, Origin.ENTER) or way.enter is None:
        return False
    params = EVENTS[code if piece.origin is Origin.EVENT else way.enter].params
    return piece.number >= len(params) or SIZES[params[piece.number].type] == SIZES[param.type]


def as_old(code: int, params: list[bytes]) -> list[tuple[int, list[bytes]]]:
    """The old events, as (code, parameters), that conversion turns into the given event.

    An exit event that has no old form which loses nothing stays as it is, after its enter event.
    """
    form = old_form(code)
    if form is None:
        enter = EVENTS[code - 1]
        if EVENTS[code].is_enter or enter.is_unused:
            return [(code, params)]
        known = {(param.name, param.type): value for param, value in zip(EVENTS[code].params, params, strict=False)}
        return [(enter.code, [known.get((p.name, p.type)) or default(p) for p in enter.params]), (code, params)]
    entered, exited = _defaults(form.enter), _defaults(form.code)[: form.param_count]
    for piece, value in zip(form.way.pieces, params, strict=True):
        side = exited if piece.origin is Origin.EVENT else entered
        if piece.number < len(side):
            side[piece.number] = value
    return [(form.enter, entered), (form.code, exited)]


def _defaults(code: int) -> list[bytes]:
    return [default(param) for param in EVENTS[code].params]
