"""Processes that scan parts of an input, and what they have found so far.

Alerts leave a worker by the hundred, as rows without the templates that this process has seen, and wait here as
bytes. When there are too many the worker waits too: what waits in memory does not depend on how much matches.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from falco.alerts import Alert, AlertTemplate
from falco.pipeline.parts import Build, Fault, Outcome, Scanner, fault

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnContext

    from falco.sources import Decoder, Source

_ROWS: Final = 256
"""Alerts that are sent together."""
_DELAY_S: Final = 0.2
"""How long an alert waits for others."""
_BYTES: Final = 2 << 20
"""Bytes of alerts that may wait for each part; then its worker waits."""
_SIGKILL: Final = 9  # not every system has the name
_GRACE_S: Final = 5.0
"""How long a process whose pipe is closed may take to be gone."""

Row: TypeAlias = tuple[int, int, int, tuple[Any, ...]]
"""Number of the template, and the rest of an alert."""


@dataclass(slots=True)
class Found:
    """Alerts of a part in order, numbered from 1."""

    alerts: list[Alert]
    start_ns: int | None
    """Time of the first event of the part."""


Item: TypeAlias = "Found | Outcome"
"""What there is of a part; the last item is how it ended."""


class Work:
    """Which part is whose, and what was found: shared by the thread that scans here and one for each worker.

    Args:
        split: The parts.
        ahead: Parts that may be scanned before their turn.
    """

    def __init__(self, split: Sequence[Source[Any]], ahead: int) -> None:
        self.split = split
        self.is_ended = False
        self._ahead = ahead
        self._next = 0
        self._wanted = 0
        self._inboxes: dict[int, deque[tuple[Packed | Item, int]]] = {}
        self._sizes: dict[int, int] = {}
        self._fault: Fault | None = None
        self._changed = threading.Condition()

    def take(self, or_item: int | None = None) -> int | None:
        """The number of a part to scan, as soon as there is one.

        None if there will be none, or first an item of the part *or_item*.
        """
        with self._changed:
            while not (self.is_ended or self._fault or (or_item is not None and self._inboxes.get(or_item))):
                if self._next < len(self.split) and self._next - self._wanted < self._ahead:
                    self._next += 1
                    return self._next - 1
                if self._next >= len(self.split) and or_item is None:
                    return None
                self._changed.wait()
            return None

    def put(self, number: int, item: Packed | Item, size: int = 0) -> None:
        """Keep an item of part *number*; waits while more than enough of its *size* bytes waits to be taken."""
        with self._changed:
            while self._sizes.get(number, 0) > _BYTES and not self.is_ended:
                self._changed.wait()
            self._inboxes.setdefault(number, deque()).append((item, size))
            self._sizes[number] = self._sizes.get(number, 0) + size
            self._changed.notify_all()

    def item(self, number: int, *, wait: bool = False) -> Item | None:
        """The next item of the part *number*, whose turn it is; None if there is none yet, or the run has ended."""
        with self._changed:
            if number != self._wanted:
                self._wanted = number
                self._changed.notify_all()
            while wait and not (self._inboxes.get(number) or self._fault or self.is_ended):
                self._changed.wait()
            if not self._inboxes.get(number):
                return self._fault
            item, size = self._inboxes[number].popleft()
            self._sizes[number] -= size
            self._changed.notify_all()
        return item.found() if isinstance(item, Packed) else item

    def fail(self, found: Fault) -> None:
        """Give out no part any more: what *found* says concerns no part."""
        with self._changed:
            self._fault = self._fault or found
            self._changed.notify_all()

    def end(self) -> None:
        """Give out no part any more, and wait for nothing."""
        with self._changed:
            self.is_ended = True
            self._changed.notify_all()


class Packed:
    """Alerts as a worker has sent them; *templates* are those it has sent before, in order."""

    __slots__ = ("_data", "_templates")

    def __init__(self, data: bytes, templates: list[AlertTemplate]) -> None:
        self._data = data
        self._templates = templates

    def found(self) -> Found:
        """The alerts. Asked once, in the order in which they came."""
        new, rows, start_ns = pickle.loads(self._data)  # noqa: S301  a process of ours wrote it
        templates = self._templates
        templates += new
        return Found(
            [Alert(templates[number], num, time_ns, values) for number, num, time_ns, values in rows], start_ns
        )


@contextmanager
def _safe_path() -> Iterator[None]:
    """Processes that start in it find no modules in the current directory, which may be anybody's."""
    name = "PYTHONSAFEPATH"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


