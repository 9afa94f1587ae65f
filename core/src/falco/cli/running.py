"""The run itself: event sources through pipelines to output channels, until the sources end or a signal comes."""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Final

import structlog

from falco import log
from falco.alerts import internal
from falco.alerts.statistics import Statistics, drops_text, losses_text
from falco.cli import channels, first_run
from falco.cli.metrics import check_metrics
from falco.cli.process import Process, Requests, pidfile
from falco.cli.reloading import Reload, reload, watched
from falco.cli.rulebook import Rulebook
from falco.cli.selection import check_engine
from falco.cli.session import Session
from falco.cli.track import Track
from falco.cli.unselected import warn_of_unselected
from falco.cli.versions import falco_version
from falco.cli.watch import Watch
from falco.config.settings import EngineKind
from falco.errors import FalcoError, SourceError
from falco.outputs import Dispatcher
from falco.plugins.activation import SYSCALL
from falco.rules.model import Priority

_log = structlog.get_logger(__name__)

EXIT_PIDFILE: Final = 255
STOP_DEADLINE_S: Final = 5.0
"""After a signal: how long sources may take to end."""
LOOK_S: Final = 1.0
"""Between two looks at the files of configuration and rules."""


def run(session: Session, rulebook: Rulebook, process: Process | None) -> int:
    """Open what is switched on, run to the end, say what was found, and return the exit code.

    After a reload that changes more than rules everything is opened anew, as upstream does for every reload.

    Raises:
        FalcoError: Nothing can be opened, or an event source failed. What was found until then is said before.
    """
    if session.is_first_run:
        session.around.complain(first_run.welcome(session, session.selected))
    if session.settings.log_syslog and not session.settings.log_stderr and not log.has_syslog():
        session.around.complain(
            "The log is lost: it goes to syslog alone (log_syslog), and no syslog daemon listens here; "
            "set log_stderr: true\n"
        )
    warn_of_unselected(session, rulebook.rules)
    requests = Requests()
    with ExitStack() as stack:
        if process is not None:
            stack.enter_context(process.signals(requests))
        name = session.options.pidfile
        try:
            if name:
                stack.enter_context(pidfile(session.around.cwd / name))
        except OSError as error:
            _log.error(f"Could not write pid to pidfile {name}. Exiting. ({error.strerror})")
            return EXIT_PIDFILE
        following: Session | None = session
        while following is not None:
            session = following
            following = _run_once(session, rulebook, requests)
            if following is not None:
                rulebook = Rulebook.of(following)
    return 0


def _run_once(session: Session, rulebook: Rulebook, requests: Requests) -> Session | None:
    """One run; the session to go on with after a restart, None at the end."""
    started = Run(session, rulebook, requests, channels.dispatcher(session))
    _announce(session, rulebook)
    try:
        check_metrics(session.configuration)
        started.run()
    finally:
        started.close()
        session.around.complain(losses_text(started.losses()))  # first: standard output may be what lost them
        session.around.print(started.statistics().text())
        session.around.complain(started.drops())
        if session.options.verbose:
            session.around.complain(started.rates())
    return Session(session.options, session.around) if started.is_to_restart else None


def _announce(session: Session, rulebook: Rulebook) -> None:
    """Say in the log what runs, by which rules, over what."""
    _log.info(f"Falco version: {falco_version()} ({platform.machine()})")
    _log.info("\n".join(("Loading rules from:", *(text.name for text in rulebook.texts))))
    _log.info(f"Loaded event sources: {', '.join(session.event_sources)}")
    _log.info(f"Enabled event sources: {', '.join(session.selected)}")


