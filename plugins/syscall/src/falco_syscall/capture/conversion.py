"""Events of older drivers, turned into those of the current schema.

Older drivers wrote two events for each system call: one on entering it, with the arguments, one on
leaving it, with the result. The current schema has nearly everything in the exit event. So enter
events are remembered by thread and disappear into the exit event that follows; events whose form
has changed since are rewritten, often through several versions.

The rules for single steps are data (``conversions.json``). `plan` follows them once for each (event
code, number of parameters) and says where each parameter of the final event comes from: the event,
the remembered enter event, or a constant. `Converter` applies plans to a stream of events.
"""

from __future__ import annotations

import json
from enum import Enum, auto
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from falco_syscall.capture.event_table import CODES, EVENTS, SIZES, EventFlag

_MAX_STEPS: Final = 50
_MAX_PENDING: Final = 1 << 18
_MAX_PENDING_BYTES: Final = 1 << 26

_RULES: Final[dict[tuple[int, int], tuple[str, int, list[tuple[str, int, str]]]]] = {
    (code, count): (action, to, sources)
    for code, count, action, to, sources in msgspec.json.decode(
        Path(__file__).with_name("conversions.json").read_bytes()
    )["rules"]
}


class Origin(Enum):
    """Where a parameter of a converted event comes from."""

    EVENT = auto()
    ENTER = auto()
    CONSTANT = auto()
    CONTAINER = auto()
    """All parameters of an old container event, as JSON text."""


class Piece(NamedTuple):
    """One parameter of a converted event.

    Attributes:
        number: Index of the parameter in the stored or the enter event.
        limit: What is longer is cut to this many bytes; None for no limit.
        value: The value of a constant; for ENTER what stands in if no enter event is known.
    """

    origin: Origin
    number: int = 0
    limit: int | None = None
    value: bytes = b""


class Fate(Enum):
    """What happens to a stored event."""

    PASS = auto()
    """It is current as it is."""
    DROP = auto()
    STORE = auto()
    """It is remembered for its exit event and disappears."""
    CONVERT = auto()
    FAIL = auto()
    """It should be converted, but no rule says how."""


class Plan(NamedTuple):
    """How events of one code with one number of parameters become current.

    Attributes:
        code: Event code of the result.
        pieces: The parameters of the result, if they are not those of the stored event.
        enter: Code that the thread's enter event must have for the pieces that come from it; None
            if none does.
        remembers: The *result* also serves as enter event of the exit that follows.
        reason: Why it cannot be converted, if `fate` is FAIL.
    """

    fate: Fate
    code: int
    pieces: tuple[Piece, ...] = ()
    enter: int | None = None
    remembers: bool = False
    reason: str = ""


class _Unconvertible(Exception):  # noqa: N818 - not an error to anybody outside of this module
    pass


@cache
def plan(code: int, count: int) -> Plan:
    """How an event with *code* (below ``len(EVENTS)``) and *count* parameters becomes current.

    Parameters beyond those of a current event, which only a newer driver writes, are left out.
    """
    info = EVENTS[code]
    try:
        return _plan(code, count if info.is_old else min(count, len(info.params)))
    except _Unconvertible as error:
        return Plan(Fate.FAIL, code, reason=str(error))


def _plan(stored: int, count: int) -> Plan:
    code = stored
    pieces = [Piece(Origin.EVENT, k) for k in range(count)]
    enter: int | None = None
    for _ in range(_MAX_STEPS):
        info = EVENTS[code]
        managed = EventFlag.CONVERTER_MANAGED in info.flags
        if info.is_unused or (info.is_old and info.is_enter and not managed):
            return Plan(Fate.DROP, code)
        is_current = not info.is_old and len(pieces) == len(info.params)
        if not managed or (not info.is_enter and is_current):
            return _final(stored, code, count, pieces, enter)
        if (code, len(pieces)) not in _RULES:
            raise _Unconvertible(f"{info.constant} with {len(pieces)} parameters is not known")
        action, target, sources = _RULES[code, len(pieces)]
        match action:
            case "store":
                return _final(stored, code, count, pieces, enter)._replace(fate=Fate.STORE)
            case "pass" | "store_and_pass":
                final = _final(stored, code, count, pieces, enter)
                return final._replace(remembers=action == "store_and_pass")
            case "add_params" | "change_type":
                if any(origin == "enter" for origin, _, _ in sources):
                    enter = code - 1
                kept = pieces if action == "add_params" else []
                pieces = [*kept, *_step(pieces, len(kept), sources, target)]
                code = target
            case _:
                raise AssertionError(f"conversions.json: action {action!r}")
    raise _Unconvertible(f"the conversion of {EVENTS[stored].constant} does not end")


def _final(stored: int, code: int, count: int, pieces: list[Piece], enter: int | None) -> Plan:
    if code == stored and len(pieces) == count and enter is None:
        return Plan(Fate.PASS, code)
    return Plan(Fate.CONVERT, code, tuple(pieces), enter)


