"""From pipelines to output channels: every channel has its own queue and thread, and none delays another."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from falco.outputs.channel import Channel

if TYPE_CHECKING:
    from falco.alerts import Alert
    from falco.outputs.base import Output

_TICKS_A_TIMEOUT: Final = 4
_LOOK_S: Final = 0.1
"""Between two looks, while channels are closed, at whether a signal has come."""
_GRACE_S: Final = 2.0
"""How long an output that was given up may take to end what it is at."""


class Dispatcher:
    """All channels.

    Nothing is lost silently: what a channel drops or fails to deliver is counted, and reported within seconds and at
    the end.  A channel that makes no progress for ``output_timeout`` is reported while it lasts.

    Args:
        outputs: The channels, constructed and not opened; the dispatcher opens and closes them.
        report: Takes a sentence for the log; called by any thread.
        capacity: Alerts a channel (``outputs_queue.capacity``); 0 = 65,536.
        output_timeout_s: ``output_timeout``, in seconds.
    """

    def __init__(
        self,
        outputs: Sequence[Output],
        *,
        report: Callable[[str], None],
        capacity: int = 0,
        output_timeout_s: float = 2.0,
    ) -> None:
        self._room = threading.Condition()
        self.channels = tuple(Channel(output, capacity=capacity, room=self._room, report=report) for output in outputs)
        self._report = report
        self._timeout_s = output_timeout_s
        self._stop = threading.Event()
        self._watch = threading.Thread(target=self._keep_watch, name="output watch", daemon=True)
        self._watch.start()

    @property
    def dropped(self) -> Mapping[str, int]:
        """Alerts dropped because a queue was full, by channel."""
        return {channel.name: channel.dropped for channel in self.channels}

    @property
    def lost(self) -> Mapping[str, int]:
        """Alerts that a channel failed to deliver, by channel."""
        return {channel.name: channel.lost for channel in self.channels}

    def emit(self, alert: Alert, *, wait: bool, keep: bool = False) -> None:
        """Queue *alert* for every channel.

        Args:
            alert: The alert.
            wait: Whether the source can wait: then a lossless channel whose queue is full blocks, and with it the
                source. Otherwise the alert is dropped for that channel and counted.
            keep: Whether the source acknowledges: then every channel whose queue is full blocks.
        """
        full = [channel for channel in self.channels if not channel.queue.offer(alert)]
        if full:  # the others have it already: a full channel delays no other
            awaited = []
            for channel in full:
                if keep or (wait and channel.lossless):
                    awaited.append(channel)
                else:
                    channel.queue.drop()
            self._wait_for_room(alert, awaited)

    def settle(self) -> None:
        """Return when everything emitted so far is written and flushed, lost or dropped."""
        for channel in self.channels:
            channel.settle()

    def reopen(self) -> None:
        """Have every channel open its file or connection anew, for log rotation; does not wait."""
        for channel in self.channels:
            channel.reopen()

    def close(self, is_stopped: Callable[[], bool] = lambda: False) -> None:
        """Deliver what is queued, then close the channels. Any number of times.

        Args:
            is_stopped: Asked several times a second; a signal may come while this waits. From when it is true
                ``output_timeout`` is left: then what is pending is dropped, counted and reported, outputs end what they
                are at, and threads that wait for room go on.
        """
        for channel in self.channels:
            channel.queue.end()
        open_ = list(self.channels)
        end_s = math.inf
        while open_ and time.monotonic() < end_s:
            open_ = [channel for channel in open_ if not channel.join(_LOOK_S / len(open_))]
            if is_stopped():
                end_s = min(end_s, time.monotonic() + self._timeout_s)
        self._abandon(open_)
        self._stop.set()
        self._watch.join()
        for channel in self.channels:
            channel.tell()

    def _abandon(self, channels: Sequence[Channel]) -> None:
        left = {channel.name: channel.abandon() for channel in channels}
        if any(left.values()):
            names = ", ".join(f"{name} {number}" for name, number in left.items() if number)
            self._report(f"output channels still blocked, discarding all remaining notifications: {names}")
        end_s = time.monotonic() + _GRACE_S
        for channel in channels:
            channel.join(max(0.0, end_s - time.monotonic()))

    def _wait_for_room(self, alert: Alert, channels: list[Channel]) -> None:
        """Give *alert* to each of *channels* as soon as it has room, in whatever order that comes to pass."""
        with self._room:
            for channel in channels:
                channel.queue.waiting += 1
            while channels:
                full = []
                for channel in channels:
                    if channel.queue.offer(alert):
                        channel.queue.waiting -= 1
                    elif channel.queue.is_closed:
                        channel.queue.drop()
                        channel.queue.waiting -= 1
                    else:
                        full.append(channel)
                if full:
                    self._room.wait()
                channels = full

    def _keep_watch(self) -> None:
        """Report what was dropped or lost, and channels that stand still."""
        delivered = [0] * len(self.channels)
        still = [0] * len(self.channels)
        while not self._stop.wait(self._timeout_s / _TICKS_A_TIMEOUT):
            for i, channel in enumerate(self.channels):
                channel.tell()
                queue = channel.queue
                moved = queue.delivered != delivered[i] or not queue.pending
                still[i] = 0 if moved else still[i] + 1
                delivered[i] = queue.delivered
                if still[i] == _TICKS_A_TIMEOUT:
                    held = "; the source waits" if queue.waiting else ""
                    self._report(
                        f'"{channel.name}" output timeout: nothing delivered for {self._timeout_s:g} s, '
                        f"{queue.pending} alerts are waiting{held}"
                    )
