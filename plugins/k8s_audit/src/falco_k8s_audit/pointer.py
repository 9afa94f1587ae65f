"""JSON pointers, parsed once when a rule is compiled."""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from jsonpointer import JsonPointer

Steps: TypeAlias = tuple[str, ...]
"""Keys and indexes from the root on; () is the whole document."""

_STRAY_TILDE: Final = re.compile("~(?![01])")


def parse(text: str) -> Steps:
    """The steps of *text*, an RFC 6901 pointer whose first slash may be left out.

    ``""`` is the whole document, ``"/"`` the key that is the empty text. A ``~`` that escapes nothing stands for
    itself.
    """
    if not text:
        return ()
    pointer = _STRAY_TILDE.sub("~0", text.removeprefix("/"))
    return tuple(str(part) for part in JsonPointer(f"/{pointer}").parts)
