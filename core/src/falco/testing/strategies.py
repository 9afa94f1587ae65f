"""Hypothesis strategies: texts, values, events and alerts, the unpleasant ones too.

Everything that reads or writes events meets texts with escapes, NULs, lone surrogates and bytes that are not UTF-8;
a test that draws from here meets them first.  Needs hypothesis.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from hypothesis import strategies as st

from falco.alerts import Alert, AlertTemplate
from falco.events import Event
from falco.fields import FieldFormat, FieldType, Value
from falco.fields.format import Shape
from falco.rules.model import Priority
from falco.templates.render import Placeholder

_WORDS = (
    "a",
    "root",
    "/etc/shadow",
    "x y",
    'q"uote',
    "back\\slash",
    "%evt.time",
    "é",
    "中",
    "😀",
    "<NA>",
    "",
    "\t\n\x1b\x7f",
)
_BYTES = (
    b"a",
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xa9",
    b"\xe2\x82",
    b"\xed\xa0\x80",
    b"\xf0\x9f\x98\x80",
    b"\r\n",
    b'"',
    b"\\",
)
_ADDRESSES = ("0.0.0.0", "10.1.2.3", "255.255.255.255", "::", "::1", "2001:db8::1", "::ffff:10.1.2.3", "::10.1.2.3")  # noqa: S104  data
_BITS = {"8": 8, "16": 16, "32": 32, "64": 64}
_SIGNED = frozenset(
    {FieldType.INT8, FieldType.INT16, FieldType.INT32, FieldType.INT64, FieldType.FD, FieldType.PID, FieldType.ERRNO}
)


def byte_strings(max_size: int = 40) -> st.SearchStrategy[bytes]:
    """Bytes: words, NULs, parts of UTF-8 characters, anything."""
    joined = st.lists(st.sampled_from(_BYTES), max_size=max(1, max_size // 4)).map(b"".join)
    return st.one_of(joined, st.binary(max_size=max_size)).map(lambda data: data[:max_size])


def texts(max_size: int = 40) -> st.SearchStrategy[str]:
    """Text values as decoders make them: no NUL, what is not UTF-8 escaped byte by byte."""
    return st.one_of(
        st.sampled_from(_WORDS),
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=max_size),
        byte_strings(max_size).map(lambda data: data.replace(b"\0", b"").decode("utf-8", "surrogateescape")),
    )


def any_texts(max_size: int = 40) -> st.SearchStrategy[str]:
    """Any ``str``: like ``texts``, and NULs and lone surrogates, which no decoder should let through."""
    return st.one_of(texts(max_size), st.text(st.characters(), max_size=max_size))


def times() -> st.SearchStrategy[int]:
    """Event times in nanoseconds: this century mostly, the ends of the range, what lies outside."""
    return st.one_of(
        st.integers(946_684_800 * 10**9, 4_102_444_800 * 10**9),
        st.sampled_from((0, 1, -1, 10**9 - 1, 2**63 - 1, 2**63, 2**64 - 1, -(2**63), -2208988800000000000)),
    )


def values(kind: FieldType, *, is_list: bool = False) -> st.SearchStrategy[Value]:
    """Values that a field of the type *kind* may have, without None."""
    scalar = _scalars(kind)
    return st.lists(scalar, max_size=4) if is_list else scalar


def _scalars(kind: FieldType) -> st.SearchStrategy[Any]:
    name = kind.value
    if kind is FieldType.BYTES:
        return byte_strings(100)
    if kind is FieldType.BOOL:
        return st.booleans()
    if kind is FieldType.DOUBLE:
        return st.floats()
    if "IP" in name:
        return st.one_of(st.sampled_from(_ADDRESSES).map(ip_address), st.ip_addresses())
    if kind is FieldType.DYNAMIC:
        return st.one_of(texts(), st.integers(-(2**63), 2**64 - 1), st.booleans(), byte_strings())
    if name.startswith(("CHARBUF", "FS", "SOCK", "FDLIST")):
        return texts()
    bits = next((size for digits, size in _BITS.items() if name.endswith(digits)), 64)
    return st.integers(-(1 << bits - 1), (1 << bits - 1) - 1) if kind in _SIGNED else st.integers(0, (1 << bits) - 1)


def any_values() -> st.SearchStrategy[Any]:
    """Values of any type, lists and None too, whatever the field said."""
    scalar = st.one_of(
        any_texts(), st.integers(), st.booleans(), st.floats(), st.binary(max_size=40), st.ip_addresses()
    )
    return st.one_of(st.none(), scalar, st.lists(scalar, max_size=4), st.lists(scalar, max_size=4).map(tuple))


def shapes() -> st.SearchStrategy[Shape]:
    """Everything that may be known of a value before any event."""
    return st.builds(
        Shape, st.sampled_from(FieldType), st.sampled_from(FieldFormat), is_list=st.booleans(), is_joined=st.booleans()
    )


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Bare events: number, time and the time of the first event, which may be later."""
    event = Event(time_ns=draw(times()))
    event.num = draw(st.integers(1, 2**40))
    event.start_ns = draw(st.none() | times())
    return event


@st.composite
def alerts(draw: st.DrawFn) -> Alert:
    """Alerts with texts and values of any kind, not necessarily of the kind that their template says."""
    slots = draw(st.lists(st.tuples(shapes(), any_values()), max_size=4))
    pieces: list[str | Placeholder] = []
    for slot, (shape, _value) in enumerate(slots):
        pieces += (draw(any_texts()), Placeholder(slot, shape, draw(st.integers(0, 40))))
    template = AlertTemplate(
        rule=draw(any_texts()),
        priority=draw(st.sampled_from(Priority)),
        source=draw(any_texts()),
        message=(*pieces, draw(any_texts())),
        tags=tuple(draw(st.lists(any_texts(), max_size=3))),
        fields=tuple((draw(any_texts()), piece) for piece in pieces if isinstance(piece, Placeholder)),
        extra_fields=draw(st.just(()) | st.tuples(st.tuples(any_texts(), st.tuples(any_texts())))),
        index=draw(st.integers(0, 1000)),
        is_internal=draw(st.booleans()),
    )
    return Alert(template, draw(st.integers(1, 2**40)), draw(times()), tuple(value for _shape, value in slots))
