"""The replay of a capture: chunk by chunk, what changes something or may match is looked at, all else is skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from falco_syscall.capture.columns import NUMBERED, ColumnConverter, Columns, i64
from falco_syscall.capture.event_table import EVENTS
from falco_syscall.catalogue.events import GENERIC_EXIT
from falco_syscall.decoder import is_of_kernel, watched_names
from falco_syscall.event import SyscallEvent
from falco_syscall.interest import Interest, not_asked
from falco_syscall.operations import CLOSE, COPY, MOVE, OPEN_CHECKED, OPEN_CLOSING, SOCKET, VISIT, Operations
from falco_syscall.seen import Seen
from falco_syscall.state import Machine, new_machine
from falco_syscall.state.effects import Effects
from falco_syscall.state.making import new_pipe
from falco_syscall.state.sockets import new_socket
from falco_syscall.state.tables import MOST_DESCRIPTORS, DescriptorTable, Undecoded

if TYPE_CHECKING:
    from falco import Residual, Ruleset
    from falco_syscall.capture import CaptureEvent
    from falco_syscall.capture.chunks import Chunk, Places
    from falco_syscall.operations import Times, Visit
    from falco_syscall.state.threads import Thread

_IS_HIDDEN, _KIND = 5, 6
"""What of a visit is asked for by itself."""
_NO_TID: Final = -(1 << 63) - 1
"""The number of no thread."""
_IS_OF_KERNEL: Final = np.array([is_of_kernel(info) for info in EVENTS])


class Replay:
    """What lasts from one chunk to the next.

    Args:
        say: Takes a sentence about what could not be converted.

    Attributes:
        machine: The state.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.machine = new_machine()
        self._converter = ColumnConverter(say)
        self._interest: Interest | None = None
        self._effects = Effects(frozenset())
        self._start_ns = 0
        self._previous_ns = 0

    @property
    def last_num(self) -> int:
        """The number of the last event so far."""
        return self._converter.last_num

    def counters(self) -> Mapping[str, int]:
        """What was not kept or not understood, by reason."""
        found = {
            **self.machine.counters(),
            "events that cannot be converted": self._converter.left_out,
            "events whose beginning was lost": self._converter.lost_enters,
        }
        return {reason: number for reason, number in found.items() if number}

    def take(self, chunk: Chunk, rules: Ruleset[SyscallEvent]) -> ChunkReplay | None:
        """The next chunk, to be replayed before another one is taken; None if no event of it has a number."""
        if self._interest is None or self._interest.rules is not rules:
            self._interest = Interest(rules)
            self._effects = Effects(self._interest.needs)
            self.machine.names.watch(watched_names(rules.checks))
        for said in chunk.metadata:
            self.machine.load(said)
        columns = self._converter.convert(chunk)
        numbered = np.flatnonzero(columns.traits & NUMBERED)
        if not len(numbered):
            return None
        times = i64(chunk.data)[chunk.heads].view(np.uint64)
        start_place = self._find_start(columns, numbered, times)
        period = Period(times, start_place, self._start_ns, self._previous_ns)
        self._previous_ns = int(times[numbered[-1]])
        return ChunkReplay(self.machine, columns, numbered, self._interest, self._effects, period=period)

    def _find_start(self, columns: Columns, numbered: Places, times: Times) -> int:
        """The place of the event with which the capture began; that of the first one if it began before."""
        if self._start_ns:
            return 0
        first = numbered[_IS_OF_KERNEL[columns.codes[numbered]] & (times[numbered] > 0)]
        if not len(first):
            return len(columns.tids)
        self._start_ns = int(times[first[0]])
        return int(first[0])


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


