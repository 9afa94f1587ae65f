"""Reads the bodies of event blocks: an event as it was stored, before conversion."""

from __future__ import annotations

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
_HEADS: Final = (
    (Struct("<HQqIH"), Struct("<HQqIHI")),
    (Struct("<HIQqIH"), Struct("<HIQqIHI")),
)
"""CPU, dump flags and header of an event, by whether it has the flags and its number of parameters."""
_PLAIN_START, _FLAGGED_START = 2, 6
_LARGE: Final = frozenset(info.code for info in EVENTS if info.is_large)
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
    head = _HEADS[form.flagged][form.counted]
    at = head.size
    if len(body) < at:
        raise MalformedEvent(f"the block has {len(body)} bytes, too few for an event")
    if form.flagged:
        cpu, flags, time_ns, tid, length, code, *counted = head.unpack_from(body)
        start = _FLAGGED_START
    else:
        cpu, time_ns, tid, length, code, *counted = head.unpack_from(body)
        flags, start = 0, _PLAIN_START
    if code >= len(EVENTS):
        return int(code)
    if not counted and code in _IN_ERROR:
        length -= 3
    end = start + length
    if not at <= end <= len(body):
        raise MalformedEvent(f"the event claims {length} bytes: {at - start} to {len(body) - start} are possible")
    count = counted[0] if counted else _count(code, body[at:end])
    width = 4 if code in _LARGE and counted else 2
    first = at + count * width
    if first > end:
        raise MalformedEvent(f"{count} parameters do not fit into an event of {length} bytes")
    ends = list(accumulate(_lengths(count, width).unpack_from(body, at), initial=first))
    if ends[-1] > end:
        raise MalformedEvent(f"the parameters end {ends[-1] - end} bytes after the event")
    params = [body[a:b] for a, b in pairwise(ends)]
    return StoredEvent(time_ns, tid, cpu, code, flags, params, body[end:])


def _lengths(count: int, width: int) -> Struct:
    if count < len(_NARROW) and width == 2:
        return _NARROW[count]
    return Struct(f"<{count}{'I' if width == 4 else 'H'}")


_NARROW: Final = [Struct(f"<{count}H") for count in range(64)]


def _count(code: int, content: bytes) -> int:
    """The number of parameters in an event of the first format, which does not say it.

    It is the largest number up to the current one for which the lengths add up.
    """
    for count in range(len(EVENTS[code].params), -1, -1):
        if 2 * count <= len(content):
            total = 2 * count + sum(_lengths(count, 2).unpack_from(content))
            if total == len(content):
                return count
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
