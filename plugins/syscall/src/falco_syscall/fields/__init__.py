"""How the values of the fields are read from an event, one module a field class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from falco_syscall.catalogue.fields import fields
from falco_syscall.fields import container, evt, fd, fspath, proc, user

if TYPE_CHECKING:
    from falco import Field

FIELDS: tuple[Field[Any], ...] = evt.ENVELOPE + fields(
    evt.BINDERS | proc.BINDERS | user.BINDERS | fd.BINDERS | fspath.BINDERS | container.BINDERS,
    shown=evt.SHOWN | proc.SHOWN | fd.SHOWN,
)
"""All fields of the syscall source; of those that every source has, only what is read differently here."""
