"""What is to be done with the events of a chunk, decided for all of them before any is decoded."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from falco_syscall.capture.chunks import u16, u32
from falco_syscall.capture.columns import KEPT_ENTER, ORIGINAL, PLAIN, Columns, i64
from falco_syscall.capture.event_table import CODES, EVENTS, FIXED_SIZES
from falco_syscall.capture.stored_event import HEADER
from falco_syscall.catalogue.events import GENERIC_EXIT
from falco_syscall.dispatch import FAILED, OUTCOMES, SUCCEEDED, UNCLEAR
from falco_syscall.event import HAS_RESULT
from falco_syscall.replaying.descriptor_columns import FD, OPENING_CODES, opens, parameters
from falco_syscall.replaying.wants import Wants, intents
from falco_syscall.state.copying import F_DUPFD, F_DUPFD_CLOEXEC, F_SETFD
from falco_syscall.state.descriptors import CLOEXEC
from falco_syscall.state.effects import TUPLE_AT
from falco_syscall.state.sockets import PLAIN_TRANSFERS

if TYPE_CHECKING:
    from falco_syscall.capture.chunks import Mask, Places

VISIT, CLOSE, OPEN, OPEN_CLOSING, OPEN_CHECKED, COPY, MOVE, SOCKET, PIPE = range(9)
"""Operations: decode it and apply it like the plain decoder; forget a descriptor; enter an open file; one that exec
closes; either of them after a look at its path; copy a descriptor; note that a descriptor moved data; enter a new
socket; enter both ends of a pipe."""

_RESULT_BYTES: Final = 8
_HAS_RESULT: Final = np.array(
    [HAS_RESULT[info.code] and dict(FIXED_SIZES[info.code]).get(0) == _RESULT_BYTES for info in EVENTS]
)
_CLOSE: Final = CODES["SYSCALL_CLOSE_X"]
_FCNTL: Final = CODES["SYSCALL_FCNTL_X"]
_FCNTL_COMMAND: Final = 2
_SOCKET: Final = CODES["SOCKET_SOCKET_X"]
_PIPE: Final = CODES["SYSCALL_PIPE_X"]
_PIPE2: Final = CODES["SYSCALL_PIPE2_X"]
_PARAMETERS: Final = np.array([len(info.params) for info in EVENTS])
_CODE_AT: Final = 20
_TIME: Final = Struct("<Q")
_CPU: Final = Struct("<H")


def _mask_of(codes: frozenset[int]) -> Mask:
    table = np.zeros(len(EVENTS), np.bool_)
    table[list(codes)] = True
    return table


_PLAIN_TRANSFER: Final = _mask_of(PLAIN_TRANSFERS)
_IS_DUP: Final = _mask_of(frozenset({CODES["SYSCALL_DUP_1_X"], CODES["SYSCALL_DUP2_X"]}))


Times: TypeAlias = npt.NDArray[np.uint64]
"""Nanoseconds since the epoch."""
Path: TypeAlias = tuple[int, int, int, int, bool, bool]
"""The path of an open that must be looked at: where it is in the undecoded event; its length, its NUL included; how far
before the undecoded event the enter event has it, 0 if it does not; the intent for `OpenInterest`, -1 if no rule wants
it whatever it is; whether it is absolute; whether exec closes the file.

