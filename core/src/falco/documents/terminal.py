"""Text from elsewhere on a terminal: nothing in it is obeyed."""

from __future__ import annotations

import re
from typing import Final

_OBEYED: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""What a terminal obeys instead of showing it: control characters but the tab, and those that turn the direction of
writing."""


def visible(text: str) -> str:
    r"""*text* on one line, fit for a terminal: what that would obey is spelled as JSON does it, ``\\u001b``."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def visible_lines(text: str) -> str:
    """The lines of *text*, each ``visible``."""
    return "\n".join(map(visible, text.split("\n")))
