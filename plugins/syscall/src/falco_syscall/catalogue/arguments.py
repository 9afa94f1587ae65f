"""Arguments of fields that are written without brackets: ``evt.arg.flags``, ``thread.cgroup.memory``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from falco.fields import FieldType
from falco_syscall.capture.event_table import EVENTS, ParamType

_FIELD_TYPES: Final[dict[ParamType, FieldType]] = {
    ParamType.FD32: FieldType.FD,
    ParamType.PID32: FieldType.PID,
}
_UNCOMPARABLE: Final = frozenset(
    {
        ParamType.BYTEBUF,
        ParamType.SYSCALLID,
        ParamType.SIGTYPE,
        ParamType.SIGSET,
        ParamType.SOCKADDR,
        ParamType.SOCKTUPLE,
        ParamType.FDLIST,
        ParamType.DYN,
    }
)

PARAMETERS: Final[dict[str, ParamType]] = {
    param.name: param.type for event in reversed(EVENTS) for param in reversed(event.params)
}
"""The names of all parameters of all events, with the type in the first event that has it."""


def _parameter(text: str) -> str | None:
    """``.flags`` to ``flags``; None if the text goes on after the name of a parameter.

    Raises:
        ValueError: No event has a parameter whose name begins the text.
    """
    if not text.startswith("."):
        return None
    name = text[1:]
    if name in PARAMETERS:
        return name
    if any(name.startswith(known) for known in PARAMETERS):
        return None
    raise ValueError(f"unknown event argument {name}")


def _after_dot(text: str) -> str | None:
    return text[1:] if text.startswith(".") and len(text) > 1 else None


def _side(text: str) -> str | None:
    return {".src": "src", ".dst": "dst"}.get(text)


SPELLINGS: Final[dict[str, Callable[[str], str | None]]] = {
    "evt.arg": _parameter,
    "evt.rawarg": _parameter,
    "evt.type.is": _after_dot,
    "evt.abspath": _side,
    "evt.around": _after_dot,
    "thread.cgroup": _after_dot,
}
"""By field: the argument that a text after the field's name means, see ``Field.spelling``."""


def rawarg_type(argument: str | None) -> FieldType:
    """The type of ``evt.rawarg`` with this argument; DYNAMIC if values of the type cannot be compared."""
    param_type = PARAMETERS.get(argument or "")
    if param_type is None or param_type in _UNCOMPARABLE:
        return FieldType.DYNAMIC
    return _FIELD_TYPES.get(param_type) or FieldType(param_type.value)
