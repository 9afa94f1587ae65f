"""The handlers of all families of system calls, by code."""

from __future__ import annotations

from typing import Final

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
from falco_syscall.state.machine import Handler

_FAMILIES = (processes, directories, credentials, resources, opening, making, copying, sockets, notices)

HANDLERS: Final[dict[int, Handler]] = {
    CODES[constant]: handler for family in _FAMILIES for constant, handler in family.HANDLERS.items()
}
