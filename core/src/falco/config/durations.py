"""Durations as Prometheus writes them: ``1h30m``, ``2h 5m``, ``300ms``."""

from __future__ import annotations

import re
from typing import Final

_UNITS_MS: Final = {
    "y": 365 * 86_400_000,
    "w": 7 * 86_400_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
_DURATION: Final = re.compile(r"\s*".join(f"(?:(?P<{unit}>[0-9]{{1,12}}){unit})?" for unit in _UNITS_MS), re.ASCII)


def milliseconds(text: str) -> int | None:
    """Milliseconds of a duration; None when *text* is not one.

    Each unit stands at most once, from years down to milliseconds. A number without a unit is no duration.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None or not match[0]:
        return None
    return sum(int(number) * _UNITS_MS[unit] for unit, number in match.groupdict().items() if number)
