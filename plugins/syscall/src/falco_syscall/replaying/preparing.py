"""What can be done with a chunk of events without knowing the state: converted, and sorted by what is to be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from falco_syscall.capture.columns import NUMBERED, ColumnConverter, Columns, i64
from falco_syscall.capture.event_table import EVENTS
from falco_syscall.decoder import is_of_kernel
from falco_syscall.replaying.operations import Operations
from falco_syscall.replaying.seen import Runs, runs_of

if TYPE_CHECKING:
    from falco_syscall.capture.chunks import Chunk, Places
    from falco_syscall.replaying.operations import Times
    from falco_syscall.replaying.wants import Wants

_IS_OF_KERNEL: Final = np.array([is_of_kernel(info) for info in EVENTS])


def unheard(_sentence: str) -> None:
    """Listens to what columns say as long as they are on their way to another process."""


class Period(NamedTuple):
    """When the events of a chunk were.

    Attributes:
        times: Of each.
        start_place: The place of the first one since the start of the capture.
        start_ns: That start; 0 if it is not in sight.
        before_ns: When the last event before the chunk was; 0 if there is none.
    """

    times: Times
    start_place: int
    start_ns: int
    before_ns: int


@dataclass(slots=True)
class Prepared:
    """A chunk of events.

    Attributes:
        numbered: The places of events that have a number.
        operations: What is to be done with them.
        runs: Which threads they make known.
        said: Sentences about what could not be converted.
        last_num: The number of the last event so far.
        left_out: Events that could not be converted so far.
        lost_enters: Events whose beginning was lost so far.
    """

    columns: Columns
    numbered: Places
    period: Period
    operations: Operations
    runs: Runs
    said: list[str]
    last_num: int
    left_out: int
    lost_enters: int

    def is_for(self, wants: Wants) -> bool:
        """Whether it was prepared for this ruleset."""
        return self.operations.wants.token == wants.token

    def prepare_again(self, wants: Wants) -> None:
        """Choose other operations: the rules have changed meanwhile."""
        period = self.period
        self.operations = Operations(self.columns, self.numbered, wants, times=period.times, before_ns=period.before_ns)


class Preparer:
    """Prepares the chunks of one capture, in order."""

    def __init__(self) -> None:
        self._said: list[str] = []
        self._converter = ColumnConverter(self._said.append)
        self._start_ns = 0
        self._previous_ns = 0

    def prepare(self, chunk: Chunk, wants: Wants) -> Prepared:
        """The next chunk."""
        converter = self._converter
        columns = converter.convert(chunk)
        numbered = np.flatnonzero(columns.traits & NUMBERED)
        times = i64(chunk.data)[chunk.heads].view(np.uint64)
        period = Period(times, self._find_start(columns, numbered, times), self._start_ns, self._previous_ns)
        if len(numbered):
            self._previous_ns = int(times[numbered[-1]])
        operations = Operations(columns, numbered, wants, times=times, before_ns=period.before_ns)
        said = self._said.copy()
        self._said.clear()
        counts = converter.last_num, converter.left_out, converter.lost_enters
        return Prepared(columns, numbered, period, operations, runs_of(columns), said, *counts)

    def _find_start(self, columns: Columns, numbered: Places, times: Times) -> int:
        """The place of the event with which the capture began; that of the first one if it began before."""
        if self._start_ns:
            return 0
        first = numbered[_IS_OF_KERNEL[columns.codes[numbered]] & (times[numbered] > 0)]
        if not len(first):
            return len(columns.tids)
        self._start_ns = int(times[first[0]])
        return int(first[0])
