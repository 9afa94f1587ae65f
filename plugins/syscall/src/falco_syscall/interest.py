"""What a ruleset wants to see, asked once for each kind of event, before any event is decoded."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from falco.conditions.checked import Check, Operator
from falco.fields import FieldUse
from falco.ruleset import UNKNOWN
from falco_syscall.capture.conversion import KEPT_ENTERS
from falco_syscall.capture.event_table import CODES, EVENTS, EventSource
from falco_syscall.capture.linux import SYSCALLS
from falco_syscall.catalogue.events import GENERIC_EXIT
from falco_syscall.event import HAS_DESCRIPTOR, HAS_RESULT

if TYPE_CHECKING:
    from falco.ruleset import DispatchField, Key, KeyPart, Residual, Ruleset
    from falco_syscall.event import SyscallEvent

DISPATCH: Final[tuple[DispatchField, ...]] = (
    ("evt.type",),
    ("evt.dir",),
    ("syscall.type",),
    ("evt.failed",),
    ("evt.is_open_write",),
    ("evt.is_open_read",),
    ("fd.num",),
    ("fd.name",),
    ("fd.directory",),
    ("fd.filename",),
)
"""Fields whose values are known, or asked for first, before an event is decoded."""

SUCCEEDED, FAILED, UNCLEAR = 0, 1, 2
OUTCOMES: Final = 3
"""How a call ended; for events that are not the end of a call it makes no difference."""

_NO_FD: Final = (None,) * 4
_ANY_FD: Final = (UNKNOWN,) * 4
OPENINGS: Final = frozenset(
    CODES[name] for name in ("SYSCALL_OPEN_X", "SYSCALL_OPENAT_2_X", "SYSCALL_OPENAT2_X", "SYSCALL_OPEN_BY_HANDLE_AT_X")
)
"""Calls with flags that say whether they open for reading or writing."""
_ASYNCHRONOUS: Final = CODES["ASYNCEVENT_E"]
_NUM_CHECKS: Final = {Operator.EQ: False, Operator.NE: True, Operator.GE: True, Operator.GT: True}


def assume(check: Check) -> bool | None:
    """Every event has a number above 0: what rules use to say "always" and "never"."""
    is_num = isinstance(check.left, FieldUse) and check.left.name == "evt.num"
    return _NUM_CHECKS.get(check.operator) if is_num and check.right == (0,) and check.modifier is None else None


def key(code: int, name: KeyPart, outcome: int) -> Key:
    """The dispatch values of an event of which nothing but its kind is known."""
    info = EVENTS[code]
    failed: KeyPart = (False, True, UNKNOWN)[outcome] if HAS_RESULT[code] else None
    opens: KeyPart = UNKNOWN if code in OPENINGS else False
    of_call = name if info.source is EventSource.SYSCALL else None
    of_fd = _ANY_FD if HAS_DESCRIPTOR[code] else _NO_FD
    return (name, ">" if info.is_enter else "<", of_call, failed, opens, opens, *of_fd)


class Interest:
    """What one ruleset wants.

    Attributes:
        wanted: By ``code * OUTCOMES + outcome``: whether a rule may match such an event.
        left: The same index: the function that decides it.
        needs: Fields that rules or their outputs read.
    """

    def __init__(self, rules: Ruleset[SyscallEvent]) -> None:
        self.rules = rules
        self.needs = rules.needs((UNKNOWN,) * len(DISPATCH))
        self.left: list[Residual[SyscallEvent] | None] = [None] * (len(EVENTS) * OUTCOMES)
        for code in _codes():
            name: KeyPart = UNKNOWN if code in {GENERIC_EXIT, _ASYNCHRONOUS} else EVENTS[code].name
            for outcome in range(OUTCOMES):
                self.left[code * OUTCOMES + outcome] = rules.residual(key(code, name, outcome))
        self.wanted: npt.NDArray[np.bool_] = np.array([residual is not None for residual in self.left])
        self._generic: dict[int, Residual[SyscallEvent] | None] = {}
        self._generic_wanted = np.full(1 << 16, _NOT_ASKED, np.int8)

    def generic(self, number: int) -> Residual[SyscallEvent] | None:
        """What is left of the rules for a call without an event of its own; *number*: its index in ``SYSCALLS``."""
        if not 0 < number < len(SYSCALLS):
            return self.left[GENERIC_EXIT * OUTCOMES]
        if number not in self._generic:
            self._generic[number] = self.rules.residual(key(GENERIC_EXIT, SYSCALLS[number], SUCCEEDED))
        return self._generic[number]

    def generic_wanted(self, numbers: npt.NDArray[np.uint16]) -> npt.NDArray[np.bool_]:
        """Whether a rule may match such calls."""
        asked = self._generic_wanted[numbers]
        if (asked == _NOT_ASKED).any():
            for number in np.unique(numbers[asked == _NOT_ASKED]).tolist():
                self._generic_wanted[number] = self.generic(number) is not None
            asked = self._generic_wanted[numbers]
        return asked > 0


_NOT_ASKED: Final = -1


@cache
def _codes() -> tuple[int, ...]:
    return tuple(e.code for e in EVENTS if not (e.is_old or e.is_unused or e.code in KEPT_ENTERS))