class Worker:
    """A process that scans parts, and the thread here that hands them over; it may still start when all is done."""

    def __init__(self, context: SpawnContext, build: Build, work: Work) -> None:
        self._work = work
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, build), daemon=True)
        with _safe_path():
            self._process.start()
        theirs.close()
        self._thread = threading.Thread(target=self._hand_over, name="jobs worker", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the process, whatever it does."""
        self._process.terminate()
        self._process.join()
        self._thread.join()
        self._pipe.close()

    def _hand_over(self) -> None:
        work = self._work
        number: int | None = None
        try:
            ready: Fault | None = self._pipe.recv()
            if ready is not None:
                work.fail(ready)
                return
            templates: list[AlertTemplate] = []
            while (number := work.take()) is not None:
                self._pipe.send(work.split[number])
                while (outcome := self._message()) is None:
                    data = self._pipe.recv_bytes()
                    work.put(number, Packed(data, templates), len(data))
                work.put(number, outcome)
        except (EOFError, OSError):  # the process is gone: closed, or killed
            if not work.is_ended:
                self._died(number)

    def _message(self) -> Outcome | None:
        """How the part ended; None if alerts follow."""
        outcome: Outcome | None = self._pipe.recv()
        return outcome

    def _died(self, number: int | None) -> None:
        self._process.join(_GRACE_S)
        code = self._process.exitcode
        how = f"exit code {code}" if code is None or code >= 0 else f"killed by {signal.Signals(-code).name}"
        advice = "; out of memory? Try fewer --jobs" if code == -_SIGKILL else ""
        if number is None:
            self._work.fail(Fault(f"a scanning process died while it started: {how}{advice}"))
        else:
            where = self._work.split[number]
            self._work.put(number, Fault(f"a scanning process died while it read {where}: {how}{advice}"))


class _Sender:
    """Sends the alerts of a worker's parts."""

    def __init__(self, pipe: Connection, decoder: Decoder[Any, Any]) -> None:
        self._pipe = pipe
        self._decoder = decoder
        self._numbers: dict[int, int] = {}
        """Numbers of the templates that were sent, by identity: a ruleset keeps its templates."""
        self._new: list[AlertTemplate] = []
        self._rows: list[Row] = []
        self._sent_s = time.monotonic()

    def emit(self, alert: Alert, *, wait: bool, keep: bool = False) -> None:  # noqa: ARG002  sending waits
        template = alert.template
        number = self._numbers.get(id(template))
        if number is None:
            number = self._numbers[id(template)] = len(self._numbers)
            self._new.append(template)
        self._rows.append((number, alert.num, alert.time_ns, alert.values))
        if len(self._rows) >= _ROWS or time.monotonic() - self._sent_s > _DELAY_S:
            self.flush()

    def settle(self) -> None:
        """Nothing to wait for."""

    def flush(self) -> None:
        """Send what there is."""
        if self._rows:
            data = pickle.dumps((self._new, self._rows, self._decoder.start_ns), pickle.HIGHEST_PROTOCOL)
            self._pipe.send(None)
            self._pipe.send_bytes(data)
            self._new, self._rows = [], []
        self._sent_s = time.monotonic()


def _serve(pipe: Connection, build: Build) -> None:
    """What a worker does, until it is terminated or nobody is there any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all; the first process decides
    with suppress(EOFError, OSError):
        try:
            scanner = Scanner(*build())
        except Exception:  # noqa: BLE001  whoever waits for it is told
            pipe.send(fault("the start of a scanning process"))
            return
        pipe.send(None)
        sender = _Sender(pipe, scanner.decoder)
        while True:
            source = pipe.recv()
            outcome = scanner.scan(source, sender)
            try:
                sender.flush()
            except (pickle.PicklingError, TypeError, AttributeError):
                outcome = fault(f"sending the alerts of {source}")
            pipe.send(outcome)
