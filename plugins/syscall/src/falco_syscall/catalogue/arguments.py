"""Arguments of fields that are written without brackets: ``evt.arg.flags``, ``thread.cgroup.memory``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from falco import FieldType
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
    """``.flags`` as it is; None if the text goes on after the name of a parameter.

    Raises:
        ValueError: No event has a parameter whose name begins the text.
    """
    if not text.startswith("."):
        return None
    name = text[1:]
    if name in PARAMETERS:
        return text
    if any(name.startswith(known) for known in PARAMETERS):
        return None
    raise ValueError(f"unknown event argument {name}")


def _after_dot(text: str) -> str | None:
    return text if text.startswith(".") and len(text) > 1 else None


def _side(text: str) -> str | None:
    return text if text in {".src", ".dst"} else None


SPELLINGS: Final[dict[str, Callable[[str], str | None]]] = {
    "evt.arg": _parameter,
    "evt.rawarg": _parameter,
    "evt.type.is": _after_dot,
    "evt.abspath": _side,
    "thread.cgroup": _after_dot,
}
"""By field: the argument that a text after the field's name means, see ``Field.spelling``.

The dot stays, to tell a name written after a dot from one in brackets, which these fields do not take.
"""


def name_of(field: str, argument: str | None) -> str:
    """The name in an argument that was written after a dot.

    Raises:
        ValueError: It was written in brackets.
    """
    if argument is None or not argument.startswith("."):
        raise ValueError(
            f"filter syntax error: {field}" if argument is None else f"filter syntax error: {field}[{argument}]"
        )
    return argument[1:]


def rawarg_type(argument: str | None) -> FieldType:
    """The type of ``evt.rawarg`` with this argument; DYNAMIC if values of the type cannot be compared."""
    param_type = raw_type(argument)
    if param_type in _UNCOMPARABLE:
        return FieldType.DYNAMIC
    return _FIELD_TYPES.get(param_type) or FieldType(param_type.value)


def rawarg_refusal(argument: str | None) -> str:
    """Why ``evt.rawarg`` with this argument cannot be compared, "" if it can; types have the numbers of the driver."""
    param_type = raw_type(argument)
    return f"wrong parameter type {_TYPE_NUMBERS[param_type]}" if param_type in _UNCOMPARABLE else ""


def raw_type(argument: str | None) -> ParamType:
    """The type of the parameters that ``evt.rawarg`` with this argument stands for.

    Raises:
        ValueError: There is no such parameter.
    """
    name = name_of("evt.rawarg", argument)
    if name not in PARAMETERS:
        raise ValueError(f"unknown event argument {name}")
    return PARAMETERS[name]


_TYPE_NUMBERS: Final = {param_type: number for number, param_type in enumerate(ParamType)}