Small numbers on purpose: Python has them ready."""
Numbers: TypeAlias = Iterator[tuple[int, int, int, int]]
Visit: TypeAlias = tuple[int, int, int, int, int, bool, int]
"""Of an event that is decoded: its place; its number; its time and that of the event before, in ns; the CPU; whether
rules do not see it; what it is to them, an index into `Interest.left`."""


class Operations:
    """The events of a chunk that change something or that a rule may match.

    Attributes:
        places: Where they are in the chunk.
        what: What is to be done with each.
        wants: What they were chosen by.
    """

    def __init__(
        self,
        columns: Columns,
        numbered: Places,
        wants: Wants,
        *,
        times: Times,
        before_ns: int,
    ) -> None:
        """Decides.

        Args:
            columns: The chunk.
            numbered: The events that have a number.
            wants: What rules and the state want.
            times: When the chunk's events were.
            before_ns: When the last event before the chunk was.
        """
        self._columns = columns
        self.wants = wants
        self._choose(numbered, times, before_ns)
        count = len(self.places)
        self.what = np.full(count, VISIT, np.int8)
        self._fds = np.zeros(count, np.int64)
        self._heads = columns.chunk.heads[self.places]
        self._firsts = np.zeros(count, np.int64)
        self._seconds = np.zeros(count, np.int64)
        self._paths: list[tuple[Places, tuple[npt.NDArray[Any], ...]]] = []
        self._sockets: list[Places] = []
        self._pipes: list[Places] = []
        if count:
            self._take_closes()
            self._take_copies()
            self._take_opens()
            self._take_moves()
            self._sockets = self._take_made(SOCKET, (_SOCKET,), ((1, 4), (2, 4), (3, 4), (4, 4)))
            self._pipes = self._take_made(PIPE, (_PIPE, _PIPE2), ((1, 8), (2, 8), (3, 8), (4, 4)))

    def sockets(self) -> Numbers:
        """Domain, type, protocol and flags of new sockets, in order."""
        return zip(*[column.tolist() for column in self._sockets], strict=True)

    def pipes(self) -> Numbers:
        """Both ends, inode and flags of new pipes, in order."""
        return zip(*[column.tolist() for column in self._pipes], strict=True)

    def visits(self) -> Iterator[Visit]:
        """The events that are decoded, in order."""
        at = np.flatnonzero(self.what == VISIT)
        places, columns = self.places[at], self._columns
        chunk = columns.chunk
        hidden = np.zeros(len(at), np.bool_) if columns.hidden is None else columns.hidden[places]
        told = (
            *(places, columns.nums[places], i64(chunk.data)[self._heads[at]].view(np.uint64), self._before_ns[at]),
            *(u16(chunk.data)[chunk.starts[places]], hidden, self._kinds[at]),
        )
        return zip(*[column.tolist() for column in told], strict=True)

    def visit(self, start: int) -> Visit:
        """The event of an open that is decoded after all; *start*: where it begins, undecoded, in the chunk's data."""
        index = int(self._heads.searchsorted(start - _CODE_AT))
        place, columns = self.places.item(index), self._columns
        chunk = columns.chunk
        (time_ns,) = _TIME.unpack_from(chunk.data, start - _CODE_AT)
        (cpu,) = _CPU.unpack_from(chunk.data, chunk.starts.item(place))
        is_hidden = columns.hidden is not None and columns.hidden.item(place)
        before_ns = self._before_ns.item(index)
        return place, columns.nums.item(place), time_ns, before_ns, cpu, is_hidden, self._kinds.item(index)

    def paths(self) -> Iterator[Path]:
        """Of the opens that must be looked at, in order."""
        if not self._paths:
            return iter(())
        order = np.argsort(np.concatenate([at for at, _ in self._paths]))
        columns = zip(*[rows for _, rows in self._paths], strict=True)
        return zip(*[np.concatenate(column)[order].tolist() for column in columns], strict=True)

    def __iter__(self) -> Iterator[tuple[int, int, int, int, int]]:
        """The operations in order.

        Each is what is to be done; the thread; the descriptor that is closed, opened, made by a copy, or that moved
        data; then two numbers: of opens where the undecoded event begins in the chunk's data and its length; of copies
        the descriptor that is copied, and whether exec closes the copy.
        """
        columns = (self.what, self._columns.tids[self.places], self._fds, self._firsts, self._seconds)
        return zip(*[column.tolist() for column in columns], strict=True)

    def _choose(self, numbered: Places, times: Times, before_ns: int) -> None:
        """Find the events, and what they are to the rules."""
        columns, wants = self._columns, self.wants
        data, codes = columns.chunk.data, columns.codes[numbered]
        possible = np.flatnonzero(
            (wants.changes | wants.ever_wanted)[codes] & (columns.traits[numbered] & KEPT_ENTER == 0)
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
        changes = np.where(failed, wants.changes_failed[codes], wants.changes[codes])
        if not wants.marks_connections:
            changes &= ~_is_without_ends(columns, places)
        changes &= ~_is_idle_fcntl(columns, places, codes)
        kinds = codes.astype(np.int64) * OUTCOMES + outcomes
        wanted = wants.wanted[kinds]
        generic = np.flatnonzero((codes == GENERIC_EXIT) & wanted & has_first & (first_at + 2 <= ends))
        if len(generic):
            wanted[generic] = wants.generic[u16(data)[first_at[generic]]]
        if columns.hidden is not None:
            wanted &= ~columns.hidden[places]
        some = np.flatnonzero(changes | wanted)
        self.places, self._codes, self._kinds = places[some], codes[some], kinds[some]
        self._wanted, self._is_sure = wanted[some], whole[some] & ~failed[some]
        self._results = i64(data)[np.where(whole, first_at, heads)[some]]
        positions = possible[some]
        self._before_ns: Times = np.where(positions > 0, times[numbered[positions - 1]], before_ns)

    def _take_closes(self) -> None:
        at = np.flatnonzero((self._codes == _CLOSE) & self._is_sure & ~self._wanted)
        used = parameters(self._columns, self.places[at], FD)
        at, numbers = at[used.known], used.values[used.known]
        self.what[at] = CLOSE
        self._fds[at] = numbers

    def _take_copies(self) -> None:
        is_copy = (_IS_DUP[self._codes] | (self._codes == _FCNTL)) & self._is_sure & ~self._wanted
        at = np.flatnonzero(is_copy)
        if not len(at):
            return
        used = parameters(self._columns, self.places[at], FD)
        at, numbers = at[used.known], used.values[used.known]
        is_dup = _IS_DUP[self._codes[at]]
        commands = parameters(self._columns, self.places[at], _FCNTL_COMMAND, 1).values
        copies = np.flatnonzero(is_dup | np.isin(commands, (F_DUPFD, F_DUPFD_CLOEXEC)))
        at = at[copies]
        self.what[at] = COPY
        self._fds[at] = self._results[at]
        self._firsts[at] = numbers[copies]
        self._seconds[at] = ~is_dup[copies] & (commands[copies] == F_DUPFD_CLOEXEC)

    def _take_opens(self) -> None:
        for call, code in enumerate(OPENING_CODES):
            at = np.flatnonzero((self._codes == code) & self._is_sure)
            if not len(at):
                continue
            found = opens(self._columns, self.places[at], call)
            plain = np.flatnonzero(found.is_plain)
            at = at[plain]
            self._fds[at] = found.fds[plain]
            intent = intents(call, found.flags[plain])
            intent[~(self._wanted[at] & self.wants.opens[intent])] = -1
            entered, is_absolute = found.entered_at[plain], found.is_absolute[plain]
            closes = found.flags[plain] & CLOEXEC > 0
            is_checked = (intent >= 0) | (entered > 0) | ~is_absolute
            self.what[at] = np.where(is_checked, OPEN_CHECKED, np.where(closes, OPEN_CLOSING, OPEN))
            starts = self._heads[at] + _CODE_AT
            self._firsts[at] = starts
            self._seconds[at] = self._columns.chunk.ends[self.places[at]] - starts
            name_at = found.name_at[plain]
            rows = (
                *(name_at - starts, found.name_end[plain] - name_at, np.where(entered > 0, starts - entered, 0)),
                *(intent, is_absolute, closes),
            )
            checked = np.flatnonzero(is_checked)
            self._paths.append((at[checked], tuple(row[checked] for row in rows)))

    def _take_made(self, what: int, codes: tuple[int, ...], wanted: tuple[tuple[int, int], ...]) -> list[Places]:
        """Calls that make descriptors of which some numbers tell everything.

        Args:
            what: The operation.
            codes: Of the events.
            wanted: Indices and sizes of the parameters; 0 for those that events of a code never have.
        """
        at = np.flatnonzero(np.isin(self._codes, codes) & self._is_sure & ~self._wanted)
        if not len(at):
            return []
        known, values = np.ones(len(at), np.bool_), []
        for index, size in wanted:
            told = parameters(self._columns, self.places[at], index, size)
            known &= told.known | (_PARAMETERS[self._codes[at]] <= index)
            values.append(told.values)
        self.what[at[known]] = what
        self._fds[at[known]] = self._results[at[known]]
        return [value[known] for value in values]

    def _take_moves(self) -> None:
        if not self.wants.marks_connections:
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
        is_idle[at] = commands.known & ~np.isin(commands.values, (F_DUPFD, F_DUPFD_CLOEXEC, F_SETFD))
    return is_idle
