"""From the chunks of a capture to the events that some rule may match: what nobody wants is only counted.

Equal to the plain decoder in everything that rules can see. Events that change no state and that no rule may match
are never decoded; a thread that only they belong to is met when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from falco.sources import Decoder
from falco_syscall.capture.chunks import Chunk, u16, u32
from falco_syscall.capture.columns import KEPT_ENTER, NUMBERED, ORIGINAL, PLAIN, ColumnConverter, Columns, i64
from falco_syscall.capture.event_table import EVENTS, FIXED_SIZES
from falco_syscall.capture.stored_event import HEADER
from falco_syscall.catalogue.events import GENERIC_EXIT
from falco_syscall.decoder import is_of_kernel
from falco_syscall.event import HAS_RESULT, SyscallEvent
from falco_syscall.interest import DISPATCH, FAILED, OUTCOMES, SUCCEEDED, UNCLEAR, Interest, assume
from falco_syscall.state import new_machine
from falco_syscall.state.effects import TUPLE_AT, Effects
from falco_syscall.state.machine import MAKES_KNOWN

if TYPE_CHECKING:
    from falco.conditions.checked import Check
    from falco.ruleset import Residual, Ruleset
    from falco_syscall.capture.chunks import Mask, Places
    from falco_syscall.state.threads import ThreadTable

_RESULT_BYTES: Final = 8
_HAS_RESULT: Final = np.array(
    [HAS_RESULT[info.code] and dict(FIXED_SIZES[info.code]).get(0) == _RESULT_BYTES for info in EVENTS]
)
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

    @staticmethod
    def assume(check: Check) -> bool | None:
        """See `interest.assume`."""
        return assume(check)

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
        for said in batch.metadata:
            self.machine.load(said)
        columns = self._converter.convert(batch)
        numbered = np.flatnonzero(columns.traits & NUMBERED)
        if len(numbered):
            yield from self._events(columns, numbered, self._interest, self._effects)
        self.count = self._converter.last_num

    def _events(
        self, columns: Columns, numbered: Places, interest: Interest, effects: Effects
    ) -> Iterator[tuple[Residual[SyscallEvent], SyscallEvent]]:
        """Apply the events that change something and show those that a rule may match, one by one."""
        machine = self.machine
        machine.begin()
        threads = machine.threads
        seen = Seen(threads, columns)
        chosen, indices = self._chosen(columns, numbered, interest, effects)
        start_ns, times = self._times(columns, numbered)
        before = np.where(chosen > 0, numbered[chosen - 1], -1)
        for place, previous, index in zip(numbered[chosen].tolist(), before.tolist(), indices.tolist(), strict=True):
            item = columns.event(place)
            event = SyscallEvent(item, machine)
            event.start_ns = start_ns if place >= self._start_place else 0
            event.previous_ns = (int(times[previous]) if previous >= 0 else self._previous_ns) or event.time_ns
            enter = columns.kept_enter(place)
            if enter is not None:
                event.enter = SyscallEvent(enter, machine)
            seen.place = place
            machine.apply(event)
            if not item.hidden:
                residual = interest.generic(event.number(0)) if event.code == GENERIC_EXIT else interest.left[index]
                if residual is not None:
                    self.count = event.num
                    yield residual, event
            machine.settle()
            seen.note_dropped()
        seen.end()
        self._previous_ns = int(times[numbered[-1]])

    def _times(self, columns: Columns, numbered: Places) -> tuple[int, npt.NDArray[np.int64]]:
        """When the capture began, and when each event of the chunk was."""
        times = i64(columns.chunk.data)[columns.chunk.heads]
        self._start_place = 0
        if not self._start_ns:
            first = numbered[_IS_OF_KERNEL[columns.codes[numbered]]]
            if len(first):
                self._start_place = int(first[0])
                self._start_ns = int(times[first[0]])
        return self._start_ns, times

    @staticmethod
    def _chosen(columns: Columns, numbered: Places, interest: Interest, effects: Effects) -> tuple[Places, Places]:
        """Which of the numbered events must be looked at, and what they are to the rules."""
        data, codes, traits = columns.chunk.data, columns.codes[numbered], columns.traits[numbered]
        kinds = codes.astype(np.int64) * OUTCOMES
        any_wanted = interest.wanted.reshape(-1, OUTCOMES).any(axis=1)
        possible = np.flatnonzero((effects.changes | any_wanted)[codes] & (traits & KEPT_ENTER == 0))
        places, codes, traits, kinds = numbered[possible], codes[possible], traits[possible], kinds[possible]
        heads, ends, counts = columns.chunk.heads[places], columns.chunk.ends[places], columns.counts[places]
        lengths_at = heads + HEADER.size
        first_at = lengths_at + 2 * counts.astype(np.int64)
        has_first = (counts > 0) & (traits & PLAIN > 0) & (first_at + 2 <= ends)
        first_at = np.where(has_first, first_at, heads)
        # Only results of eight bytes are results; of anything else the event itself must tell.
        whole = has_first & _HAS_RESULT[codes] & (u16(data)[lengths_at - 2 * ~has_first] == _RESULT_BYTES)
        outcomes = np.where(whole, u32(data)[np.where(whole, first_at + 4, heads)] >> 31, UNCLEAR)
        outcomes[~_HAS_RESULT[codes]] = SUCCEEDED
        failed = whole & (outcomes == FAILED)
        changes = np.where(failed, effects.changes_failed[codes], effects.changes[codes])
        changes &= ~_without_ends(columns, places, codes, traits, lengths_at)
        wanted = interest.wanted[kinds + outcomes]
        generic = np.flatnonzero((codes == GENERIC_EXIT) & wanted & has_first)
        if len(generic):
            wanted[generic] = interest.generic_wanted(u16(data)[first_at[generic]])
        if columns.hidden is not None:
            wanted &= ~columns.hidden[places]
        some = np.flatnonzero(changes | wanted)
        return possible[some], (kinds + outcomes)[some]


def _without_ends(
    columns: Columns, places: Places, codes: npt.NDArray[np.uint16], traits: npt.NDArray[np.uint8], lengths_at: Places
) -> Mask:
    """Which events move data and do not tell between whom."""
    at = TUPLE_AT[codes]
    known = (at >= 0) & (traits & ORIGINAL > 0) & (at < columns.counts[places])
    is_empty: Mask = u16(columns.chunk.data)[np.where(known, lengths_at + 2 * at, lengths_at)] == 0
    return known & is_empty


class Seen:
    """The threads of a chunk's events that nobody looked at."""

    def __init__(self, threads: ThreadTable, columns: Columns) -> None:
        self.place = 0
        """Of the event that is being looked at."""
        self._threads = threads
        self._columns = columns
        self._dropped_at: dict[int, int] = {}
        self._places: Places | None = None
        self._tids: frozenset[int] = frozenset()
        threads.was_seen = self.was_seen
        threads.dropped = []

    def was_seen(self, tid: int) -> bool:
        """Whether an event of the thread came after the thread was last taken out of the table."""
        if self._places is None:
            self._places = self._binding()
            self._tids = frozenset(self._columns.tids[self._places].tolist())
        if tid not in self._tids:
            return False
        places = self._places[self._columns.tids[self._places] == tid]
        last = int(np.searchsorted(places, self.place)) - 1
        return last >= 0 and int(places[last]) > self._dropped_at.get(tid, -1)

    def _binding(self) -> Places:
        """The events that make an unknown thread known."""
        return np.flatnonzero(_MAKES_KNOWN[self._columns.codes] & (self._columns.traits & NUMBERED > 0))

    def note_dropped(self) -> None:
        """Remember which threads the event took out of the table."""
        dropped = self._threads.dropped
        if dropped:
            self._dropped_at.update(dict.fromkeys(dropped, self.place))
            dropped.clear()

    def end(self) -> None:
        """Enter the threads that were seen; nothing of the chunk is needed any more."""
        self.place = len(self._columns.tids)
        tids = self._columns.tids
        starts_run = np.empty(len(tids), np.bool_)
        starts_run[:1] = True
        np.not_equal(tids[1:], tids[:-1], out=starts_run[1:])
        for tid in self._threads.unknown(tids[starts_run].tolist()):
            self._threads.get(tid)
        self._threads.was_seen = self._threads.dropped = None