class ChunkReplay:
    """The events of one chunk, to be gone through once: applied, and those that a rule may match handed out."""

    def __init__(
        self,
        machine: Machine,
        columns: Columns,
        numbered: Places,
        interest: Interest,
        effects: Effects,
        *,
        period: Period,
    ) -> None:
        self._machine = machine
        self._columns = columns
        self._numbered = numbered
        self._interest = interest
        self._period = period
        machine.begin()
        self._seen = Seen(machine.threads, columns)
        self._operations = Operations(
            columns, numbered, interest, effects, times=period.times, before_ns=period.before_ns
        )

    @property
    def first_ns(self) -> int:
        """When its first event was."""
        return int(self._period.times[self._numbered[0]])

    def captured(self) -> Iterator[CaptureEvent]:
        """All its events, undecoded."""
        return self._columns.events(self._numbered)

    def __iter__(self) -> Iterator[tuple[Residual[SyscallEvent], SyscallEvent]]:
        """Apply the events that change something and show those that a rule may match, one by one."""
        machine, operations, data = self._machine, self._operations, self._columns.chunk.data
        known_or_new, interest = machine.threads.known_or_new, self._interest
        generic, opens, left = interest.generic, interest.opens, interest.left
        paths, known, visits = operations.paths(), opens.known, operations.visits()
        nowhere = table = DescriptorTable()
        thread: Thread | None = None
        current, entries, limit = _NO_TID, table.entries, 0
        for what, tid, fd, first, second in operations:
            residual: Residual[SyscallEvent] | None = None
            if what != VISIT:
                if tid != current:
                    current, thread = tid, known_or_new(tid)
                    found = thread.table if thread is not None else None
                    table = nowhere if found is None else found
                    limit = 0 if table is nowhere else MOST_DESCRIPTORS
                    entries = table.entries
                if what == CLOSE:
                    if fd >= 0:
                        entries.pop(fd, None)
                    continue
                if what > OPEN_CHECKED:
                    self._change(table if limit else None, what, fd, first, second)
                    continue
                opening = data[first : first + second]
                entry: Undecoded = opening
                is_told = True
                if what == OPEN_CHECKED:
                    at, size, back, intent, is_absolute, closes = next(paths)
                    path = opening[at : at + size]
                    # Otherwise the path was changed while it was opened.
                    is_told = not back or data.startswith(path, first - back)
                    if not is_absolute:
                        directory = thread.directory if thread is not None else ""
                        entry = directory, opening, closes
                        if intent >= 0 and is_told:
                            residual = opens.relative(intent, directory, path)
                    else:
                        if closes:
                            entry = ".", opening, True
                        if intent >= 0 and is_told:
                            residual = known[intent].get(path, not_asked)
                            if residual is not_asked:
                                residual = opens.absolute(intent, path)
                elif what == OPEN_CLOSING:
                    entry = ".", opening, True
                if not is_told or (len(entries) >= limit and fd not in entries):
                    residual = None  # what was found for the path is about a descriptor that is not made
                elif residual is None:
                    entries[fd] = entry
                    continue
            visit = next(visits) if what == VISIT else operations.visit(first)
            event = self._applied(visit, tid)
            current = _NO_TID
            if not visit[_IS_HIDDEN]:
                if residual is None:
                    residual = generic(event.number(0)) if event.code == GENERIC_EXIT else left[visit[_KIND]]
                if residual is not None:
                    yield residual, event
            machine.settle()
        self._seen.end()

    def _applied(self, visit: Visit, tid: int) -> SyscallEvent:
        """A visited event, decoded and applied."""
        place, num, time_ns, before_ns, cpu, _, _ = visit
        columns, period = self._columns, self._period
        self._seen.place = place
        code, params = columns.params(place)
        start_ns = period.start_ns if place >= period.start_place else 0
        event = SyscallEvent(num, time_ns, tid, cpu, code, params, self._machine, before_ns or time_ns, start_ns)
        if columns.kept is not None:
            event.enter_of = partial(self._enter, place)
        self._machine.apply(event)
        return event

    def _enter(self, place: int) -> SyscallEvent | None:
        item = self._columns.enter(place)
        if item is None:
            return None
        about = (item.num, item.time_ns, item.tid, item.cpu, item.code, item.params, self._machine)
        return SyscallEvent(*about, item.time_ns, item.time_ns)

    def _change(self, table: DescriptorTable | None, what: int, fd: int, first: int, second: int) -> None:
        """Do what the operation says, other than to open and to close; *table*: None if it is not kept."""
        if what == COPY:
            if table is not None and first >= 0:
                table.copy_entry(first, fd, closes_on_exec=second > 0)
        elif what == MOVE:
            if table is not None and fd >= 0:
                table.mark_connected(fd)
        elif what == SOCKET:
            about = next(self._operations.sockets)
            if table is not None:
                table.enter(fd, new_socket(*about))
        else:
            one, other, ino, flags = next(self._operations.pipes)
            if table is not None:
                pipe = new_pipe(ino, flags)
                table.enter(one, pipe)
                table.enter(other, pipe)
