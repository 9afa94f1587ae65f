r"""Text and its bytes: the only module that knows that a text value stands for bytes.

A text value is a ``str`` decoded from UTF-8 with ``surrogateescape``: a byte that is not UTF-8 is one of U+DC80 to
U+DCFF.  Any other lone surrogate can only come from a JSON escape (``\ud83d``); decoders keep it as the six
characters of that escape, and so does everything here that meets one.  All functions take any ``str`` and never
raise.
"""

from __future__ import annotations

from typing import Final

_ENCODING: Final = "utf-8"
_BYTES: Final = "surrogateescape"


def from_bytes(data: bytes) -> str:
    """The text value of *data*, as C reads it: up to the first NUL."""
    end = data.find(0)
    return (data if end < 0 else data[:end]).decode(_ENCODING, _BYTES)


def to_bytes(text: str) -> bytes:
    """The bytes that *text* stands for."""
    try:
        return text.encode(_ENCODING, _BYTES)
    except UnicodeEncodeError:
        return "".join(_spelled(character) for character in text).encode(_ENCODING, _BYTES)


def printable(text: str) -> str:
    """*text* with U+FFFD for each maximal run of bytes that is not UTF-8; fit for any encoder.

    Bytes that stand side by side are judged together, so a character whose bytes come from two values is whole.
    """
    if text.isascii():
        return text
    try:
        text.encode(_ENCODING)
    except UnicodeEncodeError:
        return to_bytes(text).decode(_ENCODING, "replace")
    return text


def size(text: str) -> int:
    """Length in bytes."""
    return len(text) if text.isascii() else len(to_bytes(text))


def fit(text: str, width: int) -> str:
    """*text* cut or padded with blanks to exactly *width* bytes; 0 = as it is.

    A character may be cut; what is left of it is bytes that ``printable`` shows as U+FFFD.
    """
    if not width:
        return text
    if text.isascii():
        return text[:width].ljust(width)
    return to_bytes(text)[:width].ljust(width).decode(_ENCODING, _BYTES)


def cut(text: str, limit: int) -> str:
    """*text*, at most *limit* bytes of it."""
    if len(text) * 6 <= limit:  # the longest a character can be: the escape of a surrogate
        return text
    data = to_bytes(text)
    return text if len(data) <= limit else data[:limit].decode(_ENCODING, _BYTES)


def _spelled(character: str) -> str:
    """*character*, a surrogate that stands for no byte as its JSON escape."""
    code = ord(character)
    is_escape = 0xD800 <= code <= 0xDFFF and not 0xDC80 <= code <= 0xDCFF
    return f"\\u{code:04x}" if is_escape else character
