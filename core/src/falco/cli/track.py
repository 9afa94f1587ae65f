"""One event source on its way: source, decoder, rules, outputs, on a thread of its own."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any

import structlog

from falco.alerts.statistics import Statistics
from falco.cli.drops import DROPS, EVENTS, DropMonitor, Watched
from falco.cli.duration import Limited, ending_after
from falco.cli.recording import Recording
from falco.cli.rulebook import Rulebook, build
from falco.cli.session import Session
from falco.errors import FalcoError
from falco.pipeline import Emitter, JobsResult, Pipeline, run_jobs
from falco.plugins.activation import SYSCALL, EventSource
from falco.sources import Decoder, InputStream

_log = structlog.get_logger(__name__)


class Track:
    """One event source of a run; ``run`` on its thread, everything else on the main one.

    Attributes:
        drops: Watches what the kernel drops; None for sources that are not about system calls.
    """

    def __init__(
        self,
        session: Session,
        source: EventSource,
        rulebook: Rulebook,
        output: Emitter,
        *,
        where: str | None = None,
        stream: InputStream | None = None,
    ) -> None:
        self.name = source.name
        self.error: FalcoError | None = None
        self.statistics = Statistics()
        self._session = session
        self._output = output
        self.source = session.open_source(source.name, where, stream)
        self.source.report = session.report
        self.drops: DropMonitor | None = None
        if source.name == SYSCALL and not session.options.is_scan:
            self.drops = DropMonitor(session.settings.syscall_event_drops, self.source.kernel_counters, output)
        self._is_stopped = False
        self._rulebook = rulebook
        self._event_source = source
        self._count = 0
        self._failures = 0
        self._counters: Counter[str] = Counter()
        self._elapsed_s = 0.0
        self._decoder: Decoder[Any, Any] | None = None
        self._pipeline: Pipeline[Any, Any] | None = None

    def take(self, rulebook: Rulebook) -> None:
        """Use other rules from the next batch on. They are warmed first: no event waits for them to be compiled."""
        self._rulebook = rulebook
        pipeline, decoder = self._pipeline, self._decoder
        if pipeline is None or decoder is None:
            return
        rules = rulebook.ruleset(self.name, decoder)
        rules.warm(pipeline.rules)
        pipeline.rules = rules

    def stop(self) -> None:
        """End ``run`` after the batch, or the part, in hand."""
        self._is_stopped = True
        self.source.close()

    @property
    def count(self) -> int:
        """Events so far; with several processes only at the end."""
        return self._count if self._decoder is None else self._decoder.count

    def run(self, failed: threading.Event, gate: threading.Barrier) -> None:
        """Run to the end of the source, on this thread.

        Args:
            failed: Set when the source fails.
            gate: Passed when all sources of the run are open; broken when one of them refuses, or the run is stopped.
        """
        started_s = time.monotonic()
        try:
            self._open(gate)
            with ending_after(self._session.options.duration_s, self.stop):
                if self._uses_jobs():
                    self._run_jobs()
                else:
                    self._run_here()
        except threading.BrokenBarrierError:
            self._release()
        except FalcoError as error:
            self.error = error
            failed.set()
        except Exception as error:  # noqa: BLE001  a fault of one source must end the run with a sentence
            _log.error(f"{self.name}: {type(error).__name__}: {error}", exc_info=True)
            self.error = FalcoError(f"event source '{self.name}' failed: {type(error).__name__}: {error}")
            failed.set()
        self._elapsed_s = time.monotonic() - started_s

    def _open(self, gate: threading.Barrier) -> None:
        """Open the source and wait for the others."""
        try:
            self.source.open()
        except BaseException:
            gate.abort()
            raise
        gate.wait()

    def _release(self) -> None:
        """Let go what was opened and is not read here."""
        self.source.close()
        for _ in self.source.batches():
            pass

    def _uses_jobs(self) -> bool:
        """Whether several processes do the work; says so if they were asked for and do not."""
        options = self._session.options
        if options.jobs <= 1:
            return False
        reason = "-M looks at events in order" if options.duration_s else ""
        reason = "captures are written by one process" if self._session.settings.capture.enabled else reason
        reason = "system calls change what later ones mean" if self.drops is not None else reason
        if reason:
            _log.warning(f"{self.name}: one process does the work of {options.jobs}: {reason}")
        return not reason

    def _run_here(self) -> None:
        decoder = self._event_source.decoder_type()
        rules = self._rulebook.ruleset(self.name, decoder)
        used: Decoder[Any, Any] = decoder
        if self.drops is not None:
            used = Watched(used, self.drops)
        if self._session.options.duration_s:
            used = Limited(used, self._session.options.duration_s, self.source.close)
        decoder.report = self._session.report
        recording = Recording(self._session, decoder, self._output)
        pipeline: Pipeline[Any, Any] = Pipeline(
            self.source, used, rules, self._output, self._session.report, alerted=recording.alerted
        )
        self.statistics = pipeline.statistics
        self._decoder, self._pipeline = decoder, pipeline
        try:
            pipeline.run()
        finally:
            self._failures = pipeline.failures
            self.source.close()
            recording.close()

    def _run_jobs(self) -> None:
        decoder = self._event_source.decoder_type()
        rules = self._rulebook.ruleset(self.name, decoder)
        pipeline: Pipeline[Any, Any] = Pipeline(self.source, decoder, rules, self._output, self._session.report)
        self.statistics, self._pipeline = pipeline.statistics, pipeline
        make = partial(build, self._rulebook.recipe(), self.name)
        result = JobsResult(counters=self._counters)
        jobs = self._session.options.jobs
        try:
            run_jobs(pipeline, make, jobs=jobs, is_stopped=lambda: self._is_stopped, result=result)
        finally:
            self._count, self._failures = result.count, pipeline.failures
            self._release()

    def counters(self) -> Mapping[str, int]:
        """What was not looked at, by reason."""
        counted = self._counters.copy()
        if self._decoder is not None:
            counted += Counter(self.source.counters()) + Counter(self._decoder.counters())
        return counted + Counter({"events that could not be evaluated": self._failures})

    def rate(self) -> str:
        """What ``-v`` tells: the kernel's counters, and one line about speed."""
        count = self.count
        rate = count / self._elapsed_s if self._elapsed_s else 0.0
        kernel = ""
        if self.drops is not None:
            counted = self.source.kernel_counters()
            kernel = f"Driver Events:{counted.get(EVENTS, count)}\nDriver Drops:{counted.get(DROPS, 0)}\n"
        text = f"{kernel}({self.name}) Elapsed time: {self._elapsed_s:.3f}, Captured Events: {count}, {rate:.2f} eps\n"
        if self._pipeline is not None and (number := self._pipeline.rules.undispatched):
            text += f"({self.name}) Kinds of events decided by all rules: {number}\n"
        return text
