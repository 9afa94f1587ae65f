"""Reads the bodies of event blocks: an event as it was stored, before conversion."""

from __future__ import annotations

from functools import cache
from itertools import accumulate, pairwise
from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple

from falco_syscall.capture.event_table import EVENTS

if TYPE_CHECKING:
    from falco_syscall.capture.blocks import EventForm

STATE_ONLY: Final = 1
"""Dump flag: the event is there for state and is not to be shown."""

HEADER: Final = Struct("<QqIHI")
"""Time, thread, length, code, number of parameters."""
_UNCOUNTED: Final = Struct("<QqIH")
_CPU: Final = Struct("<H")
_FLAGGED: Final = Struct("<HI")
_OPTION: Final = Struct("<HH")
_COMMENT: Final = 1
_IN_ERROR: Final = frozenset({280, 286})
"""Notifications and infrastructure events of the first format have a length that is 3 too big."""


class MalformedEvent(Exception):  # noqa: N818 - becomes a Problem, never reaches the user as it is
    """The body of an event block contradicts itself."""


class StoredEvent(NamedTuple):
    """An event as it is in the file.

    Attributes:
        tail: What follows the event inside of its block: filling, or comments.
    """

    time_ns: int
    tid: int
    cpu: int
    code: int
    flags: int
    params: list[bytes]
    tail: bytes


def read_event(form: EventForm, body: bytes) -> StoredEvent | int:
    """The event in the body of an event block, or its code if that is not in the table.

    Raises:
        MalformedEvent: Its lengths contradict the block's.
    """
    prefix = _FLAGGED if form.flagged else _CPU
    header = HEADER if form.counted else _UNCOUNTED
    start = prefix.size
    if len(body) < start + header.size:
        raise MalformedEvent(f"the block has {len(body)} bytes, too few for an event")
    cpu, *dump = prefix.unpack_from(body)
    time_ns, tid, length, code, *counted = header.unpack_from(body, start)
    if code >= len(EVENTS):
        return int(code)
    available = len(body) - start
    if not form.counted and code in _IN_ERROR:
        length -= 3
    if not header.size <= length <= available:
        raise MalformedEvent(f"the event claims {length} bytes: {header.size} to {available} are possible")
    at, end = start + header.size, start + length
    count = counted[0] if counted else _count(code, body[at:end])
    width = 4 if EVENTS[code].is_large and form.counted else 2
    first = at + count * width
    if first > end:
        raise MalformedEvent(f"{count} parameters do not fit into an event of {length} bytes")
    ends = list(accumulate(_lengths(count, width).unpack_from(body, at), initial=first))
    if ends[-1] > end:
        raise MalformedEvent(f"the parameters end {ends[-1] - end} bytes after the event")
    params = [body[a:b] for a, b in pairwise(ends)]
    return StoredEvent(time_ns, tid, cpu, code, dump[0] if dump else 0, params, body[end:] if end else b"")


_MAX_CACHED: Final = 64


@cache
def _cached_lengths(count: int, width: int) -> Struct:
    return Struct(f"<{count}{'I' if width == 4 else 'H'}")


def _lengths(count: int, width: int) -> Struct:
    if count <= _MAX_CACHED:
        return _cached_lengths(count, width)
    return Struct(f"<{count}{'I' if width == 4 else 'H'}")


def _count(code: int, content: bytes) -> int:
    """The number of parameters in an event of the first format, which does not say it.

    It is the largest number up to the current one for which the lengths add up.
    """
    for count in range(len(EVENTS[code].params), -1, -1):
        if 2 * count <= len(content):
            total = 2 * count + sum(_lengths(count, 2).unpack_from(content))
            if total == len(content):
                return count
            if total < len(content):
                break
    raise MalformedEvent("no number of parameters agrees with its length")


def comments(tail: bytes) -> list[str]:
    """The comments among the pcapng options that follow an event; filling before them is passed."""
    # The options may follow the event directly or after the filling to a multiple of four, which
    # depends on the writer: the first reading that makes sense counts.
    for skipped in range(4):
        found = _options(tail[skipped:])
        if found:
            return found
        if tail[skipped : skipped + 1] != b"\0":
            break
    return []


def _options(data: bytes) -> list[str]:
    found = []
    at = 0
    while at + _OPTION.size <= len(data):
        code, size = _OPTION.unpack_from(data, at)
        at += _OPTION.size
        if code == 0 or at + size > len(data):
            break
        if code == _COMMENT:
            found.append(data[at : at + size].decode("utf-8", "surrogateescape"))
        at += size + -size % 4
    return found