class Run:
    """One run. ``stop``, ``reopen`` and ``reload`` are asked for through *requests*."""

    def __init__(self, session: Session, rulebook: Rulebook, requests: Requests, dispatcher: Dispatcher) -> None:
        self._session = session
        self._rulebook = rulebook
        self._requests = requests
        self._dispatcher = dispatcher
        self._tracks: list[Track] = []
        self._refusals: list[tuple[str, FalcoError]] = []
        """Event sources that cannot even be made, and why."""
        self._gate = threading.Barrier(1)
        self._is_stopped = False
        """Whether a signal has asked for the end."""
        self._ended_at_s: float | None = None
        """When the sources were told to end, or had ended."""
        self._watch = Watch(watched(session)) if session.settings.watch_config_files else None
        self._looked_at_s = time.monotonic()
        self.is_to_restart = False

    def run(self) -> None:
        """Run until all sources have ended.

        Raises:
            FalcoError: Sources failed; the others were ended, or not begun where one could not be opened.
        """
        failed = threading.Event()
        self._make_tracks()
        self._gate = threading.Barrier(max(1, len(self._tracks)))
        if self._refusals:
            self._gate.abort()
        threads = [
            threading.Thread(target=track.run, args=(failed, self._gate), name=f"source {track.name}", daemon=True)
            for track in self._tracks
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            for thread in threads:
                thread.join(0.1)  # short, so that requests are answered
            self._requests.answer(self)
            if failed.is_set():
                self._end_sources()
            if self._ended_at_s is not None and time.monotonic() - self._ended_at_s > STOP_DEADLINE_S:
                _log.warning("event sources do not end, they are left behind")
                break
            self._look()
        self._ended_at_s = self._ended_at_s or time.monotonic()
        self._raise_failures()

    def close(self) -> None:
        """Deliver what is queued and close the channels; after a signal only as long as ``output_timeout`` allows."""
        self._dispatcher.close(self._must_end)

    def stop(self, reason: str) -> None:
        """End the sources, then the run."""
        _log.info(f"{reason} received, exiting...")
        self._is_stopped, self.is_to_restart = True, False
        self._end_sources()

    def reopen(self, reason: str) -> None:
        """Have the channels open their files anew."""
        _log.info(f"{reason} received, reopening outputs...")
        self._dispatcher.reopen()

    def reload(self, reason: str) -> None:
        """Take over what has changed in the files."""
        self._reload(f"{reason} received, restarting...")

    def _make_tracks(self) -> None:
        """Make what is to be opened; nothing is open yet."""
        session = self._session
        for name in session.selected:
            try:
                if self._opens(name):
                    self._tracks.append(Track(session, session.event_sources[name], self._rulebook, self._dispatcher))
            except FalcoError as error:
                self._refusals.append((name, error))

    def _opens(self, name: str) -> bool:
        """Whether anything is opened for *name*; says so when not."""
        engine = self._session.settings.engine
        if name != SYSCALL:
            plugin = self._session.event_sources[name].plugin
            _log.info(f"Opening '{name}' source with plugin '{plugin.alias or plugin.info.name}'")
            return True
        if engine.kind is EngineKind.NODRIVER:
            _log.info(f"Enabled event source '{name}' will be opened with no driver, no event will be produced")
            return False
        check_engine(self._session.event_sources.get(name), engine)
        return True

    def _raise_failures(self) -> None:
        failures = [*self._refusals, *((track.name, track.error) for track in self._tracks if track.error is not None)]
        if len(failures) == 1:
            raise failures[0][1]
        if failures:
            raise SourceError("; ".join(f"event source '{name}': {error}" for name, error in failures))

    def _must_end(self) -> bool:
        """Whether a signal has asked for the end, now too that only the channels are at work."""
        self._requests.answer(self)
        return self._is_stopped

    def statistics(self) -> Statistics:
        """Alerts of all sources."""
        total = Statistics()
        for track in self._tracks:
            total += track.statistics
        return total

    def losses(self) -> list[tuple[str, Mapping[str, int]]]:
        """What was refused by sources and lost by channels."""
        lost: list[tuple[str, Mapping[str, int]]] = [(track.name, track.counters()) for track in self._tracks]
        lost += [(name, {"alerts dropped": number}) for name, number in self._dispatcher.dropped.items()]
        lost += [(name, {"alerts lost": number}) for name, number in self._dispatcher.lost.items()]
        return lost

    def drops(self) -> str:
        """What was noticed of events that the kernel dropped; "" if none of the sources is about system calls."""
        watching = [track.drops for track in self._tracks if track.drops is not None]
        return "".join(drops_text(drops.occurrences, drops.actions) for drops in watching)

    def rates(self) -> str:
        """What ``-v`` adds at the end."""
        return "".join(track.rate() for track in self._tracks)

    def _end_sources(self) -> None:
        """End them, if nobody has done so already."""
        if self._ended_at_s is None:
            self._ended_at_s = time.monotonic()
            self._gate.abort()
            for track in self._tracks:
                track.stop()

    def _look(self) -> None:
        """Reload if files have changed."""
        now_s = time.monotonic()
        if self._watch is None or now_s - self._looked_at_s < LOOK_S:
            return
        self._looked_at_s = now_s
        if self._watch.has_changed():
            self._reload("files have changed, restarting...")

    def _reload(self, sentence: str) -> None:
        """Load everything beside what runs, then take it over; if it cannot be loaded, go on and say so."""
        if self._ended_at_s is not None:
            return
        try:
            loaded = reload(self._session)
        except FalcoError as error:
            _log.error(f"reload failed, the run goes on as it was: {error}")
            alert = internal.alert(internal.RELOAD_FAILURE, Priority.CRITICAL, str(error), {}, time.time_ns())
            self._dispatcher.emit(alert, wait=False)
            return
        _log.info(sentence)
        self._take(loaded)

    def _take(self, loaded: Reload) -> None:
        if loaded.has_same_surroundings and self._session.options.jobs == 1:
            for track in self._tracks:
                track.take(loaded.rulebook)
            self._session = loaded.session
            self._watch = Watch(watched(loaded.session)) if self._watch is not None else None
        else:
            self.is_to_restart = True
            self._end_sources()
