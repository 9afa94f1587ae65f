"""Which event types a live capture delivers: those of rules, those that state needs, and what ``base_syscalls`` says.

By name, as rules have them. A replay evaluates all events that its capture has.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

from falco_syscall.capture.event_table import CODES, EVENTS, EventFlag, EventInfo, EventSource
from falco_syscall.capture.linux import native_syscalls

_ALWAYS: Final = frozenset({"procexit"})
_LIMITS: Final = frozenset({"prlimit", "setrlimit"})
"""Never left out although no flag says that they change state."""
_CONTAINERS: Final = frozenset({"clone", "clone3", "fork", "vfork", "execve", "execveat", "chroot"})
"""What tells of containers."""
_PROCESSES: Final = _CONTAINERS | {
    *("chdir", "fchdir", "capset", "setuid", "setgid", "setresuid", "setresgid", "setsid", "setpgid", "prctl"),
}
"""The least that the process table needs."""


def is_plain_io(event: EventInfo) -> bool:
    """Whether the event only moves data, like read and write: too many of them to be watched by default."""
    return (
        event.category in {"IO_READ", "IO_WRITE"}
        and not event.is_enter
        and not event.is_old
        and EventFlag.MODIFIES_STATE not in event.flags
    )


_CURRENT: Final = [event for event in EVENTS if not (event.is_old or event.is_unused or event.is_enter)]
_STATE: Final = (
    _ALWAYS
    | _LIMITS
    | {
        event.name
        for event in _CURRENT
        if event.source is EventSource.SYSCALL and EventFlag.MODIFIES_STATE in event.flags
    }
)
_TRANSFERS: Final = frozenset(event.name for event in _CURRENT if is_plain_io(event))
_NET: Final = frozenset(event.name for event in _CURRENT if event.category == "NET")
_FILES: Final = frozenset(
    event.name for event in _CURRENT if event.category in {"FILE", "IO_READ", "IO_WRITE", "IO_OTHER"}
)


def selected(
    rules: Iterable[str], custom_set: Iterable[str] = (), *, repair: bool = False, everything: bool = False
) -> frozenset[str]:
    """The names of the event types that a live capture delivers.

    Args:
        rules: Those that rules can hold for.
        custom_set: ``base_syscalls.custom_set``: names in place of those that state needs; ``!name`` leaves one out.
        repair: ``base_syscalls.repair``: add the least that the process table needs, instead of all that state needs.
        everything: ``base_syscalls.all``: keep calls that only move data, like read and write.
    """
    custom = [*custom_set]
    added = {_event_name(name) for name in custom if not name.startswith("!")}
    removed = {_event_name(name[1:]) for name in custom if name.startswith("!")}
    asked = frozenset(rules)
    if added:
        found = asked | _CONTAINERS | added
    elif repair:
        found = asked | _repaired(asked)
    else:
        found = asked | _CONTAINERS | _STATE
    found -= removed
    if not everything:
        found -= _TRANSFERS
    if custom and repair:
        found = _repaired(found)
    return found | _ALWAYS


def _repaired(names: frozenset[str]) -> frozenset[str]:
    """*names* and the least that the process table needs for them."""
    found = names | _PROCESSES | _ALWAYS
    if names & _NET:
        found |= {"socket", "getsockopt", "close"}
    if names & {"accept", "accept4", "listen"}:
        found |= {"bind"}
    if names & _FILES:
        found |= {"close"}
    return found


@cache
def _event_names() -> dict[str, str]:
    calls = native_syscalls("x86_64").values()
    return {call.name: EVENTS[call.exit_event].name for call in calls if call.exit_event != CODES["GENERIC_X"]}


def _event_name(name: str) -> str:
    """The event of a system call: ``pread`` for ``pread64``."""
    return _event_names().get(name, name)
