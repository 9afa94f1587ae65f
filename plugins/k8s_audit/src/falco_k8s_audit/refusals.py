"""What was refused: counted by reason, and said with its place.

A log line for each refused record would let whoever writes the input fill the log, so each reason is reported in
full a few times and then at every tenfold count; the counters are exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final

_IN_FULL: Final = 10


class Reason(Enum):
    """Why input was refused; the member's value is the name of its counter."""

    NOT_JSON = "records that are not JSON"
    NOT_AUDIT = "records that are not audit events"
    NO_TIME = "audit events without a time stamp"
    BAD_TIME = "audit events with an unreadable time stamp"
    EVENT_TOO_LARGE = "audit events larger than maxEventSize"
    RECORD_TOO_LARGE = "records larger than webhookMaxBatchSize"
    INCOMPLETE = "documents that end in the middle"
    UNREADABLE = "files that cannot be read"
    REQUEST = "requests refused by the webhook"


class Place:
    """Where a record is, in words; found only if they are asked for.

    The number of a line in the middle of a file takes counting all lines before it.
    """

    __slots__ = ("_index", "_where")

    def __init__(self, where: Callable[[int], str], index: int) -> None:
        self._where = where
        self._index = index

    def __str__(self) -> str:
        return self._where(self._index)


class Refusals:
    """Counts by reason, and reports.

    Args:
        report: Takes one sentence.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._counts: Counter[Reason] = Counter()

    def add(self, reason: Reason, where: str | Place, message: str) -> None:
        """Count one refusal, at *where* (``file:line``), because of *message*."""
        self._counts[reason] += 1
        count = self._counts[reason]
        if count <= _IN_FULL:
            self._report(f"{where}: {message}")
        elif str(count).strip("0") == "1":
            self._report(f"{where}: {message} ({count} {reason.value} so far)")

    def counters(self) -> Mapping[str, int]:
        """Counts so far, by reason in words."""
        return {reason.value: count for reason, count in self._counts.items()}
