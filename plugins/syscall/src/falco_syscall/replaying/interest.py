"""What a ruleset wants to see, asked once for each kind of event, before any event is decoded."""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import count
from typing import TYPE_CHECKING, Final

import numpy as np

from falco import UNKNOWN
from falco import text_from_bytes as from_bytes
from falco_syscall.capture.conversion import KEPT_ENTERS
from falco_syscall.capture.event_table import EVENTS
from falco_syscall.capture.linux import SYSCALLS
from falco_syscall.catalogue.events import GENERIC_EXIT
from falco_syscall.dispatch import ASYNCHRONOUS, DISPATCH, OUTCOMES, SUCCEEDED, key
from falco_syscall.replaying.descriptor_columns import OPENING_CODES
from falco_syscall.replaying.path_filter import NEUTRAL, PathFilter
from falco_syscall.replaying.wants import INTENTS_A_CALL, IS_DIRECTORY, O_RDONLY, O_WRONLY, Wants
from falco_syscall.state.effects import Effects
from falco_syscall.state.paths import ABSENT, UNREADABLE, concat, directory_of, filename_of

if TYPE_CHECKING:
    from falco import Key, KeyPart, Residual, Ruleset
    from falco_syscall.event import SyscallEvent


_tokens: Final = count(1)


class Interest:
    """What one ruleset wants.

    Attributes:
        left: By ``code * OUTCOMES + outcome``: the function that decides such an event; None if no rule may match it.
        opens: The same for opens, of which the path is looked at.
        wants: What is wanted, as tables.
    """

    def __init__(self, rules: Ruleset[SyscallEvent]) -> None:
        self.rules = rules
        self.left: list[Residual[SyscallEvent] | None] = [None] * (len(EVENTS) * OUTCOMES)
        for code in _codes():
            name: KeyPart = UNKNOWN if code in {GENERIC_EXIT, ASYNCHRONOUS} else EVENTS[code].name
            for outcome in range(OUTCOMES):
                self.left[code * OUTCOMES + outcome] = rules.residual(key(code, name, outcome))
        self.opens = OpenInterest(rules)
        self._generic = [rules.residual(key(GENERIC_EXIT, name, SUCCEEDED)) for name in SYSCALLS]
        self._generic[0] = self.left[GENERIC_EXIT * OUTCOMES]
        effects = Effects(rules.needs((UNKNOWN,) * len(DISPATCH)))
        wanted = np.array([residual is not None for residual in self.left])
        generic = np.full(1 << 16, self._generic[0] is not None)
        generic[: len(SYSCALLS)] = [residual is not None for residual in self._generic]
        self.wants = Wants(
            next(_tokens),
            wanted,
            np.logical_or.reduce(wanted.reshape(-1, OUTCOMES), axis=1),
            generic,
            self.opens.wanted,
            effects.changes,
            effects.changes_failed,
            effects.marks_connections,
        )

    def generic(self, number: int) -> Residual[SyscallEvent] | None:
        """What is left of the rules for a call without an event of its own; *number*: its index in ``SYSCALLS``."""
        return self._generic[number if 0 < number < len(SYSCALLS) else 0]


def not_asked(_event: SyscallEvent) -> tuple[()]:
    """Stands for a path that is not in a memo."""
    return ()


class OpenInterest:
    """What a ruleset wants of successful opens, by path.

    An *intent* is the call (its place in ``OPENING_CODES``) and three flags: see ``wants.intents``. Paths are chosen
    by those who write the events: memos are cleared when full.

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
            narrowed(neutral_directory if intent & IS_DIRECTORY else neutral)
            for intent, narrowed in enumerate(self._narrowed)
        ]
        self.known: list[dict[bytes, Residual[SyscallEvent] | None]] = [{} for _ in keys]
        self._relative: list[dict[tuple[str, bytes], Residual[SyscallEvent] | None]] = [{} for _ in keys]

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
        if intent & IS_DIRECTORY:
            return self._narrowed[intent]((name, name, None))
        return self._narrowed[intent]((name, directory_of(name), filename_of(name)))

    @staticmethod
    def _key(intent: int) -> Key:
        name = EVENTS[OPENING_CODES[intent // INTENTS_A_CALL]].name
        return (name, "<", name, False, bool(intent & O_WRONLY), bool(intent & O_RDONLY), UNKNOWN)


_INTENTS: Final = len(OPENING_CODES) * INTENTS_A_CALL
_ANY_NAME: Final = (UNKNOWN,) * 3
_MOST_PATHS: Final = 1 << 14


@cache
def _codes() -> tuple[int, ...]:
    return tuple(e.code for e in EVENTS if not (e.is_old or e.is_unused or e.code in KEPT_ENTERS))


@lru_cache(maxsize=2)
def interest_of(rules: Ruleset[SyscallEvent]) -> Interest:
    """That of a ruleset; asked by those who read the events and by those who decode them."""
    return Interest(rules)
