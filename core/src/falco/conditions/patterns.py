"""Patterns over text: regular expressions and shell wildcards, in time linear in the text.

Regular expressions are RE2's POSIX syntax, as in Falco. Wildcards follow fnmatch(3) without flags in the C locale,
byte by byte; ``fnmatch.translate`` differs from it in escapes, in ``[^a]``, ``[[:upper:]]`` and brackets that do not
end, so they are translated to RE2 here. Of ``[[.x.]]`` and ``[[=x=]]`` only well-formed ones of one byte are known.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias

import re2

from falco.conditions import brackets
from falco.fields import text as text_of

Predicate: TypeAlias = Callable[[str], bool]

MAX_GLOB: Final = 1024
_ALL: Final = frozenset(range(256))
_SPECIAL: Final = frozenset(b"*?[\\")
_STAR: Final = _ALL | {-1}
"""Stands for ``*`` among the parts of a wildcard pattern; -1 is no byte, so nothing else equals it."""


def regex(pattern: str) -> Predicate:
    """Whether a whole text matches *pattern*; bytes that are not UTF-8 count as U+FFFD in the text.

    Raises:
        ValueError: RE2 refuses the pattern; the message is Falco's sentence.
    """
    options = re2.Options()
    options.posix_syntax = True
    options.longest_match = True
    options.never_capture = True
    options.log_errors = False
    try:
        compiled = re2.compile(text_of.to_bytes(pattern), options)
    except re2.error as error:
        reason = error.args[0]
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
        raise ValueError(f"invalid regex pattern: {reason}") from None
    fullmatch = compiled.fullmatch
    return lambda text: fullmatch(text_of.printable(text).encode()) is not None


@functools.lru_cache(maxsize=256)
def glob(pattern: str, *, ignore_case: bool = False) -> Predicate:
    """Whether a whole text matches the wildcards of *pattern*, ``/`` and leading dots like anything else.

    A pattern of more than ``MAX_GLOB`` bytes that has a wildcard matches nothing: RE2 does not compile patterns of any
    size, and only an event can bring such a one (``glob val(field)``).
    """
    data = text_of.to_bytes(pattern)
    if not _SPECIAL.intersection(data):
        folded, whole = data.lower(), data.decode("utf-8", "surrogateescape")
        return (lambda text: text_of.to_bytes(text).lower() == folded) if ignore_case else whole.__eq__
    parts = _parts(data, ignore_case=ignore_case) if len(data) <= MAX_GLOB else None
    if parts is None:
        return lambda _text: False
    if not ignore_case and (simple := _simple(parts)) is not None:
        return simple
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.dot_nl = True
    options.never_capture = True
    options.log_errors = False
    fullmatch = re2.compile(b"".join(map(_source, parts)), options).fullmatch
    return lambda text: fullmatch(text_of.to_bytes(text)) is not None


def _simple(parts: list[frozenset[int]]) -> Predicate | None:
    """The comparison that ``a``, ``a*``, ``*a`` or ``*a*`` comes to; None for other patterns."""
    stars = [at for at, part in enumerate(parts) if part is _STAR]
    literal = [part for part in parts if part is not _STAR]
    if any(len(part) != 1 for part in literal) or not set(stars) <= {0, len(parts) - 1}:
        return None
    text = bytes(next(iter(part)) for part in literal).decode("utf-8", "surrogateescape")
    if not text.isascii() and text_of.printable(text) != text:
        return None  # parts of characters: the text would have to be compared as bytes
    if not stars:
        return text.__eq__
    if not literal:
        return lambda _text: True
    if len(stars) == 2:
        return lambda value: text in value
    return (lambda value: value.startswith(text)) if stars[0] else (lambda value: value.endswith(text))


def _parts(pattern: bytes, *, ignore_case: bool) -> list[frozenset[int]] | None:
    """What each position may be, ``_STAR`` for any number of bytes; None if the pattern matches nothing."""
    parts: list[frozenset[int]] = []
    position = 0
    while position < len(pattern):
        byte = pattern[position]
        position += 1
        if byte == ord("*"):
            if not parts or parts[-1] is not _STAR:
                parts.append(_STAR)
        elif byte == ord("?"):
            parts.append(_ALL)
        elif byte == ord("[") and (bracket := brackets.read(pattern, position, ignore_case=ignore_case)) is not None:
            members, position = bracket
            parts.append(members)
        elif byte == ord("\\"):
            if position == len(pattern):
                return None  # a backslash that escapes nothing matches nothing
            parts.append(_same(pattern[position], ignore_case=ignore_case))
            position += 1
        else:
            parts.append(_same(byte, ignore_case=ignore_case))
    return parts


def _source(part: frozenset[int]) -> bytes:
    if part is _STAR:
        return b".*"
    if part == _ALL:
        return b"."
    if not part:
        return b"[^\\x00-\\xff]"
    if len(part) == 1:
        return b"\\x%02x" % next(iter(part))
    return b"[" + b"".join(b"\\x%02x-\\x%02x" % pair for pair in _ranges(part)) + b"]"


def _ranges(values: Iterable[int]) -> Iterator[tuple[int, int]]:
    ordered = sorted(values)
    first = previous = ordered[0]
    for value in ordered[1:]:
        if value != previous + 1:
            yield first, previous
            first = value
        previous = value
    yield first, previous


def _same(byte: int, *, ignore_case: bool) -> frozenset[int]:
    one = bytes((byte,))
    return frozenset(one.lower() + one.upper()) if ignore_case else frozenset(one)
