"""The run itself: event sources through pipelines to output channels, until the sources end or a signal comes."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import structlog

from falco.alerts.statistics import Statistics, losses_text
from falco.cli import channels, first_run
from falco.cli.duration import Limited
from falco.cli.metrics import check_metrics
from falco.cli.process import Process, write_pidfile
from falco.cli.rulebook import Rulebook, build
from falco.cli.selection import check_engine
from falco.cli.session import Session
from falco.config.settings import EngineKind
from falco.errors import FalcoError
from falco.outputs import Dispatcher
from falco.pipeline import Pipeline, run_jobs
from falco.plugins.activation import SYSCALL, EventSource
from falco.sources import Decoder

_log = structlog.get_logger(__name__)

EXIT_PIDFILE = 255
STOP_DEADLINE_S = 5.0
"""After a signal: how long sources may take to end."""


def run(session: Session, rulebook: Rulebook, process: Process | None) -> int:
    """Open what is switched on, run to the end, say what was found, and return the exit code.

    Raises:
        FalcoError: Nothing can be opened, or an event source failed. What was found until then is said before.
    """
    names = session.selected
    if session.is_first_run and not session.options.is_scan:
        session.around.complain(first_run.welcome(session, names))
    outputs = channels.dispatcher(session)
    try:
        if session.options.pidfile and not _write_pidfile(session):
            return EXIT_PIDFILE
        started = Run(session, rulebook, names, outputs)
    except BaseException:
        outputs.close()
        raise
    with process.signals(started) if process is not None else nullcontext():
        try:
            check_metrics(session.settings)
            started.run()
        finally:
            started.close()
            session.around.print(started.statistics().text())
            session.around.complain(losses_text(started.losses()))
            if session.options.verbose:
                session.around.complain(started.rates())
    return 0


def _write_pidfile(session: Session) -> bool:
    name = session.options.pidfile
    try:
        write_pidfile(session.around.cwd / name)
    except OSError:
        _log.error(f"Could not write pid to pidfile {name}. Exiting.")
        return False
    return True


class Run:
    """One run. ``stop`` and ``reopen`` may be called by signal handlers and by any thread."""

    def __init__(self, session: Session, rulebook: Rulebook, names: Sequence[str], dispatcher: Dispatcher) -> None:
        self._session = session
        self._dispatcher = dispatcher
        self._tracks = [
            _Track(session, session.event_sources[name], rulebook, dispatcher) for name in names if self._opens(name)
        ]
        self._stopped = False

    def _opens(self, name: str) -> bool:
        """Whether anything is opened for *name*; says so when not."""
        engine = self._session.settings.engine
        if name != SYSCALL:
            return True
        if engine.kind is EngineKind.NODRIVER:
            _log.info(f"Enabled event source '{name}' will be opened with no driver, no event will be produced")
            return False
        check_engine(self._session.event_sources.get(name), engine)
        return True

    def stop(self, reason: str) -> None:
        """End the sources, then the run."""
        _log.info(f"{reason} received, exiting...")
        self._stopped = True
        for track in self._tracks:
            track.source.close()

    def reopen(self, reason: str) -> None:
        """Have the channels open their files anew."""
        _log.info(f"{reason} received, reopening outputs...")
        self._dispatcher.reopen()

    def run(self) -> None:
        """Run until all sources have ended.

        Raises:
            FalcoError: A source failed; the others were ended.
        """
        failed = threading.Event()
        threads = [
            threading.Thread(target=track.run, args=(failed,), name=f"source {track.name}", daemon=True)
            for track in self._tracks
        ]
        for thread in threads:
            thread.start()
        stopped_at_s = None
        while any(thread.is_alive() for thread in threads):
            for thread in threads:
                thread.join(0.1)  # short, so that signals are handled
            if failed.is_set() and not self._stopped:
                self._stopped = True
                for track in self._tracks:
                    track.source.close()
            if self._stopped:
                stopped_at_s = stopped_at_s or time.monotonic()
                if time.monotonic() - stopped_at_s > STOP_DEADLINE_S:
                    _log.warning("event sources do not end, they are left behind")
                    break
        for track in self._tracks:
            if track.error is not None:
                raise track.error

    def close(self) -> None:
        """Deliver what is queued and close the channels; after a signal only as long as ``output_timeout`` allows."""
        timeout_s = self._session.settings.output_timeout / 1000
        self._dispatcher.close(timeout_s if self._stopped else None)

    def statistics(self) -> Statistics:
        """Alerts of all sources."""
        total = Statistics()
        for track in self._tracks:
            total += track.statistics
        return total

    def losses(self) -> list[tuple[str, Mapping[str, int]]]:
        """What was refused by sources and lost by channels."""
        lost: list[tuple[str, Mapping[str, int]]] = [(track.name, track.counters()) for track in self._tracks]
        lost += [(name, {"alerts dropped, queue full": number}) for name, number in self._dispatcher.dropped.items()]
        lost += [(name, {"alerts lost": number}) for name, number in self._dispatcher.lost.items()]
        return lost

    def rates(self) -> str:
        """What ``-v`` adds at the end."""
        return "".join(track.rate() for track in self._tracks)


class _Track:
    """One event source on its way through a pipeline."""

    def __init__(self, session: Session, source: EventSource, rulebook: Rulebook, dispatcher: Dispatcher) -> None:
        self.name = source.name
        self.error: FalcoError | None = None
        self.statistics = Statistics()
        self._session = session
        self._dispatcher = dispatcher
        self.source = session.open_source(source.name)
        self._rulebook = rulebook
        self._event_source = source
        self._count = 0
        self._failures = 0
        self._counters: Mapping[str, int] = {}
        self._elapsed_s = 0.0
        self._decoder: Decoder[Any, Any] | None = None

    def run(self, failed: threading.Event) -> None:
        """Run to the end of the source, on this thread."""
        started_s = time.monotonic()
        try:
            if self._session.options.jobs > 1:
                self._run_jobs()
            else:
                self._run_here()
        except FalcoError as error:
            self.error = error
            failed.set()
        except Exception as error:  # noqa: BLE001  a fault of one source must end the run with a sentence
            _log.error(f"{self.name}: {type(error).__name__}: {error}", exc_info=True)
            self.error = FalcoError(f"event source '{self.name}' failed: {type(error).__name__}: {error}")
            failed.set()
        self._elapsed_s = time.monotonic() - started_s

    def _run_here(self) -> None:
        decoder = self._event_source.decoder_type()
        rules = self._rulebook.ruleset(self.name, decoder)
        used: Decoder[Any, Any] = decoder
        if self._session.options.duration_s:
            used = Limited(decoder, self._session.options.duration_s, self.source.close)
            decoder.report = self._session.report
        pipeline: Pipeline[Any, Any] = Pipeline(self.source, used, rules, self._dispatcher, self._session.report)
        self.statistics = pipeline.statistics
        self._decoder = decoder
        try:
            pipeline.run()
        finally:
            self._count, self._failures = decoder.count, pipeline.failures
            self.source.close()

    def _run_jobs(self) -> None:
        make = partial(build, self._rulebook.recipe(), self.name)
        result = run_jobs(
            self.source, make, self._dispatcher, jobs=self._session.options.jobs, report=self._session.report
        )
        self.statistics, self._count, self._failures = result.statistics, result.count, result.failures
        self._counters = result.counters

    def counters(self) -> Mapping[str, int]:
        """What was not looked at, by reason."""
        counted = Counter(self._counters)
        if self._decoder is not None:
            counted += Counter(self.source.counters()) + Counter(self._decoder.counters())
        return counted + Counter({"events that could not be evaluated": self._failures})

    def rate(self) -> str:
        """One line about speed."""
        rate = self._count / self._elapsed_s if self._elapsed_s else 0.0
        return f"({self.name}) Elapsed time: {self._elapsed_s:.3f}, Captured Events: {self._count}, {rate:.2f} eps\n"
