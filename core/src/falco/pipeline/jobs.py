"""One input in several processes: alerts in input order and numbered as one process would.

This process is one of them: it scans parts while the others are still starting.  They are spawned and build their own
decoder and ruleset, so nothing but sources, which are small descriptions of a part, and alerts, which are values,
crosses between processes.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from falco.errors import FalcoError, SourceError
from falco.pipeline.pipeline import Pipeline

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnContext

    from falco.alerts import Alert
    from falco.ruleset import Ruleset
    from falco.sources import Decoder, Source

Build: TypeAlias = "Callable[[], tuple[Decoder[Any, Any], Ruleset[Any]]]"
"""Makes a decoder and the ruleset in another process; picklable, such as a ``functools.partial`` over paths."""
_PARTS_A_JOB: Final = 8
"""So that little is left to wait for when most processes have nothing more to do."""
_AHEAD: Final = 4
"""Parts a process that may be scanned before their alerts are taken: bounds what waits in memory."""
_POLL_S: Final = 0.2
"""How often it is asked whether to stop."""


@dataclass(slots=True)
class JobsResult:
    """What became of an input besides its alerts, as one process would say it."""

    count: int = 0
    """Events, skipped ones included."""
    counters: Counter[str] = field(default_factory=Counter)
    """What sources and decoders dropped or refused, by reason."""


@dataclass(slots=True)
class _Part:
    """What was found in a part; alerts are numbered from 1."""

    count: int
    start_ns: int | None
    alerts: list[Alert]
    failures: int
    reports: list[str]
    counters: Counter[str]
    error: FalcoError | None


class _Collected:
    """Takes the alerts of a part."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def emit(self, alert: Alert, *, wait: bool, keep: bool = False) -> None:  # noqa: ARG002  nothing is ever full
        self.alerts.append(alert)

    def settle(self) -> None:
        """Nothing to wait for."""


class _Scanner:
    """Scans one part after another, in this process or in a worker; ``stop`` may come from any thread."""

    def __init__(self, decoder: Decoder[Any, Any], rules: Ruleset[Any]) -> None:
        self._decoder, self._rules = decoder, rules
        self._source: Source[Any] | None = None
        self._is_stopped = False

    def stop(self) -> None:
        """End the part in hand after its batch, and every later one at once."""
        self._is_stopped = True
        if (source := self._source) is not None:
            source.close()

    def scan(self, source: Source[Any]) -> _Part:
        """The whole of a part, or what could be read of it."""
        decoder = self._decoder
        self._source = source
        if self._is_stopped:
            source.close()
        decoder.count, decoder.start_ns = 0, None
        before = Counter(decoder.counters())
        output, reports = _Collected(), list[str]()
        pipeline = Pipeline(source, decoder, self._rules, output, reports.append)
        error: FalcoError | None = None
        try:
            pipeline.run()
        except FalcoError as raised:
            error = raised
        counters = _counters(source, decoder) - before
        return _Part(decoder.count, decoder.start_ns, output.alerts, pipeline.failures, reports, counters, error)


def run_jobs(
    pipeline: Pipeline[Any, Any],
    build: Build,
    *,
    jobs: int,
    parts: int | None = None,
    is_stopped: Callable[[], bool] = lambda: False,
    result: JobsResult | None = None,
) -> JobsResult:
    """Do what ``pipeline.run`` does, in *jobs* processes; a source that does not split is read here alone.

    Args:
        pipeline: Its source is split into picklable parts, its decoder and rules scan some of them here, its output
            gets all alerts in input order, and it counts them.
        build: Run once in each further process.
        jobs: Number of processes, this one included.
        parts: Into how many parts to split; None = eight a process. The alerts of a part wait in memory.
        is_stopped: Asked several times a second, by any thread; True ends the run after the batches in hand.
        result: What is filled and returned, for who wants to know it of a run that fails, too.

    Raises:
        SourceError: A part could not be read, or a process died. What came before that part was emitted, and of an
            unreadable part what could be read.
    """
    result = JobsResult() if result is None else result
    source, decoder, report = pipeline.source, pipeline.decoder, pipeline.report
    split = source.split(parts or _PARTS_A_JOB * jobs)
    if len(split) == 1:
        try:
            pipeline.run()
        finally:
            result.count = decoder.count
            result.counters.update(_counters(source, decoder))
        return result
    start_ns: int | None = None
    scanned = _scan(split, _Scanner(decoder, pipeline.rules), build, jobs, is_stopped)
    try:
        for part in scanned:
            start_ns = part.start_ns if start_ns is None else start_ns
            for alert in part.alerts:
                renumbered = alert.renumbered(result.count, start_ns)
                pipeline.statistics.count(renumbered)
                pipeline.output.emit(renumbered, wait=source.can_wait)
            result.count += part.count
            result.counters.update(part.counters)
            pipeline.failures += part.failures
            for sentence in part.reports:
                report(sentence)
            if part.error is not None:
                raise part.error
            if is_stopped():
                break
    finally:
        scanned.close()
        decoder.report, decoder.count = report, result.count
    return result


