"""One input in several processes: alerts in input order and numbered as one process would.

This process is one of them: it scans parts while the others are still starting.  They are spawned and build their own
decoder and ruleset, so nothing but sources, which are small descriptions of a part, and alerts, which are values,
crosses between processes.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from falco.errors import FalcoError, SourceError
from falco.pipeline.pipeline import Pipeline

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from falco.alerts import Alert
    from falco.ruleset import Ruleset
    from falco.sources import Decoder, Source

Build: TypeAlias = "Callable[[], tuple[Decoder[Any, Any], Ruleset[Any]]]"
"""Makes a decoder and the ruleset in another process; picklable, such as a ``functools.partial`` over paths."""
_PARTS_A_JOB: Final = 8
"""So that little is left to wait for when most processes have nothing more to do."""
_QUEUED: Final = 2
"""Parts a worker has been given and not finished: one in hand and one to go on with."""
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
    """The parts in order, a bounded number of them ahead."""
    waiting = deque(split)
    ordered: deque[Future[_Part]] = deque()
    context = multiprocessing.get_context("spawn")
    # Closing one end of a pipe stops all workers, however many there are and whatever became of them.
    ending, running = context.Pipe(duplex=False)
    workers = min(jobs, len(split)) - 1
    with (
        ending,
        running,
        _watched(is_stopped, running, here),
        ProcessPoolExecutor(max(workers, 1), context, _start, (build, ending)) as pool,
    ):
        try:
            while waiting or ordered:
                if ordered and (ordered[0].done() or not waiting or len(ordered) >= _AHEAD * jobs):
                    yield ordered.popleft().result()
                    continue
                mine, part = Future[_Part](), waiting.popleft()
                given = sum(not future.done() for future in ordered)
                ordered.append(mine)
                while waiting and given < _QUEUED * workers:
                    ordered.append(pool.submit(_scan_part, waiting.popleft()))
                    given += 1
                mine.set_result(here.scan(part))
        except BrokenProcessPool as error:
            raise SourceError("a scanning process died (killed, or out of memory); try fewer --jobs") from error
        finally:
            running.close()
            pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _watched(is_stopped: Callable[[], bool], running: Connection, here: _Scanner) -> Iterator[None]:
    """While in it, stop all processes as soon as *is_stopped*."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_POLL_S):
            if is_stopped():
                running.close()
                here.stop()
                return

    thread = threading.Thread(target=watch, name="jobs watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


_scanners: list[_Scanner] = []
"""In a worker process: the one that ``_start`` made."""


def _start(build: Build, ending: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all; the first process decides
    scanner = _Scanner(*build())
    _scanners.append(scanner)

    def watch() -> None:
        with suppress(OSError):  # how some platforms say that the other end is closed
            ending.poll(None)
        scanner.stop()

    threading.Thread(target=watch, name="jobs watch", daemon=True).start()


def _scan_part(source: Source[Any]) -> _Part:
    (scanner,) = _scanners
    return scanner.scan(source)


def _counters(source: Source[Any], decoder: Decoder[Any, Any]) -> Counter[str]:
    counters: Mapping[str, int] = source.counters()
    return Counter(counters) + Counter(decoder.counters())
