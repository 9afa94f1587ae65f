"""``evt.arg``, ``evt.rawarg`` and their like: the parameters of the event."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from falco_syscall.arguments import show, show_all
from falco_syscall.capture.event_table import EVENTS, ParamFormat, ParamType
from falco_syscall.catalogue.arguments import name_of, raw_type
from falco_syscall.fields.binding import number, plain

if TYPE_CHECKING:
    from falco import Value
    from falco_syscall.catalogue.fields import Binder
    from falco_syscall.event import SyscallEvent
    from falco_syscall.fields.binding import Getter


@cache
def _places(name: str) -> dict[int, int]:
    """Index of the parameter *name* by code of the events that have it."""
    return {
        event.code: index
        for event in EVENTS
        for index, param in reversed([*enumerate(event.params)])
        if param.name == name
    }


def _argument(argument: str | None) -> Getter:
    if argument is not None and argument.startswith("."):
        where = _places(argument[1:])

        def by_name(event: SyscallEvent) -> str | None:
            index = where.get(event.code)
            shown = show(event, index) if index is not None else None
            return None if shown is None else shown.best

        return by_name
    position = number(argument)

    def by_position(event: SyscallEvent) -> str | None:
        shown = show(event, position)
        return None if shown is None else shown.best

    return by_position


_NUMBERS: Final = frozenset(
    {
        *(ParamType.INT8, ParamType.INT16, ParamType.INT32, ParamType.INT64),
        *(ParamType.UINT8, ParamType.UINT16, ParamType.UINT32, ParamType.UINT64),
        *(ParamType.FLAGS8, ParamType.FLAGS16, ParamType.FLAGS32),
        *(ParamType.ENUMFLAGS8, ParamType.ENUMFLAGS16, ParamType.ENUMFLAGS32),
        *(ParamType.ERRNO, ParamType.FD, ParamType.PID, ParamType.FD32, ParamType.PID32, ParamType.MODE),
        *(ParamType.UID, ParamType.GID, ParamType.RELTIME, ParamType.ABSTIME, ParamType.SYSCALLID),
        *(ParamType.SIGTYPE, ParamType.SIGSET, ParamType.PORT),
    }
)
_TEXTS: Final = frozenset({ParamType.CHARBUF, ParamType.FSPATH, ParamType.FSRELPATH})


def _raw_argument(argument: str | None) -> Getter:
    kind = _kind(raw_type(argument))
    where = _places(name_of("evt.rawarg", argument))

    def read(event: SyscallEvent) -> Value | None:
        index = where.get(event.code)
        # Some names stand for a number in one event and for a text in another: such a value cannot be compared.
        if index is None or index >= len(event.params) or _kind(event.info.params[index].type) is not kind:
            return None
        raw = event.params[index]
        if kind is int:
            return event.number(index) if raw else None
        if kind is str:
            return event.path(index)
        return raw or None

    return read


def _shown_raw_argument(argument: str | None) -> Getter:
    """In an output every parameter of the name is shown, numbers in the base of the parameter."""
    where = _places(name_of("evt.rawarg", argument))

    def shown(event: SyscallEvent) -> Value | None:
        index = where.get(event.code)
        if index is None or index >= len(event.params):
            return None
        param = event.info.params[index]
        kind = _kind(param.type)
        if kind is not int:
            return event.params[index] if kind is bytes else event.path(index)
        if not event.has(index):
            return None
        number = event.number(index)
        match param.format:
            case ParamFormat.HEX:
                return f"{number:X}"
            case ParamFormat.OCT:
                return f"{number:o}"
            case ParamFormat.NA:
                return str(number)
        return number

    return shown


def _kind(param_type: ParamType) -> type:
    if param_type in _NUMBERS:
        return int
    return str if param_type in _TEXTS else bytes


def _data_index(code: int) -> int:
    return next((index for index, param in enumerate(EVENTS[code].params) if param.name == "data"), -1)


_DATA: Final = tuple(_data_index(event.code) for event in EVENTS)


def _buffer(event: SyscallEvent) -> bytes | None:
    index = _DATA[event.code]
    if index < 0 or index >= len(event.params):
        return None
    raw = event.params[index]
    if event.info.params[index].type is ParamType.DYN:
        return raw[1:]
    return raw


BINDERS: Final[dict[str, Binder]] = {
    "evt.args": plain(show_all),
    "evt.info": plain(show_all),
    "evt.arg": _argument,
    "evt.rawarg": _raw_argument,
    "evt.buffer": plain(_buffer),
}

SHOWN: Final[dict[str, Binder]] = {"evt.rawarg": _shown_raw_argument}
"""Fields that an output shows differently."""