def _scan(
    split: Sequence[Source[Any]], here: _Scanner, build: Build, jobs: int, is_stopped: Callable[[], bool]
) -> Generator[_Part, None, None]:
    """The parts in order, until the run is stopped."""
    context = multiprocessing.get_context("spawn")
    work = _Work(split, _AHEAD * jobs)
    workers = [_Worker(context, build, work) for _ in range(min(jobs, len(split)) - 1)]
    try:
        with _watched(is_stopped, (here.stop, work.end)):
            for number in range(len(split)):
                while (part := work.result(number)) is None:
                    mine = work.take(or_result=number)
                    if mine is not None:
                        work.put(mine, here.scan(split[mine]))
                    elif work.is_ended:
                        return
                yield part
    finally:
        work.end()
        for worker in workers:
            worker.close()


class _Work:
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
        self._results: dict[int, _Part] = {}
        self._died = False
        self._changed = threading.Condition()

    def take(self, or_result: int | None = None) -> int | None:
        """The number of a part to scan, as soon as there is one.

        None if there will be none, or first the result of the part *or_result*.
        """
        with self._changed:
            while not (self.is_ended or self._died or or_result in self._results):
                if self._next < len(self.split) and self._next - self._wanted < self._ahead:
                    self._next += 1
                    return self._next - 1
                if self._next >= len(self.split) and or_result is None:
                    return None
                self._changed.wait()
            return None

    def put(self, number: int, part: _Part) -> None:
        """Keep the result of a part."""
        with self._changed:
            self._results[number] = part
            self._changed.notify_all()

    def result(self, number: int) -> _Part | None:
        """The result of a part, whose turn it is, if there is one; it is not kept. Raises if a worker died."""
        with self._changed:
            self._wanted = number
            self._changed.notify_all()
            part = self._results.pop(number, None)
            if part is None and self._died:
                raise SourceError("a scanning process died (killed, or out of memory); try fewer --jobs")
            return part

    def end(self, *, died: bool = False) -> None:
        """Give out no part any more; *died*: because a worker is gone, and what it had with it."""
        with self._changed:
            self._died = self._died or (died and not self.is_ended)
            self.is_ended = self.is_ended or not died
            self._changed.notify_all()


class _Worker:
    """A process that scans parts, and the thread here that hands them over; it may still start when all is done."""

    def __init__(self, context: SpawnContext, build: Build, work: _Work) -> None:
        self._work = work
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, build), daemon=True)
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
        try:
            self._pipe.recv()  # it is ready
            while (number := self._work.take()) is not None:
                self._pipe.send(self._work.split[number])
                self._work.put(number, self._pipe.recv())
        except (EOFError, OSError):  # the process is gone: closed, or killed
            self._work.end(died=True)


def _serve(pipe: Connection, build: Build) -> None:
    """What a worker does, until it is terminated or nobody is there any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all; the first process decides
    scanner = _Scanner(*build())
    with suppress(EOFError, OSError):
        pipe.send(None)
        while True:
            pipe.send(scanner.scan(pipe.recv()))


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


def _counters(source: Source[Any], decoder: Decoder[Any, Any]) -> Counter[str]:
    counters: Mapping[str, int] = source.counters()
    return Counter(counters) + Counter(decoder.counters())
