"""The queue of one channel: bounded, filled by sources one item at a time, emptied by the channel's worker in batches.

What is queued and what the worker took but has not done with count alike, so the bound holds for both together.
Commands, such as to flush, travel in the same order as items and do not count.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

DEFAULT_CAPACITY: Final = 65_536
"""What ``outputs_queue.capacity: 0`` means: nothing is unbounded."""
_BATCH: Final = 256
_LINGER_S: Final = 0.005
"""How long a worker that was busy sleeps before it asks to be woken: waking it costs as much as ten alerts."""


class Command:
    """Something for the worker to run between two items; ``done`` is set afterwards."""

    def __init__(self, run: Callable[[], None]) -> None:
        self.run = run
        self.done = threading.Event()


class BoundedQueue(Generic[T]):
    """First in, first out.

    ``offer``, ``drop`` and ``command`` may be called by any thread, ``take``, ``wait`` and ``deliver`` by one worker.
    Each item ends as one of: done with (``delivered``), ``dropped``, or still ``pending``.

    Args:
        capacity: Items that are queued or being delivered; 0 = ``DEFAULT_CAPACITY``.
        room: Notified when there may be room for an item while ``waiting`` is not 0; shared by the queues that one
            item goes to, so that a thread can wait for any of them.
    """

    def __init__(self, capacity: int, room: threading.Condition) -> None:
        self.capacity = capacity or DEFAULT_CAPACITY
        self.delivered = 0
        """Items done with, well or not."""
        self.dropped = 0
        self.waiting = 0
        """Threads that wait for room; guarded by ``room``."""
        self.is_closed = False
        self._is_ending = False
        self._is_idle = False
        self._accepted = 0
        self._items: deque[T | Command] = deque()
        self._lock = threading.Lock()
        self._filled = threading.Condition(self._lock)
        self._room = room

    @property
    def pending(self) -> int:
        """Items queued or being delivered."""
        return self._accepted - self.delivered

    def offer(self, item: T) -> bool:
        """Queue *item* if there is room; whether there was."""
        with self._lock:
            if self._accepted - self.delivered >= self.capacity or self.is_closed:
                return False
            self._items.append(item)
            self._accepted += 1
            if self._is_idle:
                self._filled.notify()
            return True

    def drop(self) -> None:
        """Count an item that was not queued."""
        with self._lock:
            self.dropped += 1

    def command(self, command: Command) -> None:
        """Queue *command* behind the items queued so far. A closed queue has nothing to run it on: done at once."""
        with self._lock:
            if self.is_closed:
                command.done.set()
            else:
                self._items.append(command)
                self._filled.notify()

    def take(self) -> list[T | Command]:
        """Some of what is queued, in order; empty if nothing is."""
        items = self._items
        with self._lock:
            if len(items) > _BATCH:
                return [items.popleft() for _ in range(_BATCH)]
            batch = list(items)
            items.clear()
            return batch

    def wait(self) -> bool:
        """Wait until something is queued; False if nothing will be any more."""
        with self._lock:
            if not self._items and not self._is_ending:
                self._filled.wait(_LINGER_S)
            self._is_idle = True
            while not self._items and not self._is_ending:
                self._filled.wait()
            self._is_idle = False
            if not self._items:
                self.is_closed = True
            return not self.is_closed

    def deliver(self) -> None:
        """Count an item as done with. Called by the worker, which alone changes the number, without the lock."""
        if not self.is_closed:
            self.delivered += 1
            if self.waiting:
                self._free()

    def end(self) -> None:
        """Close as soon as nothing is queued any more."""
        with self._lock:
            self._is_ending = True
            self._filled.notify()

    def abandon(self) -> int:
        """Close now and drop what is pending; its number. The item being delivered is among it."""
        with self._lock:
            was_closed, self.is_closed = self.is_closed, True
            left = 0 if was_closed else self.pending
            self.dropped += left
            for item in self._items:
                if isinstance(item, Command):
                    item.done.set()
            self._items.clear()
            self._is_ending = True
            self._filled.notify()
        self._free()
        return left

    def _free(self) -> None:
        with self._room:
            self._room.notify_all()
