"""Bracket expressions of shell wildcards, ``[a-z]``, as glibc's fnmatch(3) reads them in the C locale."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from typing import Final

_ALL: Final = frozenset(range(256))
_UPPER: Final = string.ascii_uppercase.encode()
_PRINTABLE: Final = string.ascii_letters + string.digits + string.punctuation
_CLASSES: Final = {
    name: frozenset(map(ord, characters))
    for name, characters in {
        "alnum": string.ascii_letters + string.digits,
        "alpha": string.ascii_letters,
        "blank": " \t",
        "cntrl": "".join(map(chr, range(32))) + "\x7f",
        "digit": string.digits,
        "graph": _PRINTABLE,
        "lower": string.ascii_lowercase,
        "print": _PRINTABLE + " ",
        "punct": string.punctuation,
        "space": " \t\n\v\f\r",
        "upper": string.ascii_uppercase,
        "xdigit": string.hexdigits,
    }.items()
}
_CLASS: Final = re.compile(rb"\[:([a-zA-Z]+):\]")
_SYMBOL: Final = re.compile(rb"\[([.=])(.)\1\]", re.DOTALL)
_NEGATIONS: Final = (b"!", b"^")
_OPENING: Final = ord("[")


def read(pattern: bytes, start: int, *, ignore_case: bool) -> tuple[frozenset[int], int] | None:
    """The bytes that the expression whose ``[`` stands before *start* matches, and where it ends.

    None: that ``[`` stands for itself, as no ``]`` follows. glibc gives up where it meets a range or an escape that
    is cut off, or an unknown class; what was listed before has matched by then.
    """
    is_negated = pattern.startswith(_NEGATIONS, start)
    position = first = start + is_negated
    members: set[int] = set()
    is_known = True
    while not pattern.startswith(b"]", position) or position == first:
        if position >= len(pattern):
            return None
        if (found := _CLASS.match(pattern, position)) is not None:
            is_known = is_known and found[1].decode() in _CLASSES
            members.update(_CLASSES[found[1].decode()] if is_known else ())
            position = found.end()
            continue
        low, position = _byte(pattern, position)
        high = low
        if pattern.startswith(b"-", position) and not pattern.startswith(b"]", position + 1):
            high, position = _byte(pattern, position + 1)
        if low is None or high is None:
            return None if _OPENING in members or low == _OPENING else (frozenset(), position)
        members.update(_range(low, high, ignore_case=ignore_case) if is_known else ())
    if is_negated:
        return _ALL - members if is_known else frozenset(), position + 1
    return frozenset(members), position + 1


def _byte(pattern: bytes, position: int) -> tuple[int | None, int]:
    """One byte of an expression and where it ends; ``[.x.]`` and ``[=x=]`` are ``x``. None: the pattern ends."""
    if (found := _SYMBOL.match(pattern, position)) is not None:
        return found[2][0], found.end()
    position += pattern.startswith(b"\\", position)
    return (pattern[position], position + 1) if position < len(pattern) else (None, position)


def _range(low: int, high: int, *, ignore_case: bool) -> Iterable[int]:
    """Bytes from *low* to *high*; of letters whose case is ignored the lower case alone is compared with the ends."""
    if not ignore_case:
        return range(low, high + 1)
    ends = bytes((low, high)).lower()
    folded = bytes(range(ends[0], ends[1] + 1)).translate(None, _UPPER)
    return folded + folded.upper()
