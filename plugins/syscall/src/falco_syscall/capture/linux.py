"""Names of the numbers of Linux that events carry: errors, signals, system calls."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

_DATA: Final[dict[str, Any]] = msgspec.json.decode(Path(__file__).with_name("linux.json").read_bytes())

ERRORS: Final[dict[int, str]] = {number: name for name, number in _DATA["errors"].items()}
"""``ERRORS[2] == "ENOENT"``; also those from 512 on that only the kernel sees."""

SIGNALS: Final[dict[int, str]] = {number: name for name, number in _DATA["signals"].items()}
"""``SIGNALS[9] == "SIGKILL"``."""

SYSCALLS: Final[tuple[str, ...]] = tuple(_DATA["syscalls"])
"""System calls by the code that parameters of type SYSCALLID have, on every architecture.

Code 0 is ``unknown``.
"""


class NativeSyscall(NamedTuple):
    """A system call of one architecture.

    Attributes:
        code: Index into `SYSCALLS`.
        exit_event: Code of the event that reports it.
        flags: USED (has an event of its own or is needed for state), NEVER_DROP, ALWAYS_DROP.
    """

    name: str
    code: int
    exit_event: int
    flags: frozenset[str]


@cache
def native_syscalls(architecture: str) -> dict[int, NativeSyscall]:
    """The system calls of an architecture (``x86_64`` or ``aarch64``) by their native number."""
    calls: dict[str, tuple[str, int, int, list[str]]] = _DATA[architecture]
    return {
        int(number): NativeSyscall(name, code, exit_event, frozenset(flags))
        for number, (name, code, exit_event, flags) in calls.items()
    }


def ia32_to_x86_64(number: int) -> int | None:
    """The native x86-64 number of a 32-bit x86 call; None if there is no such call."""
    native: int = _DATA["ia32"].get(str(number), -1)
    return native if native >= 0 else None
