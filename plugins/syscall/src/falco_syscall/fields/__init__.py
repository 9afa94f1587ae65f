"""How the values of the fields are read from an event, one module for what is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from falco_syscall.catalogue.fields import fields
from falco_syscall.fields import (
    ancestors,
    arguments,
    category,
    container,
    evt,
    fd,
    fspath,
    opening,
    proc,
    result,
    thread,
    user,
)

if TYPE_CHECKING:
    from falco import Field

_MODULES = (evt, category, arguments, result, opening, proc, ancestors, thread, user, fd, fspath, container)

FIELDS: tuple[Field[Any], ...] = evt.ENVELOPE + fields(
    {name: binder for module in _MODULES for name, binder in module.BINDERS.items()},
    shown=arguments.SHOWN | ancestors.SHOWN | fd.SHOWN,
)
"""All fields of the syscall source; of those that every source has, only what is read differently here."""
