"""A batch of records: what sources yield and the decoder reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

MAX_EVENT_SIZE: Final = 262_144
"""Default of ``maxEventSize``: bytes of one audit event."""
MAX_DOCUMENT_SIZE: Final = 12_582_912
"""Default of ``webhookMaxBatchSize``: bytes of one line, document or request body."""


class Records(list[bytes]):
    """JSON documents as they stand in the input, a line each as a rule, with their ends of line.

    Args:
        records: The documents, in order; blank ones are passed over.
        where: Where the record of an index is, for messages (``audit.log:12``).
        max_event_size: Bytes that one audit event may have.
    """

    __slots__ = ("max_event_size", "where")

    def __init__(
        self, records: Iterable[bytes], where: Callable[[int], str], max_event_size: int = MAX_EVENT_SIZE
    ) -> None:
        super().__init__(records)
        self.where = where
        self.max_event_size = max_event_size
