"""Which threads the events of a chunk belong to, though nobody looked at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from falco_syscall.capture.columns import NUMBERED, Columns
from falco_syscall.capture.event_table import EVENTS
from falco_syscall.state.machine import MAKES_KNOWN

if TYPE_CHECKING:
    from falco_syscall.capture.chunks import Mask
    from falco_syscall.state.threads import ThreadTable

_MAKES_KNOWN: Final = np.array([info.code in MAKES_KNOWN for info in EVENTS])


class Seen:
    """The threads of a chunk's events that nobody looked at."""

    def __init__(self, threads: ThreadTable, columns: Columns) -> None:
        self.place = 0
        """Of the event that is being looked at."""
        self._threads = threads
        self._columns = columns
        self._dropped_at: dict[int, int] = {}
        self._binds: Mask = _MAKES_KNOWN[columns.codes] & (columns.traits & NUMBERED > 0)
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
        columns = self._columns
        since = slice(dropped_at + 1, self.place)
        return bool(((columns.tids[since] == tid) & self._binds[since]).any())

    def _find_first(self) -> dict[int, int]:
        """The place of the first event of each thread that makes it known."""
        tids, places = self._ends_of_runs(1)
        return dict(zip(reversed(tids), reversed(places), strict=True))

    def _find_last(self) -> dict[int, int]:
        """Likewise of the last one."""
        tids, places = self._ends_of_runs(-1)
        return dict(zip(tids, places, strict=True))

    def _ends_of_runs(self, step: int) -> tuple[list[int], list[int]]:
        """Where the runs of such events of one thread begin (*step* 1) or end (-1), and of which thread they are."""
        places = np.flatnonzero(self._binds)
        tids = self._columns.tids[places]
        is_end = np.ones(len(tids), np.bool_)
        np.not_equal(tids[1:], tids[:-1], out=is_end[1:] if step > 0 else is_end[:-1])
        return tids[is_end].tolist(), places[is_end].tolist()

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
