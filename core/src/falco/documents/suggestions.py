"""Did-you-mean: the known names that look like an unknown one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Up to three of *known* that look like *word*, the closest first, as a question; "" if none does.

    *cutoff* is how much must be alike, from 0 to 1.
    """
    near = difflib.get_close_matches(word, list(known), n=3, cutoff=cutoff)
    if not near:
        return ""
    *others, last = (f"'{name}'" for name in near)
    return f"did you mean {', '.join(others)} or {last}?" if others else f"did you mean {last}?"
