"""What must be remembered between events, one module a family of system calls."""

from __future__ import annotations

from falco_syscall.state.families import HANDLERS
from falco_syscall.state.machine import Machine


def new_machine() -> Machine:
    """A machine of which nothing is known yet."""
    return Machine(HANDLERS)


__all__ = ["Machine", "new_machine"]
