"""From the values of an event to a text: one ``%``-format and a row of values, prepared once a template.

What is prepared knows no event source and no getter, only where a value stands in a tuple of values and what it
looks like; so it can be made in another process than the values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from falco.clock import Clock
from falco.fields.format import MISSING, TIME_FORMATS, Convert, Shape, text_of
from falco.fields.model import FieldFormat
from falco.fields.text import fit

Values: TypeAlias = tuple[Any, ...]
Write: TypeAlias = Callable[[int], str]
"""A time in nanoseconds → text."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """Stands for a value in a prepared template.

    ``slot`` is the place in the tuple of values; None for what needs none: the event's own time, whose text depends
    on the zone of whoever writes it, and what is never shown.
    """

    slot: int | None
    shape: Shape
    width: int = 0

    @property
    def is_time(self) -> bool:
        """Whether it stands for the time of the event."""
        return self.shape.format in TIME_FORMATS


Prepared: TypeAlias = tuple[str | Placeholder, ...]


def time_writer(shape: FieldFormat, clock: Clock) -> Write:
    """How *clock* writes the event's time in the format *shape*, one of ``TIME_FORMATS``."""
    return {
        FieldFormat.TIME: clock.time,
        FieldFormat.TIME_S: clock.time_s,
        FieldFormat.TIME_ISO8601: clock.iso8601,
        FieldFormat.DATETIME: clock.datetime,
        FieldFormat.DATETIME_S: clock.datetime_s,
    }[shape]


def renderer(pieces: Sequence[str | Placeholder], clock: Clock, *, is_base64: bool) -> Callable[[Values, int], str]:
    """The function (values, time of the event in ns) → text of a prepared template. It never raises."""
    tokens = [piece for piece in pieces if isinstance(piece, Placeholder)]
    pattern: Final = "".join("%s" if isinstance(piece, Placeholder) else piece.replace("%", "%%") for piece in pieces)
    if not tokens:
        constant: Final = pattern.replace("%%", "%")
        return lambda _values, _time_ns: constant
    slots = [token.slot for token in tokens]
    times = [(i, _fitted_time(token, clock)) for i, token in enumerate(tokens) if token.is_time]
    converts = [
        (i, convert)
        for i, token in enumerate(tokens)
        if not token.is_time and (convert := _convert(token, is_base64=is_base64))
    ]

    def render(values: Values, time_ns: int) -> str:
        row = [None if slot is None else values[slot] for slot in slots]
        for i, write in times:
            row[i] = write(time_ns)
        for i, convert in converts:
            row[i] = convert(row[i])
        if None in row:
            row = [MISSING if text is None else text for text in row]
        return pattern % tuple(row)

    return render


def _fitted_time(token: Placeholder, clock: Clock) -> Write:
    write, width = time_writer(token.shape.format, clock), token.width
    return (lambda time_ns: fit(write(time_ns), width)) if width else write


def _convert(token: Placeholder, *, is_base64: bool) -> Convert | None:
    """Value or None → text or None, with the width; None where ``str(value)`` is right."""
    text, width = text_of(token.shape, is_base64=is_base64), token.width
    if width:
        write = text or str
        return lambda value: fit(MISSING if value is None else write(value), width)
    if text is None:
        return None
    return lambda value: None if value is None else text(value)
