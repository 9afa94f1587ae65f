"""What must be remembered between events, one module a family of system calls."""

from __future__ import annotations

from falco_syscall.capture.event_table import CODES
from falco_syscall.state import (
    copying,
    credentials,
    directories,
    making,
    notices,
    opening,
    processes,
    resources,
    sockets,
)
from falco_syscall.state.machine import Handler, Machine

_FAMILIES = (processes, directories, credentials, resources, opening, making, copying, sockets, notices)


def new_machine() -> Machine:
    """A machine of which nothing is known yet."""
    handlers: dict[int, Handler] = {}
    for family in _FAMILIES:
        handlers |= {CODES[constant]: handler for constant, handler in family.HANDLERS.items()}
    return Machine(handlers)


__all__ = ["Machine", "new_machine"]
