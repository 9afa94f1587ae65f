"""The replay of a capture: chunk by chunk, what changes something or may match is looked at, all else is skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from falco_syscall.capture.capture_file import MAX_PROBLEMS
from falco_syscall.catalogue.events import GENERIC_EXIT
from falco_syscall.decoder import watched_names
from falco_syscall.event import SyscallEvent
from falco_syscall.replaying.interest import Interest, interest_of, not_asked
from falco_syscall.replaying.operations import CLOSE, COPY, MOVE, OPEN_CHECKED, OPEN_CLOSING, SOCKET, VISIT
from falco_syscall.replaying.preparing import Prepared, Preparer
from falco_syscall.replaying.seen import Seen
from falco_syscall.state import Machine, new_machine
from falco_syscall.state.making import new_pipe
from falco_syscall.state.sockets import new_socket
from falco_syscall.state.tables import MOST_DESCRIPTORS, DescriptorTable, Undecoded

if TYPE_CHECKING:
    from falco import Residual, Ruleset
    from falco_syscall.capture import CaptureEvent
    from falco_syscall.capture.chunks import Chunk
    from falco_syscall.replaying.operations import Visit
    from falco_syscall.state.threads import Thread

_IS_HIDDEN, _KIND = 5, 6
"""What of a visit is asked for by itself."""
_NO_TID: Final = -(1 << 63) - 1
"""The number of no thread."""


class Replay:
    """What lasts from one chunk to the next.

    Args:
        say: Takes a sentence about what could not be converted.

    Attributes:
        machine: The state.
        last_num: The number of the last event so far.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.machine = new_machine()
        self.last_num = 0
        self._say = say
        self._wrong_sizes = 0
        self._preparer = Preparer()
        self._interest: Interest | None = None
        self._left_out = 0
        self._lost_enters = 0

    def counters(self) -> Mapping[str, int]:
        """What was not kept or not understood, by reason."""
        found = {
            **self.machine.counters(),
            "events that cannot be converted": self._left_out,
            "events whose beginning was lost": self._lost_enters,
        }
        return {reason: number for reason, number in found.items() if number}

    def take(self, batch: Chunk | Prepared, rules: Ruleset[SyscallEvent]) -> ChunkReplay | None:
        """The next chunk, to be replayed before another one is taken; None if no event of it has a number.

        Args:
            batch: As it was read, or prepared, which was begun with the first one then.
            rules: In force.
        """
        interest = self._interest
        if interest is None or interest.rules is not rules:
            self._interest = interest = interest_of(rules)
            self.machine.names.watch(watched_names(rules.checks))
        prepared = batch if isinstance(batch, Prepared) else self._preparer.prepare(batch, interest.wants)
        prepared.columns.say = self._say_wrong_size
        if not prepared.is_for(interest.wants):
            prepared.prepare_again(interest.wants)
        for sentence in prepared.said:
            self._say(sentence)
        self.last_num = prepared.last_num
        self._left_out, self._lost_enters = prepared.left_out, prepared.lost_enters
        for said in prepared.columns.chunk.metadata:
            self.machine.load(said)
        return ChunkReplay(self.machine, prepared, interest) if len(prepared.numbered) else None

    def _say_wrong_size(self, sentence: str) -> None:
        self._wrong_sizes += 1
        if self._wrong_sizes <= MAX_PROBLEMS:
            self._say(sentence)


class ChunkReplay:
    """The events of one chunk, to be gone through once: applied, and those that a rule may match handed out."""

    def __init__(self, machine: Machine, prepared: Prepared, interest: Interest) -> None:
        self._machine = machine
        self._columns = prepared.columns
        self._numbered = prepared.numbered
        self._interest = interest
        self._period = prepared.period
        self._operations = prepared.operations
        self._sockets = prepared.operations.sockets()
        self._pipes = prepared.operations.pipes()
        machine.begin()
        self._seen = Seen(machine.threads, prepared.columns, prepared.runs)

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
                    is_told = not back or data[first - back : first - back + size] == path
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
            about = next(self._sockets)
            if table is not None:
                table.enter(fd, new_socket(*about))
        else:
            one, other, ino, flags = next(self._pipes)
            if table is not None:
                pipe = new_pipe(ino, flags)
                table.enter(one, pipe)
                table.enter(other, pipe)
