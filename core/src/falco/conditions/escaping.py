"""Quoted strings of conditions: what is written and what it means."""

from __future__ import annotations

import re
from typing import Final

from falco.fields import text as bytes_of

_MEANING: Final = {
    "b": b"\b",
    "f": b"\f",
    "n": b"\n",
    "r": b"\r",
    "t": b"\t",
    "\\": b"\\",
    "/": b"/",
    " ": b"\\",  # legacy: backslash and blank together stand for one backslash
}
_HEX: Final = frozenset("0123456789abcdefABCDEF")
_NEEDS_QUOTES: Final = re.compile("[\b\f\n\r\t =\\\\\"'\0]")


class EscapeError(ValueError):
    """An escape sequence means nothing. ``start`` and ``end`` delimit it in the text given to ``unescape``."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.start = start
        self.end = end


def unescape(content: str, quote: str) -> str:
    r"""The meaning of *content*, the characters between two *quote* characters.

    ``\xHH`` gives a byte, so several of them can make one character.

    Raises:
        EscapeError: An escape is unknown, cut short, or is the other kind of quote.
    """
    if "\\" not in content:
        return content
    pieces: list[bytes] = []
    position = 0
    while (start := content.find("\\", position)) >= 0:
        pieces.append(bytes_of.to_bytes(content[position:start]))
        letter = content[start + 1 : start + 2]
        position = start + 1 + len(letter)
        if letter == "x":
            digits = content[position : position + 2]
            position += len(digits)
            if len(digits) < 2:
                raise EscapeError("truncated hex char escape sequence", start, position)
            if not _HEX.issuperset(digits):
                raise EscapeError(f"invalid hex char escape sequence: {digits}", start, position)
            pieces.append(bytes.fromhex(digits))
        elif letter == quote:
            pieces.append(quote.encode())
        elif letter in {'"', "'"}:
            raise EscapeError(f"invalid \\{letter} escape in {quote}-quoted string", start, position)
        elif letter in _MEANING:
            pieces.append(_MEANING[letter])
        else:
            raise EscapeError(f"unsupported string escape sequence: \\{letter}", start, position)
    pieces.append(bytes_of.to_bytes(content[position:]))
    return b"".join(pieces).decode("utf-8", "surrogateescape")


def escape(text: str) -> str:
    r"""*text* as Falco prints it in a compiled condition: quoted only if it holds a blank, ``=``, ``\`` or a quote.

    Not every text comes back when it is parsed again: an empty one, and one with parentheses or commas, are printed
    bare, as Falco does.
    """
    if _NEEDS_QUOTES.search(text) is None:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
