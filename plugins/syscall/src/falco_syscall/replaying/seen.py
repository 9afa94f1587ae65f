"""Which threads the events of a chunk belong to, though nobody looked at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from falco_syscall.capture.columns import NUMBERED, Columns
from falco_syscall.capture.event_table import EVENTS
from falco_syscall.state.machine import MAKES_KNOWN

if TYPE_CHECKING:
    from falco_syscall.capture.chunks import Mask, Places
    from falco_syscall.state.threads import ThreadTable

_MAKES_KNOWN: Final = np.array([info.code in MAKES_KNOWN for info in EVENTS])


def _binding(columns: Columns) -> Mask:
    """Which events make their thread known."""
    return _MAKES_KNOWN[columns.codes] & (columns.traits & NUMBERED > 0)


class Runs(NamedTuple):
    """Events that make their threads known, in runs of one thread each.

    Attributes:
        tids: The thread of each run.
        firsts: Where it begins.
        lasts: Where its last event is.
    """

    tids: Places
    firsts: Places
    lasts: Places


def runs_of(columns: Columns) -> Runs:
    """The runs of a chunk, in order."""
    places = np.flatnonzero(_binding(columns))
    tids = columns.tids[places]
    changes = np.flatnonzero(tids[1:] != tids[:-1])
    ends = np.append(changes, len(tids) - 1)[: len(tids)]
    starts = np.append(0, changes + 1)[: len(tids)]
    return Runs(tids[starts], places[starts], places[ends])


class Seen:
    """The threads of a chunk's events that nobody looked at."""

    def __init__(self, threads: ThreadTable, columns: Columns, runs: Runs) -> None:
        self.place = 0
        """Of the event that is being looked at."""
        self._threads = threads
        self._columns = columns
        self._runs = runs
        self._dropped_at: dict[int, int] = {}
        self._first: dict[int, int] | None = None
        threads.was_seen = self.was_seen
        threads.was_dropped = self.note_dropped

    def was_seen(self, tid: int) -> bool:
        """Whether an event of the thread came after the thread was last taken out of the table."""
        if self._first is None:
            self._first = self._find_first()
        if self._first.get(tid, self.place) >= self.place:
            return False
        dropped_at = self._dropped_at.get(tid)
        if dropped_at is None:
            return True
        since = slice(dropped_at + 1, self.place)
        return bool(((self._columns.tids[since] == tid) & _binding(self._columns)[since]).any())

    def _find_first(self) -> dict[int, int]:
        """The place of the first event of each thread that makes it known."""
        tids, firsts, _ = self._runs
        return dict(zip(tids[::-1].tolist(), firsts[::-1].tolist(), strict=True))

    def _find_last(self) -> dict[int, int]:
        """Likewise of the last one."""
        tids, _, lasts = self._runs
        return dict(zip(tids.tolist(), lasts.tolist(), strict=True))

    def note_dropped(self, tid: int) -> None:
        """Remember that the event took a thread out of the table."""
        self._dropped_at[tid] = self.place

    def end(self) -> None:
        """Enter the threads that were seen; nothing of the chunk is needed any more."""
        self._threads.was_seen = self._threads.was_dropped = None
        last, dropped_at = self._find_last(), self._dropped_at
        for tid in self._threads.unknown(last):
            if last[tid] > dropped_at.get(tid, -1):
                self._threads.known_or_new(tid)
