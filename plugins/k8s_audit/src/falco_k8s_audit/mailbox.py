"""Between the threads of the webhook and the source: a queue bounded in number and in bytes."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Final

_BODIES: Final = 50
_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request body and who sent it."""

    body: bytes
    sender: str


class Mailbox:
    """Bodies in the order of arrival. Full: whoever puts waits, so that the API server does, and nothing is lost.

    Args:
        bodies: How many may wait.
        size: How many bytes may wait; a body alone may be larger.
    """

    def __init__(self, bodies: int = _BODIES, size: int = _BYTES) -> None:
        self._bodies = bodies
        self._size = size
        self._waiting: deque[Delivery] = deque()
        self._held = 0
        self._is_closed = False
        self._changed = threading.Condition()

    def put(self, delivery: Delivery) -> bool:
        """Put *delivery* in, waiting for room; False if the box was closed before there was any."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._has_room(len(delivery.body)))
            if self._is_closed:
                return False
            self._waiting.append(delivery)
            self._held += len(delivery.body)
            self._changed.notify_all()
            return True

    def take(self, timeout_s: float) -> list[Delivery]:
        """Everything that waits; waits itself for something to come, until the timeout or the box is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closed, timeout_s)
            taken = list(self._waiting)
            self._waiting.clear()
            self._held = 0
            self._changed.notify_all()
            return taken

    def close(self) -> None:
        """Take no more; what waits can still be taken."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _has_room(self, size: int) -> bool:
        return not self._waiting or (len(self._waiting) < self._bodies and self._held + size <= self._size)
