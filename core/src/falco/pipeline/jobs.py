"""One input in several processes: alerts in input order and numbered as one process would.

Workers are spawned and build their own decoder and ruleset, so nothing but sources, which are small descriptions of a
part, and alerts, which are values, crosses between processes.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from falco.alerts.statistics import Statistics
from falco.errors import FalcoError, SourceError
from falco.pipeline.pipeline import Emitter, Pipeline

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from falco.alerts import Alert
    from falco.ruleset import Ruleset
    from falco.sources import Decoder, Source

Build: TypeAlias = "Callable[[], tuple[Decoder[Any, Any], Ruleset[Any]]]"
"""Makes a decoder and the ruleset; picklable, for example a ``functools.partial`` over paths and options."""
_PARTS_A_JOB: Final = 4
"""So that a slow part at the end leaves few processes idle."""
_AHEAD: Final = 2
"""Parts a process that may be done before their alerts are taken: bounds what waits in memory."""
_LOOK_S: Final = 0.1
"""Between two looks whether the run is stopped, while no part is ready."""


@dataclass(slots=True)
class JobsResult:
    """What became of an input, as one process would say it."""

    count: int = 0
    """Events, skipped ones included."""
    failures: int = 0
    """Events whose evaluation raised."""
    statistics: Statistics = field(default_factory=Statistics)
    counters: Counter[str] = field(default_factory=Counter)
    """What sources and decoders dropped or refused, by reason."""


@dataclass(slots=True)
class _Part:
    """What a worker found in its part; alerts are numbered from 1."""

    count: int
    start_ns: int | None
    alerts: list[Alert]
    failures: int
    reports: list[str]
    counters: dict[str, int]
    error: FalcoError | None


class _Collected:
    """Takes the alerts of a part."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def emit(self, alert: Alert, *, wait: bool, keep: bool = False) -> None:  # noqa: ARG002  nothing is ever full
        self.alerts.append(alert)

    def settle(self) -> None:
        """Nothing to wait for."""


def run_jobs(
    source: Source[Any],
    build: Build,
    output: Emitter,
    *,
    jobs: int,
    report: Callable[[str], None],
    parts: int | None = None,
    is_stopped: Callable[[], bool] = lambda: False,
    result: JobsResult | None = None,
) -> JobsResult:
    """Scan the parts of *source* in *jobs* processes; alerts go to *output* in input order.

    A source that does not split is scanned in this process.

    Args:
        source: Its ``split`` must give picklable parts.
        build: Run once in each worker.
        output: Takes the alerts.
        jobs: Number of processes.
        report: Takes a sentence for the log.
        parts: Into how many parts to split; None = four a process. The alerts of a part wait in memory.
        is_stopped: Asked after each part and while none is ready; True ends the run there and the parts that are being
            scanned.
        result: What is filled and returned, for who wants to know it also of a run that fails.

    Raises:
        SourceError: A part could not be read, or a process died. What came before that part was emitted, and of an
            unreadable part what could be read.
    """
    result = JobsResult() if result is None else result
    split = source.split(parts or _PARTS_A_JOB * jobs)
    if len(split) == 1:
        _scan_here(split[0], build, output, report, result)
        return result
    start_ns: int | None = None
    for part in _scan(split, build, jobs, is_stopped):
        start_ns = part.start_ns if start_ns is None else start_ns
        for alert in part.alerts:
            renumbered = alert.renumbered(result.count, start_ns)
            result.statistics.count(renumbered)
            output.emit(renumbered, wait=source.can_wait)
        result.count += part.count
        result.failures += part.failures
        result.counters.update(part.counters)
        for sentence in part.reports:
            report(sentence)
        if part.error is not None:
            raise part.error
        if is_stopped():
            break
    return result


def _scan_here(
    source: Source[Any], build: Build, output: Emitter, report: Callable[[str], None], result: JobsResult
) -> None:
    decoder, rules = build()
    pipeline = Pipeline(source, decoder, rules, output, report)
    pipeline.statistics = result.statistics
    try:
        pipeline.run()
    finally:
        result.count, result.failures = decoder.count, pipeline.failures
        result.counters.update(_counters(source, decoder))


def _scan(split: Sequence[Source[Any]], build: Build, jobs: int, is_stopped: Callable[[], bool]) -> Iterator[_Part]:
    """The parts in order, a bounded number of them ahead, until the run is stopped."""
    context = multiprocessing.get_context("spawn")
    count = min(jobs, len(split))
    # A pipe whose end tells the workers to stop: Event.set() would wait for ever for a worker that has died.
    stopped, stop = context.Pipe(duplex=False)
    with (
        stopped,
        ProcessPoolExecutor(count, mp_context=context, initializer=_start, initargs=(build, stopped)) as pool,
    ):
        running: deque[Future[_Part]] = deque()
        waiting = iter(split)
        try:
            running.extend(pool.submit(_scan_part, part) for part in islice(waiting, _AHEAD * jobs))
            while running:
                while not wait((running[0],), timeout=_LOOK_S).done:
                    if is_stopped():
                        return
                part = running.popleft().result()
                running.extend(pool.submit(_scan_part, part) for part in islice(waiting, 1))
                yield part
        except BrokenProcessPool as error:
            raise SourceError("a scanning process died (killed, or out of memory); try fewer --jobs") from error
        finally:
            stop.close()
            pool.shutdown(wait=False, cancel_futures=True)


_built: list[tuple[Decoder[Any, Any], Ruleset[Any]]] = []
"""In a worker process: what ``_start`` made."""
_scanned: list[Source[Any]] = []
"""In a worker process: the part that is being scanned."""


def _start(build: Build, stopped: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all; the parent decides
    _built.append(build())
    threading.Thread(target=_close, args=(stopped,), name="stop", daemon=True).start()


def _close(stopped: Connection) -> None:
    """End the part that is being scanned once nobody waits for it, and those that were queued already."""
    with suppress(EOFError, OSError):  # the end is all that ever comes
        stopped.recv_bytes()
    while True:
        for source in _scanned:
            source.close()
        time.sleep(_LOOK_S)


def _scan_part(source: Source[Any]) -> _Part:
    ((decoder, rules),) = _built
    decoder.count, decoder.start_ns = 0, None
    before = Counter(decoder.counters())
    output, reports = _Collected(), list[str]()
    pipeline = Pipeline(source, decoder, rules, output, reports.append)
    _scanned[:] = [source]
    error: FalcoError | None = None
    try:
        pipeline.run()
    except FalcoError as raised:
        error = raised
    counters = Counter(_counters(source, decoder))
    counters.subtract(before)
    return _Part(decoder.count, decoder.start_ns, output.alerts, pipeline.failures, reports, dict(counters), error)


def _counters(source: Source[Any], decoder: Decoder[Any, Any]) -> Mapping[str, int]:
    return Counter(source.counters()) + Counter(decoder.counters())