def _step(old: list[Piece], start: int, sources: list[tuple[str, int, str]], target: int) -> list[Piece]:
    """The pieces that one rule makes, for the parameters of *target* from *start* on."""
    made = []
    for index, (origin, source, otherwise) in enumerate(sources, start):
        size = SIZES[EVENTS[target].params[index].type]
        default = bytes(size or 0)
        match origin:
            case "empty":
                made.append(Piece(Origin.CONSTANT))
            case "default":
                made.append(Piece(Origin.CONSTANT, value=default))
            case "old":
                piece = old[source]
                limit = size if piece.limit is None else min(piece.limit, size or piece.limit)
                made.append(piece._replace(limit=limit, value=piece.value[:limit]))
            case "enter":
                absent = b"" if otherwise == "empty" else default
                made.append(Piece(Origin.ENTER, source, size, absent))
            case "callback":
                made.append(Piece(Origin.CONTAINER))
            case _:
                raise AssertionError(f"conversions.json: source {origin!r}")
    return made


KEPT_ENTERS: Final = frozenset(
    CODES[name]
    for name in (
        "SYSCALL_OPEN_E",
        "SYSCALL_CREAT_E",
        "SYSCALL_OPENAT_2_E",
        "SYSCALL_OPENAT2_E",
        "SOCKET_CONNECT_E",
        "SYSCALL_EXECVE_19_E",
        "SYSCALL_EXECVEAT_E",
    )
)
"""The enter events of the current schema.

They hold the path or address as it was before the call. State uses them; rules never see them.
"""


def assembled(way: Plan, params: list[bytes], entered: list[bytes] | None) -> list[bytes]:
    """The parameters of the event that *way* leads to.

    Args:
        way: Of an event with these parameters; it has pieces.
        params: As stored.
        entered: Of the enter event, in the form in which it was remembered; None if it is not known.
    """
    out = []
    for origin, index, limit, value in way.pieces:
        if origin is Origin.EVENT:
            piece = params[index]
        elif origin is Origin.ENTER:
            # An enter event of an early version can lack the parameter.
            known = entered is not None and index < len(entered)
            piece = entered[index] if entered is not None and known else value
        elif origin is Origin.CONTAINER:
            piece = _container_json(params)
        else:
            piece = value
        out.append(piece if limit is None else piece[:limit])
    return out


class Converter:
    """Converts the events of one capture, in order."""

    def __init__(self) -> None:
        self.lost_enters = 0
        """Exit events whose enter event was missing; the arguments in it are zero or empty now."""
        self.wrong_enters = 0
        """Exit events that followed another call's enter event, which counts as missing."""
        self._pending: dict[int, tuple[int, list[bytes]]] = {}
        self._pending_bytes = 0

    def convert(self, code: int, tid: int, params: list[bytes]) -> tuple[int, list[bytes]] | Fate:
        """What becomes of a stored event: (code, parameters) in the current schema, or its fate.

        Args:
            code: Stored code, below ``len(EVENTS)``.
            tid: Thread; its enter event is remembered until its exit event comes.
            params: As stored. Never changed; may be returned as they are.

        Returns:
            ``Fate.DROP`` or ``Fate.STORE`` for an event that disappears, ``Fate.FAIL`` for one that
            cannot be converted (``plan(code, len(params)).reason`` says why).
        """
        way = plan(code, len(params))
        fate = way.fate
        if fate is Fate.PASS:
            known = len(EVENTS[code].params)
            params = params if len(params) <= known else params[:known]
        elif fate is Fate.CONVERT:
            params = self._assemble(way, tid, params)
        elif fate is Fate.STORE:
            self._remember(way.code, tid, self._assemble(way, tid, params) if way.pieces else params)
            return fate
        else:
            return fate
        if way.remembers:
            self._remember(way.code, tid, params)
        return way.code, params

    def _assemble(self, way: Plan, tid: int, params: list[bytes]) -> list[bytes]:
        entered: list[bytes] | None = None
        if way.enter is not None:
            entered = self._take(tid, way.enter)
            self.lost_enters += entered is None
        return assembled(way, params, entered)

    def _remember(self, code: int, tid: int, params: list[bytes]) -> None:
        if previous := self._pending.pop(tid, None):
            self._pending_bytes -= _size(previous[1])
        self._pending[tid] = (code, params)
        self._pending_bytes += _size(params)
        if len(self._pending) > _MAX_PENDING or self._pending_bytes > _MAX_PENDING_BYTES:
            # No machine has that many calls under way: the enter events are those of a capture
            # without exit events. The exits that do come are counted as having lost theirs.
            self._pending.clear()
            self._pending_bytes = 0

    def _take(self, tid: int, enter: int) -> list[bytes] | None:
        """The parameters of the thread's enter event if it is of this call; it is used up."""
        pending = self._pending.pop(tid, None)
        if pending is None:
            return None
        code, params = pending
        self._pending_bytes -= _size(params)
        if code != enter:
            # A thread is in one call at a time: the enter event is stale, its exit event was lost,
            # and so was the enter event of this one.
            self.wrong_enters += 1
            return None
        return params


def _size(params: list[bytes]) -> int:
    return sum(map(len, params)) + 64 * len(params) + 256


def _container_json(params: list[bytes]) -> bytes:
    """The JSON of a container event that had its parts as parameters."""
    id_, type_, name, image = params
    parts = {
        "id": _text(id_),
        "type": int.from_bytes(type_[:4], "little"),
        "name": _text(name),
        "image": _text(image),
    }
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogateescape") + b"\0"


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def stored_codes(target: int) -> frozenset[int]:
    """The stored codes that can become *target* (current events included)."""
    return frozenset(
        info.code
        for info in EVENTS
        for count in range(len(info.params) + 1)
        if (way := plan(info.code, count)).fate in (Fate.PASS, Fate.CONVERT) and way.code == target
    )
