"""What is to be done with the events of a chunk, decided for all of them before any is decoded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from falco_syscall.capture.chunks import u16, u32
from falco_syscall.capture.columns import KEPT_ENTER, ORIGINAL, PLAIN, Columns, i64
from falco_syscall.capture.event_table import CODES, EVENTS, FIXED_SIZES
from falco_syscall.capture.stored_event import HEADER
from falco_syscall.catalogue.events import GENERIC_EXIT
from falco_syscall.descriptor_columns import FD, OPENING_CODES, opens, parameters
from falco_syscall.event import HAS_RESULT
from falco_syscall.interest import FAILED, OUTCOMES, SUCCEEDED, UNCLEAR, Interest
from falco_syscall.state.copying import FCNTL_COMMANDS
from falco_syscall.state.effects import TUPLE_AT, Effects
from falco_syscall.state.sockets import PLAIN_TRANSFERS

if TYPE_CHECKING:
    from falco_syscall.capture.chunks import Mask, Places

VISIT, CLOSE, OPEN, OPEN_CHECKED, COPY, MOVE, SOCKET = range(7)
"""Operations: decode it and apply it like the plain decoder; forget a descriptor; enter an open file; the same after a
look at its path; copy a descriptor; note that a descriptor moved data; enter a new socket."""

_RESULT_BYTES: Final = 8
_HAS_RESULT: Final = np.array(
    [HAS_RESULT[info.code] and dict(FIXED_SIZES[info.code]).get(0) == _RESULT_BYTES for info in EVENTS]
)
_CLOSE: Final = CODES["SYSCALL_CLOSE_X"]
_FCNTL: Final = CODES["SYSCALL_FCNTL_X"]
_FCNTL_COMMAND: Final = 2
_SOCKET: Final = CODES["SOCKET_SOCKET_X"]
_CODE_AT: Final = 20


def _mask_of(codes: frozenset[int]) -> Mask:
    table = np.zeros(len(EVENTS), np.bool_)
    table[list(codes)] = True
    return table


_PLAIN_TRANSFER: Final = _mask_of(PLAIN_TRANSFERS)
_IS_DUP: Final = _mask_of(frozenset({CODES["SYSCALL_DUP_1_X"], CODES["SYSCALL_DUP2_X"]}))


Times: TypeAlias = npt.NDArray[np.uint64]
"""Nanoseconds since the epoch."""

Path: TypeAlias = tuple[int, int, int, int, bool]
"""The path of an open that must be looked at: where it begins in the chunk's data and ends, its NUL included; where the
enter event has it, 0 if it does not; the intent for `OpenInterest`, -1 if no rule wants it whatever it is; whether it
is absolute."""


class Operations:
    """The events of a chunk that change something or that a rule may match.

    Attributes:
        places: Where they are in the chunk.
        what: What is to be done with each.
        sockets: Domain, type, protocol and flags of new sockets, in order.
    """

    def __init__(
        self,
        columns: Columns,
        numbered: Places,
        interest: Interest,
        effects: Effects,
        *,
        times: Times,
        before_ns: int,
    ) -> None:
        """Decides.

        Args:
            columns: The chunk.
            numbered: The events that have a number.
            interest: What rules want.
            effects: What changes something.
            times: When the chunk's events were.
            before_ns: When the last event before the chunk was.
        """
        self._columns = columns
        self._interest = interest
        self._effects = effects
        self._choose(numbered, times, before_ns)
        count = len(self.places)
        self.what = np.full(count, VISIT, np.int8)
        self._fds = np.zeros(count, np.int64)
        self._starts = columns.chunk.heads[self.places] + _CODE_AT
        self._ends = columns.chunk.ends[self.places]
        self._paths: list[tuple[Places, tuple[npt.NDArray[Any], ...]]] = []
        self.sockets: Iterator[tuple[int, int, int, int]] = iter(())
        if count:
            self._take_closes()
            self._take_copies()
            self._take_opens()
            self._take_moves()
            self._take_sockets()

    def visited(self) -> Places:
        """The places of the events that are decoded in any case."""
        chosen: Places = self.places[self.what == VISIT]
        return chosen

    def paths(self) -> Iterator[Path]:
        """Of the opens that must be looked at, in order."""
        if not self._paths:
            return iter(())
        order = np.argsort(np.concatenate([at for at, _ in self._paths]))
        columns = zip(*[rows for _, rows in self._paths], strict=True)
        return zip(*[np.concatenate(column)[order].tolist() for column in columns], strict=True)

    def __iter__(self) -> Iterator[tuple[int, int, int, int, int, int, int, int]]:
        """The operations in order.

        Each is the event's place in the chunk; its index into ``Interest.left``; what is to be done; the thread; the
        descriptor that is closed, opened, made by a copy, or that moved data; where the undecoded event begins in the
        chunk's data, of copies the descriptor that is copied; where it ends; the time of the event before.
        """
        columns = (
            *(self.places, self._kinds, self.what, self._columns.tids[self.places], self._fds),
            *(self._starts, self._ends, self._before_ns),
        )
        return zip(*[column.tolist() for column in columns], strict=True)

    def _choose(self, numbered: Places, times: Times, before_ns: int) -> None:
        """Find the events, and what they are to the rules."""
        columns, interest, effects = self._columns, self._interest, self._effects
        data, codes = columns.chunk.data, columns.codes[numbered]
        possible = np.flatnonzero(
            (effects.changes | interest.ever_wanted)[codes] & (columns.traits[numbered] & KEPT_ENTER == 0)
        )
        places, codes = numbered[possible], codes[possible]
        traits, counts = columns.traits[places], columns.counts[places]
        heads, ends = columns.chunk.heads[places], columns.chunk.ends[places]
        lengths_at = heads + HEADER.size
        first_at = lengths_at + 2 * counts.astype(np.int64)
        has_first = (counts > 0) & (traits & PLAIN > 0)
        # Only results of eight bytes are results; of anything else the event itself must tell.
        whole = has_first & _HAS_RESULT[codes] & (u16(data)[np.where(has_first, lengths_at, heads)] == _RESULT_BYTES)
        whole &= first_at + _RESULT_BYTES <= ends
        failed = whole & (u32(data)[np.where(whole, first_at + 4, heads)] >> 31 > 0)
        outcomes = np.where(whole, failed * FAILED, np.where(_HAS_RESULT[codes], UNCLEAR, SUCCEEDED))
        changes = np.where(failed, effects.changes_failed[codes], effects.changes[codes])
        if not effects.marks_connections:
            changes &= ~_is_without_ends(columns, places)
        changes &= ~_is_idle_fcntl(columns, places, codes)
        kinds = codes.astype(np.int64) * OUTCOMES + outcomes
        wanted = interest.wanted[kinds]
        generic = np.flatnonzero((codes == GENERIC_EXIT) & wanted & has_first & (first_at + 2 <= ends))
        if len(generic):
            wanted[generic] = interest.generic_wanted(u16(data)[first_at[generic]])
        if columns.hidden is not None:
            wanted &= ~columns.hidden[places]
        some = np.flatnonzero(changes | wanted)
        self.places, self._codes, self._kinds = places[some], codes[some], kinds[some]
        self._wanted, self._is_sure = wanted[some], whole[some] & ~failed[some]
        self._results = i64(data)[np.where(whole, first_at, heads)[some]]
        positions = possible[some]
        self._before_ns = np.where(positions > 0, times[numbered[positions - 1]], before_ns)

    def _take_closes(self) -> None:
        at = np.flatnonzero((self._codes == _CLOSE) & self._is_sure & ~self._wanted)
        used = parameters(self._columns, self.places[at], FD)
        at, numbers = at[used.known], used.values[used.known]
        self.what[at] = CLOSE
        self._fds[at] = numbers

    def _take_copies(self) -> None:
        at = np.flatnonzero(_IS_DUP[self._codes] & self._is_sure & ~self._wanted)
        used = parameters(self._columns, self.places[at], FD)
        at, numbers = at[used.known], used.values[used.known]
        self.what[at] = COPY
        self._fds[at] = self._results[at]
        self._starts[at] = numbers

    def _take_opens(self) -> None:
        for call, code in enumerate(OPENING_CODES):
            at = np.flatnonzero((self._codes == code) & self._is_sure)
            if not len(at):
                continue
            found = opens(self._columns, self.places[at], call)
            plain = np.flatnonzero(found.is_plain)
            at = at[plain]
            self._fds[at] = found.fds[plain]
            intents = self._interest.opens.intents(call, found.flags[plain])
            intents[~(self._wanted[at] & self._interest.opens.wanted[intents])] = -1
            entered, is_absolute = found.entered_at[plain], found.is_absolute[plain]
            is_checked = (intents >= 0) | (entered > 0) | ~is_absolute
            self.what[at] = np.where(is_checked, OPEN_CHECKED, OPEN)
            rows = (found.name_at[plain], found.name_end[plain], entered, intents, is_absolute)
            checked = np.flatnonzero(is_checked)
            self._paths.append((at[checked], tuple(row[checked] for row in rows)))

    def _take_sockets(self) -> None:
        at = np.flatnonzero((self._codes == _SOCKET) & self._is_sure & ~self._wanted)
        if not len(at):
            return
        told = [parameters(self._columns, self.places[at], index, 4) for index in (1, 2, 3, 4)]
        known = told[0].known & told[1].known & told[2].known & told[3].known
        self.what[at[known]] = SOCKET
        self._fds[at[known]] = self._results[at[known]]
        self.sockets = zip(*[each.values[known].tolist() for each in told], strict=True)

    def _take_moves(self) -> None:
        if not self._effects.marks_connections:
            return
        is_move = _PLAIN_TRANSFER[self._codes] | _is_without_ends(self._columns, self.places)
        at = np.flatnonzero(is_move & self._is_sure & ~self._wanted)
        used = parameters(self._columns, self.places[at], FD)
        at, numbers = at[used.known], used.values[used.known]
        self.what[at] = MOVE
        self._fds[at] = numbers


def _is_without_ends(columns: Columns, places: Places) -> Mask:
    """Which events move data and do not tell between whom."""
    at = TUPLE_AT[columns.codes[places]]
    known = (at >= 0) & (columns.traits[places] & ORIGINAL > 0) & (at < columns.counts[places])
    heads = columns.chunk.heads[places]
    is_empty: Mask = u16(columns.chunk.data)[np.where(known, heads + HEADER.size + 2 * at, heads)] == 0
    return known & is_empty


def _is_idle_fcntl(columns: Columns, places: Places, codes: npt.NDArray[np.uint16]) -> Mask:
    """Which events are of fcntl with a command that neither copies a descriptor nor changes it."""
    is_idle = np.zeros(len(places), np.bool_)
    at = np.flatnonzero(codes == _FCNTL)
    if len(at):
        commands = parameters(columns, places[at], _FCNTL_COMMAND, 1)
        is_idle[at] = commands.known & ~np.isin(commands.values, FCNTL_COMMANDS)
    return is_idle
