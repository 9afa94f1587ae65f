"""Parameters of many events at once, and the opens that need no second look."""

from __future__ import annotations

from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from falco_syscall.capture.chunks import Mask, Places, u16, u32
from falco_syscall.capture.columns import COUNTS, Columns, i64
from falco_syscall.capture.conversion import Fate, Origin, plan
from falco_syscall.capture.event_table import CODES, EVENTS
from falco_syscall.capture.stored_event import HEADER
from falco_syscall.state.machine import FD_INDEX
from falco_syscall.state.opening import TOLD_BY_EXIT
from falco_syscall.state.paths import AT_FDCWD

_FD_BYTES: Final = 8
_LONGEST_PATH: Final = 4096


class Parameters(NamedTuple):
    """One parameter of many events, a number.

    Attributes:
        values: Of those that are known.
        known: Whether it could be told; of the others the events must be decoded.
    """

    values: Places
    known: Mask


class _Sources(NamedTuple):
    """By stored code and number of parameters: in which event a parameter is, and at which index."""

    enters: npt.NDArray[np.int32]
    """Code of the enter event, or ``_ITSELF``, ``_ZERO``, ``_UNTOLD``."""
    indices: npt.NDArray[np.int8]


_ITSELF, _UNTOLD, _ZERO = -1, -2, -3
FD: Final = -1
"""The parameter that is the descriptor which the event uses, whatever its index."""


@cache
def _sources(parameter: int) -> _Sources:
    enters = np.full((len(EVENTS), COUNTS), _UNTOLD, np.int32)
    indices = np.zeros((len(EVENTS), COUNTS), np.int8)
    for info in EVENTS:
        for count in range(len(info.params) + 1):
            way = plan(info.code, count)
            index = FD_INDEX[way.code] if parameter == FD else parameter
            if way.fate is Fate.PASS and 0 <= index < count:
                enters[info.code, count], indices[info.code, count] = _ITSELF, index
            elif way.fate is Fate.CONVERT and 0 <= index < len(way.pieces):
                piece, enter = way.pieces[index], _ITSELF
                if piece.origin is Origin.ENTER and way.enter is not None:
                    enter = way.enter
                elif piece.origin is Origin.CONSTANT and not any(piece.value):
                    enter = _ZERO
                elif piece.origin is not Origin.EVENT:
                    continue
                enters[info.code, count], indices[info.code, count] = enter, piece.number
    return _Sources(enters.ravel(), indices.ravel())


def parameters(columns: Columns, places: Places, parameter: int, size: int = _FD_BYTES) -> Parameters:
    """A parameter of the events at *places*: its index in the current schema, or ``FD``; *size*: 1, 4 or 8 bytes."""
    chunk, data = columns.chunk, columns.chunk.data
    source = _sources(parameter)
    at = columns.kinds[places]
    enters, indices = source.enters[at], source.indices[at].astype(np.int64)
    holders = places.copy()
    known = enters != _UNTOLD
    is_zero = enters == _ZERO
    indirect = np.flatnonzero(enters >= 0)
    if len(indirect):
        found = columns.entered[places[indirect]] if columns.entered is not None else np.full(len(indirect), -1)
        # Enter events of an early form have another code; they are left to the converter.
        fits = (found >= 0) & (chunk.codes[found] == enters[indirect])
        holders[indirect] = np.where(fits, found, places[indirect])
        known[indirect] = fits
    heads, counts = chunk.heads[holders], columns.counts[holders].astype(np.int64)
    lengths_at = heads + HEADER.size
    there = known & ~is_zero & (indices < counts) & (counts < COUNTS)
    offsets = lengths_at + 2 * counts
    short = u16(data)
    for index in range(int(indices.max(initial=0))):
        before = np.flatnonzero(there & (index < indices))
        offsets[before] += short[lengths_at[before] + 2 * index]
    there &= short[np.where(there, lengths_at + 2 * indices, heads)] == size
    there &= offsets + size <= chunk.ends[holders]
    at = np.where(there, offsets, heads)
    views: dict[int, npt.NDArray[Any]] = {1: np.frombuffer(data, np.uint8), 4: u32(data), 8: i64(data)}
    return Parameters(np.where(there, views[size][at], 0), there | is_zero)


class Opens(NamedTuple):
    """Opening events, in columns.

    Attributes:
        is_plain: Whether nothing else than the path and the flags counts, and both are as they should be. The rest
            is of these only.
        name_at: Where the path is, with its NUL.
        name_end: Where it ends and the flags are.
        entered_at: Where the path is in the enter event; 0 if there is none that counts. It has the same length.
        fds: The descriptors.
        flags: As the exit event has them.
        is_absolute: Whether the path is.
    """

    is_plain: Mask
    name_at: Places
    name_end: Places
    entered_at: Places
    fds: Places
    flags: npt.NDArray[np.uint32]
    is_absolute: Mask


