"""A batch of records: what sources yield and the decoder reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

MAX_EVENT_SIZE: Final = 262_144
"""Default of ``maxEventSize``: bytes of one audit event."""
MAX_BATCH_SIZE: Final = 12_582_912
"""Default of ``webhookMaxBatchSize``: bytes of one line, document or request body."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is too large: bytes of one audit event, and of one record (a line, a document, a request body)."""

    event: int = MAX_EVENT_SIZE
    record: int = MAX_BATCH_SIZE


DEFAULT_LIMITS: Final = Limits()


class Records(list[bytes]):
    """JSON documents as they stand in the input, a line each as a rule, with their ends of line.

    Args:
        records: The documents, in order; blank ones are passed over.
        where: Where the record of an index is, for messages (``audit.log:12``).
        limits: What is too large. A record beyond its limit has been cut: it is refused, whatever is left of it.
    """

    __slots__ = ("limits", "where")

    def __init__(self, records: Iterable[bytes], where: Callable[[int], str], limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(records)
        self.where = where
        self.limits = limits
