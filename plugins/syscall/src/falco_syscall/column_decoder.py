"""From the chunks of a capture to the events that some rule may match: what nobody wants is only counted.

Equal to the plain decoder in everything that rules can see. Events that change no state and that no rule may match
are never decoded; a thread that only they belong to is met when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from falco import Decoder
from falco_syscall.capture.chunks import Chunk
from falco_syscall.capture.columns import NUMBERED, ColumnConverter, Columns, i64
from falco_syscall.capture.event_table import EVENTS
from falco_syscall.catalogue.events import GENERIC_EXIT
from falco_syscall.decoder import assume, is_of_kernel, watched_names
from falco_syscall.event import SyscallEvent
from falco_syscall.interest import DISPATCH, Interest, not_asked
from falco_syscall.operations import CLOSE, COPY, MOVE, OPEN_CHECKED, OPEN_CLOSING, PIPE, SOCKET, VISIT, Operations
from falco_syscall.recording import Recorder
from falco_syscall.state import new_machine
from falco_syscall.state.effects import Effects
from falco_syscall.state.machine import MAKES_KNOWN
from falco_syscall.state.making import new_pipe
from falco_syscall.state.sockets import new_socket
from falco_syscall.state.tables import MOST_DESCRIPTORS, DescriptorTable, Undecoded

if TYPE_CHECKING:
    from falco import Check, RecordingLimits, Residual, Ruleset
    from falco_syscall.capture.chunks import Mask, Places
    from falco_syscall.operations import Times
    from falco_syscall.state.threads import Thread, ThreadTable

_NO_TID: Final = -(1 << 63) - 1
"""The number of no thread."""
_MAKES_KNOWN: Final = np.array([info.code in MAKES_KNOWN for info in EVENTS])
_IS_OF_KERNEL: Final = np.array([is_of_kernel(info) for info in EVENTS])


class ColumnDecoder(Decoder[Chunk, SyscallEvent]):
    """Keeps the state of the machine; yields the events that a rule may match."""

    event_source = "syscall"
    dispatch = DISPATCH

    def __init__(self) -> None:
        self.machine = new_machine()
        self._converter = ColumnConverter(self._say)
        self._interest: Interest | None = None
        self._effects = Effects(frozenset())
        self._start_ns = 0
        self._previous_ns = 0
        self._faults = 0
        self._recorder: Recorder | None = None

    @staticmethod
    def assume(check: Check) -> bool | None:
        """Like the plain decoder."""
        return assume(check)

    def recorder(self, limits: RecordingLimits) -> Recorder:
        """Records the events as they are after conversion, after the state as it was at the first of them."""
        self._recorder = Recorder(limits, self._say)
        return self._recorder

    def _say(self, sentence: str) -> None:
        self.report(f"capture: {sentence}")

    def counters(self) -> Mapping[str, int]:
        """What was not kept or not understood, by reason."""
        found = {
            **self.machine.counters(),
            "events that cannot be converted": self._converter.left_out,
            "events whose beginning was lost": self._converter.lost_enters,
        }
        return {reason: number for reason, number in found.items() if number}

    def select(
        self, batch: Chunk, rules: Ruleset[SyscallEvent]
    ) -> Iterator[tuple[Residual[SyscallEvent], SyscallEvent]]:
        """The events of the chunk that a rule may match, in order; each is valid until the next is asked for."""
        if self._interest is None or self._interest.rules is not rules:
            self._interest = Interest(rules)
            self._effects = Effects(self._interest.needs)
            self.machine.names.watch(watched_names(rules.checks))
        for said in batch.metadata:
            self.machine.load(said)
        columns = self._converter.convert(batch)
        numbered = np.flatnonzero(columns.traits & NUMBERED)
        if len(numbered):
            yield from self._events(columns, numbered, self._interest, self._effects)
            if self._recorder is not None and self._recorder.is_on:
                self._recorder.take(columns.events(numbered))
        self.count = self._converter.last_num

    def _events(
        self, columns: Columns, numbered: Places, interest: Interest, effects: Effects
    ) -> Iterator[tuple[Residual[SyscallEvent], SyscallEvent]]:
        """Apply the events that change something and show those that a rule may match, one by one."""
        machine, data = self.machine, columns.chunk.data
        machine.begin()
        threads = machine.threads
        seen = Seen(threads, columns)
        times = i64(data)[columns.chunk.heads].view(np.uint64)
        if self.start_ns is None:
            self.start_ns = int(times[numbered[0]])
        start_place = self._find_start(columns, numbered, times)
        operations = Operations(columns, numbered, interest, effects, times=times, before_ns=self._previous_ns)
        paths, opens, known = operations.paths(), interest.opens, interest.opens.known
        nowhere = table = DescriptorTable()
        thread: Thread | None = None
        current, entries, limit = _NO_TID, table.entries, 0
        for what, tid, fd, first, second in operations:
            residual: Residual[SyscallEvent] | None = None
            if what != VISIT:
                if tid != current:
                    current, thread = tid, threads.known_or_new(tid)
                    found = thread.table if thread is not None else None
                    table = nowhere if found is None else found
                    limit = 0 if table is nowhere else MOST_DESCRIPTORS
                    entries = table.entries
                if what == CLOSE:
                    if fd >= 0:
                        entries.pop(fd, None)
                    continue
                if what == COPY:
                    if first >= 0:
                        table.copy_entry(first, fd, closes_on_exec=second > 0)
                    continue
                if what == MOVE:
                    if fd >= 0:
                        table.mark_connected(fd)
                    continue
                if what == SOCKET:
                    about = next(operations.sockets)
                    if limit:
                        table.enter(fd, new_socket(*about))
                    continue
                if what == PIPE:
                    one, other, ino, flags = next(operations.pipes)
                    if limit:
                        pipe = new_pipe(ino, flags)
                        table.enter(one, pipe)
                        table.enter(other, pipe)
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
            index = first if what == VISIT else operations.opening(first)
            place = operations.places.item(index)
            item = columns.event(place)
            event = SyscallEvent(item, machine)
            event.start_ns = self._start_ns if place >= start_place else 0
            event.previous_ns = operations.before_ns(index) or event.time_ns
            enter = columns.enter(place)
            if enter is not None:
                event.enter = SyscallEvent(enter, machine)
            seen.place = place
            machine.apply(event)
            current = _NO_TID
            if not item.hidden:
                if residual is None:
                    residual = (
                        interest.generic(event.number(0))
                        if event.code == GENERIC_EXIT
                        else interest.left[operations.kind(index)]
                    )
                if residual is not None:
                    self.count = event.num
                    yield residual, event
            machine.settle()
        seen.end()
        self._previous_ns = int(times[numbered[-1]])

    def _find_start(self, columns: Columns, numbered: Places, times: Times) -> int:
        """The place of the event with which the capture began; that of the first one if it began before."""
        if self._start_ns:
            return 0
        first = numbered[_IS_OF_KERNEL[columns.codes[numbered]] & (times[numbered] > 0)]
        if not len(first):
            return len(columns.tids)
        self._start_ns = int(times[first[0]])
        return int(first[0])


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
        places = np.flatnonzero(self._binds)
        tids = self._columns.tids[places]
        starts = np.empty(len(tids), np.bool_)
        starts[:1] = True
        np.not_equal(tids[1:], tids[:-1], out=starts[1:])
        return dict(zip(tids[starts][::-1].tolist(), places[starts][::-1].tolist(), strict=True))

    def note_dropped(self, tid: int) -> None:
        """Remember that the event took a thread out of the table."""
        self._dropped_at[tid] = self.place

    def end(self) -> None:
        """Enter the threads that were seen; nothing of the chunk is needed any more."""
        self.place = len(self._columns.tids)
        if self._first is None:
            self._first = self._find_first()
        for tid in self._threads.unknown(self._first):
            self._threads.get(tid)
        self._threads.was_seen = self._threads.was_dropped = None
