"""Short forms for the tables of getters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from falco import Value
    from falco_syscall.catalogue.fields import Binder
    from falco_syscall.event import SyscallEvent
    from falco_syscall.state.threads import Thread

Getter: TypeAlias = "Callable[[SyscallEvent], Value | None]"
OfThread: TypeAlias = "Callable[[Thread], Value | None]"


def plain(getter: Getter) -> Binder:
    """A field without an argument."""
    return lambda _argument: getter


def constant(value: Any) -> Binder:
    """A field with the same value for every event; None for a field that never has one."""
    return lambda _argument: lambda _event: value


def of_thread(getter: OfThread) -> Binder:
    """A field that is read from the event's thread; absent without one."""

    def read(event: SyscallEvent) -> Value | None:
        return None if event.thread is None else getter(event.thread)

    return lambda _argument: read


def nonzero(getter: OfThread) -> Binder:
    """The same; absent where it is 0 or empty."""
    return of_thread(lambda thread: getter(thread) or None)


def number(argument: str | None) -> int:
    """An argument as a number.

    Raises:
        ValueError: It is none.
    """
    text = argument or ""
    if not text.lstrip("+-").isascii() or not text.lstrip("+-").isdigit():
        raise ValueError(f"{text} is not a valid number")
    return int(text[:20])
