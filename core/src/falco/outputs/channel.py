"""One output channel at work: its queue, its thread, and the account of what became of every alert."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from falco.errors import OutputError
from falco.outputs.queue import BoundedQueue, Command

if TYPE_CHECKING:
    from falco.alerts import Alert
    from falco.outputs.base import Output

_QUIET_S: Final = 1.0
"""Least time between two reports of lost alerts, those in between are told as a number, or of the same other fault."""


class Channel:
    """Delivers alerts on a thread of its own, so that it can be slow or fail alone.

    Every alert given to it is in the end ``written``, ``lost`` (the channel failed) or ``dropped`` (the queue was full
    or given up).

    Args:
        output: The channel; from here on only its thread calls it, ``open`` first and ``close`` last.
        capacity: Of the queue, as ``outputs_queue.capacity``.
        room: Notified when a full queue has room.
        report: Takes a sentence for the log.
    """

    def __init__(
        self, output: Output, *, capacity: int, room: threading.Condition, report: Callable[[str], None]
    ) -> None:
        self.name = output.name
        self.lossless = output.lossless
        self.queue: BoundedQueue[Alert] = BoundedQueue(capacity, room)
        self.lost = 0
        """Alerts that the channel took and did not deliver."""
        output.lose = self._lose
        self._output = output
        self._report = report
        self._told_lost = 0
        self._told_dropped = 0
        self._told_at_s = -_QUIET_S
        self._telling = threading.Lock()
        self._error = ""
        self._said = ""
        self._said_at_s = 0.0
        self._thread = threading.Thread(target=self._run, name=f"output {self.name}", daemon=True)
        self._thread.start()

    @property
    def written(self) -> int:
        """Alerts delivered."""
        return self.queue.delivered - self.lost

    @property
    def dropped(self) -> int:
        """Alerts that found the queue full, or were in it when it was given up."""
        return self.queue.dropped

    def settle(self) -> None:
        """Return when everything queued so far is written and flushed, or the channel is closed."""
        command = Command(self._flush)
        self.queue.command(command)
        while not command.done.wait(1.0) and not self.queue.is_closed:
            pass

    def reopen(self) -> None:
        """Have the channel close and open what it writes to, after the alerts queued so far; does not wait."""
        self.queue.command(Command(self._reopen))

    def join(self, timeout_s: float | None) -> bool:
        """Wait until the queue was ended and emptied and the channel closed; False if that took longer."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def abandon(self) -> int:
        """Close now: drop what is pending and have the output end what it is at, without a wait; how many that were."""
        left = self.queue.abandon()
        with self._telling:
            self._told_dropped += left  # by whoever abandons it
        self._guard(self._output.abandon)
        return left

    def tell(self) -> None:
        """Report the alerts lost and dropped since the last time."""
        with self._telling:  # the channel's thread and the dispatcher's
            if (new := self.dropped - self._told_dropped) > 0:
                self._told_dropped += new
                self._report(
                    f"{self.name}: outputs queue full ({self.queue.capacity} alerts), "
                    f"{new} alerts dropped, {self._told_dropped} so far"
                )
            if (new := self.lost - self._told_lost) > 0:
                self._told_lost += new
                self._report(f"{self.name}: {self._error} ({new} alerts lost, {self._told_lost} so far)")

    def _run(self) -> None:
        queue, write = self.queue, self._output.write
        try:
            self._output.open()
        except Exception as error:  # noqa: BLE001  a fault of one channel must not end the process
            self._report(f"{self.name}: {_sentence(error)}; this output channel stays off")
            write = _refuse
        while queue.wait():
            while batch := queue.take():
                self._deliver(batch, write)
            self._flush()
        self._guard(self._output.close)

    def _deliver(self, batch: list[Alert | Command], write: Callable[[Alert], None]) -> None:
        queue = self.queue
        for item in batch:
            if isinstance(item, Command):
                item.run()
                item.done.set()
            elif not queue.is_closed:  # given up meanwhile: the rest is already counted as dropped
                try:
                    write(item)
                except Exception as error:  # noqa: BLE001  a fault of one channel must not end its thread
                    self._fail(_sentence(error))
                queue.deliver()

    def _fail(self, sentence: str) -> None:
        """Account for the alert in hand."""
        if self.queue.is_closed:  # given up meanwhile: it was counted as dropped
            self._report(f"{self.name}: {sentence}")
        else:
            self._lose(sentence, 1)

    def _lose(self, sentence: str, number: int) -> None:
        """Count losses. The first in a while is reported now, the others as a number by ``tell``."""
        self.lost += number
        self._error = sentence
        if (now := time.monotonic()) - self._told_at_s >= _QUIET_S:
            self._told_at_s = now
            self.tell()

    def _flush(self) -> None:
        self._guard(self._output.flush)

    def _reopen(self) -> None:
        self._guard(self._output.reopen)

    def _guard(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001  a fault of one channel must not end its thread
            sentence, now = _sentence(error), time.monotonic()
            if sentence != self._said or now - self._said_at_s >= _QUIET_S:
                self._said, self._said_at_s = sentence, now
                self._report(f"{self.name}: {sentence}")


def _refuse(alert: Alert) -> None:  # noqa: ARG001  stands in for Output.write
    raise OutputError("this output channel is off")


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, OutputError) else f"{type(error).__name__}: {error}"
