"""What a ruleset wants to see, asked once for each kind of event, before any event is decoded."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from falco import UNKNOWN
from falco import text_from_bytes as from_bytes
from falco_syscall.capture.conversion import KEPT_ENTERS
from falco_syscall.capture.event_table import EVENTS
from falco_syscall.capture.linux import SYSCALLS
from falco_syscall.catalogue.events import GENERIC_EXIT
from falco_syscall.descriptor_columns import OPENING_CODES
from falco_syscall.dispatch import ASYNCHRONOUS, DISPATCH, OUTCOMES, SUCCEEDED, key
from falco_syscall.path_filter import NEUTRAL, PathFilter
from falco_syscall.state.opening import O_DIRECTORY
from falco_syscall.state.paths import ABSENT, UNREADABLE, concat, directory_of, filename_of

if TYPE_CHECKING:
    from falco import Key, KeyPart, Residual, Ruleset
    from falco_syscall.event import SyscallEvent


class Interest:
    """What one ruleset wants.

    Attributes:
        wanted: By ``code * OUTCOMES + outcome``: whether a rule may match such an event.
        ever_wanted: By code: the same whatever the outcome.
        left: The same index: the function that decides it.
        needs: Fields that rules or their outputs read.
        opens: The same for opens, of which the path is looked at.
    """

    def __init__(self, rules: Ruleset[SyscallEvent]) -> None:
        self.rules = rules
        self.needs = rules.needs((UNKNOWN,) * len(DISPATCH))
        self.left: list[Residual[SyscallEvent] | None] = [None] * (len(EVENTS) * OUTCOMES)
        for code in _codes():
            name: KeyPart = UNKNOWN if code in {GENERIC_EXIT, ASYNCHRONOUS} else EVENTS[code].name
            for outcome in range(OUTCOMES):
                self.left[code * OUTCOMES + outcome] = rules.residual(key(code, name, outcome))
        self.wanted: npt.NDArray[np.bool_] = np.array([residual is not None for residual in self.left])
        self.ever_wanted: npt.NDArray[np.bool_] = np.logical_or.reduce(self.wanted.reshape(-1, OUTCOMES), axis=1)
        self.opens = OpenInterest(rules)
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


def not_asked(_event: SyscallEvent) -> tuple[()]:
    """Stands for a path that is not in a memo."""
    return ()


class OpenInterest:
    """What a ruleset wants of successful opens, by path.

    An *intent* is the call (its place in ``OPENING_CODES``) and three flags: see `intents`. Paths are chosen by those
    who write the events: memos are cleared when full.

    Attributes:
        wanted: By intent: whether a rule may match such an open.
        known: By intent and absolute path: what `absolute` said of it.
    """

    def __init__(self, rules: Ruleset[SyscallEvent]) -> None:
        keys = [self._key(intent) for intent in range(_INTENTS)]
        self.wanted = np.array([rules.residual((*begun, *_ANY_NAME)) is not None for begun in keys])
        self._narrowed = [rules.narrowed(begun) for begun in keys]
        self._filter = PathFilter(rules.checks)
        neutral, neutral_directory = NEUTRAL, (NEUTRAL[0], NEUTRAL[0], None)
        self._neutral = [
            narrowed(neutral_directory if intent & _IS_DIRECTORY else neutral)
            for intent, narrowed in enumerate(self._narrowed)
        ]
        self.known: list[dict[bytes, Residual[SyscallEvent] | None]] = [{} for _ in keys]
        self._relative: list[dict[tuple[str, bytes], Residual[SyscallEvent] | None]] = [{} for _ in keys]

    @staticmethod
    def intents(call: int, flags: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
        """The intents of opens with these flags."""
        bits = (flags & _READS_OR_WRITES) | (flags & O_DIRECTORY > 0) * np.uint32(_IS_DIRECTORY)
        return bits.astype(np.int64) + (call << 3)

    def absolute(self, intent: int, path: bytes) -> Residual[SyscallEvent] | None:
        """What is left of the rules for the open of an absolute path that is not in `known`; its NUL is included."""
        memo = self.known[intent]
        if len(memo) >= _MOST_PATHS:
            memo.clear()
        is_neutral = self._filter.is_neutral(path)
        residual = memo[path] = self._neutral[intent] if is_neutral else self._left(intent, ".", path)
        return residual

    def relative(self, intent: int, directory: str, path: bytes) -> Residual[SyscallEvent] | None:
        """The same of a path below *directory*."""
        memo = self._relative[intent]
        residual = memo.get((directory, path), not_asked)
        if residual is not_asked:
            if len(memo) >= _MOST_PATHS:
                memo.clear()
            residual = memo[directory, path] = self._left(intent, directory, path)
        return residual

    def _left(self, intent: int, base: str, path: bytes) -> Residual[SyscallEvent] | None:
        given = from_bytes(path)
        name = concat(base, ABSENT if given == UNREADABLE else given)
        if intent & _IS_DIRECTORY:
            return self._narrowed[intent]((name, name, None))
        return self._narrowed[intent]((name, directory_of(name), filename_of(name)))

    @staticmethod
    def _key(intent: int) -> Key:
        name = EVENTS[OPENING_CODES[intent >> 3]].name
        return (name, "<", name, False, bool(intent & _O_WRONLY), bool(intent & _O_RDONLY), UNKNOWN)


_O_RDONLY, _O_WRONLY, _IS_DIRECTORY = 1, 2, 4
_READS_OR_WRITES: Final = _O_RDONLY | _O_WRONLY
_INTENTS: Final = len(OPENING_CODES) << 3
_ANY_NAME: Final = (UNKNOWN,) * 3
_MOST_PATHS: Final = 1 << 14
_NOT_ASKED: Final = -1


@cache
def _codes() -> tuple[int, ...]:
    return tuple(e.code for e in EVENTS if not (e.is_old or e.is_unused or e.code in KEPT_ENTERS))
