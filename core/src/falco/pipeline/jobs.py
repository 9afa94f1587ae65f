"""One input in several processes: alerts in input order and numbered as one process would.

This process is one of them: it scans parts while the others are still starting.  They are spawned and build their own
decoder and ruleset, so nothing but sources, which are small descriptions of a part, and alerts, which are values,
crosses between processes.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from falco.errors import FalcoError, SourceError
from falco.pipeline.parts import Build, End, Fault, Scanner, counters
from falco.pipeline.pipeline import Pipeline
from falco.pipeline.workers import Found, Item, Work, Worker

if TYPE_CHECKING:
    from falco.alerts import Alert

_PARTS_A_JOB: Final = 8
"""So that little is left to wait for when most processes have nothing more to do."""
_AHEAD: Final = 4
"""Parts a process that may be scanned before their alerts are taken."""
_KEPT: Final = 1024
"""Alerts of a part scanned here that wait for their turn; then the parts before it are waited for."""
_LOOK: Final = 64
"""Alerts found here between two looks at what the others have found."""
_POLL_S: Final = 0.2
"""How often it is asked whether to stop."""


@dataclass(slots=True)
class JobsResult:
    """What became of an input besides its alerts, as one process would say it."""

    count: int = 0
    """Events, skipped ones included."""
    counters: Counter[str] = field(default_factory=Counter)
    """What sources and decoders dropped or refused, by reason."""


def run_jobs(
    pipeline: Pipeline[Any, Any],
    build: Build,
    *,
    jobs: int,
    parts: int | None = None,
    is_stopped: Callable[[], bool] = lambda: False,
    result: JobsResult | None = None,
) -> JobsResult:
    """Do what ``pipeline.run`` does, in *jobs* processes.

    A source that does not split is read here alone, and so is one for whose rules a process must know what all events
    before were (``Ruleset.positional``): that is reported.

    Args:
        pipeline: Its source is split into picklable parts, its decoder and rules scan some of them here, its output
            gets all alerts in input order, and it counts them.
        build: Run once in each further process.
        jobs: Number of processes, this one included.
        parts: Into how many parts to split; None = eight a process.
        is_stopped: Asked several times a second, by any thread; True ends the run after the batches in hand.
        result: What is filled and returned, for who wants to know it of a run that fails, too.

    Raises:
        SourceError: A part could not be read, or a process died. What came before that part was emitted, and of an
            unreadable part what could be read.
    """
    result = JobsResult() if result is None else result
    source, decoder, report = pipeline.source, pipeline.decoder, pipeline.report
    positional = pipeline.rules.positional
    if positional and jobs > 1:
        report(
            f"one process does the work of {jobs}: rule '{positional[0]}' asks for the number of an event or its time "
            "since the first, which takes all events before it"
        )
    split = (source,) if positional else source.split(parts or _PARTS_A_JOB * jobs)
    if len(split) == 1:
        try:
            pipeline.run()
        finally:
            result.count = decoder.count
            result.counters.update(counters(source, decoder))
        return result
    merged = _Merged(pipeline, result, Work(split, _AHEAD * jobs))
    try:
        _scan(merged, Scanner(decoder, pipeline.rules), build, jobs, is_stopped)
    finally:
        decoder.report, decoder.count = report, result.count
    return result


def _scan(merged: _Merged, here: Scanner, build: Build, jobs: int, is_stopped: Callable[[], bool]) -> None:
    """All parts, until the run is stopped."""
    context = multiprocessing.get_context("spawn")
    work = merged.work
    workers = [Worker(context, build, work) for _ in range(min(jobs, len(work.split)) - 1)]
    try:
        with _watched(is_stopped, (here.stop, work.end)):
            while merged.turn < len(work.split):
                turn = merged.turn
                if not merged.advance() and not merged.scan(here) and work.is_ended:
                    return
                if merged.turn > turn and is_stopped():
                    return
    finally:
        work.end()
        for worker in workers:
            worker.close()


class _Merged:
    """Takes what was found in the parts, in their order, for the pipeline."""

    def __init__(self, pipeline: Pipeline[Any, Any], result: JobsResult, work: Work) -> None:
        self.work = work
        self.turn = 0
        """The part whose alerts are taken."""
        self._pipeline = pipeline
        self._result = result
        self._wait = pipeline.source.can_wait
        self._start_ns: int | None = None
        self._said: set[str] = set()
        self.error: FalcoError | None = None
        """What ended the run while a part was scanned here."""

    def advance(self, *, wait: bool = False) -> bool:
        """Take one item of the part whose turn it is, if there is one."""
        item = self.work.item(self.turn, wait=wait)
        if item is None:
            return False
        self._take(item)
        return True

    def scan(self, here: Scanner) -> bool:
        """Scan the next part, unless there is something of the part whose turn it is to be taken first."""
        mine = self.work.take(or_item=self.turn)
        if mine is None:
            return False
        output = _Here(self, mine, here)
        outcome = here.scan(self.work.split[mine], output)
        output.flush()
        if self.error is not None:
            raise self.error
        if self.turn == mine:
            self._take(outcome)
        else:
            self.work.put(mine, outcome)
        return True

    def emit(self, alerts: Sequence[Alert], start_ns: int | None) -> None:
        """Pass on alerts of the part whose turn it is, *start_ns* being the time of its first event."""
        if self._start_ns is None:
            self._start_ns = start_ns
        pipeline, first = self._pipeline, self._result.count
        for alert in alerts:
            renumbered = alert.renumbered(first, self._start_ns)
            pipeline.statistics.count(renumbered)
            pipeline.output.emit(renumbered, wait=self._wait)

    def _take(self, item: Item) -> None:
        match item:
            case End():
                self._end(item)
            case Fault():
                if item.details:
                    self._pipeline.report(item.details)
                raise SourceError(item.sentence)
            case _:
                self.emit(item.alerts, item.start_ns)

    def _end(self, part: End) -> None:
        if self._start_ns is None:
            self._start_ns = part.start_ns
        self._result.count += part.count
        self._result.counters.update(part.counters)
        self._pipeline.failures += part.failures
        for sentence in part.reports:
            if sentence not in self._said:  # what concerns no part every process says
                self._said.add(sentence)
                self._pipeline.report(sentence)
        if part.error is not None:
            raise part.error
        self.turn += 1


class _Here:
    """Takes the alerts of a part that is scanned here: passes them on in its turn, and keeps some before."""

    def __init__(self, merged: _Merged, number: int, scanner: Scanner) -> None:
        self._merged = merged
        self._number = number
        self._scanner = scanner
        self._kept: list[Alert] = []

    def emit(self, alert: Alert, *, wait: bool, keep: bool = False) -> None:  # noqa: ARG002  the other side's
        merged, kept = self._merged, self._kept
        if merged.turn == self._number:
            merged.emit((alert,), self._scanner.decoder.start_ns)
            return
        kept.append(alert)
        if len(kept) % _LOOK == 0 and merged.error is None:
            try:
                while merged.turn < self._number and merged.advance(wait=len(kept) >= _KEPT):
                    pass
            except FalcoError as error:  # not this event's: the pipeline must not count it as such
                merged.error = error
                self._scanner.stop()
            if merged.turn == self._number:
                self.flush()

    def settle(self) -> None:
        """Nothing to wait for."""

    def flush(self) -> None:
        """Pass on what was kept: to who takes it, or to where it waits."""
        kept, self._kept = self._kept, []
        start_ns = self._scanner.decoder.start_ns
        if self._merged.turn == self._number:
            self._merged.emit(kept, start_ns)
        elif kept:
            self._merged.work.put(self._number, Found(kept, start_ns))


@contextmanager
def _watched(is_stopped: Callable[[], bool], stops: Sequence[Callable[[], None]]) -> Iterator[None]:
    """While in it, call *stops* as soon as *is_stopped*."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_POLL_S):
            if is_stopped():
                for stop in stops:
                    stop()
                return

    thread = threading.Thread(target=watch, name="jobs watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