class _Form(NamedTuple):
    """How an opening event and its enter event are laid out: index of the path, sizes of what follows it."""

    code: int
    counts: tuple[int, ...]
    name: int
    after: tuple[int, ...]
    entered_name: int
    entered_count: int

    def is_count(self) -> Mask:
        """By number of parameters: whether such an event can be read here."""
        return _is_count(self.counts)


@cache
def _is_count(counts: tuple[int, ...]) -> Mask:
    table = np.zeros(COUNTS, np.bool_)
    table[list(counts)] = True
    return table


OPENING_CODES: Final = (CODES["SYSCALL_OPEN_X"], CODES["SYSCALL_OPENAT_2_X"], CODES["SYSCALL_OPENAT2_X"])
_FORMS: Final = (
    _Form(OPENING_CODES[0], (4, 5, 6), 1, (4, 4, 4, 8), 0, 3),
    _Form(OPENING_CODES[1], (5, 6, 7), 2, (4, 4, 4, 8), 1, 4),
    _Form(OPENING_CODES[2], (6, 8), 2, (4, 4, 4, 4, 8), 1, 5),
)


def opens(columns: Columns, places: Places, call: int) -> Opens:
    """The successful events at *places*, all of the code ``OPENING_CODES[call]``."""
    form = _FORMS[call]
    chunk, data = columns.chunk, columns.chunk.data
    short, word, long = u16(data), u32(data), i64(data)
    heads, ends = chunk.heads[places], chunk.ends[places]
    counts = columns.counts[places].astype(np.int64)
    lengths_at = heads + HEADER.size
    values_at = lengths_at + 2 * counts
    is_plain = (chunk.codes[places] == form.code) & form.is_count()[np.minimum(counts, COUNTS - 1)]
    name_at = values_at + _FD_BYTES * form.name
    name_length = short[np.where(is_plain, lengths_at + 2 * form.name, heads)].astype(np.int64)
    name_end = name_at + name_length
    is_plain &= (name_length > 1) & (name_length < _LONGEST_PATH) & (name_end + 4 <= ends)
    for index in range(form.name):
        is_plain &= short[np.where(is_plain, lengths_at + 2 * index, heads)] == _FD_BYTES
    for index, size in enumerate(form.after, form.name + 1):
        there = np.flatnonzero(is_plain & (index < counts))
        is_plain[there] = short[lengths_at[there] + 2 * index] == size
    byte = np.frombuffer(data, np.uint8)
    is_plain &= byte[np.where(is_plain, name_end - 1, 0)] == 0
    fds = long[np.where(is_plain, values_at, heads)]
    flags = word[np.where(is_plain, name_end, heads)]
    is_absolute = byte[np.where(is_plain, name_at, 0)] == ord("/")
    if form.name > 1:
        is_plain &= is_absolute | (long[np.where(is_plain, values_at + _FD_BYTES, heads)] == AT_FDCWD)
    entered_at = np.zeros(len(places), np.int64)
    if columns.kept is not None:
        _compare_enters(columns, places, form, Opens(is_plain, name_at, name_end, entered_at, fds, flags, is_absolute))
    return Opens(is_plain, name_at, name_end, entered_at, fds, flags, is_absolute)


def _compare_enters(columns: Columns, places: Places, form: _Form, found: Opens) -> None:
    """Find the enter events that say the same: only the paths are left to be compared."""
    chunk, data = columns.chunk, columns.chunk.data
    assert columns.kept is not None  # noqa: S101 - the caller saw to it
    for place in columns.carried_kept:
        found.is_plain[places == place] = False
    enters = columns.kept[places]
    at = np.flatnonzero((enters >= 0) & found.is_plain)
    enters = enters[at]
    # Enter events of early drivers have no parameters and say nothing.
    told = (columns.codes[enters] == form.code - 1) & (columns.counts[enters] > 0)
    at, enters = at[told], enters[told]
    counts = columns.counts[enters].astype(np.int64)
    lengths_at = chunk.heads[enters] + HEADER.size
    name_at = lengths_at + 2 * counts + _FD_BYTES * form.entered_name
    lengths = found.name_end[at] - found.name_at[at]
    fits = (counts == form.entered_count) & (chunk.codes[enters] == form.code - 1)
    safe = np.where(fits, lengths_at, 0)
    short = u16(data)
    for index in range(form.entered_name):
        fits &= short[safe + 2 * index] == _FD_BYTES
    fits &= short[safe + 2 * form.entered_name] == lengths
    fits &= short[safe + 2 * form.entered_name + 2] == 4
    fits &= name_at + lengths + 4 <= chunk.ends[enters]
    told_flags = u32(data)[np.where(fits, name_at + lengths, 0)]
    flags = found.flags[at]
    fits &= told_flags | (flags & TOLD_BY_EXIT) == flags
    if form.entered_name:
        dirfds = i64(data)[np.where(fits, name_at - _FD_BYTES, 0)]
        fits &= found.is_absolute[at] | (dirfds == AT_FDCWD)
    found.is_plain[at[~fits]] = False
    found.entered_at[at[fits]] = name_at[fits]
