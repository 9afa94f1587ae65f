"""The event types of the syscall source as rules and ``--list-events`` see them.

System calls without an event of their own all come as one *generic* event that says which call it was. Rules
name them like any other (``evt.type = rt_sigaction``), so each has event types of its own here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final

from falco import EventCatalogue, EventCategory, EventParameter, EventType
from falco_syscall.capture.event_table import CODES, EVENTS, EventInfo, EventSource, ParamInfo, ParamType
from falco_syscall.capture.linux import SYSCALLS, native_syscalls
from falco_syscall.catalogue.selection import is_plain_io, selected

LISTED_SCHEMA_VERSION: Final = "4.3.0"
"""What ``falco --list-events`` prints: the oldest driver schema that this Falco works with."""

GENERIC_ENTER: Final = CODES["GENERIC_E"]
GENERIC_EXIT: Final = CODES["GENERIC_X"]

_FIRST_GENERIC: Final = 1024
"""Codes of generic system calls begin here, well above those of the event table."""

_CATEGORIES: Final = {
    EventSource.SYSCALL: EventCategory.SYSCALL,
    EventSource.TRACEPOINT: EventCategory.TRACEPOINT,
    EventSource.PLUGIN: EventCategory.PLUGIN,
}

_NO_SYSCALLS: Final = frozenset(
    {"unknown", "na_1", "sched_process_exit", "sched_switch", "page_fault_user", "page_fault_kernel", "signal_deliver"}
)
"""Names in the numbering of the calls that are no calls."""

_OTHER_NAMES: Final = frozenset(
    {
        *("sendfile64", "ugetrlimit", "fcntl64", "_llseek", "getegid32", "geteuid32", "getgid32", "getresgid32"),
        *("getresuid32", "getuid32", "setgid32", "setresgid32", "setresuid32", "setuid32"),
    }
)
"""Calls of other architectures that come as the event of a call with another name."""

_NO_EVENTS: Final = frozenset({"syscall"})
"""Names that conditions may have though no event has them. upstream: the generic events are called so in the table."""

_ASYNCHRONOUS: Final = frozenset({"container", "container_removed"})
"""Names of the asynchronous events of the container plugin."""


def event_code(code: int, syscall: int) -> int:
    """The code in the catalogue of an event with this code in the event table.

    Args:
        code: Index into ``EVENTS``.
        syscall: For generic events the first argument, an index into ``SYSCALLS``.
    """
    return code if code > GENERIC_EXIT else _FIRST_GENERIC + 2 * syscall + code


def _generic_syscalls() -> Iterator[int]:
    named = {event.name for event in EVENTS}
    named |= {call.name for call in native_syscalls("x86_64").values() if call.exit_event != GENERIC_EXIT}
    for syscall, name in enumerate(SYSCALLS):
        if name not in named | _NO_SYSCALLS | _OTHER_NAMES:
            yield syscall


def _types() -> Iterator[EventType]:
    for event in EVENTS:
        if event.code > GENERIC_EXIT:
            yield _of_table(event)
    generic = {code: _parameters(EVENTS[code]) for code in (GENERIC_ENTER, GENERIC_EXIT)}
    for syscall in _generic_syscalls():
        for code, parameters in generic.items():
            yield EventType(
                code=event_code(code, syscall),
                name=SYSCALLS[syscall],
                category=EventCategory.SYSCALL,
                is_exit=code == GENERIC_EXIT,
                is_listed=True,
                is_default=True,
                parameters=parameters,
                stored_code=code,
            )


def _of_table(event: EventInfo) -> EventType:
    return EventType(
        code=event.code,
        name=event.name,
        category=_CATEGORIES.get(event.source, EventCategory.META),
        is_exit=not event.is_enter,
        is_listed=not (event.is_old or event.is_unused or event.source is EventSource.ITER),
        is_default=not is_plain_io(event),
        parameters=_parameters(event),
    )


def _parameters(event: EventInfo) -> tuple[EventParameter, ...]:
    return tuple(map(_parameter, event.params))


@cache
def _parameter(param: ParamInfo) -> EventParameter:
    type_name = "DYNAMIC" if param.type is ParamType.DYN else param.type.value
    if param.values is None or param.type is ParamType.MODE:  # the bits of a mode are not listed
        return EventParameter(param.name, type_name)
    return EventParameter(param.name, type_name, tuple(name for name, _ in param.values.values))


def _catalogue() -> EventCatalogue:
    types = tuple(_types())
    return EventCatalogue(
        event_source="syscall",
        schema_version=LISTED_SCHEMA_VERSION,
        types=types,
        aliases=(_ASYNCHRONOUS | _NO_EVENTS).union(SYSCALLS) - {event_type.name for event_type in types},
        always=frozenset({CODES["ASYNCEVENT_E"]}),
        selected=selected,
    )


CATALOGUE: Final = _catalogue()
"""All event types of the syscall source."""
