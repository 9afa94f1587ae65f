"""Converts the events of a chunk without decoding them: their numbers, current codes and enter events.

The fast way beside `reader`, on top of `chunks`: what becomes of each event is looked up by (code, number of
parameters) for all at once, enter events are paired with exit events by sorting. Only the events that somebody
asks for are decoded, into what the plain reader makes of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from falco_syscall.capture.capture_file import MAX_PROBLEMS
from falco_syscall.capture.chunks import Chunk, Data, Mask, Places, u32
from falco_syscall.capture.conversion import KEPT_ENTERS, Fate, Origin, Plan, assembled, plan
from falco_syscall.capture.event import CaptureEvent
from falco_syscall.capture.event_table import EVENTS, FIXED_SIZES, EventSource
from falco_syscall.capture.metadata import Section
from falco_syscall.capture.reader import INITIAL_EVENTS, surplus, wrong_size
from falco_syscall.capture.recipes import KIND, MOST_PARAMETERS, shape_of
from falco_syscall.capture.stored_event import HEADER, STATE_ONLY

NUMBERED: Final = 1
"""It has a number: it is an event of the current schema, or becomes one."""
_REMEMBERED: Final = 2
"""Its parameters wait for the exit event of the call."""
_COMPLETED: Final = 4
"""It takes over what was remembered."""
KEPT_ENTER: Final = 8
"""It is an enter event that the current schema still has."""
_EXIT: Final = 16
"""It is the end of a call."""
_UNUSUAL: Final = 32
"""It cannot be converted, or has parameters that are not known."""

PLAIN: Final = 64
"""Its first parameter is the first one of the stored event."""
ORIGINAL: Final = 128
"""It is as it was stored."""

COUNTS: Final = MOST_PARAMETERS
_PENDING_LIMIT: Final = 1 << 18

Kinds: TypeAlias = npt.NDArray[np.uint16]
_KIND_AT: Final = HEADER.size - KIND.size


class _Tables(NamedTuple):
    """By stored code and number of parameters (`COUNTS` to a code)."""

    codes: Kinds
    traits: npt.NDArray[np.uint8]
    enters: npt.NDArray[np.int32]
    """Code of the enter event that completes it, -1 if none does."""


@cache
def _tables() -> _Tables:
    enters = np.full((len(EVENTS), COUNTS), -1, np.int32)
    codes = np.zeros((len(EVENTS), COUNTS), np.uint16)
    traits = np.zeros((len(EVENTS), COUNTS), np.uint8)
    for info in EVENTS:
        for count in range(len(info.params) + 2):
            way = plan(info.code, count)
            trait = 0
            if way.fate in {Fate.PASS, Fate.CONVERT}:
                trait |= NUMBERED
                trait |= PLAIN | ORIGINAL if way.fate is Fate.PASS else PLAIN * _keeps_first(way)
                trait |= KEPT_ENTER if way.code in KEPT_ENTERS else 0
                now = EVENTS[way.code]
                trait |= _EXIT if now.source is EventSource.SYSCALL and not now.is_enter else 0
            trait |= _REMEMBERED if way.remembers or way.fate is Fate.STORE else 0
            trait |= _COMPLETED if way.enter is not None else 0
            trait |= _UNUSUAL if way.fate is Fate.FAIL or (count > len(info.params) and not info.is_old) else 0
            codes[info.code, count:] = way.code
            traits[info.code, count:] = trait
            enters[info.code, count:] = -1 if way.enter is None else way.enter
    return _Tables(codes.ravel(), traits.ravel(), enters.ravel())


def _keeps_first(way: Plan) -> bool:
    first = way.pieces[0] if way.pieces else None
    return first is not None and first.origin is Origin.EVENT and not first.number and first.limit in {None, 8}


class Pairs(NamedTuple):
    """Which event of the same thread came before, among those that opened or ended something.

    Attributes:
        before: By event of the chunk: the place of that event, -1 if there is none in the chunk.
        first: Events that have none.
        last: The last of each thread.
    """

    before: Places
    first: Places
    last: Places


def _pairs(tids: Places, among: Places) -> Pairs:
    # Events of a thread mostly follow each other: only the runs of them are sorted.
    told = tids[among]
    begins = np.empty(len(among), np.bool_)
    begins[:1] = True
    np.not_equal(told[1:], told[:-1], out=begins[1:])
    starts = np.flatnonzero(begins)
    ends = np.append(starts[1:], len(among))[: len(starts)] - 1
    order = np.argsort(told[starts], kind="stable")
    sorted_tids = told[starts[order]]
    same = np.empty(len(order), np.bool_)
    same[:1] = False
    np.equal(sorted_tids[1:], sorted_tids[:-1], out=same[1:])
    before = np.full(len(tids), -1, np.int64)
    before[among[1:]] = among[:-1]
    before[among[starts]] = -1
    follows = np.flatnonzero(same)
    before[among[starts[order[follows]]]] = among[ends[order[follows - 1]]]
    is_last = np.append(~same[1:], np.ones(min(len(order), 1), np.bool_))
    return Pairs(before, among[starts[order[~same]]], among[ends[order[is_last]]])


@dataclass(slots=True)
class Columns:
    """The events of a chunk in the current schema; arrays have one element an event of the chunk.

    Attributes:
        say: Takes a sentence about what is wrong with an event.
        counts: Numbers of stored parameters.
        kinds: Stored codes and numbers of parameters in one: ``code * COUNTS + count``.
        codes: Current codes.
        traits: What the event is: ``NUMBERED`` and so on.
        nums: Of those that are numbered: their numbers.
        entered: Where the enter event is that the event is completed by, -1 if not in this chunk; None if no event
            is.
        kept: Where the enter event is that the current schema keeps; likewise.
        hidden: Events that rules do not see, kept enter events apart; None if there are none.
        carried: By place: parameters of enter events of earlier chunks.
        carried_kept: The same for those that the schema keeps.
    """

    chunk: Chunk
    say: Callable[[str], None]
    tids: Places
    counts: npt.NDArray[np.uint32]
    kinds: Places
    codes: Kinds
    traits: npt.NDArray[np.uint8]
    nums: Places
    entered: Places | None = None
    kept: Places | None = None
    hidden: Mask | None = None
    carried: dict[int, tuple[int, list[bytes]]] = field(default_factory=dict)
    carried_kept: dict[int, CaptureEvent] = field(default_factory=dict)

    def event(self, place: int) -> CaptureEvent:
        """A numbered event, decoded and converted."""
        chunk, data = self.chunk, self.chunk.data
        time_ns, tid, _, stored, count = HEADER.unpack_from(data, head := chunk.heads.item(place))
        code, params = self._sound(place, head, count)
        hidden = code in KEPT_ENTERS or (self.hidden is not None and self.hidden.item(place))
        cpu = data[start := chunk.starts.item(place)] | data[start + 1] << 8
        return CaptureEvent(self.nums.item(place), time_ns, tid, cpu, code, params, hidden, stored)

    def events(self, places: Places) -> Iterator[CaptureEvent]:
        """Numbered events, decoded and converted, one by one."""
        return map(self.event, places.tolist())

    def enter(self, place: int) -> CaptureEvent | None:
        """The enter event, if the current schema keeps it, of the call that a numbered event ends."""
        if self.kept is None:
            return None
        code, kept = self.codes.item(place) - 1, self.kept.item(place)
        if kept >= 0 and self.codes.item(kept) == code:
            return self.event(kept)
        carried = self.carried_kept.get(place)
        return carried if carried is not None and carried.code == code else None

    def params(self, place: int) -> tuple[int, list[bytes]]:
        """The current code and parameters of a numbered event."""
        return self._sound(place, self.chunk.heads.item(place), self.counts.item(place))

    def remembered(self, place: int) -> tuple[int, list[bytes]]:
        """The code and parameters with which an enter event waits."""
        if self.traits.item(place) & NUMBERED:
            return self.params(place)
        params = self._stored(place)
        way = plan(self.chunk.codes.item(place), len(params))
        return way.code, assembled(way, params, None) if way.pieces else params

    def _sound(self, place: int, head: int, count: int) -> tuple[int, list[bytes]]:
        """The current code and parameters; those with a size that their type cannot have are left empty."""
        data = self.chunk.data
        shape = shape_of(data[head + _KIND_AT : (at := head + HEADER.size + 2 * count)])
        recipe = shape.recipe
        if recipe is None or shape.unpack is None:
            return self._converted(place)
        entered = None if recipe.enter is None else self._entered(place, recipe.enter)
        params = recipe.applied(shape.unpack(data, at), entered)
        return self._converted(place) if params is None else (recipe.code, params)

    def _converted(self, place: int) -> tuple[int, list[bytes]]:
        params = self._stored(place)
        way = plan(self.chunk.codes.item(place), len(params))
        code = way.code
        if way.fate is Fate.PASS:
            del params[len(EVENTS[code].params) :]
        else:
            params = assembled(way, params, None if way.enter is None else self._entered(place, way.enter))
        for position, size in FIXED_SIZES[code]:
            if position < len(params) and len(params[position]) != size and params[position]:
                self.say(wrong_size(code, position, len(params[position])))
                params[position] = b""
        return code, params

    def _stored(self, place: int) -> list[bytes]:
        data, head = self.chunk.data, self.chunk.heads.item(place)
        at = head + HEADER.size + 2 * self.counts.item(place)
        unpack = shape_of(data[head + _KIND_AT : at]).unpack
        return self.chunk.event(place).params if unpack is None else list(unpack(data, at))

    def _entered(self, place: int, wanted: int) -> list[bytes] | None:
        """The parameters that wait for an event, if they are those of the enter event *wanted*."""
        enter = -1 if self.entered is None else self.entered.item(place)
        if enter >= 0:
            if not self.traits.item(enter) & _REMEMBERED:
                return None
            code, params = self.remembered(enter)
        elif place in self.carried:
            code, params = self.carried[place]
        else:
            return None
        return params if code == wanted else None


class ColumnConverter:
    """Converts the chunks of one capture, in order.

    Attributes:
        last_num: Number of the last event.
        lost_enters: Events whose enter event was missing: their arguments are not known.
        left_out: Events that could not be converted.
        report: Takes a sentence about what is wrong with the capture.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self.report = report
        self.last_num = 0
        self.lost_enters = 0
        self.left_out = 0
        self._said = 0
        self._is_initial = True
        self._pending: dict[int, tuple[int, list[bytes]]] = {}
        self._kept: dict[int, CaptureEvent] = {}

    def convert(self, chunk: Chunk) -> Columns:
        """The events of the next chunk."""
        self._is_initial = self._is_initial or any(isinstance(said, Section) for said in chunk.metadata)
        tables = _tables()
        counts = u32(chunk.data)[chunk.heads + 22] if len(chunk) else np.zeros(0, np.uint32)
        at = chunk.codes.astype(np.int64) * COUNTS + np.minimum(counts, COUNTS - 1)
        codes, traits = tables.codes[at], tables.traits[at]
        tids = i64(chunk.data)[chunk.heads + 8] if len(chunk) else np.zeros(0, np.int64)
        nums = np.cumsum(traits & NUMBERED, dtype=np.int64) + self.last_num
        columns = Columns(chunk, self._say, tids, counts, at, codes, traits, nums)
        if len(chunk):
            self._pair(columns, tables.enters[at])
            self._pair_kept(columns)
            self._hide(columns)
            self._tell(columns)
            self.last_num = int(nums[-1])
        return columns

    def _pair(self, columns: Columns, wanted: npt.NDArray[np.int32]) -> None:
        """Find the enter events that complete exit events."""
        among = np.flatnonzero(columns.traits & (_REMEMBERED | _COMPLETED))
        if not len(among):
            return
        pairs = _pairs(columns.tids, among)
        columns.entered = pairs.before
        completed = among[columns.traits[among] & _COMPLETED > 0]
        before = pairs.before[completed]
        fits = (before >= 0) & (columns.codes[before] == wanted[completed]) & (columns.traits[before] & _REMEMBERED > 0)
        lost = len(completed) - int(np.count_nonzero(fits))
        if self._pending:
            for index in pairs.first.tolist():
                entered = self._pending.pop(int(columns.tids[index]), None)
                if entered is not None and columns.traits[index] & _COMPLETED:
                    columns.carried[index] = entered
                    lost -= entered[0] == wanted[index]
        self.lost_enters += lost
        for index in pairs.last[columns.traits[pairs.last] & _REMEMBERED > 0].tolist():
            self._pending[int(columns.tids[index])] = columns.remembered(index)
        if len(self._pending) > _PENDING_LIMIT:
            self._pending.clear()

    def _pair_kept(self, columns: Columns) -> None:
        """Find the enter events of today's schema that belong to exit events."""
        if not self._kept and not (columns.traits & KEPT_ENTER).any():
            return
        pairs = _pairs(columns.tids, np.flatnonzero(columns.traits & (KEPT_ENTER | _EXIT)))
        columns.kept = np.where(columns.traits[pairs.before] & KEPT_ENTER > 0, pairs.before, -1)
        if self._kept:
            for index in pairs.first.tolist():
                enter = self._kept.pop(int(columns.tids[index]), None)
                if enter is not None and columns.traits[index] & _EXIT:
                    columns.carried_kept[index] = enter
        for index in pairs.last[columns.traits[pairs.last] & KEPT_ENTER > 0].tolist():
            self._kept[int(columns.tids[index])] = columns.event(index)
        if len(self._kept) > _PENDING_LIMIT:
            self._kept.clear()

    def _hide(self, columns: Columns) -> None:
        chunk = columns.chunk
        if chunk.flags is not None:
            columns.hidden = chunk.flags & STATE_ONLY > 0
        if not self._is_initial:
            return
        later = np.flatnonzero(~(_is_initial()[columns.codes] & (columns.traits & NUMBERED > 0)))
        if len(later):
            self._is_initial = False
        end = int(later[0]) if len(later) else len(chunk)
        if end:
            columns.hidden = np.zeros(len(chunk), np.bool_) if columns.hidden is None else columns.hidden
            columns.hidden[:end] = True

    def _tell(self, columns: Columns) -> None:
        unusual = np.flatnonzero(columns.traits & _UNUSUAL)
        for index in unusual.tolist():
            stored, count = int(columns.chunk.codes[index]), int(columns.counts[index])
            before = f"(before event {columns.nums[index] + 1})"
            if columns.traits[index] & NUMBERED:
                self._say(f"{surplus(stored, count)} {before}")
            else:
                self.left_out += 1
                self._say(f"an event was left out: {plan(stored, count).reason} {before}")

    def _say(self, sentence: str) -> None:
        if self._said < MAX_PROBLEMS:
            self._said += 1
            self.report(sentence)


@cache
def _is_initial() -> Mask:
    table = np.zeros(len(EVENTS), np.bool_)
    table[list(INITIAL_EVENTS)] = True
    return table


def i64(data: Data) -> Places:
    """Every i64 of *data*; see `u16`."""
    return np.ndarray(max(len(data) - 7, 0), np.dtype("<i8"), data, 0, (1,))
